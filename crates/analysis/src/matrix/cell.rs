//! A cell: what the rules grant a row.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use engine::decision::{Merges, RuleRef, accepts_event, is_trusted_event, merges};
use engine::policy::{Expiry, Kind, Pattern, Patterns, Rule};

/// What the rules with one permission say of one row.
#[derive(Clone, Debug, Default)]
pub struct Cell<'a> {
    /// What is granted. Any of them is enough.
    pub grants: Vec<Grant<'a>>,
    /// The rules that are for this row and grant nothing.
    pub hints: Vec<Hint<'a>>,
}

/// Whether a cell grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// On the branches and events that it lists.
    Granted,
    /// If what only a run knows is as a rule asks.
    Perhaps,
    /// Rules are for it, but none of the file's events is accepted, or they have expired.
    Missed,
    /// No rule is for it.
    Denied,
}

/// Access that rules give. Of those that only differ in branches, or only in events, there is one.
#[derive(Clone, Debug)]
pub struct Grant<'a> {
    /// The rules that give it.
    pub rules: Vec<RuleRef>,
    /// For files that are not there yet: which ones; empty is any.
    pub workflows: Vec<&'a Pattern>,
    /// The branches; empty is any.
    pub branches: Vec<&'a Pattern>,
    /// The bases of pull requests; `None` where none of the events is about one.
    pub bases: Option<Bases<'a>>,
    /// Where the environment is not known: which ones it has to be; empty is any, or none.
    pub environments: Vec<&'a Pattern>,
    /// The events.
    pub events: Events<'a>,
    /// What other claims have to be.
    pub claims: &'a [(Arc<str>, Patterns)],
    /// Until when.
    pub expires: Option<&'a Expiry>,
}

/// The bases of pull requests that a grant trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bases<'a> {
    /// Every one.
    Any,
    /// Those that the rules name.
    Named(Vec<&'a Pattern>),
    /// Those that the branches of the grant match.
    Branches {
        /// And the default branch: the rules stand in the repository's own policy.
        or_default: bool,
    },
}

/// Events that are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Events<'a> {
    /// Every one but the untrusted.
    Trusted,
    /// These.
    These(Vec<&'a str>),
}

/// A rule that is for a row and does not grant.
#[derive(Clone, Debug)]
pub struct Hint<'a> {
    /// The rule.
    pub rule: RuleRef,
    /// Why not.
    pub why: Why,
    /// The events that it accepts.
    pub events: Events<'a>,
    /// Until when it did.
    pub expires: Option<&'a Expiry>,
}

/// Why a rule does not grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It accepts none of the file's events.
    Event,
    /// It trusts none of the bases that the file's pull requests go into.
    Base,
    /// It has expired.
    Expired,
}

impl<'a> Cell<'a> {
    pub(super) fn add(&mut self, entry: Result<Grant<'a>, Hint<'a>>) {
        match entry {
            Ok(grant) => self.grants.push(grant),
            Err(hint) => self.hints.push(hint),
        }
    }

    /// Puts together what is the same but for the events, then what is the same but for the branches.
    pub(super) fn merge(&mut self) {
        let grants = std::mem::take(&mut self.grants);
        let branches = |grant: &Grant<'a>| format!("{:?}", keys(grant.branches.iter().copied()));
        let grants = joined(grants, branches, |known, grant| {
            let Some(events) = known.events.with(&grant.events) else {
                return false;
            };
            known.events = events;
            true
        });
        let events = |grant: &Grant<'a>| grant.events.key();
        self.grants = joined(grants, events, |known, grant| {
            known.add_branches(&grant.branches);
            true
        });
        for grant in &mut self.grants {
            grant.rules.sort_by_key(|rule| rule.line);
            let mut seen = HashSet::new();
            grant.branches.retain(|pattern| seen.insert(key(pattern)));
        }
    }
}

/// Each grant joined to an earlier one of the same conditions and the same `key`, if `join` can.
fn joined<'a>(
    grants: Vec<Grant<'a>>,
    key: impl Fn(&Grant<'a>) -> String,
    join: impl Fn(&mut Grant<'a>, &Grant<'a>) -> bool,
) -> Vec<Grant<'a>> {
    let mut all: Vec<Grant<'a>> = Vec::new();
    let mut same: HashMap<String, Vec<usize>> = HashMap::new();
    for grant in grants {
        let known = same.entry(grant.conditions() + &key(&grant)).or_default();
        let joined = known.iter().find(|index| {
            all.get_mut(**index)
                .is_some_and(|known| join(known, &grant))
        });
        match joined.and_then(|index| all.get_mut(*index)) {
            Some(known) => known.rules.extend(grant.rules),
            None => {
                known.push(all.len());
                all.push(grant);
            }
        }
    }
    all
}

impl<'a> Grant<'a> {
    pub(super) fn of(rule: &'a Rule) -> Self {
        Self {
            rules: vec![RuleRef::of(rule)],
            workflows: Vec::new(),
            branches: patterns(&rule.branch),
            bases: None,
            environments: Vec::new(),
            events: Events::Trusted,
            claims: &rule.claims,
            expires: rule.expires.as_deref(),
        }
    }

