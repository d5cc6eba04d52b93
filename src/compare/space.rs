//! The jobs that a grant speaks of, as classes of values: jobs of the same classes are treated alike
//! by every grant that is compared.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use fixedbitset::FixedBitSet;
use jiff::{SignedDuration, Timestamp};

use super::automaton::{Automaton, classes};
use super::grant::{Dimension, Grant};
use crate::policy::{Kind, Pattern, Patterns};

/// Events to show an access by that does not depend on the event.
const ORDINARY_EVENTS: [&str; 4] = ["push", "workflow_dispatch", "schedule", "merge_group"];
/// The most automata that are kept.
const MAX_KEPT: usize = 4096;

/// Automata of patterns, each made once; `None` where there can be none.
#[derive(Default)]
pub(crate) struct Automata {
    known: HashMap<(String, Kind, bool), Option<Rc<Automaton>>>,
}

impl Automata {
    pub(super) fn get(
        &mut self,
        pattern: &Pattern<'_>,
        ignores_case: bool,
    ) -> Option<Rc<Automaton>> {
        let key = (pattern.text.to_string(), pattern.kind, ignores_case);
        if self.known.len() >= MAX_KEPT {
            self.known.clear();
        }
        let made = self.known.entry(key);
        made.or_insert_with(|| Automaton::new(pattern, ignores_case).map(Rc::new))
            .clone()
    }

    /// Whether there is an automaton for each of the patterns.
    pub(super) fn has_all(&mut self, patterns: &Patterns<'_>, ignores_case: bool) -> bool {
        let mut list = patterns.list.iter();
        list.all(|pattern| self.get(pattern, ignores_case).is_some())
    }
}

/// A dimension of the space: what it is, and the classes of its values inside the grant.
#[derive(Clone, Debug)]
pub(super) struct Axis<'a> {
    pub(super) name: Name<'a>,
    pub(super) cells: Vec<Cell>,
}

/// What an axis is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name<'a> {
    /// Whether the policy is the repository's own.
    Own,
    RepositoryId,
    OwnerId,
    Text(Dimension<'a>),
    Event,
    Time,
}

impl Name<'_> {
    /// What a job without a value of it is without.
    pub(super) fn of_absent(self) -> Option<String> {
        match self {
            Self::RepositoryId => Some("repository_id".to_owned()),
            Self::OwnerId => Some("owner_id".to_owned()),
            Self::Text(Dimension::Workflow) => Some("workflow".to_owned()),
            Self::Text(Dimension::Branch) => Some("branch".to_owned()),
            Self::Text(Dimension::Environment) => Some("environment".to_owned()),
            Self::Text(Dimension::Claim(name)) => Some(format!("claims.{name}")),
            Self::Own | Self::Text(Dimension::Repository) | Self::Event | Self::Time => None,
        }
    }
}

/// A class of values.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// The others that match it, by their number.
    pub(super) others: FixedBitSet,
    /// The alternatives of the grant (patterns of its list, its events) that match it.
    pub(super) own: FixedBitSet,
    /// One of the values; `None` for an absent one.
    pub(super) value: Option<String>,
}

/// All axes of a grant and of the others that it is compared with. `None` when it cannot be said
/// exactly.
pub(super) fn axes<'a>(
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
    axes.push(time(grant, others, now));
    Some(axes)
}

/// The others for which something holds.
fn those<'a>(others: &[Grant<'a>], holds: impl Fn(&Grant<'a>) -> bool) -> FixedBitSet {
    let mut set = FixedBitSet::with_capacity(others.len());
    for (number, other) in others.iter().enumerate() {
        set.set(number, holds(other));
    }
    set
}

fn own<'a>(grant: &Grant<'a>, others: &[Grant<'a>]) -> Axis<'a> {
    let is_own = |grant: &Grant<'a>| grant.installation.repository().is_none();
    // An entry may speak for the policy's own repository too.
    let values = if is_own(grant) {
        &[true][..]
    } else {
        &[false, true]
    };
    let cell = |is_own_repository: &bool| Cell {
        others: those(others, |other| *is_own_repository || !is_own(other)),
        own: FixedBitSet::new(),
        value: is_own_repository.then(|| "own".to_owned()),
    };
    Axis {
        name: Name::Own,
        cells: values.iter().map(cell).collect(),
    }
}

fn pin<'a>(name: Name<'a>, which: usize, grant: &Grant<'a>, others: &[Grant<'a>]) -> Axis<'a> {
    let pin = |grant: &Grant<'a>| grant.installation.pins().get(which).copied().flatten();
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
        others: those(others, |other| pin(other).is_none_or(|pin| Some(pin) == id)),
        own: FixedBitSet::new(),
        value: id.map(|id| id.to_string()),
    };
    Axis {
        name,
        cells: values.into_iter().map(cell).collect(),
    }
}

