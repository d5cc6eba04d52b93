//! Searches a space for a job that a grant covers and no other grant does.

use fixedbitset::FixedBitSet;

use super::space::{Axis, Cell, Name, Space};

/// Maximum number of combinations of classes.
const MAX_STEPS: usize = 1_000_000;

/// Result of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SearchResult {
    /// The other grants cover all of these jobs.
    Covered,
    /// A job that no other grant covers: the index of its class on each axis.
    Found(Vec<usize>),
    /// There are too many combinations.
    TooMany,
}

/// Searches the cells that `wanted` selects for a job that no other grant covers.
pub(super) fn uncovered<'a>(
    space: &Space<'a>,
    wanted: impl Fn(&Axis<'a>, &Cell) -> bool,
) -> SearchResult {
    let (axes, others) = (&space.axes, space.others + 2);
    let mut all = FixedBitSet::with_capacity(others);
    all.insert_range(..);
    // For each axis: the grants that cover all selected cells from there on.
    let mut always = vec![all.clone()];
    for axis in axes.iter().rev() {
        let mut set = always.last().cloned().unwrap_or_default();
        for cell in axis.cells.iter().filter(|cell| wanted(axis, cell)) {
            set.intersect_with(&cell.others);
        }
        always.push(set);
    }
    always.reverse();
    let mut search = Search {
        axes,
        always,
        wanted,
        left: MAX_STEPS,
        indices: Vec::new(),
    };
    match search.step(0, &all) {
        Some(true) => SearchResult::Found(search.indices),
        Some(false) => SearchResult::Covered,
        None => SearchResult::TooMany,
    }
}

/// Returns whether another grant covers a job of the cells that `wanted` selects.
pub(super) fn meets_any<'a>(space: &Space<'a>, wanted: impl Fn(&Axis<'a>, &Cell) -> bool) -> bool {
    let mut met = FixedBitSet::with_capacity(space.others);
    met.insert_range(..);
    let (mut events, mut bases) = (Vec::new(), Vec::new());
    for axis in &space.axes {
        let cells = axis.cells.iter().filter(|cell| wanted(axis, cell));
        let mut of_axis = FixedBitSet::with_capacity(space.others + 2);
        for cell in cells {
            of_axis.union_with(&cell.others);
            match axis.name {
                Name::Event => events.push(&cell.others),
                Name::Base => bases.push(&cell.others),
                _ => {}
            }
        }
        met.intersect_with(&of_axis);
    }
    events.iter().any(|event| {
        bases.iter().any(|base| {
            let mut both = (*event).clone();
            both.intersect_with(base);
            // A possible combination of event and base.
            both.count_ones(space.others..) == 0 && !both.is_disjoint(&met)
        })
    })
}

struct Search<'s, 'a, W> {
    axes: &'s [Axis<'a>],
    always: Vec<FixedBitSet>,
    wanted: W,
    left: usize,
    indices: Vec<usize>,
}

impl<'a, W: Fn(&Axis<'a>, &Cell) -> bool> Search<'_, 'a, W> {
    /// Searches from an axis. `others` are the grants that match the classes so far.
    fn step(&mut self, depth: usize, others: &FixedBitSet) -> Option<bool> {
        let Some(axis) = self.axes.get(depth) else {
            return Some(others.is_clear());
        };
        let mut always = self.always.get(depth)?.ones();
        if always.any(|other| others.contains(other)) {
            return Some(false);
        }
        for (index, cell) in axis.cells.iter().enumerate() {
            if !(self.wanted)(axis, cell) {
                continue;
            }
            self.left = self.left.checked_sub(1)?;
            let mut left = others.clone();
            left.intersect_with(&cell.others);
            self.indices.push(index);
            if self.step(depth + 1, &left)? {
                return Some(true);
            }
            self.indices.pop();
        }
        Some(false)
    }
}
