//! Whether rules grant all that another one does.
//!
//! Only what is certain counts, so that a rule that is called unreachable can be removed. Most pairs are
//! decided by their texts, the others on automata, as long as there are not too many of them.

use std::collections::HashMap;

use jiff::Timestamp;

use super::Dimension;
use crate::compare::{Automata, Budget, Section, covers, grant_all};
use engine::decision::{Merges, is_trusted_event, merges};
use engine::policy::{Case, Kind, Matcher, Pattern, Patterns, Rule};

/// The most compiled patterns that are kept. Each may take [`engine::policy::MAX_COMPILED`] bytes.
const MAX_KEPT: usize = 256;
/// The most patterns of one dimension that are compared on automata.
const MAX_PATTERNS: usize = 64;

/// Compares rules and keeps what it compiled.
pub(super) struct Coverage<'r> {
    matchers: HashMap<(&'r str, Kind, bool), Option<Matcher<'r>>>,
    automata: Automata,
    /// Whose rules they are, and the time.
    of: (Section<'r>, Timestamp),
    /// What is left for comparisons on automata.
    pub(super) budget: Budget,
}

/// What a rule asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'r> {
    Events,
    Values(Dimension<'r>),
}

/// What a rule grants of what another one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Covered<'r> {
    /// All of it.
    Whole,
    /// All of it but for one part.
    But(Part<'r>),
    /// Less, or it is not certain.
    Less,
}

impl<'r> Coverage<'r> {
    pub(super) fn new(of: (Section<'r>, Timestamp), budget: Budget) -> Self {
        Self {
            of,
            matchers: HashMap::new(),
            automata: Automata::of_short_walks(),
            budget,
        }
    }

    /// What `wide`, which has to be valid, grants of what `narrow` does.
    pub(super) fn rule(&mut self, wide: &'r Rule, narrow: &'r Rule) -> Covered<'r> {
        if !expiry(wide, narrow) {
            return Covered::Less;
        }
        let mut but = None;
        let mut parts = parts(wide);
        let is_whole = parts.all(|part| {
            let is_covered = match part {
                Part::Events => events(wide, narrow),
                Part::Values(dimension) => self.dimension(
                    dimension,
                    values(wide, dimension),
                    values(narrow, dimension),
                ),
            };
            is_covered || but.replace(part).is_none()
        });
        match but {
            _ if !is_whole => Covered::Less,
            // One rule has to match head and base.
            Some(Part::Values(Dimension::Branch)) if has_base(narrow) => Covered::Less,
            _ if has_base(narrow) && !self.base(wide, narrow) => Covered::Less,
            None => Covered::Whole,
            Some(part) => Covered::But(part),
        }
    }

    /// Whether some rules that cover all of another one but for one part, cover that part together.
    pub(super) fn together(&mut self, part: Part<'r>, wide: &[&'r Rule], narrow: &'r Rule) -> bool {
        match part {
            Part::Events => narrow.events.as_ref().is_some_and(|events| {
                let is_accepted = |event: &str| {
                    let mut wide = wide.iter();
                    wide.any(|rule| match &rule.events {
                        Some(events) => events.iter().any(|name| **name == *event),
                        None => is_trusted_event(event),
                    })
                };
                events.iter().all(|event| is_accepted(event))
            }),
            Part::Values(dimension) => {
                let lists = wide.iter().filter_map(|rule| values(rule, dimension));
                let patterns: Vec<_> = lists.flat_map(|patterns| &patterns.list).collect();
                values(narrow, dimension)
                    .is_some_and(|narrow| self.deep(dimension, &patterns, &narrow.list))
            }
        }
    }

    /// The fewest of some rules that together grant all that another one does, compared exactly, in every
    /// part at once.
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

    /// Whether a rule covers something of the one part of another that it does not cover whole, as far
    /// as names say.
    pub(super) fn meets(&mut self, part: Part<'r>, wide: &'r Rule, narrow: &'r Rule) -> bool {
        let Part::Values(dimension) = part else {
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

    /// Whether `wide` trusts every base that `narrow` does, where its branch covers the other's. A rule
    /// without `base` at the top may trust the default branch besides, whose name is not known here.
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
            // Of one value that is all there is to say; where case is ignored it stands for several.
            if is_one_value(narrow) || narrow.kind == Kind::Any {
                return false;
            }
            is_open = true;
        }
        let wide: Vec<_> = wide.list.iter().collect();
        !is_open || self.deep(dimension, &wide, &narrow.list)
    }

    /// Whether every value that one of `narrow` matches is matched by one of `wide`, on automata.
    fn deep(&mut self, dimension: Dimension<'_>, wide: &[&Pattern], narrow: &[Pattern]) -> bool {
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

    /// Whether every value that `narrow` matches is matched by `wide`.
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
            Case::ignored_for(Some(value))
        } else {
            Case::Sensitive
        };
        if is_one_value(wide) {
            return match case {
                Case::Sensitive => *wide.text == *value,
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

fn is_one_value(pattern: &Pattern) -> bool {
    matches!(pattern.kind, Kind::Literal | Kind::Exact)
}

/// Whether a regex may set flags; groups that only capture or name do not.
fn has_flags(pattern: &Pattern) -> bool {
    let mut groups = pattern.text.split("(?").skip(1);
    pattern.kind == Kind::Regex && groups.any(|group| !group.starts_with([':', '<', 'P']))
}

/// What a rule asks for, in the order in which rules differ most often.
fn parts<'r>(rule: &'r Rule) -> impl Iterator<Item = Part<'r>> {
    let named = [
        Dimension::Branch,
        Dimension::Workflow,
        Dimension::Environment,
    ];
    let claims = rule.claims.iter().map(|(name, _)| Dimension::Claim(name));
    let values = named.into_iter().chain(claims).map(Part::Values);
    std::iter::once(Part::Events).chain(values)
}

fn values<'r>(rule: &'r Rule, dimension: Dimension<'_>) -> Option<&'r Patterns> {
    match dimension {
        Dimension::Workflow => rule.workflow.as_ref(),
        Dimension::Branch => rule.branch.as_ref(),
        Dimension::Environment => rule.environment.as_ref(),
        Dimension::Claim(name) => {
            let mut claims = rule.claims.iter();
            let claim = claims.find(|(other, _)| **other == *name);
            claim.map(|(_, patterns)| patterns)
        }
        Dimension::Repository => None,
    }
}

/// Whether a rule may match in a run that merges, which has a base: a pull request, or an event of tomorrow.
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