    /// With the events that are accepted, and so the bases, where one of them is about pull requests.
    pub(super) fn on(self, events: Events<'a>, rule: &'a Rule) -> Self {
        Self {
            bases: events.may_merge().then(|| Bases::of(rule)),
            events,
            ..self
        }
    }

    /// All but branches and events; what means the same is written alike.
    fn conditions(&self) -> String {
        let claims = self.claims.iter();
        let mut claims: Vec<_> = claims
            .map(|(name, patterns)| (&**name, keys(&patterns.list)))
            .collect();
        claims.sort_unstable();
        let parts = (
            keys(self.workflows.iter().copied()),
            keys(self.environments.iter().copied()),
            claims,
            self.expires.map(|expires| expires.last),
            self.bases.as_ref().map(|bases| bases.key(&self.branches)),
        );
        format!("{parts:?}")
    }

    /// The branches of both: any, where one has any.
    fn add_branches(&mut self, more: &[&'a Pattern]) {
        if self.branches.is_empty() || more.is_empty() {
            self.branches.clear();
        } else {
            self.branches.extend(more);
        }
    }
}

impl<'a> Bases<'a> {
    pub(super) fn of(rule: &'a Rule) -> Self {
        if rule.base.is_none() {
            let or_default = rule.at_top;
            return match patterns(&rule.branch).is_empty() {
                true => Self::Any,
                false => Self::Branches { or_default },
            };
        }
        match patterns(&rule.base) {
            any if any.is_empty() => Self::Any,
            named => Self::Named(named),
        }
    }

    /// The same for the same bases.
    fn key(&self, branches: &[&'a Pattern]) -> String {
        match self {
            Self::Any => String::new(),
            Self::Named(named) => format!("{:?}", keys(named.iter().copied())),
            Self::Branches { or_default } => {
                format!("{or_default} {:?}", keys(branches.iter().copied()))
            }
        }
    }
}

impl<'a> Events<'a> {
    /// Whether one of them may be about a pull request.
    fn may_merge(&self) -> bool {
        match self {
            Self::Trusted => true,
            Self::These(these) => these.iter().any(|event| merges(event) != Merges::Never),
        }
    }

    fn of(rule: &'a Rule) -> Self {
        match &rule.events {
            None => Self::Trusted,
            Some(events) => {
                let mut these: Vec<&str> = Vec::new();
                for event in events {
                    if !these.contains(&&**event) {
                        these.push(event);
                    }
                }
                Self::These(these)
            }
        }
    }

    /// The events of a row that a rule accepts; none where it accepts no one. Where the row's are not
    /// known, all that the rule accepts.
    pub(super) fn accepted(rule: &'a Rule, row: Option<&[&'a str]>) -> Option<Self> {
        let Some(row) = row else {
            return Some(Self::of(rule));
        };
        let events = row.iter().copied();
        let these: Vec<_> = events
            .filter(|event| accepts_event(rule, Some(event)))
            .collect();
        (!these.is_empty()).then_some(Self::These(these))
    }

    /// Those of both, if one can say so.
    fn with(&self, more: &Self) -> Option<Self> {
        let are_trusted = |these: &[&str]| these.iter().all(|event| is_trusted_event(event));
        match (self, more) {
            (Self::Trusted, Self::Trusted) => Some(Self::Trusted),
            (Self::These(these), Self::Trusted) | (Self::Trusted, Self::These(these)) => {
                are_trusted(these).then_some(Self::Trusted)
            }
            (Self::These(these), Self::These(more)) => {
                let mut these = these.clone();
                these.extend(more.iter().filter(|event| !self.has(event)));
                Some(Self::These(these))
            }
        }
    }

    fn has(&self, event: &str) -> bool {
        matches!(self, Self::These(these) if these.contains(&event))
    }

    /// The same for the same events.
    fn key(&self) -> String {
        let mut sorted = self.clone();
        if let Self::These(these) = &mut sorted {
            these.sort_unstable();
        }
        format!("{sorted:?}")
    }
}

impl<'a> Hint<'a> {
    pub(super) fn new(rule: &'a Rule, why: Why) -> Self {
        Self {
            rule: RuleRef::of(rule),
            why,
            events: Events::of(rule),
            expires: rule.expires.as_deref(),
        }
    }
}

/// The patterns of a dimension; none where one of them is `*`.
pub(super) fn patterns(patterns: &Option<Patterns>) -> Vec<&Pattern> {
    let mut all: Vec<&Pattern> = Vec::new();
    for pattern in patterns.iter().flat_map(|patterns| &patterns.list) {
        if pattern.kind == Kind::Any {
            return Vec::new();
        }
        if !all.iter().any(|known| key(known) == key(pattern)) {
            all.push(pattern);
        }
    }
    all
}

fn key(pattern: &Pattern) -> (&'static str, &str) {
    // Two ways to write one value.
    let kind = match pattern.kind {
        Kind::Literal => Kind::Exact,
        kind => kind,
    };
    (kind.name(), &pattern.text)
}

/// In an order of their own.
fn keys<'p>(patterns: impl IntoIterator<Item = &'p Pattern>) -> Vec<(&'static str, &'p str)> {
    let mut keys: Vec<_> = patterns.into_iter().map(key).collect();
    keys.sort_unstable();
    keys
}
