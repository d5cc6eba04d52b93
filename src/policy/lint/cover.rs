//! Whether one rule grants all that another does.
//!
//! Only what is certain counts, so that a rule that is called unreachable can be removed: `*`, the
//! same pattern, and a literal that the other pattern matches.

use std::collections::HashMap;

use super::super::{Case, Kind, Matcher, Pattern, Patterns, Rule};
use super::Dimension;
use crate::decision::is_trusted_event;

/// The most compiled patterns that are kept. Each may take [`super::super::MAX_COMPILED`] bytes.
const MAX_KEPT: usize = 256;

/// Compares rules and keeps what it compiled.
#[derive(Default)]
pub(super) struct Coverage<'r> {
    matchers: HashMap<(&'r str, Kind, bool), Option<Matcher<'r>>>,
}

impl<'r> Coverage<'r> {
    /// Whether every job that `narrow` grants a permission to is granted it by `wide`, which has to
    /// be valid.
    pub(super) fn rule(&mut self, wide: &'r Rule<'r>, narrow: &Rule<'_>) -> bool {
        let claims = |coverage: &mut Self| {
            wide.claims.iter().all(|(name, wide)| {
                let narrow = narrow.claims.iter().find(|(other, _)| other == name);
                let narrow = narrow.map(|(_, patterns)| patterns);
                coverage.dimension(Dimension::Claim(name), Some(wide), narrow)
            })
        };
        events(wide, narrow)
            && expiry(wide, narrow)
            && self.dimension(
                Dimension::Workflow,
                wide.workflow.as_ref(),
                narrow.workflow.as_ref(),
            )
            && self.dimension(
                Dimension::Branch,
                wide.branch.as_ref(),
                narrow.branch.as_ref(),
            )
            && self.base(wide, narrow)
            && self.dimension(
                Dimension::Environment,
                wide.environment.as_ref(),
                narrow.environment.as_ref(),
            )
            && claims(self)
    }

    /// Whether `wide` trusts every base that `narrow` does, where its branch covers the other's. A rule
    /// without `base` at the top may trust the default branch besides, whose name is not known here.
    fn base(&mut self, wide: &'r Rule<'r>, narrow: &Rule<'_>) -> bool {
        match (&wide.base, &narrow.base) {
            (None, None) => wide.at_top || !narrow.at_top,
            (None, Some(named)) => {
                self.dimension(Dimension::Branch, wide.branch.as_ref(), Some(named))
            }
            (Some(named), Some(other)) => {
                self.dimension(Dimension::Branch, Some(named), Some(other))
            }
            (Some(named), None) if narrow.at_top => {
                named.list.iter().any(|pattern| pattern.kind == Kind::Any)
            }
            (Some(named), None) => {
                self.dimension(Dimension::Branch, Some(named), narrow.branch.as_ref())
            }
        }
    }

    fn dimension(
        &mut self,
        dimension: Dimension<'_>,
        wide: Option<&'r Patterns<'r>>,
        narrow: Option<&Patterns<'_>>,
    ) -> bool {
        let Some(wide) = wide else {
            return true;
        };
        let is_any = |pattern: &Pattern<'_>| pattern.kind == Kind::Any;
        if wide.list.iter().any(is_any) {
            return true;
        }
        narrow.is_some_and(|narrow| {
            narrow.list.iter().all(|narrow| {
                wide.list
                    .iter()
                    .any(|wide| self.pattern(dimension, wide, narrow))
            })
        })
    }

    /// Whether every value that `narrow` matches is matched by `wide`.
    pub(super) fn pattern(
        &mut self,
        dimension: Dimension<'_>,
        wide: &'r Pattern<'r>,
        narrow: &Pattern<'_>,
    ) -> bool {
        if wide.kind == Kind::Any || (wide.kind == narrow.kind && wide.text == narrow.text) {
            return true;
        }
        if !is_one_value(narrow) {
            return false;
        }
        let value: &str = &narrow.text;
        let case = if dimension.ignores_case() {
            Case::ignored_for(Some(value))
        } else {
            Case::Sensitive
        };
        if is_one_value(wide) {
            return match case {
                Case::Sensitive => wide.text == value,
                Case::Insensitive => wide.text.eq_ignore_ascii_case(value),
            };
        }
        // `(?-i:…)` matches this spelling of the value and not the others that the literal matches.
        if case == Case::Insensitive && has_flags(wide) {
            return false;
        }
        let key = (&*wide.text, wide.kind, case == Case::Insensitive);
        let is_full = self.matchers.len() >= MAX_KEPT;
        if is_full && !self.matchers.contains_key(&key) {
            return false;
        }
        let matcher = self
            .matchers
            .entry(key)
            .or_insert_with(|| wide.compile(case).ok());
        matcher
            .as_ref()
            .is_some_and(|matcher| matcher.matches(Some(value)))
    }
}

fn is_one_value(pattern: &Pattern<'_>) -> bool {
    matches!(pattern.kind, Kind::Literal | Kind::Exact)
}

/// Whether a regex may set flags; groups that only capture or name do not.
fn has_flags(pattern: &Pattern<'_>) -> bool {
    let mut groups = pattern.text.split("(?").skip(1);
    pattern.kind == Kind::Regex && groups.any(|group| !group.starts_with([':', '<', 'P']))
}

fn events(wide: &Rule<'_>, narrow: &Rule<'_>) -> bool {
    match (&wide.events, &narrow.events) {
        (None, None) => true,
        (Some(_), None) => false,
        (None, Some(narrow)) => narrow.iter().all(|event| is_trusted_event(event)),
        (Some(wide), Some(narrow)) => narrow.iter().all(|event| wide.contains(event)),
    }
}

fn expiry(wide: &Rule<'_>, narrow: &Rule<'_>) -> bool {
    match (&wide.expires, &narrow.expires) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wide), Some(narrow)) => narrow.last <= wide.last,
    }
}
