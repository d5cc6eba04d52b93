//! Receivers of audit records, a webhook and an OpenTelemetry collector, and the front of a permission server.

use serde_json::json;

use super::http::{Answer, Request};
use crate::gateway::Message;

/// Responds to a webhook without checks. Tests check the request.
pub(crate) fn webhook() -> Answer {
    Answer::empty(204)
}

/// Responds to a collector's `/v1/logs`, which accepts and returns JSON only.
pub(crate) fn logs(request: &Request) -> Answer {
    let status = |code: u16, message: &str| Answer::json(code, &json!({"message": message}));
    if request.header("content-type") != Some("application/json") {
        return status(415, "unsupported content type");
    }
    match request.json() {
        Some(body) if body.pointer("/resourceLogs/0").is_some() => {
            Answer::json(200, &json!({"partialSuccess": {}}))
        }
        _ => status(400, "not an ExportLogsServiceRequest"),
    }
}

/// What answers questions to a permission server.
#[derive(Debug, Clone)]
pub(crate) enum Authority {
    /// The server at `HOST:PORT`.
    Server(String),
    /// Nothing: each question has this answer.
    Fixed(Answer),
}

/// Answers a question to a permission server, as a proxy with TLS in front of it does.
pub(crate) fn evaluations(
    authority: Option<&Authority>,
    request: &Request,
) -> Result<Answer, Answer> {
    let address = match authority {
        Some(Authority::Server(address)) => address,
        Some(Authority::Fixed(answer)) => return Ok(answer.clone()),
        None => return Err(Answer::error(502, "there is no server")),
    };
    let start = format!("{} {} HTTP/1.1", request.method, request.path);
    let mut question = Message::new(&start).with("host", address);
    if let Some(kind) = request.header("content-type") {
        question = question.with("content-type", kind);
    }
    question.body = String::from_utf8_lossy(&request.body).into_owned();
    let answer = question.exchange(address);
    let answer = answer.map_err(|error| Answer::error(502, &error.to_string()))?;
    let kind = answer.header("content-type").unwrap_or_default();
    Ok(Answer::new(answer.status(), kind, answer.body.as_str()))
}
