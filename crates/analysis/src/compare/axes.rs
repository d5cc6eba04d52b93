//! Builds the space of a grant and of the grants to compare it with: one axis for each condition.

use std::collections::BTreeSet;

use fixedbitset::FixedBitSet;
use jiff::{SignedDuration, Timestamp};

use super::grant::{Dimension, Grant};
use super::interner::Known;
use super::space::{Axis, Cell, Merge, Name, Space};
use super::text::{Patterns, Question};
use engine::decision::{Merges, TRUSTED_EVENTS, merges};

/// Events for examples whose access does not depend on the event.
const ORDINARY_EVENTS: [&str; 5] = [
    "push",
    "workflow_dispatch",
    "schedule",
    "merge_group",
    "pull_request",
];

/// Builds the space of a grant and the others. Returns `None` if that is not possible exactly.
pub(super) fn space<'a>(
    grant: &Known<'a>,
    others: &[Known<'a>],
    now: Timestamp,
    patterns: &mut Patterns<'a, '_>,
) -> Option<Space<'a>> {
    let mut space = Space {
        axes: axes(grant, others, now, patterns)?,
        others: others.len(),
    };
    for axis in &mut space.axes {
        for cell in &mut axis.cells {
            let (never, always) = match axis.name {
                Name::Event => {
                    let merges = cell.value.as_deref().map(merges);
                    let is = |one| merges == Some(one);
                    (is(Merges::Never), is(Merges::Always))
                }
                Name::Base => (cell.merge != Merge::None, cell.merge == Merge::None),
                _ => (true, true),
            };
            cell.others.grow(space.others + 2);
            cell.others.set(space.others, never);
            cell.others.set(space.others + 1, always);
        }
    }
    Some(space)
}

fn axes<'a>(
    grant: &Known<'a>,
    others: &[Known<'a>],
    now: Timestamp,
    patterns: &mut Patterns<'a, '_>,
) -> Option<Vec<Axis<'a>>> {
    let mut axes = vec![own(&grant.grant, others)];
    axes.push(text(Dimension::Repository, grant, others, patterns)?);
    axes.push(pin(Name::RepositoryId, 0, &grant.grant, others));
    axes.push(pin(Name::OwnerId, 1, &grant.grant, others));
    for dimension in [
        Dimension::Workflow,
        Dimension::Branch,
        Dimension::Environment,
    ] {
        axes.push(text(dimension, grant, others, patterns)?);
    }
    let claims = others.iter().chain([grant]);
    let claims = claims.flat_map(|known| known.grant.claims());
    let claims: BTreeSet<&str> = claims.map(|(name, _)| name).collect();
    for name in claims {
        axes.push(text(Dimension::Claim(name), grant, others, patterns)?);
    }
    axes.push(event(&grant.grant, others));
    axes.push(base(grant, others, patterns)?);
    axes.push(time(&grant.grant, others, now));
    Some(axes)
}

/// Returns the other grants that satisfy a predicate.
fn select<'a>(others: &[Known<'a>], holds: impl Fn(&Grant<'a>) -> bool) -> FixedBitSet {
    let mut set = FixedBitSet::with_capacity(others.len());
    for (number, other) in others.iter().enumerate() {
        set.set(number, holds(&other.grant));
    }
    set
}

fn own<'a>(grant: &Grant<'a>, others: &[Known<'a>]) -> Axis<'a> {
    let is_own = |grant: &Grant<'a>| grant.section.repository().is_none();
    // An entry can also apply to the policy's own repository.
    let values = if is_own(grant) {
        &[true][..]
    } else {
        &[false, true]
    };
    let cell = |is_own_repository: &bool| Cell {
        others: select(others, |other| *is_own_repository || !is_own(other)),
        own: Vec::new(),
        value: is_own_repository.then(|| "own".to_owned()),
        merge: Merge::None,
    };
    Axis {
        name: Name::Own,
        cells: values.iter().map(cell).collect(),
    }
}

fn pin<'a>(name: Name<'a>, which: usize, grant: &Grant<'a>, others: &[Known<'a>]) -> Axis<'a> {
    let pin = |grant: &Grant<'a>| grant.section.pins().get(which).copied().flatten();
    let values = match pin(grant) {
        Some(id) => vec![Some(id)],
        None => {
            let named: BTreeSet<_> = others
                .iter()
                .filter_map(|other| pin(&other.grant))
                .collect();
            let named = named.into_iter().map(Some);
            [None].into_iter().chain(named).collect()
        }
    };
    let cell = |id: Option<u64>| Cell {
        others: select(others, |other| pin(other).is_none_or(|pin| Some(pin) == id)),
        own: Vec::new(),
        value: id.map(|id| id.to_string()),
        merge: Merge::None,
    };
    Axis {
        name,
        cells: values.into_iter().map(cell).collect(),
    }
}

