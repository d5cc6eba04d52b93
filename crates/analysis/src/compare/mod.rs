//! Compares what two policies grant, exactly, as sets of jobs.
//!
//! It compares each grant of one policy with those of the other, with patterns as automata, so that
//! `main|develop` equals a list of both. Each difference comes with an example job. If an exact comparison would
//! take too long, the grant counts as different and is marked, so that wider access is never missed.

pub(crate) mod automaton;
mod cover;
mod grant;
mod replay;
mod search;
mod space;
mod words;

use std::collections::{HashMap, HashSet};

use fixedbitset::FixedBitSet;
use jiff::Timestamp;

pub(crate) use automaton::Automata;
pub(crate) use cover::{Budget, covers, may_match};
pub use grant::Section;
use grant::{Dimension, Grant, grants, patterns_compile};
pub use replay::{Check, Replay, Replayed, Times};
use search::{SearchResult, meets_any, uncovered};
use space::{Axis, Cell, Merge, Name, Space};

use engine::policy::{CaseSensitivity, Invalid, Kind, Pattern, Patterns, Policy, Position, Rule};

/// Differences in access between two policies.
#[derive(Clone, Debug, Default)]
pub struct Comparison<'a> {
    /// Access that only the new policy grants, in its order.
    pub added: Vec<AccessChange<'a>>,
    /// Access that only the old policy grants, in its order.
    pub removed: Vec<AccessChange<'a>>,
}

impl Comparison<'_> {
    /// Returns whether access widens, or may widen.
    pub fn widens(&self) -> bool {
        !self.added.is_empty()
    }

    /// Returns whether access stays the same.
    pub fn is_same(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

/// Access of a rule that only one of the policies grants.
#[derive(Clone, Debug)]
pub struct AccessChange<'a> {
    /// Section of the rule.
    pub section: Section<'a>,
    /// The granting rule; `None` if the entry delegates to the repository's own policy, which can then grant the
    /// permission to any job.
    pub rule: Option<&'a Rule>,
    /// The permission keys.
    pub permissions: Vec<&'a str>,
    /// The affected workflow patterns; `None` means any workflow.
    pub workflow: Option<Vec<&'a Pattern>>,
    /// The affected branch patterns, likewise.
    pub branch: Option<Vec<&'a Pattern>>,
    /// The affected patterns of pull requests' bases; `None` if the rule names none.
    pub base: Option<Vec<&'a Pattern>>,
    /// Whether the change applies to pull requests only.
    pub only_pull_requests: bool,
    /// The affected environment patterns; `None` means any or no environment.
    pub environment: Option<Vec<&'a Pattern>>,
    /// The affected events; `None` means all trusted events.
    pub events: Option<Vec<&'a str>>,
    /// Whether the other policy grants part of it.
    pub in_part: bool,
    /// A job that only this policy grants it to. `None` if the comparison was too large, so that the access may be
    /// the same.
    pub example: Option<Example>,
}

/// A job with the values that patterns match. Irrelevant values are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Example {
    /// Whether the policy is a file of the job's repository.
    pub own: bool,
    /// `OWNER/NAME`; absent if irrelevant.
    pub repository: Option<String>,
    /// The repository's id, if pinned.
    pub repository_id: Option<String>,
    /// The owner's id, if pinned.
    pub owner_id: Option<String>,
    /// The workflow file.
    pub workflow: Option<String>,
    /// The branch.
    pub branch: Option<String>,
    /// The base of its pull request; absent outside pull requests, and if irrelevant.
    pub base: Option<String>,
    /// The default branch, if it is the base.
    pub default_branch: Option<String>,
    /// The environment; also absent for a job without one.
    pub environment: Option<String>,
    /// The event.
    pub event: Option<String>,
    /// Claims by name.
    pub claims: std::collections::BTreeMap<String, String>,
    /// The time, if it is not now.
    pub time: Option<String>,
    /// Values that other grants require and this job lacks: `environment`, `claims.NAME`, a `base` in its token, or
    /// the pinned `repository_id` or `owner_id`.
    pub without: Vec<String>,
}

