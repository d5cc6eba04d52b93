//! Bounds of what jobs make the server ask GitHub: those of one repository must use up neither the App's rate limit nor
//! what the policy needs of it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use github::RateLimit;
use jiff::Timestamp;

/// Time in which the uses of a repository come back.
const WINDOW: Duration = Duration::from_secs(60);
/// Number of repositories at which those that have all their uses are forgotten.
const MANY: usize = 10_000;

/// Counts uses: look-ups, or reviews.
#[derive(Debug)]
pub(crate) struct Bounds {
    /// Number of uses of a repository, which come back one by one in a minute: a repository that used all of them does
    /// not wait for a whole minute.
    pub(crate) per_repository: u32,
    /// The uses end when an installation has this part of its rate limit left: half of it is 2.
    pub(crate) reserve: u64,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// When each repository has all its uses again: the generic cell rate algorithm.
    full_at: HashMap<u64, Instant>,
    /// Newest rate limit of each account: the App has one for each installation, which all replicas share.
    limits: HashMap<u64, RateLimit>,
}

impl Bounds {
    pub(crate) fn new(per_repository: u32, reserve: u64) -> Self {
        Self {
            per_repository,
            reserve,
            seen: Mutex::default(),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one use for a repository of an account, or returns `false`.
    pub(crate) fn take(&self, owner: u64, repository: u64) -> bool {
        let mut seen = self.seen();
        let is_scarce = seen.limits.get(&owner).is_some_and(|limit| {
            limit.resets > Timestamp::now() && limit.remaining <= limit.limit / self.reserve
        });
        if is_scarce {
            return false;
        }
        let now = Instant::now();
        if seen.full_at.len() >= MANY {
            seen.full_at.retain(|_, full_at| *full_at > now);
        }
        let full_at = seen.full_at.entry(repository).or_insert(now);
        let next = now.max(*full_at) + WINDOW / self.per_repository;
        let may = next <= now + WINDOW;
        if may {
            *full_at = next;
        }
        may
    }

    /// Notes the rate limit of an answer. Answers can come in another order than GitHub counted them, so the lowest one
    /// counts until it is reset.
    pub(crate) fn note(&self, owner: u64, limit: Option<RateLimit>) {
        let Some(limit) = limit else { return };
        let mut seen = self.seen();
        let known = seen.limits.entry(owner).or_insert(limit);
        if known.resets <= Timestamp::now() || limit.remaining < known.remaining {
            *known = limit;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_cannot_use_up_those_of_others() {
        let bounds = Bounds::new(60, 2);
        let taken = (0..1000).filter(|_| bounds.take(1, 7)).count();
        assert_eq!(taken, 60);
        assert!(bounds.take(1, 8));
    }

    #[test]
    fn uses_come_back_one_by_one() {
        let bounds = Bounds::new(60, 2);
        let uses = || (0..1000).filter(|_| bounds.take(1, 7)).count();
        assert_eq!(uses(), 60);
        for (passed, expected) in [(0, 0), (1, 1), (15, 15), (59, 59), (100, 60)] {
            let passed = Duration::from_secs(passed);
            for full_at in bounds.seen().full_at.values_mut() {
                *full_at -= passed;
            }
            assert_eq!(uses(), expected, "{passed:?}");
        }
    }

    #[test]
    fn a_part_of_the_rate_limit_is_for_policies() {
        let bounds = Bounds::new(60, 2);
        let limit = |remaining, seconds: i64| {
            let resets = Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
            Some(RateLimit {
                limit: 5000,
                remaining,
                resets,
            })
        };
        bounds.note(1, limit(2501, 60));
        assert!(bounds.take(1, 7));
        bounds.note(1, limit(2500, 60));
        assert!(!bounds.take(1, 7));
        // The limit of another installation.
        assert!(bounds.take(2, 7));
        // An answer that was counted before, and came after.
        bounds.note(1, limit(2502, 60));
        assert!(!bounds.take(1, 7));
        bounds.note(1, None);
        assert!(!bounds.take(1, 7));
        bounds.note(1, limit(0, -1));
        assert!(bounds.take(1, 7));
        // The next window.
        bounds.note(1, limit(5000, 60));
        assert!(bounds.take(1, 7));
        let bounds = Bounds::new(60, 10);
        bounds.note(1, limit(501, 60));
        assert!(bounds.take(1, 7));
        bounds.note(1, limit(500, 60));
        assert!(!bounds.take(1, 7));
    }
}
