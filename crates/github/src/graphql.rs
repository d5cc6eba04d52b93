//! GitHub's GraphQL API: the repositories of an owner, many in one request, with their workflow files.
//!
//! A page costs one point whatever its size, since it asks for one connection. What bounds it is time:
//! GitHub ends a query after ten seconds (502, 504, or an error that says so), and then the same in
//! smaller pages is what helps.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::api::{Api, Call};
use super::rate_limit::{Limited, RateLimit};
use crate::http::{HttpError, Response};

/// The query: `.ci/outside` holds it against GitHub's public schema.
const REPOSITORIES: &str = include_str!("repositories.graphql");
/// The largest answer in bytes. One that is larger is asked for again in smaller pages.
const MAX_ANSWER: usize = 8 << 20;

/// Which page is asked for.
#[derive(Clone, Copy, Debug)]
pub struct PageQuery<'q> {
    /// The organisation's or the user's name.
    pub login: &'q str,
    /// How many repositories, 1 to 100.
    pub first: u32,
    /// Where the last page ended; absent for the first.
    pub after: Option<&'q str>,
    /// Whether the workflow files are asked for.
    pub texts: bool,
}

/// A page of repositories, oldest first.
#[derive(Clone, Debug, Default)]
pub struct RepositoryPage {
    /// The owner's name as GitHub writes it.
    pub login: String,
    /// The owner's id.
    pub owner_id: Option<u64>,
    /// How many repositories there are on all pages.
    pub total: u64,
    /// Those that the token can see.
    pub repositories: Vec<ListedRepository>,
    /// Why others of this page cannot be seen, one message each.
    pub hidden: Vec<String>,
    /// Where the next page starts; absent on the last.
    pub next: Option<String>,
    /// What the request cost; absent where nothing costs.
    pub points: Option<u64>,
}

/// A repository of a page.
#[derive(Clone, Debug)]
pub struct ListedRepository {
    /// Its id.
    pub id: Option<u64>,
    /// `OWNER/NAME`.
    pub name: String,
    /// Nothing of it can be changed, and no workflow of it runs.
    pub is_archived: bool,
    /// It was forked from another one.
    pub is_fork: bool,
    /// Private or internal.
    pub is_private: bool,
    /// `.github/workflows` at the tip of the default branch.
    pub files: Result<Vec<ListedFile>, NoFiles>,
}

/// Why the files of a repository are not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoFiles {
    /// They were not asked for, or are too many for a query: the contents API has them.
    Open,
    /// The token may not read them.
    Refused(String),
}

/// What stands in `.github/workflows`.
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
    /// All of it.
    Whole(String),
    /// GitHub cut it: the contents API has all of it.
    Cut,
    /// It is no text, or no file.
    None,
}

/// Why there is no page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// It was too much for one request.
    #[error("{0}")]
    TooMuch(String),
    /// A rate limit.
    #[error("{1}")]
    Limited(Limited, String),
    /// Nothing that can be read came back: another try can help.
    #[error("{0}")]
    Failed(String),
    /// There is no such owner.
    #[error("there is no such organisation or user, or the token cannot see it")]
    NoOwner,
    /// Anything else: another try does not help.
    #[error("{0}")]
    Refused(String),
}

impl Api {
    /// Asks for a page, once: what to do about a failure, the caller knows. The second part is where
    /// the token stands, also after a failure.
    ///
    /// # Errors
    /// There is no page.
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
        // Texts, a number and a boolean: there is nothing that could fail.
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
                Self::TooMuch(error.to_string())
            }
            HttpError::Unsendable { .. } => Self::Refused(error.to_string()),
            _ => Self::Failed(error.to_string()),
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

/// Empty for what is no tree.
#[derive(Deserialize)]
struct Tree {
    entries: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    object: Option<Blob>,
}

/// Empty for what is no blob.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Blob {
    is_truncated: Option<bool>,
    text: Option<String>,
}

fn page(response: &Response, query: &PageQuery<'_>) -> Result<RepositoryPage, QueryError> {
    let status = response.status.as_u16();
    if response.status != http::StatusCode::OK {
        let answer = format!("GitHub answered {}", response.describe());
        let message = response.message().unwrap_or_default();
        return Err(match (Limited::of(response, &message), status) {
            (Some(limited), _) => QueryError::Limited(limited, answer),
            (None, 502 | 504) => QueryError::TooMuch(answer),
            (None, 500..) => QueryError::Failed(answer),
            (None, _) => QueryError::Refused(answer),
        });
    }
    let answer: Answer = serde_json::from_slice(&response.body).map_err(|error| {
        QueryError::Failed(format!("GitHub's answer is not as documented: {error}"))
    })?;
    let mut unseen: HashMap<usize, NoFiles> = HashMap::new();
    for error in answer.errors {
        if let Some(limited) = error.limited(response) {
            return Err(QueryError::Limited(limited, error.said()));
        }
        match error.node() {
            Some(node) if !error.is_too_much() => {
                unseen.insert(node, NoFiles::Refused(error.said()));
            }
            Some(node) if query.first == 1 => {
                unseen.insert(node, NoFiles::Open);
            }
            _ if error.is_too_much() => return Err(QueryError::TooMuch(error.said())),
            _ if error.kind == "NOT_FOUND" => return Err(QueryError::NoOwner),
            _ => return Err(QueryError::Refused(error.said())),
        }
    }
    let incomplete = || QueryError::Failed("GitHub's answer is incomplete".to_owned());
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
        let why = unseen.remove(&index);
        match (node, why) {
            (Some(node), None) if !query.texts => {
                page.repositories.push(node.listed(Some(NoFiles::Open)));
            }
            (Some(node), why) => page.repositories.push(node.listed(why)),
            (None, Some(NoFiles::Refused(why))) => page.hidden.push(why),
            (None, _) => page.hidden.push("GitHub does not say why".to_owned()),
        }
    }
    Ok(page)
}

impl GraphQlError {
    /// The place in the page of the repository that it is about.
    fn node(&self) -> Option<usize> {
        let mut path = self.path.iter();
        path.find(|part| part.as_str() == Some("nodes"))?;
        usize::try_from(path.next()?.as_u64()?).ok()
    }

    fn limited(&self, response: &Response) -> Option<Limited> {
        // Both types were seen, and messages of other words.
        let message = match &*self.kind {
            "RATE_LIMIT" | "RATE_LIMITED" => "rate limit",
            _ => &self.message,
        };
        Limited::of(response, message)
    }

    fn is_too_much(&self) -> bool {
        matches!(
            &*self.kind,
            "RESOURCE_LIMITS_EXCEEDED" | "MAX_NODE_LIMIT_EXCEEDED"
        ) || self.message.contains("timeout")
            || self.message.contains("respond to your request in time")
    }

    fn said(&self) -> String {
        let message: String = self.message.chars().take(200).collect();
        format!("GitHub answered: {message}")
    }
}

impl Node {
    fn listed(self, why_not: Option<NoFiles>) -> ListedRepository {
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
                    }) => FileText::Cut,
                    Some(Blob {
                        text: Some(text), ..
                    }) => FileText::Whole(text),
                    _ => FileText::None,
                },
            });
        ListedRepository {
            id: self.database_id,
            name: self.name_with_owner,
            is_archived: self.is_archived,
            is_fork: self.is_fork,
            is_private: self.is_private,
            files: why_not.map_or_else(|| Ok(files.collect()), Err),
        }
    }
}

#[cfg(test)]
#[path = "graphql_tests.rs"]
mod tests;
