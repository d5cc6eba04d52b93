//! Workflow files of a repository, as far as policies concern them: how they start, their jobs, the
//! jobs' environments, and the steps that use this action.
//!
//! A text becomes a tree (`yaml`), the tree a [`Workflow`]; [`Workflows::jobs_of`] resolves the reusable
//! workflows that a run calls.

mod directory;
mod expression;
mod matrix;
mod permissions;
mod run;
mod trigger;
mod workflow;
mod yaml;

pub use directory::{MAX_FILE, MAX_FILES, Unreadable, Workflows, is_workflow};
pub use matrix::StrategyMatrix;
pub use permissions::{AccessLevel, ID_TOKEN, JobToken, Permissions};
pub use run::{Environment, Gate, RunJob};
pub use trigger::{Input, InputKind, Trigger};
pub use workflow::{Call, Job, Step, Workflow};
