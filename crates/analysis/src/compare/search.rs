//! Searches a space for a job that a grant covers and no other grant does.

use std::collections::HashMap;

use fixedbitset::FixedBitSet;

use super::axes::Space;
use super::space::{Cell, Name, Wanted};
use super::text::Patterns;

/// Number of grants among which a search chooses an axis.
const SAMPLE: usize = 64;

/// Result of a search.
#[derive(Clone, Debug)]
pub(super) enum SearchResult<'a> {
    /// The other grants cover all of these jobs.
    Covered,
    /// A job that no other grant covers.
    Found(Vec<Value<'a>>),
    /// There are too many combinations.
    TooMany,
}

/// Value of a job.
#[derive(Clone, Debug)]
pub(super) struct Value<'a> {
    pub(super) name: Name<'a>,
    /// Its class.
    pub(super) cell: Cell,
    /// Whether other grants tell it from other values.
    pub(super) is_told_apart: bool,
}

/// Searches the jobs that `wanted` selects for one that no other grant covers.
pub(super) fn uncovered<'a>(
    space: &mut Space<'a>,
    patterns: &mut Patterns<'a, '_>,
    wanted: Wanted<'_, 'a>,
) -> SearchResult<'a> {
    let mut others = FixedBitSet::with_capacity(space.others.len());
    others.insert_range(..);
    let mut axes = FixedBitSet::with_capacity(space.axes.len());
    axes.insert_range(..);
    let limit = patterns.searches.limit();
    let mut search = Search {
        space,
        patterns,
        wanted,
        left: limit,
        without_result: HashMap::new(),
        path: Vec::new(),
    };
    let found = search.step(&axes, &others);
    search.patterns.searches.spend(limit - search.left);
    match found {
        Some(true) => SearchResult::Found(search.path),
        Some(false) => SearchResult::Covered,
        None => SearchResult::TooMany,
    }
}

/// Returns whether another grant covers a job that `wanted` selects, or may cover one.
pub(super) fn meets_any<'a>(
    space: &mut Space<'a>,
    patterns: &mut Patterns<'a, '_>,
    wanted: Wanted<'_, 'a>,
) -> bool {
    let none = FixedBitSet::with_capacity(space.others.len());
    let mut met = none.clone();
    met.insert_range(..);
    let mut axes: Vec<_> = space
        .axes
        .iter()
        .map(|axis| axis.cost)
        .enumerate()
        .collect();
    axes.sort_by_key(|(_, cost)| *cost);
    for (axis, _) in &axes {
        // The grant itself has to have a job like that.
        if space.meeting(*axis, &none, patterns, wanted).is_none() {
            return false;
        }
    }
    let mut left = &axes[..];
    while let Some(((axis, _), rest)) = left.split_first() {
        let is_always = |other: usize| {
            let mut left = left.iter().filter_map(|(axis, _)| space.axes.get(*axis));
            left.all(|axis| axis.always.contains(other))
        };
        if met.ones().any(is_always) {
            return true;
        }
        match space.meeting(*axis, &met, patterns, wanted) {
            Some(meeting) if !meeting.is_clear() => met = meeting,
            _ => return false,
        }
        left = rest;
    }
    !met.is_clear()
}

struct Search<'s, 'a, 'c, 'k> {
    space: &'s mut Space<'a>,
    patterns: &'s mut Patterns<'a, 'c>,
    wanted: Wanted<'k, 'a>,
    /// Work that is left: classes, and the grants that are left at each step.
    left: usize,
    /// Combinations of the axes and the grants that are left, and whether it is known that they cover all jobs.
    without_result: HashMap<(FixedBitSet, FixedBitSet), bool>,
    path: Vec<Value<'a>>,
}

impl Search<'_, '_, '_, '_> {
    /// Searches the axes that are left. `others` are the grants that match the classes so far. Returns `None` if
    /// there are too many combinations.
    fn step(&mut self, axes: &FixedBitSet, others: &FixedBitSet) -> Option<bool> {
        let axis = match self.next_axis(axes, others) {
            Next::Axis(axis) => axis,
            Next::Covered => return Some(false),
            Next::End => return Some(true),
        };
        let key = (axes.clone(), others.clone());
        if let Some(is_covered) = self.without_result.get(&key) {
            return is_covered.then_some(false);
        }
        let name = self.space.axes.get(axis)?.name;
        let cells = self.space.cells(axis, others, self.patterns)?;
        self.spend(others.count_ones(..))?;
        let mut axes = axes.clone();
        axes.remove(axis);
        let is_told_apart = cells.len() > 1;
        let mut is_unknown = false;
        for cell in cells.iter() {
            self.spend(1)?;
            if !self.wanted.selects(name, cell) {
                continue;
            }
            let mut left = others.clone();
            left.intersect_with(&cell.others);
            self.path.push(Value {
                name,
                cell: cell.clone(),
                is_told_apart,
            });
            match self.step(&axes, &left) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => is_unknown = true,
            }
            self.path.pop();
        }
        self.without_result.insert(key, !is_unknown);
        (!is_unknown).then_some(false)
    }

    fn spend(&mut self, work: usize) -> Option<()> {
        let left = self.left.checked_sub(work);
        self.left = left.unwrap_or_default();
        left.map(|_| ())
    }

    /// Chooses an axis that limits a grant, the cheapest for a grant that few axes limit.
    fn next_axis(&self, axes: &FixedBitSet, others: &FixedBitSet) -> Next {
        // The grants that no axis limits, one, two, and more.
        let mut none = others.clone();
        let [mut one, mut two, mut more] =
            [(); 3].map(|()| FixedBitSet::with_capacity(others.len()));
        for axis in axes.ones().filter_map(|axis| self.space.axes.get(axis)) {
            count_limited(&mut two, &mut more, &axis.always);
            count_limited(&mut one, &mut two, &axis.always);
            count_limited(&mut none, &mut one, &axis.always);
        }
        if !none.is_clear() {
            return Next::Covered;
        }
        let mut by_count = [&one, &two, &more].into_iter();
        let fewest = by_count.find(|grants| !grants.is_clear());
        let fewest = fewest
            .into_iter()
            .flat_map(|grants| grants.ones().take(SAMPLE));
        let best = fewest.filter_map(|other| self.cheapest(axes, other)).min();
        match best.map(|(_, _, axis)| axis).or(axes.minimum()) {
            Some(axis) => Next::Axis(axis),
            None => Next::End,
        }
    }

    /// Returns how many axes limit a grant, and the cost and number of the cheapest of them.
    fn cheapest(&self, axes: &FixedBitSet, other: usize) -> Option<(usize, usize, usize)> {
        let limiting = axes.ones().filter_map(|number| {
            let axis = self.space.axes.get(number)?;
            let is_limiting = !axis.always.contains(other);
            is_limiting.then_some((axis.cost, number))
        });
        let (cost, axis) = limiting.clone().min()?;
        Some((limiting.count(), cost, axis))
    }
}

/// Moves the grants that an axis limits to those that one axis more limits.
fn count_limited(fewer: &mut FixedBitSet, many: &mut FixedBitSet, always: &FixedBitSet) {
    let mut limited = fewer.clone();
    limited.difference_with(always);
    many.union_with(&limited);
    fewer.intersect_with(always);
}

/// Next step of a search.
enum Next {
    Axis(usize),
    /// A grant covers everything that is left.
    Covered,
    /// No axis and no other grant is left.
    End,
}
