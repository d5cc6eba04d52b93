//! Computes the access that grants provide and others do not.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use fixedbitset::FixedBitSet;
use jiff::Timestamp;

use super::automaton::Automata;
use super::cell::{Kept, Merge, Merging, Name, Wanted};
use super::changes::{AccessChange, Example};
use super::grant::{Dimension, Grant};
use super::interner::{Known, Shape};
use super::nearby::Nearby;
use super::search::{SearchResult, Value, meets_any, uncovered};
use super::space::{Others, Space};
use super::text::Classifier;
use super::work::Effort;

/// Maximum size of the remembered differences: numbers of grants.
const MAX_KEPT: usize = 1 << 19;
/// Number of alternatives of a list that are compared one by one.
const FEW: usize = 8;

/// The numbers of grants to compare others with.
type Numbers = Rc<[u32]>;

/// Compares grants, and remembers the result for equal grants.
pub(super) struct Comparer<'a, 'c> {
    now: Timestamp,
    classifier: Classifier<'a, 'c>,
    known: HashMap<(Shape, Numbers), Rc<[Difference<'a>]>>,
    size: usize,
    /// The grants of the last comparison.
    last: Option<(Numbers, Others<'a>)>,
}

/// Access that a grant provides beyond others.
#[derive(Clone, Default)]
struct Difference<'a> {
    /// A job with the access; `None` if it may be the same access.
    example: Option<Example>,
    only_pull_requests: bool,
    /// Whether another grant provides part of the access.
    in_part: bool,
    /// The affected alternatives of the grant's lists.
    kept: Kept<'a>,
}

impl<'a, 'c> Comparer<'a, 'c> {
    pub(super) fn new(now: Timestamp, automata: &'c mut Automata) -> Self {
        Self {
            now,
            classifier: Classifier::new(automata),
            known: HashMap::new(),
            size: 0,
            last: None,
        }
    }

    /// Returns the access that `grants` provide and `others` do not.
    pub(super) fn difference(
        &mut self,
        grants: &[Grant<'a>],
        others: &[Grant<'a>],
    ) -> Vec<AccessChange<'a>> {
        // Delegations are compared with delegations only.
        let kind = |grant: &Grant<'a>| (grant.key, grant.rule.is_some());
        let mut of_kind: HashMap<(&str, bool), Nearby<'a>> = HashMap::new();
        for other in others {
            let known = self.classifier.known(*other);
            let others = of_kind.entry(kind(other)).or_default();
            others.add(known, &self.classifier.interner);
        }
        let mut changes: Vec<AccessChange<'a>> = Vec::new();
        for grant in grants {
            let known = self.classifier.known(*grant);
            let others = match of_kind.get(&kind(grant)) {
                Some(others) if others.contains(&known) => continue,
                Some(others) => others.of(&known, &self.classifier.interner),
                None => Vec::new(),
            };
            for difference in self.differences(&known, others).iter() {
                let change = change(grant, difference);
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

    /// Returns the access that a grant provides beyond others.
    fn differences(&mut self, grant: &Known<'a>, others: Vec<&Known<'a>>) -> Rc<[Difference<'a>]> {
        let numbers = others.iter().map(|other| other.number);
        let mut numbers: Numbers = numbers.collect();
        if let Some((last, _)) = self.last.as_ref().filter(|(last, _)| *last == numbers) {
            numbers = Rc::clone(last);
        }
        let key = (grant.written, Rc::clone(&numbers));
        if let Some(known) = self.known.get(&key) {
            return Rc::clone(known);
        }
        self.size += others.len() + 8;
        if self.size > MAX_KEPT {
            self.known.clear();
            self.size = 0;
        }
        // A grant that cannot be compared counts as granting nothing.
        let count = others.len();
        let comparable = others
            .into_iter()
            .filter(|other| self.classifier.has_automata(other));
        let comparable = match self.last.take().filter(|(last, _)| *last == numbers) {
            Some((_, others)) => others,
            None => Others::new(comparable.copied().collect()),
        };
        let mut compared = Compared {
            grant: &grant.grant,
            is_exact: comparable.list.len() == count,
            space: Space::new(*grant, comparable, self.now, &self.classifier),
            classifier: &mut self.classifier,
        };
        let made = Rc::from(compared.differences());
        self.last = Some((numbers, compared.space.others));
        self.known.insert(key, Rc::clone(&made));
        made
    }
}

/// A grant in the space of the grants to compare it with.
struct Compared<'s, 'a, 'c> {
    grant: &'s Grant<'a>,
    space: Space<'a>,
    classifier: &'s mut Classifier<'a, 'c>,
    /// Whether the space contains all overlapping grants.
    is_exact: bool,
}

impl<'a> Compared<'_, 'a, '_> {
    fn uncovered(&mut self, wanted: Wanted<'_, 'a>) -> SearchResult<'a> {
        uncovered(&mut self.space, self.classifier, wanted)
    }

    /// Returns the new access, first to runs of a ref and to pull requests alike, then to pull requests only.
    fn differences(&mut self) -> Vec<Difference<'a>> {
        let mut differences: Vec<Difference<'a>> = Vec::new();
        for merging in Merging::ALL {
            let all = Wanted::all(merging);
            let Some(first) = differences.first().cloned() else {
                differences.extend(self.difference(all));
                continue;
            };
            for (name, kept) in first.kept.iter().filter(|(_, kept)| !kept.is_full()) {
                // Jobs that the first difference does not cover.
                let others = Wanted {
                    except: Some((*name, kept)),
                    ..all
                };
                let found = self.difference(others);
                let is_known = |found: &Difference<'a>| {
                    let mut known = differences.iter();
                    known.any(|known| known.only_pull_requests && known.kept == found.kept)
                };
                let new = found.filter(|found| !is_known(found));
                differences.extend(new);
            }
        }
        differences
    }

