//! A cell of the matrix: what the rules grant to a row.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use engine::decision::{Merges, RuleRef, accepts_event, is_trusted_event, merges};
use engine::policy::{Expiry, Kind, Pattern, Patterns, Rule};

/// Effect on one row of the rules that name one permission.
#[derive(Clone, Debug, Default)]
pub struct Cell<'a> {
    /// Alternative grants: a job needs to meet only one of them.
    pub grants: Vec<Grant<'a>>,
    /// Rules that apply to this row and grant nothing.
    pub hints: Vec<Hint<'a>>,
}

/// Whether a cell grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The cell grants on the branches and events that it lists.
    Granted,
    /// The cell grants if a value that only a run knows is the one that a rule requires.
    Perhaps,
    /// Rules apply to the row, but they accept none of its events or bases, or have expired.
    Missed,
    /// No rule applies to the row.
    Denied,
}

/// Access that one or more rules grant. Grants that differ only in branches, or only in events, are
/// merged.
#[derive(Clone, Debug)]
pub struct Grant<'a> {
    /// Rules that grant it.
    pub rules: Vec<RuleRef>,
    /// Patterns for the names of files that do not exist yet; empty means any.
    pub workflows: Vec<&'a Pattern>,
    /// Branches; empty means any.
    pub branches: Vec<&'a Pattern>,
    /// Bases of pull requests; `None` if no event concerns pull requests.
    pub bases: Option<Bases<'a>>,
    /// Required environments, if the row's environment is unknown; empty means any or none.
    pub environments: Vec<&'a Pattern>,
    /// Accepted events.
    pub events: Events<'a>,
    /// Patterns for other claims.
    pub claims: &'a [(Arc<str>, Patterns)],
    /// Last moment of the grant.
    pub expires: Option<&'a Expiry>,
}

/// Bases of pull requests that a grant trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bases<'a> {
    /// Every base.
    Any,
    /// Bases that the rules name.
    Named(Vec<&'a Pattern>),
    /// Bases that the grant's branches match.
    Branches {
        /// The default branch is trusted too, because the rules stand at the top of the repository's own
        /// policy.
        or_default: bool,
    },
}

/// Accepted events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Events<'a> {
    /// Every trusted event.
    Trusted,
    /// Only these events.
    These(Vec<&'a str>),
}

/// A rule that applies to a row and does not grant.
#[derive(Clone, Debug)]
pub struct Hint<'a> {
    /// The rule.
    pub rule: RuleRef,
    /// Why it does not grant.
    pub why: Why,
    /// Events that the rule accepts.
    pub events: Events<'a>,
    /// When the rule expires or expired.
    pub expires: Option<&'a Expiry>,
}

/// Why a rule does not grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The rule accepts none of the file's events.
    Event,
    /// The rule trusts none of the bases of the file's pull requests.
    Base,
    /// The rule has expired.
    Expired,
}

impl<'a> Cell<'a> {
    pub(super) fn add(&mut self, entry: Result<Grant<'a>, Hint<'a>>) {
        match entry {
            Ok(grant) => self.grants.push(grant),
            Err(hint) => self.hints.push(hint),
        }
    }

    /// Merges grants that differ only in their events, then grants that differ only in their branches.
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

/// Joins each grant to an earlier one with equal conditions and `key`, if `join` succeeds.
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

    /// Sets the accepted events, and the bases if one of the events concerns pull requests.
    pub(super) fn on(self, events: Events<'a>, rule: &'a Rule) -> Self {
        Self {
            bases: events.may_merge().then(|| Bases::of(rule)),
            events,
            ..self
        }
    }

    /// Key of all conditions except branches and events; equivalent conditions have the same key.
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

    /// Adds branches; any branch stays any branch.
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

    /// Key that is equal for equivalent bases.
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
    /// Whether one of the events can concern a pull request.
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

    /// Returns the row's events that the rule accepts, or `None` if it accepts none of them. If the row's
    /// events are unknown, returns all that the rule accepts.
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

    /// Returns the union of both, if `Events` can express it.
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

    /// Key that is equal for equivalent events.
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

/// Returns the distinct patterns of a dimension; empty if one of them is `*`.
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
    // `Literal` and `Exact` are two notations for the same value.
    let kind = match pattern.kind {
        Kind::Literal => Kind::Exact,
        kind => kind,
    };
    (kind.name(), &pattern.text)
}

/// Returns the keys of the patterns, sorted.
fn keys<'p>(patterns: impl IntoIterator<Item = &'p Pattern>) -> Vec<(&'static str, &'p str)> {
    let mut keys: Vec<_> = patterns.into_iter().map(key).collect();
    keys.sort_unstable();
    keys
}
