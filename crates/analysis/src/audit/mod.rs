//! Audit records: one for every check, allowed, denied and error alike; and the forms in which they
//! are sent.

mod evaluate;
pub mod otlp;
mod recorded;

pub use evaluate::{Evaluated, Evaluator};
pub use recorded::{InvalidRecord, Recorded, RecordedPolicy, RecordedRule};

use serde::Serialize;
use serde_json::{Value, json};

use crate::report::Outcome;
use crate::report::text::json_line;
use engine::context::Context;
use engine::decision::{Decision, PermissionDecision};
use engine::policy::quoted;

/// The version of `data`; it rises when a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// What a record says besides the outcome.
#[derive(Clone, Debug, Default)]
pub struct Circumstances {
    /// `https://github.com/OWNER/REPO`, after the server's URL.
    pub source: String,
    /// The time of the decision, RFC 3339.
    pub time: String,
    /// A random id for this run of the program; a record's id is made of it.
    pub id: String,
    /// The permissions that were asked for, where none was decided on.
    pub asked: Vec<String>,
    /// `GITHUB_RUN_ID`, `GITHUB_RUN_ATTEMPT` and `GITHUB_SHA`, where no token says them.
    pub run: [String; 3],
    /// Advisory mode.
    pub advisory: bool,
    /// The policy's `workspace:`.
    pub workspace: Option<String>,
    /// The token's `jti` and the SHA-256 of the token; never the token.
    pub token: Option<TokenRecord>,
    /// From the start of the program to the decision, in milliseconds.
    pub duration_ms: u64,
}

/// What is kept of a token: enough to find it again, nothing to use it with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TokenRecord {
    /// Its `jti`.
    pub jti: Option<String>,
    /// The SHA-256 of its text, in hexadecimal.
    pub sha256: String,
}

/// A record: a CloudEvent 1.0.
///
/// Source: the CloudEvents specification 1.0.2, JSON event format.
#[derive(Clone, Debug, PartialEq)]
pub struct Record(Value);

impl Record {
    /// Its id: the same in every place and however often it is sent.
    pub fn id(&self) -> &str {
        self.0.get("id").and_then(Value::as_str).unwrap_or_default()
    }

    /// Its JSON in one line, with nothing in it that a log would act on.
    pub fn line(&self) -> String {
        json_line(&self.0.to_string())
    }
}

/// The records of a check, one a permission.
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
        // Nothing valid was asked for; that is a check too.
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
    let reason = permission.map_or(outcome.reason, |permission| permission.reason);
    let context = outcome.context;
    let of_context = |value: fn(&Context) -> Option<&String>| context.and_then(value);
    let [run_id, run_attempt, sha] = &circumstances.run;
    // The sentence of a check tells of what was not granted; an event of a permission that was has its own.
    let message = match decision {
        Decision::Allowed if outcome.decision != Decision::Allowed => {
            format!("{} is allowed", quoted(subject))
        }
        _ => outcome.message.clone(),
    };
    let mut event = json!({
        "specversion": "1.0",
        "id": format!("{}-{number}", circumstances.id),
        "source": circumstances.source,
        "type": format!("dev.repo-permissions.check.{}", decision.as_str()),
        "time": circumstances.time,
        "datacontenttype": "application/json",
        "data": {
            "schema_version": SCHEMA_VERSION,
            "decision": decision,
            "reason": reason,
            "status": reason.status(),
            "enforced": !(circumstances.advisory && decision == Decision::Denied),
            "message": message,
            "rule": permission.and_then(|permission| permission.rule.as_ref()),
            "nearest": permission.and_then(|permission| permission.nearest.as_ref()),
            "context": context,
            "claims": context.map(|context| &context.claims),
            "actor": of_context(|context| context.actor.as_ref()),
            "run_id": of_context(|context| context.run_id.as_ref()).unwrap_or(run_id),
            "run_attempt": of_context(|context| context.run_attempt.as_ref()).unwrap_or(run_attempt),
            "check_run_id": of_context(|context| context.check_run_id.as_ref()),
            "sha": of_context(|context| context.sha.as_ref()).unwrap_or(sha),
            "workspace": circumstances.workspace,
            "policy": outcome.policy,
            "own_policy": outcome.own_policy,
            "token": circumstances.token,
            "tool": {"name": crate::PROGRAM, "version": env!("CARGO_PKG_VERSION")},
            "duration_ms": circumstances.duration_ms,
        },
    });
    // CloudEvents has no empty subject.
    if let (Some(event), false) = (event.as_object_mut(), subject.is_empty()) {
        event.insert("subject".to_owned(), subject.into());
    }
    Record(event)
}
