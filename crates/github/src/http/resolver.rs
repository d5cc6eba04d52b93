//! DNS with the system's resolver.

use std::collections::HashMap;
use std::io::Error;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Resolves a name once for all connections that open at the same time, because each lookup takes a thread.
/// It caches no result, so that a new attempt finds a new address.
#[derive(Default)]
pub(super) struct Resolver {
    pending: Mutex<HashMap<String, WeakShared<Lookup>>>,
}

type Lookup = BoxFuture<'static, Result<Vec<SocketAddr>, Arc<Error>>>;

impl Resolver {
    /// Returns the pending lookup of a name, or starts one.
    fn lookup(&self, name: &str) -> Shared<Lookup> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lookup) = pending.get(name).and_then(WeakShared::upgrade) {
            return lookup;
        }
        let lookup = look_up(name.to_owned()).boxed().shared();
        if let Some(weak) = lookup.downgrade() {
            pending.insert(name.to_owned(), weak);
        }
        lookup
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let lookup = self.lookup(name.as_str());
        Box::pin(async move {
            match lookup.await {
                Ok(addresses) => Ok(Box::new(addresses.into_iter()) as Addrs),
                Err(error) => Err(error.into()),
            }
        })
    }
}

async fn look_up(name: String) -> Result<Vec<SocketAddr>, Arc<Error>> {
    // reqwest sets the URL's port.
    let lookup = move || (name.as_str(), 0).to_socket_addrs();
    let addresses = tokio::task::spawn_blocking(lookup).await;
    let addresses = addresses.unwrap_or_else(|error| Err(Error::other(error)));
    addresses.map(Iterator::collect).map_err(Arc::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn concurrent_lookups_of_a_name_are_shared() {
        let resolver = Resolver::default();
        let (first, second) = (resolver.lookup("localhost"), resolver.lookup("localhost"));
        assert!(first.ptr_eq(&second));
        assert!(!first.ptr_eq(&resolver.lookup("127.0.0.1")));
        for address in first.await.unwrap() {
            assert!(address.ip().is_loopback());
        }
        assert!(!second.await.unwrap().is_empty());
        assert!(
            resolver.pending.lock().unwrap()["localhost"]
                .upgrade()
                .is_none()
        );
        resolver.lookup("no.such.name.invalid").await.unwrap_err();
    }
}
