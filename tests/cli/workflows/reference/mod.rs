//! What GitHub makes of workflow files, in plain code: every run that they allow, one after the other.
//!
//! Sources: docs.github.com, "Workflow syntax for GitHub Actions", "Events that trigger workflows", "Contexts
//! reference", "Evaluate expressions in workflows and actions", "Reusing workflow configurations". It shares
//! nothing with the product, so a mistake has to be made twice to hide. Where a value is known only to a run,
//! each value that can decide something is tried.

mod choices;
mod evaluate;
mod expression;
pub mod filter;
mod inputs;
mod matrix;
mod run;
mod starts;
mod steps;
mod value;
mod workflow;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};

use choices::Choices;
use run::Frame;
use value::Value;
use workflow::{Job, Workflow};

use crate::support::pattern;

pub use starts::{Reference, Universe, candidates};
pub use steps::{Finding, keys};
pub use yaml::Node;

/// Paths through the unknown values of one job in one start; beyond them it is not decided.
const MAX_PATHS: usize = 2_000;
/// Calls of calls.
const MAX_DEPTH: usize = 10;

/// The workflow files of a repository.
#[derive(Debug, Default)]
pub struct Repository {
    pub workflows: Vec<Workflow>,
    /// Files that GitHub refuses, and why.
    pub invalid: BTreeMap<String, String>,
    texts: BTreeMap<String, String>,
}

/// The environment of a job. Names have any case, and are lower-case here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Environment {
    None,
    Named(String),
    /// Known to the run alone.
    Unknown,
}

/// A job that runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outcome {
    pub environment: Environment,
    pub id_token: bool,
    /// What its gates ask for.
    pub gates: BTreeSet<String>,
    /// Whether it can ask for more, in an action or a workflow that is not read here, or for what only the
    /// run knows.
    pub may_ask_more: bool,
}

/// A job that can run, and what starts it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    pub event: String,
    pub reference: Reference,
    /// `JOB`, or `FILE/JOB` of a called file.
    pub job: String,
    pub outcome: Outcome,
}

/// The runs of a file.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    pub all: BTreeSet<Run>,
    /// Jobs with more paths than are tried.
    pub undecided: BTreeSet<String>,
}

/// A job in its file.
struct Place<'r> {
    file: &'r Workflow,
    job: &'r Job,
}

impl Repository {
    pub fn read<'t>(files: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        let mut repository = Self::default();
        for (file, text) in files {
            match Workflow::read(file, text) {
                Ok(workflow) => repository.workflows.push(workflow),
                Err(reason) => {
                    repository.invalid.insert(file.to_owned(), reason);
                }
            }
            repository.texts.insert(file.to_owned(), text.to_owned());
        }
        repository
    }

    pub fn get(&self, file: &str) -> Option<&Workflow> {
        self.workflows.iter().find(|workflow| workflow.file == file)
    }

    /// Whether a step anywhere is this action.
    pub fn uses_gates(&self) -> bool {
        let mut jobs = self.workflows.iter().flat_map(|workflow| &workflow.jobs);
        jobs.any(|job| {
            steps::steps(job)
                .iter()
                .any(|step| steps::is_gate(step.node))
        })
    }

    /// The jobs of a run that starts with this file: the ids on the way to each, and how it is shown.
    fn jobs<'r>(&'r self, workflow: &'r Workflow) -> Vec<(Vec<&'r str>, String, Place<'r>)> {
        let mut found = Vec::new();
        let mut open: Vec<(&Workflow, Vec<&str>, Vec<&str>)> =
            vec![(workflow, vec![&workflow.file], Vec::new())];
        while let Some((file, files, path)) = open.pop() {
            for job in &file.jobs {
                let mut path = path.clone();
                path.push(&job.id);
                let shown = match files.len() {
                    1 => job.id.clone(),
                    _ => format!("{}/{}", file.file, job.id),
                };
                let local = job.call.as_ref().and_then(|call| call.local_file());
                let called = local.and_then(|file| self.get(file));
                let called = called.filter(|called| {
                    files.len() < MAX_DEPTH && !files.contains(&called.file.as_str())
                });
                match called {
                    Some(called) => {
                        let files = [&files[..], &[&called.file]].concat();
                        open.push((called, files, path));
                    }
                    None => found.push((path, shown, Place { file, job })),
                }
            }
        }
        found
    }

    /// Every run of a file, over the refs of the universe.
    pub fn runs(&self, file: &str, universe: &Universe) -> Runs {
        let mut runs = Runs::default();
        let Some(workflow) = self.get(file) else {
            return runs;
        };
        let jobs = self.jobs(workflow);
        for start in starts::starts(&workflow.on, universe) {
            for (path, shown, _) in &jobs {
                if runs.undecided.contains(shown) {
                    continue;
                }
                let outcomes = self.outcomes(workflow, &start, path);
                if outcomes.is_none() {
                    runs.undecided.insert(shown.clone());
                }
                runs.all
                    .extend(outcomes.into_iter().flatten().map(|outcome| Run {
                        event: start.event.clone(),
                        reference: start.reference.clone(),
                        job: shown.clone(),
                        outcome,
                    }));
            }
        }
        runs
    }

    /// What a job can be in a start; `None` if there are too many paths to try.
    fn outcomes(
        &self,
        workflow: &Workflow,
        start: &starts::Start,
        path: &[&str],
    ) -> Option<BTreeSet<Outcome>> {
        let triggers = starts::triggers(&workflow.on);
        let dispatch = triggers.iter().find(|(event, _)| *event == start.event);
        let inputs = match dispatch {
            Some((event, trigger)) if event == "workflow_dispatch" => inputs::of_dispatch(trigger),
            _ => Value::object(Vec::new()),
        };
        let frame = Frame {
            repository: self,
            workflow,
            github: &start.github,
            inputs,
            prefix: String::new(),
            id_token: None,
        };
        let mut choices = Choices::default();
        let mut found = BTreeSet::new();
        for _ in 0..MAX_PATHS {
            found.extend(frame.outcome(path, &mut choices));
            if !choices.advance() {
                return Some(found);
            }
        }
        None
    }

    /// The events that start a file.
    pub fn events(&self, file: &str) -> Vec<String> {
        let workflow = self.get(file).into_iter();
        let triggers = workflow.flat_map(|workflow| starts::triggers(&workflow.on));
        let events = triggers.map(|(event, _)| event);
        events.filter(|event| event != "workflow_call").collect()
    }

    /// The findings of a file's jobs, also of those in called files.
    pub fn findings(&self, file: &str) -> BTreeSet<(String, Finding)> {
        let workflow = self.get(file).into_iter();
        let jobs = workflow.flat_map(|workflow| self.jobs(workflow));
        jobs.flat_map(|(_, shown, place)| {
            let found = steps::findings(place.file, place.job).into_iter();
            found.map(move |finding| (shown.clone(), finding))
        })
        .collect()
    }

    /// Refs that can make a difference: those that the file and the called ones name or filter by, those of
    /// `extra`, and some that nothing names.
    pub fn universe(&self, file: &str, default_branch: &str, extra: &[String]) -> Universe {
        let mut universe = Universe {
            default_branch: default_branch.to_owned(),
            branches: ["zz-other", "feature/zz", default_branch]
                .map(str::to_owned)
                .into(),
            tags: ["zz-tag", "v1.2.3"].map(str::to_owned).into(),
            heads: ["zz-head".to_owned()].into(),
            asks_for_action: false,
        };
        for name in extra {
            universe.add(name);
        }
        let mut files = BTreeSet::from([file.to_owned()]);
        let workflow = self.get(file).into_iter();
        let jobs = workflow.flat_map(|workflow| self.jobs(workflow));
        files.extend(jobs.filter_map(|(_, shown, _)| Some(shown.rsplit_once('/')?.0.to_owned())));
        for workflow in files.iter().filter_map(|file| self.get(file)) {
            let parts: Vec<_> = files
                .iter()
                .flat_map(|file| looked_for(&self.texts[file]))
                .collect();
            universe
                .branches
                .extend(parts.iter().map(|part| format!("zz{part}zz")));
            universe
                .tags
                .extend(parts.iter().map(|part| format!("zz{part}zz")));
            for (_, trigger) in starts::triggers(&workflow.on) {
                let of = |key| filter::Filter::read(&trigger, key);
                universe.branches.extend(of("branches").samples(&parts));
                universe.tags.extend(of("tags").samples(&parts));
            }
            universe.add_texts(&self.texts[&workflow.file]);
        }
        universe
    }
}

