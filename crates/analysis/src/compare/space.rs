//! The jobs of a grant, with the other grants to compare it with.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use fixedbitset::FixedBitSet;
use jiff::Timestamp;

use super::axis::{Axis, Cells, Texts, Values};
use super::cell::{Name, Wanted};
use super::grant::Dimension;
use super::interner::{Known, List, Shape};
use super::text::{Classifier, Question};
use super::work::Effort;

/// Maximum size of what is remembered of others, in words.
const MAX_KEPT: usize = 1 << 18;

/// Grants to compare others with, and what is known about them: many grants are compared with the same.
pub(super) struct Others<'a> {
    pub(super) list: Vec<Known<'a>>,
    /// The names of their claims.
    claims: BTreeSet<&'a str>,
    /// Axes by the condition of a grant.
    axes: HashMap<(Name<'a>, Shape), Rc<Axis<'a>>>,
    /// Classes by the condition of a grant, the others that remain and the effort.
    cells: HashMap<(Name<'a>, Shape, FixedBitSet, Effort), Cells>,
    size: usize,
}

impl<'a> Others<'a> {
    pub(super) fn new(list: Vec<Known<'a>>) -> Self {
        let claims = list.iter().flat_map(|known| known.grant.claims());
        Self {
            claims: claims.map(|(name, _)| name).collect(),
            list,
            axes: HashMap::new(),
            cells: HashMap::new(),
            size: 0,
        }
    }

    fn axis(
        &mut self,
        name: Name<'a>,
        grant: &Known<'a>,
        now: Timestamp,
        classifier: &Classifier<'a, '_>,
    ) -> Rc<Axis<'a>> {
        let interner = &classifier.interner;
        let key = (name, interner.condition(&grant.written, name));
        if let Some(known) = self.axes.get(&key) {
            return Rc::clone(known);
        }
        self.make_room(1);
        let axis = Rc::new(Axis::new(name, grant, &self.list, now, interner));
        self.axes.insert(key, Rc::clone(&axis));
        axis
    }

    /// Forgets everything when there is not enough room for some more sets.
    fn make_room(&mut self, sets: usize) {
        self.size += (self.list.len() / 64 + 8) * sets;
        if self.size > MAX_KEPT {
            self.axes.clear();
            self.cells.clear();
            self.size = 0;
        }
    }
}

/// The jobs of a grant, and the other grants to compare it with.
pub(super) struct Space<'a> {
    grant: Known<'a>,
    pub(super) others: Others<'a>,
    pub(super) axes: Vec<Rc<Axis<'a>>>,
}

impl<'a> Space<'a> {
    /// Creates the space of a grant and others.
    pub(super) fn new(
        grant: Known<'a>,
        mut others: Others<'a>,
        now: Timestamp,
        classifier: &Classifier<'a, '_>,
    ) -> Self {
        let mut claims = others.claims.clone();
        claims.extend(grant.grant.claims().map(|(name, _)| name));
        let claims = claims.into_iter().map(Dimension::Claim).map(Name::Text);
        let names = [
            Name::Own,
            Name::Text(Dimension::Repository),
            Name::RepositoryId,
            Name::OwnerId,
            Name::Text(Dimension::Workflow),
            Name::Text(Dimension::Branch),
            Name::Text(Dimension::Environment),
        ];
        let names = names.into_iter().chain(claims);
        let names = names.chain([Name::Event, Name::Base, Name::Time]);
        let axes = names.map(|name| others.axis(name, &grant, now, classifier));
        Self {
            grant,
            axes: axes.collect(),
            others,
        }
    }

    /// Returns the classes of an axis that the remaining grants distinguish.
    pub(super) fn cells(
        &mut self,
        axis: usize,
        remaining: &FixedBitSet,
        classifier: &mut Classifier<'a, '_>,
        effort: Effort,
    ) -> Cells {
        let Some(axis) = self.axes.get(axis) else {
            return Cells::default();
        };
        let dimension = match &axis.values {
            Values::Fixed(cells) => return cells.clone(),
            Values::Text(dimension) => *dimension,
        };
        let condition = classifier
            .interner
            .condition(&self.grant.written, axis.name);
        let key = (axis.name, condition, remaining.clone(), effort);
        if let Some(known) = self.others.cells.get(&key) {
            return known.clone();
        }
        let texts = self.texts(axis, dimension, remaining, classifier, effort);
        let cells = texts.of(dimension, &self.grant.grant, &self.others.list);
        let cells = Cells {
            list: Rc::from(cells),
            is_complete: texts.classes.is_complete,
        };
        self.others.make_room(1 + cells.list.len());
        self.others.cells.insert(key, cells.clone());
        cells
    }

