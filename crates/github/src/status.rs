//! Commit statuses: POST /repos/{owner}/{repo}/statuses/{sha}.

use engine::RepositoryName;
use serde::Serialize;

use super::api::{Api, ApiError, encode};
use super::repository::route;
use crate::http::Retry;

impl Api {
    /// Sets a commit status. It is idempotent, so failures are retried.
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
        self.post(&path, status, Retry::Safe).await?;
        Ok(())
    }
}
