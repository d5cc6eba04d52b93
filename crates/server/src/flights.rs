//! Values by key: each is fetched by one request at a time, for all who wait for it, and kept while it is fresh.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{Mutex as AsyncMutex, Semaphore};

/// A value that is fetched and kept.
pub trait Kept: Clone + Send + 'static {
    /// Returns whether it is still to be used without asking again.
    fn is_fresh(&self) -> bool;

    /// Returns what it costs to keep it now, in the unit of the limit.
    fn weight(&self) -> usize {
        1
    }
}

/// Kept values, within a limit of their weight.
#[derive(Debug)]
pub struct Flights<K, V> {
    slots: Mutex<HashMap<K, Arc<Slot<V>>>>,
    limit: usize,
    waiting: Arc<Semaphore>,
}

#[derive(Debug)]
struct Slot<V> {
    /// The lock makes all requests for a key wait for one fetch.
    value: AsyncMutex<Option<V>>,
    weight: AtomicUsize,
    /// Whether somebody said that the source has another value now.
    is_outdated: AtomicBool,
    used: Mutex<Instant>,
}

impl<V: Kept> Slot<V> {
    fn used(&self) -> MutexGuard<'_, Instant> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the value if it is fresh.
    fn fresh(&self, value: &Option<V>) -> Option<V> {
        let is_outdated = self.is_outdated.load(Ordering::Relaxed);
        let fresh = value.as_ref().filter(|value| value.is_fresh());
        fresh.filter(|_| !is_outdated).cloned()
    }
}

impl<K: Eq + Hash + Clone, V: Kept> Flights<K, V> {
    /// Creates an empty store. At most `waiting` requests wait at a time, so that a slow source cannot use up the
    /// connections.
    pub fn new(limit: usize, waiting: usize) -> Self {
        Self {
            slots: Mutex::default(),
            limit,
            waiting: Arc::new(Semaphore::new(waiting)),
        }
    }

    /// Returns the value of a key. If it is not fresh, `fetch` gets the last one and returns the next, in a task of
    /// its own: a client that goes away must not end the fetch for all others. Returns `None` if too many wait.
    pub async fn get<F>(
        &self,
        key: K,
        fetch: impl FnOnce(Option<V>) -> F + Send + 'static,
    ) -> Option<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let slot = self.slot(&key);
        *slot.used() = Instant::now();
        if let Ok(value) = slot.value.try_lock()
            && let Some(value) = slot.fresh(&value)
        {
            return Some(value);
        }
        let place = Arc::clone(&self.waiting).try_acquire_owned().ok()?;
        let task = tokio::spawn(async move {
            // As long as the task lives: a client that goes away makes no room for another one.
            let _place = place;
            let mut value = slot.value.lock().await;
            // Somebody else fetched it meanwhile.
            if let Some(fresh) = slot.fresh(&value) {
                return fresh;
            }
            slot.is_outdated.store(false, Ordering::Relaxed);
            let next = fetch(value.clone()).await;
            slot.weight.store(next.weight(), Ordering::Relaxed);
            *value = Some(next.clone());
            next
        });
        let value = task.await.ok();
        self.trim();
        value
    }

    /// Drops the value of a key, so that the next request fetches it from scratch.
    pub fn forget(&self, key: &K) {
        self.slots().remove(key);
    }

    /// Makes the next request for a key fetch, starting from the value that is kept.
    pub fn outdate(&self, key: &K) {
        if let Some(slot) = self.slots().get(key) {
            slot.is_outdated.store(true, Ordering::Relaxed);
        }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<K, Arc<Slot<V>>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, key: &K) -> Arc<Slot<V>> {
        let mut slots = self.slots();
        let slot = slots.entry(key.clone()).or_insert_with(|| {
            Arc::new(Slot {
                value: AsyncMutex::new(None),
                weight: AtomicUsize::new(1),
                is_outdated: AtomicBool::new(false),
                used: Mutex::new(Instant::now()),
            })
        });
        Arc::clone(slot)
    }

    /// Drops the values that nobody asked for for the longest time, down to the limit.
    pub fn trim(&self) {
        let mut slots = self.slots();
        let weight = |slot: &Arc<Slot<V>>| {
            // While one is fetched, the last weight counts.
            if let Ok(value) = slot.value.try_lock() {
                let now = value.as_ref().map_or(1, V::weight);
                slot.weight.store(now, Ordering::Relaxed);
            }
            slot.weight.load(Ordering::Relaxed)
        };
        let mut total: usize = slots.values().map(weight).sum();
        while total > self.limit {
            // One that somebody waits for stays.
            let idle = slots
                .iter()
                .filter(|(_, slot)| Arc::strong_count(slot) == 1);
            let oldest = idle.min_by_key(|(_, slot)| *slot.used());
            let Some(key) = oldest.map(|(key, _)| key.clone()) else {
                return;
            };
            total -= slots.remove(&key).map_or(0, |slot| weight(&slot));
        }
    }
}

#[cfg(test)]
#[path = "flights_tests.rs"]
mod tests;