/// A class of string values: the other grants that match it, the grant's patterns that match it, and a value.
struct TextCell {
    others: FixedBitSet,
    own: Vec<usize>,
    value: String,
}

/// Returns the classes that the grant matches, or all classes with `is_every`. They are empty if no grant has a
/// condition. Returns `None` if they are unknown.
fn text_cells<'a>(
    dimension: Dimension<'a>,
    grant: &Known<'a>,
    others: &[Known<'a>],
    is_every: bool,
    patterns: &mut Patterns<'a, '_>,
) -> Option<Vec<TextCell>> {
    let interner = &patterns.interner;
    let list = |known: &Known<'a>| interner.list_of(&known.shape, dimension);
    let asked: Vec<_> = others.iter().map(list).collect();
    let mut lists: Vec<_> = asked.iter().copied().flatten().collect();
    lists.sort_unstable();
    lists.dedup();
    let mut any = FixedBitSet::with_capacity(others.len());
    let mut with_list = vec![Vec::new(); lists.len()];
    for (other, list) in asked.iter().enumerate() {
        match list.and_then(|list| lists.binary_search(&list).ok()) {
            None => any.insert(other),
            Some(index) => with_list.get_mut(index)?.push(other),
        }
    }
    let classes = patterns.classes(Question {
        dimension,
        own: interner.list_of(&grant.written, dimension),
        is_every,
        lists,
    })?;
    let cells = classes.iter().map(|class| {
        let mut matching = any.clone();
        let lists = class.lists.iter().filter_map(|list| with_list.get(*list));
        matching.extend(lists.flatten().copied());
        TextCell {
            others: matching,
            own: class.own.clone(),
            value: class.value.clone(),
        }
    });
    Some(cells.collect())
}

fn text<'a>(
    dimension: Dimension<'a>,
    grant: &Known<'a>,
    others: &[Known<'a>],
    patterns: &mut Patterns<'a, '_>,
) -> Option<Axis<'a>> {
    let classes = text_cells(dimension, grant, others, false, patterns)?;
    let mut cells = Vec::new();
    // Every job has a repository.
    let may_be_absent = dimension != Dimension::Repository || classes.is_empty();
    if dimension.patterns(&grant.grant).is_none() && may_be_absent {
        cells.push(Cell {
            others: select(others, |other| dimension.patterns(other).is_none()),
            own: Vec::new(),
            value: None,
            merge: Merge::None,
        });
    }
    cells.extend(classes.into_iter().map(|class| Cell {
        others: class.others,
        own: class.own,
        value: Some(class.value),
        merge: Merge::None,
    }));
    if dimension != Dimension::Environment {
        // Jobs have a workflow and a branch, so examples prefer present values.
        cells.sort_by_key(|cell| cell.value.is_none());
    }
    Some(Axis {
        name: Name::Text(dimension),
        cells,
    })
}

