//! Explains answers in JSON, as far as the configuration allows.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::check::{Checked, Explained, permission_key};
use analysis::report::{Detail, Outcome};

/// Maximum size of the traces of a response. What does not fit is left out: a permission can have thousands of rules.
const MAX_TRACES: usize = 256 << 10;

/// The room that is left for traces in a response.
pub(super) struct Room(usize);

impl Default for Room {
    fn default() -> Self {
        Self(MAX_TRACES)
    }
}

/// Returns the answer to an evaluation. It names the permission, so that a reader notices answers in another order.
pub(super) fn answered(action: &str, checked: &Checked, detail: Detail, room: &mut Room) -> Value {
    let mut context = match &checked.explained {
        Some(explained) => of_decision(explained, detail, room),
        None => Map::new(),
    };
    let message = match &checked.answer {
        // The message is that of a proxy's request.
        Answer::NoToken => "the subject is not a job: send its OIDC token as \
             `{\"type\": \"github_actions_job\", \"id\": TOKEN}`"
            .into(),
        answer => answer.message(),
    };
    if permission_key(action).is_some() {
        context.insert("permission".to_owned(), action.into());
    }
    if let Some(reason) = checked.answer.reason() {
        context.insert("reason".to_owned(), json!(reason));
        context.insert("status".to_owned(), json!(checked.answer.status().as_u16()));
    }
    context
        .entry("message")
        .or_insert_with(|| (*message).into());
    if checked.answer.is_unavailable() {
        let status = StatusCode::SERVICE_UNAVAILABLE.as_u16();
        let error = json!({"status": status, "message": message});
        context.insert("error".to_owned(), error);
    }
    let is_granted = matches!(checked.answer, Answer::Granted { .. });
    json!({"decision": is_granted, "context": context})
}

/// Returns the answer to an evaluation that cannot be read.
pub(super) fn failed(status: StatusCode, why: &str) -> Value {
    let error = json!({"status": status.as_u16(), "message": why});
    json!({"decision": false, "context": {"error": error, "message": why}})
}

fn of_decision(explained: &Explained, detail: Detail, room: &mut Room) -> Map<String, Value> {
    let Explained {
        decision,
        context,
        policy,
        note,
    } = explained;
    let (context, policy) = (context.as_context(), &policy.record);
    let decisions = vec![decision.clone()];
    let outcome = Outcome::decided(decisions, context, policy.clone(), detail).redacted(detail);
    let mut explanation = Map::new();
    let mut add = |name: &str, value: Value| {
        explanation.insert(name.to_owned(), value);
    };
    if detail == Detail::None {
        add("message", outcome.message.clone().into());
        return explanation;
    }
    add("message", format!("{}{note}", outcome.message).into());
    add("job", json!(context));
    let Some(decision) = outcome.permissions.first() else {
        return explanation;
    };
    add("rule", json!(decision.rule));
    if decision.delegated {
        add("delegated", true.into());
    }
    // The path of a file says something about this machine.
    if detail == Detail::Full || policy.repository.is_some() {
        add("policy", json!(policy));
    }
    if detail == Detail::Full {
        add("nearest", json!(decision.nearest));
        // A rule takes more than a hundred bytes. Serializing strings and numbers cannot fail.
        let size = match decision.trace.len() > room.0 / 100 {
            true => usize::MAX,
            false => serde_json::to_string(&decision.trace).map_or(0, |trace| trace.len()),
        };
        if let Some(left) = room.0.checked_sub(size) {
            room.0 = left;
            add("trace", json!(decision.trace));
        }
    }
    explanation
}
