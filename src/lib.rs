//! The action: inputs, decision, reports, outputs, exit code.

mod audit;
mod credentials;
mod identity;
mod inputs;
mod origin;
mod policy;
mod priority;
mod pull_request;
mod report;
mod review;
mod reviewer;
mod run;
mod runner;
mod runtime;
mod server;
mod step;
mod untrusted;
mod workspace;

pub use platform::Variables;
pub use run::{is_in_job, run, time_limit, write_internal_error, write_internal_outputs};
