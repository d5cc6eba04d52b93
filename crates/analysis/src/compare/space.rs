//! The jobs of a grant as classes of values. All compared grants treat jobs of the same classes alike.

use std::collections::{BTreeSet, HashMap};

use fixedbitset::FixedBitSet;
use jiff::{SignedDuration, Timestamp};

use super::automaton::{Automata, classes};
use super::grant::{Dimension, Grant};
use engine::decision::{Merges, TRUSTED_EVENTS, merges};
use engine::policy::{Kind, Pattern, Patterns};

/// Events for examples whose access does not depend on the event.
const ORDINARY_EVENTS: [&str; 5] = [
    "push",
    "workflow_dispatch",
    "schedule",
    "merge_group",
    "pull_request",
];
/// An axis of the space, with the classes of its values in the grant.
#[derive(Clone, Debug)]
pub(super) struct Axis<'a> {
    pub(super) name: Name<'a>,
    pub(super) cells: Vec<Cell>,
}

impl Axis<'_> {
    /// Returns whether this is the axis of bases, and jobs of the cell have one.
    pub(super) fn is_merging(&self, cell: &Cell) -> bool {
        self.name == Name::Base && cell.merge != Merge::None
    }
}

/// The jobs of a grant, and the other grants to compare it with.
#[derive(Debug)]
pub(super) struct Space<'a> {
    pub(super) axes: Vec<Axis<'a>>,
    /// Number of the other grants. Each cell has two more after them, for impossible jobs: an event that never
    /// merges with a base, and one that always merges without.
    pub(super) others: usize,
}

/// Value on an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name<'a> {
    /// Whether the policy is the repository's own.
    Own,
    RepositoryId,
    OwnerId,
    Text(Dimension<'a>),
    Event,
    Base,
    Time,
}

impl Name<'_> {
    /// Returns the name of the value that a job can lack.
    pub(super) fn of_absent(self) -> Option<String> {
        match self {
            Self::RepositoryId => Some("repository_id".to_owned()),
            Self::OwnerId => Some("owner_id".to_owned()),
            Self::Text(Dimension::Workflow) => Some("workflow".to_owned()),
            Self::Text(Dimension::Branch) => Some("branch".to_owned()),
            Self::Text(Dimension::Base) => None,
            Self::Text(Dimension::Environment) => Some("environment".to_owned()),
            Self::Text(Dimension::Claim(name)) => Some(format!("claims.{name}")),
            Self::Own
            | Self::Text(Dimension::Repository)
            | Self::Event
            | Self::Base
            | Self::Time => None,
        }
    }
}

/// A class of values.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// The other grants that match it, by index.
    pub(super) others: FixedBitSet,
    /// The grant's alternatives (patterns of its list, events) that match it.
    pub(super) own: FixedBitSet,
    /// A value of the class; `None` for an absent value.
    pub(super) value: Option<String>,
    /// The kind of base, on the axis of bases. [`Merge::None`] on other axes.
    pub(super) merge: Merge,
}

/// The base of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Merge {
    /// The run merges nothing.
    #[default]
    None,
    /// Any base, because no compared grant has a condition on it.
    Any,
    /// The value, which is not the default branch.
    Into,
    /// The value, which is the default branch.
    IntoDefault,
    /// A base that the token does not name.
    Absent,
}

