//! The jobs of a run: which of them run, with which environment and token.

use super::choices::Choices;
use super::evaluate::{Scope, template};
use super::inputs;
use super::matrix;
use super::steps;
use super::value::Value;
use super::workflow::{Call, Job, Workflow};
use super::yaml::Node;
use super::{Environment, Outcome, Repository};

const CANCELLED: &str = "the run is cancelled";

/// A workflow in a run: the one that was started, or one that a job of another calls.
pub struct Frame<'a> {
    pub repository: &'a Repository,
    pub workflow: &'a Workflow,
    /// Of the run that was started, in called workflows too.
    pub github: &'a Value,
    pub inputs: Value,
    /// The calling jobs, so that questions about jobs of different calls differ.
    pub prefix: String,
    /// The least that a caller's `permissions:` leave for `id-token`.
    pub id_token: Option<bool>,
}

/// A job with what its expressions can name.
pub struct OfJob<'f, 'a> {
    pub frame: &'f Frame<'a>,
    pub job: &'a Job,
    /// Not known to `if:` and `strategy:`.
    pub matrix: Option<Value>,
}

impl Frame<'_> {
    fn key(&self, job: &Job) -> String {
        format!("{}{}", self.prefix, job.id)
    }

    /// Whether a job runs, in this run.
    pub fn runs(&self, job: &Job, choices: &mut Choices) -> bool {
        let key = self.key(job);
        if let Some(known) = choices.fact(&key) {
            return known;
        }
        let scope = OfJob {
            frame: self,
            job,
            matrix: None,
        };
        let runs = match &job.condition {
            None => self.succeeded(job, choices),
            Some(condition) => {
                (condition.asks_for_status || self.succeeded(job, choices))
                    && match template(&condition.parts, &scope, choices) {
                        Ok(value) => value.is_truthy(choices),
                        Err(_) => false,
                    }
            }
        };
        choices.learn(&key, runs);
        runs
    }

    /// How a job ended.
    fn result(&self, job: &Job, choices: &mut Choices) -> &'static str {
        if !self.runs(job, choices) {
            return "skipped";
        }
        let question = format!("{} succeeds", self.key(job));
        match job.may_fail || choices.decide(&question) {
            true => "success",
            false => "failure",
        }
    }

    /// Whether all jobs before this one succeeded, also those before the ones that it names.
    fn succeeded(&self, job: &Job, choices: &mut Choices) -> bool {
        let mut ancestors = self.workflow.ancestors(job).into_iter();
        ancestors.all(|job| self.result(job, choices) == "success")
    }

    fn needs(&self, job: &Job, choices: &mut Choices) -> Value {
        let mut members = Vec::new();
        for id in &job.needs {
            let need = self.workflow.job(id).unwrap();
            let result = self.result(need, choices);
            let outputs = format!("needs.{}{}.outputs", self.prefix, need.id.to_lowercase());
            let outputs = match result {
                "skipped" => Value::object(Vec::new()),
                _ => Value::open(&outputs, Vec::new()),
            };
            members.push((
                id.clone(),
                Value::object(vec![
                    ("result".to_owned(), Value::text(result)),
                    ("outputs".to_owned(), outputs),
                ]),
            ));
        }
        Value::object(members)
    }

    /// Whether a job's token may be exchanged: the block that is nearest, and what each caller leaves.
    fn may_have_id_token(&self, job: &Job) -> bool {
        let block = job
            .permissions
            .as_ref()
            .or(self.workflow.permissions.as_ref());
        let own = block.map(grants_id_token);
        match (self.id_token, own) {
            (Some(caller), Some(own)) => caller && own,
            (Some(caller), None) => caller,
            (None, own) => own.unwrap_or(false),
        }
    }

    /// What a job is in this run, or `None` if it does not run. `path` is the job, or the calls to it.
    pub fn outcome(&self, path: &[&str], choices: &mut Choices) -> Option<Outcome> {
        let (id, rest) = path.split_first()?;
        let job = self.workflow.job(id)?;
        if !self.runs(job, choices) {
            return None;
        }
        let mut scope = OfJob {
            frame: self,
            job,
            matrix: None,
        };
        if let Some(strategy) = &job.strategy {
            let all = matrix::combinations(strategy, &scope, choices).ok()?;
            if all.is_empty() {
                return None;
            }
            let question = format!("matrix of {}", self.key(job));
            let index = choices.choose(&question, all.len());
            scope.matrix = Some(all[index].clone());
        }
        match &job.call {
            Some(call) => self.call(call, &scope, rest, choices),
            None => {
                let (gates, may_ask_more) = steps::gates(&scope, choices);
                Some(Outcome {
                    environment: environment(&scope, choices)?,
                    id_token: self.may_have_id_token(job),
                    gates,
                    may_ask_more,
                })
            }
        }
    }

    fn call(
        &self,
        call: &Call,
        scope: &OfJob<'_, '_>,
        rest: &[&str],
        choices: &mut Choices,
    ) -> Option<Outcome> {
        let may = self.may_have_id_token(scope.job);
        let called = call.local_file().and_then(|file| self.repository.get(file));
        let Some(called) = called.filter(|_| !rest.is_empty()) else {
            // Another repository's file, or one that is not here.
            return Some(Outcome {
                environment: Environment::Unknown,
                id_token: may,
                gates: Default::default(),
                may_ask_more: true,
            });
        };
        let trigger = called.called_by()?;
        let mut given = Vec::new();
        for (name, node) in &call.with {
            given.push((name.clone(), matrix::value(node, scope, choices).ok()?));
        }
        let frame = Frame {
            repository: self.repository,
            workflow: called,
            github: self.github,
            inputs: inputs::of_call(&trigger, &given, scope, choices).ok()?,
            prefix: format!("{}/", self.key(scope.job)),
            id_token: Some(may),
        };
        frame.outcome(rest, choices)
    }
}