/// Compares what two policies grant from `now` on. A pattern that does not compile grants nothing.
///
/// # Errors
/// Patterns of the new policy do not compile.
pub fn compare<'a>(
    old: &'a Policy,
    new: &'a Policy,
    now: Timestamp,
) -> Result<Comparison<'a>, Invalid> {
    patterns_compile(new)?;
    let mut before = grants(old, now);
    if patterns_compile(old).is_err() {
        retain_unbroken(old, &mut before);
    }
    let after = grants(new, now);
    let mut automata = Automata::default();
    Ok(Comparison {
        added: difference(&after, &before, now, &mut automata),
        removed: difference(&before, &after, now, &mut automata),
    })
}

/// Removes the grants that a policy with invalid patterns does not provide: a check of a permission is an error if
/// one of its rules has an invalid pattern.
fn retain_unbroken(policy: &Policy, grants: &mut Vec<Grant<'_>>) {
    let is_broken = |patterns: &Patterns| patterns.compile(CaseSensitivity::Insensitive).is_err();
    let mut entries = policy.repositories.iter().flat_map(|(_, list)| list);
    if entries.any(|entry| is_broken(&entry.repository)) {
        return grants.clear();
    }
    let broken = policy.rules().filter(|rule| {
        let named = [&rule.workflow, &rule.branch, &rule.base, &rule.environment];
        let claims = rule.claims.iter().map(|(_, patterns)| patterns);
        named.into_iter().flatten().chain(claims).any(is_broken)
    });
    let keys = broken.flat_map(|rule| rule.permissions.iter().map(|key| key.as_str()));
    let keys: HashSet<_> = keys.collect();
    grants.retain(|grant| !keys.contains(grant.key));
}

/// Returns the other grants of a list that together cover every job of one of its rules. All of them must be
/// valid. Returns `None` if there are none, if the comparison is too large, and for a rule that grants nothing.
pub(crate) fn grant_all<'a>(
    list: Section<'a>,
    others: &[&'a Rule],
    rule: &'a Rule,
    now: Timestamp,
    (automata, budget): (&mut Automata, &mut Budget),
) -> Option<Vec<&'a Rule>> {
    /// Maximum number of grants in a comparison.
    const MAX_NEAR: usize = 8;
    /// Maximum number of steps of a comparison.
    const STEPS: usize = 100_000;
    let grant_of = |rule: &'a Rule| Grant {
        section: list,
        rule: Some(rule),
        key: "",
    };
    let is_live = |rule: &Rule| {
        let expires = rule.expires.as_ref();
        expires.is_none_or(|expires| !expires.is_over(now))
    };
    let grant = grant_of(rule);
    let live = others.iter().filter(|other| is_live(other));
    let near = live.map(|other| grant_of(other));
    let near: Vec<_> = near.filter(|other| !is_disjoint(&grant, other)).collect();
    if near.is_empty() || near.len() > MAX_NEAR || !is_live(rule) {
        return None;
    }
    budget.spend(STEPS)?;
    if !near.iter().all(|other| has_automata(other, automata)) {
        return None;
    }
    let mut is_covered = |others: &[Grant<'a>]| {
        let space = Space::of(&grant, others, now, automata);
        space.is_some_and(|space| uncovered(&space, |_, _| true) == SearchResult::Covered)
    };
    let is_covered = is_covered(&near) && !is_covered(&[]);
    is_covered.then(|| near.iter().filter_map(|other| other.rule).collect())
}

