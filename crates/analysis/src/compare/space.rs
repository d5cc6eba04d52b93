//! The jobs of a grant as classes of values. All compared grants treat jobs of the same classes alike.

use fixedbitset::FixedBitSet;

use super::grant::Dimension;

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
    pub(super) own: Vec<usize>,
    /// A value of the class; `None` for an absent value.
    pub(super) value: Option<String>,
    /// The kind of base, on the axis of bases. [`Merge::None`] on other axes.
    pub(super) merge: Merge,
}

impl Cell {
    /// Returns whether one of some alternatives matches it.
    pub(super) fn is_of_any(&self, alternatives: &FixedBitSet) -> bool {
        let mut own = self.own.iter();
        own.any(|alternative| alternatives.contains(*alternative))
    }
}

/// The base of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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
