//! Audit records of all checks, whether allowed, denied or failed, and their formats for receivers.

mod evaluate;
pub mod otlp;
mod recorded;

pub use evaluate::{Evaluated, Evaluator};
pub use recorded::{InvalidRecord, Recorded, RecordedPolicy, RecordedRule};

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::report::text::json_line;
use crate::report::{Outcome, PolicyRecord};
use engine::context::Context;
use engine::decision::{Decision, Nearest, PermissionDecision, Reason, RuleRef};
use engine::policy::quoted;

/// Version of `data`. It rises when a field changes its meaning or disappears.
pub const SCHEMA_VERSION: u32 = 1;

/// Size of most records in bytes.
const USUAL_SIZE: usize = 4 << 10;

/// What a decision stops, if it is not an allowed one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EnforcedBy {
    /// The step of a job: its author can remove it.
    #[default]
    Step,
    /// A request to an API behind the server.
    Request,
    /// The jobs of a run that wait for an environment.
    Deployment,
}

/// Contents of a record besides the outcome.
#[derive(Clone, Debug, Default)]
pub struct Circumstances {
    /// `https://github.com/OWNER/REPO`, with the server's URL.
    pub source: String,
    /// Time of the decision, RFC 3339.
    pub time: String,
    /// Random id of this run of the program, the base of the records' ids.
    pub id: String,
    /// Requested permissions, for an outcome without decisions.
    pub asked: Vec<String>,
    /// `GITHUB_RUN_ID`, `GITHUB_RUN_ATTEMPT` and `GITHUB_SHA`, for an outcome without a token.
    pub run: [String; 3],
    /// Whether the mode is advisory.
    pub advisory: bool,
    /// What the decision stops.
    pub enforced_by: EnforcedBy,
    /// The policy's `workspace:`.
    pub workspace: Option<String>,
    /// `jti` and SHA-256 of the token, never the token itself.
    pub token: Option<TokenRecord>,
    /// What the permission is for, if a request to the server says so.
    pub resource: Option<Value>,
    /// Milliseconds from the start of the program to the decision.
    pub duration_ms: u64,
}

/// Identifies a token in records, without the token itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TokenRecord {
    /// Its `jti`.
    pub jti: Option<String>,
    /// SHA-256 of its text in hexadecimal.
    pub sha256: String,
}

/// A record: a CloudEvent 1.0.
///
/// Source: the CloudEvents specification 1.0.2, JSON event format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    id: String,
    line: String,
}

impl Record {
    /// Returns its id, which is the same for all receivers and attempts.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns its JSON in one line, without characters that affect a log.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// Returns the same line.
    pub fn into_line(self) -> String {
        self.line
    }
}

/// Members of a record, in the order of their names, in which every version wrote them.
#[derive(Serialize)]
struct Event<'e> {
    data: Data<'e>,
    datacontenttype: &'static str,
    id: &'e str,
    source: &'e str,
    specversion: &'static str,
    /// CloudEvents does not allow an empty subject.
    #[serde(skip_serializing_if = "str::is_empty")]
    subject: &'e str,
    time: &'e str,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Serialize)]
struct Data<'e> {
    actor: Option<&'e String>,
    check_run_id: Option<&'e String>,
    claims: Option<&'e BTreeMap<String, String>>,
    context: Option<&'e Context>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_by: Option<&'e str>,
    decision: Decision,
    duration_ms: u64,
    enforced: bool,
    enforced_by: EnforcedBy,
    message: Cow<'e, str>,
    nearest: Option<&'e Nearest>,
    own_policy: Option<&'e PolicyRecord>,
    policy: Option<&'e PolicyRecord>,
    reason: Reason,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'e Value>,
    rule: Option<&'e RuleRef>,
    run_attempt: &'e str,
    run_id: &'e str,
    schema_version: u32,
    sha: &'e str,
    status: u16,
    token: Option<&'e TokenRecord>,
    tool: Tool,
    workspace: Option<&'e str>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

