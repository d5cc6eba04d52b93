//! Numbers for the patterns and the conditions of grants, so that equal conditions are compared once.

use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;
use std::sync::Arc;

use jiff::Timestamp;

use super::automaton::Automata;
use super::cell::Name;
use super::classes::Language;
use super::grant::{Dimension, Grant};
use super::starts::{Starts, starts};
use engine::policy::{Kind, Pattern, Patterns};

/// Values with consecutive numbers.
struct Numbers<T: ?Sized> {
    numbers: HashMap<Rc<T>, u32>,
    values: Vec<Rc<T>>,
}

impl<T: ?Sized + Hash + Eq> Numbers<T> {
    fn number(&mut self, value: impl Into<Rc<T>>) -> u32 {
        let value = value.into();
        let next = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        let values = &mut self.values;
        *self.numbers.entry(value).or_insert_with_key(|value| {
            values.push(Rc::clone(value));
            next
        })
    }

    fn get(&self, number: u32) -> Option<&Rc<T>> {
        self.values.get(usize::try_from(number).ok()?)
    }
}

impl<T: ?Sized> Default for Numbers<T> {
    fn default() -> Self {
        Self {
            numbers: HashMap::new(),
            values: Vec::new(),
        }
    }
}

/// A list of patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct List(u32);

/// What affects the access of a grant. Patterns that are written differently can have the same values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    is_rule: bool,
    is_own: bool,
    trusts_default_branch: bool,
    /// Whether it shows bases. That affects no access, only what a change names.
    shows_bases: bool,
    pins: [Option<u64>; 2],
    /// In the order of [`Dimension::NAMED`].
    lists: [Option<List>; 5],
    claims: u32,
    events: Option<u32>,
    last: Option<Timestamp>,
}

/// A grant with the numbers of its conditions.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) grant: Grant<'a>,
    /// Equal for grants with the same conditions, in any order.
    pub(super) shape: Shape,
    /// Number of the shape.
    pub(super) number: u32,
    /// Equal for grants with the same conditions in the same order.
    pub(super) written: Shape,
}

