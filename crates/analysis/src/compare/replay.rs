//! Replays recorded checks with two policies and finds those with different decisions.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::audit::{Evaluator, Recorded};
use engine::decision::Decision;
use engine::policy::Policy;

/// Maximum number of distinct checks in the result.
const MAX_CHECKS: usize = 10_000;

/// Replays the records of an audit log with two policies.
#[derive(Debug)]
pub struct Replay {
    old: Evaluator,
    new: Evaluator,
    /// Result so far.
    pub found: Replayed,
}

/// Result of a replay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Number of replayed records.
    pub checks: u64,
    /// Number of records without a verified token, to which nothing can be granted.
    pub without_job: u64,
    /// Checks that only the new policy allows.
    pub allowed: BTreeMap<Check, Times>,
    /// Checks that only the old policy allows.
    pub denied: BTreeMap<Check, Times>,
    /// Number of records with different decisions beyond the maximum number of distinct checks.
    pub not_listed: u64,
}

/// The permission and the job of a check.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Check {
    /// `OWNER/NAME`.
    pub repository: Option<String>,
    /// The permission key.
    pub permission: String,
    /// The workflow.
    pub workflow: Option<String>,
    /// The branch.
    pub branch: Option<String>,
    /// The base of its pull request.
    pub base: Option<String>,
    /// The environment.
    pub environment: Option<String>,
    /// The event.
    pub event: Option<String>,
}

/// Number and time of a check's repetitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Times {
    /// Number.
    pub count: u64,
    /// Time of the last one.
    pub last: Timestamp,
}

impl Replay {
    /// Creates a replay without records.
    pub fn new(old: &Policy, new: &Policy) -> Self {
        Self {
            old: Evaluator::of(Ok(old.clone())),
            new: Evaluator::of(Ok(new.clone())),
            found: Replayed::default(),
        }
    }

    /// Decides a recorded check with both policies, at the time of the record.
    pub fn add(&mut self, recorded: &Recorded) {
        let Some(context) = &recorded.context else {
            self.found.without_job += 1;
            return;
        };
        let is_allowed = |by: &Evaluator| {
            let evaluated = by.evaluate(recorded, None);
            evaluated.is_some_and(|evaluated| evaluated.decision() == Decision::Allowed)
        };
        let (before, after) = (is_allowed(&self.old), is_allowed(&self.new));
        self.found.checks += 1;
        let list = match (before, after) {
            (false, true) => &mut self.found.allowed,
            (true, false) => &mut self.found.denied,
            _ => return,
        };
        let check = Check {
            repository: context.repository.clone(),
            permission: recorded.permission.clone(),
            workflow: context.workflow.clone(),
            branch: context.branch.clone(),
            base: context.base.branch().map(str::to_owned),
            environment: context.environment.clone(),
            event: context.event.clone(),
        };
        if list.len() >= MAX_CHECKS && !list.contains_key(&check) {
            self.found.not_listed += 1;
            return;
        }
        let times = list.entry(check).or_insert(Times {
            count: 0,
            last: recorded.time,
        });
        times.count += 1;
        times.last = times.last.max(recorded.time);
    }
}

impl Replayed {
    /// Returns the number of checks with different decisions.
    pub fn changed(&self) -> u64 {
        let lists = self.allowed.values().chain(self.denied.values());
        lists.map(|times| times.count).sum::<u64>() + self.not_listed
    }
}
