//! The jobs of a run: a workflow with the reusable workflows that it calls.
//!
//! A called job keeps the workflow of its caller (`workflow_ref`), so its environment counts for the
//! file that was started.

use std::collections::BTreeMap;

use super::directory::Workflows;
use super::expression::{MAX_VALUES, Names, values};
use super::permissions::JobToken;
use super::trigger::InputKind;
use super::workflow::{Call, Job, Step, Workflow};

/// How deep calls go: GitHub's own limit (docs.github.com, "Reusing workflow configurations").
const MAX_DEPTH: usize = 10;
/// After this many jobs of one run, calls are not followed any more.
const MAX_JOBS: usize = 4_096;

/// A job of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunJob<'w> {
    /// The file that it is written in: the one that was started, or a called one.
    pub file: &'w str,
    /// As it is written.
    pub job: &'w Job,
    /// The environments that it can have, at least one.
    pub environments: Vec<Environment>,
    /// What its token may do.
    pub token: JobToken<'w>,
    /// Its steps with this action.
    pub gates: Vec<Gate<'w>>,
}

/// The environment of a job.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Environment {
    /// It has none.
    None,
    /// This one.
    Named(String),
    /// Only a run knows: the expression, or the call, as it is written.
    Dynamic(String),
}

/// A step that asks for permissions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate<'w> {
    /// As it is written in the file of its job.
    pub step: &'w Step,
    /// What its input `permission` can be, as the action reads it: keys or display names.
    pub permissions: Vec<String>,
    /// The input as it is written, when only a run knows it.
    pub dynamic: Option<String>,
}

impl Workflows {
    /// The jobs of a run of `workflow`, with those that it calls. `action` is the name that this
    /// action has in `uses:`. A workflow that is only called has inputs and a token that are not known.
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
    /// The files from the one that was started to the one that is looked at.
    calls: Vec<&'w str>,
    /// How many jobs were looked at, those that call others too.
    seen: usize,
    jobs: Vec<RunJob<'w>>,
}

impl<'w> Run<'w, '_> {
    /// The jobs of a workflow that a job with the token `caller` calls, or that starts the run.
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
            // Another repository's, or none that can be read.
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

/// Each once, without case as GitHub compares them; an empty name is none.
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

/// Where the inputs of a workflow come from.
trait Inputs {
    fn values(&self, name: &str) -> Option<Vec<String>>;
}

/// From whoever starts it.
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
        // Every other event leaves it out.
        if self.0.events().any(|event| event != "workflow_dispatch") {
            values.push(String::new());
        }
        Some(values)
    }
}

/// From whoever calls it.
struct AnyCaller;

impl Inputs for AnyCaller {
    fn values(&self, _: &str) -> Option<Vec<String>> {
        None
    }
}

/// From the job that calls it. They are resolved once, however often they are used.
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
        // The default may use the `github` context, but no inputs.
        let default = default.unwrap_or_default();
        (!default.contains("${{")).then(|| vec![default.to_owned()])
    }
}

/// The names that a job's expressions can use.
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
            // Its values are texts with expressions too, but not of the matrix itself.
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
