//! Evaluates expressions in a run.

use super::choices::Choices;
use super::expression::{Expression, Part};
use super::value::{Unknown, Value};

/// What expressions can name at a place of a workflow.
pub trait Scope {
    /// `github`, `inputs`, … or an error, which GitHub reports before anything runs.
    fn context(&self, name: &str, choices: &mut Choices) -> Result<Value, String>;

    /// `success()`, `failure()`, `always()`, `cancelled()`.
    fn status(&self, function: &str, choices: &mut Choices) -> Result<bool, String>;
}

/// The value of a text: of its expression if it is one, else a text.
pub fn template(parts: &[Part], scope: &dyn Scope, choices: &mut Choices) -> Result<Value, String> {
    if let [Part::Expression(expression)] = parts {
        return evaluate(expression, scope, choices);
    }
    let mut values = Vec::new();
    for part in parts {
        values.push(match part {
            Part::Plain(text) => Value::text(text),
            Part::Expression(expression) => evaluate(expression, scope, choices)?,
        });
    }
    Ok(joined(&values, "", choices))
}

/// Evaluates an expression.
pub fn evaluate(
    expression: &Expression,
    scope: &dyn Scope,
    choices: &mut Choices,
) -> Result<Value, String> {
    let mut value = |expression: &Expression| evaluate(expression, scope, choices);
    Ok(match expression {
        Expression::Null => Value::Null,
        Expression::Bool(value) => Value::Bool(*value),
        Expression::Number(number) => Value::Number(*number),
        Expression::Text(text) => Value::text(text),
        Expression::Context(name) => scope.context(name, choices)?,
        Expression::Member(of, name) => value(of)?.member(name, choices),
        Expression::Item(of, index) => {
            let (of, index) = (value(of)?, value(index)?);
            of.item(&index, choices)
        }
        Expression::All(of) => value(of)?.all(choices),
        Expression::Not(of) => Value::Bool(!value(of)?.is_truthy(choices)),
        Expression::Binary(sign, left, right) => binary(sign, left, right, scope, choices)?,
        Expression::Call(name, arguments) => call(name, arguments, scope, choices)?,
    })
}

fn binary(
    sign: &str,
    left: &Expression,
    right: &Expression,
    scope: &dyn Scope,
    choices: &mut Choices,
) -> Result<Value, String> {
    let a = evaluate(left, scope, choices)?.bound(choices);
    match sign {
        "||" | "&&" if a.is_truthy(choices) == (sign == "||") => return Ok(a.bound(choices)),
        "||" | "&&" => return evaluate(right, scope, choices),
        _ => {}
    }
    let b = evaluate(right, scope, choices)?.bound(choices);
    let less = |a: &Value, b: &Value, choices: &mut Choices| {
        let question = format!("{}<{}", a.name(), b.name());
        let known = a.is_less(b, choices);
        known.unwrap_or_else(|| choices.decide(&question))
    };
    Ok(Value::Bool(match sign {
        "==" => a.equals(&b, choices),
        "!=" => !a.equals(&b, choices),
        "<" => less(&a, &b, choices),
        ">" => less(&b, &a, choices),
        "<=" => a.equals(&b, choices) || less(&a, &b, choices),
        _ => a.equals(&b, choices) || less(&b, &a, choices),
    }))
}

fn call(
    name: &str,
    arguments: &[Expression],
    scope: &dyn Scope,
    choices: &mut Choices,
) -> Result<Value, String> {
    match name {
        "success" | "failure" | "always" | "cancelled" => {
            return Ok(Value::Bool(scope.status(name, choices)?));
        }
        "case" => return case(arguments, scope, choices),
        _ => {}
    }
    let mut values = Vec::new();
    for argument in arguments {
        values.push(evaluate(argument, scope, choices)?.bound(choices));
    }
    match (name, &*values) {
        ("contains", [all, one]) => Ok(Value::Bool(contains(all, one, choices))),
        ("startswith" | "endswith", [whole, part]) => {
            Ok(Value::Bool(has_end(name, whole, part, choices)))
        }
        ("format", [Value::Text(text), values @ ..]) => format(text, values, choices),
        ("format", [other, ..]) => Ok(Value::some_text(format!("format({})", other.name()))),
        ("join", [list]) => Ok(join(list, ",", choices)),
        ("join", [list, separator]) => match separator.to_text(choices) {
            Value::Text(separator) => Ok(join(list, &separator, choices)),
            other => Ok(Value::some_text(format!(
                "join({},{})",
                list.name(),
                other.name()
            ))),
        },
        ("tojson", [value]) => Ok(Value::full_text(format!("toJSON({})", value.name()))),
        ("fromjson", [value]) => from_json(value, choices),
        ("hashfiles", [_, ..]) => Ok(Value::some_text("hashFiles()")),
        _ => Err(format!(
            "there is no function `{name}` with {} arguments",
            values.len()
        )),
    }
}