fn text<'a>(
    dimension: Dimension<'a>,
    grant: &Grant<'a>,
    others: &[Grant<'a>],
    automata: &mut Automata,
) -> Option<Axis<'a>> {
    let own = dimension.patterns(grant);
    let asked: Vec<_> = others
        .iter()
        .map(|other| dimension.patterns(other))
        .collect();
    let mut list: Vec<&Pattern<'a>> = Vec::new();
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
    let matched_by = |patterns: &Patterns<'a>, matched: &FixedBitSet| {
        let mut set = FixedBitSet::with_capacity(patterns.list.len());
        for (place, pattern) in patterns.list.iter().enumerate() {
            let number = numbers.get(&(&*pattern.text, pattern.kind));
            set.set(
                place,
                number.is_some_and(|number| matched.contains(*number)),
            );
        }
        set
    };
    let mut cells = Vec::new();
    // A job always has a repository.
    if own.is_none() && dimension != Dimension::Repository {
        cells.push(Cell {
            others: those(others, |other| dimension.patterns(other).is_none()),
            own: FixedBitSet::new(),
            value: None,
        });
    }
    if !list.is_empty() {
        let made = list
            .iter()
            .map(|pattern| automata.get(pattern, dimension.ignores_case()));
        let made: Vec<_> = made.collect::<Option<_>>()?;
        let inside = own.map_or(0, |own| {
            let own = own
                .list
                .iter()
                .filter_map(|one| numbers.get(&(&*one.text, one.kind)));
            own.max().map_or(0, |last| last + 1)
        });
        for class in classes(&made, inside, &dimension.domain())? {
            let mut set = FixedBitSet::with_capacity(others.len());
            for (number, patterns) in asked.iter().enumerate() {
                let matches = patterns
                    .is_none_or(|patterns| !matched_by(patterns, &class.matched).is_clear());
                set.set(number, matches);
            }
            cells.push(Cell {
                others: set,
                own: own.map_or_else(FixedBitSet::new, |own| matched_by(own, &class.matched)),
                value: Some(class.value),
            });
        }
    } else if dimension == Dimension::Repository {
        cells.push(Cell {
            others: those(others, |_| true),
            own: FixedBitSet::new(),
            value: None,
        });
    }
    if dimension != Dimension::Environment {
        // Jobs have a workflow and a branch, so an absent one is the last that an example is made of.
        cells.sort_by_key(|cell| cell.value.is_none());
    }
    Some(Axis {
        name: Name::Text(dimension),
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
    // An event that nobody names stands for all of them.
    let other = ORDINARY_EVENTS
        .iter()
        .find(|event| !named.contains(**event));
    let other = other.copied().unwrap_or("another event");
    let named_and_others = named.iter().copied();
    let values = [other].into_iter().chain(named_and_others);
    let cells = values.filter(|event| grant.accepts(event)).map(|event| {
        let own = grant.rule.and_then(|rule| rule.events.as_deref());
        let own = own.unwrap_or_default();
        let mut alternatives = FixedBitSet::with_capacity(own.len());
        for (number, name) in own.iter().enumerate() {
            alternatives.set(number, name == event);
        }
        Cell {
            others: those(others, |other| other.accepts(event)),
            own: alternatives,
            value: Some(event.to_owned()),
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
    // Nothing changes between the moments at which somebody's access ends.
    let moments: BTreeSet<_> = ends.filter(|end| *end > now).chain([now]).collect();
    let is_live = |grant: &Grant<'a>, at: Timestamp| grant.last().is_none_or(|last| at <= last);
    let cells = moments.into_iter().filter(|at| is_live(grant, *at));
    let cells = cells.map(|at| Cell {
        others: those(others, |other| is_live(other, at)),
        own: FixedBitSet::new(),
        value: (at > now).then(|| at.to_string()),
    });
    Axis {
        name: Name::Time,
        cells: cells.collect(),
    }
}