/// Creates the records of a check, one per permission.
pub fn records(outcome: &Outcome<'_>, circumstances: &Circumstances) -> Vec<Record> {
    let decided = outcome
        .permissions
        .iter()
        .map(|one| (&*one.permission, Some(one)));
    let failed = circumstances
        .asked
        .iter()
        .map(|asked| (asked.as_str(), None));
    let mut subjects: Vec<_> = match outcome.permissions.as_slice() {
        [] => failed.collect(),
        _ => decided.collect(),
    };
    if subjects.is_empty() {
        // A check without a valid permission also has a record.
        subjects.push(("", None));
    }
    subjects
        .into_iter()
        .enumerate()
        .map(|(number, (subject, permission))| {
            record(outcome, circumstances, number, subject, permission)
        })
        .collect()
}

fn record(
    outcome: &Outcome<'_>,
    circumstances: &Circumstances,
    number: usize,
    subject: &str,
    permission: Option<&PermissionDecision>,
) -> Record {
    let decision = permission.map_or(outcome.decision, |permission| permission.decision);
    // The message of a check describes the denied permissions, so an allowed one needs its own.
    let message = match decision {
        Decision::Allowed if outcome.decision != Decision::Allowed => {
            Cow::Owned(outcome.attributed(format!("{} is allowed", quoted(subject))))
        }
        _ => Cow::Borrowed(&*outcome.message),
    };
    let id = format!("{}-{number}", circumstances.id);
    let event = Event {
        specversion: "1.0",
        id: &id,
        source: &circumstances.source,
        kind: format!("dev.repo-permissions.check.{}", decision.as_str()),
        subject,
        time: &circumstances.time,
        datacontenttype: "application/json",
        data: data(outcome, circumstances, permission, decision, message),
    };
    let mut json = Vec::with_capacity(USUAL_SIZE);
    // Serializing strings and numbers cannot fail.
    _ = serde_json::to_writer(&mut json, &event);
    let line = json_line(String::from_utf8(json).unwrap_or_default());
    Record { id, line }
}

fn data<'e>(
    outcome: &'e Outcome<'_>,
    circumstances: &'e Circumstances,
    permission: Option<&'e PermissionDecision>,
    decision: Decision,
    message: Cow<'e, str>,
) -> Data<'e> {
    let reason = permission.map_or(outcome.reason, |permission| permission.reason);
    let context = outcome.context;
    let of_context = |value: fn(&Context) -> Option<&String>| context.and_then(value);
    let [run_id, run_attempt, sha] = &circumstances.run;
    Data {
        schema_version: SCHEMA_VERSION,
        decision,
        reason,
        status: reason.status(),
        enforced: !(circumstances.advisory && decision == Decision::Denied),
        enforced_by: circumstances.enforced_by,
        message,
        rule: permission.and_then(|permission| permission.rule.as_ref()),
        nearest: permission.and_then(|permission| permission.nearest.as_ref()),
        context,
        claims: context.map(|context| &context.claims),
        actor: of_context(|context| context.actor.as_ref()),
        run_id: of_context(|context| context.run_id.as_ref()).unwrap_or(run_id),
        run_attempt: of_context(|context| context.run_attempt.as_ref()).unwrap_or(run_attempt),
        check_run_id: of_context(|context| context.check_run_id.as_ref()),
        sha: of_context(|context| context.sha.as_ref()).unwrap_or(sha),
        workspace: circumstances.workspace.as_deref(),
        policy: outcome.policy.as_ref(),
        own_policy: outcome.own_policy.as_ref(),
        token: circumstances.token.as_ref(),
        decided_by: outcome.decided_by.as_deref(),
        resource: circumstances.resource.as_ref(),
        tool: Tool {
            name: crate::PROGRAM,
            version: env!("CARGO_PKG_VERSION"),
        },
        duration_ms: circumstances.duration_ms,
    }
}
