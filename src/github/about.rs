//! What a repository is.

use serde::Deserialize;

use super::api::{Api, ApiError, MAX_JSON, json};
use super::contents::route;
use super::repository::RepositoryName;

/// A repository, as far as a policy names it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct About {
    /// Its id, which stays when it is renamed or transferred.
    pub id: u64,
    /// `OWNER/NAME` today: after a rename the old name leads here too.
    pub full_name: String,
    /// Who has it.
    pub owner: Owner,
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
        let accept = "application/vnd.github+json";
        json(&self.get(&route(repository), accept, MAX_JSON).await?)
    }
}
