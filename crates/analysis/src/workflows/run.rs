//! Jobs of a run: those of a workflow and of the reusable workflows that it calls.
//!
//! The token of a called job names the started workflow (`workflow_ref`), so the job's environment
//! counts for that file.

use std::collections::BTreeMap;

use super::directory::Workflows;
use super::expression::{MAX_VALUES, Names, values};
use super::permissions::JobToken;
use super::trigger::InputKind;
use super::workflow::{Call, Job, Step, Workflow};

/// Maximum depth of calls: GitHub's own limit (docs.github.com, "Reusing workflow configurations").
const MAX_DEPTH: usize = 10;
/// Maximum number of jobs of one run whose calls are followed.
const MAX_JOBS: usize = 4_096;

/// A job of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunJob<'w> {
    /// File that contains the job: the started one, or a called one.
    pub file: &'w str,
    /// Job as in the file.
    pub job: &'w Job,
    /// Possible environments, at least one.
    pub environments: Vec<Environment>,
    /// Permissions of its token.
    pub token: JobToken<'w>,
    /// Steps that use this action.
    pub gates: Vec<Gate<'w>>,
}

/// Environment of a job.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Environment {
    /// The job has none.
    None,
    /// Name of the environment.
    Named(String),
    /// Only a run knows it: the expression, or the call, as in the file.
    Dynamic(String),
}

/// A step that uses this action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate<'w> {
    /// Step as in the file of its job.
    pub step: &'w Step,
    /// Possible values of its input `permission`, split as the action does: keys or display names.
    pub permissions: Vec<String>,
    /// Input as in the file, if only a run knows its value.
    pub dynamic: Option<String>,
}

impl Workflows {
    /// Returns the jobs of a run of `workflow`, with those of the workflows that it calls. `action` is the
    /// name of this action in `uses:`. The inputs and the token of a workflow that is only called are
    /// unknown.
    pub fn jobs_of<'w>(&'w self, workflow: &'w Workflow, action: &str) -> Vec<RunJob<'w>> {
        let mut run = Run {
            workflows: self,
            action,
            calls: vec![&workflow.file],
            seen: 0,
            jobs: Vec::new(),
        };
        match workflow.is_only_called() {
            true => run.add(workflow, &AnyCaller, None),
            false => run.add(workflow, &Started(workflow), None),
        }
        run.jobs
    }
}

struct Run<'w, 'a> {
    workflows: &'w Workflows,
    action: &'a str,
    /// Files from the started one to the current one.
    calls: Vec<&'w str>,
    /// Number of visited jobs, with those that call workflows.
    seen: usize,
    jobs: Vec<RunJob<'w>>,
}

impl<'w> Run<'w, '_> {
    /// Adds the jobs of a workflow that a job with the token `caller` calls, or that starts the run.
    fn add(&mut self, workflow: &'w Workflow, inputs: &dyn Inputs, caller: Option<&JobToken<'w>>) {
        for job in &workflow.jobs {
            self.seen += 1;
            let block = job.permissions.as_ref().or(workflow.permissions.as_ref());
            let token = match caller {
                Some(caller) => caller.called(block),
                None if workflow.is_only_called() => JobToken::of_any_caller(block),
                None => JobToken::started(block),
            };
            match &job.call {
                Some(call) => self.call(workflow, job, call, inputs, token),
                None => self.job(workflow, job, inputs, token),
            }
        }
    }

    fn job(
        &mut self,
        workflow: &'w Workflow,
        job: &'w Job,
        inputs: &dyn Inputs,
        token: JobToken<'w>,
    ) {
        let names = OfJob { inputs, job };
        let environments = match job.environment.as_deref() {
            None => vec![Environment::None],
            Some(text) => match values(text, &names) {
                None => vec![Environment::Dynamic(text.to_owned())],
                Some(names) => environments(names),
            },
        };
        let gates = job.steps.iter().filter(|step| step.is_gate(self.action));
        let gates = gates.map(|step| gate(step, &names)).collect();
        self.jobs.push(RunJob {
            file: &workflow.file,
            job,
            environments,
            token,
            gates,
        });
    }

    fn call(
        &mut self,
        workflow: &'w Workflow,
        job: &'w Job,
        call: &Call,
        inputs: &dyn Inputs,
        token: JobToken<'w>,
    ) {
        let names = OfJob { inputs, job };
        let called = call.local_file().and_then(|file| self.workflows.get(file));
        let called = called.filter(|called| {
            self.seen < MAX_JOBS
                && self.calls.len() < MAX_DEPTH
                && !self.calls.contains(&called.file.as_str())
        });
        let Some(called) = called else {
            // The file belongs to another repository, or cannot be read.
            self.jobs.push(RunJob {
                file: &workflow.file,
                job,
                environments: vec![Environment::Dynamic(call.uses.clone())],
                token,
                gates: Vec::new(),
            });
            return;
        };
        let with = call.with.iter();
        let given = Called {
            workflow: called,
            with: with
                .map(|(name, text)| (name.as_str(), values(text, &names)))
                .collect(),
        };
        self.calls.push(&called.file);
        self.add(called, &given, Some(&token));
        self.calls.pop();
    }
}

