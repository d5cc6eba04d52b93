//! Decides whether rules grant everything that another rule grants.
//!
//! Only certain results count, so that an unreachable rule can be removed. The texts decide most pairs, and
//! automata the others, up to a limit.

use std::collections::HashMap;

use jiff::Timestamp;

use super::dimension::Dimension;
use crate::compare::{Automata, Budget, Section, covers, grant_all};
use engine::decision::{Merges, is_trusted_event, merges};
use engine::policy::{CaseSensitivity, Kind, Matcher, Pattern, Patterns, Rule};

/// Maximum number of cached compiled patterns. Each can take [`engine::policy::MAX_COMPILED`] bytes.
const MAX_KEPT: usize = 256;
/// Maximum number of a dimension's patterns to compare on automata.
const MAX_PATTERNS: usize = 64;

/// Compares rules and caches compiled patterns.
pub(super) struct RuleComparer<'r> {
    matchers: HashMap<(&'r str, Kind, bool), Option<Matcher<'r>>>,
    automata: Automata,
    /// The section of the rules, and the time.
    of: (Section<'r>, Timestamp),
    /// Remaining budget for comparisons on automata.
    pub(super) budget: Budget,
}

/// A condition of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition<'r> {
    Events,
    Values(Dimension<'r>),
}

/// How much of another rule's access a rule grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Covered<'r> {
    /// All of it.
    Whole,
    /// All except for one condition.
    But(Condition<'r>),
    /// Less, or uncertain.
    Less,
}

impl<'r> RuleComparer<'r> {
    pub(super) fn new(of: (Section<'r>, Timestamp), budget: Budget) -> Self {
        Self {
            of,
            matchers: HashMap::new(),
            automata: Automata::of_short_walks(),
            budget,
        }
    }

    /// Returns how much of the access of `narrow` the rule `wide`, which must be valid, grants.
    pub(super) fn rule(&mut self, wide: &'r Rule, narrow: &'r Rule) -> Covered<'r> {
        if !expiry(wide, narrow) {
            return Covered::Less;
        }
        let mut but = None;
        let mut conditions = conditions(wide);
        let is_whole = conditions.all(|condition| {
            let is_covered = match condition {
                Condition::Events => events(wide, narrow),
                Condition::Values(dimension) => self.dimension(
                    dimension,
                    values(wide, dimension),
                    values(narrow, dimension),
                ),
            };
            is_covered || but.replace(condition).is_none()
        });
        match but {
            _ if !is_whole => Covered::Less,
            // A single rule must match both head and base.
            Some(Condition::Values(Dimension::Branch)) if has_base(narrow) => Covered::Less,
            _ if has_base(narrow) && !self.base(wide, narrow) => Covered::Less,
            None => Covered::Whole,
            Some(condition) => Covered::But(condition),
        }
    }

    /// Returns whether rules that each cover another one except for one condition cover this condition together.
    pub(super) fn together(
        &mut self,
        condition: Condition<'r>,
        wide: &[&'r Rule],
        narrow: &'r Rule,
    ) -> bool {
        match condition {
            Condition::Events => narrow.events.as_ref().is_some_and(|events| {
                let is_accepted = |event: &str| {
                    let mut wide = wide.iter();
                    wide.any(|rule| match &rule.events {
                        Some(events) => events.iter().any(|name| **name == *event),
                        None => is_trusted_event(event),
                    })
                };
                events.iter().all(|event| is_accepted(event))
            }),
            Condition::Values(dimension) => {
                let lists = wide.iter().filter_map(|rule| values(rule, dimension));
                let patterns: Vec<_> = lists.flat_map(|patterns| &patterns.list).collect();
                values(narrow, dimension)
                    .is_some_and(|narrow| self.by_automata(dimension, &patterns, &narrow.list))
            }
        }
    }

    /// Returns the fewest rules that together grant everything that another one grants, by an exact comparison of
    /// all conditions at once.
    pub(super) fn exactly(&mut self, wide: &[&'r Rule], narrow: &'r Rule) -> Option<Vec<&'r Rule>> {
        let (list, now) = self.of;
        let mut grant_all = |wide: &[&'r Rule]| {
            let spent = (&mut self.automata, &mut self.budget);
            grant_all(list, wide, narrow, now, spent)
        };
        let mut needed = grant_all(wide)?;
        for rule in needed.clone() {
            let without = needed.iter().copied();
            let without: Vec<_> = without
                .filter(|other| !std::ptr::eq(*other, rule))
                .collect();
            if grant_all(&without).is_some() {
                needed = without;
            }
        }
        Some(needed)
    }

    /// Returns whether a rule covers part of the one condition that it does not cover completely, judging by names.
    pub(super) fn meets(
        &mut self,
        condition: Condition<'r>,
        wide: &'r Rule,
        narrow: &'r Rule,
    ) -> bool {
        let Condition::Values(dimension) = condition else {
            return true;
        };
        let (Some(wide), Some(narrow)) = (values(wide, dimension), values(narrow, dimension))
        else {
            return false;
        };
        let mut pairs = narrow
            .list
            .iter()
            .flat_map(|narrow| wide.list.iter().map(move |wide| (wide, narrow)));
        pairs.any(|(wide, narrow)| {
            !(is_one_value(narrow) && is_one_value(wide)) || self.pattern(dimension, wide, narrow)
        })
    }

    /// Returns whether `wide` trusts every base that `narrow` does, given that its branch covers the other's. At the
    /// top, a rule without `base` may also trust the default branch, whose name is unknown here.
    fn base(&mut self, wide: &'r Rule, narrow: &Rule) -> bool {
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
        wide: Option<&'r Patterns>,
        narrow: Option<&Patterns>,
    ) -> bool {
        let Some(wide) = wide else {
            return true;
        };
        let is_any = |pattern: &Pattern| pattern.kind == Kind::Any;
        if wide.list.iter().any(is_any) {
            return true;
        }
        let Some(narrow) = narrow else {
            return false;
        };
        let mut is_open = false;
        for narrow in &narrow.list {
            let mut list = wide.list.iter();
            if list.any(|wide| self.pattern(dimension, wide, narrow)) {
                continue;
            }
            // For a single value, this is the complete answer. If case is ignored, it represents several values.
            if is_one_value(narrow) || narrow.kind == Kind::Any {
                return false;
            }
            is_open = true;
        }
        let wide: Vec<_> = wide.list.iter().collect();
        !is_open || self.by_automata(dimension, &wide, &narrow.list)
    }

    /// Returns whether one of `wide` matches every value that one of `narrow` matches, by automata.
    fn by_automata(
        &mut self,
        dimension: Dimension<'_>,
        wide: &[&Pattern],
        narrow: &[Pattern],
    ) -> bool {
        if wide.len().max(narrow.len()) > MAX_PATTERNS
            || narrow.iter().any(|pattern| pattern.kind == Kind::Any)
        {
            return false;
        }
        let narrow: Vec<_> = narrow.iter().collect();
        let ignores_case = dimension.ignores_case();
        let budget = &mut self.budget;
        covers(&mut self.automata, wide, &narrow, ignores_case, budget) == Some(true)
    }

    /// Returns whether `wide` matches every value that `narrow` matches.
    pub(super) fn pattern(
        &mut self,
        dimension: Dimension<'_>,
        wide: &'r Pattern,
        narrow: &Pattern,
    ) -> bool {
        if wide.kind == Kind::Any || (wide.kind == narrow.kind && wide.text == narrow.text) {
            return true;
        }
        if !is_one_value(narrow) {
            return false;
        }
        let value: &str = &narrow.text;
        let case = if dimension.ignores_case() {
            CaseSensitivity::ignored_for(Some(value))
        } else {
            CaseSensitivity::Sensitive
        };
        if is_one_value(wide) {
            return match case {
                CaseSensitivity::Sensitive => *wide.text == *value,
                CaseSensitivity::Insensitive => wide.text.eq_ignore_ascii_case(value),
            };
        }
        // `(?-i:…)` matches only this spelling of the value, while the literal also matches others.
        if case == CaseSensitivity::Insensitive && has_flags(wide) {
            return false;
        }
        let key = (&*wide.text, wide.kind, case == CaseSensitivity::Insensitive);
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

fn is_one_value(pattern: &Pattern) -> bool {
    matches!(pattern.kind, Kind::Literal | Kind::Exact)
}

/// Returns whether a regex can set flags. Groups that only capture do not.
fn has_flags(pattern: &Pattern) -> bool {
    let mut groups = pattern.text.split("(?").skip(1);
    pattern.kind == Kind::Regex && groups.any(|group| !group.starts_with([':', '<', 'P']))
}

/// Returns the conditions of a rule, those that differ most often first.
fn conditions<'r>(rule: &'r Rule) -> impl Iterator<Item = Condition<'r>> {
    let named = [
        Dimension::Branch,
        Dimension::Workflow,
        Dimension::Environment,
    ];
    let claims = rule.claims.iter().map(|(name, _)| Dimension::Claim(name));
    let values = named.into_iter().chain(claims).map(Condition::Values);
    std::iter::once(Condition::Events).chain(values)
}

fn values<'r>(rule: &'r Rule, dimension: Dimension<'_>) -> Option<&'r Patterns> {
    match dimension {
        Dimension::Workflow => rule.workflow.as_ref(),
        Dimension::Branch => rule.branch.as_ref(),
        Dimension::Base => rule.base.as_ref(),
        Dimension::Environment => rule.environment.as_ref(),
        Dimension::Claim(name) => {
            let mut claims = rule.claims.iter();
            let claim = claims.find(|(other, _)| **other == *name);
            claim.map(|(_, patterns)| patterns)
        }
        Dimension::Repository => None,
    }
}

/// Returns whether a rule can match in a run with a base: a pull request, or a future event.
fn has_base(rule: &Rule) -> bool {
    let events = rule.events.as_ref();
    events.is_none_or(|events| events.iter().any(|event| merges(event) != Merges::Never))
}

fn events(wide: &Rule, narrow: &Rule) -> bool {
    match (&wide.events, &narrow.events) {
        (None, None) => true,
        (Some(_), None) => false,
        (None, Some(narrow)) => narrow.iter().all(|event| is_trusted_event(event)),
        (Some(wide), Some(narrow)) => narrow.iter().all(|event| wide.contains(event)),
    }
}

fn expiry(wide: &Rule, narrow: &Rule) -> bool {
    match (&wide.expires, &narrow.expires) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wide), Some(narrow)) => narrow.last <= wide.last,
    }
}
