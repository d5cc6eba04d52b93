//! Audit records as OpenTelemetry logs, in one OTLP/HTTP request with JSON encoding.
//!
//! Source: the OTLP specification 1.x; names of attributes from the OpenTelemetry semantic conventions.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Record;
use crate::report::text::truncate;

/// Name of the event for all decisions.
const EVENT_NAME: &str = "repo_permissions.check";
/// Maximum length of a response's message in characters.
const MAX_MESSAGE: usize = 200;

/// Position of the step in a trace.
///
/// Source: W3C Trace Context. OpenTelemetry passes it to processes in the variable `TRACEPARENT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: String,
    span_id: String,
    flags: u8,
}

impl TraceContext {
    /// Parses a `traceparent`, or returns `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let mut digits = |length: usize| {
            let part = parts.next()?;
            let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
            (part.len() == length && part.chars().all(is_hex)).then_some(part)
        };
        let (version, trace_id, span_id) = (digits(2)?, digits(32)?, digits(16)?);
        let flags = u8::from_str_radix(digits(2)?, 16).ok()?;
        let is_zero = |id: &str| id.chars().all(|c| c == '0');
        let more = parts.next().is_some();
        let valid = version != "ff" && !(version == "00" && more);
        (valid && !is_zero(trace_id) && !is_zero(span_id)).then(|| Self {
            trace_id: trace_id.to_owned(),
            span_id: span_id.to_owned(),
            flags,
        })
    }
}

/// Builds the body of a request, an `ExportLogsServiceRequest`.
pub fn export_request(
    records: &[Record],
    resource: &BTreeMap<String, String>,
    trace: Option<&TraceContext>,
) -> String {
    let resource: Vec<Value> = resource
        .iter()
        .map(|(key, value)| attribute(key, &Value::from(value.as_str())))
        .collect();
    let records: Vec<Value> = records
        .iter()
        .map(|record| log_record(&event(record), trace))
        .collect();
    json!({"resourceLogs": [{
        "resource": {"attributes": resource},
        "scopeLogs": [{
            "scope": {"name": crate::PROGRAM, "version": env!("CARGO_PKG_VERSION")},
            "logRecords": records,
        }],
    }]})
    .to_string()
}

/// Returns the record as JSON. It is one, so parsing it cannot fail.
fn event(record: &Record) -> Value {
    serde_json::from_str(record.line()).unwrap_or_default()
}

fn log_record(event: &Value, trace: Option<&TraceContext>) -> Value {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    let time = text("/time")
        .and_then(|time| time.parse::<Timestamp>().ok())
        .map_or(0, Timestamp::as_nanosecond)
        .to_string();
    let (severity, severity_text) = match text("/data/decision") {
        Some("allowed") => (9, "INFO"),
        Some("denied") => (13, "WARN"),
        _ => (17, "ERROR"),
    };
    let mut attributes = Vec::new();
    for (name, key) in [
        ("id", "cloudevents.event_id"),
        ("source", "cloudevents.event_source"),
        ("specversion", "cloudevents.event_spec_version"),
        ("type", "cloudevents.event_type"),
        ("subject", "cloudevents.event_subject"),
    ] {
        attributes.extend(event.get(name).map(|value| attribute(key, value)));
    }
    if severity == 17 {
        let reason = event.pointer("/data/reason");
        attributes.extend(reason.map(|reason| attribute("error.type", reason)));
    }
    if let Some(data) = event.get("data") {
        flatten("repo_permissions", data, &mut attributes);
    }
    let mut record = json!({
        "timeUnixNano": time,
        "observedTimeUnixNano": time,
        "severityNumber": severity,
        "severityText": severity_text,
        "eventName": EVENT_NAME,
        "body": {"stringValue": text("/data/message").unwrap_or_default()},
        "attributes": attributes,
    });
    if let (Some(trace), Some(record)) = (trace, record.as_object_mut()) {
        record.insert("traceId".to_owned(), trace.trace_id.as_str().into());
        record.insert("spanId".to_owned(), trace.span_id.as_str().into());
        record.insert("flags".to_owned(), trace.flags.into());
    }
    record
}

/// Flattens the members of an object into attributes named by their paths, on which backends filter.
fn flatten(key: &str, value: &Value, attributes: &mut Vec<Value>) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (name, member) in members {
                flatten(&format!("{key}.{name}"), member, attributes);
            }
        }
        value => attributes.push(attribute(key, value)),
    }
}

/// Builds a `KeyValue`.
fn attribute(key: &str, value: &Value) -> Value {
    json!({"key": key, "value": any_value(value)})
}

/// Builds an `AnyValue`. In the JSON encoding, 64-bit numbers are strings.
fn any_value(value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(value) => json!({"boolValue": value}),
        Value::Number(value) => match value.as_i64() {
            Some(value) => json!({"intValue": value.to_string()}),
            None => json!({"doubleValue": value}),
        },
        Value::String(value) => json!({"stringValue": value}),
        Value::Array(values) => {
            let values: Vec<_> = values.iter().map(any_value).collect();
            json!({"arrayValue": {"values": values}})
        }
        Value::Object(members) => {
            let values: Vec<_> = members
                .iter()
                .map(|(key, member)| attribute(key, member))
                .collect();
            json!({"kvlistValue": {"values": values}})
        }
    }
}

