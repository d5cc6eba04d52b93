//! Jobs of a run: those of a workflow and of the reusable workflows that it calls.
//!
//! The token of a called job names the started workflow (`workflow_ref`), so the job's environment
//! counts for that file.

use std::sync::Arc;

use github_actions_expressions::Evaluation;

use super::checkout::{self, ChosenCheckout};
use super::directory::Workflows;
use super::expression::{Scope, Status};
use super::gate::{Gate, Request};
use super::needs::Jobs;
use super::outcome::{Environment, Outcome};
use super::path::{JobPath, paths};
use super::permissions::JobToken;
use super::start::{Start, Starts};
use super::trigger::Input;
use super::value::Value;
use super::workflow::{Call, Job, Step, Workflow};
use super::world::World;

/// What reading a run needs besides the files.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions<'o> {
    /// Name of this action in `uses:`, without its owner.
    pub action: &'o str,
    /// Default branch, if known.
    pub default_branch: Option<&'o str>,
}

/// A job of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunJob<'w> {
    /// File that contains the job: the started one, or a called one.
    pub file: &'w str,
    /// Job as in the file.
    pub job: &'w Job,
    /// Permissions of its token.
    pub token: JobToken<'w>,
    /// `if:` of the calling jobs and of the job itself.
    pub conditions: Vec<&'w str>,
    /// Every way in which a run of the started workflow can start.
    pub starts: Arc<[Arc<Start>]>,
    /// The distinct ways in which it runs. Empty if no start of the workflow reaches it.
    pub outcomes: Vec<Outcome>,
    /// Steps that use this action.
    pub gates: Vec<Gate<'w>>,
    /// Steps that get other code than the token's commit.
    pub checkouts: Vec<ChosenCheckout<'w>>,
}

impl RunJob<'_> {
    /// Returns its distinct environments. GitHub ignores the case of their names.
    pub fn environments(&self) -> Vec<Environment> {
        let mut environments: Vec<Environment> = Vec::new();
        for outcome in &self.outcomes {
            if !environments
                .iter()
                .any(|known| known.is_same(&outcome.environment))
            {
                environments.push(outcome.environment.clone());
            }
        }
        environments
    }
}

impl Workflows {
    /// Returns the jobs of the runs of each file.
    pub fn runs<'w>(&'w self, options: RunOptions<'_>) -> Vec<(&'w Workflow, Vec<RunJob<'w>>)> {
        let files = self.files.iter();
        files
            .map(|file| (file, self.jobs_of(file, options)))
            .collect()
    }

    /// Returns the jobs of the runs that `workflow` starts, with those of the workflows that it calls. The
    /// inputs and the token of a workflow that is only called are unknown.
    pub fn jobs_of<'w>(
        &'w self,
        workflow: &'w Workflow,
        options: RunOptions<'_>,
    ) -> Vec<RunJob<'w>> {
        let paths = paths(self, workflow);
        let texts = paths.iter().flat_map(JobPath::texts);
        let starts = Starts::of(workflow, options.default_branch, texts);
        let runs = Runs {
            workflow,
            all: starts.all.iter().cloned().map(Arc::new).collect(),
            starts,
            options,
        };
        paths.iter().map(|path| runs.job(path)).collect()
    }
}

struct Runs<'w, 'o> {
    workflow: &'w Workflow,
    starts: Starts,
    all: Arc<[Arc<Start>]>,
    options: RunOptions<'o>,
}

impl<'w> Runs<'w, '_> {
    fn job(&self, path: &JobPath<'w>) -> RunJob<'w> {
        let steps = path.job.steps.iter();
        let is_gate = |step: &Step| step.is_gate(self.options.action);
        let gates = steps.filter(|step| is_gate(step));
        let mut gates: Vec<_> = gates
            .map(|step| Gate::new(path.workflow, path.job, step, is_gate))
            .collect();
        let mut outcomes: Vec<Outcome> = Vec::new();
        let mut started = Vec::new();
        for start in &*self.all {
            let contexts = self.starts.contexts(self.workflow, start);
            let ways = World::all(|world| path.run(world, &contexts, &mut gates));
            let ways = ways.unwrap_or_else(|| vec![Some(path.unknown(&gates))]);
            let is_conditional = ways.iter().any(Option::is_none);
            if ways.iter().any(Option::is_some) {
                started.push((Arc::clone(start), contexts));
            }
            for (environment, requests) in ways.into_iter().flatten() {
                let outcome = Outcome {
                    is_conditional,
                    start: Arc::clone(start),
                    environment,
                    requests,
                };
                if !outcomes.contains(&outcome) {
                    outcomes.push(outcome);
                }
            }
        }
        for (index, gate) in gates.iter_mut().enumerate() {
            let requests = outcomes.iter().flat_map(|outcome| &outcome.requests);
            gate.add_requests(index, requests);
        }
        RunJob {
            file: path.file,
            job: path.job,
            token: path.token.clone(),
            conditions: path.conditions().collect(),
            starts: Arc::clone(&self.all),
            checkouts: checkout::chosen(path, &started),
            outcomes,
            gates,
        }
    }
}

