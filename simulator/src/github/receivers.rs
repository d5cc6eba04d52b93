//! What takes copies of audit records: a webhook, and an OpenTelemetry collector.

use serde_json::json;

use super::http::{Answer, Request};

/// A webhook that asks for nothing. Whether the request is right is the test's business.
pub(crate) fn webhook() -> Answer {
    Answer::empty(204)
}

/// A collector's `/v1/logs`, as far as it looks at encodings: JSON only, and an answer in JSON.
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
