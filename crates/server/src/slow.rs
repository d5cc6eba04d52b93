//! Decisions that take long, such as the first ones by many patterns.
//!
//! A worker decides for one job at a time, so nobody else's request may wait for one that takes long: it leaves the
//! worker. Each repository has one of them at a time, because its own policy may be slow on purpose.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, Semaphore, SemaphorePermit};

use crate::connections::MAX_CONNECTIONS;

/// Maximum number of decisions of a repository that take long or wait for one. The first decision by a large policy takes
/// long too, and all jobs that ask then wait for it.
const MAX_WAITING: usize = 64;
/// The same of all repositories together: half of the connections stay free for the others.
const MAX_WAITING_OF_ALL: usize = MAX_CONNECTIONS / 2;
/// Time of a decision that all other requests of the same worker may wait for.
const QUICK: Duration = Duration::from_millis(5);

/// The time of a decision on a worker.
///
/// Where others take the processor away, the decision is late but not slow: what counts beyond [`QUICK`] is processor time,
/// of which a decision gets as much again.
#[derive(Debug)]
pub struct Quick {
    started: Instant,
    /// Processor time of the thread when [`QUICK`] was over by the clock.
    late: Cell<Option<Duration>>,
}

impl Quick {
    /// Starts now, on this thread.
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
            late: Cell::new(None),
        }
    }

    /// Returns whether the decision may go on here.
    pub fn has_time(&self) -> bool {
        // The clock costs less than the processor time, and says enough for nearly all.
        if self.started.elapsed() < QUICK {
            return true;
        }
        let used = platform::thread_time();
        let late = self.late.get().unwrap_or(used);
        self.late.set(Some(late));
        used.saturating_sub(late) < QUICK
    }
}

/// The repositories with decisions that take long, by id.
#[derive(Debug)]
pub struct SlowLane {
    waiting: Mutex<HashMap<String, Arc<AsyncMutex<()>>>>,
    /// Those of all repositories.
    places: Semaphore,
    /// Other decisions keep at least half of the cores.
    cores: Semaphore,
}

/// The turn of one of a repository's decisions. Until it ends, the others wait.
#[derive(Debug)]
pub struct Turn<'l> {
    lane: &'l SlowLane,
    repository: String,
    own: Option<OwnedMutexGuard<()>>,
    _place: SemaphorePermit<'l>,
}

/// Too many decisions wait, of a repository or of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "too many decisions wait for slow patterns of the policy: ask again later (write fewer or simpler patterns)"
)]
pub struct TooMany;

impl Default for SlowLane {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, Into::into);
        Self {
            waiting: Mutex::default(),
            places: Semaphore::new(MAX_WAITING_OF_ALL),
            cores: Semaphore::new(1.max(cores / 2)),
        }
    }
}

impl SlowLane {
    /// Waits for the slow decisions of a repository. Returns `None` if it has none.
    ///
    /// # Errors
    /// Too many wait.
    pub async fn pass(&self, repository: &str) -> Result<Option<Turn<'_>>, TooMany> {
        let has_some = self.waiting().contains_key(repository);
        match has_some {
            false => Ok(None),
            true => self.enter(repository).await.map(Some),
        }
    }

    /// Waits for the turn of a slow decision.
    ///
    /// # Errors
    /// Too many wait.
    pub async fn enter(&self, repository: &str) -> Result<Turn<'_>, TooMany> {
        let place = self.places.try_acquire().map_err(|_| TooMany)?;
        let lock = Arc::clone(self.waiting().entry(repository.to_owned()).or_default());
        // The map has one, and this request another one.
        let is_full = Arc::strong_count(&lock) > 1 + MAX_WAITING;
        let mut turn = Turn {
            lane: self,
            repository: repository.to_owned(),
            own: None,
            _place: place,
        };
        if is_full {
            return Err(TooMany);
        }
        turn.own = Some(lock.lock_owned().await);
        Ok(turn)
    }

    /// Decides outside of the workers.
    pub async fn run<T>(&self, _turn: &Turn<'_>, decide: impl FnOnce() -> T) -> T {
        // Nobody closes it.
        let _core = self.cores.acquire().await;
        apart(decide)
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<String, Arc<AsyncMutex<()>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Computes while another thread takes the place of the worker, if there are several.
pub fn apart<T>(compute: impl FnOnce() -> T) -> T {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::CurrentThread => compute(),
        _ => tokio::task::block_in_place(compute),
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut waiting = self.lane.waiting();
        self.own = None;
        let lock = waiting.get(&self.repository);
        if lock.is_some_and(|lock| Arc::strong_count(lock) == 1) {
            waiting.remove(&self.repository);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_slow_by_what_it_computes() {
        let quick = Quick::start();
        std::thread::sleep(4 * QUICK);
        assert!(quick.has_time());
        std::thread::sleep(4 * QUICK);
        assert!(quick.has_time());
        let started = platform::thread_time();
        while platform::thread_time() - started < QUICK {}
        assert!(!quick.has_time());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_repository_waits_for_itself_only() {
        let lane = Arc::new(SlowLane::default());
        assert!(lane.pass("1").await.unwrap().is_none());
        let turn = lane.enter("1").await.unwrap();
        assert!(lane.pass("2").await.unwrap().is_none());
        assert_eq!(lane.run(&turn, || 7).await, 7);
        let mut waiting: Vec<_> = (1..MAX_WAITING).map(|_| Box::pin(lane.pass("1"))).collect();
        for wait in &mut waiting {
            assert!(
                tokio::time::timeout(Duration::from_millis(1), wait)
                    .await
                    .is_err()
            );
        }
        assert_eq!(lane.enter("1").await.err(), Some(TooMany));
        drop(turn);
        for wait in waiting {
            assert!(wait.await.unwrap().is_some());
        }
        assert!(lane.waiting().is_empty());
    }

    /// A53: many repositories with slow policies leave connections to the others.
    #[tokio::test(flavor = "multi_thread")]
    async fn all_repositories_together_hold_half_of_the_connections() {
        let lane = SlowLane::default();
        let mut turns = Vec::new();
        for number in 0..MAX_WAITING_OF_ALL {
            turns.push(lane.enter(&number.to_string()).await.unwrap());
        }
        assert_eq!(lane.enter("another").await.err(), Some(TooMany));
        assert!(lane.pass("another").await.unwrap().is_none());
        turns.pop();
        assert!(lane.enter("another").await.is_ok());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_client_that_goes_away_leaves_no_repository_behind() {
        let lane = SlowLane::default();
        let turn = lane.enter("1").await.unwrap();
        let waiting = tokio::time::timeout(Duration::from_millis(1), lane.enter("1")).await;
        assert!(waiting.is_err());
        drop(turn);
        assert!(lane.waiting().is_empty());
    }
}
