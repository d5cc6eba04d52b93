//! Keeps the issuer's keys: fetched on a schedule, and asked for again when a token names an unknown one.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;

use crate::log;
use crate::metrics::{Metrics, Refresh};
use github::FetchKeysError;
use token::KeySet;

/// Time between two scheduled fetches. GitHub publishes a key long before it signs with it.
const EVERY: Duration = Duration::from_secs(10 * 60);
/// Minimum time between two fetches because of unknown keys: anyone can make up the name of a key.
const COOLDOWN: Duration = Duration::from_secs(60);
/// Pauses between failed scheduled fetches.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(60);
/// Maximum number of requests that wait for a fetch because of unknown keys, so that these cannot use up the
/// connections.
const WAITING: usize = 64;
/// Age at which keys no longer count: by then, a key that the issuer revoked must not verify anything.
const MAX_AGE: Duration = Duration::from_secs(60 * 60);

/// Fetches the issuer's keys.
pub trait FetchKeys: Send + Sync + 'static {
    /// Returns the current set.
    fn fetch(&self) -> impl Future<Output = Result<KeySet, FetchKeysError>> + Send;
}

/// The keys, shared by all requests.
#[derive(Debug)]
pub struct KeyStore<F> {
    source: F,
    current: ArcSwapOption<Fetched>,
    /// Last fetch because of an unknown key. The lock makes all requests wait for one fetch.
    asked: Mutex<Option<Asked>>,
    waiting: Semaphore,
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
struct Fetched {
    keys: KeySet,
    at: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    at: Instant,
    succeeded: bool,
}

/// Keys for a token with an unknown key.
#[derive(Debug)]
pub enum Renewed {
    /// A set that is newer than the one without the key, or as new as the cooldown allows.
    Keys(KeySetGuard),
    /// The issuer could not be asked, so nobody knows whether the key exists.
    Unavailable,
}

/// A key set in use.
#[derive(Debug)]
pub struct KeySetGuard(Arc<Fetched>);

impl std::ops::Deref for KeySetGuard {
    type Target = KeySet;

    fn deref(&self) -> &KeySet {
        &self.0.keys
    }
}

impl<F: FetchKeys> KeyStore<F> {
    /// Creates an empty store.
    pub fn new(source: F, metrics: Arc<Metrics>) -> Self {
        Self {
            source,
            current: ArcSwapOption::empty(),
            asked: Mutex::new(None),
            waiting: Semaphore::new(WAITING),
            metrics,
        }
    }

    /// Returns the keys, unless they are too old or were never fetched.
    pub fn current(&self) -> Option<KeySetGuard> {
        let fetched = self.current.load_full()?;
        (fetched.at.elapsed() < MAX_AGE).then_some(KeySetGuard(fetched))
    }

    /// Returns the age of the keys.
    pub fn age(&self) -> Option<Duration> {
        Some(self.current.load().as_ref()?.at.elapsed())
    }

    /// Returns keys for a token whose key is not in the current set. It asks the issuer at most once in
    /// [`COOLDOWN`], whatever the number of these tokens.
    pub async fn renewed(self: &Arc<Self>) -> Renewed {
        let Ok(_place) = self.waiting.try_acquire() else {
            return Renewed::Unavailable;
        };
        let store = Arc::clone(self);
        // A task of its own: a client that goes away must not end the fetch for all others.
        let asked = tokio::spawn(async move { store.ask().await });
        match asked.await {
            Ok(true) => self.current().map_or(Renewed::Unavailable, Renewed::Keys),
            _ => Renewed::Unavailable,
        }
    }

    /// Asks the issuer, unless it was asked recently. Returns whether that succeeded.
    async fn ask(&self) -> bool {
        let mut asked = self.asked.lock().await;
        if let Some(recent) = asked.filter(|asked| asked.at.elapsed() < COOLDOWN) {
            return recent.succeeded;
        }
        let at = Instant::now();
        let succeeded = self.fetch().await;
        *asked = Some(Asked { at, succeeded });
        succeeded
    }

    /// Fetches the keys on the schedule, for ever.
    pub async fn keep_fresh(&self) {
        let mut retry = FIRST_RETRY;
        loop {
            if self.fetch().await {
                retry = FIRST_RETRY;
                tokio::time::sleep(EVERY).await;
            } else {
                tokio::time::sleep(retry).await;
                retry = (retry * 2).min(LONGEST_RETRY);
            }
        }
    }

    /// Fetches the keys once. A set that cannot be used never replaces one that can.
    async fn fetch(&self) -> bool {
        let started = Instant::now();
        let (result, why) = match self.source.fetch().await {
            Ok(keys) if keys.is_usable() => {
                let fetched = Arc::new(Fetched { keys, at: started });
                // A slow answer to an earlier request must not bring back a key that has left the set.
                self.current.rcu(|known| match known {
                    Some(known) if known.at > fetched.at => Some(Arc::clone(known)),
                    _ => Some(Arc::clone(&fetched)),
                });
                (Refresh::Succeeded, None)
            }
            Ok(_) => (
                Refresh::Invalid,
                Some("no key of the set is usable".to_owned()),
            ),
            Err(FetchKeysError::Invalid(error)) => (Refresh::Invalid, Some(error.to_string())),
            Err(FetchKeysError::Unavailable(error)) => (Refresh::Failed, Some(error.to_string())),
        };
        self.metrics.keys_refreshed(result);
        let Some(why) = why else { return true };
        let age = self
            .age()
            .map_or("none".to_owned(), |age| format!("{} s", age.as_secs()));
        log::warning("keys_not_renewed", &[("why", &why), ("age", &age)]);
        false
    }
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
