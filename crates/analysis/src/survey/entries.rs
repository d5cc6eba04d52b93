//! What was seen of a policy's entries.

/// A repository that an entry names and whose ids differ from its pins.
#[derive(Debug)]
pub(super) struct Differing {
    pub(super) name: String,
    pub(super) id: Option<u64>,
    pub(super) owner_id: Option<u64>,
}

/// What GitHub said of a name that was not among the repositories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// There is no such repository, or the token cannot see it.
    Gone,
    /// This is its name today.
    Is(String),
}