/// Numbers of patterns, lists of patterns and other conditions: equal ones have the same number.
#[derive(Default)]
pub(super) struct Interner<'a> {
    numbers: HashMap<(Arc<str>, Kind, bool), u32>,
    patterns: Vec<(&'a Pattern, bool)>,
    /// Of each pattern.
    starts: Vec<Starts>,
    lists: Numbers<[u32]>,
    /// Whether all patterns of each list are texts.
    texts: Vec<bool>,
    claims: Numbers<[(&'a str, List)]>,
    events: Numbers<[&'a str]>,
    shapes: Numbers<Shape>,
}

impl<'a> Interner<'a> {
    /// Returns a grant with its numbers.
    pub(super) fn known(&mut self, grant: Grant<'a>) -> Known<'a> {
        let shape = self.shape(&grant, true);
        Known {
            grant,
            number: self.shapes.number(shape),
            shape,
            written: self.shape(&grant, false),
        }
    }

    fn shape(&mut self, grant: &Grant<'a>, is_sorted: bool) -> Shape {
        let mut list = |dimension: Dimension<'a>| {
            let patterns = dimension.patterns(grant)?;
            Some(self.list(patterns, dimension.ignores_case(), is_sorted))
        };
        let lists = Dimension::NAMED.map(&mut list);
        let claims = grant.claims();
        let claims = claims.filter_map(|(name, _)| Some((name, list(Dimension::Claim(name))?)));
        let mut claims: Vec<_> = claims.collect();
        claims.sort_unstable();
        let events = grant.rule.and_then(|rule| rule.events.as_ref());
        let events = events.map(|events| {
            let mut events: Vec<_> = events.iter().map(|event| &**event).collect();
            if is_sorted {
                events.sort_unstable();
                events.dedup();
            }
            self.events.number(events)
        });
        Shape {
            is_rule: grant.rule.is_some(),
            is_own: grant.section.repository().is_none(),
            trusts_default_branch: grant.trusts_default_branch(),
            shows_bases: !is_sorted && grant.rule.is_some_and(|rule| rule.base.is_some()),
            pins: grant.section.pins(),
            lists,
            claims: self.claims.number(claims),
            events,
            last: grant.last(),
        }
    }

    fn list(&mut self, patterns: &'a Patterns, ignores_case: bool, is_sorted: bool) -> List {
        let list = patterns.list.iter();
        let mut list: Vec<_> = list.map(|one| self.pattern(one, ignores_case)).collect();
        if is_sorted {
            list.sort_unstable();
            list.dedup();
        }
        let is_texts = list.iter().all(|pattern| self.is_text(*pattern));
        let list = List(self.lists.number(list));
        if self.lists.values.len() > self.texts.len() {
            self.texts.push(is_texts);
        }
        list
    }

    /// Returns the number of a pattern. Texts that match the same value have the same number.
    fn pattern(&mut self, pattern: &'a Pattern, ignores_case: bool) -> u32 {
        let (kind, text) = match pattern.kind {
            Kind::Exact | Kind::Literal => {
                let is_folded = ignores_case && pattern.text.is_ascii();
                let has_upper = pattern.text.bytes().any(|byte| byte.is_ascii_uppercase());
                let text = match is_folded && has_upper {
                    true => pattern.text.to_ascii_lowercase().into(),
                    false => Arc::clone(&pattern.text),
                };
                (Kind::Literal, text)
            }
            kind => (kind, Arc::clone(&pattern.text)),
        };
        let next = u32::try_from(self.patterns.len()).unwrap_or(u32::MAX);
        let number = self.numbers.entry((text, kind, ignores_case));
        let (patterns, all) = (&mut self.patterns, &mut self.starts);
        *number.or_insert_with(|| {
            patterns.push((pattern, ignores_case));
            all.push(starts(pattern, ignores_case));
            next
        })
    }

    /// Returns the numbers of a list's patterns.
    pub(super) fn patterns(&self, list: List) -> &[u32] {
        self.lists.get(list.0).map_or(&[], |list| list)
    }

    /// Returns the values of a pattern, or `None` if it has no automaton.
    pub(super) fn language(&self, pattern: u32, automata: &mut Automata) -> Option<Language> {
        let pattern = self.patterns.get(usize::try_from(pattern).ok()?);
        pattern.and_then(|(pattern, ignores_case)| Language::of(pattern, *ignores_case, automata))
    }

    fn is_text(&self, pattern: u32) -> bool {
        let pattern = usize::try_from(pattern).ok();
        let pattern = pattern.and_then(|at| self.patterns.get(at));
        pattern.is_some_and(|(one, _)| matches!(one.kind, Kind::Literal | Kind::Exact))
    }

    /// Returns whether all patterns of a list are texts.
    pub(super) fn is_texts(&self, list: List) -> bool {
        let list = usize::try_from(list.0).ok();
        list.and_then(|at| self.texts.get(at))
            .copied()
            .unwrap_or_default()
    }

    /// Returns whether a list contains all patterns of another one. Both must be sorted.
    pub(super) fn contains(&self, list: List, part: List) -> bool {
        let (list, part) = (self.patterns(list), self.patterns(part));
        let mut list = list.iter();
        part.iter().all(|pattern| list.any(|one| one == pattern))
    }

    /// Returns what the values of a grant in a dimension start with, or `None` without a common start.
    pub(super) fn starts(&self, shape: &Shape, dimension: Dimension<'_>) -> Option<Vec<&[u8]>> {
        let mut all = Vec::new();
        for pattern in self.patterns(self.list_of(shape, dimension)?) {
            let starts = self.starts.get(usize::try_from(*pattern).ok()?)?;
            all.extend(starts.as_ref()?.iter().map(|start| &**start));
        }
        Some(all)
    }

    /// Returns whether all patterns of a grant have automata.
    pub(super) fn has_automata(&self, known: &Known<'a>, automata: &mut Automata) -> bool {
        let claims = known.grant.claims().map(|(name, _)| Dimension::Claim(name));
        let dimensions = Dimension::NAMED.into_iter().chain(claims);
        let lists = dimensions.filter_map(|dimension| self.list_of(&known.shape, dimension));
        lists.into_iter().all(|list| {
            let mut patterns = self.patterns(list).iter();
            patterns.all(|pattern| self.language(*pattern, automata).is_some())
        })
    }

    /// Returns what affects the classes of a grant on an axis.
    pub(super) fn condition(&self, shape: &Shape, name: Name<'_>) -> Shape {
        let of_list = |dimension| Shape {
            lists: [self.list_of(shape, dimension), None, None, None, None],
            ..Shape::default()
        };
        match name {
            Name::Own => Shape {
                is_own: shape.is_own,
                ..Shape::default()
            },
            Name::RepositoryId | Name::OwnerId => Shape {
                pins: shape.pins,
                ..Shape::default()
            },
            Name::Text(dimension) => of_list(dimension),
            Name::Event => Shape {
                is_rule: shape.is_rule,
                events: shape.events,
                ..Shape::default()
            },
            Name::Base => Shape {
                trusts_default_branch: shape.trusts_default_branch,
                shows_bases: shape.shows_bases,
                ..of_list(Dimension::Base)
            },
            Name::Time => Shape {
                last: shape.last,
                ..Shape::default()
            },
        }
    }

    /// Returns the patterns of a grant in a dimension; `None` matches every value.
    pub(super) fn list_of(&self, shape: &Shape, dimension: Dimension<'_>) -> Option<List> {
        match Dimension::NAMED.iter().position(|one| *one == dimension) {
            Some(at) => shape.lists.get(at).copied().flatten(),
            None => {
                let claims = self.claims.get(shape.claims)?;
                let mut claims = claims.iter();
                let claim = claims.find(|(name, _)| dimension == Dimension::Claim(name));
                claim.map(|(_, list)| *list)
            }
        }
    }
}
