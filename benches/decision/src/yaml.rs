//! Data of Rego as YAML in block style, as one writes it by hand.

use std::fmt::Write as _;

use serde_json::Value;

pub fn written(value: &Value) -> String {
    let mut text = String::new();
    value_at(&mut text, value, 0);
    text
}

fn value_at(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(members) => {
            for (number, (key, value)) in members.iter().enumerate() {
                if number > 0 {
                    _ = write!(text, "{:indent$}", "");
                }
                _ = write!(text, "{key}:");
                nested(text, value, indent);
            }
        }
        Value::Array(elements) => {
            for (number, value) in elements.iter().enumerate() {
                if number > 0 {
                    _ = write!(text, "{:indent$}", "");
                }
                text.push_str("- ");
                match value {
                    Value::Object(_) | Value::Array(_) => value_at(text, value, indent + 2),
                    scalar => _ = writeln!(text, "{scalar}"),
                }
            }
        }
        scalar => _ = writeln!(text, "{scalar}"),
    }
}

fn nested(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(_) | Value::Array(_) => {
            _ = write!(text, "\n{:1$}", "", indent + 2);
            value_at(text, value, indent + 2);
        }
        scalar => _ = writeln!(text, " {scalar}"),
    }
}
