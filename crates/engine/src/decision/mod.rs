//! Decides on permissions. Pure, without I/O, clock or variables.
//!
//! A decision finds the repository's entries (`repository_rules`), evaluates the rules of the permission on the
//! context (`matching`), and explains the result (`trace`). Only a rule that matches in every dimension grants.

mod decide;
mod engine;
mod evaluator;
mod events;
mod matching;
mod merges;
mod provenance;
mod reason;
mod repository_rules;
mod trace;

pub use decide::{DecisionError, Policies, Question, add_own_policy, decide};
pub use engine::Engine;
pub use evaluator::HasTime;
pub use events::{TRUSTED_EVENTS, accepts_event, is_trusted_event};
pub use merges::{Merges, OF_ONE_REF, merges};
pub use provenance::Provenance;
pub use reason::{Decision, Reason};
pub use repository_rules::RepositoryRules;
pub use trace::{
    DEFAULT_BRANCH, Nearest, PermissionDecision, RuleRef, TracedDimension, TracedPattern,
    TracedRule, accepts_push,
};

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