    /// Returns the classes of strings that the remaining grants distinguish.
    fn texts(
        &self,
        axis: &Axis<'a>,
        dimension: Dimension<'a>,
        remaining: &FixedBitSet,
        classifier: &mut Classifier<'a, '_>,
        effort: Effort,
    ) -> Texts {
        let mut any = remaining.clone();
        any.intersect_with(&axis.always);
        let mut limited = remaining.clone();
        limited.difference_with(&axis.always);
        let list = |number: usize| {
            let other = self.others.list.get(number)?;
            classifier.interner.list_of(&other.shape, dimension)
        };
        let listed = limited.ones();
        let listed = listed.filter_map(|number| Some((list(number)?, number)));
        let mut listed: Vec<_> = listed.collect();
        listed.sort_unstable();
        let of_lists = || listed.chunk_by(|(one, _), (other, _)| one == other);
        let lists = of_lists().filter_map(|of_list| of_list.first());
        let lists: Box<[List]> = lists.map(|(list, _)| *list).collect();
        let own = classifier.interner.list_of(&self.grant.written, dimension);
        let is_asked_for = own.is_some() || !lists.is_empty();
        let question = Question {
            dimension,
            own,
            is_every: dimension == Dimension::Base && self.grant.grant.trusts_default_branch(),
            lists,
        };
        Texts {
            any,
            listed: of_lists()
                .map(|of_list| of_list.iter().map(|(_, number)| *number).collect())
                .collect(),
            classes: classifier.classes(question, effort),
            is_asked_for,
        }
    }

    /// Returns the grants whose list contains an alternative of the grant's list.
    pub(super) fn containing(
        &self,
        axis: &Axis<'a>,
        alternative: usize,
        classifier: &Classifier<'a, '_>,
    ) -> FixedBitSet {
        let interner = &classifier.interner;
        let mut containing = FixedBitSet::with_capacity(self.others.list.len());
        if let Values::Text(dimension) = &axis.values
            && let Some(own) = interner.list_of(&self.grant.written, *dimension)
            && let Some(pattern) = interner.patterns(own).get(alternative)
        {
            for (number, other) in self.others.list.iter().enumerate() {
                let list = interner.list_of(&other.shape, *dimension);
                let patterns = list.map_or(&[][..], |list| interner.patterns(list));
                containing.set(number, patterns.binary_search(pattern).is_ok());
            }
        }
        containing
    }

    /// Returns the remaining grants that match a class of an axis that `wanted` selects, or `None` if there is
    /// none. If that is unknown, a grant counts as matching.
    pub(super) fn meeting(
        &mut self,
        axis: usize,
        remaining: &FixedBitSet,
        classifier: &mut Classifier<'a, '_>,
        wanted: Wanted<'_, 'a>,
    ) -> Option<FixedBitSet> {
        let name = self.axes.get(axis)?.name;
        let union = |cells: &Cells| {
            let mut cells = cells.list.iter().filter(|cell| wanted.selects(name, cell));
            let mut union = cells.next()?.others.clone();
            cells.for_each(|cell| union.union_with(&cell.others));
            union.intersect_with(remaining);
            Some(union)
        };
        let cells = self.cells(axis, remaining, classifier, Effort::Short);
        let known = union(&cells);
        if cells.is_complete {
            return known;
        }
        let mut meeting = known.unwrap_or_else(|| FixedBitSet::with_capacity(remaining.len()));
        for number in remaining.ones() {
            if meeting.contains(number) {
                continue;
            }
            let mut one = FixedBitSet::with_capacity(remaining.len());
            one.insert(number);
            let cells = self.cells(axis, &one, classifier, Effort::Full);
            let is_met = union(&cells).is_some_and(|met| met.contains(number));
            meeting.set(number, is_met || !cells.is_complete);
        }
        Some(meeting)
    }
}
