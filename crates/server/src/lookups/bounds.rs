//! Bounds of look-ups: jobs of one repository must use up neither the App's rate limit nor what the policy needs of it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use github::RateLimit;
use jiff::Timestamp;

/// Maximum number of look-ups for a repository in [`WINDOW`].
const PER_REPOSITORY: u32 = 60;
const WINDOW: Duration = Duration::from_secs(60);
/// Number of repositories at which those of past windows are forgotten.
const MANY: usize = 10_000;

/// Counts look-ups.
#[derive(Debug, Default)]
pub(super) struct Bounds(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// Start of each repository's window, and its number of look-ups.
    windows: HashMap<u64, (Instant, u32)>,
    /// Newest rate limit of each account: the App has one for each installation, which all replicas share.
    limits: HashMap<u64, RateLimit>,
}

impl Bounds {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one look-up for a repository of an account, or returns `false`. Half of an installation's requests is
    /// for the policies.
    pub(super) fn take(&self, owner: u64, repository: u64) -> bool {
        let mut seen = self.seen();
        let is_scarce = seen.limits.get(&owner).is_some_and(|limit| {
            limit.resets > Timestamp::now() && limit.remaining <= limit.limit / 2
        });
        if is_scarce {
            return false;
        }
        let now = Instant::now();
        if seen.windows.len() >= MANY {
            seen.windows
                .retain(|_, (start, _)| now.duration_since(*start) < WINDOW);
        }
        let (start, count) = seen.windows.entry(repository).or_insert((now, 0));
        if now.duration_since(*start) >= WINDOW {
            (*start, *count) = (now, 0);
        }
        let may = *count < PER_REPOSITORY;
        *count += u32::from(may);
        may
    }

    /// Notes the rate limit of an answer.
    pub(super) fn note(&self, owner: u64, limit: Option<RateLimit>) {
        if let Some(limit) = limit {
            self.seen().limits.insert(owner, limit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_cannot_use_up_those_of_others() {
        let bounds = Bounds::default();
        let taken = (0..1000).filter(|_| bounds.take(1, 7)).count();
        assert_eq!(taken, 60);
        assert!(bounds.take(1, 8));
    }

    #[test]
    fn half_of_the_rate_limit_is_for_policies() {
        let bounds = Bounds::default();
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
        bounds.note(1, None);
        assert!(!bounds.take(1, 7));
        bounds.note(1, limit(0, -1));
        assert!(bounds.take(1, 7));
    }
}
