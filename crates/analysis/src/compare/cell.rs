//! Classes of values. All compared grants treat jobs of the same classes alike.

use std::rc::Rc;

use fixedbitset::FixedBitSet;

use super::grant::Dimension;
use engine::decision::Merges;

/// Value of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    pub(super) own: Rc<[usize]>,
    /// A value of the class; `None` for an absent value.
    pub(super) value: Option<Rc<str>>,
    /// Whether runs of these jobs merge a base.
    pub(super) merges: Merges,
    /// The kind of base, on the axis of bases. [`Merge::None`] on other axes.
    pub(super) merge: Merge,
}

impl Cell {
    /// Creates a class without alternatives.
    pub(super) fn new(others: FixedBitSet, value: Option<Rc<str>>) -> Self {
        Self {
            others,
            own: Rc::from([]),
            value,
            merges: Merges::Sometimes,
            merge: Merge::None,
        }
    }

    /// Returns whether one of some alternatives matches it.
    fn is_of_any(&self, alternatives: &FixedBitSet) -> bool {
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

/// How the runs of jobs have a base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Merging {
    /// They merge nothing.
    Nothing,
    /// They merge a base that the token can name.
    Base,
    /// They merge a base that the token never names.
    UnnamedBase,
}

impl Merging {
    /// All kinds, so that each job is of one.
    pub(super) const ALL: [Self; 3] = [Self::Nothing, Self::Base, Self::UnnamedBase];

    fn has_event(self, merges: Merges) -> bool {
        match self {
            Self::Nothing => merges != Merges::Always,
            Self::Base => matches!(merges, Merges::Sometimes | Merges::Always),
            Self::UnnamedBase => merges == Merges::Unnamed,
        }
    }

    fn has_base(self, merge: Merge) -> bool {
        match self {
            Self::Nothing => merge == Merge::None,
            Self::Base => merge != Merge::None,
            Self::UnnamedBase => matches!(merge, Merge::Any | Merge::Absent),
        }
    }
}

/// The alternatives of each list that a difference affects.
pub(super) type Kept<'a> = Vec<(Name<'a>, FixedBitSet)>;

/// Selects jobs.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'k, 'a> {
    /// How their runs have a base.
    pub(super) merging: Merging,
    /// The alternatives of lists that match them.
    pub(super) kept: &'k [(Name<'a>, FixedBitSet)],
    /// Alternatives of a list that do not match them.
    pub(super) except: Option<(Name<'a>, &'k FixedBitSet)>,
    /// An alternative of a list that matches them.
    pub(super) only: Option<(Name<'a>, usize)>,
}

impl<'a> Wanted<'_, 'a> {
    /// Selects all jobs whose runs have a base in this way.
    pub(super) fn all(merging: Merging) -> Self {
        Self {
            merging,
            kept: &[],
            except: None,
            only: None,
        }
    }

    /// Returns whether it selects jobs of a class.
    pub(super) fn selects(&self, name: Name<'a>, cell: &Cell) -> bool {
        if let Some((_, alternative)) = self.only.filter(|(list, _)| *list == name)
            && !cell.own.contains(&alternative)
        {
            return false;
        }
        match name {
            Name::Event if !self.merging.has_event(cell.merges) => return false,
            Name::Base if !self.merging.has_base(cell.merge) => return false,
            // The alternatives of a base matter only to a run that has one.
            Name::Base if self.merging == Merging::Nothing => return true,
            _ => {}
        }
        let is_of = |(list, alternatives): &(Name<'a>, &FixedBitSet)| {
            *list == name && cell.is_of_any(alternatives)
        };
        let mut kept = self.kept.iter().filter(|(list, _)| *list == name);
        kept.all(|(_, kept)| cell.is_of_any(kept)) && !self.except.as_ref().is_some_and(is_of)
    }
}
