//! Whether a pattern can match a value of a known form, decided on automata.

use std::collections::HashMap;

use crate::compare::{Budget, may_match};
use engine::policy::{Kind, Pattern};

/// Remembers what was decided.
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
    /// Whether a pattern matches a value of the form, a regex over the whole value. `true` also where
    /// that is not known.
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
