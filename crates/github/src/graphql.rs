//! GitHub's GraphQL API: an owner's repositories with their workflow files, many per request.
//!
//! A page costs one point whatever its size, because the query has one connection. Time is its limit:
//! GitHub ends a query after ten seconds (502, 504, or an error that mentions a timeout). Smaller pages
//! then help.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::api::{Api, Call};
use super::rate_limit::{Limited, RateLimit};
use crate::http::{HttpError, Response};

/// The query. `.ci/outside` validates it with GitHub's public schema.
const REPOSITORIES: &str = include_str!("repositories.graphql");
/// Maximum size of a response in bytes. The caller asks for larger ones again in smaller pages.
const MAX_ANSWER: usize = 8 << 20;

/// Variables of the query: which page to fetch.
#[derive(Clone, Copy, Debug)]
pub struct PageQuery<'q> {
    /// Name of the organisation or user.
    pub login: &'q str,
    /// Number of repositories on the page, 1 to 100.
    pub first: u32,
    /// Cursor at the end of the last page; absent for the first page.
    pub after: Option<&'q str>,
    /// Whether to fetch the workflow files.
    pub texts: bool,
}

/// A page of repositories, oldest first.
#[derive(Clone, Debug, Default)]
pub struct RepositoryPage {
    /// The owner's name in GitHub's spelling.
    pub login: String,
    /// The owner's id.
    pub owner_id: Option<u64>,
    /// Number of repositories on all pages.
    pub total: u64,
    /// The repositories that the token can see.
    pub repositories: Vec<ListedRepository>,
    /// One message for each repository that the token cannot see.
    pub hidden: Vec<String>,
    /// Cursor of the next page; absent on the last page.
    pub next: Option<String>,
    /// Cost of the request in points; absent on a server without rate limits.
    pub points: Option<u64>,
}

/// A repository of a page.
#[derive(Clone, Debug)]
pub struct ListedRepository {
    /// Its id.
    pub id: Option<u64>,
    /// `OWNER/NAME`.
    pub name: String,
    /// Whether it is archived: read-only, and its workflows do not run.
    pub is_archived: bool,
    /// Whether it is a fork.
    pub is_fork: bool,
    /// Whether it is private or internal.
    pub is_private: bool,
    /// Files of `.github/workflows` at the tip of the default branch.
    pub files: Result<Vec<ListedFile>, FilesUnavailable>,
}

/// Why the page does not have a repository's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilesUnavailable {
    /// The query did not ask for them, or they are too large for it. The contents API has them.
    NotFetched,
    /// The token may not read them.
    Denied(String),
}

/// An entry of `.github/workflows`.
#[derive(Clone, Debug)]
pub struct ListedFile {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: FileText,
}

/// The text of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileText {
    /// The complete text.
    Complete(String),
    /// GitHub truncated the text; the contents API has all of it.
    Truncated,
    /// The entry is not text, or not a file.
    NotText,
}

/// Why a page could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The page was too large for one request.
    #[error("{0}")]
    TooLarge(String),
    /// A rate limit rejected the request.
    #[error("{1}")]
    Limited(Limited, String),
    /// The response was unusable; another attempt can help.
    #[error("{0}")]
    Transient(String),
    /// The owner does not exist, or is invisible.
    #[error("the organisation or user does not exist, or the token cannot see it")]
    NoOwner,
    /// Another error, which another attempt does not cure.
    #[error("{0}")]
    Permanent(String),
}

impl Api {
    /// Fetches a page, without retries: the caller handles failures. Also returns the primary rate limit, after
    /// a failure too.
    ///
    /// # Errors
    /// The page could not be fetched.
    pub async fn repositories(
        &self,
        graphql: &Url,
        query: &PageQuery<'_>,
    ) -> (Result<RepositoryPage, QueryError>, Option<RateLimit>) {
        #[derive(Serialize)]
        struct Variables<'v> {
            login: &'v str,
            first: u32,
            after: Option<&'v str>,
            texts: bool,
        }
        #[derive(Serialize)]
        struct Body<'v> {
            query: &'static str,
            variables: Variables<'v>,
        }
        let body = Body {
            query: REPOSITORIES,
            variables: Variables {
                login: query.login,
                first: query.first,
                after: query.after,
                texts: query.texts,
            },
        };
        // Serializing strings, a number and a boolean cannot fail.
        let body = serde_json::to_string(&body).unwrap_or_default();
        let response = match self.send(graphql, &Call::post(body, MAX_ANSWER)).await {
            Ok(response) => response,
            Err(error) => return (Err(error.into()), None),
        };
        let limit = RateLimit::of(&response);
        (page(&response, query), limit)
    }
}

impl From<HttpError> for QueryError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Timeout { .. } | HttpError::TooLarge { .. } => {
                Self::TooLarge(error.to_string())
            }
            HttpError::Unsendable { .. } => Self::Permanent(error.to_string()),
            _ => Self::Transient(error.to_string()),
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    data: Option<Data>,
    #[serde(default)]
    errors: Vec<GraphQlError>,
}

#[derive(Deserialize)]
struct GraphQlError {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    path: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    repository_owner: Option<Owner>,
    rate_limit: Option<Cost>,
}

