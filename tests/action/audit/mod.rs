//! Audit records: one for every check, in the log, in the file, and at the receivers of copies.

mod ends;
mod opentelemetry;
mod organisation;
mod records;
mod schema;
mod signature;
mod webhook;

use crate::support::{record_lines as lines, records};
use simulator::StepResult;

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
