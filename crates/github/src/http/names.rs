//! Names to addresses, by the system.

use std::collections::HashMap;
use std::io::Error;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Asks the system once for a name that several connections are opened to at the same time: each
/// question takes a thread. No answer is kept, so that a new attempt finds a new address.
#[derive(Default)]
pub(super) struct Names {
    asked: Mutex<HashMap<String, WeakShared<Answer>>>,
}

type Answer = BoxFuture<'static, Result<Vec<SocketAddr>, Arc<Error>>>;

impl Names {
    /// The question that others wait for the answer of, or a new one.
    fn question(&self, name: &str) -> Shared<Answer> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(question) = asked.get(name).and_then(WeakShared::upgrade) {
            return question;
        }
        let question = ask(name.to_owned()).boxed().shared();
        if let Some(weak) = question.downgrade() {
            asked.insert(name.to_owned(), weak);
        }
        question
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let question = self.question(name.as_str());
        Box::pin(async move {
            match question.await {
                Ok(addresses) => Ok(Box::new(addresses.into_iter()) as Addrs),
                Err(error) => Err(error.into()),
            }
        })
    }
}

async fn ask(name: String) -> Result<Vec<SocketAddr>, Arc<Error>> {
    // The port is the URL's.
    let question = move || (name.as_str(), 0).to_socket_addrs();
    let answer = tokio::task::spawn_blocking(question).await;
    let answer = answer.unwrap_or_else(|error| Err(Error::other(error)));
    answer.map(Iterator::collect).map_err(Arc::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_is_asked_for_once_at_a_time() {
        let names = Names::default();
        let (first, second) = (names.question("localhost"), names.question("localhost"));
        assert!(first.ptr_eq(&second));
        assert!(!first.ptr_eq(&names.question("127.0.0.1")));
        for address in first.await.unwrap() {
            assert!(address.ip().is_loopback());
        }
        assert!(!second.await.unwrap().is_empty());
        assert!(names.asked.lock().unwrap()["localhost"].upgrade().is_none());
        names.question("no.such.name.invalid").await.unwrap_err();
    }
}
