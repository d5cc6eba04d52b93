//! A repository of the owner.

/// Properties of a repository that a survey uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repository {
    /// `OWNER/NAME`.
    pub name: String,
    /// Id of the repository, if known.
    pub id: Option<u64>,
    /// Id of its owner, if known.
    pub owner_id: Option<u64>,
    /// Whether it is private or internal.
    pub is_private: bool,
    /// Whether it is archived, so that no workflow runs.
    pub is_archived: bool,
    /// Whether it is a fork.
    pub is_fork: bool,
}
