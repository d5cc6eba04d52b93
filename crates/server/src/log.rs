//! Log of the server's own events: one JSON object a line on standard error. Standard output belongs to the audit
//! records.

use std::io::Write as _;

use analysis::report::text::visible;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Writes an event with its values. `level` is `info`, `warning` or `error`.
fn write(level: &str, event: &str, values: &[(&str, &dyn std::fmt::Display)]) {
    let mut line = json!({"time": Timestamp::now().to_string(), "level": level, "event": event});
    if let Some(line) = line.as_object_mut() {
        for (name, value) in values {
            let value = visible(&value.to_string()).into_owned();
            line.insert((*name).to_owned(), Value::String(value));
        }
    }
    // Where the log is closed, nothing can report it.
    _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Logs an event.
pub(crate) fn info(event: &str, values: &[(&str, &dyn std::fmt::Display)]) {
    write("info", event, values);
}

/// Logs an event that an operator should look at.
pub(crate) fn warning(event: &str, values: &[(&str, &dyn std::fmt::Display)]) {
    write("warning", event, values);
}

/// Logs an event because of which the server denies what it should allow.
pub(crate) fn error(event: &str, values: &[(&str, &dyn std::fmt::Display)]) {
    write("error", event, values);
}
