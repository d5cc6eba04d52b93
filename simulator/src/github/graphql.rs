//! GraphQL API: `POST /graphql`, for the one query that the product sends; any other query is an error.
//! `.ci/outside/survey` runs the product's query on GitHub's own schema.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::access::{Access, Level, credentials};
use super::authorize::authenticate;
use super::capacity::QueryFault;
use super::http::{Answer, Request};
use super::limits::Resource;
use super::organization::Organization;
use super::repository::Repository;
use super::state::State;

/// Query that the simulator supports. It compares the product's text with this one, so a change there
/// needs a change here.
const QUERY: &str = include_str!("repositories.graphql");
const MAX_PAGE: u64 = 100;
/// Length at which GitHub truncates a blob's text, in bytes.
const MAX_TEXT: usize = 512_000;
/// Points of a query with one connection ("Rate limits and query limits for the GraphQL API").
const POINTS: u64 = 1;
/// Extra points of a query that takes too long; GitHub's documentation gives no number.
const FINE: u64 = 5;

pub(crate) fn answer(state: &mut State, request: &Request) -> Result<Answer, Answer> {
    let access = authenticate(state, request)?
        .ok_or_else(|| Answer::error(401, "This endpoint requires you to be authenticated."))?;
    let body = request
        .json()
        .ok_or_else(|| Answer::error(400, "Problems parsing JSON"))?;
    let refused = |error: Value| Answer::json(200, &json!({"errors": [error]}));
    let variables = Variables::read(&body).map_err(refused)?;
    let token = credentials(request).unwrap_or_default();
    if !state.limits.take(token, Resource::GraphQl, POINTS) {
        return Err(refused(json!({
            "type": "RATE_LIMIT", "code": "graphql_rate_limit",
            "message": "API rate limit already exceeded for user ID 1.",
        })));
    }
    let is_limited = state.limits.usage(token, Resource::GraphQl).is_some();
    let mut execution = Execution {
        state,
        access: &access,
        variables: &variables,
        errors: Vec::new(),
        bytes: 0,
    };
    let owner = execution.owner();
    let (errors, bytes) = (execution.errors, execution.bytes);
    if state.capacity.bytes.is_some_and(|most| bytes > most) {
        state.limits.take(token, Resource::GraphQl, FINE);
        let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n</html>\r\n";
        return Err(Answer::new(502, "text/html", page));
    }
    let limit = is_limited.then(|| json!({"cost": POINTS}));
    let data = json!({"repositoryOwner": owner, "rateLimit": limit});
    Ok(Answer::json(
        200,
        &match errors.is_empty() {
            true => json!({"data": data}),
            false => json!({"data": data, "errors": errors}),
        },
    ))
}

/// Variables of the query.
struct Variables {
    login: String,
    first: usize,
    after: usize,
    texts: bool,
}

impl Variables {
    /// Parses the body of a request, `{"query": …, "variables": …}`; the error has GitHub's format.
    fn read(body: &Value) -> Result<Self, Value> {
        let query = body.get("query").and_then(Value::as_str);
        if query.is_none_or(|query| !words(query).eq(words(QUERY))) {
            return Err(json!({"message": "only the query of `repositories.graphql` is modelled"}));
        }
        let invalid = |name: &str| {
            let message = format!("Variable ${name} was provided invalid value");
            json!({"message": message})
        };
        let variables = body.get("variables").and_then(Value::as_object);
        let variables = variables.ok_or_else(|| invalid("login"))?;
        let known = |name: &&String| ["login", "first", "after", "texts"].contains(&name.as_str());
        if let Some(other) = variables.keys().find(|name| !known(name)) {
            return Err(invalid(other));
        }
        let get = |name: &str| variables.get(name).ok_or_else(|| invalid(name));
        let first = get("first")?.as_u64().ok_or_else(|| invalid("first"))?;
        if !(1..=MAX_PAGE).contains(&first) {
            let message = format!(
                "Requesting {first} records on the `repositories` connection exceeds the `first` limit of 100 records."
            );
            return Err(json!({"type": "EXCESSIVE_PAGINATION", "message": message}));
        }
        let after = match get("after")? {
            Value::Null => 0,
            cursor => cursor.as_str().and_then(position).ok_or_else(|| {
                let message = format!("`{cursor}` does not appear to be a valid cursor.");
                json!({"type": "INVALID_CURSOR_ARGUMENTS", "message": message})
            })?,
        };
        let login = get("login")?.as_str().ok_or_else(|| invalid("login"))?;
        Ok(Self {
            login: login.to_owned(),
            first: first.try_into().map_err(|_| invalid("first"))?,
            after,
            texts: get("texts")?.as_bool().ok_or_else(|| invalid("texts"))?,
        })
    }
}

/// Returns the words of a query without comments, so that layout does not matter.
fn words(query: &str) -> impl Iterator<Item = &str> {
    query
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(str::split_whitespace)
}

struct Execution<'e> {
    state: &'e State,
    access: &'e Access,
    variables: &'e Variables,
    errors: Vec<Value>,
    /// Size of the files in the response, in bytes.
    bytes: usize,
}

