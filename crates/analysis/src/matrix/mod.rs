//! Who can do what: the workflow files of a repository and their environments, held against the rules
//! that a policy has for it.
//!
//! Pure. The workflow files are those of a checkout: a branch can bring other ones, with other events.

mod cell;
mod row;
mod unused;

use jiff::Timestamp;

pub use cell::{Access, Bases, Cell, Events, Grant, Hint, Why};
pub use row::{Row, RowKind};
pub use unused::Unused;

use crate::workflows::{Environment, Workflows};
use engine::policy::{Case, Invalid, Matcher, Patterns, Problem, Rule};

/// The table and what does not fit into it.
#[derive(Clone, Debug)]
pub struct AccessMatrix<'a> {
    /// The columns: the permission keys that the rules name, in their order.
    pub permissions: Vec<&'a str>,
    /// By file, its environments together; the last one is for files that are not there yet.
    pub rows: Vec<Row<'a>>,
    /// The rules that no workflow here can use, in file order.
    pub unused: Vec<Unused<'a>>,
    /// The files that only others call, so that no job has them as its workflow.
    pub only_called: Vec<&'a str>,
}

impl<'a> AccessMatrix<'a> {
    /// Compares the rules of an installation against the workflow files of `repository`, if its name is
    /// known. `action` is the name of this action in `uses:`.
    ///
    /// # Errors
    /// Patterns of the rules do not compile.
    pub fn new(
        rules: &[&'a Rule],
        repository: Option<&'a str>,
        workflows: &'a Workflows,
        action: &str,
        now: Timestamp,
    ) -> Result<Self, Invalid> {
        let mut permissions: Vec<&str> = Vec::new();
        for key in rules.iter().flat_map(|rule| &*rule.permissions) {
            if !permissions.contains(&key.as_str()) {
                permissions.push(key.as_str());
            }
        }
        let mut rows = row::rows(workflows, action, permissions.len());
        let mut unused = Vec::new();
        let mut problems = Vec::new();
        for rule in rules {
            match Compiled::new(rule, repository) {
                Ok(compiled) => {
                    let fit = compiled.fit(&mut rows, &permissions, now);
                    unused.extend(unused::why(&compiled, &fit, &rows, workflows));
                }
                Err(problem) => problems.push(problem),
            }
        }
        if let Some(invalid) = Invalid::from_problems(problems) {
            return Err(invalid);
        }
        for row in &mut rows {
            row.cells.iter_mut().for_each(Cell::merge);
        }
        let called = workflows.files.iter().filter(|file| file.is_only_called());
        Ok(Self {
            permissions,
            rows,
            unused,
            only_called: called.map(|file| file.file.as_str()).collect(),
        })
    }
}

/// How far a rule fits a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// Another file.
    None,
    /// The file, but not the environment.
    Workflow,
    /// Both, but no event of the file.
    Environment,
    /// An event too, but no base that its pull requests go into.
    Event,
    /// It did until it expired.
    Expired,
    /// It grants, or may.
    Grants,
}

/// A rule whose patterns compile. One at a time: a large pattern takes a megabyte.
struct Compiled<'a> {
    rule: &'a Rule,
    workflow: Option<Vec<Matcher<'a>>>,
    /// What a base has to match, unless the rule also trusts the default branch.
    base: Option<Vec<Matcher<'a>>>,
    environment: Option<[Vec<Matcher<'a>>; 2]>,
    /// The repository of the workflow files, where it is known.
    repository: Option<&'a str>,
}

