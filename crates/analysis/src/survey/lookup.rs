//! Facts about the repositories that a policy's entries name.

/// A repository that an entry names but whose ids differ from the pinned ones.
#[derive(Debug)]
pub(super) struct Differing {
    pub(super) name: String,
    pub(super) id: Option<u64>,
    pub(super) owner_id: Option<u64>,
}

/// GitHub's answer about a name that none of the listed repositories has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CurrentName {
    /// The repository does not exist, or the token cannot see it.
    Gone,
    /// The repository has this name now.
    Is(String),
}