impl<'a> Space<'a> {
    /// Builds the space of a grant and the others. Returns `None` if that is not possible exactly.
    pub(super) fn of(
        grant: &Grant<'a>,
        others: &[Grant<'a>],
        now: Timestamp,
        automata: &mut Automata,
    ) -> Option<Self> {
        let mut space = Self {
            axes: axes(grant, others, now, automata)?,
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
}

fn axes<'a>(
    grant: &Grant<'a>,
    others: &[Grant<'a>],
    now: Timestamp,
    automata: &mut Automata,
) -> Option<Vec<Axis<'a>>> {
    let mut axes = vec![own(grant, others)];
    axes.push(text(Dimension::Repository, grant, others, automata)?);
    axes.push(pin(Name::RepositoryId, 0, grant, others));
    axes.push(pin(Name::OwnerId, 1, grant, others));
    for dimension in [
        Dimension::Workflow,
        Dimension::Branch,
        Dimension::Environment,
    ] {
        axes.push(text(dimension, grant, others, automata)?);
    }
    let claims = others.iter().chain([grant]).flat_map(Grant::claims);
    let claims: BTreeSet<&str> = claims.map(|(name, _)| name).collect();
    for name in claims {
        axes.push(text(Dimension::Claim(name), grant, others, automata)?);
    }
    axes.push(event(grant, others));
    axes.push(base(grant, others, automata)?);
    axes.push(time(grant, others, now));
    Some(axes)
}

/// Returns the other grants that satisfy a predicate.
fn select<'a>(others: &[Grant<'a>], holds: impl Fn(&Grant<'a>) -> bool) -> FixedBitSet {
    let mut set = FixedBitSet::with_capacity(others.len());
    for (number, other) in others.iter().enumerate() {
        set.set(number, holds(other));
    }
    set
}

fn own<'a>(grant: &Grant<'a>, others: &[Grant<'a>]) -> Axis<'a> {
    let is_own = |grant: &Grant<'a>| grant.section.repository().is_none();
    // An entry can also apply to the policy's own repository.
    let values = if is_own(grant) {
        &[true][..]
    } else {
        &[false, true]
    };
    let cell = |is_own_repository: &bool| Cell {
        others: select(others, |other| *is_own_repository || !is_own(other)),
        own: FixedBitSet::new(),
        value: is_own_repository.then(|| "own".to_owned()),
        merge: Merge::None,
    };
    Axis {
        name: Name::Own,
        cells: values.iter().map(cell).collect(),
    }
}

fn pin<'a>(name: Name<'a>, which: usize, grant: &Grant<'a>, others: &[Grant<'a>]) -> Axis<'a> {
    let pin = |grant: &Grant<'a>| grant.section.pins().get(which).copied().flatten();
    let values = match pin(grant) {
        Some(id) => vec![Some(id)],
        None => {
            let named: BTreeSet<_> = others.iter().filter_map(pin).collect();
            [None]
                .into_iter()
                .chain(named.into_iter().map(Some))
                .collect()
        }
    };
    let cell = |id: Option<u64>| Cell {
        others: select(others, |other| pin(other).is_none_or(|pin| Some(pin) == id)),
        own: FixedBitSet::new(),
        value: id.map(|id| id.to_string()),
        merge: Merge::None,
    };
    Axis {
        name,
        cells: values.into_iter().map(cell).collect(),
    }
}

/// A class of string values: the other grants that match it, the grant's patterns that match it, and a value.
struct TextClass {
    others: FixedBitSet,
    own: FixedBitSet,
    value: String,
}

/// Returns the classes that the grant matches, or all classes with `every`. They are empty if no grant has a
/// condition. Returns `None` if they are unknown.
fn text_classes<'a>(
    dimension: Dimension<'a>,
    grant: &Grant<'a>,
    others: &[Grant<'a>],
    every: bool,
    automata: &mut Automata,
) -> Option<Vec<TextClass>> {
    let own = dimension.patterns(grant);
    let asked: Vec<_> = others
        .iter()
        .map(|other| dimension.patterns(other))
        .collect();
    let mut list: Vec<&Pattern> = Vec::new();
    let mut numbers: HashMap<(&str, Kind), usize> = HashMap::new();
    let lists = own.iter().chain(asked.iter().flatten());
    for pattern in lists.flat_map(|patterns| &patterns.list) {
        numbers
            .entry((&pattern.text, pattern.kind))
            .or_insert_with(|| {
                list.push(pattern);
                list.len() - 1
            });
    }
    if list.is_empty() {
        return Some(Vec::new());
    }
    let matched_by = |patterns: &Patterns, matched: &FixedBitSet| {
        let mut set = FixedBitSet::with_capacity(patterns.list.len());
        for (index, pattern) in patterns.list.iter().enumerate() {
            let number = numbers.get(&(&*pattern.text, pattern.kind));
            set.set(
                index,
                number.is_some_and(|number| matched.contains(*number)),
            );
        }
        set
    };
    let made = list
        .iter()
        .map(|pattern| automata.get(pattern, dimension.ignores_case()));
    let made: Vec<_> = made.collect::<Option<_>>()?;
    let inside = own.filter(|_| !every).map_or(0, |own| {
        let own = own
            .list
            .iter()
            .filter_map(|one| numbers.get(&(&*one.text, one.kind)));
        own.max().map_or(0, |last| last + 1)
    });
    let classes = classes(&made, inside, &dimension.domain(), automata.max_walk)?.into_iter();
    let classes = classes.map(|class| {
        let mut set = FixedBitSet::with_capacity(others.len());
        for (number, patterns) in asked.iter().enumerate() {
            let matches =
                patterns.is_none_or(|patterns| !matched_by(patterns, &class.matched).is_clear());
            set.set(number, matches);
        }
        TextClass {
            others: set,
            own: own.map_or_else(FixedBitSet::new, |own| matched_by(own, &class.matched)),
            value: class.value,
        }
    });
    Some(classes.collect())
}

