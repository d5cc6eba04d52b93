//! Collects the findings of a policy.

use std::ops::Range;

use super::catalogue::Lint;
use super::dimension::Dimension;
use super::finding::Finding;
use super::fix::Fix;
use super::source::Source;
use engine::policy::{Kind, Pattern, Position, Problem, Rule};

/// Returns whether a pattern of a dimension has no findings. The third argument is the rule's repository.
type Accepts = fn(Dimension<'_>, &Pattern, Option<&str>) -> bool;

/// Collects the findings of the checks.
pub(super) struct Findings<'a> {
    pub(super) source: Source<'a>,
    /// Repository of the current rules, if known.
    pub(super) repository: Option<String>,
    /// Returns whether a pattern would have no findings itself, so that a check may propose it.
    pub(super) accepts: Accepts,
    pub(super) list: Vec<Finding>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(source: Source<'a>, accepts: Accepts) -> Self {
        Self {
            source,
            repository: None,
            accepts,
            list: Vec::new(),
        }
    }

    /// Creates a finding about a value; `text` is the value without quotes.
    pub(super) fn value(&self, lint: &Lint, at: Position, text: &str, message: String) -> Finding {
        Finding::new(lint, at, self.source.extent(at, text).length, message)
    }

    /// Creates a finding about a problem that makes the policy or a part of it invalid.
    pub(super) fn problem(&self, lint: &Lint, problem: &Problem) -> Finding {
        let length = self.source.marked(problem.position, problem.length);
        Finding {
            help: problem.help.clone(),
            ..Finding::new(lint, problem.position, length, problem.message.clone())
        }
    }

    /// Creates a finding about a pattern.
    pub(super) fn pattern(&self, lint: &Lint, pattern: &Pattern, message: String) -> Finding {
        self.value(lint, pattern.position, &pattern.text, message)
    }

    /// Returns whether a pattern names its kind, so that another kind cannot replace it.
    pub(super) fn is_explicit(&self, pattern: &Pattern) -> bool {
        match pattern.kind {
            Kind::Any | Kind::Literal => false,
            Kind::Regex => self.source.is_explicit(pattern.position),
            Kind::Exact | Kind::Glob => true,
        }
    }

    /// Returns the range of a pattern with its quotes, if it can be replaced.
    pub(super) fn whole(&self, pattern: &Pattern) -> Option<Range<Position>> {
        let start = pattern.position;
        let extent = self.source.extent(start, &pattern.text);
        let column = start.column.checked_add(extent.length)?;
        extent
            .is_whole
            .then_some(start..Position { column, ..start })
    }

    /// Creates the removal of an element of a list.
    pub(super) fn removal(&self, at: Position, length: u32) -> Option<Fix> {
        self.source.removal(at, length).map(Fix::removal)
    }

    /// Creates a finding about a rule, which marks its first line.
    pub(super) fn rule(&self, lint: &Lint, rule: &Rule, message: String) -> Finding {
        let length = self.source.rest_of_line(rule.position);
        Finding::new(lint, rule.position, length, message)
    }

    /// Creates a finding about a value of a rule whose position is not in the policy.
    pub(super) fn member(
        &self,
        lint: &Lint,
        rule: &Rule,
        key: &str,
        value: &str,
        message: String,
    ) -> Finding {
        match self.source.find(rule.position, key, value) {
            Some(at) => self.value(lint, at, value, message),
            None => self.rule(lint, rule, message),
        }
    }

    pub(super) fn push(&mut self, finding: Finding) {
        self.list.push(finding);
    }
}
