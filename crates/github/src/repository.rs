//! Details of a repository and of a pull request.

use serde::Deserialize;

use super::api::{Api, ApiError, BY_ID, MAX_JSON, encode, json};
use engine::RepositoryName;
use engine::context::PullRequest;

const ACCEPT: &str = "application/vnd.github+json";

/// How a request names a repository.
#[derive(Clone, Copy, Debug)]
pub enum RepositoryKey<'a> {
    /// By its name. GitHub redirects a former name, and a name can belong to another repository later.
    Name(&'a RepositoryName),
    /// By its id, which no other repository ever gets. Requests with it follow no redirect.
    Id(u64),
}

impl<'a> From<&'a RepositoryName> for RepositoryKey<'a> {
    fn from(name: &'a RepositoryName) -> Self {
        Self::Name(name)
    }
}

impl From<u64> for RepositoryKey<'_> {
    fn from(id: u64) -> Self {
        Self::Id(id)
    }
}

/// Returns the path of a repository by its name.
pub(super) fn route(repository: &RepositoryName) -> String {
    format!(
        "repos/{}/{}",
        encode(repository.owner()),
        encode(repository.name())
    )
}

impl RepositoryKey<'_> {
    /// Returns the path of the repository. GitHub's redirects of former names lead to the form with the id, below
    /// which it has the same resources.
    pub(super) fn route(self) -> String {
        match self {
            Self::Name(name) => route(name),
            Self::Id(id) => format!("{BY_ID}{id}"),
        }
    }

    /// Returns an error if an answer about the repository is about another one.
    pub(super) fn check(self, found: Option<u64>) -> Result<(), ApiError> {
        match self {
            Self::Id(id) if found != Some(id) => Err(ApiError::Shape(format!(
                "it is about another repository than the one with the id {id}"
            ))),
            _ => Ok(()),
        }
    }
}

/// A repository, with the details that policies refer to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Repository {
    /// Its id, which survives renames and transfers.
    pub id: u64,
    /// Its current `OWNER/NAME`. After a rename, GitHub redirects the old name here.
    pub full_name: String,
    /// Its owner.
    pub owner: Owner,
    /// The name of its default branch.
    #[serde(default)]
    pub default_branch: Option<String>,
    /// The repository that it is a fork of, if it is a fork.
    #[serde(default)]
    pub parent: Option<Upstream>,
    /// The root of its fork network, if it is a fork.
    #[serde(default)]
    pub source: Option<Upstream>,
}

impl Repository {
    /// Returns whether it is a direct or indirect fork of the repository with the id.
    pub fn is_fork_of(&self, id: &str) -> bool {
        let upstreams = [&self.parent, &self.source];
        let mut upstreams = upstreams.into_iter().flatten();
        upstreams.any(|upstream| upstream.id.to_string() == id)
    }
}

/// A repository with forks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Upstream {
    /// Its id.
    pub id: u64,
}

/// The owner of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Owner {
    /// Its id.
    pub id: u64,
}

impl Api {
    /// Fetches the details of a repository.
    ///
    /// # Errors
    /// The request failed, or the answer has another id. 404 can also mean a private repository that the token
    /// cannot see.
    pub async fn repository(
        &self,
        repository: impl Into<RepositoryKey<'_>>,
    ) -> Result<Repository, ApiError> {
        let key = repository.into();
        let found: Repository = json(&self.get(&key.route(), ACCEPT, MAX_JSON).await?)?;
        key.check(Some(found.id))?;
        Ok(found)
    }

    /// Fetches the details of a pull request.
    ///
    /// # Errors
    /// The request failed, or the answer is about a pull request of another id. 403 means a private repository whose
    /// pull requests the token may not read.
    pub async fn pull_request(
        &self,
        repository: impl Into<RepositoryKey<'_>>,
        number: u64,
    ) -> Result<PullRequest, ApiError> {
        let key = repository.into();
        let route = format!("{}/pulls/{number}", key.route());
        let found: PullRequest = json(&self.get(&route, ACCEPT, MAX_JSON).await?)?;
        let base = found.base.as_ref().and_then(|base| base.repo.as_ref());
        key.check(base.and_then(|repository| repository.id))?;
        Ok(found)
    }
}
