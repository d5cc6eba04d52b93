//! Keeps the policy that all requests share: swapped as a whole, with the last good one for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use super::held::{Held, Terms};
use super::parse::ActivePolicy;
use crate::log;
use crate::metrics::{Metrics, Refresh};
use analysis::report::Failure;
use engine::policy::PermissionKey;

/// The policy, shared by all requests.
#[derive(Debug)]
pub struct PolicyStore {
    state: ArcSwap<Held>,
    /// `None` for a policy that no source can change.
    terms: Option<Terms>,
    /// Whether the log says that nobody decides, because the policy is too old.
    is_said: AtomicBool,
    metrics: Arc<Metrics>,
}

/// Condition of the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It is the source's.
    Current,
    /// It is an older one, because of a problem.
    Stale(String),
    /// There is none.
    Unavailable(String),
}

impl PolicyStore {
    /// Creates a store without a policy, which waits for one. `hanging` is the time without an attempt that is
    /// normal.
    pub(super) fn new(stale: Duration, hanging: Duration, metrics: Arc<Metrics>) -> Self {
        Self {
            state: ArcSwap::from_pointee(Held::nothing(Instant::now())),
            terms: Some(Terms { stale, hanging }),
            is_said: AtomicBool::new(false),
            metrics,
        }
    }

    /// Creates a store with the policy that leaves these permissions to each repository's own. It never changes.
    ///
    /// # Errors
    /// None, for keys that are valid.
    pub fn delegating(keys: &[PermissionKey], metrics: Arc<Metrics>) -> Result<Self, Failure> {
        let active = ActivePolicy::delegating(keys)?;
        let store = Self {
            state: ArcSwap::from_pointee(Held::nothing(Instant::now())),
            terms: None,
            is_said: AtomicBool::new(false),
            metrics,
        };
        store.take(active, Instant::now());
        Ok(store)
    }

    /// Returns the policy that decides now.
    ///
    /// # Errors
    /// There is none, or it is too old.
    pub fn current(&self) -> Result<Arc<ActivePolicy>, Failure> {
        let state = self.state.load();
        let current = match (self.terms, &state.active) {
            (None, Some(active)) => Ok(Arc::clone(active)),
            (terms, _) => state.current(terms.unwrap_or(Terms {
                stale: Duration::ZERO,
                hanging: Duration::ZERO,
            })),
        };
        if let (Err(failure), Some(_)) = (&current, &state.active)
            && !self.is_said.swap(true, Ordering::Relaxed)
        {
            not_renewed(&failure.message, "nobody");
        }
        current
    }

    /// Returns the condition of the policy.
    pub fn condition(&self) -> Condition {
        match (self.current(), &self.state.load().problem) {
            (Ok(_), None) => Condition::Current,
            (Ok(_), Some(problem)) => Condition::Stale(problem.message.clone()),
            (Err(failure), _) => Condition::Unavailable(failure.message),
        }
    }

    /// Returns the time since the source was last known to have the policy in use.
    pub fn age(&self) -> Option<Duration> {
        let state = self.state.load();
        let age = state.confirmed.elapsed();
        let age = if self.terms.is_some() {
            age
        } else {
            Duration::ZERO
        };
        state.active.as_ref().map(|_| age)
    }

    /// Returns whether the source has a problem.
    pub(super) fn has_problem(&self) -> bool {
        self.state.load().problem.is_some()
    }

    /// Notes that the source has the active policy.
    pub(super) fn confirm(&self, now: Instant) {
        let state = self.state.load();
        if state.problem.is_some() {
            self.metrics.policy_refreshed(Refresh::Succeeded);
            log::info("policy_renewed", &[]);
        }
        self.state.store(Arc::new(state.confirmed(now)));
        self.is_said.store(false, Ordering::Relaxed);
    }

    /// Takes another policy.
    pub(super) fn take(&self, active: ActivePolicy, now: Instant) {
        self.metrics.policy_refreshed(Refresh::Succeeded);
        active.announce();
        self.state.store(Arc::new(Held::taken(active, now)));
        self.is_said.store(false, Ordering::Relaxed);
    }

    /// Notes a problem. `keeps` says whether the active policy decides on for a while.
    pub(super) fn fail(&self, failure: Failure, result: Refresh, keeps: bool) {
        let before = self.state.load();
        let after = before.failed(failure, keeps);
        // The same problem at every attempt is one event.
        if before.problem != after.problem || before.active.is_some() != after.active.is_some() {
            self.metrics.policy_refreshed(result);
            let decides = match after.active {
                Some(_) => "the last good policy",
                None => "nobody",
            };
            let why = after
                .problem
                .as_ref()
                .map_or("", |problem| &problem.message);
            not_renewed(why, decides);
        }
        self.state.store(Arc::new(after));
    }
}

fn not_renewed(why: &str, decides: &str) {
    log::error(
        "policy_not_renewed",
        &[("why", &why), ("decides", &decides)],
    );
}
