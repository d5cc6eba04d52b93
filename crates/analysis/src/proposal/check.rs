//! Checks proposed rules as the author's next lint will.

use std::collections::HashMap;

use super::rule::{Filter, ProposedRule};
use super::text::rule_text;
use crate::lint::{Level, LintOptions, accepts, lint};
use engine::policy::{Format, Kind, Pattern, Position};

/// Patterns that were checked, because rules share most of them.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// Whether the linter accepts a pattern, by dimension, kind and text.
    patterns: HashMap<(&'static str, &'static str, String), bool>,
}

impl Checked {
    /// Returns the first error or warning of the linter for a policy with only this rule.
    pub(super) fn problem(&mut self, rule: &ProposedRule) -> Option<String> {
        let names = |names: &'_ [String]| {
            names
                .iter()
                .map(|name| (Kind::Exact, name.clone()))
                .collect()
        };
        let filters = |filters: &'_ [Filter]| {
            let filters = filters.iter();
            filters
                .map(|filter| (filter.kind(), filter.text().to_owned()))
                .collect()
        };
        let dimensions: [(_, Vec<_>); 4] = [
            ("workflow", names(&rule.workflows)),
            ("branch", filters(&rule.branches)),
            ("base", filters(&rule.bases)),
            ("environment", names(&rule.environments)),
        ];
        // No branch has a colon, so the linter looks at its event too.
        let has_colon =
            |filter: &Filter| filter.kind() != Kind::Regex && filter.text().contains(':');
        let mut is_clean = !rule.branches.iter().any(has_colon);
        for (dimension, patterns) in dimensions {
            for (kind, text) in patterns {
                is_clean &= self.accepts(dimension, kind, text);
            }
        }
        if is_clean {
            return None;
        }
        let mut text = String::from("version: 1\npermissions:\n");
        rule_text(&mut text, 2, rule);
        lint(&text, Format::Yaml, &LintOptions::default())
            .into_iter()
            .find(|finding| finding.level != Level::Note)
            .map(|finding| finding.message)
    }

    fn accepts(&mut self, dimension: &'static str, kind: Kind, text: String) -> bool {
        let pattern = Pattern {
            text: text.as_str().into(),
            kind,
            position: Position::START,
        };
        let known = self.patterns.entry((dimension, kind.name(), text));
        *known.or_insert_with(|| accepts(dimension, &pattern, None))
    }
}
