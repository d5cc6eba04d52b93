//! The patterns of a list by what they may cover, so that a long list of names is looked up and not
//! compared with itself.

use std::borrow::Cow;
use std::collections::HashMap;

use super::Dimension;
use engine::policy::{Kind, Pattern};

/// What a pattern matches: one value, or by its kind.
type Key<'r> = (Option<Kind>, Cow<'r, str>);

/// The patterns of one list.
pub(super) struct Others<'r> {
    dimension: Dimension<'r>,
    /// The first pattern of each key, and its place in the list.
    first: HashMap<Key<'r>, (usize, &'r Pattern)>,
    /// The first `*`.
    any: Vec<&'r Pattern>,
    /// Those that match more than one value.
    wide: Vec<&'r Pattern>,
}

impl<'r> Others<'r> {
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

    /// An earlier pattern that matches the same.
    pub(super) fn same(&self, index: usize, pattern: &'r Pattern) -> Option<&'r Pattern> {
        let (first, same) = self.first.get(&self.key(pattern))?;
        (*first < index).then_some(*same)
    }

    /// Those that may match all that a pattern does, and more.
    pub(super) fn wider_than(&self, narrow: &Pattern) -> &[&'r Pattern] {
        match narrow.kind {
            Kind::Any => &[],
            Kind::Literal | Kind::Exact => &self.wide,
            // Of two that match more than one value only `*` is known to be the wider one.
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
