//! Decides on automata whether a pattern can match a value of a known form.

use std::collections::HashMap;

use super::dimension::Dimension;
use crate::compare::{Budget, matches_a_value, may_match};
use engine::policy::{CaseSensitivity, Kind, Pattern};

/// Caches the decisions.
pub(super) struct Forms {
    known: HashMap<(String, Kind, CaseSensitivity, &'static str), bool>,
    budget: Budget,
}

impl Default for Forms {
    fn default() -> Self {
        Self {
            known: HashMap::new(),
            budget: Budget::of_policy(),
        }
    }
}

impl Forms {
    /// Returns a cache for all patterns of a policy. It decides on some thousand, or on few large ones.
    pub(super) fn of_all_patterns() -> Self {
        Self {
            known: HashMap::new(),
            budget: Budget::of_patterns(),
        }
    }

    /// Returns whether a pattern matches a value of the form, a regex for the whole value. Returns `true` if that is
    /// unknown.
    pub(super) fn may_match(&mut self, pattern: &Pattern, form: &'static str) -> bool {
        self.decide((pattern, CaseSensitivity::Sensitive), form)
    }

    /// Returns whether a pattern of a dimension matches any value.
    pub(super) fn matches_any(&mut self, dimension: Dimension<'_>, pattern: &Pattern) -> bool {
        // An empty value is absent.
        let form = "(?s:.)+";
        matches_a_value(pattern)
            || self.decide((pattern, CaseSensitivity::Sensitive), form)
            || (dimension.ignores_case()
                && self.decide((pattern, CaseSensitivity::Insensitive), form))
    }

    fn decide(&mut self, (pattern, case): (&Pattern, CaseSensitivity), form: &'static str) -> bool {
        if pattern.kind == Kind::Any {
            return true;
        }
        let key = (pattern.text.to_string(), pattern.kind, case, form);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let may_match = may_match((pattern, case), form, &mut self.budget);
        self.known.insert(key, may_match);
        may_match
    }
}
