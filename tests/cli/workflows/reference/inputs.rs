//! Inputs: of `workflow_dispatch`, and of a call.

use super::choices::Choices;
use super::evaluate::{Scope, template};
use super::expression::parts;
use super::value::Value;
use super::yaml::Node;

/// `inputs` of a run that somebody dispatches. The API can leave an input out.
pub fn of_dispatch(trigger: &Node) -> Value {
    let members = declared(trigger).iter();
    let members = members.map(|(name, input)| {
        let question = format!("input {}", name.to_lowercase());
        (
            name.clone(),
            Value::OneOf(question, dispatched(name, input)),
        )
    });
    Value::object(members.collect())
}

/// `github.event.inputs` of the same run: the same values as texts.
pub fn of_event(trigger: &Node) -> Value {
    let members = declared(trigger).iter();
    let members = members.map(|(name, input)| {
        let question = format!("input {}", name.to_lowercase());
        let values = dispatched(name, input).into_iter();
        let texts = values.map(|value| match value {
            Value::Bool(value) => Value::text(value.to_string()),
            Value::Number(number) => Value::text(number.to_string()),
            other => other,
        });
        (name.clone(), Value::OneOf(question, texts.collect()))
    });
    Value::object(members.collect())
}

fn declared(trigger: &Node) -> &[(String, Node)] {
    trigger.get("inputs").map(Node::members).unwrap_or_default()
}

fn is_true(input: &Node, key: &str) -> bool {
    input.get(key).and_then(Node::text) == Some("true")
}

/// The values that a dispatched input can have.
fn dispatched(name: &str, input: &Node) -> Vec<Value> {
    let name = format!("inputs.{}", name.to_lowercase());
    let default = input.get("default").filter(|node| !node.is_null());
    let default = default.and_then(Node::text);
    let is_optional = !is_true(input, "required");
    let mut values = Vec::new();
    match input.get("type").and_then(Node::text) {
        Some("boolean") => return vec![Value::Bool(true), Value::Bool(false)],
        Some("choice") => {
            let options = input.get("options").map(Node::texts).unwrap_or_default();
            values.extend(options.into_iter().map(Value::Text));
            if default.is_none() && is_optional {
                values.push(Value::text(""));
            }
        }
        Some("number") => {
            values.extend(
                default
                    .and_then(|text| text.parse().ok())
                    .map(Value::Number),
            );
            values.push(Value::unknown(&name));
        }
        Some("environment") => {
            values.extend(default.map(Value::text));
            values.push(Value::full_text(&name));
            if default.is_none() && is_optional {
                values.push(Value::text(""));
            }
        }
        _ => {
            values.extend(default.map(Value::text));
            values.push(Value::full_text(&name));
            if is_optional {
                values.push(Value::text(""));
            }
        }
    }
    if values.is_empty() {
        values.push(Value::text(""));
    }
    values
}

/// `inputs` of a called workflow. `given` are the values of `with:`.
pub fn of_call(
    trigger: &Node,
    given: &[(String, Value)],
    scope: &dyn Scope,
    choices: &mut Choices,
) -> Result<Value, String> {
    let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
    for (name, _) in given {
        if !declared(trigger).iter().any(|(known, _)| same(known, name)) {
            return Err(format!("the called workflow has no input `{name}`"));
        }
    }
    let mut members = Vec::new();
    for (name, input) in declared(trigger) {
        let given = given.iter().find(|(known, _)| same(known, name));
        let kind = input.get("type").and_then(Node::text).unwrap_or("string");
        let default = input.get("default").filter(|node| !node.is_null());
        let value = match (given, default.and_then(Node::text)) {
            (Some((_, value)), _) => value.clone(),
            (None, _) if is_true(input, "required") => {
                return Err(format!("the input `{name}` is not given"));
            }
            (None, Some(default)) => template(&parts(default)?, scope, choices)?,
            (None, None) => Value::text(""),
        };
        members.push((name.clone(), typed(value, kind, choices)));
    }
    Ok(Value::object(members))
}

fn typed(value: Value, kind: &str, choices: &mut Choices) -> Value {
    match (kind, value.bound(choices)) {
        (_, unknown @ Value::Unknown(_)) => unknown,
        ("boolean", Value::Text(text)) => Value::Bool(text.eq_ignore_ascii_case("true")),
        ("boolean", Value::Null) => Value::Bool(false),
        ("number", Value::Text(text)) => Value::Number(text.parse().unwrap_or(0.0)),
        ("number", Value::Null) => Value::Number(0.0),
        ("boolean" | "number", other) => other,
        (_, other) => other.to_text(choices),
    }
}