impl<'e> Execution<'e> {
    /// Returns the owner with a page of its repositories.
    fn owner(&mut self) -> Value {
        let state = self.state;
        let asked = |owner: &str| owner.eq_ignore_ascii_case(&self.variables.login);
        let organizations = state.organizations.iter();
        let mut organizations = organizations.filter(|organization| asked(organization.login()));
        let mut repositories = state.repositories.iter();
        let owner = match organizations.next() {
            Some(organization) => Some((organization.login(), organization.id())),
            None => repositories
                .find(|repository| asked(&repository.owner))
                .map(|repository| (&*repository.owner, repository.owner_id)),
        };
        let Some((login, id)) = owner else {
            return Value::Null;
        };
        let visible = self.visible(login);
        let after = self.variables.after;
        let end = visible
            .len()
            .min(after.saturating_add(self.variables.first));
        let page = visible.get(after..end).unwrap_or_default();
        let nodes: Vec<_> = page
            .iter()
            .enumerate()
            .map(|(position, visible)| self.repository(&visible.repository(), position))
            .collect();
        let end_cursor = (!nodes.is_empty()).then(|| cursor(end));
        json!({"login": login, "databaseId": id, "repositories": {
            "totalCount": visible.len(),
            "pageInfo": {"hasNextPage": end < visible.len(), "endCursor": end_cursor},
            "nodes": nodes,
        }})
    }

    /// Returns the repositories that the token can see, in the order of their creation.
    fn visible(&self, login: &str) -> Vec<Visible<'e>> {
        let repositories = self.state.repositories.iter();
        let added = repositories.filter(|repository| {
            repository.owner.eq_ignore_ascii_case(login)
                && (!repository.private || self.access.covers(repository))
        });
        let organizations = self.state.organizations.iter();
        let organizations = organizations.filter(|organization| {
            organization.login().eq_ignore_ascii_case(login)
                && self.access.covers_owner(organization.login())
        });
        let made = organizations.flat_map(|organization| {
            (0..organization.count()).map(|number| Visible::Made(organization, number))
        });
        added.map(Visible::Added).chain(made).collect()
    }

    fn repository(&mut self, repository: &Repository, position: usize) -> Value {
        let mut path = vec!["repositoryOwner".into(), "repositories".into()];
        path.extend(["nodes".into(), Value::from(position)]);
        let name = repository.full_name();
        let fault = self.state.capacity.faults.get(&name).copied();
        if fault == Some(QueryFault::Saml) {
            let message = "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.";
            self.error(path, "FORBIDDEN", message);
            return Value::Null;
        }
        let mut node = json!({
            "databaseId": repository.id, "nameWithOwner": name, "isArchived": repository.archived,
            "isFork": repository.fork, "isPrivate": repository.private,
        });
        if self.variables.texts {
            path.push("workflows".into());
            let workflows = self.workflows(repository, fault, path);
            node.as_object_mut()
                .map(|node| node.insert("workflows".into(), workflows));
        }
        node
    }

    /// Returns the entries of `.github/workflows` at the tip of the default branch.
    fn workflows(
        &mut self,
        repository: &Repository,
        fault: Option<QueryFault>,
        path: Vec<Value>,
    ) -> Value {
        let may_read =
            !repository.private || self.access.permissions.level("contents") >= Level::Read;
        let failed = match fault {
            Some(QueryFault::Timeout) => Some((
                "",
                "Something went wrong while executing your query. This may be the result of a timeout, or it could be a GitHub bug.",
            )),
            Some(QueryFault::ResourceLimits) => Some((
                "RESOURCE_LIMITS_EXCEEDED",
                "Resource limits for this query exceeded.",
            )),
            _ if !may_read => Some(("FORBIDDEN", "Resource not accessible by integration")),
            _ => None,
        };
        if let Some((kind, message)) = failed {
            self.error(path, kind, message);
            return Value::Null;
        }
        let tree = repository.resolve(None).map(|sha| repository.tree(&sha));
        let mut entries = BTreeMap::new();
        for (file, content) in tree.unwrap_or_default() {
            let Some(file) = file.strip_prefix(".github/workflows/") else {
                continue;
            };
            match file.split_once('/') {
                // A directory is not a blob.
                Some((name, _)) => entries.insert(name.to_owned(), json!({})),
                None => entries.insert(file.to_owned(), self.blob(&content)),
            };
        }
        let entries = entries.into_iter();
        let entries: Vec<_> = entries
            .map(|(name, object)| json!({"name": name, "object": object}))
            .collect();
        match entries.is_empty() {
            true => Value::Null,
            false => json!({"entries": entries}),
        }
    }

    fn blob(&mut self, content: &[u8]) -> Value {
        let is_truncated = content.len() > MAX_TEXT;
        let start = content.get(..MAX_TEXT).unwrap_or(content);
        let is_text = !start.contains(&0) && (is_truncated || std::str::from_utf8(start).is_ok());
        let text = is_text.then(|| String::from_utf8_lossy(start));
        self.bytes += text.as_ref().map_or(0, |text| text.len());
        json!({"isTruncated": is_truncated, "text": text})
    }

    fn error(&mut self, path: Vec<Value>, kind: &str, message: &str) {
        let mut error = json!({"path": path, "message": message});
        if let (false, Some(error)) = (kind.is_empty(), error.as_object_mut()) {
            error.insert("type".into(), kind.into());
        }
        self.errors.push(error);
    }
}

/// A repository that a token can see.
enum Visible<'s> {
    Added(&'s Repository),
    /// A generated repository, by its number.
    Made(&'s Organization, usize),
}

impl Visible<'_> {
    fn repository(&self) -> Cow<'_, Repository> {
        match self {
            Self::Added(repository) => Cow::Borrowed(repository),
            Self::Made(organization, number) => Cow::Owned(organization.repository(*number)),
        }
    }
}

/// Encodes a position as a cursor, which is opaque to clients.
fn cursor(position: usize) -> String {
    STANDARD.encode(format!("cursor:v2:{position}"))
}

fn position(cursor: &str) -> Option<usize> {
    let bytes = STANDARD.decode(cursor).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.strip_prefix("cursor:v2:")?.parse().ok()
}
