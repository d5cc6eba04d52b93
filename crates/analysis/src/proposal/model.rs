//! What a proposal contains.

use super::notes::Note;
use super::rule::ProposedRule;
use engine::RepositoryName;

/// Inputs of a proposal besides the workflow files.
#[derive(Clone, Debug)]
pub struct Options<'o> {
    /// Name of this action in `uses:`, without its owner.
    pub action: &'o str,
    /// Default branch of the repository.
    pub default_branch: &'o str,
}

/// Proposed rules, and what the author must decide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// Rules in the order of their files.
    pub rules: Vec<ProposedRule>,
    /// Rules that lack a value which only a run knows.
    pub incomplete: Vec<Incomplete>,
    /// What the rules leave out.
    pub notes: Vec<Note>,
}

/// Rules that lack a value, for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incomplete {
    /// One sentence about what is missing.
    pub reason: String,
    /// The rules without it.
    pub rules: Vec<ProposedRule>,
}

/// Repository that a proposed policy applies to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The repository that contains the policy: `permissions:` at the top.
    Own,
    /// An entry of `repositories:`.
    Entry {
        /// Name of the repository.
        repository: RepositoryName,
        /// Ids of the repository and its owner, or why they are unknown.
        ids: Result<Ids, String>,
    },
}

/// Ids that pin a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// Id of the repository.
    pub repository: u64,
    /// Id of its owner.
    pub owner: u64,
}
