//! Runs the action: decides, then reports, within its time limit.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{FusedFuture as _, join};
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::time::Instant;

use super::audit::{self, Audit};
use super::credentials::REVOKE_TIME;
use super::inputs::{Inputs, Mode, Problems, ReportInputs, timeout};
use super::report::{Reporter, cancellation, with_link};
use super::review;
use super::runner::{Log, clear_outputs, write_outputs};
use super::runtime::{client, payload};
use super::step::{RunState, Step};
use crate::audit::webhook::SECRET_PREFIX;
use analysis::report::{Detail, Failure, Outcome};
use engine::decision::{Decision, Reason};
use github::http::Budget;
use platform::Variables;

/// Maximum time for reports after SIGTERM or SIGINT. The runner kills the step after ten seconds.
const SHUTDOWN_TIME: Duration = Duration::from_secs(3);

/// Runs the action and returns the exit code: 0 allowed or an advisory denial, 1 denied, 2 error.
///
/// `cancelled` returns a future that completes when the runner cancels the step. It is called again after that.
pub async fn run<C, F>(variables: &Variables, clock: fn() -> Timestamp, mut cancelled: C) -> u8
where
    C: FnMut() -> F,
    F: Future<Output = ()>,
{
    mask_secrets(variables);
    let started = Instant::now();
    let (report_inputs, inputs) = read_inputs(variables);
    let deadline = started + report_inputs.timeout;
    // The reports get a quarter of the time, at most 15 s.
    let reserve = (report_inputs.timeout / 4).min(Duration::from_secs(15));
    let (payload, payload_problem) = payload(variables);
    let client = client(variables, report_inputs.ca_bundle.as_deref());
    let client = client.as_ref();
    let step = Step {
        variables,
        client,
        payload: payload.as_ref(),
        inputs: inputs.as_ref(),
        report_inputs: &report_inputs,
        budget: Budget::until(deadline - reserve),
        clock,
    };
    if let Some((policy, credentials)) = step.review_only_policy() {
        if let Some(problem) = payload_problem {
            Log.warning(&problem);
        }
        let reporter = step.reporter(Detail::Full, Some(&credentials));
        return review::review_only(&reporter, policy, clock(), deadline, cancelled()).await;
    }
    let audit = Audit::new(variables, &report_inputs, client, clock, started);
    let (mut credentials, mut state) = (None, RunState::default());
    let decided = tokio::select! {
        biased;
        () = cancelled() => Err(cancellation()),
        decided = step.decide(&mut credentials, &mut state) => decided,
    };
    let detail = state.detail(report_inputs.detail);
    let outcome = state.outcome(decided, detail).redacted(detail);
    if let (Some(problem), true) = (payload_problem, outcome.reason != Reason::RuntimeMissing) {
        Log.warning(&problem);
    }
    let publisher = Publisher {
        reporter: &step.reporter(detail, credentials.as_ref()),
        audit: &audit,
        state: &state,
        reviewed: inputs.as_ref().ok().filter(|_| report_inputs.review),
        clock,
        deadline,
    };
    let replacement = publisher.publish(&outcome, cancelled).await;
    let outcome = replacement.as_ref().unwrap_or(&outcome);
    publisher.reporter.conclude(outcome);
    exit_code(outcome.decision, report_inputs.mode)
}

/// Reads the inputs: those of the reports, which an invalid input does not prevent, and the others.
fn read_inputs(variables: &Variables) -> (ReportInputs, Result<Inputs, Failure>) {
    let mut problems = Problems::default();
    let report_inputs = ReportInputs::read(variables, &mut problems);
    let inputs = Inputs::read(variables, &mut problems);
    let inputs = inputs
        .ok_or_else(|| Failure::new(Reason::InputInvalid, problems.message().unwrap_or_default()));
    (report_inputs, inputs)
}

fn exit_code(decision: Decision, mode: Mode) -> u8 {
    match decision {
        Decision::Allowed => 0,
        Decision::Denied if mode == Mode::Advisory => 0,
        Decision::Denied => 1,
        Decision::Error => 2,
    }
}

/// Publishes an outcome in all reports.
struct Publisher<'a> {
    reporter: &'a Reporter<'a>,
    audit: &'a Audit<'a>,
    state: &'a RunState,
    /// Inputs of the review, if it is enabled.
    reviewed: Option<&'a Inputs>,
    clock: fn() -> Timestamp,
    deadline: Instant,
}

