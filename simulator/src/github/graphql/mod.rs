//! The GraphQL API: `POST /graphql`. A query is held against a part of GitHub's public schema, costs what
//! GitHub's documentation says, and is carried out field by field.

mod bill;
mod document;
mod execute;
mod object;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use self::document::Operation;
use self::execute::Execution;
use super::access::{authenticate, credentials};
use super::http::{Answer, Request};
use super::limits::Resource;
use super::state::State;

/// What a query that takes too long costs on top: GitHub's documentation names no number.
const FINE: u64 = 5;

/// What a query cannot have of one repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryFault {
    /// The repository itself: its organisation's single sign-on does not know the token.
    Saml,
    /// Its objects: the query would take too long.
    Timeout,
    /// Its objects: the query needs too much.
    ResourceLimits,
}

/// How much a query may be.
#[derive(Debug, Default)]
pub(crate) struct Capacity {
    /// The bytes of files in one answer above which it takes too long; `None` for no such number.
    pub(crate) bytes: Option<usize>,
    /// By `OWNER/REPO`.
    pub(crate) faults: BTreeMap<String, QueryFault>,
}

pub(crate) fn answer(state: &mut State, request: &Request) -> Result<Answer, Answer> {
    let access = authenticate(state, request)?
        .ok_or_else(|| Answer::error(401, "This endpoint requires you to be authenticated."))?;
    let body = request
        .json()
        .ok_or_else(|| Answer::error(400, "Problems parsing JSON"))?;
    let refused = |errors: Vec<Value>| Answer::json(200, &json!({"errors": errors}));
    let operation = Operation::read(&body).map_err(refused)?;
    let bill = bill::of(&operation).map_err(refused)?;
    let token = credentials(request).unwrap_or_default();
    if !state.limits.take(token, Resource::GraphQl, bill.points) {
        return Err(refused(vec![json!({
            "type": "RATE_LIMIT", "code": "graphql_rate_limit",
            "message": "API rate limit already exceeded for user ID 1.",
        })]));
    }
    let usage = state.limits.usage(token, Resource::GraphQl);
    let mut execution = Execution::new(state, &access, &operation, bill, usage);
    let data = execution.run();
    let (errors, bytes) = (execution.errors, execution.bytes);
    if state.capacity.bytes.is_some_and(|most| bytes > most) {
        state.limits.take(token, Resource::GraphQl, FINE);
        let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n</html>\r\n";
        return Err(Answer::new(502, "text/html", page));
    }
    Ok(Answer::json(
        200,
        &match errors.is_empty() {
            true => json!({"data": data}),
            false => json!({"data": data, "errors": errors}),
        },
    ))
}
