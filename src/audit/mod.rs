//! The records of a run: written to the log and the file, then sent to whom the step names.

mod collector;
mod delivery;
mod file;
pub(crate) mod webhook;

use jiff::Timestamp;
use tokio::time::Instant;

use self::delivery::Delivery;
use super::inputs::{Mode, ReportInputs, asked};
use super::workflow::{Log, random_id};
use analysis::audit::{Circumstances, Record, TokenRecord, records};
use analysis::report::Outcome;
use engine::decision::Reason;
use github::http::Client;
use platform::Environment;

/// Makes the records of a run and brings them to their places. Nothing that fails here changes the
/// outcome.
pub struct Audit<'a> {
    environment: &'a Environment,
    inputs: &'a ReportInputs,
    clock: fn() -> Timestamp,
    started: Instant,
    delivery: Delivery<'a>,
}

impl<'a> Audit<'a> {
    /// `client`: how the receivers are reached, or why not.
    pub fn new(
        environment: &'a Environment,
        inputs: &'a ReportInputs,
        client: Result<&'a Client, &'a str>,
        clock: fn() -> Timestamp,
        started: Instant,
    ) -> Self {
        Self {
            environment,
            inputs,
            clock,
            started,
            delivery: Delivery::new(client, inputs.webhook.as_ref(), environment, clock),
        }
    }

    /// One record a permission, in the log and the file at once: before anything goes over the network.
    pub fn write(
        &self,
        outcome: &Outcome<'_>,
        workspace: Option<&str>,
        token: Option<&TokenRecord>,
    ) {
        if outcome.reason == Reason::RuntimeMissing
            && self.environment.get("GITHUB_ACTIONS").is_none()
        {
            return;
        }
        let circumstances = Circumstances {
            asked: self.inputs.permissions.clone(),
            advisory: self.inputs.mode == Mode::Advisory,
            workspace: workspace.map(str::to_owned),
            token: token.cloned(),
            duration_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            ..circumstances(self.environment, (self.clock)())
        };
        let records = records(outcome, &circumstances);
        write(self.environment, self.inputs.audit_log.as_deref(), &records);
        self.delivery.add(records);
    }

    /// Sends what has been written and not delivered.
    pub async fn deliver(&self, until: Instant) {
        self.delivery.run(until).await;
    }
}

/// The record of a failure of the program itself, from the inputs as they are: nothing is sent, and as
/// little as possible of what may have failed is used.
pub fn write_failure(environment: &Environment, outcome: &Outcome<'_>, now: Timestamp) {
    let circumstances = Circumstances {
        asked: asked(environment.input("permission").unwrap_or_default()),
        ..circumstances(environment, now)
    };
    let records = records(outcome, &circumstances);
    write(environment, environment.input("audit-log"), &records);
}

fn circumstances(environment: &Environment, now: Timestamp) -> Circumstances {
    let variable = |name| environment.get(name).unwrap_or_default().to_owned();
    Circumstances {
        source: format!(
            "{}/{}",
            variable("GITHUB_SERVER_URL"),
            variable("GITHUB_REPOSITORY")
        ),
        time: now.to_string(),
        id: random_id(),
        run: ["GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_SHA"].map(variable),
        ..Circumstances::default()
    }
}

/// A file that cannot be written is a warning: the records are in the log.
fn write(environment: &Environment, audit_log: Option<&str>, records: &[Record]) {
    let lines: Vec<String> = records.iter().map(Record::line).collect();
    Log.group("Audit records", lines.iter().cloned());
    let Some(name) = audit_log else { return };
    if let Err(error) = file::append(environment, name, &lines) {
        Log.warning(&format!(
            "the audit log `{name}` was not written, its records are in this log: {error}"
        ));
    }
}
