//! Receivers of audit records: a webhook and an OpenTelemetry collector.

use serde_json::json;

use super::http::{Answer, Request};

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
