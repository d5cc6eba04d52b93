//! Rows of the matrix: a workflow file and one environment of its jobs.

use std::collections::BTreeMap;

use regex_syntax::hir::literal::{Extractor, Literal};

use super::cell::{Access, Cell, Grant};
use crate::workflows::{Environment, Reference, RunJob, Start, Workflow, Workflows};
use engine::policy::{CaseSensitivity, Kind, Pattern, Patterns};

/// A row of the matrix.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// File and environment that the row stands for.
    pub kind: RowKind<'a>,
    /// Events that start the file; none if they are unknown.
    pub triggers: Vec<&'a str>,
    /// Events for which a job of the file has the environment; `None` if they are unknown.
    pub events: Option<Vec<&'a str>>,
    /// Branches that its pull requests go into, if the file names them all.
    pub bases: Option<Vec<&'a str>>,
    /// Jobs with this environment: `JOB`, or `FILE/JOB` for a job of a called file.
    pub jobs: Vec<String>,
    /// Whether one of these jobs has `id-token: write`. A job without it has no token, so no decision.
    pub id_token: bool,
    /// Cells, one for each permission.
    pub cells: Vec<Cell<'a>>,
}

impl Row<'_> {
    /// Returns what one of the row's cells grants.
    pub fn access(&self, cell: &Cell<'_>) -> Access {
        if cell.grants.is_empty() {
            return if cell.hints.is_empty() {
                Access::Denied
            } else {
                Access::Missed
            };
        }
        if cell.grants.iter().any(|grant| self.is_certain(grant)) {
            Access::Granted
        } else {
            Access::Perhaps
        }
    }

    /// Whether no rule grants anything to the row.
    pub fn gets_nothing(&self) -> bool {
        self.cells.iter().all(|cell| cell.grants.is_empty())
    }

    /// Whether jobs of a file are among the row's: its own, or those of a file that it calls.
    pub fn has_jobs_of(&self, file: &str) -> bool {
        let of_file = |job: &String| {
            let job = job.strip_prefix(file);
            job.is_some_and(|rest| rest.starts_with('/'))
        };
        self.kind.file() == Some(file) || self.jobs.iter().any(of_file)
    }

    /// Whether a grant of one of the row's cells depends on nothing that only a run knows.
    pub fn is_certain(&self, grant: &Grant<'_>) -> bool {
        match self.kind {
            RowKind::File { .. } => grant.environments.is_empty(),
            RowKind::Unreadable { .. } => false,
            // The author of a new file chooses its environment.
            RowKind::Other => true,
        }
    }
}

/// File and environment that a row stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowKind<'a> {
    /// A workflow file and an environment.
    File {
        /// Name of the file.
        file: &'a str,
        /// Environment of its jobs.
        environment: Environment,
    },
    /// A workflow file that cannot be parsed, so its environments and events are unknown.
    Unreadable {
        /// Name of the file.
        file: &'a str,
    },
    /// Any workflow file that does not exist yet.
    Other,
}

impl<'a> RowKind<'a> {
    /// Returns the file's name.
    pub fn file(&self) -> Option<&'a str> {
        match self {
            Self::File { file, .. } | Self::Unreadable { file } => Some(file),
            Self::Other => None,
        }
    }
}

