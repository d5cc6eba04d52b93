//! Rows of the matrix: a workflow file and one environment of its jobs.

use std::collections::BTreeMap;

use regex_syntax::hir::literal::{Extractor, Literal};

use super::cell::{Access, Cell, Grant};
use crate::workflows::{Environment, RunJob, Workflow, Workflows};
use engine::policy::{CaseSensitivity, Kind, Pattern, Patterns};

/// A row of the matrix.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// File and environment that the row stands for.
    pub kind: RowKind<'a>,
    /// Events that the file names; `None` if they are unknown.
    pub events: Option<Vec<&'a str>>,
    /// Base branches of `pull_request`, if the file lists them all by name.
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
pub(super) fn rows<'a>(workflows: &'a Workflows, action: &str, columns: usize) -> Vec<Row<'a>> {
    let row = |kind, events, jobs: &[&RunJob<'_>], file: &str| Row {
        kind,
        events,
        bases: workflows.get(file).and_then(bases),
        jobs: jobs.iter().map(|job| job_name(job, file)).collect(),
        id_token: jobs.iter().any(|job| job.token.has_id_token()),
        cells: vec![Cell::default(); columns],
    };
    let mut by_file: BTreeMap<&str, Vec<Row<'_>>> = BTreeMap::new();
    for file in workflows.files.iter().filter(|file| !file.is_only_called()) {
        let mut events: Vec<&str> = Vec::new();
        for event in file.events() {
            if !events.contains(&event) {
                events.push(event);
            }
        }
        let jobs = workflows.jobs_of(file, action);
        for environment in environments(&jobs) {
            let with = jobs.iter().filter(|job| {
                let mut all = job.environments.iter();
                all.any(|other| is_same(other, &environment))
            });
            let with: Vec<_> = with.collect();
            let kind = RowKind::File {
                file: &file.file,
                environment,
            };
            let row = row(kind, Some(events.clone()), &with, &file.file);
            by_file.entry(&file.file).or_default().push(row);
        }
    }
    for unreadable in &workflows.unreadable {
        let file = unreadable.file.as_str();
        let row = row(RowKind::Unreadable { file }, None, &[], file);
        by_file.entry(file).or_default().push(row);
    }
    let mut rows: Vec<_> = by_file.into_values().flatten().collect();
    rows.push(row(RowKind::Other, None, &[], ""));
    rows
}

/// Returns the branches of `on.pull_request.branches`, if it contains no globs.
fn bases(file: &Workflow) -> Option<Vec<&str>> {
    let names = &file.trigger("pull_request")?.branches;
    let is_name = |name: &&str| !name.contains(['*', '?', '+', '[', ']', '!', '\\']);
    let all: Vec<_> = names.iter().map(String::as_str).collect();
    (!all.is_empty() && all.iter().all(is_name)).then_some(all)
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
    for environment in jobs.iter().flat_map(|job| &job.environments) {
        if !all.iter().any(|known| is_same(known, environment)) {
            all.push(environment.clone());
        }
    }
    if all.is_empty() {
        all.push(Environment::None);
    }
    all.sort();
    all
}

/// Whether two environments are the same; GitHub ignores the case of their names.
fn is_same(one: &Environment, other: &Environment) -> bool {
    match (one, other) {
        (Environment::Named(one), Environment::Named(other)) => one.eq_ignore_ascii_case(other),
        _ => one == other,
    }
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