/// Returns the access that `grants` provide and `others` do not.
fn difference<'a>(
    grants: &[Grant<'a>],
    others: &[Grant<'a>],
    now: Timestamp,
    automata: &mut Automata,
) -> Vec<AccessChange<'a>> {
    let mut of_key: HashMap<(&str, bool), Vec<Grant<'a>>> = HashMap::new();
    for other in others {
        // Delegations are compared with delegations only.
        let kind = (other.key, other.rule.is_some());
        of_key.entry(kind).or_default().push(*other);
    }
    let known: HashSet<_> = others.iter().map(fingerprint).collect();
    let mut changes: Vec<AccessChange<'a>> = Vec::new();
    for grant in grants {
        if known.contains(&fingerprint(grant)) {
            continue;
        }
        let kind = (grant.key, grant.rule.is_some());
        let others = of_key.get(&kind).map_or(&[][..], Vec::as_slice);
        for change in changes_of(grant, others, now, automata) {
            let mut of_rule = changes.iter_mut().rev();
            let of_rule = of_rule.by_ref().take_while(|known| known.is_of(&change));
            let mut same = of_rule.filter(|known| known.differs_in_permission_only(&change));
            match same.next() {
                Some(known) => known.permissions.push(grant.key),
                None => changes.push(change),
            }
        }
    }
    changes
}

/// Returns the access that a grant provides beyond the others: first to runs of a ref and to pull requests alike,
/// then to pull requests only.
fn changes_of<'a>(
    grant: &Grant<'a>,
    others: &[Grant<'a>],
    now: Timestamp,
    automata: &mut Automata,
) -> Vec<AccessChange<'a>> {
    let mut near = Vec::new();
    let mut is_exact = true;
    for other in others {
        if is_disjoint(grant, other) {
            continue;
        }
        // A grant that cannot be compared counts as granting nothing.
        if has_automata(other, automata) {
            near.push(*other);
        } else {
            is_exact = false;
        }
    }
    let Some(space) = Space::of(grant, &near, now, automata) else {
        return vec![entire_grant(grant, None, !near.is_empty())];
    };
    let difference = GrantDifference {
        grant,
        space,
        is_exact,
    };
    let of_one_ref = |axis: &Axis<'_>, cell: &Cell| !axis.is_merging(cell);
    let merging = |axis: &Axis<'_>, cell: &Cell| axis.name != Name::Base || axis.is_merging(cell);
    let Some((first, kept)) = difference.change(of_one_ref, false) else {
        let in_pull_requests = difference.change(merging, true);
        return in_pull_requests
            .map(|(change, _)| change)
            .into_iter()
            .collect();
    };
    let mut changes = vec![first];
    for (name, kept) in kept {
        // Jobs that the first change does not cover.
        let others = |axis: &Axis<'_>, cell: &Cell| {
            merging(axis, cell) && (axis.name != name || cell.own.is_disjoint(&kept))
        };
        changes.extend(difference.change(others, true).map(|(change, _)| change));
    }
    changes
}

/// The alternatives of a list that a change affects.
type Kept<'a> = Vec<(Name<'a>, FixedBitSet)>;

/// A grant in the space of the grants to compare it with.
struct GrantDifference<'s, 'a> {
    grant: &'s Grant<'a>,
    space: Space<'a>,
    /// Whether the space contains all overlapping grants.
    is_exact: bool,
}

