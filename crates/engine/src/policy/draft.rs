//! Parsed parts of a policy that may be dropped.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;

use super::key::PermissionKey;
use super::kind::{Kind, is_name};
use super::model::{Entry, PolicyQuery};
use super::pattern::Pattern;
use super::position::Span;
use super::rule::{Expiry, Patterns, Rule};
use super::token::Syntax;

/// Parts of a policy that borrow the text of the file. The rules share one list for each kind of part, so dropping
/// the parts that do not affect a check needs no allocation. The other parts become parts of the policy, which
/// owns its texts.
pub(super) struct Draft<'a, At> {
    /// Rules of an entry that may be dropped.
    pub(super) rules: Vec<DraftRule<'a, At>>,
    pub(super) keys: Vec<DraftKey<'a, At>>,
    pub(super) patterns: Vec<DraftPattern<'a, At>>,
    pub(super) events: Vec<Cow<'a, str>>,
    pub(super) claims: Vec<(Cow<'a, str>, DraftPatterns<At>)>,
    texts: Recent<Arc<str>>,
    /// Cached lists with one permission: most rules have one, and most of them are equal.
    alone: Recent<Arc<[PermissionKey]>>,
}

/// Range of one of the lists of a [`Draft`].
pub(super) type Indices = Range<usize>;

/// A permission key, with its position and its length in characters if it is in a list.
pub(super) type DraftKey<'a, At> = (Cow<'a, str>, Option<(At, u32)>);

pub(super) struct DraftPattern<'a, At> {
    pub(super) text: Cow<'a, str>,
    /// `None` for a plain scalar, whose text determines its kind.
    pub(super) kind: Option<Kind>,
    pub(super) at: At,
}

#[derive(Clone)]
pub(super) struct DraftPatterns<At> {
    pub(super) at: At,
    pub(super) list: Indices,
}

pub(super) struct DraftRule<'a, At> {
    pub(super) at: At,
    pub(super) number: u32,
    pub(super) at_top: bool,
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) permissions: Indices,
    pub(super) workflow: Option<DraftPatterns<At>>,
    pub(super) branch: Option<DraftPatterns<At>>,
    pub(super) base: Option<DraftPatterns<At>>,
    pub(super) environment: Option<DraftPatterns<At>>,
    pub(super) events: Option<Indices>,
    pub(super) claims: Indices,
    pub(super) expires: Option<(Cow<'a, str>, Timestamp)>,
}

pub(super) struct DraftEntry<At> {
    pub(super) at: At,
    pub(super) repository: DraftPatterns<At>,
    pub(super) repository_id: Option<u64>,
    pub(super) owner_id: Option<u64>,
    pub(super) delegate: Indices,
}

/// Lengths of a [`Draft`]'s lists at some moment.
pub(super) struct Mark {
    keys: usize,
    patterns: usize,
    events: usize,
    claims: usize,
}

