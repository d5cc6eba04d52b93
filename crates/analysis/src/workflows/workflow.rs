//! A workflow file.
//!
//! Source: docs.github.com, "Workflow syntax for GitHub Actions". The parser ignores everything that it
//! does not need: GitHub validates the file.

use super::matrix::StrategyMatrix;
use super::permissions::Permissions;
use super::trigger::{self, Trigger};
use super::yaml::{Node, unexpected};
use engine::policy::{Position, Problem, quoted};

/// A workflow file.
#[derive(Clone, Debug, PartialEq)]
pub struct Workflow {
    /// Name of the file in `.github/workflows`.
    pub file: String,
    /// `name:`, any text.
    pub name: Option<String>,
    /// `on:`, in file order.
    pub triggers: Vec<Trigger>,
    /// `permissions:`.
    pub permissions: Option<Permissions>,
    /// `jobs:`, in file order.
    pub jobs: Vec<Job>,
}

/// A job as in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Key of the job in `jobs:`.
    pub id: String,
    /// Position of the job.
    pub position: Position,
    /// `environment:` or its `name:`, with its expressions.
    pub environment: Option<String>,
    /// `permissions:`.
    pub permissions: Option<Permissions>,
    /// `strategy.matrix:`.
    pub matrix: StrategyMatrix,
    /// `uses:`, if the job calls a workflow.
    pub call: Option<Call>,
    /// `needs:`.
    pub needs: Vec<String>,
    /// `if:`.
    pub condition: Option<String>,
    /// `continue-on-error:`, with its expressions.
    pub continue_on_error: Option<String>,
    /// `env:` of the file and of the job, with its expressions.
    pub env: Vec<(String, String)>,
    /// `steps:`, with those inside `parallel:`.
    pub steps: Vec<Step>,
}

/// A call of a reusable workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// `uses:` as in the file.
    pub uses: String,
    /// `with:`, with its expressions.
    pub with: Vec<(String, String)>,
}

/// A step of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Position of the step.
    pub position: Position,
    /// `uses:`.
    pub uses: Option<String>,
    /// `run:`.
    pub run: Option<String>,
    /// `with:`, with its expressions.
    pub with: Vec<(String, String)>,
    /// `env:`, with its expressions.
    pub env: Vec<(String, String)>,
    /// `if:`.
    pub condition: Option<String>,
    /// `continue-on-error:`, with its expressions.
    pub continue_on_error: Option<String>,
    /// Whether it runs beside other steps: with `background: true`, or with others in `parallel:`.
    pub is_concurrent: bool,
}

impl Workflow {
    /// Parses a workflow file.
    ///
    /// # Errors
    /// The first problem, if the text is not valid YAML or not a workflow.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        let root = Node::parse(text)?;
        if !root.is_mapping() {
            return Err(unexpected(&root, "the workflow", "a mapping"));
        }
        let missing = |key: &str| Problem::new(root.at, format!("`{key}` is missing"));
        let on = root.get("on").ok_or_else(|| missing("on"))?;
        let jobs = root.get("jobs").ok_or_else(|| missing("jobs"))?;
        if !jobs.is_mapping() {
            return Err(unexpected(jobs, "`jobs`", "a mapping"));
        }
        let workflow = Self {
            file: file.to_owned(),
            name: root.get("name").and_then(Node::text).map(str::to_owned),
            triggers: trigger::read(on)?,
            permissions: permissions(&root),
            jobs: jobs
                .members()
                .map(|(id, at, job)| Job::read(id, at, job, root.get("env")))
                .collect::<Result<_, _>>()?,
        };
        workflow.check_needs()?;
        Ok(workflow)
    }

    /// Checks that the jobs exist that others need: GitHub starts nothing otherwise.
    fn check_needs(&self) -> Result<(), Problem> {
        for job in &self.jobs {
            let is_job = |need: &&String| {
                self.jobs
                    .iter()
                    .any(|other| other.id.eq_ignore_ascii_case(need))
            };
            if let Some(missing) = job.needs.iter().find(|need| !is_job(need)) {
                let (id, missing) = (quoted(&job.id), quoted(missing));
                let message = format!(
                    "the job {id} needs {missing}, and the workflow has no job with that name"
                );
                return Err(Problem::new(job.position, message));
            }
        }
        Ok(())
    }

    /// Whether only other workflows start it, so that no job's token names it as its workflow.
    pub fn is_only_called(&self) -> bool {
        self.events().next().is_none()
    }

    /// Returns the events that its jobs can have: those of `on:` without `workflow_call`, because a
    /// called workflow keeps its caller's event.
    pub fn events(&self) -> impl Iterator<Item = &str> {
        let names = self.triggers.iter().map(|trigger| trigger.event.as_str());
        names.filter(|event| *event != "workflow_call")
    }

    /// Returns the trigger for an event.
    pub fn trigger(&self, event: &str) -> Option<&Trigger> {
        self.triggers.iter().find(|trigger| trigger.event == event)
    }
}