    /// Returns the new access among the jobs that `wanted` selects. Returns `None` if there is none.
    fn difference(&mut self, wanted: Wanted<'_, 'a>) -> Option<Difference<'a>> {
        let only_pull_requests = wanted.merging != Merging::Nothing;
        let values = match self.uncovered(wanted) {
            SearchResult::Covered => return None,
            SearchResult::TooMany => {
                return Some(Difference {
                    in_part: !self.space.others.list.is_empty(),
                    ..Difference::default()
                });
            }
            SearchResult::Found(values) => values,
        };
        let example = self.is_exact.then(|| example(&values));
        let lists: Vec<_> = lists(self.grant).collect();
        let kept = lists.into_iter().map(|(name, count)| {
            let new = self.new_alternatives(name, count, wanted);
            (name, new)
        });
        let kept: Kept<'a> = kept.collect();
        // The first difference is also one of pull requests.
        let mut merging = Merging::ALL.into_iter();
        let in_part = merging.any(|merging| {
            let affected = Wanted {
                kept: &kept,
                ..Wanted::all(merging)
            };
            (merging != Merging::Nothing || !only_pull_requests)
                && meets_any(&mut self.space, self.classifier, affected)
        });
        Some(Difference {
            example,
            only_pull_requests,
            in_part,
            kept,
        })
    }

    /// Returns the alternatives of a list that match jobs with new access.
    fn new_alternatives(
        &mut self,
        name: Name<'a>,
        count: usize,
        wanted: Wanted<'_, 'a>,
    ) -> FixedBitSet {
        let mut new = FixedBitSet::with_capacity(count);
        for alternatives in self.alike(name, count, wanted) {
            let only = alternatives.first().map(|first| (name, *first));
            let is_new = match count {
                1 => true,
                _ => {
                    let found = self.uncovered(Wanted { only, ..wanted });
                    !matches!(found, SearchResult::Covered)
                }
            };
            if is_new {
                new.extend(alternatives);
            }
        }
        if new.is_clear() {
            // They are new only in combination.
            new.insert_range(..);
        }
        new
    }