fn grants_id_token(block: &Node) -> bool {
    match block.text() {
        Some(text) => text == "write-all",
        None => block.get("id-token").and_then(Node::text) == Some("write"),
    }
}

/// `None`: GitHub cannot make a name of it, and the job fails before it starts.
fn environment(scope: &OfJob<'_, '_>, choices: &mut Choices) -> Option<Environment> {
    let Some(parts) = &scope.job.environment else {
        return Some(Environment::None);
    };
    let value = template(parts, scope, choices).ok()?.bound(choices);
    let name = match value {
        Value::List(_) => return None,
        Value::Object(_) => value.member("name", choices),
        other => other,
    };
    Some(match name.to_text(choices) {
        Value::Text(name) if name.is_empty() => Environment::None,
        Value::Text(name) => Environment::Named(name.to_lowercase()),
        _ => Environment::Unknown,
    })
}

impl Scope for OfJob<'_, '_> {
    fn context(&self, name: &str, choices: &mut Choices) -> Result<Value, String> {
        Ok(match name {
            "github" => self.frame.github.clone(),
            "inputs" => self.frame.inputs.clone(),
            "needs" => self.frame.needs(self.job, choices),
            "matrix" => match &self.matrix {
                Some(matrix) => matrix.clone(),
                None => Value::Null,
            },
            "vars" | "strategy" | "secrets" | "env" | "steps" | "job" | "runner" => {
                Value::open(name, Vec::new())
            }
            _ => return Err(format!("there is nothing named `{name}`")),
        })
    }

    fn status(&self, function: &str, choices: &mut Choices) -> Result<bool, String> {
        Ok(match function {
            "success" => {
                let condition = self.job.condition.as_ref();
                let can_be_cancelled = condition.is_some_and(|it| it.asks_for_cancel);
                !(can_be_cancelled && choices.decide(CANCELLED))
                    && self.frame.succeeded(self.job, choices)
            }
            "always" => true,
            "cancelled" => choices.decide(CANCELLED),
            _ => {
                let mut ancestors = self.frame.workflow.ancestors(self.job).into_iter();
                ancestors.any(|job| self.frame.result(job, choices) == "failure")
            }
        })
    }
}
