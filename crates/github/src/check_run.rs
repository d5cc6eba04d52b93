//! Check runs: POST /repos/{owner}/{repo}/check-runs.

use engine::RepositoryName;
use serde::{Deserialize, Serialize};

use super::api::{Api, ApiError, json};
use super::repository::route;
use crate::http::Retry;

/// GitHub's response to the creation of a check run. All fields are optional, because the check run exists
/// whatever the response contains.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct CreatedCheckRun {
    /// URL of its page.
    #[serde(default)]
    pub html_url: Option<String>,
}

impl Api {
    /// Creates a check run. It retries only failures that cannot have created one.
    ///
    /// # Errors
    /// The request failed.
    pub async fn create_check_run(
        &self,
        repository: &RepositoryName,
        run: &impl Serialize,
    ) -> Result<CreatedCheckRun, ApiError> {
        let path = format!("{}/check-runs", route(repository));
        let response = self.post(&path, run, Retry::Unsafe).await?;
        Ok(json(&response).unwrap_or_default())
    }
}