impl<'a> Compiled<'a> {
    fn new(rule: &'a Rule, repository: Option<&'a str>) -> Result<Self, Problem> {
        let compile = |patterns: &'a Option<Patterns>, case| {
            let patterns = patterns.as_ref();
            patterns.map(|patterns| patterns.compile(case)).transpose()
        };
        // Whether the policy is valid hangs on these too.
        let branch = compile(&rule.branch, Case::Sensitive)?;
        let base = compile(&rule.base, Case::Sensitive)?;
        let trusts_default = rule.base.is_none() && rule.at_top;
        for (_, patterns) in &rule.claims {
            patterns.compile(Case::Sensitive)?;
        }
        let workflow = compile(&rule.workflow, Case::Sensitive)?;
        let folded = compile(&rule.environment, Case::Insensitive)?;
        let exact = compile(&rule.environment, Case::Sensitive)?;
        Ok(Self {
            rule,
            workflow,
            base: base.or(branch).filter(|_| !trusts_default),
            environment: folded.zip(exact).map(|(folded, exact)| [folded, exact]),
            repository,
        })
    }

    /// Puts the rule into the cells that it is for. Gives how far it fits each row.
    fn fit(&self, rows: &mut [Row<'a>], permissions: &[&str], now: Timestamp) -> Vec<Fit> {
        let mut fits = Vec::new();
        for row in rows {
            let (fit, entry) = self.hold(row, now);
            fits.push(fit);
            let Some(entry) = entry else {
                continue;
            };
            for (key, cell) in permissions.iter().zip(&mut row.cells) {
                if self.rule.permissions.iter().any(|own| own.as_str() == *key) {
                    cell.add(entry.clone());
                }
            }
        }
        fits
    }

    fn hold(&self, row: &Row<'a>, now: Timestamp) -> (Fit, Option<Result<Grant<'a>, Hint<'a>>>) {
        let rule = self.rule;
        let mut grant = Grant::of(rule);
        let matches_file = match &row.kind {
            RowKind::File { file, .. } | RowKind::Unreadable { file } => self.matches_file(file),
            RowKind::Other => {
                grant.workflows = cell::patterns(&rule.workflow);
                row::may_be_others(rule.workflow.as_ref())
            }
        };
        if !matches_file {
            return (Fit::None, None);
        }
        let environment = match &row.kind {
            RowKind::File { environment, .. } => match environment {
                Environment::None => Some(None),
                Environment::Named(name) => Some(Some(name.as_str())),
                Environment::Dynamic(_) => None,
            },
            RowKind::Unreadable { .. } | RowKind::Other => None,
        };
        let fits_environment = match environment {
            Some(name) => self.matches_environment(name),
            None => {
                grant.environments = cell::patterns(&rule.environment);
                true
            }
        };
        if !fits_environment {
            return (Fit::Workflow, None);
        }
        if rule
            .expires
            .as_ref()
            .is_some_and(|expires| expires.is_over(now))
        {
            return (Fit::Expired, Some(Err(Hint::new(rule, Why::Expired))));
        }
        let Some(events) = Events::accepted(rule, row.events.as_deref()) else {
            return (Fit::Environment, Some(Err(Hint::new(rule, Why::Event))));
        };
        if self.trusts_no_base(row, &events) {
            return (Fit::Event, Some(Err(Hint::new(rule, Why::Base))));
        }
        (Fit::Grants, Some(Ok(grant.on(events, rule))))
    }

    /// Whether it is certain that the rule trusts none of the bases of a row, all of whose accepted events
    /// are pull requests into branches that the file names.
    fn trusts_no_base(&self, row: &Row<'_>, events: &Events<'_>) -> bool {
        let Some(names) = &row.bases else {
            return false;
        };
        let only_pull_requests = *events == Events::These(vec!["pull_request"]);
        only_pull_requests
            && !names
                .iter()
                .any(|name| matches(self.base.as_deref(), Some(name)))
    }

    fn matches_file(&self, file: &str) -> bool {
        matches(self.workflow.as_deref(), Some(file))
    }

    fn matches_environment(&self, name: Option<&str>) -> bool {
        let matchers =
            self.environment
                .as_ref()
                .map(|[folded, exact]| match Case::ignored_for(name) {
                    Case::Insensitive => folded.as_slice(),
                    Case::Sensitive => exact.as_slice(),
                });
        matches(matchers, name)
    }
}

/// Whether one of the patterns matches; none is `*`.
fn matches(matchers: Option<&[Matcher<'_>]>, value: Option<&str>) -> bool {
    matchers.is_none_or(|matchers| matchers.iter().any(|matcher| matcher.matches(value)))
}

#[cfg(test)]
#[path = "matrix_tests.rs"]
mod tests;
