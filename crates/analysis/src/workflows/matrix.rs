//! `strategy.matrix`: the values that a job runs for.

use std::collections::BTreeMap;

use super::yaml::Node;

/// Maximum length of a path, in bytes: every path is stored in full.
const MAX_PATH: usize = 256;

/// Values of a matrix by their paths, such as `target.environment`. `exclude:` is ignored, so the matrix
/// can contain more values than a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StrategyMatrix {
    /// Whether the matrix or its `include:` is an expression.
    is_expression: bool,
    /// Values by path; `None` stands for an expression.
    values: BTreeMap<String, Option<Vec<String>>>,
}

impl StrategyMatrix {
    pub(super) fn read(node: &Node) -> Self {
        let mut matrix = Self {
            is_expression: node.text().is_some(),
            ..Self::default()
        };
        for (key, _, list) in node.members().filter(|(key, ..)| *key != "exclude") {
            if list.text().is_some() {
                match key {
                    "include" => matrix.is_expression = true,
                    _ => {
                        matrix.values.insert(key.to_owned(), None);
                    }
                }
            }
            for item in list.items() {
                matrix.add(if key == "include" { "" } else { key }, item);
            }
        }
        matrix
    }

    fn add(&mut self, path: &str, node: &Node) {
        if let (Some(text), false) = (node.text(), path.is_empty()) {
            let values = self.values.entry(path.to_owned());
            if let Some(values) = values.or_insert_with(|| Some(Vec::new())) {
                values.push(text.to_owned());
            }
        }
        for (key, _, value) in node.members() {
            let dot = if path.is_empty() { "" } else { "." };
            if path.len() + key.len() < MAX_PATH {
                self.add(&format!("{path}{dot}{key}"), value);
            }
        }
    }

    /// Returns the possible values of `matrix.PATH`: `None` if only a run knows, empty if there are none.
    pub fn values(&self, path: &str) -> Option<&[String]> {
        if self.is_expression || path.len() > MAX_PATH {
            return None;
        }
        match self.values.get(path) {
            Some(values) => values.as_deref(),
            None => Some(&[]),
        }
    }
}