impl<'a> GrantDifference<'_, 'a> {
    /// Returns the new access among the cells that `wanted` selects, with the affected alternatives of each list.
    /// Returns `None` if there is none.
    fn change(
        &self,
        wanted: impl Fn(&Axis<'a>, &Cell) -> bool,
        only_pull_requests: bool,
    ) -> Option<(AccessChange<'a>, Kept<'a>)> {
        let indices = match uncovered(&self.space, &wanted) {
            SearchResult::Covered => return None,
            SearchResult::TooMany => {
                return Some((entire_grant(self.grant, None, true), Vec::new()));
            }
            SearchResult::Found(indices) => indices,
        };
        let example = self.is_exact.then(|| example(&self.space.axes, &indices));
        let mut change = entire_grant(self.grant, example, false);
        change.only_pull_requests = only_pull_requests;
        let mut kept: Kept<'a> = Vec::new();
        let mut keep_new = |name: Name<'a>, count: usize| {
            let is_new = |alternative: usize| {
                let wanted = |axis: &Axis<'a>, cell: &Cell| {
                    wanted(axis, cell) && (axis.name != name || cell.own.contains(alternative))
                };
                uncovered(&self.space, wanted) != SearchResult::Covered
            };
            let mut new: FixedBitSet = (0..count).filter(|index| is_new(*index)).collect();
            if new.is_clear() {
                // They are new only in combination.
                new.grow(count);
                new.insert_range(..);
            }
            kept.push((name, new.clone()));
            new
        };
        for (dimension, list) in [
            (Dimension::Workflow, &mut change.workflow),
            (Dimension::Branch, &mut change.branch),
            (Dimension::Environment, &mut change.environment),
        ] {
            if let Some(list) = list {
                retain(list, &keep_new(Name::Text(dimension), list.len()));
            }
        }
        if let Some(bases) = &mut change.base {
            retain(bases, &keep_new(Name::Base, bases.len()));
        }
        if let Some(events) = &mut change.events {
            retain(events, &keep_new(Name::Event, events.len()));
        }
        let is_kept = |axis: &Axis<'_>, cell: &Cell| {
            if axis.name == Name::Base && !axis.is_merging(cell) {
                return !only_pull_requests;
            }
            let mut kept = kept.iter();
            kept.all(|(name, kept)| axis.name != *name || !cell.own.is_disjoint(kept))
        };
        change.in_part = meets_any(&self.space, is_kept);
        Some((change, kept))
    }
}

fn retain<T: Copy>(list: &mut Vec<T>, indices: &FixedBitSet) {
    let kept = list.iter().enumerate();
    let kept = kept.filter(|(index, _)| indices.contains(*index));
    *list = kept.map(|(_, one)| *one).collect();
}

fn entire_grant<'a>(
    grant: &Grant<'a>,
    example: Option<Example>,
    in_part: bool,
) -> AccessChange<'a> {
    let list = |dimension: Dimension<'a>| {
        let patterns = dimension.patterns(grant)?;
        Some(patterns.list.iter().collect())
    };
    let events = grant.rule.and_then(|rule| rule.events.as_ref());
    let names_bases = grant.rule.is_some_and(|rule| rule.base.is_some());
    AccessChange {
        section: grant.section,
        rule: grant.rule,
        permissions: vec![grant.key],
        workflow: list(Dimension::Workflow),
        branch: list(Dimension::Branch),
        base: list(Dimension::Base).filter(|_| names_bases),
        only_pull_requests: false,
        environment: list(Dimension::Environment),
        events: events.map(|events| events.iter().map(|event| &**event).collect()),
        in_part,
        example,
    }
}

