//! The step: inputs, decision, reports, outputs, exit code.

mod audit;
mod credentials;
pub mod environment;
mod identity;
mod inputs;
mod order;
mod origin;
mod policy;
mod pull_request;
mod report;
mod review;
mod reviewer;
mod run;
mod runtime;
mod workflow;

pub use environment::Environment;
pub use run::{run, time_limit, write_internal_error, write_internal_outputs};