/// `case(predicate, value, …, default)`.
fn case(
    arguments: &[Expression],
    scope: &dyn Scope,
    choices: &mut Choices,
) -> Result<Value, String> {
    let (pairs, [default]) = arguments.as_chunks::<2>() else {
        return Err("`case` needs a default".to_owned());
    };
    for [predicate, value] in pairs {
        if evaluate(predicate, scope, choices)?.is_truthy(choices) {
            return evaluate(value, scope, choices);
        }
    }
    evaluate(default, scope, choices)
}

fn contains(all: &Value, one: &Value, choices: &mut Choices) -> bool {
    match all {
        Value::List(items) => items.iter().any(|item| item.equals(one, choices)),
        Value::Object(_) | Value::Open(..) => false,
        Value::Unknown(unknown) if !unknown.is_text => {
            choices.decide(&format!("contains({},{})", all.name(), one.name()))
        }
        text => match (text.to_text(choices), one.to_text(choices)) {
            (Value::Text(text), Value::Text(one)) => {
                text.to_uppercase().contains(&one.to_uppercase())
            }
            (text, one) => choices.decide(&format!("contains({},{})", text.name(), one.name())),
        },
    }
}

fn has_end(function: &str, whole: &Value, part: &Value, choices: &mut Choices) -> bool {
    match (whole.to_text(choices), part.to_text(choices)) {
        (Value::Text(whole), Value::Text(part)) => {
            let (whole, part) = (whole.to_uppercase(), part.to_uppercase());
            match function {
                "startswith" => whole.starts_with(&part),
                _ => whole.ends_with(&part),
            }
        }
        (whole, part) => choices.decide(&format!("{function}({},{})", whole.name(), part.name())),
    }
}

fn join(list: &Value, separator: &str, choices: &mut Choices) -> Value {
    match list {
        Value::List(items) => joined(items, separator, choices),
        Value::Unknown(unknown) if !unknown.is_text => {
            Value::some_text(format!("join({})", unknown.name))
        }
        other => other.to_text(choices),
    }
}

/// Texts one after the other; an unknown one makes the whole unknown.
fn joined(values: &[Value], separator: &str, choices: &mut Choices) -> Value {
    let (mut text, mut name) = (String::new(), String::new());
    let (mut is_known, mut is_truthy) = (true, false);
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            text.push_str(separator);
            name.push_str(separator);
        }
        match value.to_text(choices) {
            Value::Text(known) => {
                text.push_str(&known);
                name.push_str(&known);
            }
            unknown => {
                is_known = false;
                is_truthy |= matches!(&unknown, Value::Unknown(unknown) if unknown.is_truthy);
                name.push_str(&format!("${{{{ {} }}}}", unknown.name()));
            }
        }
    }
    match is_known {
        true => Value::Text(text),
        false => Value::Unknown(Unknown {
            name,
            is_text: true,
            is_truthy: is_truthy || !text.is_empty(),
        }),
    }
}

/// `format('{0} of {1}', …)`.
fn format(text: &str, values: &[Value], choices: &mut Choices) -> Result<Value, String> {
    let wrong = || format!("`{text}` is not a format");
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        pieces.push(Value::text(&rest[..at]));
        let (sign, after) = rest[at..].split_at(1);
        if after.starts_with(sign) {
            pieces.push(Value::text(sign));
            rest = &after[1..];
            continue;
        }
        let (index, after) = after.split_once('}').ok_or_else(wrong)?;
        let index: usize = index.trim().parse().map_err(|_| wrong())?;
        pieces.push(values.get(index).ok_or_else(wrong)?.clone());
        rest = after;
    }
    pieces.push(Value::text(rest));
    Ok(joined(&pieces, "", choices))
}

fn from_json(value: &Value, choices: &mut Choices) -> Result<Value, String> {
    match value.to_text(choices) {
        Value::Text(text) => {
            let json: serde_json::Value = serde_json::from_str(&text)
                .map_err(|error| format!("`{text}` is not JSON: {error}"))?;
            Ok(of_json(json))
        }
        unknown => Ok(Value::unknown(format!("fromJSON({})", unknown.name()))),
    }
}

fn of_json(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(value),
        serde_json::Value::Number(number) => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
        serde_json::Value::String(text) => Value::Text(text),
        serde_json::Value::Array(items) => Value::List(items.into_iter().map(of_json).collect()),
        serde_json::Value::Object(members) => {
            let members = members.into_iter();
            Value::object(
                members
                    .map(|(name, value)| (name, of_json(value)))
                    .collect(),
            )
        }
    }
}
