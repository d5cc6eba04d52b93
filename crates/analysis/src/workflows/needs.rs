//! Whether the jobs of a workflow run: their conditions and those of the jobs that they need.
//!
//! Source: docs.github.com, "Workflow syntax for GitHub Actions" (`jobs.<job_id>.needs`): a job that fails or
//! is skipped skips the jobs behind it, unless their conditions have a function of status.

use std::cell::RefCell;
use std::collections::HashMap;

use super::expression::{STATUS, Scope, Status, has_status_function};
use super::value::Value;
use super::workflow::{Job, Workflow};
use super::world::World;

/// Jobs of a workflow in one world.
pub(super) struct Jobs<'s> {
    pub(super) workflow: &'s Workflow,
    pub(super) world: &'s World,
    /// Start of the names of the jobs: the calls that lead to the workflow.
    pub(super) prefix: String,
    /// Contexts `github` and `inputs`.
    pub(super) contexts: [(&'static str, Value); 2],
    /// What is known about jobs by their id. A job that needs itself is not known yet.
    known: RefCell<HashMap<&'s str, Option<Fate>>>,
}

/// What becomes of a job.
#[derive(Clone, Copy, Debug, Default)]
struct Fate {
    runs: bool,
    /// Whether one of the jobs that it needs, at any distance, does not run.
    has_skipped: bool,
    /// Whether one of them runs, and so can fail.
    has_run: bool,
}

impl<'s> Jobs<'s> {
    pub(super) fn new(
        workflow: &'s Workflow,
        world: &'s World,
        prefix: String,
        contexts: [(&'static str, Value); 2],
    ) -> Self {
        Self {
            workflow,
            world,
            prefix,
            contexts,
            known: RefCell::default(),
        }
    }

    /// Returns the contexts of a job, without its matrix; `None` if it does not run.
    pub(super) fn contexts_of(&self, job: &'s Job) -> Option<Vec<(&'static str, Value)>> {
        self.fate(job).runs.then(|| self.contexts_with_needs(job))
    }

    pub(super) fn name(&self, job: &Job) -> String {
        format!("{}{}", self.prefix, job.id)
    }

    fn contexts_with_needs(&self, job: &'s Job) -> Vec<(&'static str, Value)> {
        let condition = job.condition.as_deref().unwrap_or_default();
        let results: &[&str] = match has_status_function(condition, &STATUS) {
            true => &["success", "failure", "cancelled"],
            // Without a function of status, it runs only after success.
            false => &["success"],
        };
        let needs = self.needed(job).map(|needed| {
            let result = match self.fate(needed).runs {
                false => Value::text("skipped"),
                true => {
                    let results = results.iter().copied().map(Value::text);
                    Value::one_of(format!("{} result", self.name(needed)), results.collect())
                }
            };
            let members = vec![("result".to_owned(), result)];
            (needed.id.clone(), Value::object(members, false))
        });
        let needs = Value::object(needs.collect(), true);
        let [github, inputs] = self.contexts.clone();
        vec![github, inputs, ("needs", needs)]
    }

    fn needed(&self, job: &'s Job) -> impl Iterator<Item = &'s Job> {
        let find = |need: &'s String| {
            let mut jobs = self.workflow.jobs.iter();
            jobs.find(|other| other.id.eq_ignore_ascii_case(need))
        };
        job.needs.iter().filter_map(find)
    }

    fn fate(&self, job: &'s Job) -> Fate {
        if let Some(known) = self.known.borrow().get(job.id.as_str()) {
            // GitHub refuses a circle.
            return known.unwrap_or_default();
        }
        self.known.borrow_mut().insert(&job.id, None);
        let mut fate = Fate::default();
        for needed in self.needed(job) {
            let before = self.fate(needed);
            fate.has_skipped |= before.has_skipped || !before.runs;
            fate.has_run |= before.has_run || before.runs;
        }
        let contexts = self.contexts_with_needs(job);
        let scope = Scope {
            world: self.world,
            name: &self.name(job),
            contexts: &contexts,
            status: Status {
                has_skipped: fate.has_skipped,
                can_fail: fate.has_run,
            },
        };
        fate.runs = match &job.condition {
            Some(condition) => scope.condition(condition),
            None => !fate.has_skipped,
        };
        self.known.borrow_mut().insert(&job.id, Some(fate));
        fate
    }
}
