//! What a repository or a pull request is.

use serde::Deserialize;

use super::api::{Api, ApiError, MAX_JSON, json};
use super::contents::route;
use engine::RepositoryName;
use engine::context::PullRequest;

const ACCEPT: &str = "application/vnd.github+json";

/// A repository, as far as a policy names it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct About {
    /// Its id, which stays when it is renamed or transferred.
    pub id: u64,
    /// `OWNER/NAME` today: after a rename the old name leads here too.
    pub full_name: String,
    /// Who has it.
    pub owner: Owner,
    /// The name of its default branch.
    #[serde(default)]
    pub default_branch: Option<String>,
    /// What it was forked from, if it is a fork.
    #[serde(default)]
    pub parent: Option<Origin>,
    /// What the repositories of its network were forked from first, if it is a fork.
    #[serde(default)]
    pub source: Option<Origin>,
}

impl About {
    /// Whether it was forked from the repository with the id, directly or over others.
    pub fn is_fork_of(&self, id: &str) -> bool {
        let origins = [&self.parent, &self.source];
        let mut origins = origins.into_iter().flatten();
        origins.any(|origin| origin.id.to_string() == id)
    }
}

/// A repository that others were forked from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Origin {
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
    /// Asks what a repository is.
    ///
    /// # Errors
    /// The request failed: 404 also for a private repository that the token cannot see.
    pub async fn about(&self, repository: &RepositoryName) -> Result<About, ApiError> {
        json(&self.get(&route(repository), ACCEPT, MAX_JSON).await?)
    }

    /// Asks what a pull request is.
    ///
    /// # Errors
    /// The request failed: 403 for a private repository whose pull requests the token may not read.
    pub async fn pull_request(
        &self,
        repository: &RepositoryName,
        number: u64,
    ) -> Result<PullRequest, ApiError> {
        let route = format!("{}/pulls/{number}", route(repository));
        json(&self.get(&route, ACCEPT, MAX_JSON).await?)
    }
}
