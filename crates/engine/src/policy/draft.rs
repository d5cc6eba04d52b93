//! What was read of a policy and is not kept yet.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;

use super::key::PermissionKey;
use super::model::{Entry, PolicyQuery};
use super::pattern::{Kind, Pattern, is_name};
use super::position::Place;
use super::rule::{Expiry, Patterns, Rule};
use super::token::Syntax;

/// Parts of a policy as texts of the file itself. The lists of all rules are one list each, so what does not
/// matter to a check leaves again without an allocation; what does becomes a part of the policy, which owns
/// its texts.
pub(super) struct Draft<'a, At> {
    /// The rules of an entry of which it is not known yet whether it matters.
    pub(super) rules: Vec<DraftRule<'a, At>>,
    pub(super) keys: Vec<DraftKey<'a, At>>,
    pub(super) patterns: Vec<DraftPattern<'a, At>>,
    pub(super) events: Vec<Cow<'a, str>>,
    pub(super) claims: Vec<(Cow<'a, str>, DraftPatterns<At>)>,
    texts: Recent<Arc<str>>,
    /// Lists of one permission: most rules have one, and most name the same few.
    alone: Recent<Arc<[PermissionKey]>>,
}

/// A part of one of the lists of a [`Draft`].
pub(super) type Span = Range<usize>;

/// A permission key; where it stands and how many characters it has, if it is of a list.
pub(super) type DraftKey<'a, At> = (Cow<'a, str>, Option<(At, u32)>);

pub(super) struct DraftPattern<'a, At> {
    pub(super) text: Cow<'a, str>,
    /// `None` for a plain text, which says its kind itself.
    pub(super) kind: Option<Kind>,
    pub(super) at: At,
}

#[derive(Clone)]
pub(super) struct DraftPatterns<At> {
    pub(super) at: At,
    pub(super) list: Span,
}

pub(super) struct DraftRule<'a, At> {
    pub(super) at: At,
    pub(super) number: u32,
    pub(super) at_top: bool,
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) permissions: Span,
    pub(super) workflow: Option<DraftPatterns<At>>,
    pub(super) branch: Option<DraftPatterns<At>>,
    pub(super) base: Option<DraftPatterns<At>>,
    pub(super) environment: Option<DraftPatterns<At>>,
    pub(super) events: Option<Span>,
    pub(super) claims: Span,
    pub(super) expires: Option<(Cow<'a, str>, Timestamp)>,
}

pub(super) struct DraftEntry<At> {
    pub(super) at: At,
    pub(super) repository: DraftPatterns<At>,
    pub(super) repository_id: Option<u64>,
    pub(super) owner_id: Option<u64>,
    pub(super) delegate: Span,
}

/// How much a [`Draft`] had at some moment.
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

    /// Drops what was added since.
    pub(super) fn back_to(&mut self, mark: &Mark) {
        self.keys.truncate(mark.keys);
        self.patterns.truncate(mark.patterns);
        self.events.truncate(mark.events);
        self.claims.truncate(mark.claims);
    }

    /// Whether an entry for these repositories may matter to a check: a name matches no other, and cannot
    /// be wrong as a pattern can; all else has to be tried.
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

    /// Whether a rule is about one of the permissions that are asked for.
    pub(super) fn names_one(&self, permissions: &Span, asked: &PolicyQuery<'_>) -> bool {
        let keys = self.keys.get(permissions.clone()).unwrap_or_default();
        keys.iter().any(|(key, _)| asked.names(key))
    }

    /// Keeps a rule.
    pub(super) fn rule<S>(&mut self, rule: DraftRule<'a, At>, syntax: &mut S) -> Rule
    where
        S: Syntax<'a, At = At>,
    {
        let position = syntax.position(rule.at);
        let places = self.keys.get(rule.permissions.clone()).unwrap_or_default();
        let places = places.iter().filter_map(|(_, place)| *place);
        let places = places.map(|(at, length)| Place {
            position: syntax.position(at),
            length,
        });
        let permission_spans = places.collect();
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

    /// Keeps an entry of `repositories:`.
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

    /// The one copy of a text that the policy has.
    pub(super) fn text(&mut self, of: &str) -> Arc<str> {
        self.texts.text(of)
    }

    fn kept_keys(&mut self, keys: Span) -> Arc<[PermissionKey]> {
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

    fn kept_claims<S>(&mut self, claims: Span, syntax: &mut S) -> Box<[(Arc<str>, Patterns)]>
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

/// Values that were kept lately, each by the text that names it, to be shared by what says the same again.
/// It is bounded, so that no text of a policy makes it slow or large.
struct Recent<T>(Vec<Option<T>>);

impl<T: Clone> Recent<T> {
    /// A power of two.
    const SLOTS: usize = 512;

    fn new() -> Self {
        Self(vec![None; Self::SLOTS])
    }

    /// The value of a text: one that `is_same`, or a new one.
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

/// Where a text is looked for: FNV-1a.
fn slot(text: &str) -> usize {
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    // The upper bits depend on every byte.
    usize::try_from(hash >> 16).unwrap_or_default()
}
