//! Priority of concurrent requests.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// Number of rounds of the runtime before the future gets its turn. A new connection needs two rounds to send its
/// first request.
const ROUNDS: u32 = 3;

/// Polls a future, each time it wakes, after all other futures that are ready. Joined with another future, it
/// waits for the processor only: the other finishes its handshake and sends its request before this one starts
/// its handshake.
pub(super) async fn low_priority<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut round = 0;
    poll_fn(|context| {
        if round < ROUNDS {
            round += 1;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        round = 0;
        future.as_mut().poll(context)
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tokio::task::yield_now;

    use super::*;

    #[tokio::test]
    async fn what_is_behind_goes_on_when_the_other_waits() {
        let steps = RefCell::new(Vec::new());
        let step = |name| steps.borrow_mut().push(name);
        let first = async {
            step("first");
            // As a connection: made, then taken over by a task, then written to.
            yield_now().await;
            _ = tokio::spawn(yield_now()).await;
            step("first");
            std::future::pending::<()>().await;
        };
        let second = async {
            step("second");
            yield_now().await;
            step("second");
        };
        tokio::select! {
            biased;
            () = first => {}
            () = low_priority(second) => {}
        }
        assert_eq!(*steps.borrow(), ["first", "first", "second", "second"]);
    }
}
