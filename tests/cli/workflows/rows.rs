//! The rows of `matrix`, compared with the runs of the files.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::reference::{Environment, Run, Runs, Universe};

/// A row, as far as it says which runs it is about.
struct Row {
    /// Lower-case; unknown where the row is for several.
    environment: Environment,
    /// `None` if any.
    events: Option<BTreeSet<String>>,
    id_token: bool,
}

impl Row {
    fn read(row: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let events = row["events"].as_array();
        Self {
            environment: match row["environment"]["kind"].as_str().unwrap() {
                "none" => Environment::None,
                "named" => Environment::Named(text(&row["environment"]["name"]).to_lowercase()),
                _ => Environment::Unknown,
            },
            events: events.map(|events| events.iter().map(text).collect()),
            id_token: row["id_token"] == true,
        }
    }

    fn is_for(&self, run: &Run) -> bool {
        (self.environment == run.outcome.environment || self.environment == Environment::Unknown)
            && self
                .events
                .as_ref()
                .is_none_or(|events| events.contains(&run.event))
            && (!run.outcome.id_token || self.id_token)
    }
}

fn rows_of(matrix: &Value, file: &str) -> Vec<Row> {
    let rows = matrix["rows"].as_array().unwrap().iter();
    rows.filter(|row| row["workflow"] == *file)
        .map(Row::read)
        .collect()
}

/// Runs that no row is about.
pub fn missing_rows(matrix: &Value, runs: &BTreeMap<String, (Universe, Runs)>) -> Vec<String> {
    let mut missing = BTreeSet::new();
    for (file, (_, runs)) in runs {
        let rows = rows_of(matrix, file);
        for run in &runs.all {
            if !rows.iter().any(|row| row.is_for(run)) {
                missing.insert(format!(
                    "{file}: matrix has no row for {} {:?} on {}",
                    run.job, run.outcome.environment, run.event
                ));
            }
        }
    }
    missing.into_iter().collect()
}

/// Environments and events of rows that no run has.
pub fn surplus_rows(matrix: &Value, runs: &BTreeMap<String, (Universe, Runs)>) -> Vec<String> {
    let mut surplus = BTreeSet::new();
    for (file, (_, runs)) in runs {
        for row in rows_of(matrix, file) {
            for event in row.events.iter().flatten() {
                let is_known = runs.all.iter().any(|run| {
                    let environment = &run.outcome.environment;
                    run.event == *event
                        && (*environment == row.environment || *environment == Environment::Unknown)
                });
                if !is_known {
                    let environment = &row.environment;
                    surplus.insert(format!(
                        "{file}: matrix has {environment:?} on {event}, which no run has"
                    ));
                }
            }
        }
    }
    surplus.into_iter().collect()
}
