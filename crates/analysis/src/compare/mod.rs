//! What two policies grant, compared: exactly, as sets of jobs.
//!
//! Every grant of one policy is held against those of the other. Patterns are compared as automata,
//! so `main|develop` is the same as a list of both, and what is said to be new comes with a job that
//! shows it. Where that would take too long, a grant counts as new and says so: nothing that widens
//! access is missed.

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

pub(crate) use cover::{Budget, covers, may_match};
pub use grant::Section;
use grant::{Dimension, Grant, grants, patterns_compile};
pub use replay::{Check, Replay, Replayed, Times};
use search::Answer;
pub(crate) use space::Automata;
use space::{Axis, Cell, Merge, Name, Space};

use engine::policy::{Case, Document, Invalid, Kind, Pattern, Patterns, Position, Rule};

/// What a change of a policy does to the access that it gives.
#[derive(Clone, Debug, Default)]
pub struct Comparison<'a> {
    /// What the new policy grants and the old one does not, in the new one's order.
    pub added: Vec<AccessChange<'a>>,
    /// What the old policy grants and the new one does not, in the old one's order.
    pub removed: Vec<AccessChange<'a>>,
}

impl Comparison<'_> {
    /// Whether somebody may do more than before, or it cannot be excluded.
    pub fn widens(&self) -> bool {
        !self.added.is_empty()
    }

    /// Whether nobody may do more or less than before.
    pub fn is_same(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

/// Access of one rule that only one of the policies gives.
#[derive(Clone, Debug)]
pub struct AccessChange<'a> {
    /// Whom the rule speaks for.
    pub section: Section<'a>,
    /// The rule that gives it; `None` where the entry delegates it to the repository's own policy,
    /// which may then give it to any job.
    pub rule: Option<&'a Rule>,
    /// The permission keys.
    pub permissions: Vec<&'a str>,
    /// The workflows; of a list only those that the change is about. `None` is any.
    pub workflow: Option<Vec<&'a Pattern>>,
    /// The branches, likewise.
    pub branch: Option<Vec<&'a Pattern>>,
    /// The bases of pull requests that the rule names, likewise; `None` where it names none.
    pub base: Option<Vec<&'a Pattern>>,
    /// Whether all of it is in pull requests, where a rule looks at a base.
    pub only_pull_requests: bool,
    /// The environments, likewise; `None` is any or none.
    pub environment: Option<Vec<&'a Pattern>>,
    /// The events, likewise; `None` is every one but the untrusted.
    pub events: Option<Vec<&'a str>>,
    /// Whether the other policy gives a part of this.
    pub in_part: bool,
    /// A job that only this policy grants it to. `None` where that was too much to work out: then
    /// the access may be the same.
    pub example: Option<Example>,
}

/// A job by what patterns are held against. What does not matter is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Example {
    /// Whether the policy is this repository's own file.
    pub own: bool,
    /// `OWNER/NAME`; absent where any does.
    pub repository: Option<String>,
    /// The repository's id, where one is pinned.
    pub repository_id: Option<String>,
    /// The owner's id, where one is pinned.
    pub owner_id: Option<String>,
    /// The workflow file.
    pub workflow: Option<String>,
    /// The branch.
    pub branch: Option<String>,
    /// The base of its pull request; absent outside of pull requests, and where any base does.
    pub base: Option<String>,
    /// The default branch, where it is that base.
    pub default_branch: Option<String>,
    /// The environment; absent also for a job without one.
    pub environment: Option<String>,
    /// The event.
    pub event: Option<String>,
    /// Claims by name.
    pub claims: std::collections::BTreeMap<String, String>,
    /// The time, where it is not now.
    pub time: Option<String>,
    /// What others ask for and this job does not have: `environment`, `claims.NAME`, a `base` that its
    /// token names, or the pinned `repository_id` or `owner_id`.
    pub without: Vec<String>,
}

/// Compares what two policies grant from `now` on. A policy grants nothing through a pattern that
/// does not compile.
///
/// # Errors
/// Patterns of the new policy do not compile.
pub fn compare<'a>(
    old: &'a Document,
    new: &'a Document,
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
        added: beyond(&after, &before, now, &mut automata),
        removed: beyond(&before, &after, now, &mut automata),
    })
}

