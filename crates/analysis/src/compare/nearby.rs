//! An index of grants by what their values start with, to find those that can share a job with another grant.

use std::collections::HashSet;

use fixedbitset::FixedBitSet;

use super::grant::Dimension;
use super::interner::{Interner, Known};
use super::starts::StartIndex;

/// Dimensions with an index.
const INDEXED: [Dimension<'static>; 4] = [
    Dimension::Repository,
    Dimension::Workflow,
    Dimension::Branch,
    Dimension::Environment,
];

/// Grants of a permission with different conditions.
#[derive(Default)]
pub(super) struct Nearby<'a> {
    grants: Vec<Known<'a>>,
    /// The numbers of their shapes.
    shapes: HashSet<u32>,
    indices: [Index; INDEXED.len()],
}

/// The grants by the values of a dimension.
#[derive(Default)]
struct Index {
    by_start: StartIndex,
    /// Grants whose values have no common start.
    open: FixedBitSet,
}

impl<'a> Nearby<'a> {
    /// Adds a grant. Equal conditions count once.
    pub(super) fn add(&mut self, grant: Known<'a>, interner: &Interner<'a>) {
        if !self.shapes.insert(grant.number) {
            return;
        }
        let number = self.grants.len();
        self.grants.push(grant);
        for (index, dimension) in self.indices.iter_mut().zip(INDEXED) {
            match interner.starts(&grant.shape, dimension) {
                None => {
                    index.open.grow(number + 1);
                    index.open.insert(number);
                }
                Some(starts) => {
                    for start in starts {
                        index.by_start.add(start, number);
                    }
                }
            }
        }
    }

    /// Returns whether a grant has the same conditions.
    pub(super) fn contains(&self, grant: &Known<'a>) -> bool {
        self.shapes.contains(&grant.number)
    }

    /// Returns the grants that can have a job in common with another one: those without only other starts.
    pub(super) fn of(&self, grant: &Known<'a>, interner: &Interner<'a>) -> Vec<&Known<'a>> {
        let mut near: Option<FixedBitSet> = None;
        for (index, dimension) in self.indices.iter().zip(INDEXED) {
            let Some(starts) = interner.starts(&grant.shape, dimension) else {
                continue;
            };
            let mut met = index.open.clone();
            met.grow(self.grants.len());
            for start in starts {
                met.extend(index.by_start.of(start));
            }
            match &mut near {
                Some(near) => near.intersect_with(&met),
                None => near = Some(met),
            }
        }
        match near {
            None => self.grants.iter().collect(),
            Some(near) => near
                .ones()
                .filter_map(|number| self.grants.get(number))
                .collect(),
        }
    }
}
