//! One axis for each condition of a grant: the classes of its values, as other grants distinguish them.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use fixedbitset::FixedBitSet;
use jiff::{SignedDuration, Timestamp};

use super::cell::{Cell, Merge, Name};
use super::grant::{Dimension, Grant};
use super::interner::{Interner, Known, List};
use super::text::TextClasses;
use engine::decision::{Merges, TRUSTED_EVENTS, merges};

/// Events for examples whose access does not depend on the event.
const ORDINARY_EVENTS: [&str; 5] = [
    "push",
    "workflow_dispatch",
    "schedule",
    "merge_group",
    "pull_request",
];
/// Cost of a list with automata, in lists of texts.
const AUTOMATON: usize = 50;

/// The values of a condition.
pub(super) struct Axis<'a> {
    pub(super) name: Name<'a>,
    pub(super) values: Values<'a>,
    /// The other grants that certainly match every value of the grant.
    pub(super) always: FixedBitSet,
    /// Estimate of the number of classes, and of the time to find them.
    pub(super) cost: usize,
}

pub(super) enum Values<'a> {
    /// Classes that are known in advance.
    Fixed(Cells),
    /// Classes of strings, of which those matter that the remaining grants tell apart.
    Text(Dimension<'a>),
}

impl<'a> Axis<'a> {
    /// Builds the axis of a name.
    pub(super) fn new(
        name: Name<'a>,
        grant: &Known<'a>,
        others: &[Known<'a>],
        now: Timestamp,
        interner: &Interner<'a>,
    ) -> Self {
        let cells = match name {
            Name::Text(dimension) => return text(name, dimension, grant, others, interner),
            Name::Base => return text(name, Dimension::Base, grant, others, interner),
            Name::Own => own(&grant.grant, others),
            Name::RepositoryId => pin(0, &grant.grant, others),
            Name::OwnerId => pin(1, &grant.grant, others),
            Name::Event => event(&grant.grant, others),
            Name::Time => time(&grant.grant, others, now),
        };
        let mut sets = cells.iter().map(|cell| &cell.others);
        let mut always = sets.next().cloned().unwrap_or_default();
        sets.for_each(|set| always.intersect_with(set));
        Self {
            name,
            always,
            cost: cells.len().saturating_sub(1),
            values: Values::Fixed(Cells {
                list: Rc::from(cells),
                is_complete: true,
            }),
        }
    }
}

/// Classes of an axis.
#[derive(Clone, Default)]
pub(super) struct Cells {
    pub(super) list: Rc<[Cell]>,
    /// Whether these are all classes.
    pub(super) is_complete: bool,
}

/// Classes of strings.
pub(super) struct Texts {
    /// The grants that match every value.
    pub(super) any: FixedBitSet,
    /// The grants of each list.
    pub(super) listed: Vec<Vec<usize>>,
    pub(super) classes: TextClasses,
    /// Whether a list has a condition.
    pub(super) is_asked_for: bool,
}

impl Texts {
    /// Returns the classes of a dimension.
    pub(super) fn of<'a>(
        &self,
        dimension: Dimension<'a>,
        grant: &Grant<'a>,
        others: &[Known<'a>],
    ) -> Vec<Cell> {
        match dimension {
            Dimension::Base => base(grant, others, self),
            _ => present_or_absent(dimension, grant, self),
        }
    }

    /// Returns each class with the grants that match it.
    fn cells(&self) -> impl Iterator<Item = Cell> {
        self.classes.list.iter().map(|class| {
            let mut matching = self.any.clone();
            let lists = class.lists.iter().filter_map(|list| self.listed.get(*list));
            matching.extend(lists.flatten().copied());
            Cell {
                own: Rc::clone(&class.own),
                ..Cell::new(matching, Some(Rc::clone(&class.value)))
            }
        })
    }
}

/// Returns the grants that satisfy a predicate.
fn select<'a>(others: &[Known<'a>], holds: impl Fn(&Grant<'a>) -> bool) -> FixedBitSet {
    let mut set = FixedBitSet::with_capacity(others.len());
    for (number, other) in others.iter().enumerate() {
        set.set(number, holds(&other.grant));
    }
    set
}

fn text<'a>(
    name: Name<'a>,
    dimension: Dimension<'a>,
    grant: &Known<'a>,
    others: &[Known<'a>],
    interner: &Interner<'a>,
) -> Axis<'a> {
    let own = interner.list_of(&grant.shape, dimension);
    let mut known: HashMap<List, bool> = HashMap::new();
    let mut always = FixedBitSet::with_capacity(others.len());
    let mut cost = 0;
    for (number, other) in others.iter().enumerate() {
        let Some(list) = interner.list_of(&other.shape, dimension) else {
            always.insert(number);
            continue;
        };
        let contains_own = *known.entry(list).or_insert_with(|| {
            cost += match interner.is_texts(list) {
                true => 1,
                false => AUTOMATON,
            };
            own.is_some_and(|own| interner.contains(list, own))
        });
        let is_trusting = dimension != Dimension::Base
            || other.grant.trusts_default_branch()
            || !grant.grant.trusts_default_branch();
        always.set(number, contains_own && is_trusting);
    }
    Axis {
        name,
        values: Values::Text(dimension),
        always,
        cost,
    }
}

