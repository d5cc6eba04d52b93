//! `strategy.matrix`: the values that a job runs for.
//!
//! Source: docs.github.com, "Workflow syntax for GitHub Actions" (`jobs.<job_id>.strategy.matrix`).

use github_actions_expressions::Evaluation;

use super::expression::{Scope, equal};
use super::value::Value;
use super::yaml::Node;

/// Maximum number of combinations: GitHub's own limit.
const MAX_COMBINATIONS: usize = 256;

/// A matrix as in the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StrategyMatrix(Option<Written>);

/// A value of the file; its texts can contain expressions.
#[derive(Clone, Debug, PartialEq)]
enum Written {
    Scalar(Evaluation),
    List(Vec<Written>),
    Object(Vec<(String, Written)>),
    /// Only a run knows it.
    Unknown,
}

/// Names and values of one job of the matrix.
type Combination = Vec<(String, Value)>;

impl StrategyMatrix {
    /// Reads the matrix of `strategy:`.
    pub(super) fn of_strategy(strategy: &Node) -> Self {
        match strategy.is_mapping() {
            true => Self(strategy.get("matrix").map(Written::read)),
            // The whole strategy is an expression.
            false => Self(Some(Written::Unknown)),
        }
    }

    /// Returns the texts that can contain expressions.
    pub(super) fn texts(&self) -> Vec<&str> {
        let mut texts = Vec::new();
        if let Some(written) = &self.0 {
            written.texts(&mut texts);
        }
        texts
    }

    /// Returns the context `matrix`: one of the combinations, or an unknown value.
    pub(super) fn context(&self, scope: &Scope<'_>) -> Value {
        let Some(written) = &self.0 else {
            return Value::object(Vec::new(), true);
        };
        let Value::Object(matrix) = written.evaluated(scope) else {
            return Value::unknown();
        };
        match combinations(&matrix.members) {
            Some(all) if matrix.is_complete => {
                let all = all.into_iter().map(|one| Value::object(one, true));
                Value::one_of(format!("{} matrix", scope.name), all.collect())
            }
            _ => Value::unknown(),
        }
    }
}

impl Written {
    fn read(node: &Node) -> Self {
        match node.scalar() {
            Some(scalar) => Self::Scalar(scalar),
            None if node.is_list() => Self::List(node.items().map(Self::read).collect()),
            None => {
                let members = node.members();
                Self::Object(
                    members
                        .map(|(key, _, value)| (key.to_owned(), Self::read(value)))
                        .collect(),
                )
            }
        }
    }

    fn texts<'w>(&'w self, texts: &mut Vec<&'w str>) {
        match self {
            Self::Scalar(Evaluation::String(text)) => texts.push(text),
            Self::Scalar(_) | Self::Unknown => {}
            Self::List(items) => items.iter().for_each(|item| item.texts(texts)),
            Self::Object(members) => members.iter().for_each(|(_, value)| value.texts(texts)),
        }
    }

    fn evaluated(&self, scope: &Scope<'_>) -> Value {
        match self {
            Self::Scalar(Evaluation::String(text)) => scope.text(text),
            Self::Scalar(scalar) => Value::Scalar(scalar.clone()),
            Self::Unknown => Value::unknown(),
            Self::List(items) => {
                Value::List(items.iter().map(|item| item.evaluated(scope)).collect())
            }
            Self::Object(members) => {
                let members = members.iter();
                let members = members.map(|(key, value)| (key.clone(), value.evaluated(scope)));
                Value::object(members.collect(), true)
            }
        }
    }
}

