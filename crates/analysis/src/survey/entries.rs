//! What was seen of a policy's entries: kept in the state, so that an interrupted survey goes on.

use serde::{Deserialize, Serialize};

/// What a page of repositories adds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The patterns, by their place in the policy, that matched for the first time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) patterns: Vec<usize>,
    /// Repositories that an entry names and whose ids differ from its pins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) differing: Vec<Differing>,
    /// Entries whose pinned repository has another name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) elsewhere: Vec<(usize, String)>,
}

/// A repository that an entry names and whose ids differ from its pins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Differing {
    /// The entry's place in the policy.
    pub(super) entry: usize,
    pub(super) name: String,
    pub(super) id: Option<u64>,
    pub(super) owner_id: Option<u64>,
}

/// What GitHub said of a name that was not among the repositories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asked {
    /// There is no such repository, or the token cannot see it.
    Gone,
    /// This is its name today.
    Is(String),
}
