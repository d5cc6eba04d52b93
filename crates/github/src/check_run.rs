//! Check runs: POST /repos/{owner}/{repo}/check-runs.

use engine::RepositoryName;
use serde::{Deserialize, Serialize};

use super::api::{Api, ApiError, json};
use super::contents::route;
use crate::http::Repeat;

/// What GitHub says of a created check run. Every field is optional: the run exists whatever the
/// answer looks like.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct CreatedCheckRun {
    /// Its page.
    #[serde(default)]
    pub html_url: Option<String>,
}

impl Api {
    /// Creates a check run; not repeated blindly, since that could create two.
    ///
    /// # Errors
    /// The request failed.
    pub async fn create_check_run(
        &self,
        repository: &RepositoryName,
        run: &impl Serialize,
    ) -> Result<CreatedCheckRun, ApiError> {
        let path = format!("{}/check-runs", route(repository));
        let response = self.post(&path, run, Repeat::Unsafe).await?;
        Ok(json(&response).unwrap_or_default())
    }
}