/// Drops what a policy with patterns that do not compile cannot be relied on to grant: a check of a
/// permission is an error as long as one of its rules is broken.
fn retain_unbroken(document: &Document, grants: &mut Vec<Grant<'_>>) {
    let is_broken = |patterns: &Patterns| patterns.compile(Case::Insensitive).is_err();
    let mut entries = document.repositories.iter().flat_map(|(_, list)| list);
    if entries.any(|entry| is_broken(&entry.repository)) {
        return grants.clear();
    }
    let broken = document.rules().filter(|rule| {
        let named = [&rule.workflow, &rule.branch, &rule.base, &rule.environment];
        let claims = rule.claims.iter().map(|(_, patterns)| patterns);
        named.into_iter().flatten().chain(claims).any(is_broken)
    });
    let keys = broken.flat_map(|rule| rule.permissions.iter().map(|key| key.as_str()));
    let keys: HashSet<_> = keys.collect();
    grants.retain(|grant| !keys.contains(grant.key));
}

/// The others of a list, all of them valid, that grant every job together that one of its rules grants:
/// those that come near it. `None` also where that is too much to work out, and for a rule that grants
/// nothing.
pub(crate) fn grant_all<'a>(
    list: Section<'a>,
    others: &[&'a Rule],
    rule: &'a Rule,
    now: Timestamp,
    (automata, budget): (&mut Automata, &mut Budget),
) -> Option<Vec<&'a Rule>> {
    /// The most that are compared at once.
    const MAX_NEAR: usize = 8;
    /// What a comparison may take at most.
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
    let near: Vec<_> = near.filter(|other| !is_apart(&grant, other)).collect();
    if near.is_empty() || near.len() > MAX_NEAR || !is_live(rule) {
        return None;
    }
    budget.spend(STEPS)?;
    if !near.iter().all(|other| has_automata(other, automata)) {
        return None;
    }
    let mut is_covered = |others: &[Grant<'a>]| {
        let space = Space::of(&grant, others, now, automata);
        space.is_some_and(|space| space.uncovered(|_, _| true) == Answer::Covered)
    };
    let is_covered = is_covered(&near) && !is_covered(&[]);
    is_covered.then(|| near.iter().filter_map(|other| other.rule).collect())
}

/// What `grants` give and `others` do not.
fn beyond<'a>(
    grants: &[Grant<'a>],
    others: &[Grant<'a>],
    now: Timestamp,
    automata: &mut Automata,
) -> Vec<AccessChange<'a>> {
    let mut of_key: HashMap<(&str, bool), Vec<Grant<'a>>> = HashMap::new();
    for other in others {
        // What is delegated is compared with what is delegated.
        let kind = (other.key, other.rule.is_some());
        of_key.entry(kind).or_default().push(*other);
    }
    let known: HashSet<_> = others.iter().map(meaning).collect();
    let mut changes: Vec<AccessChange<'a>> = Vec::new();
    for grant in grants {
        if known.contains(&meaning(grant)) {
            continue;
        }
        let kind = (grant.key, grant.rule.is_some());
        let others = of_key.get(&kind).map_or(&[][..], Vec::as_slice);
        for change in changes_of(grant, others, now, automata) {
            let mut of_rule = changes.iter_mut().rev();
            let of_rule = of_rule.by_ref().take_while(|known| known.is_of(&change));
            let mut same = of_rule.filter(|known| known.says_the_same(&change));
            match same.next() {
                Some(known) => known.permissions.push(grant.key),
                None => changes.push(change),
            }
        }
    }
    changes
}

/// What a grant gives beyond the others: to runs of one ref and to pull requests alike, then what it gives
/// to pull requests only.
fn changes_of<'a>(
    grant: &Grant<'a>,
    others: &[Grant<'a>],
    now: Timestamp,
    automata: &mut Automata,
) -> Vec<AccessChange<'a>> {
    let mut near = Vec::new();
    let mut is_exact = true;
    for other in others {
        if is_apart(grant, other) {
            continue;
        }
        // One that cannot be compared is taken to grant nothing.
        if has_automata(other, automata) {
            near.push(*other);
        } else {
            is_exact = false;
        }
    }
    let Some(space) = Space::of(grant, &near, now, automata) else {
        return vec![whole(grant, None, !near.is_empty())];
    };
    let beyond = Beyond {
        grant,
        space,
        is_exact,
    };
    let of_one_ref = |axis: &Axis<'_>, cell: &Cell| !axis.is_merging(cell);
    let merging = |axis: &Axis<'_>, cell: &Cell| axis.name != Name::Base || axis.is_merging(cell);
    let Some((first, kept)) = beyond.change(of_one_ref, false) else {
        let in_pull_requests = beyond.change(merging, true);
        return in_pull_requests
            .map(|(change, _)| change)
            .into_iter()
            .collect();
    };
    let mut changes = vec![first];
    for (name, kept) in kept {
        // Jobs that the first change does not speak of.
        let others = |axis: &Axis<'_>, cell: &Cell| {
            merging(axis, cell) && (axis.name != name || cell.own.is_disjoint(&kept))
        };
        changes.extend(beyond.change(others, true).map(|(change, _)| change));
    }
    changes
}