fn own<'a>(grant: &Grant<'a>, others: &[Known<'a>]) -> Vec<Cell> {
    let is_own = |grant: &Grant<'a>| grant.section.repository().is_none();
    // An entry can also apply to the policy's own repository.
    let values = if is_own(grant) {
        &[true][..]
    } else {
        &[false, true]
    };
    let cell = |is_own_repository: &bool| {
        let others = select(others, |other| *is_own_repository || !is_own(other));
        Cell::new(others, is_own_repository.then(|| "own".into()))
    };
    values.iter().map(cell).collect()
}

fn pin<'a>(which: usize, grant: &Grant<'a>, others: &[Known<'a>]) -> Vec<Cell> {
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
    let cell = |id: Option<u64>| {
        let others = select(others, |other| pin(other).is_none_or(|pin| Some(pin) == id));
        Cell::new(others, id.map(|id| id.to_string().into()))
    };
    values.into_iter().map(cell).collect()
}

/// Returns the classes of a dimension, in which a job can also have no value.
fn present_or_absent<'a>(dimension: Dimension<'a>, grant: &Grant<'a>, texts: &Texts) -> Vec<Cell> {
    let mut cells: Vec<_> = texts.cells().collect();
    // Every job has a repository.
    let may_be_absent = dimension != Dimension::Repository || !texts.is_asked_for;
    if dimension.patterns(grant).is_none() && may_be_absent {
        // Jobs have a workflow and a branch, so examples prefer present values.
        let at = match dimension {
            Dimension::Environment => 0,
            _ => cells.len(),
        };
        cells.insert(at, Cell::new(texts.any.clone(), None));
    }
    cells
}

/// Returns the classes of bases: none, for a run that merges nothing; each class of names that the grant trusts, as
/// the default branch (whose name is unknown) and as another branch; and a base that the token does not name.
fn base<'a>(grant: &Grant<'a>, others: &[Known<'a>], texts: &Texts) -> Vec<Cell> {
    let is_any = Dimension::Base.patterns(grant).is_none();
    let cell = |others: FixedBitSet, merge: Merge| Cell {
        merge,
        ..Cell::new(others, None)
    };
    let all = select(others, |_| true);
    let mut cells = vec![cell(all.clone(), Merge::None)];
    let trusts_default = grant.trusts_default_branch();
    if is_any && !texts.is_asked_for {
        cells.push(cell(all, Merge::Any));
    }
    let by_default = select(others, Grant::trusts_default_branch);
    let default_matters = trusts_default || !by_default.is_clear();
    let names_bases = grant.rule.is_some_and(|rule| rule.base.is_some());
    for class in texts.cells() {
        let is_own = is_any || !class.own.is_empty();
        let is_trusted_default = default_matters && (is_own || trusts_default);
        let merges = [
            (Merge::Into, is_own),
            (Merge::IntoDefault, is_trusted_default),
        ];
        for (merge, _) in merges.into_iter().filter(|(_, is_trusted)| *is_trusted) {
            let mut class = class.clone();
            if merge == Merge::IntoDefault {
                class.others.union_with(&by_default);
            }
            if !names_bases {
                class.own = Rc::from([]);
            }
            cells.push(Cell { merge, ..class });
        }
    }
    if is_any && texts.is_asked_for {
        cells.push(cell(texts.any.clone(), Merge::Absent));
    }
    cells
}

fn event<'a>(grant: &Grant<'a>, others: &[Known<'a>]) -> Vec<Cell> {
    let all = others.iter().map(|other| &other.grant).chain([grant]);
    let named: BTreeSet<&str> = all
        .filter_map(|one| one.rule?.events.as_ref())
        .flatten()
        .map(|event| &**event)
        .collect();
    // Of the events that no grant names, one represents all that have a base in the same way.
    let unnamed = |is_wanted: fn(Merges) -> bool| {
        let mut trusted = ORDINARY_EVENTS.iter().chain(&TRUSTED_EVENTS).copied();
        trusted.find(|event| !named.contains(event) && is_wanted(merges(event)))
    };
    let others_of = [
        unnamed(|merges| merges == Merges::Never),
        unnamed(|merges| matches!(merges, Merges::Sometimes | Merges::Always)),
        unnamed(|merges| merges == Merges::Unnamed),
    ];
    let values = others_of.into_iter().flatten().chain(named.iter().copied());
    let cells = values.filter(|event| grant.accepts(event)).map(|event| {
        let own = grant.rule.and_then(|rule| rule.events.as_deref());
        let own = own.unwrap_or_default().iter().enumerate();
        let own = own.filter(|(_, name)| ***name == *event);
        let matching = select(others, |other| other.accepts(event));
        Cell {
            own: own.map(|(number, _)| number).collect(),
            merges: merges(event),
            ..Cell::new(matching, Some(event.into()))
        }
    });
    cells.collect()
}

fn time<'a>(grant: &Grant<'a>, others: &[Known<'a>], now: Timestamp) -> Vec<Cell> {
    let after = |last: Timestamp| last.checked_add(SignedDuration::from_nanos(1)).ok();
    let ends = others.iter().filter_map(|other| after(other.grant.last()?));
    // Access changes only at the times of expiry.
    let moments: BTreeSet<_> = ends.filter(|end| *end > now).chain([now]).collect();
    let is_live = |grant: &Grant<'a>, at: Timestamp| grant.last().is_none_or(|last| at <= last);
    let cells = moments.into_iter().filter(|at| is_live(grant, *at));
    let cells = cells.map(|at| {
        let value = (at > now).then(|| at.to_string().into());
        Cell::new(select(others, |other| is_live(other, at)), value)
    });
    cells.collect()
}
