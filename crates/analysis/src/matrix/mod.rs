//! The access matrix: what a policy's rules grant to each workflow file and environment of a repository.
//!
//! Pure. The workflow files come from a checkout; a branch can add others, with other events.

mod cell;
mod row;
mod unused;

use jiff::Timestamp;

pub use cell::{Access, Bases, Cell, Events, Grant, Hint, Why};
pub use row::{Row, RowKind};
pub use unused::Unused;

use crate::lint::{Finding, lint_workflows};
use crate::workflows::{Environment, RunOptions, Workflows};
use engine::policy::{CaseSensitivity, Invalid, Matcher, Patterns, Problem, Rule};

/// The table and what does not fit into it.
#[derive(Clone, Debug)]
pub struct AccessMatrix<'a> {
    /// Columns: the permission keys that the rules name, in the rules' order.
    pub permissions: Vec<&'a str>,
    /// Rows sorted by file, one for each of its environments; the last row stands for files that do not
    /// exist yet.
    pub rows: Vec<Row<'a>>,
    /// Rules that no workflow of the repository can use, in the policy's order.
    pub unused: Vec<Unused<'a>>,
    /// Files that only other workflows call, so no job's token names them as its workflow.
    pub only_called: Vec<&'a str>,
    /// What the policy cannot enforce because of the files, each with the name of its file.
    pub findings: Vec<(&'a str, Finding)>,
}

impl<'a> AccessMatrix<'a> {
    /// Evaluates the rules that a policy has for `repository` (`None` if its name is unknown) on its
    /// workflow files.
    ///
    /// # Errors
    /// All patterns of the rules that do not compile.
    pub fn new(
        rules: &[&'a Rule],
        repository: Option<&'a str>,
        workflows: &'a Workflows,
        options: RunOptions<'_>,
        now: Timestamp,
    ) -> Result<Self, Invalid> {
        let mut permissions: Vec<&str> = Vec::new();
        for key in rules.iter().flat_map(|rule| &*rule.permissions) {
            if !permissions.contains(&key.as_str()) {
                permissions.push(key.as_str());
            }
        }
        let mut rows = row::rows(workflows, options, permissions.len());
        let mut unused = Vec::new();
        let mut problems = Vec::new();
        for rule in rules {
            match CompiledRule::new(rule, repository) {
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
            findings: lint_workflows(workflows, options),
        })
    }
}

/// How many dimensions of a row a rule matches, in the order of evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// The rule names another file.
    None,
    /// The file matches, the environment does not.
    Workflow,
    /// File and environment match, none of the file's events does.
    Environment,
    /// An event matches too, but none of the bases of the file's pull requests.
    Event,
    /// File and environment match, but the rule has expired.
    Expired,
    /// The rule grants, or can grant.
    Grants,
}

/// A rule with its compiled patterns. Only one exists at a time, because a large pattern takes a megabyte.
struct CompiledRule<'a> {
    rule: &'a Rule,
    workflow: Option<Vec<Matcher<'a>>>,
    /// Patterns that a base must match; `None` if the rule also trusts the default branch.
    base: Option<Vec<Matcher<'a>>>,
    environment: Option<[Vec<Matcher<'a>>; 2]>,
    /// Repository of the workflow files, if known.
    repository: Option<&'a str>,
}

impl<'a> CompiledRule<'a> {
    fn new(rule: &'a Rule, repository: Option<&'a str>) -> Result<Self, Problem> {
        let compile = |patterns: &'a Option<Patterns>, case| {
            let patterns = patterns.as_ref();
            patterns.map(|patterns| patterns.compile(case)).transpose()
        };
        // The matrix does not use these, but they decide whether the policy is valid.
        let branch = compile(&rule.branch, CaseSensitivity::Sensitive)?;
        let base = compile(&rule.base, CaseSensitivity::Sensitive)?;
        let trusts_default = rule.base.is_none() && rule.at_top;
        for (_, patterns) in &rule.claims {
            patterns.compile(CaseSensitivity::Sensitive)?;
        }
        let workflow = compile(&rule.workflow, CaseSensitivity::Sensitive)?;
        let folded = compile(&rule.environment, CaseSensitivity::Insensitive)?;
        let exact = compile(&rule.environment, CaseSensitivity::Sensitive)?;
        Ok(Self {
            rule,
            workflow,
            base: base.or(branch).filter(|_| !trusts_default),
            environment: folded.zip(exact).map(|(folded, exact)| [folded, exact]),
            repository,
        })
    }

    /// Adds the rule to the cells that it applies to, and returns how far it fits each row.
    fn fit(&self, rows: &mut [Row<'a>], permissions: &[&str], now: Timestamp) -> Vec<Fit> {
        let mut fits = Vec::new();
        for row in rows {
            let (fit, entry) = self.evaluate(row, now);
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

    fn evaluate(
        &self,
        row: &Row<'a>,
        now: Timestamp,
    ) -> (Fit, Option<Result<Grant<'a>, Hint<'a>>>) {
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

    /// Whether the rule certainly trusts no base of the row: it accepts only `pull_request`, and the file
    /// names every branch that its pull requests go into.
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
        let matchers = self.environment.as_ref().map(|[folded, exact]| {
            match CaseSensitivity::ignored_for(name) {
                CaseSensitivity::Insensitive => folded.as_slice(),
                CaseSensitivity::Sensitive => exact.as_slice(),
            }
        });
        matches(matchers, name)
    }
}

/// Whether one of the patterns matches; `None` matches everything, as `*` does.
fn matches(matchers: Option<&[Matcher<'_>]>, value: Option<&str>) -> bool {
    matchers.is_none_or(|matchers| matchers.iter().any(|matcher| matcher.matches(value)))
}

#[cfg(test)]
#[path = "matrix_tests.rs"]
mod tests;
