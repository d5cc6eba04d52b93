//! Steps that use this action, what they request, and why one of them cannot stop its job.

use super::expression::{STATUS, Scope, has_status_function};
use super::value::Value;
use super::workflow::{Job, Step, Workflow};

/// A step that uses this action.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate<'w> {
    /// Step as in the file of its job.
    pub step: &'w Step,
    /// Possible values of its input `permission`, split as the action does: keys or display names.
    pub permissions: Vec<String>,
    /// Input as in the file, if only a run knows its value.
    pub dynamic: Option<String>,
    /// Why it cannot stop its job, or not all of it.
    pub weaknesses: Vec<Weakness>,
    /// Later steps that change something and run only after success.
    later: Vec<&'w Step>,
    /// `continue-on-error:` of its job, and the line of a job that needs that job.
    job_continues: Option<(&'w str, u32)>,
}

/// What one gate of a job requests in one way to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Index in [`super::RunJob::gates`].
    pub gate: usize,
    /// Permissions; `None` if only a run knows them.
    pub permissions: Option<Vec<String>>,
}

/// Why a gate cannot stop its job, or not all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weakness {
    /// `continue-on-error`: the job goes on after a denial.
    ContinuesOnError,
    /// `continue-on-error` of its job: the job in `line`, which needs that job, starts after a denial.
    JobContinuesOnError {
        /// Line of the job.
        line: u32,
    },
    /// Its `if:` can leave it out while the step in `line` runs.
    LeftOut {
        /// Line of the step.
        line: u32,
    },
    /// The step in `line` runs before it.
    After {
        /// Line of the step.
        line: u32,
    },
    /// It runs beside other steps.
    Concurrent,
    /// The `if:` of the step in `line` makes it run after a denial.
    Ignored {
        /// Line of the step.
        line: u32,
    },
    /// Its job does nothing but ask, and the `if:` of the job in `line`, which needs it, makes that job run after a
    /// denial.
    IgnoredByJob {
        /// Line of the job.
        line: u32,
    },
}

impl<'w> Gate<'w> {
    /// Reads a step of a job of a workflow; `is_gate` recognizes the steps that use this action.
    pub(super) fn new(
        workflow: &'w Workflow,
        job: &'w Job,
        step: &'w Step,
        is_gate: impl Fn(&Step) -> bool,
    ) -> Self {
        let is_self = |other: &&Step| std::ptr::eq(*other, step);
        let before = job.steps.iter().take_while(|other| !is_self(other));
        let after = job.steps.iter().skip_while(|other| !is_self(other)).skip(1);
        let mut weaknesses = Vec::new();
        // An earlier gate stands in front of the work that follows it.
        let early = before
            .take_while(|other| !is_gate(other))
            .find(|other| other.does_work());
        weaknesses.extend(early.map(|step| Weakness::After {
            line: step.position.line,
        }));
        if step.is_concurrent {
            weaknesses.push(Weakness::Concurrent);
        }
        let work: Vec<_> = after.filter(|other| other.does_work()).collect();
        let (ignoring, later): (Vec<_>, Vec<_>) = work.into_iter().partition(|step| {
            runs_after_denial(step.condition.as_deref(), &[".outcome", ".conclusion"])
        });
        weaknesses.extend(ignoring.iter().map(|step| Weakness::Ignored {
            line: step.position.line,
        }));
        let ignoring = dependents(workflow, job).filter(|other| ignores(other, job, &is_gate));
        weaknesses.extend(ignoring.map(|job| Weakness::IgnoredByJob {
            line: job.position.line,
        }));
        let dependent = dependents(workflow, job).next();
        let dependent = dependent.map(|job| job.position.line);
        Self {
            step,
            permissions: Vec::new(),
            dynamic: None,
            weaknesses,
            later,
            job_continues: job.continue_on_error.as_deref().zip(dependent),
        }
    }

