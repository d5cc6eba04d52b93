//! Commit statuses: POST /repos/{owner}/{repo}/statuses/{sha}.

use engine::RepositoryName;
use serde::Serialize;

use super::api::{Api, ApiError, encode};
use super::contents::route;
use crate::http::Repeat;

impl Api {
    /// Sets a commit status. The same again sets the same, so it is repeated when it fails.
    ///
    /// # Errors
    /// The request failed.
    pub async fn create_status(
        &self,
        repository: &RepositoryName,
        sha: &str,
        status: &impl Serialize,
    ) -> Result<(), ApiError> {
        let path = format!("{}/statuses/{}", route(repository), encode(sha));
        self.post(&path, status, Repeat::Safe).await?;
        Ok(())
    }
}