/// Returns the distinct environments; GitHub ignores case, and an empty name means none.
fn environments(names: Vec<String>) -> Vec<Environment> {
    let mut environments: Vec<Environment> = Vec::new();
    for name in names {
        let known = environments.iter().any(|known| match known {
            Environment::Named(known) => known.eq_ignore_ascii_case(&name),
            _ => name.is_empty(),
        });
        if !known {
            environments.push(match name.is_empty() {
                true => Environment::None,
                false => Environment::Named(name),
            });
        }
    }
    environments
}

fn gate<'w>(step: &'w Step, names: &dyn Names) -> Gate<'w> {
    let text = step.input("permission").unwrap_or_default();
    let known = values(text, names);
    let dynamic = known.is_none().then(|| text.to_owned());
    let permissions = known.unwrap_or_default();
    let permissions = permissions
        .iter()
        .flat_map(|list| list.split([',', '\n']))
        .map(str::trim)
        .filter(|permission| !permission.is_empty());
    Gate {
        step,
        permissions: permissions.map(str::to_owned).collect(),
        dynamic,
    }
}

/// Source of the inputs of a workflow.
trait Inputs {
    fn values(&self, name: &str) -> Option<Vec<String>>;
}

/// Inputs of a started workflow.
struct Started<'w>(&'w Workflow);

impl Inputs for Started<'_> {
    fn values(&self, name: &str) -> Option<Vec<String>> {
        let dispatch = self.0.trigger("workflow_dispatch");
        let input = dispatch
            .iter()
            .flat_map(|trigger| &trigger.inputs)
            .find(|input| input.name == name);
        let mut values = match input.map(|input| &input.kind) {
            None => return Some(vec![String::new()]),
            Some(InputKind::Choice(options)) if options.len() <= MAX_VALUES => options.clone(),
            Some(_) => return None,
        };
        // No other event has inputs.
        if self.0.events().any(|event| event != "workflow_dispatch") {
            values.push(String::new());
        }
        Some(values)
    }
}

/// Inputs of a workflow whose callers are unknown.
struct AnyCaller;

impl Inputs for AnyCaller {
    fn values(&self, _: &str) -> Option<Vec<String>> {
        None
    }
}

/// Inputs from the calling job, resolved only once.
struct Called<'a> {
    workflow: &'a Workflow,
    with: BTreeMap<&'a str, Option<Vec<String>>>,
}

impl Inputs for Called<'_> {
    fn values(&self, name: &str) -> Option<Vec<String>> {
        if let Some(given) = self.with.get(name) {
            return given.clone();
        }
        let trigger = self.workflow.trigger("workflow_call");
        let mut inputs = trigger.iter().flat_map(|trigger| &trigger.inputs);
        let default = inputs
            .find(|input| input.name == name)
            .and_then(|input| input.default.as_deref());
        // A default can use the `github` context, but not inputs.
        let default = default.unwrap_or_default();
        (!default.contains("${{")).then(|| vec![default.to_owned()])
    }
}

/// Names that a job's expressions can use.
struct OfJob<'a> {
    inputs: &'a dyn Inputs,
    job: &'a Job,
}

impl Names for OfJob<'_> {
    fn input(&self, name: &str) -> Option<Vec<String>> {
        self.inputs.values(name)
    }

    fn matrix(&self, path: &str) -> Option<Vec<String>> {
        let listed = self.job.matrix.values(path)?;
        if listed.is_empty() {
            return Some(vec![String::new()]);
        }
        if listed.len() > MAX_VALUES {
            return None;
        }
        let mut all = Vec::new();
        for text in listed {
            // The matrix' values can contain expressions too, but cannot refer to the matrix.
            all.extend(values(text, &WithoutMatrix(self.inputs))?);
        }
        Some(all)
    }
}

struct WithoutMatrix<'a>(&'a dyn Inputs);

impl Names for WithoutMatrix<'_> {
    fn input(&self, name: &str) -> Option<Vec<String>> {
        self.0.values(name)
    }

    fn matrix(&self, _: &str) -> Option<Vec<String>> {
        None
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