    /// Returns what the gate requests in a world, and notes what makes it weak there.
    pub(super) fn run(&mut self, index: usize, scope: &Scope<'_>) -> Option<Request> {
        let holds = |step: &Step| {
            let condition = step.condition.as_deref();
            condition.is_none_or(|condition| scope.condition(condition))
        };
        if !holds(self.step) {
            let asks = |step: &Step| {
                let condition = step.condition.as_deref();
                condition.is_some_and(|condition| has_status_function(condition, &STATUS))
            };
            // A failure that leaves this step out leaves out each later one that does not ask for the status.
            let follows_failure = asks(self.step) && !scope.condition("success()");
            let runs = |step: &Step| holds(step) && (asks(step) || !follows_failure);
            if let Some(step) = self.later.iter().find(|step| runs(step)) {
                let line = step.position.line;
                self.weaken(Weakness::LeftOut { line });
            }
            return None;
        }
        let continues = self.step.continue_on_error.as_deref();
        if continues.is_some_and(|text| scope.flag(text)) {
            self.weaken(Weakness::ContinuesOnError);
        }
        if let Some((continues, line)) = self.job_continues
            && scope.flag(continues)
        {
            self.weaken(Weakness::JobContinuesOnError { line });
        }
        let text = self.step.input("permission").unwrap_or_default();
        let permissions = match scope.text(text) {
            Value::Scalar(scalar) => Some(split(&scalar.sema().to_string())),
            _ => None,
        };
        Some(Request {
            gate: index,
            permissions,
        })
    }

    /// Returns what it requests if only a run knows.
    pub(super) fn unknown(&self, index: usize) -> Request {
        let text = self.step.input("permission").unwrap_or_default();
        Request {
            gate: index,
            permissions: (!text.contains("${{")).then(|| split(text)),
        }
    }

    /// Adds what it requests in all ways to run.
    pub(super) fn add_requests<'r>(
        &mut self,
        index: usize,
        requests: impl Iterator<Item = &'r Request>,
    ) {
        for request in requests.filter(|request| request.gate == index) {
            let Some(permissions) = &request.permissions else {
                self.dynamic = self.step.input("permission").map(str::to_owned);
                continue;
            };
            for permission in permissions {
                if !self.permissions.contains(permission) {
                    self.permissions.push(permission.clone());
                }
            }
        }
        self.weaknesses.sort_unstable();
    }

    fn weaken(&mut self, weakness: Weakness) {
        if !self.weaknesses.contains(&weakness) {
            self.weaknesses.push(weakness);
        }
    }
}

/// Returns the jobs of a workflow that need a job.
fn dependents<'w>(workflow: &'w Workflow, job: &Job) -> impl Iterator<Item = &'w Job> {
    workflow.jobs.iter().filter(|other| other.needs(&job.id))
}

/// Whether a job works after the gate of a job that it needs denied. A gate whose job has work of its own guards
/// that, and others may clean up after it.
fn ignores(job: &Job, needed: &Job, is_gate: impl Fn(&Step) -> bool) -> bool {
    let works = |job: &Job| {
        let mut steps = job.steps.iter();
        steps.any(|step| step.does_work() && !is_gate(step))
    };
    let result = format!("needs.{}.result", needed.id.to_ascii_lowercase());
    runs_after_denial(job.condition.as_deref(), &[&result, "needs.*.result"])
        && works(job)
        && !job.steps.iter().any(&is_gate)
        && !works(needed)
}

/// Whether a condition makes its step or job run after a denial: it asks for the status, and not for one of the
/// results in lower case.
fn runs_after_denial(condition: Option<&str>, results: &[&str]) -> bool {
    condition.is_some_and(|condition| {
        let condition = condition.to_ascii_lowercase();
        has_status_function(&condition, &["always", "failure", "cancelled"])
            && !results.iter().any(|result| condition.contains(result))
    })
}

/// Splits the input `permission` as the action does.
fn split(list: &str) -> Vec<String> {
    let permissions = list.split([',', '\n']).map(str::trim);
    let permissions = permissions.filter(|permission| !permission.is_empty());
    permissions.map(str::to_owned).collect()
}