/// Builds the axis of bases: none, for a run that merges nothing; each class of names that the grant trusts, as the
/// default branch (whose name is unknown) and as another branch; and a base that the token does not name.
fn base<'a>(
    grant: &Known<'a>,
    others: &[Known<'a>],
    patterns: &mut Patterns<'a, '_>,
) -> Option<Axis<'a>> {
    let asked = |grant: &Grant<'a>| Dimension::Base.patterns(grant);
    let is_any = asked(&grant.grant).is_none();
    let cell = |others: FixedBitSet, merge: Merge| Cell {
        others,
        own: Vec::new(),
        value: None,
        merge,
    };
    let mut cells = vec![cell(select(others, |_| true), Merge::None)];
    let trusts_default = grant.grant.trusts_default_branch();
    let classes = text_cells(Dimension::Base, grant, others, trusts_default, patterns)?;
    let is_asked_for = !classes.is_empty();
    if is_any && !is_asked_for {
        cells.push(cell(select(others, |_| true), Merge::Any));
    }
    let by_default = select(others, Grant::trusts_default_branch);
    let default_matters = trusts_default || !by_default.is_clear();
    let names_bases = grant.grant.rule.is_some_and(|rule| rule.base.is_some());
    for class in classes {
        let is_own = is_any || !class.own.is_empty();
        let is_trusted_default = default_matters && (is_own || trusts_default);
        let merges = [
            (Merge::Into, is_own),
            (Merge::IntoDefault, is_trusted_default),
        ];
        for (merge, _) in merges.into_iter().filter(|(_, is_trusted)| *is_trusted) {
            let mut others = class.others.clone();
            if merge == Merge::IntoDefault {
                others.union_with(&by_default);
            }
            cells.push(Cell {
                own: match names_bases {
                    true => class.own.clone(),
                    false => Vec::new(),
                },
                value: Some(class.value.clone()),
                ..cell(others, merge)
            });
        }
    }
    if is_any && is_asked_for {
        let others = select(others, |other| asked(other).is_none());
        cells.push(cell(others, Merge::Absent));
    }
    Some(Axis {
        name: Name::Base,
        cells,
    })
}

fn event<'a>(grant: &Grant<'a>, others: &[Known<'a>]) -> Axis<'a> {
    let all = others.iter().map(|other| &other.grant).chain([grant]);
    let named: BTreeSet<&str> = all
        .filter_map(|one| one.rule?.events.as_ref())
        .flatten()
        .map(|event| &**event)
        .collect();
    // Of the events that no grant names, one represents all that never merge, and one the others.
    let unnamed = |is_wanted: fn(Merges) -> bool| {
        let mut trusted = ORDINARY_EVENTS.iter().chain(&TRUSTED_EVENTS).copied();
        trusted.find(|event| !named.contains(event) && is_wanted(merges(event)))
    };
    let others_of = [
        unnamed(|merges| merges == Merges::Never),
        unnamed(|merges| merges != Merges::Never),
    ];
    let values = others_of.into_iter().flatten().chain(named.iter().copied());
    let cells = values.filter(|event| grant.accepts(event)).map(|event| {
        let own = grant.rule.and_then(|rule| rule.events.as_deref());
        let own = own.unwrap_or_default().iter().enumerate();
        let own = own.filter(|(_, name)| ***name == *event);
        Cell {
            others: select(others, |other| other.accepts(event)),
            own: own.map(|(number, _)| number).collect(),
            value: Some(event.to_owned()),
            merge: Merge::None,
        }
    });
    Axis {
        name: Name::Event,
        cells: cells.collect(),
    }
}

fn time<'a>(grant: &Grant<'a>, others: &[Known<'a>], now: Timestamp) -> Axis<'a> {
    let after = |last: Timestamp| last.checked_add(SignedDuration::from_nanos(1)).ok();
    let ends = others.iter().filter_map(|other| after(other.grant.last()?));
    // Access changes only at the times of expiry.
    let moments: BTreeSet<_> = ends.filter(|end| *end > now).chain([now]).collect();
    let is_live = |grant: &Grant<'a>, at: Timestamp| grant.last().is_none_or(|last| at <= last);
    let cells = moments.into_iter().filter(|at| is_live(grant, *at));
    let cells = cells.map(|at| Cell {
        others: select(others, |other| is_live(other, at)),
        own: Vec::new(),
        value: (at > now).then(|| at.to_string()),
        merge: Merge::None,
    });
    Axis {
        name: Name::Time,
        cells: cells.collect(),
    }
}
