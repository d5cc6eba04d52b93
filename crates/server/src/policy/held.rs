//! A policy in use, and for how long it may decide.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::parse::ActivePolicy;
use analysis::report::Failure;
use engine::decision::Reason;

/// What decides now. It changes as a whole, so no request sees parts of two versions.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) active: Option<Arc<ActivePolicy>>,
    /// When the source was last known to have the active policy.
    pub(super) confirmed: Instant,
    /// Why the source has no newer one.
    pub(super) problem: Option<Failure>,
}

/// How long a policy decides without news of its source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// While there is a problem.
    pub(super) stale: Duration,
    /// Additional time while no attempt has failed: then the attempts have stopped.
    pub(super) hanging: Duration,
}

impl Held {
    /// Returns the state before the first attempt.
    pub(super) fn nothing(now: Instant) -> Self {
        Self {
            active: None,
            confirmed: now,
            problem: None,
        }
    }

    /// Returns the policy that decides now.
    ///
    /// # Errors
    /// There is none, or it is too old.
    pub(super) fn current(&self, terms: Terms) -> Result<Arc<ActivePolicy>, Failure> {
        let age = self.confirmed.elapsed();
        let limit = match &self.problem {
            Some(_) => terms.stale,
            None => terms.stale + terms.hanging,
        };
        match (&self.active, &self.problem) {
            (Some(active), _) if age < limit => Ok(Arc::clone(active)),
            (_, Some(problem)) => Err(problem.clone()),
            (None, None) => Err(unreadable("the policy was not read yet")),
            (Some(_), None) => Err(unreadable("the policy was not renewed for too long")),
        }
    }

    /// Returns the state with another policy of the source.
    pub(super) fn taken(active: ActivePolicy, now: Instant) -> Self {
        Self {
            active: Some(Arc::new(active)),
            confirmed: now,
            problem: None,
        }
    }

    /// Returns the state after the source was seen to have the active policy.
    pub(super) fn confirmed(&self, now: Instant) -> Self {
        Self {
            active: self.active.clone(),
            confirmed: now,
            problem: None,
        }
    }

    /// Returns the state after a problem. `keeps` says whether the active policy decides on for a while.
    pub(super) fn failed(&self, problem: Failure, keeps: bool) -> Self {
        Self {
            active: self.active.clone().filter(|_| keeps),
            confirmed: self.confirmed,
            problem: Some(problem),
        }
    }
}

fn unreadable(message: &str) -> Failure {
    Failure::new(Reason::PolicyUnreadable, message)
}
