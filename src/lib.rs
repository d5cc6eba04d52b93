//! The action: inputs, decision, reports, outputs, exit code.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::allow_attributes,
        reason = "a test that fails may panic"
    )
)]

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
mod step;
mod untrusted;
mod workspace;

pub use platform::Variables;
pub use run::{is_in_job, run, time_limit, write_internal_error, write_internal_outputs};