fn text<'a>(
    dimension: Dimension<'a>,
    grant: &Grant<'a>,
    others: &[Grant<'a>],
    automata: &mut Automata,
) -> Option<Axis<'a>> {
    let classes = text_classes(dimension, grant, others, false, automata)?;
    let mut cells = Vec::new();
    // Every job has a repository.
    let may_be_absent = dimension != Dimension::Repository || classes.is_empty();
    if dimension.patterns(grant).is_none() && may_be_absent {
        cells.push(Cell {
            others: select(others, |other| dimension.patterns(other).is_none()),
            own: FixedBitSet::new(),
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
fn base<'a>(grant: &Grant<'a>, others: &[Grant<'a>], automata: &mut Automata) -> Option<Axis<'a>> {
    let asked = |grant: &Grant<'a>| Dimension::Base.patterns(grant);
    let own = asked(grant);
    let everybody = || select(others, |_| true);
    let mut cells = vec![Cell {
        others: everybody(),
        own: FixedBitSet::new(),
        value: None,
        merge: Merge::None,
    }];
    let trusts_default = grant.trusts_default_branch();
    let classes = text_classes(Dimension::Base, grant, others, trusts_default, automata)?;
    let is_asked_for = !classes.is_empty();
    if own.is_none() && !is_asked_for {
        cells.push(Cell {
            merge: Merge::Any,
            ..cells.first()?.clone()
        });
    }
    let by_default = select(others, Grant::trusts_default_branch);
    let default_matters = trusts_default || !by_default.is_clear();
    let names_bases = grant.rule.is_some_and(|rule| rule.base.is_some());
    for class in classes {
        let is_own = own.is_none() || !class.own.is_clear();
        for (merge, is_trusted) in [
            (Merge::Into, is_own),
            (
                Merge::IntoDefault,
                default_matters && (is_own || trusts_default),
            ),
        ] {
            if !is_trusted {
                continue;
            }
            let mut others = class.others.clone();
            if merge == Merge::IntoDefault {
                others.union_with(&by_default);
            }
            cells.push(Cell {
                others,
                own: match names_bases {
                    true => class.own.clone(),
                    false => FixedBitSet::new(),
                },
                value: Some(class.value.clone()),
                merge,
            });
        }
    }
    if own.is_none() && is_asked_for {
        cells.push(Cell {
            others: select(others, |other| asked(other).is_none()),
            own: FixedBitSet::new(),
            value: None,
            merge: Merge::Absent,
        });
    }
    Some(Axis {
        name: Name::Base,
        cells,
    })
}

fn event<'a>(grant: &Grant<'a>, others: &[Grant<'a>]) -> Axis<'a> {
    let all = others.iter().chain([grant]);
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
        let own = own.unwrap_or_default();
        let mut alternatives = FixedBitSet::with_capacity(own.len());
        for (number, name) in own.iter().enumerate() {
            alternatives.set(number, **name == *event);
        }
        Cell {
            others: select(others, |other| other.accepts(event)),
            own: alternatives,
            value: Some(event.to_owned()),
            merge: Merge::None,
        }
    });
    Axis {
        name: Name::Event,
        cells: cells.collect(),
    }
}

fn time<'a>(grant: &Grant<'a>, others: &[Grant<'a>], now: Timestamp) -> Axis<'a> {
    let after = |last: Timestamp| last.checked_add(SignedDuration::from_nanos(1)).ok();
    let ends = others.iter().filter_map(|other| after(other.last()?));
    // Access changes only at the times of expiry.
    let moments: BTreeSet<_> = ends.filter(|end| *end > now).chain([now]).collect();
    let is_live = |grant: &Grant<'a>, at: Timestamp| grant.last().is_none_or(|last| at <= last);
    let cells = moments.into_iter().filter(|at| is_live(grant, *at));
    let cells = cells.map(|at| Cell {
        others: select(others, |other| is_live(other, at)),
        own: FixedBitSet::new(),
        value: (at > now).then(|| at.to_string()),
        merge: Merge::None,
    });
    Axis {
        name: Name::Time,
        cells: cells.collect(),
    }
}