/// The alternatives of a list that a change is about.
type Kept<'a> = Vec<(Name<'a>, FixedBitSet)>;

/// A grant in the space of those that it is compared with.
struct Beyond<'s, 'a> {
    grant: &'s Grant<'a>,
    space: Space<'a>,
    /// Whether all that come near it are in the space.
    is_exact: bool,
}

impl<'a> Beyond<'_, 'a> {
    /// What is new among the cells that `wanted` takes, and what of each list it is about; `None` where
    /// nothing is.
    fn change(
        &self,
        wanted: impl Fn(&Axis<'a>, &Cell) -> bool,
        only_pull_requests: bool,
    ) -> Option<(AccessChange<'a>, Kept<'a>)> {
        let places = match self.space.uncovered(&wanted) {
            Answer::Covered => return None,
            Answer::TooMany => return Some((whole(self.grant, None, true), Vec::new())),
            Answer::Found(places) => places,
        };
        let example = self.is_exact.then(|| example(&self.space.axes, &places));
        let mut change = whole(self.grant, example, false);
        change.only_pull_requests = only_pull_requests;
        let mut kept: Kept<'a> = Vec::new();
        let mut keep_new = |name: Name<'a>, count: usize| {
            let is_new = |alternative: usize| {
                let wanted = |axis: &Axis<'a>, cell: &Cell| {
                    wanted(axis, cell) && (axis.name != name || cell.own.contains(alternative))
                };
                self.space.uncovered(wanted) != Answer::Covered
            };
            let mut new: FixedBitSet = (0..count).filter(|place| is_new(*place)).collect();
            if new.is_clear() {
                // Only together they are new.
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
        change.in_part = self.space.meets_any(is_kept);
        Some((change, kept))
    }
}

fn retain<T: Copy>(list: &mut Vec<T>, places: &FixedBitSet) {
    let kept = list.iter().enumerate();
    let kept = kept.filter(|(place, _)| places.contains(*place));
    *list = kept.map(|(_, one)| *one).collect();
}

fn whole<'a>(grant: &Grant<'a>, example: Option<Example>, in_part: bool) -> AccessChange<'a> {
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

fn example(axes: &[Axis<'_>], places: &[usize]) -> Example {
    let mut example = Example::default();
    for (axis, place) in axes.iter().zip(places) {
        let value = axis.cells.get(*place).and_then(|cell| cell.value.clone());
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
                let merge = axis.cells.get(*place).map(|cell| cell.merge);
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

/// Whether it is plain that no job is granted by both: different texts that each match one value.
fn is_apart(one: &Grant<'_>, other: &Grant<'_>) -> bool {
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

/// The SHA-256 of all that decides: two grants of the same meaning give the same access. Names, places
/// and the order of what is listed do not matter.
fn meaning(grant: &Grant<'_>) -> String {
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
    let meaning = (
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
    // What is printed for debugging is in quotes, so different meanings are different texts.
    crate::sha256(format!("{meaning:?}").as_bytes())
}

impl AccessChange<'_> {
    /// Where it stands in its policy: its rule, or the entry that delegates.
    pub fn position(&self) -> Position {
        match self.rule {
            Some(rule) => rule.position,
            None => self.section.position(),
        }
    }

    /// Whether it is of the same rule, or of the same entry that delegates.
    fn is_of(&self, other: &Self) -> bool {
        self.section == other.section && self.position() == other.position()
    }

    /// Whether it differs only in the permission.
    fn says_the_same(&self, other: &Self) -> bool {
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