#[derive(Deserialize)]
struct Cost {
    cost: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Owner {
    login: String,
    database_id: Option<u64>,
    repositories: Option<Repositories>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Repositories {
    total_count: u64,
    page_info: PageInfo,
    nodes: Option<Vec<Option<Node>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    database_id: Option<u64>,
    name_with_owner: String,
    is_archived: bool,
    is_fork: bool,
    is_private: bool,
    workflows: Option<Tree>,
}

/// A tree, or another object without entries.
#[derive(Deserialize)]
struct Tree {
    entries: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    object: Option<Blob>,
}

/// A blob, or another object without these fields.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Blob {
    is_truncated: Option<bool>,
    text: Option<String>,
}

fn page(response: &Response, query: &PageQuery<'_>) -> Result<RepositoryPage, QueryError> {
    if response.status != http::StatusCode::OK {
        return Err(refusal(response));
    }
    let answer: Answer = serde_json::from_slice(&response.body).map_err(|error| {
        QueryError::Transient(format!("GitHub's answer is not as documented: {error}"))
    })?;
    let mut unreadable: HashMap<usize, FilesUnavailable> = HashMap::new();
    for error in answer.errors {
        if let Some(limited) = error.limited(response) {
            return Err(QueryError::Limited(limited, error.describe()));
        }
        match error.node() {
            Some(node) if !error.is_too_large() => {
                unreadable.insert(node, FilesUnavailable::Denied(error.describe()));
            }
            Some(node) if query.first == 1 => {
                unreadable.insert(node, FilesUnavailable::NotFetched);
            }
            _ if error.is_too_large() => return Err(QueryError::TooLarge(error.describe())),
            _ if error.kind == "NOT_FOUND" => return Err(QueryError::NoOwner),
            _ => return Err(QueryError::Permanent(error.describe())),
        }
    }
    let incomplete = || QueryError::Transient("GitHub's answer is incomplete".to_owned());
    let data = answer.data.ok_or_else(incomplete)?;
    let owner = data.repository_owner.ok_or(QueryError::NoOwner)?;
    let repositories = owner.repositories.ok_or_else(incomplete)?;
    let nodes = repositories.nodes.ok_or_else(incomplete)?;
    let mut page = RepositoryPage {
        login: owner.login,
        owner_id: owner.database_id,
        total: repositories.total_count,
        points: data.rate_limit.map(|limit| limit.cost),
        ..RepositoryPage::default()
    };
    if repositories.page_info.has_next_page {
        page.next = Some(repositories.page_info.end_cursor.ok_or_else(incomplete)?);
    }
    for (index, node) in nodes.into_iter().enumerate() {
        let why = unreadable.remove(&index);
        match (node, why) {
            (Some(node), None) if !query.texts => {
                page.repositories
                    .push(node.listed(Some(FilesUnavailable::NotFetched)));
            }
            (Some(node), why) => page.repositories.push(node.listed(why)),
            (None, Some(FilesUnavailable::Denied(why))) => page.hidden.push(why),
            (None, _) => page.hidden.push("GitHub gives no reason".to_owned()),
        }
    }
    Ok(page)
}

/// Returns the error of a response with another status than 200.
fn refusal(response: &Response) -> QueryError {
    let answer = format!("GitHub answered {}", response.describe());
    let message = response.message().unwrap_or_default();
    match (Limited::of(response, &message), response.status.as_u16()) {
        (Some(limited), _) => QueryError::Limited(limited, answer),
        (None, 502 | 504) => QueryError::TooLarge(answer),
        (None, 500..) => QueryError::Transient(answer),
        (None, _) => QueryError::Permanent(answer),
    }
}

impl GraphQlError {
    /// Returns the index in the page of the repository that the error refers to.
    fn node(&self) -> Option<usize> {
        let mut path = self.path.iter();
        path.find(|part| part.as_str() == Some("nodes"))?;
        usize::try_from(path.next()?.as_u64()?).ok()
    }

    fn limited(&self, response: &Response) -> Option<Limited> {
        // GitHub uses both types, and messages in other words.
        let message = match &*self.kind {
            "RATE_LIMIT" | "RATE_LIMITED" => "rate limit",
            _ => &self.message,
        };
        Limited::of(response, message)
    }

    fn is_too_large(&self) -> bool {
        matches!(
            &*self.kind,
            "RESOURCE_LIMITS_EXCEEDED" | "MAX_NODE_LIMIT_EXCEEDED"
        ) || self.message.contains("timeout")
            || self.message.contains("respond to your request in time")
    }

    fn describe(&self) -> String {
        let message: String = self.message.chars().take(200).collect();
        format!("GitHub answered: {message}")
    }
}

impl Node {
    fn listed(self, problem: Option<FilesUnavailable>) -> ListedRepository {
        let entries = self.workflows.and_then(|tree| tree.entries);
        let files = entries
            .unwrap_or_default()
            .into_iter()
            .map(|entry| ListedFile {
                name: entry.name,
                text: match entry.object {
                    Some(Blob {
                        is_truncated: Some(true),
                        ..
                    }) => FileText::Truncated,
                    Some(Blob {
                        text: Some(text), ..
                    }) => FileText::Complete(text),
                    _ => FileText::NotText,
                },
            });
        ListedRepository {
            id: self.database_id,
            name: self.name_with_owner,
            is_archived: self.is_archived,
            is_fork: self.is_fork,
            is_private: self.is_private,
            files: problem.map_or_else(|| Ok(files.collect()), Err),
        }
    }
}

#[cfg(test)]
#[path = "graphql_tests.rs"]
mod tests;