    /// Returns the alternatives of a list, those together that all other grants treat alike.
    fn alike(&mut self, name: Name<'a>, count: usize, wanted: Wanted<'_, 'a>) -> Vec<Vec<usize>> {
        let alone = || (0..count).map(|alternative| vec![alternative]).collect();
        if count <= FEW {
            return alone();
        }
        let mut others = FixedBitSet::with_capacity(self.space.others.list.len());
        others.insert_range(..);
        let axis = self.space.axes.iter().position(|axis| axis.name == name);
        let cells = axis.map(|axis| {
            self.space
                .cells(axis, &others, self.classifier, Effort::Full)
        });
        let Some(cells) = cells.filter(|cells| cells.is_complete) else {
            return alone();
        };
        // For each alternative the classes of other grants.
        let mut sets: HashMap<(&FixedBitSet, Merge), usize> = HashMap::new();
        let mut of_alternative = vec![BTreeSet::new(); count];
        for cell in cells.list.iter().filter(|cell| wanted.selects(name, cell)) {
            let next = sets.len();
            let set = *sets.entry((&cell.others, cell.merge)).or_insert(next);
            for alternative in cell.own.iter() {
                if let Some(sets) = of_alternative.get_mut(*alternative) {
                    sets.insert(set);
                }
            }
        }
        let mut alike: BTreeMap<BTreeSet<usize>, Vec<usize>> = BTreeMap::new();
        for (alternative, sets) in of_alternative.into_iter().enumerate() {
            alike.entry(sets).or_default().push(alternative);
        }
        alike.into_values().collect()
    }
}

/// Returns the lists of a grant that a difference can affect in part, with the numbers of their alternatives.
fn lists<'a>(grant: &Grant<'a>) -> impl Iterator<Item = (Name<'a>, usize)> {
    let texts = [
        Dimension::Workflow,
        Dimension::Branch,
        Dimension::Environment,
    ];
    let texts = texts.map(|dimension| {
        let list = dimension
            .patterns(grant)
            .map(|patterns| patterns.list.len());
        (Name::Text(dimension), list)
    });
    let base = grant.rule.is_some_and(|rule| rule.base.is_some());
    let base = Dimension::Base.patterns(grant).filter(|_| base);
    let base = base.map(|patterns| patterns.list.len());
    let events = grant.rule.and_then(|rule| rule.events.as_ref());
    let events = events.map(|events| events.len());
    let all = texts.into_iter();
    let all = all.chain([(Name::Base, base), (Name::Event, events)]);
    all.filter_map(|(name, count)| Some((name, count?)))
}

/// Returns the change of a grant.
fn change<'a>(grant: &Grant<'a>, difference: &Difference<'a>) -> AccessChange<'a> {
    let kept = |name: Name<'a>, index: usize| {
        let mut kept = difference.kept.iter();
        let kept = kept.find(|(list, _)| *list == name);
        kept.is_none_or(|(_, kept)| kept.contains(index))
    };
    let list = |name: Name<'a>, dimension: Dimension<'a>| {
        let patterns = dimension.patterns(grant)?;
        let patterns = patterns.list.iter().enumerate();
        let patterns = patterns.filter(|(index, _)| kept(name, *index));
        Some(patterns.map(|(_, pattern)| pattern).collect())
    };
    let text = |dimension: Dimension<'a>| list(Name::Text(dimension), dimension);
    let names_bases = grant.rule.is_some_and(|rule| rule.base.is_some());
    let events = grant.rule.and_then(|rule| rule.events.as_ref());
    let events = events.map(|events| {
        let events = events.iter().enumerate();
        let events = events.filter(|(index, _)| kept(Name::Event, *index));
        events.map(|(_, event)| &**event).collect()
    });
    AccessChange {
        section: grant.section,
        rule: grant.rule,
        permissions: vec![grant.key],
        workflow: text(Dimension::Workflow),
        branch: text(Dimension::Branch),
        base: list(Name::Base, Dimension::Base).filter(|_| names_bases),
        only_pull_requests: difference.only_pull_requests,
        environment: text(Dimension::Environment),
        events,
        in_part: difference.in_part,
        example: difference.example.clone(),
    }
}

fn example(values: &[Value<'_>]) -> Example {
    let mut example = Example::default();
    for Value {
        name,
        cell,
        is_distinguished,
    } in values
    {
        let value = cell.value.as_ref().map(|value| value.to_string());
        if let (None, true, Some(name)) = (&value, *is_distinguished, name.of_absent()) {
            example.without.push(name);
        }
        let field = match *name {
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
                match cell.merge {
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
