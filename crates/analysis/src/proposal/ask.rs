//! What the jobs of a workflow ask for, and in which runs.

use std::sync::Arc;

use super::atmos::{Use, calls_atmos_pro, uses, variable};
use super::notes::Notes;
use super::rule::Evidence;
use crate::workflows::{
    AccessLevel, Environment, Gate, ID_TOKEN, Outcome, Reference, RunJob, Start, Step, Workflow,
};
use engine::decision::is_trusted_event;
use engine::policy::{PermissionKey, quoted};

/// A permission that a job asks for in one kind of run.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) key: String,
    pub(super) start: Arc<Start>,
    pub(super) environment: Environment,
    pub(super) evidence: Evidence,
    /// Whether the job has no environment in some of these runs.
    pub(super) is_optional: bool,
    /// What chooses the commit that the job checks out, if it is not the token's.
    pub(super) chosen_by: Vec<String>,
    /// Conditions of the job that can fail in these runs.
    pub(super) conditions: Vec<String>,
}

/// Collects what the jobs of one workflow ask for.
pub(super) struct Asks<'w, 'n> {
    file: &'w Workflow,
    notes: &'n mut Notes,
    pub(super) list: Vec<Ask>,
}

impl<'w, 'n> Asks<'w, 'n> {
    pub(super) fn new(file: &'w Workflow, notes: &'n mut Notes) -> Self {
        Self {
            file,
            notes,
            list: Vec::new(),
        }
    }

