//! Decides on automata whether a pattern can match a value of a known form.

use std::collections::HashMap;

use crate::compare::{Budget, may_match};
use engine::policy::{Kind, Pattern};

/// Caches the decisions.
pub(super) struct Forms {
    known: HashMap<(String, Kind, &'static str), bool>,
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
    /// Returns whether a pattern matches a value of the form, a regex for the whole value. Returns `true` if that is
    /// unknown.
    pub(super) fn may_match(&mut self, pattern: &Pattern, form: &'static str) -> bool {
        if pattern.kind == Kind::Any {
            return true;
        }
        let key = (pattern.text.to_string(), pattern.kind, form);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let may_match = may_match(pattern, form, &mut self.budget);
        self.known.insert(key, may_match);
        may_match
    }
}
