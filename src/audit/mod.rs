//! The audit records of a run: writes them to the log and the file, then sends them to the receivers.

mod delivery;
mod file;
mod resource;
pub(crate) mod webhook;

use jiff::Timestamp;
use tokio::time::Instant;

use self::delivery::Delivery;
use super::inputs::{Mode, ReportInputs, requested_permissions};
use super::runner::{Log, random_id};
use analysis::audit::{Circumstances, Record, TokenRecord, records};
use analysis::report::Outcome;
use engine::decision::Reason;
use github::http::Client;
use platform::Variables;

/// Creates, writes and sends the records of a run. Failures do not change the outcome.
pub struct Audit<'a> {
    variables: &'a Variables,
    inputs: &'a ReportInputs,
    clock: fn() -> Timestamp,
    started: Instant,
    delivery: Delivery<'a>,
}

impl<'a> Audit<'a> {
    /// Creates the audit of a run. `client` is the client, or the reason for its absence.
    pub fn new(
        variables: &'a Variables,
        inputs: &'a ReportInputs,
        client: Result<&'a Client, &'a anyhow::Error>,
        clock: fn() -> Timestamp,
        started: Instant,
    ) -> Self {
        Self {
            variables,
            inputs,
            clock,
            started,
            delivery: Delivery::new(client, inputs.webhook.as_ref(), variables, clock),
        }
    }

    /// Writes one record per permission to the log and the file. Call it before any request.
    pub fn write(
        &self,
        outcome: &Outcome<'_>,
        workspace: Option<&str>,
        token: Option<&TokenRecord>,
    ) {
        if outcome.reason == Reason::RuntimeMissing
            && self.variables.get("GITHUB_ACTIONS").is_none()
        {
            return;
        }
        let circumstances = Circumstances {
            asked: self.inputs.permissions.clone(),
            advisory: self.inputs.mode == Mode::Advisory,
            workspace: workspace.map(str::to_owned),
            token: token.cloned(),
            duration_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            ..circumstances(self.variables, (self.clock)())
        };
        let records = records(outcome, &circumstances);
        write(self.variables, self.inputs.audit_log.as_deref(), &records);
        self.delivery.add(records);
    }

    /// Sends the records that are written and not yet delivered.
    pub async fn deliver(&self, until: Instant) {
        self.delivery.run(until).await;
    }
}

/// Writes the record of an internal error, from the raw inputs. It sends nothing and uses as little as possible
/// of the code that may have failed.
pub fn write_failure(variables: &Variables, outcome: &Outcome<'_>, now: Timestamp) {
    let circumstances = Circumstances {
        asked: requested_permissions(variables.input("permission").unwrap_or_default()),
        ..circumstances(variables, now)
    };
    let records = records(outcome, &circumstances);
    write(variables, variables.input("audit-log"), &records);
}

fn circumstances(variables: &Variables, now: Timestamp) -> Circumstances {
    let variable = |name| variables.get(name).unwrap_or_default().to_owned();
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

/// Writes records to the log and the file. If the file cannot be written, logs a warning.
fn write(variables: &Variables, audit_log: Option<&str>, records: &[Record]) {
    let lines: Vec<String> = records
        .iter()
        .map(|record| record.line().to_owned())
        .collect();
    Log.group("Audit records", lines.iter().cloned());
    let Some(name) = audit_log else { return };
    if let Err(error) = file::append(variables, name, &lines) {
        Log.warning(&format!(
            "the audit log `{name}` could not be written, its records are in this log: {error}"
        ));
    }
}
