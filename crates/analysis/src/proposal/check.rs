//! Checks proposed rules as the author's next lint will.

use super::rule::ProposedRule;
use super::text::rule_text;
use crate::lint::{Level, LintOptions, lint};
use engine::policy::Format;

/// Returns the first error or warning of the linter for a policy with only this rule.
pub(super) fn problem(rule: &ProposedRule) -> Option<String> {
    let mut text = String::from("version: 1\npermissions:\n");
    rule_text(&mut text, 2, rule);
    lint(&text, Format::Yaml, &LintOptions::default())
        .into_iter()
        .find(|finding| finding.level != Level::Note)
        .map(|finding| finding.message)
}