    /// Adds what the steps with this action request.
    pub(super) fn requested(&mut self, jobs: &[RunJob<'_>]) {
        for job in jobs {
            for (index, gate) in job.gates.iter().enumerate() {
                self.gate(job, index, gate);
            }
            if let Some(call) = &job.job.call {
                self.note(format!(
                    "{} can use this action, and cannot be read here",
                    quoted(&call.uses)
                ));
            }
            self.local_actions(job, "use this action");
        }
        let has_gate = jobs.iter().any(|job| !job.gates.is_empty());
        if !has_gate && jobs.iter().any(|job| calls_atmos_pro(job.job)) {
            let reason =
                "it uses Atmos Pro and asks for nothing with this action, so no rule is for it";
            self.note(reason.to_owned());
        }
    }

    fn local_actions(&mut self, job: &RunJob<'_>, what: &str) {
        for step in &job.job.steps {
            let uses = step.uses.as_deref().unwrap_or_default();
            if uses.starts_with("./") {
                let uses = quoted(uses);
                self.note(format!(
                    "the local action {uses} can {what}, and is not read"
                ));
            }
        }
    }

    fn gate(&mut self, job: &RunJob<'_>, index: usize, gate: &Gate<'_>) {
        let line = gate.step.position.line;
        let at = self.at(job, line);
        if !job.token.has_id_token() {
            self.note(format!(
                "{at} requests permissions in a job without `id-token: write`, which therefore gets no token"
            ));
        }
        if let Some(text) = &gate.dynamic {
            self.note(format!(
                "{at} requests {}, whose value only a run knows",
                quoted(text)
            ));
        }
        for outcome in &job.outcomes {
            let requests = outcome
                .requests
                .iter()
                .filter(|request| request.gate == index);
            for text in requests.flat_map(|request| request.permissions.iter().flatten()) {
                match PermissionKey::parse(text.into()) {
                    Ok(key) => self.add(job, outcome, &key.to_string(), "this action", line),
                    Err(error) => self.note(format!(
                        "{at} requests an invalid permission: {error} ({})",
                        error.help()
                    )),
                }
            }
        }
    }

    /// Adds what jobs seem to need: a job with an environment deploys, a plan reports affected stacks.
    pub(super) fn guessed(&mut self, jobs: &[RunJob<'_>]) {
        let deploys = jobs
            .iter()
            .flat_map(|job| &job.outcomes)
            .any(|outcome| outcome.environment != Environment::None);
        for job in jobs {
            match &job.job.call {
                Some(call) if job.token.access(ID_TOKEN).is_none_or(is_write) => {
                    self.note(format!(
                        "the permissions that {} needs are unknown",
                        quoted(&call.uses)
                    ));
                }
                Some(_) => {}
                None => self.guess(job, deploys),
            }
        }
    }

    fn guess(&mut self, job: &RunJob<'_>, deploys: bool) {
        let before = self.list.len();
        let steps = job.job.steps.iter();
        let found = steps.flat_map(|step| {
            uses(step)
                .into_iter()
                .map(|found| (step.position.line, found))
        });
        let mut plan = None;
        let mut is_noted = self.unmerged(job);
        for (line, found) in found {
            match found {
                Use::Needs { key, seen } => self.needed(job, key, &seen, line),
                Use::Unknown { seen } => {
                    is_noted = true;
                    self.note(format!(
                        "{} runs {seen}, and the permission that Atmos Pro requires for it is not public",
                        self.at(job, line)
                    ));
                }
                Use::Plans { seen } => plan = plan.or(Some((seen, line))),
            }
        }
        let has_need = self.list.len() > before;
        // A job that only locks or registers something uses its environment for that.
        if !has_need || job.job.steps.iter().any(Step::does_work) {
            self.deployment(job);
        }
        let has_token = job.token.access(ID_TOKEN).is_none_or(is_write);
        let plan = plan.filter(|_| !has_need && has_token);
        if let Some((seen, line)) = &plan {
            self.plan(job, seen, *line, deploys);
        }
        if has_token {
            self.local_actions(job, "need a permission");
        }
        if self.list.len() > before {
            return;
        }
        if let Some((seen, line)) = plan {
            let at = self.at(job, line);
            self.note(format!(
                "{at} runs {seen}, which sends nothing to Atmos Pro there"
            ));
        } else if let Some(variable) = variable(job.job).filter(|_| !is_noted) {
            let at = self.at(job, job.job.position.line);
            self.note(format!(
                "{at} starts a job with {}, so it uses Atmos Pro, and its steps do not show which permission it needs",
                quoted(variable)
            ));
        }
    }

    /// Adds the affected stacks of a job that plans a change.
    fn plan(&mut self, job: &RunJob<'_>, seen: &str, line: u32, deploys: bool) {
        for outcome in &job.outcomes {
            let is_push = outcome.start.event.as_deref() == Some("push");
            let is_change = is_proposed(&outcome.start) || !deploys && is_push;
            if is_change && outcome.environment == Environment::None {
                self.add(job, outcome, "ws:affected_stacks:create", seen, line);
            }
        }
    }

    /// Adds what a command needs. A job with an environment deploys, which merged code does.
    fn needed(&mut self, job: &RunJob<'_>, key: &str, seen: &str, line: u32) {
        let asking = job.outcomes.iter().filter(|outcome| {
            outcome.environment == Environment::None || !is_proposed(&outcome.start)
        });
        asking.for_each(|outcome| self.add(job, outcome, key, seen, line));
    }

    /// Adds the deployments of a job with an environment.
    fn deployment(&mut self, job: &RunJob<'_>) {
        let deploys = |outcome: &&Outcome| {
            outcome.environment != Environment::None && !is_proposed(&outcome.start)
        };
        let line = job.job.position.line;
        for outcome in job.outcomes.iter().filter(deploys) {
            let seen = "an environment";
            self.add(job, outcome, "ws:deployments:create", seen, line);
        }
    }

    /// Notes the events that deploy what is not merged; returns whether there are any.
    fn unmerged(&mut self, job: &RunJob<'_>) -> bool {
        let mut events: Vec<String> = Vec::new();
        for outcome in &job.outcomes {
            let event = outcome.start.event.as_deref().map(quoted);
            let is_unmerged =
                outcome.environment != Environment::None && is_proposed(&outcome.start);
            events.extend(event.filter(|event| is_unmerged && !events.contains(event)));
        }
        if !events.is_empty() {
            self.note(format!(
                "on {} it deploys code that is not merged yet; add a rule if this is intended",
                events.join(" and ")
            ));
        }
        !events.is_empty()
    }

    fn add(&mut self, job: &RunJob<'_>, outcome: &Outcome, key: &str, seen: &str, line: u32) {
        let same_start = || {
            job.outcomes
                .iter()
                .filter(|other| other.start == outcome.start)
        };
        let has_none = same_start().any(|other| other.environment == Environment::None);
        let has_other = same_start().any(|other| other.environment != Environment::None);
        // A rule without an environment would also grant in every environment.
        if outcome.environment == Environment::None && has_other {
            return;
        }
        let file = (job.file != self.file.file).then(|| job.file.to_owned());
        self.list.push(Ask {
            key: key.to_owned(),
            start: Arc::clone(&outcome.start),
            environment: outcome.environment.clone(),
            conditions: match outcome.is_conditional {
                true => job
                    .conditions
                    .iter()
                    .map(|condition| (*condition).to_owned())
                    .collect(),
                false => Vec::new(),
            },
            evidence: Evidence {
                seen: seen.to_owned(),
                file: file.unwrap_or_else(|| self.file.file.clone()),
                line,
            },
            is_optional: has_none,
            chosen_by: job
                .checkouts
                .iter()
                .filter(|checkout| checkout.starts.contains(&outcome.start))
                .flat_map(|checkout| checkout.chosen_by.clone())
                .collect(),
        });
    }

    fn at(&self, job: &RunJob<'_>, line: u32) -> String {
        match job.file == self.file.file {
            true => format!("line {line}"),
            false => format!("line {line} of {}", job.file),
        }
    }

    fn note(&mut self, reason: String) {
        self.notes.add(&self.file.file, reason);
    }
}

fn is_write(access: AccessLevel) -> bool {
    access == AccessLevel::Write
}

/// Whether a run is for code that is not merged yet.
fn is_proposed(start: &Start) -> bool {
    let is_trusted = start.event.as_deref().is_some_and(is_trusted_event);
    is_trusted
        && matches!(
            start.reference,
            Reference::PullRequest(_) | Reference::MergeQueue(_)
        )
}
