//! The workflow files of a repository, as far as a policy speaks of them: how they start, their jobs,
//! which environment each job has, and which ask this gate.
//!
//! A text becomes a tree (`yaml`), the tree a [`Workflow`]; a run
//! unfolds the reusable workflows that it calls ([`Workflows::jobs_of`]).

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
pub use permissions::{Access, ID_TOKEN, JobToken, Permissions};
pub use run::{Environment, Gate, RunJob};
pub use trigger::{Input, InputKind, Trigger};
pub use workflow::{Call, Job, Step, Workflow};