fn example(axes: &[Axis<'_>], indices: &[usize]) -> Example {
    let mut example = Example::default();
    for (axis, index) in axes.iter().zip(indices) {
        let value = axis.cells.get(*index).and_then(|cell| cell.value.clone());
        if let (None, true, Some(name)) = (&value, axis.cells.len() > 1, axis.name.of_absent()) {
            example.without.push(name);
        }
        let field = match axis.name {
            Name::Own => {
                example.own = value.is_some();
                continue;
            }
            Name::RepositoryId => &mut example.repository_id,
            Name::OwnerId => &mut example.owner_id,
            Name::Text(Dimension::Repository) => &mut example.repository,
            Name::Text(Dimension::Workflow) => &mut example.workflow,
            Name::Text(Dimension::Branch) => &mut example.branch,
            Name::Base | Name::Text(Dimension::Base) => {
                let merge = axis.cells.get(*index).map(|cell| cell.merge);
                match merge.unwrap_or_default() {
                    Merge::Absent => example.without.push("base".to_owned()),
                    Merge::IntoDefault => example.default_branch.clone_from(&value),
                    Merge::None | Merge::Any | Merge::Into => {}
                }
                &mut example.base
            }
            Name::Text(Dimension::Environment) => &mut example.environment,
            Name::Text(Dimension::Claim(name)) => {
                let claim = value.map(|value| (name.to_owned(), value));
                example.claims.extend(claim);
                continue;
            }
            Name::Event => &mut example.event,
            Name::Time => &mut example.time,
        };
        *field = value;
    }
    example
}

fn has_automata(grant: &Grant<'_>, automata: &mut Automata) -> bool {
    let named = [
        Dimension::Repository,
        Dimension::Workflow,
        Dimension::Branch,
        Dimension::Base,
        Dimension::Environment,
    ];
    let claims = grant.claims().map(|(name, _)| Dimension::Claim(name));
    named.into_iter().chain(claims).all(|dimension| {
        let patterns = dimension.patterns(grant);
        patterns.is_none_or(|patterns| automata.has_all(patterns, dimension.ignores_case()))
    })
}

/// Returns whether two grants obviously have no job in common, because literals differ.
fn is_disjoint(one: &Grant<'_>, other: &Grant<'_>) -> bool {
    let dimensions = [
        Dimension::Repository,
        Dimension::Workflow,
        Dimension::Branch,
        Dimension::Environment,
    ];
    dimensions.into_iter().any(|dimension| {
        let values = |grant| {
            let patterns = dimension.patterns(grant)?;
            let mut list = patterns.list.iter();
            list.all(|pattern| matches!(pattern.kind, Kind::Literal | Kind::Exact))
                .then_some(patterns)
        };
        let (Some(one), Some(other)) = (values(one), values(other)) else {
            return false;
        };
        let is_same = |one: &Pattern, other: &Pattern| match dimension.ignores_case() {
            true => one.text.eq_ignore_ascii_case(&other.text),
            false => one.text == other.text,
        };
        let is_among = |one: &Pattern| other.list.iter().any(|other| is_same(one, other));
        !one.list.iter().any(is_among)
    })
}

/// Returns the SHA-256 of everything that affects a grant's access. It ignores names, positions and the order of
/// lists.
fn fingerprint(grant: &Grant<'_>) -> String {
    let list = |dimension: Dimension<'_>, grant: &Grant<'_>| {
        let patterns = dimension.patterns(grant)?;
        let texts = patterns.list.iter();
        let mut texts: Vec<_> = texts.map(|one| (one.kind, one.text.to_string())).collect();
        texts.sort_unstable_by(|a, b| a.1.cmp(&b.1).then(a.0.name().cmp(b.0.name())));
        texts.dedup();
        Some(texts)
    };
    let events = grant.rule.and_then(|rule| rule.events.as_ref());
    let events = events.map(|events| {
        let events: std::collections::BTreeSet<_> =
            events.iter().map(|event| event.to_string()).collect();
        events
    });
    let claims: std::collections::BTreeMap<_, _> = grant
        .claims()
        .map(|(name, _)| (name.to_string(), list(Dimension::Claim(name), grant)))
        .collect();
    let fingerprint = (
        (grant.key, grant.rule.is_some()),
        (grant.section.pins(), grant.section.repository().is_none()),
        list(Dimension::Repository, grant),
        list(Dimension::Workflow, grant),
        list(Dimension::Branch, grant),
        (list(Dimension::Base, grant), grant.trusts_default_branch()),
        list(Dimension::Environment, grant),
        events,
        claims,
        grant.last(),
    );
    // Debug output quotes strings, so different grants have different texts.
    crate::sha256(format!("{fingerprint:?}").as_bytes())
}

impl AccessChange<'_> {
    /// Returns the position of its rule, or of the delegating entry.
    pub fn position(&self) -> Position {
        match self.rule {
            Some(rule) => rule.position,
            None => self.section.position(),
        }
    }

    /// Returns whether both belong to the same rule or delegating entry.
    fn is_of(&self, other: &Self) -> bool {
        self.section == other.section && self.position() == other.position()
    }

    /// Returns whether both differ in the permission only.
    fn differs_in_permission_only(&self, other: &Self) -> bool {
        self.is_of(other)
            && self.workflow == other.workflow
            && self.branch == other.branch
            && self.base == other.base
            && self.only_pull_requests == other.only_pull_requests
            && self.environment == other.environment
            && self.events == other.events
            && self.in_part == other.in_part
            && self.example == other.example
    }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