/// Environment of a job and what its gates request, in one world.
type Way = (Environment, Vec<Request>);

impl<'w> JobPath<'w> {
    /// Returns the texts with expressions of the job and of those that call it.
    fn texts(&self) -> impl Iterator<Item = &'w str> {
        let callers = self.calls.iter().map(|(caller, _)| caller.job);
        callers.chain([self.job]).flat_map(Job::texts)
    }

    fn conditions(&self) -> impl Iterator<Item = &'w str> {
        let callers = self.calls.iter().map(|(caller, _)| caller.job);
        callers
            .chain([self.job])
            .filter_map(|job| job.condition.as_deref())
    }

    /// Returns how the job runs in a world, or `None` if it does not run.
    fn run(
        &self,
        world: &World,
        contexts: &[(&'static str, Value); 2],
        gates: &mut [Gate<'w>],
    ) -> Option<Way> {
        let [github, inputs] = contexts.clone();
        let mut inputs = inputs.1;
        let mut prefix = String::new();
        for (caller, call) in &self.calls {
            let known = [github.clone(), ("inputs", inputs)];
            let jobs = Jobs::new(caller.workflow, world, prefix, known);
            let (name, contexts) = (jobs.name(caller.job), with_matrix(&jobs, caller.job)?);
            inputs = passed(call, caller.called, &scope(world, &name, &contexts));
            prefix = format!("{name}/");
        }
        let jobs = Jobs::new(self.workflow, world, prefix, [github, ("inputs", inputs)]);
        let (name, contexts) = (jobs.name(self.job), with_matrix(&jobs, self.job)?);
        if let Some(call) = &self.job.call {
            return Some((Environment::Dynamic(call.uses.clone()), Vec::new()));
        }
        let scope = scope(world, &name, &contexts);
        let environment = match self.job.environment.as_deref() {
            None => Environment::None,
            Some(text) => environment(text, &scope.text(text), world),
        };
        let mut requests = Vec::new();
        for (index, gate) in gates.iter_mut().enumerate() {
            requests.extend(gate.run(index, &scope));
        }
        Some((environment, requests))
    }

    /// Returns how the job runs if there are too many worlds.
    fn unknown(&self, gates: &[Gate<'w>]) -> Way {
        let environment = match (self.job.environment.as_deref(), &self.job.call) {
            (_, Some(call)) => Environment::Dynamic(call.uses.clone()),
            (Some(text), None) => Environment::Dynamic(text.to_owned()),
            (None, None) => Environment::None,
        };
        let requests = gates.iter().enumerate();
        (
            environment,
            requests.map(|(index, gate)| gate.unknown(index)).collect(),
        )
    }
}

/// Converts the value of `environment:`: a name, or an object with one.
fn environment(text: &str, value: &Value, world: &World) -> Environment {
    let name = match value {
        Value::Object(_) => value.member(&Evaluation::String("name".to_owned()), world),
        value => value.clone(),
    };
    let Value::Scalar(name) = name else {
        return Environment::Dynamic(text.to_owned());
    };
    let name = name.sema().to_string();
    match name.trim().is_empty() {
        true => Environment::None,
        false => Environment::Named(name),
    }
}

fn scope<'s>(world: &'s World, name: &'s str, contexts: &'s [(&'static str, Value)]) -> Scope<'s> {
    Scope {
        world,
        name,
        contexts,
        status: Status::OF_STEP,
    }
}

/// Returns the contexts of a job with one combination of its matrix; `None` if it does not run.
fn with_matrix<'s>(jobs: &Jobs<'s>, job: &'s Job) -> Option<Vec<(&'static str, Value)>> {
    let mut contexts = jobs.contexts_of(job)?;
    let name = jobs.name(job);
    let matrix = job.matrix.context(&scope(jobs.world, &name, &contexts));
    contexts.push(("matrix", matrix.chosen(jobs.world)));
    Some(contexts)
}

/// Returns the context `inputs` of a called workflow.
fn passed(call: &Call, called: &Workflow, scope: &Scope<'_>) -> Value {
    let trigger = called.trigger("workflow_call");
    let declared = trigger
        .map(|trigger| trigger.inputs.as_slice())
        .unwrap_or_default();
    let is = |input: &Input, name: &str| input.name.eq_ignore_ascii_case(name);
    let inputs = declared.iter().map(|input| {
        let given = call.with.iter().find(|(name, _)| is(input, name));
        let text = given
            .map(|(_, text)| text.as_str())
            .or(input.default.as_deref());
        let value = text.map_or(Value::NULL, |text| scope.text(text));
        (input.name.clone(), input.kind.converted(value))
    });
    // GitHub refuses what the workflow does not declare.
    let others = call
        .with
        .iter()
        .filter(|(name, _)| !declared.iter().any(|input| is(input, name)));
    let others = others.map(|(name, text)| (name.clone(), scope.text(text)));
    Value::object(inputs.chain(others).collect(), true)
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
