//! The step: inputs, decision, reports, outputs, exit code.

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

pub use platform::Environment;
pub use run::{run, time_limit, write_internal_error, write_internal_outputs};
