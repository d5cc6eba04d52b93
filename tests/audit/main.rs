//! Audit records: one for every check, in the log, in the file, and with those who are sent a copy.

#![allow(
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test that fails may panic"
)]

#[path = "../support/mod.rs"]
mod support;

mod ends;
mod opentelemetry;
mod records;
mod schema;
mod signature;
#[path = "../schema/validator.rs"]
mod validator;
mod webhook;

use simulator::StepResult;
use support::{record_lines as lines, records};

/// The permissions that the policy of the tests allows and denies to a push to `main`.
const ALLOWED: &str = "ws:affected_stacks:create";
const DENIED: &str = "ws:deployments:create";

fn file(step: &StepResult, path: &str) -> String {
    std::fs::read_to_string(step.workspace().join(path)).unwrap()
}

fn warnings(step: &StepResult) -> Vec<&str> {
    let warnings = step.commands().iter().filter(|c| c.name == "warning");
    warnings.map(|command| command.data.as_str()).collect()
}
