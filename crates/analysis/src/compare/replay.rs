//! Recorded checks, decided again: which of them a change of the policy decides otherwise.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::audit::{Evaluator, Recorded};
use engine::decision::Decision;
use engine::policy::Document;

/// The most different checks that are kept apart.
const MAX_CHECKS: usize = 10_000;

/// Replays records of an audit log against two policies.
#[derive(Debug)]
pub struct Replay {
    old: Evaluator,
    new: Evaluator,
    /// What was found so far.
    pub found: Replayed,
}

/// What a replay found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// The records that were decided again.
    pub checks: u64,
    /// The records without a job, whose token was not verified: nothing could be granted to them.
    pub without_job: u64,
    /// The checks that the new policy allows and the old one does not.
    pub allowed: BTreeMap<Check, Times>,
    /// The checks that the old policy allows and the new one does not.
    pub denied: BTreeMap<Check, Times>,
    /// The records that change, but are of more different checks than are kept apart.
    pub not_listed: u64,
}

/// What a check asked for, and from where.
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

/// How often a check was made, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Times {
    /// How often.
    pub count: u64,
    /// The last time.
    pub last: Timestamp,
}

impl Replay {
    /// Nothing replayed yet.
    pub fn new(old: &Document, new: &Document) -> Self {
        Self {
            old: Evaluator::of(Ok(old.clone())),
            new: Evaluator::of(Ok(new.clone())),
            found: Replayed::default(),
        }
    }

    /// Decides a recorded check by both policies, at the time of the record.
    pub fn add(&mut self, recorded: &Recorded) {
        let Some(context) = &recorded.context else {
            self.found.without_job += 1;
            return;
        };
        let is_allowed = |by: &mut Evaluator| {
            let evaluated = by.evaluate(recorded, None);
            evaluated.is_some_and(|evaluated| evaluated.decision() == Decision::Allowed)
        };
        let (before, after) = (is_allowed(&mut self.old), is_allowed(&mut self.new));
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
    /// How many of the checks are decided otherwise.
    pub fn changed(&self) -> u64 {
        let lists = self.allowed.values().chain(self.denied.values());
        lists.map(|times| times.count).sum::<u64>() + self.not_listed
    }
}