/// The `partialSuccess` of a response: the rejected records and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialSuccess {
    /// The records that were not taken; 0 for a mere hint.
    pub rejected: u64,
    /// Message of the response.
    pub message: String,
}

impl PartialSuccess {
    /// Parses an `ExportLogsServiceResponse`. An unreadable one counts as a full success, as its status says.
    pub fn parse(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            partial_success: Map<String, Value>,
        }
        let Answer { partial_success } = serde_json::from_slice(body).ok()?;
        let rejected = match partial_success.get("rejectedLogRecords") {
            Some(Value::String(number)) => number.parse().ok(),
            Some(number) => number.as_u64(),
            None => None,
        };
        let message = partial_success.get("errorMessage").and_then(Value::as_str);
        let partial_success = Self {
            rejected: rejected.unwrap_or_default(),
            message: truncate(message.unwrap_or_default(), MAX_MESSAGE).into_owned(),
        };
        (partial_success.rejected > 0 || !partial_success.message.is_empty())
            .then_some(partial_success)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_as_a_log_record() {
        let event = json!({
            "specversion": "1.0", "id": "f00-1", "source": "https://github.com/acme/infra", "subject": "a:b",
            "type": "dev.repo-permissions.check.error", "time": "2026-11-23T10:00:00.000000001Z",
            "data": {
                "decision": "error", "reason": "token_invalid", "message": "why", "enforced": true, "status": 401,
                "nearest": {"failed": ["branch", null], "line": 3}, "rule": null, "ratio": 0.5,
                "deep": [{"a": 1}],
            },
        });
        let record = Record {
            id: "f00-1".to_owned(),
            line: event.to_string(),
        };
        let trace = TraceContext::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        let resource = BTreeMap::from([("service.name".to_owned(), "gate".to_owned())]);
        let request = export_request(&[record], &resource, trace.as_ref());
        let request: Value = serde_json::from_str(&request).unwrap();
        let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
        let record = json!({
            "timeUnixNano": "1795428000000000001", "observedTimeUnixNano": "1795428000000000001",
            "severityNumber": 17, "severityText": "ERROR", "eventName": "repo_permissions.check",
            "body": {"stringValue": "why"},
            "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "flags": 1,
            "attributes": [
                text("cloudevents.event_id", "f00-1"),
                text("cloudevents.event_source", "https://github.com/acme/infra"),
                text("cloudevents.event_spec_version", "1.0"),
                text("cloudevents.event_type", "dev.repo-permissions.check.error"),
                text("cloudevents.event_subject", "a:b"),
                text("error.type", "token_invalid"),
                text("repo_permissions.decision", "error"),
                {"key": "repo_permissions.deep", "value": {"arrayValue": {"values": [
                    {"kvlistValue": {"values": [{"key": "a", "value": {"intValue": "1"}}]}}
                ]}}},
                {"key": "repo_permissions.enforced", "value": {"boolValue": true}},
                text("repo_permissions.message", "why"),
                {"key": "repo_permissions.nearest.failed", "value": {"arrayValue": {"values": [
                    {"stringValue": "branch"}, {}
                ]}}},
                {"key": "repo_permissions.nearest.line", "value": {"intValue": "3"}},
                {"key": "repo_permissions.ratio", "value": {"doubleValue": 0.5}},
                text("repo_permissions.reason", "token_invalid"),
                {"key": "repo_permissions.status", "value": {"intValue": "401"}},
            ],
        });
        assert_eq!(
            request,
            json!({"resourceLogs": [{
                "resource": {"attributes": [text("service.name", "gate")]},
                "scopeLogs": [{
                    "scope": {"name": "repo-permissions", "version": env!("CARGO_PKG_VERSION")},
                    "logRecords": [record],
                }],
            }]})
        );
    }

    #[test]
    fn trace_contexts() {
        const ID: &str = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";
        assert!(TraceContext::parse(&format!("cc-{ID}-01-what-the-future-brings")).is_some());
        for wrong in [
            String::new(),
            format!("00-{ID}"),
            format!("00-{ID}-01-more"),
            format!("ff-{ID}-01"),
            format!("00-{}-01", ID.to_uppercase()),
            format!("00-{}-01", ID.replace('b', "é")),
            "00-00000000000000000000000000000000-b7ad6b7169203331-01".to_owned(),
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01".to_owned(),
        ] {
            assert_eq!(TraceContext::parse(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn answers() {
        let partial_success = |rejected, message: &str| {
            Some(PartialSuccess {
                rejected,
                message: message.to_owned(),
            })
        };
        for (body, expected) in [
            ("", None),
            ("{}", None),
            (r#"{"partialSuccess": {}}"#, None),
            (r#"{"partialSuccess": {"rejectedLogRecords": "0"}}"#, None),
            (
                r#"{"partialSuccess": {"rejectedLogRecords": "2", "errorMessage": "old"}}"#,
                partial_success(2, "old"),
            ),
            (
                r#"{"partialSuccess": {"rejectedLogRecords": 1}}"#,
                partial_success(1, ""),
            ),
            (
                r#"{"partialSuccess": {"errorMessage": "hint"}}"#,
                partial_success(0, "hint"),
            ),
            (r#"{"partialSuccess": {"rejectedLogRecords": -1}}"#, None),
            (r#"{"partialSuccess": 5}"#, None),
            ("<html>", None),
        ] {
            assert_eq!(PartialSuccess::parse(body.as_bytes()), expected, "{body}");
        }
    }
}