impl<'a, At: Copy> Draft<'a, At> {
    pub(super) fn new() -> Self {
        Self {
            rules: Vec::new(),
            keys: Vec::new(),
            patterns: Vec::new(),
            events: Vec::new(),
            claims: Vec::new(),
            texts: Recent::new(),
            alone: Recent::new(),
        }
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            keys: self.keys.len(),
            patterns: self.patterns.len(),
            events: self.events.len(),
            claims: self.claims.len(),
        }
    }

    /// Drops everything added since the mark.
    pub(super) fn back_to(&mut self, mark: &Mark) {
        self.keys.truncate(mark.keys);
        self.patterns.truncate(mark.patterns);
        self.events.truncate(mark.events);
        self.claims.truncate(mark.claims);
    }

    /// Whether an entry with these patterns can affect a check. A name matches no other repository and is
    /// always valid; every other pattern must be evaluated.
    pub(super) fn may_concern(
        &self,
        repository: &DraftPatterns<At>,
        asked: &PolicyQuery<'_>,
    ) -> bool {
        let list = self.patterns.get(repository.list.clone());
        let list = list.unwrap_or_default();
        let name = asked.repository.unwrap_or_default();
        let is_other = |pattern: &DraftPattern<'_, At>| {
            is_name(pattern.kind(), &pattern.text) && !pattern.text.eq_ignore_ascii_case(name)
        };
        list.is_empty() || list.iter().any(|pattern| !is_other(pattern))
    }

    /// Whether a rule names one of the requested permissions.
    pub(super) fn names_one(&self, permissions: &Indices, asked: &PolicyQuery<'_>) -> bool {
        let keys = self.keys.get(permissions.clone()).unwrap_or_default();
        keys.iter().any(|(key, _)| asked.names(key))
    }

    /// Converts a rule to a part of the policy.
    pub(super) fn rule<S>(&mut self, rule: DraftRule<'a, At>, syntax: &mut S) -> Rule
    where
        S: Syntax<'a, At = At>,
    {
        let position = syntax.position(rule.at);
        let spans = self.keys.get(rule.permissions.clone()).unwrap_or_default();
        let spans = spans.iter().filter_map(|(_, place)| *place);
        let spans = spans.map(|(at, length)| Span {
            position: syntax.position(at),
            length,
        });
        let permission_spans = spans.collect();
        let mut patterns = |patterns: Option<DraftPatterns<At>>| {
            patterns.map(|patterns| self.kept_patterns(&patterns, syntax))
        };
        Rule {
            position,
            number: rule.number,
            at_top: rule.at_top,
            workflow: patterns(rule.workflow),
            branch: patterns(rule.branch),
            base: patterns(rule.base),
            environment: patterns(rule.environment),
            name: rule.name.map(|name| self.text(&name)),
            permissions: self.kept_keys(rule.permissions),
            permission_spans,
            events: rule.events.map(|events| {
                let events = self.events.get(events).unwrap_or_default();
                events.iter().map(|name| self.texts.text(name)).collect()
            }),
            claims: self.kept_claims(rule.claims, syntax),
            expires: rule.expires.map(|(text, last)| {
                let text = self.text(&text);
                Box::new(Expiry { text, last })
            }),
        }
    }

    /// Converts an entry of `repositories:` to a part of the policy.
    pub(super) fn entry<S>(
        &mut self,
        entry: DraftEntry<At>,
        permissions: Box<[Rule]>,
        syntax: &mut S,
    ) -> Entry
    where
        S: Syntax<'a, At = At>,
    {
        Entry {
            position: syntax.position(entry.at),
            repository: self.kept_patterns(&entry.repository, syntax),
            repository_id: entry.repository_id,
            owner_id: entry.owner_id,
            delegate: self.kept_keys(entry.delegate),
            permissions,
        }
    }

    /// Returns the shared copy of a text.
    pub(super) fn text(&mut self, of: &str) -> Arc<str> {
        self.texts.text(of)
    }

    fn kept_keys(&mut self, keys: Indices) -> Arc<[PermissionKey]> {
        let keys = self.keys.get(keys).unwrap_or_default();
        let texts = &mut self.texts;
        let mut kept = |key| PermissionKey::of_canonical(texts.text(key));
        match keys {
            [(key, _)] => {
                let is_same = |list: &Arc<[PermissionKey]>| matches!(&**list, [one] if one.as_str() == &**key);
                self.alone.shared(key, is_same, || Arc::new([kept(key)]))
            }
            keys => keys.iter().map(|(key, _)| kept(key)).collect(),
        }
    }

    fn kept_claims<S>(&mut self, claims: Indices, syntax: &mut S) -> Box<[(Arc<str>, Patterns)]>
    where
        S: Syntax<'a, At = At>,
    {
        let claims = self.claims.get(claims).unwrap_or_default().to_vec();
        let claims = claims.into_iter();
        claims
            .map(|(name, patterns)| (self.text(&name), self.kept_patterns(&patterns, syntax)))
            .collect()
    }

    fn kept_patterns<S>(&mut self, patterns: &DraftPatterns<At>, syntax: &mut S) -> Patterns
    where
        S: Syntax<'a, At = At>,
    {
        let position = syntax.position(patterns.at);
        let list = self.patterns.get(patterns.list.clone()).unwrap_or_default();
        let list = list.iter().map(|pattern| Pattern {
            text: self.texts.text(&pattern.text),
            kind: pattern.kind(),
            position: syntax.position(pattern.at),
        });
        let list = list.collect();
        Patterns { position, list }
    }
}

impl<At> DraftPattern<'_, At> {
    fn kind(&self) -> Kind {
        self.kind.unwrap_or_else(|| Kind::of(&self.text))
    }
}

/// Cache of recent values by their text, so that equal parts share one value. It is bounded, so no policy can
/// make it slow or large.
struct Recent<T>(Vec<Option<T>>);

impl<T: Clone> Recent<T> {
    /// Number of slots, a power of two.
    const SLOTS: usize = 512;

    fn new() -> Self {
        Self(vec![None; Self::SLOTS])
    }

    /// Returns the cached value of a text if `is_same` holds for it, or a new one.
    fn shared(&mut self, text: &str, is_same: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> T {
        let Some(slot) = self.0.get_mut(slot(text) % Self::SLOTS) else {
            return new();
        };
        match slot {
            Some(kept) if is_same(kept) => kept.clone(),
            slot => slot.insert(new()).clone(),
        }
    }
}

impl Recent<Arc<str>> {
    fn text(&mut self, text: &str) -> Arc<str> {
        self.shared(text, |kept| **kept == *text, || text.into())
    }
}

/// Returns the slot of a text, by FNV-1a.
fn slot(text: &str) -> usize {
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    // The upper bits depend on all bytes.
    usize::try_from(hash >> 16).unwrap_or_default()
}
