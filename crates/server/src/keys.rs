//! Keeps the issuer's keys: fetched on a schedule, and asked for again when a token names an unknown one.

use std::collections::HashMap;
use std::future::Future;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, MutexGuard, PoisonError};
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
/// Number of unknown keys at which they are forgotten.
const MAX_MISSING: usize = 1024;
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
    missing: std::sync::Mutex<Missing>,
    waiting: Semaphore,
    /// Why the last fetch failed, if it did.
    problem: ArcSwapOption<String>,
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

/// The keys that tokens named and no set had, and when the first token did; and those that left the set. A token with one
/// of them is invalid once a set was fetched after that; until then, the issuer can have published the key.
#[derive(Debug, Default)]
struct Missing {
    hasher: RandomState,
    since: HashMap<u64, Instant>,
}

impl Missing {
    /// Returns since when this key is missing, as far as that is remembered: since now, if it is not.
    fn since(&mut self, kid: &str, now: Instant) -> Instant {
        // A name can have the size of a token.
        let kid = self.hasher.hash_one(kid);
        if self.since.len() >= MAX_MISSING && !self.since.contains_key(&kid) {
            self.since.clear();
        }
        *self.since.entry(kid).or_insert(now)
    }
}

/// Keys for a token with an unknown key.
#[derive(Debug)]
pub enum Renewed {
    /// A set that has the key, or that was fetched after a token named it first.
    Keys(KeySetGuard),
    /// Nobody knows whether the issuer has published the key, and after this time it can be asked.
    Later(Duration),
    /// There are no keys, or too many requests wait for them.
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
            missing: std::sync::Mutex::default(),
            waiting: Semaphore::new(WAITING),
            problem: ArcSwapOption::empty(),
            metrics,
        }
    }

    /// Returns the keys, unless they are too old or were never fetched.
    pub fn current(&self) -> Option<KeySetGuard> {
        let fetched = self.current.load_full()?;
        (fetched.at.elapsed() < MAX_AGE).then_some(KeySetGuard(fetched))
    }

    /// Returns why the last fetch failed, if it did.
    pub fn problem(&self) -> Option<String> {
        self.problem.load().as_deref().cloned()
    }

    /// Returns the age of the keys.
    pub fn age(&self) -> Option<Duration> {
        Some(self.current.load().as_ref()?.at.elapsed())
    }

    /// Returns keys for a token whose key is not in the current set. It asks the issuer at most once in
    /// [`COOLDOWN`], whatever the number of these tokens: who asks for a made-up key can make jobs with a key that was
    /// published since wait for so long, and no others.
    pub async fn renewed(self: &Arc<Self>, kid: &str) -> Renewed {
        let since = self.missing().since(kid, Instant::now());
        let Ok(_place) = self.waiting.try_acquire() else {
            return Renewed::Unavailable;
        };
        let store = Arc::clone(self);
        // A task of its own: a client that goes away must not end the fetch for all others.
        let asked = tokio::spawn(async move { store.ask().await }).await;
        let (Ok(asked), Some(keys)) = (asked, self.current()) else {
            return Renewed::Unavailable;
        };
        let is_fresh = asked.succeeded && since <= keys.0.at;
        match is_fresh || keys.contains(kid) {
            true => Renewed::Keys(keys),
            false => Renewed::Later(COOLDOWN.saturating_sub(asked.at.elapsed())),
        }
    }

    fn missing(&self) -> MutexGuard<'_, Missing> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the issuer, unless it was asked recently. Returns the last time.
    async fn ask(&self) -> Asked {
        let mut asked = self.asked.lock().await;
        if let Some(recent) = asked.filter(|asked| asked.at.elapsed() < COOLDOWN) {
            return recent;
        }
        let at = Instant::now();
        let succeeded = self.fetch().await;
        *asked.insert(Asked { at, succeeded })
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
                let last = self.current.rcu(|known| match known {
                    Some(known) if known.at > fetched.at => Some(Arc::clone(known)),
                    _ => Some(Arc::clone(&fetched)),
                });
                let last = last.filter(|last| last.at <= fetched.at);
                let ids = last.iter().flat_map(|last| last.keys.ids());
                for gone in ids.filter(|kid| !fetched.keys.contains(kid)) {
                    self.missing().since(gone, started);
                }
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
        self.problem.store(why.clone().map(Arc::new));
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
