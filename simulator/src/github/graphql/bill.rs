//! What a query costs: "Rate limits and query limits for the GraphQL API" (nodes, points).

use serde_json::{Value, json};

use super::document::{Field, Operation};

const MAX_NODES: u64 = 500_000;
const MAX_PAGE: u64 = 100;

/// The nodes that a query may return, and its points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bill {
    pub(crate) nodes: u64,
    pub(crate) points: u64,
}

/// A bill, or the errors of a query that is refused for its size.
pub(crate) fn of(operation: &Operation) -> Result<Bill, Vec<Value>> {
    let mut count = Count::default();
    count.selection(operation, operation.fields(&operation.selection, &[]), 1)?;
    if count.nodes > MAX_NODES {
        let message = format!(
            "This query requests up to {} possible nodes which exceeds the maximum limit of 500,000.",
            count.nodes
        );
        return Err(refused("MAX_NODE_LIMIT_EXCEEDED", message));
    }
    Ok(Bill {
        nodes: count.nodes,
        // Divided by a hundred, rounded to the nearest whole number, and at least one.
        points: ((count.requests + 50) / 100).max(1),
    })
}

#[derive(Default)]
struct Count {
    nodes: u64,
    requests: u64,
}

impl Count {
    /// `times`: how many objects there can be at this place.
    fn selection(
        &mut self,
        operation: &Operation,
        fields: Vec<Field<'_>>,
        times: u64,
    ) -> Result<(), Vec<Value>> {
        for field in fields {
            let inside = match field.name {
                // The one connection of the schema.
                "repositories" => {
                    let page = page(&field)?;
                    self.requests += times;
                    self.nodes += times * page;
                    times * page
                }
                _ => times,
            };
            self.selection(operation, operation.fields(field.selection, &[]), inside)?;
        }
        Ok(())
    }
}

fn page(field: &Field<'_>) -> Result<u64, Vec<Value>> {
    let sizes = ["first", "last"];
    let mut sizes = sizes
        .iter()
        .filter_map(|name| field.arguments.get(name)?.as_i64());
    let name = field.key;
    let Some(size) = sizes.next() else {
        let message = format!(
            "You must provide a `first` or `last` value to properly paginate the `{name}` connection."
        );
        return Err(refused("MISSING_PAGINATION_BOUNDARIES", message));
    };
    match u64::try_from(size) {
        Ok(size) if (1..=MAX_PAGE).contains(&size) => Ok(size),
        _ => {
            let message = format!(
                "Requesting {size} records on the `{name}` connection exceeds the `first` limit of 100 records."
            );
            Err(refused("EXCESSIVE_PAGINATION", message))
        }
    }
}

fn refused(kind: &str, message: String) -> Vec<Value> {
    vec![json!({"type": kind, "message": message})]
}
