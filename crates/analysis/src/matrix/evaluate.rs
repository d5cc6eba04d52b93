//! Evaluates a rule on the rows.

use jiff::Timestamp;

use super::cell::{self, Events, Grant, Hint, Why};
use super::row::{self, Row, RowKind};
use crate::workflows::Environment;
use engine::policy::{CaseSensitivity, Matcher, Patterns, Problem, Rule};

/// How many dimensions of a row a rule matches, in the order of evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
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
pub(super) struct CompiledRule<'a> {
    pub(super) rule: &'a Rule,
    workflow: Option<Vec<Matcher<'a>>>,
    /// Patterns that a base must match; `None` if the rule also trusts the default branch.
    base: Option<Vec<Matcher<'a>>>,
    environment: Option<[Vec<Matcher<'a>>; 2]>,
    /// Repository of the workflow files, if known.
    pub(super) repository: Option<&'a str>,
}

impl<'a> CompiledRule<'a> {
    pub(super) fn new(rule: &'a Rule, repository: Option<&'a str>) -> Result<Self, Problem> {
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
    pub(super) fn fit(
        &self,
        rows: &mut [Row<'a>],
        permissions: &[&str],
        now: Timestamp,
    ) -> Vec<Fit> {
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

    pub(super) fn matches_file(&self, file: &str) -> bool {
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