/// Returns the rows, with empty cells.
pub(super) fn rows<'a>(
    workflows: &'a Workflows,
    runs: &[(&'a Workflow, Vec<RunJob<'a>>)],
    columns: usize,
) -> Vec<Row<'a>> {
    let empty = |kind| Row {
        kind,
        triggers: Vec::new(),
        events: None,
        bases: None,
        jobs: Vec::new(),
        id_token: false,
        cells: vec![Cell::default(); columns],
    };
    let mut by_file: BTreeMap<&str, Vec<Row<'_>>> = BTreeMap::new();
    for (file, jobs) in runs.iter().filter(|(file, _)| !file.is_only_called()) {
        let file: &'a Workflow = file;
        let rows = by_file.entry(&file.file).or_default();
        for environment in environments(jobs) {
            let ways: Vec<_> = jobs
                .iter()
                .flat_map(|job| job.outcomes.iter().map(move |outcome| (job, outcome)))
                .filter(|(_, outcome)| outcome.environment.is_same(&environment))
                .collect();
            let with: Vec<_> = jobs
                .iter()
                .filter(|job| ways.iter().any(|(other, _)| std::ptr::eq(*other, *job)))
                .collect();
            let starts = ways.iter().map(|(_, outcome)| &*outcome.start);
            rows.push(Row {
                triggers: distinct(file.events()),
                events: Some(events(file, starts.clone())),
                bases: bases(file, starts),
                jobs: with.iter().map(|job| job_name(job, &file.file)).collect(),
                id_token: with.iter().any(|job| job.token.has_id_token()),
                ..empty(RowKind::File {
                    file: &file.file,
                    environment,
                })
            });
        }
    }
    for unreadable in &workflows.unreadable {
        let file = unreadable.file.as_str();
        let rows = by_file.entry(file).or_default();
        rows.push(empty(RowKind::Unreadable { file }));
    }
    let mut rows: Vec<_> = by_file.into_values().flatten().collect();
    rows.push(empty(RowKind::Other));
    rows
}

/// Returns the events of these starts, in the order of the file.
fn events<'a, 's>(
    file: &'a Workflow,
    starts: impl Iterator<Item = &'s Start> + Clone,
) -> Vec<&'a str> {
    distinct(file.events().filter(|event| {
        let mut starts = starts.clone();
        starts.any(|start| start.event.as_deref() == Some(event))
    }))
}

/// Returns texts without repetitions.
fn distinct<'a>(all: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut distinct: Vec<&str> = Vec::new();
    for text in all {
        if !distinct.contains(&text) {
            distinct.push(text);
        }
    }
    distinct
}

/// Returns the branches that the pull requests of these starts go into, if the file names them all.
fn bases<'a, 's>(
    file: &'a Workflow,
    starts: impl Iterator<Item = &'s Start>,
) -> Option<Vec<&'a str>> {
    let mut bases = Vec::new();
    for start in starts.filter(|start| start.event.as_deref() == Some("pull_request")) {
        let (Reference::PullRequest(base) | Reference::Merged(base)) = &start.reference else {
            return None;
        };
        let base = base.as_named()?;
        let mut names = file.trigger("pull_request")?.branches.iter();
        let name = names.find(|name| *name == base)?.as_str();
        if !bases.contains(&name) {
            bases.push(name);
        }
    }
    (!bases.is_empty()).then_some(bases)
}

fn job_name(job: &RunJob<'_>, file: &str) -> String {
    if job.file == file {
        job.job.id.clone()
    } else {
        format!("{}/{}", job.file, job.job.id)
    }
}

/// Returns the distinct environments of the jobs: none first, then named ones, then dynamic ones.
fn environments(jobs: &[RunJob<'_>]) -> Vec<Environment> {
    let mut all: Vec<Environment> = Vec::new();
    for environment in jobs.iter().flat_map(RunJob::environments) {
        if !all.iter().any(|known| known.is_same(&environment)) {
            all.push(environment);
        }
    }
    all.sort();
    all
}

/// Whether a rule can match workflow files that do not exist yet. The name of one file cannot, and
/// neither can a regex that lists complete names or matches only files of another repository.
pub(super) fn may_be_others(workflow: Option<&Patterns>) -> bool {
    let is_open = |pattern: &Pattern| match pattern.kind {
        Kind::Any => true,
        Kind::Literal | Kind::Exact => false,
        Kind::Regex | Kind::Glob => {
            let Ok(tree) = pattern.tree(CaseSensitivity::Sensitive) else {
                return false;
            };
            let starts = Extractor::new().extract(&tree);
            let has_slash = |start: &Literal| start.as_bytes().contains(&b'/');
            let elsewhere = starts
                .literals()
                .is_some_and(|starts| starts.iter().all(has_slash));
            !starts.is_exact() && !elsewhere
        }
    };
    workflow.is_none_or(|patterns| patterns.list.iter().any(is_open))
}
