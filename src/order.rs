//! Which of several requests goes first where all are made at once.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// How often the runtime goes round before the future gets its turn: a connection that was just made takes
/// two rounds to send its first request.
const ROUNDS: u32 = 3;

/// Lets whatever can go on now go on before this future does, each time that it is woken. Joined with one
/// that is not behind, it waits for nothing but the processor: the other's handshake is worked off and its
/// request is on its way before this one's handshake begins.
pub(super) async fn behind<F: Future>(future: F) -> F::Output {
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
            () = behind(second) => {}
        }
        assert_eq!(*steps.borrow(), ["first", "first", "second", "second"]);
    }
}
