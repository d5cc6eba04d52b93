//! Index of a list's patterns, so that a long list of names needs no pairwise comparison.

use std::borrow::Cow;
use std::collections::HashMap;

use super::dimension::Dimension;
use engine::policy::{Kind, Pattern};

/// Key of a pattern: its single value, or its kind and text.
type Key<'r> = (Option<Kind>, Cow<'r, str>);

/// The patterns of a list.
pub(super) struct PatternIndex<'r> {
    dimension: Dimension<'r>,
    /// The first pattern of each key, with its index in the list.
    first: HashMap<Key<'r>, (usize, &'r Pattern)>,
    /// The first `*`.
    any: Vec<&'r Pattern>,
    /// The patterns that match more than one value.
    wide: Vec<&'r Pattern>,
}

impl<'r> PatternIndex<'r> {
    pub(super) fn of(dimension: Dimension<'r>, list: &'r [Pattern]) -> Self {
        let mut others = Self {
            dimension,
            first: HashMap::new(),
            any: Vec::new(),
            wide: Vec::new(),
        };
        for (index, pattern) in list.iter().enumerate() {
            let key = others.key(pattern);
            if key.0.is_some() {
                others.wide.push(pattern);
            }
            if pattern.kind == Kind::Any && others.any.is_empty() {
                others.any.push(pattern);
            }
            others.first.entry(key).or_insert((index, pattern));
        }
        others
    }

    /// Returns an earlier pattern that matches the same values.
    pub(super) fn same(&self, index: usize, pattern: &'r Pattern) -> Option<&'r Pattern> {
        let (first, same) = self.first.get(&self.key(pattern))?;
        (*first < index).then_some(*same)
    }

    /// Returns the patterns that can match all values of a pattern, and more.
    pub(super) fn wider_than(&self, narrow: &Pattern) -> &[&'r Pattern] {
        match narrow.kind {
            Kind::Any => &[],
            Kind::Literal | Kind::Exact => &self.wide,
            // Of two patterns that match more than one value, only `*` is known to be wider.
            Kind::Regex | Kind::Glob => &self.any,
        }
    }

    fn key(&self, pattern: &'r Pattern) -> Key<'r> {
        let text = &*pattern.text;
        match pattern.kind {
            Kind::Literal | Kind::Exact if self.dimension.ignores_case() && text.is_ascii() => {
                (None, text.to_ascii_lowercase().into())
            }
            Kind::Literal | Kind::Exact => (None, text.into()),
            kind => (Some(kind), text.into()),
        }
    }
}
