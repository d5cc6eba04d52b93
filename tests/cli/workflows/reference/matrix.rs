//! `strategy.matrix:` as GitHub expands it.

use super::choices::Choices;
use super::evaluate::{Scope, template};
use super::expression::parts;
use super::value::{Members, Value};
use super::yaml::Node;

/// The combinations, each a value of the context `matrix`.
pub fn combinations(
    strategy: &Node,
    scope: &dyn Scope,
    choices: &mut Choices,
) -> Result<Vec<Value>, String> {
    let unknown = || vec![Value::open("matrix", Vec::new())];
    let matrix = match strategy {
        Node::Scalar(..) => value(strategy, scope, choices)?.member("matrix", choices),
        _ => match strategy.get("matrix") {
            None => return Ok(vec![Value::Null]),
            Some(matrix) => value(matrix, scope, choices)?,
        },
    };
    let Value::Object(members) = matrix.bound(choices) else {
        return Ok(unknown());
    };
    let (lists, vectors): (Members, Members) = members
        .iter()
        .cloned()
        .partition(|(name, _)| matches!(&*name.to_lowercase(), "include" | "exclude"));
    let list = |name: &str| {
        let found = lists.iter().find(|(known, _)| known.to_lowercase() == name);
        found.map(|(_, value)| value.clone())
    };
    let mut all = product(&vectors, choices)?;
    if let Some(Value::List(entries)) = list("exclude") {
        all.retain(|combination| {
            let mut entries = entries.iter();
            !entries.any(|entry| is_part_of(entry, combination, choices))
        });
    }
    Ok(match list("include") {
        None => all.into_iter().map(Value::object).collect(),
        Some(Value::List(entries)) => included(all, &entries, &vectors, choices),
        // Anything can be added to a combination, and be one of its own.
        Some(_) => {
            let open = |members| Value::open("matrix", members);
            let extended = all.iter().cloned().map(open);
            let plain = all.iter().cloned().map(Value::object);
            plain.chain(extended).chain(unknown()).collect()
        }
    })
}

/// Each value of each vector with each of the others.
fn product(vectors: &Members, choices: &mut Choices) -> Result<Vec<Members>, String> {
    let mut all = vec![Members::new()];
    for (name, values) in vectors {
        let values = match values.bound(choices) {
            Value::List(values) if values.is_empty() => return Err(format!("`{name}` is empty")),
            Value::List(values) => values,
            // The vector is known when the run starts, and each value then.
            Value::Unknown(_) | Value::Open(..) => {
                vec![Value::unknown(format!("matrix.{}", name.to_lowercase()))]
            }
            one => vec![one],
        };
        let mut next = Vec::new();
        for start in &all {
            for value in &values {
                let mut combination = start.clone();
                combination.push((name.clone(), value.clone()));
                next.push(combination);
            }
        }
        all = next;
    }
    if vectors.is_empty() {
        all.clear();
    }
    Ok(all)
}

/// Adds the entries of `include`: to each combination whose values they do not change, else as one more.
fn included(
    all: Vec<Members>,
    entries: &[Value],
    vectors: &Members,
    choices: &mut Choices,
) -> Vec<Value> {
    let mut extended = all.clone();
    let mut added = Vec::new();
    for entry in entries {
        let entry = match entry.bound(choices) {
            Value::Object(members) => members,
            other => {
                added.push(Value::open(&format!("matrix {}", other.name()), Vec::new()));
                continue;
            }
        };
        let is_vector = |name: &str| {
            let same = |known: &str| known.to_lowercase() == name.to_lowercase();
            vectors.iter().any(|(known, _)| same(known))
        };
        let shared: Members = entry
            .iter()
            .filter(|(name, _)| is_vector(name))
            .cloned()
            .collect();
        let shared = Value::object(shared);
        let mut was_added = false;
        for (own, combination) in all.iter().zip(&mut extended) {
            if is_part_of(&shared, own, choices) {
                was_added = true;
                for (name, value) in entry.iter() {
                    combination.retain(|(known, _)| known.to_lowercase() != name.to_lowercase());
                    combination.push((name.clone(), value.clone()));
                }
            }
        }
        if !was_added {
            added.push(Value::Object(entry));
        }
    }
    let extended = extended.into_iter().map(Value::object);
    extended.chain(added).collect()
}

/// Whether all that one has is the same in the other.
fn is_part_of(part: &Value, whole: &Members, choices: &mut Choices) -> bool {
    match part.bound(choices) {
        Value::Object(members) => members.iter().all(|(name, value)| {
            let own = Value::object(whole.clone()).member(name, choices);
            match (value.bound(choices), own.bound(choices)) {
                (part @ Value::Object(_), Value::Object(whole)) => {
                    is_part_of(&part, &whole, choices)
                }
                (Value::List(a), Value::List(b)) => a == b,
                (a, b) => a.equals(&b, choices),
            }
        }),
        other => choices.decide(&format!("{} is part of {whole:?}", other.name())),
    }
}

/// The value of a node, with its expressions.
pub fn value(node: &Node, scope: &dyn Scope, choices: &mut Choices) -> Result<Value, String> {
    Ok(match node {
        node if node.is_null() => Value::Null,
        Node::Scalar(text, true) if text.eq_ignore_ascii_case("true") => Value::Bool(true),
        Node::Scalar(text, true) if text.eq_ignore_ascii_case("false") => Value::Bool(false),
        Node::Scalar(text, plain) => match text.parse() {
            Ok(number) if *plain && starts_as_number(text) => Value::Number(number),
            _ => template(&parts(text)?, scope, choices)?.bound(choices),
        },
        Node::List(items) => {
            let items = items.iter().map(|item| value(item, scope, choices));
            Value::List(items.collect::<Result<_, _>>()?)
        }
        Node::Map(members) => {
            let members = members.iter();
            let members =
                members.map(|(name, node)| Ok((name.clone(), value(node, scope, choices)?)));
            Value::object(members.collect::<Result<_, String>>()?)
        }
    })
}

/// Not `inf`, not `nan`.
fn starts_as_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
}
