//! An index of grants by the texts that their lists name, to find those that can share a job with another grant.

use std::collections::{HashMap, HashSet};

use fixedbitset::FixedBitSet;

use super::grant::Dimension;
use super::interner::{Interner, Known};

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

/// The grants of a dimension's texts.
#[derive(Default)]
struct Index {
    named: HashMap<u32, Vec<usize>>,
    /// Grants whose list has other patterns, or that have none.
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
            match interner.texts(&grant.shape, dimension) {
                None => {
                    index.open.grow(number + 1);
                    index.open.insert(number);
                }
                Some(texts) => {
                    for text in texts.iter() {
                        index.named.entry(*text).or_default().push(number);
                    }
                }
            }
        }
    }

    /// Returns whether a grant has the same conditions.
    pub(super) fn contains(&self, grant: &Known<'a>) -> bool {
        self.shapes.contains(&grant.number)
    }

    /// Returns the grants that can have a job in common with another one: those without only other texts.
    pub(super) fn of(&self, grant: &Known<'a>, interner: &Interner<'a>) -> Vec<Known<'a>> {
        let mut near: Option<FixedBitSet> = None;
        for (index, dimension) in self.indices.iter().zip(INDEXED) {
            let Some(texts) = interner.texts(&grant.shape, dimension) else {
                continue;
            };
            let mut met = index.open.clone();
            met.grow(self.grants.len());
            let named = texts.iter().filter_map(|text| index.named.get(text));
            met.extend(named.flatten().copied());
            match &mut near {
                Some(near) => near.intersect_with(&met),
                None => near = Some(met),
            }
        }
        match near {
            None => self.grants.clone(),
            Some(near) => {
                let near = near.ones().filter_map(|number| self.grants.get(number));
                near.copied().collect()
            }
        }
    }
}
