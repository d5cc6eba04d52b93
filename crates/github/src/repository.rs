//! Details of a repository and of a pull request.

use serde::Deserialize;

use super::api::{Api, ApiError, MAX_JSON, json};
use super::contents::route;
use engine::RepositoryName;
use engine::context::PullRequest;

const ACCEPT: &str = "application/vnd.github+json";

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
    /// The request failed. 404 can also mean a private repository that the token cannot see.
    pub async fn repository(&self, repository: &RepositoryName) -> Result<Repository, ApiError> {
        json(&self.get(&route(repository), ACCEPT, MAX_JSON).await?)
    }

    /// Fetches the details of a pull request.
    ///
    /// # Errors
    /// The request failed. 403 means a private repository whose pull requests the token may not read.
    pub async fn pull_request(
        &self,
        repository: &RepositoryName,
        number: u64,
    ) -> Result<PullRequest, ApiError> {
        let route = format!("{}/pulls/{number}", route(repository));
        json(&self.get(&route, ACCEPT, MAX_JSON).await?)
    }
}