/// Texts that a file looks for in refs.
fn looked_for(text: &str) -> Vec<String> {
    let calls = pattern::regex(
        r"(?:contains|endsWith|startsWith)\(\s*github\.\w*ref\w*\s*,\s*'([^']{1,40})'\s*\)",
    );
    let calls = calls.unwrap();
    let found = calls.captures_iter(text).map(|call| {
        let text = call[1].trim_start_matches("refs/");
        let text = text
            .trim_start_matches("heads/")
            .trim_start_matches("tags/");
        text.trim_matches('/').to_owned()
    });
    found.filter(|text| !text.is_empty()).collect()
}

impl Universe {
    /// Adds a name as a branch, or as a tag.
    pub fn add(&mut self, name: &str) {
        match name.strip_prefix("refs/tags/") {
            Some(tag) => self.tags.insert(tag.to_owned()),
            None => {
                let name = name.strip_prefix("refs/heads/").unwrap_or(name);
                self.branches.insert(name.to_owned())
            }
        };
    }

    /// Adds what the expressions of a file compare with.
    fn add_texts(&mut self, text: &str) {
        let quoted = pattern::regex(r#"'([A-Za-z0-9_./-]{1,60})'|"([A-Za-z0-9_./-]{1,60})""#);
        let quoted = quoted.unwrap();
        self.asks_for_action |= text.contains("event.action");
        // Only expressions that mention a ref; other texts are none.
        let about_refs = ["github.", "fromJSON"];
        for line in text
            .lines()
            .filter(|line| about_refs.iter().any(|word| line.contains(word)))
        {
            for found in quoted.captures_iter(line) {
                let text = found.get(1).or(found.get(2)).unwrap().as_str();
                if text.starts_with("refs/pull") {
                    continue;
                }
                let text = text.trim_start_matches('/');
                match text.ends_with(['/', '-', '.']) || text.is_empty() {
                    true => self.add(&format!("{text}zz")),
                    false => {
                        self.add(text);
                        self.add(&format!("{text}zz"));
                    }
                }
                if line.contains("head_ref") || line.contains("head.ref") {
                    let head = text.trim_start_matches("refs/heads/");
                    self.heads.insert(match head.ends_with('/') {
                        true => format!("{head}zz"),
                        false => head.to_owned(),
                    });
                }
                if line.contains("tag") {
                    self.tags
                        .insert(text.trim_start_matches("refs/tags/").to_owned());
                }
            }
        }
    }
}
