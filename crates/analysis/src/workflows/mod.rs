//! Workflow files of a repository, as far as policies concern them: how they start, their jobs, the
//! jobs' environments, and the steps that use this action.
//!
//! A text becomes a tree (`yaml`), the tree a [`Workflow`]. [`Workflows::jobs_of`] follows the reusable
//! workflows that a run calls, and evaluates each job for each way to start (`start`) in each world
//! (`world`), so that it knows in which runs a job has which environment.

mod checkout;
mod directory;
mod expression;
mod filter;
mod gate;
mod matrix;
mod needs;
mod outcome;
mod path;
mod permissions;
mod references;
mod run;
mod start;
mod trigger;
mod value;
mod work;
mod workflow;
mod world;
mod yaml;

pub use checkout::ChosenCheckout;
pub use directory::{MAX_FILE, MAX_FILES, Unreadable, Workflows, is_workflow};
pub(crate) use filter::matches as filter_matches;
pub use gate::{Gate, Request, Weakness};
pub use matrix::StrategyMatrix;
pub use outcome::{Environment, Outcome};
pub use permissions::{AccessLevel, ID_TOKEN, JobToken, Permissions};
pub use run::{RunJob, RunOptions};
pub use start::{RefName, Reference, Start};
pub use trigger::{Input, InputKind, Trigger};
pub use workflow::{Call, Job, Step, Workflow};
