//! Proposes a first policy for a repository from its own workflow files, with test cases for it.
//!
//! Pure: the caller passes the files, the default branch and the repository. A rule is never wider than its
//! files: each combination of its values is one in which a job asks for its permissions. What no rule can
//! say that narrowly becomes a comment with its reason.

mod ask;
mod atmos;
mod cases;
mod check;
mod combine;
mod draft;
mod model;
mod notes;
mod place;
mod propose;
mod rule;
mod text;
mod yaml;

pub use model::{Ids, Incomplete, Options, Proposal, Target};
pub use notes::Note;
pub use propose::propose;
pub use rule::{Evidence, Filter, ProposedRule};

#[cfg(test)]
#[path = "proposal_tests.rs"]
mod tests;
