//! The dimensions of rules and entries that have patterns.

use engine::policy::{Patterns, Rule};

/// Dimension of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dimension<'d> {
    Repository,
    Workflow,
    Branch,
    Base,
    Environment,
    Claim(&'d str),
}

impl Dimension<'_> {
    /// Returns whether the engine ignores case for ASCII values.
    pub(super) fn ignores_case(self) -> bool {
        matches!(self, Self::Repository | Self::Environment)
    }
}

/// Returns the dimensions in a rule.
pub(super) fn dimensions<'r>(
    rule: &'r Rule,
) -> impl Iterator<Item = (Dimension<'r>, &'r Patterns)> {
    let named = [
        (Dimension::Workflow, &rule.workflow),
        (Dimension::Branch, &rule.branch),
        (Dimension::Base, &rule.base),
        (Dimension::Environment, &rule.environment),
    ];
    let claims = rule.claims.iter();
    named
        .into_iter()
        .filter_map(|(dimension, patterns)| Some((dimension, patterns.as_ref()?)))
        .chain(claims.map(|(name, patterns)| (Dimension::Claim(name), patterns)))
}