/// Returns the combinations of a matrix; `None` if only a run knows them, or if there are too many.
fn combinations(matrix: &[(String, Value)]) -> Option<Vec<Combination>> {
    let is_axis = |key: &str| {
        !["include", "exclude"]
            .iter()
            .any(|word| key.eq_ignore_ascii_case(word))
    };
    let mut all: Vec<Combination> = vec![Vec::new()];
    for (key, values) in matrix.iter().filter(|(key, _)| is_axis(key)) {
        let values = match values {
            Value::List(items) => items.clone(),
            // A list that only a run knows.
            Value::Unknown(_) => vec![Value::unknown()],
            scalar => vec![scalar.clone()],
        };
        let extended = all.iter().flat_map(|known| {
            values.iter().map(|value| {
                let mut combination = known.clone();
                combination.push((key.clone(), value.clone()));
                combination
            })
        });
        all = extended.take(MAX_COMBINATIONS + 1).collect();
        if all.len() > MAX_COMBINATIONS {
            return None;
        }
    }
    let has_axes = all.first().is_some_and(|first| !first.is_empty());
    if !has_axes {
        all.clear();
    }
    for excluded in objects(matrix, "exclude").unwrap_or_default() {
        all.retain(|combination| agrees(combination, excluded) != Some(true));
    }
    let axes = matrix
        .iter()
        .map(|(key, _)| key.as_str())
        .filter(|key| is_axis(key));
    include(all, objects(matrix, "include")?, &axes.collect::<Vec<_>>())
}

/// Returns the objects of `include` or `exclude`; `None` if only a run knows them.
fn objects<'v>(matrix: &'v [(String, Value)], key: &str) -> Option<Vec<&'v [(String, Value)]>> {
    let list = matrix
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(key));
    match list {
        None => Some(Vec::new()),
        Some((_, Value::List(items))) => items
            .iter()
            .map(|item| match item {
                Value::Object(object) if object.is_complete => Some(object.members.as_slice()),
                _ => None,
            })
            .collect(),
        Some(_) => None,
    }
}

/// Whether a combination has all these values; `None` if only a run knows.
fn agrees(combination: &[(String, Value)], values: &[(String, Value)]) -> Option<bool> {
    let mut is_certain = true;
    for (key, value) in values {
        let own = combination
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key));
        match own.map_or(Some(false), |(_, own)| same(own, value)) {
            Some(true) => {}
            Some(false) => return Some(false),
            None => is_certain = false,
        }
    }
    is_certain.then_some(true)
}

fn same(one: &Value, other: &Value) -> Option<bool> {
    match (one, other) {
        (Value::List(one), Value::List(other)) => {
            let pairs = one.iter().zip(other).map(|(one, other)| same(one, other));
            let equal = pairs.collect::<Option<Vec<_>>>()?;
            Some(one.len() == other.len() && !equal.contains(&false))
        }
        (Value::Object(one), Value::Object(other)) => {
            let equal = agrees(&one.members, &other.members)?;
            Some(equal && one.members.len() == other.members.len())
        }
        (Value::List(_) | Value::Object(_), Value::Scalar(_))
        | (Value::Scalar(_), Value::List(_) | Value::Object(_)) => Some(false),
        _ => equal(one, other),
    }
}

/// Adds the objects of `include`: to every combination whose axes they do not change, or as a combination of
/// their own.
fn include(
    mut all: Vec<Combination>,
    included: Vec<&[(String, Value)]>,
    axes: &[&str],
) -> Option<Vec<Combination>> {
    let original = all.len();
    for object in included {
        let is_axis = |key: &str| axes.iter().any(|axis| axis.eq_ignore_ascii_case(key));
        let fixed: Vec<_> = object
            .iter()
            .filter(|(key, _)| is_axis(key))
            .cloned()
            .collect();
        let mut is_added = false;
        for combination in all.iter_mut().take(original) {
            if !agrees(combination, &fixed)? {
                continue;
            }
            is_added = true;
            for (key, value) in object {
                combination.retain(|(known, _)| !known.eq_ignore_ascii_case(key));
                combination.push((key.clone(), value.clone()));
            }
        }
        if !is_added {
            all.push(object.to_vec());
        }
    }
    (all.len() <= MAX_COMBINATIONS).then_some(all)
}
