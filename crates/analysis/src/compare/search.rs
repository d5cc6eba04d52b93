//! Looks for a job that a grant speaks of and none of the others does.

use fixedbitset::FixedBitSet;

use super::space::{Axis, Cell};

/// The most combinations of classes that are looked at.
const MAX_STEPS: usize = 1_000_000;

/// What came of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The others speak of all of these jobs.
    Covered,
    /// A job that none of the others speaks of: the place of its class on each axis.
    Found(Vec<usize>),
    /// There are too many combinations.
    TooMany,
}

/// Looks among the cells that `wanted` takes.
pub(super) fn uncovered<'a>(
    axes: &[Axis<'a>],
    others: usize,
    wanted: impl Fn(&Axis<'a>, &Cell) -> bool,
) -> Answer {
    let mut all = FixedBitSet::with_capacity(others);
    all.insert_range(..);
    // From each axis on: who speaks of everything that is wanted there.
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
        places: Vec::new(),
    };
    match search.step(0, &all) {
        Some(true) => Answer::Found(search.places),
        Some(false) => Answer::Covered,
        None => Answer::TooMany,
    }
}

struct Search<'s, 'a, W> {
    axes: &'s [Axis<'a>],
    always: Vec<FixedBitSet>,
    wanted: W,
    left: usize,
    places: Vec<usize>,
}

impl<'a, W: Fn(&Axis<'a>, &Cell) -> bool> Search<'_, 'a, W> {
    /// `others` are those that match the classes chosen so far.
    fn step(&mut self, depth: usize, others: &FixedBitSet) -> Option<bool> {
        let Some(axis) = self.axes.get(depth) else {
            return Some(others.is_clear());
        };
        let mut always = self.always.get(depth)?.ones();
        if always.any(|other| others.contains(other)) {
            return Some(false);
        }
        for (place, cell) in axis.cells.iter().enumerate() {
            if !(self.wanted)(axis, cell) {
                continue;
            }
            self.left = self.left.checked_sub(1)?;
            let mut left = others.clone();
            left.intersect_with(&cell.others);
            self.places.push(place);
            if self.step(depth + 1, &left)? {
                return Some(true);
            }
            self.places.pop();
        }
        Some(false)
    }
}