impl Job {
    /// Returns its texts with expressions that decide where and for what it runs.
    pub(super) fn texts(&self) -> Vec<&str> {
        let with = self.call.iter().flat_map(|call| &call.with);
        let steps = self.steps.iter();
        let steps = steps.flat_map(|step| [step.condition.as_deref(), step.input("permission")]);
        let own = [self.condition.as_deref(), self.environment.as_deref()];
        own.into_iter()
            .chain(steps)
            .flatten()
            .chain(with.map(|(_, value)| value.as_str()))
            .chain(self.matrix.texts())
            .collect()
    }

    /// Reads a job; `env` is that of its file.
    fn read(id: &str, position: Position, job: &Node, env: Option<&Node>) -> Result<Self, Problem> {
        if !job.is_mapping() {
            let what = format!("the job {}", quoted(id));
            return Err(unexpected(job, &what, "a mapping"));
        }
        let environment = match job.get("environment") {
            Some(node) if node.is_mapping() => node.get("name"),
            other => other,
        };
        if let Some(node) = environment.filter(|node| node.text().is_none()) {
            return Err(unexpected(node, "`environment`", "a string or a mapping"));
        }
        Ok(Self {
            id: id.to_owned(),
            position,
            environment: environment.and_then(Node::text).map(str::to_owned),
            permissions: permissions(job),
            matrix: job
                .get("strategy")
                .map(StrategyMatrix::of_strategy)
                .unwrap_or_default(),
            call: job.get("uses").and_then(Node::text).map(|uses| Call {
                uses: uses.to_owned(),
                with: texts_of(job.get("with")),
            }),
            needs: job.get("needs").map(Node::texts).unwrap_or_default(),
            condition: condition(job),
            continue_on_error: job
                .get("continue-on-error")
                .and_then(Node::text)
                .map(str::to_owned),
            env: [texts_of(env), texts_of(job.get("env"))].concat(),
            steps: job.get("steps").map(steps).unwrap_or_default(),
        })
    }
}

impl Job {
    /// Whether it waits for the job with this ID. IDs ignore case.
    pub(super) fn needs(&self, id: &str) -> bool {
        self.needs.iter().any(|need| need.eq_ignore_ascii_case(id))
    }
}

impl Call {
    /// Returns the called file in `.github/workflows` of the same repository. `./` and `$/` both stand
    /// for the repository of the calling file.
    pub fn local_file(&self) -> Option<&str> {
        let path = self.uses.strip_prefix("$/").unwrap_or(&self.uses);
        let is_own = path.len() < self.uses.len() || path.starts_with("./");
        let path = path.strip_prefix("./").unwrap_or(path);
        let file = path.strip_prefix(".github/workflows/")?;
        (is_own && !file.contains('/')).then_some(file)
    }
}

/// Returns the steps of a list, with those inside `parallel:`.
fn steps(list: &Node) -> Vec<Step> {
    let mut steps = Vec::new();
    for step in list.items() {
        let Some(group) = step.get("parallel") else {
            steps.push(Step::read(step));
            continue;
        };
        let mut group: Vec<_> = group.items().map(Step::read).collect();
        let has_others = group.len() > 1;
        for step in &mut group {
            step.is_concurrent |= has_others;
        }
        steps.append(&mut group);
    }
    steps
}

impl Step {
    fn read(step: &Node) -> Self {
        let text = |key: &str| step.get(key).and_then(Node::text).map(str::to_owned);
        Self {
            position: step.at,
            uses: text("uses"),
            run: text("run"),
            with: texts_of(step.get("with")),
            env: texts_of(step.get("env")),
            condition: condition(step),
            continue_on_error: text("continue-on-error"),
            is_concurrent: step.get("background").and_then(Node::text) == Some("true"),
        }
    }

    /// Returns an input with its expressions, or `None` if it is empty. Names of inputs ignore case.
    pub fn input(&self, name: &str) -> Option<&str> {
        let mut with = self.with.iter();
        let (_, value) = with.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(value.trim()).filter(|value| !value.is_empty())
    }

    /// Whether it uses the action with this name. Only the last part of the path counts, so forks and
    /// copies in the repository match too. GitHub ignores the case of owners and repositories.
    pub fn is_gate(&self, action: &str) -> bool {
        self.uses.as_deref().is_some_and(|uses| {
            let path = uses.split('@').next().unwrap_or(uses);
            let path = path.trim_end_matches('/');
            // `native` is the same action without a container.
            let path = path.strip_suffix("/native").unwrap_or(path);
            let name = path.rsplit('/').next();
            name.is_some_and(|name| name.eq_ignore_ascii_case(action))
        })
    }
}

/// Returns `if:` of a job or step. An empty one is `success()`, as none is.
fn condition(node: &Node) -> Option<String> {
    let text = node.get("if")?.text()?;
    (!text.trim().is_empty()).then(|| text.to_owned())
}

fn permissions(node: &Node) -> Option<Permissions> {
    node.get("permissions").map(Permissions::read)
}

fn texts_of(mapping: Option<&Node>) -> Vec<(String, String)> {
    mapping
        .into_iter()
        .flat_map(Node::members)
        .filter_map(|(key, _, value)| Some((key.to_owned(), value.text()?.to_owned())))
        .collect()
}

#[cfg(test)]
#[path = "workflow_tests.rs"]
mod tests;
