//! One workflow file.
//!
//! Source: docs.github.com, "Workflow syntax for GitHub Actions". What is not needed is not looked at:
//! whether a file is valid, GitHub says.

use super::matrix::StrategyMatrix;
use super::permissions::Permissions;
use super::trigger::{self, Trigger};
use super::yaml::Node;
use engine::policy::{Position, Problem, quoted};

/// A workflow file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workflow {
    /// Its name in `.github/workflows`.
    pub file: String,
    /// `name:`, a free text.
    pub name: Option<String>,
    /// `on:`, in file order.
    pub triggers: Vec<Trigger>,
    /// `permissions:`.
    pub permissions: Option<Permissions>,
    /// `jobs:`, in file order.
    pub jobs: Vec<Job>,
}

/// A job as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its key in `jobs:`.
    pub id: String,
    /// Where it starts.
    pub position: Position,
    /// `environment:` or its `name:`, with its expressions.
    pub environment: Option<String>,
    /// `permissions:`.
    pub permissions: Option<Permissions>,
    /// `strategy.matrix:`.
    pub matrix: StrategyMatrix,
    /// `uses:`, when it is no job of its own but a call.
    pub call: Option<Call>,
    /// `steps:`.
    pub steps: Vec<Step>,
}

/// A call of a reusable workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// `uses:` as it is written.
    pub uses: String,
    /// `with:`, with its expressions.
    pub with: Vec<(String, String)>,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where it starts.
    pub position: Position,
    /// `uses:`.
    pub uses: Option<String>,
    /// `run:`.
    pub run: Option<String>,
    /// `with:`, with its expressions.
    pub with: Vec<(String, String)>,
}

impl Workflow {
    /// Reads a workflow file.
    ///
    /// # Errors
    /// It is no YAML, or no workflow: the first problem.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        let root = Node::parse(text)?;
        if !root.is_mapping() {
            return Err(wrong(&root, "the workflow", "a mapping"));
        }
        let missing = |key: &str| Problem::new(root.at, format!("`{key}` is missing"));
        let on = root.get("on").ok_or_else(|| missing("on"))?;
        let jobs = root.get("jobs").ok_or_else(|| missing("jobs"))?;
        if !jobs.is_mapping() {
            return Err(wrong(jobs, "`jobs`", "a mapping"));
        }
        Ok(Self {
            file: file.to_owned(),
            name: root.get("name").and_then(Node::text).map(str::to_owned),
            triggers: trigger::read(on)?,
            permissions: permissions(&root),
            jobs: jobs
                .members()
                .map(|(id, at, job)| Job::read(id, at, job))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Whether it is only started by other workflows, so that no job has it as its workflow.
    pub fn is_only_called(&self) -> bool {
        self.events().next().is_none()
    }

    /// The events that a job of it can have: those of `on:`, but `workflow_call`, which leaves the
    /// caller's.
    pub fn events(&self) -> impl Iterator<Item = &str> {
        let names = self.triggers.iter().map(|trigger| trigger.event.as_str());
        names.filter(|event| *event != "workflow_call")
    }

    /// How it reacts to an event.
    pub fn trigger(&self, event: &str) -> Option<&Trigger> {
        self.triggers.iter().find(|trigger| trigger.event == event)
    }
}

impl Job {
    fn read(id: &str, position: Position, job: &Node) -> Result<Self, Problem> {
        if !job.is_mapping() {
            let what = format!("the job {}", quoted(id));
            return Err(wrong(job, &what, "a mapping"));
        }
        let environment = match job.get("environment") {
            Some(node) if node.is_mapping() => node.get("name"),
            other => other,
        };
        if let Some(node) = environment.filter(|node| node.text().is_none()) {
            return Err(wrong(node, "`environment`", "a text or a mapping"));
        }
        let steps = job.get("steps").into_iter().flat_map(Node::items);
        Ok(Self {
            id: id.to_owned(),
            position,
            environment: environment.and_then(Node::text).map(str::to_owned),
            permissions: permissions(job),
            matrix: job
                .get("strategy")
                .and_then(|strategy| strategy.get("matrix"))
                .map(StrategyMatrix::read)
                .unwrap_or_default(),
            call: job.get("uses").and_then(Node::text).map(|uses| Call {
                uses: uses.to_owned(),
                with: texts_of(job.get("with")),
            }),
            steps: steps.map(Step::read).collect(),
        })
    }
}

impl Call {
    /// The file in `.github/workflows` of the same repository that is called: by `./`, or by `$/`, the
    /// repository of the file that says it.
    pub fn local_file(&self) -> Option<&str> {
        let path = self.uses.strip_prefix("$/").unwrap_or(&self.uses);
        let is_own = path.len() < self.uses.len() || path.starts_with("./");
        let path = path.strip_prefix("./").unwrap_or(path);
        let file = path.strip_prefix(".github/workflows/")?;
        (is_own && !file.contains('/')).then_some(file)
    }
}

impl Step {
    fn read(step: &Node) -> Self {
        let text = |key: &str| step.get(key).and_then(Node::text).map(str::to_owned);
        Self {
            position: step.at,
            uses: text("uses"),
            run: text("run"),
            with: texts_of(step.get("with")),
        }
    }

    /// An input, with its expressions; absent when empty. Their names are compared without case.
    pub fn input(&self, name: &str) -> Option<&str> {
        let mut with = self.with.iter();
        let (_, value) = with.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(value.trim()).filter(|value| !value.is_empty())
    }

    /// Whether it uses the action of this name: the last part of the path, so that a fork and a copy
    /// in the repository count too.
    pub fn is_gate(&self, action: &str) -> bool {
        self.uses.as_deref().is_some_and(|uses| {
            let path = uses.split('@').next().unwrap_or(uses);
            let path = path.trim_end_matches('/');
            // The same action without a container.
            let path = path.strip_suffix("/native").unwrap_or(path);
            path.rsplit('/').next() == Some(action)
        })
    }
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

pub(super) fn wrong(node: &Node, what: &str, expected: &str) -> Problem {
    let seen = node.kind();
    Problem::new(node.at, format!("{what} is {seen}, expected {expected}"))
}

#[cfg(test)]
#[path = "workflow_tests.rs"]
mod tests;