impl<'a> Publisher<'a> {
    /// Publishes the outcome. If the runner cancels the step during that, publishes and returns a replacement.
    async fn publish<F: Future<Output = ()>>(
        &self,
        outcome: &Outcome<'a>,
        mut cancelled: impl FnMut() -> F,
    ) -> Option<Outcome<'a>> {
        self.write_local(outcome);
        let is_cancelled = outcome.reason == Reason::Cancelled;
        let until = match is_cancelled {
            true => self.shutdown_deadline(),
            false => self.deadline,
        };
        let reviewed = self.reviewed.filter(|_| !is_cancelled);
        let mut sending = pin!(self.reporter.send(outcome, Budget::until(until)).fuse());
        let publishing = join(
            self.publish_remote(sending.as_mut(), reviewed, until),
            self.audit.deliver(until),
        );
        tokio::select! {
            biased;
            () = cancelled(), if !is_cancelled => {}
            _ = publishing => return None,
        }
        // The outcome is not published everywhere and the job is stopping, so it must not count as a success.
        // Replace the published reports.
        let outcome = self.state.failed(&cancellation(), self.reporter.detail);
        self.write_local(&outcome);
        let until = self.shutdown_deadline();
        let resend = async {
            // GitHub also processes an abandoned request, and shows the last one to arrive. So wait for it
            // before sending the replacement, for at most a third of the time.
            if !sending.is_terminated() {
                let time_left = until.saturating_duration_since(Instant::now());
                _ = tokio::time::timeout(time_left / 3, sending).await;
                // It may have written the URL of its check run.
                self.reporter.write_outputs(&outcome);
            }
            self.reporter.send(&outcome, Budget::until(until)).await;
        };
        join(
            self.publish_remote(resend, None, until),
            self.audit.deliver(until),
        )
        .await;
        Some(outcome)
    }

    /// Writes the log, the outputs, the summary and the audit records.
    fn write_local(&self, outcome: &Outcome<'_>) {
        self.reporter.write_local(outcome);
        let state = self.state;
        self.audit
            .write(outcome, state.workspace(), state.token.as_ref());
    }

    /// Returns the deadline of reports after a cancellation.
    fn shutdown_deadline(&self) -> Instant {
        self.deadline.min(Instant::now() + SHUTDOWN_TIME)
    }

    /// Publishes over the network: first the outcome, then the review of a changed policy, which may take longer.
    async fn publish_remote(
        &self,
        sending: impl Future<Output = ()>,
        reviewed: Option<&Inputs>,
        until: Instant,
    ) {
        sending.await;
        if let Some(inputs) = reviewed {
            let budget = Budget::until(until - REVOKE_TIME);
            if let Some(policy) = inputs.policy() {
                review::run(self.reporter, policy, (self.clock)(), budget).await;
            }
        }
        self.reporter.revoke(Budget::until(until)).await;
    }
}

/// Masks all secrets. Call it before anything else prints.
fn mask_secrets(variables: &Variables) {
    let inputs = ["token", "app-private-key", "audit-webhook-secret"];
    let tokens = ["ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_RUNTIME_TOKEN"];
    let inputs = inputs
        .iter()
        .filter_map(|name| variables.secret_input(name));
    let tokens = tokens.iter().filter_map(|name| variables.secret(name));
    // The webhook's input can contain several secrets in one line.
    let webhook = variables.input("audit-webhook-secret").unwrap_or_default();
    let webhook = webhook
        .split_whitespace()
        .filter(|secret| *secret != webhook && secret.starts_with(SECRET_PREFIX))
        .map(SecretString::from);
    for secret in inputs.chain(tokens).chain(webhook) {
        Log.mask(&secret);
    }
}

/// Reports an internal error in the outputs, the log and the audit record, for the panic hook.
pub fn write_internal_error(variables: &Variables, clock: fn() -> Timestamp, cause: &str) {
    let message = "repo-permissions failed because of a bug, so nothing is granted";
    write_internal_outputs(variables, message);
    // A panic's text can contain anything. As a log line, it cannot be a command.
    Log.line(cause);
    let failure = Failure::new(Reason::Internal, message);
    let outcome = Outcome::failed(&failure, None, None, Detail::None);
    Log.annotate("error", "repo-permissions", &with_link(&outcome));
    if variables.get("GITHUB_ACTIONS").is_some() {
        audit::write_failure(variables, &outcome, clock());
    }
}

/// Writes only the outputs of an internal error, for a log that blocks.
pub fn write_internal_outputs(variables: &Variables, message: &str) {
    let outputs = [
        ("decision", "error"),
        ("allowed", "false"),
        ("reason", Reason::Internal.code()),
        ("message", message),
    ];
    if let Some(path) = variables.get("GITHUB_OUTPUT") {
        // Remove the outputs of a decision that was not published everywhere, whose `result` could be `allowed`.
        clear_outputs(path);
        _ = write_outputs(path, outputs).inspect_err(|_| clear_outputs(path));
    }
}

/// Variables that only a step of a job has. An earlier step can change some of them.
const OF_A_JOB: [&str; 5] = [
    "GITHUB_ACTIONS",
    "GITHUB_OUTPUT",
    "GITHUB_WORKFLOW_REF",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "INPUT_PERMISSION",
];

/// Whether the program runs in a step of a job. Elsewhere nobody expects an action.
pub fn is_in_job(variables: &Variables) -> bool {
    OF_A_JOB.iter().any(|name| variables.get(name).is_some())
}

/// Returns the time limit of the whole run, from the input `timeout`.
pub fn time_limit(variables: &Variables) -> Duration {
    timeout(variables.input("timeout"), &mut Problems::default())
}
