//! Commit statuses: POST /repos/{owner}/{repo}/statuses/{sha}.

use serde::Serialize;

use super::api::{Api, ApiError, encode};
use super::contents::route;
use super::repository::RepositoryName;
use crate::http::Repeat;

/// The longest description in characters; longer ones are refused with 422.
pub const MAX_DESCRIPTION: usize = 140;

/// A commit status; the newest of a context counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommitStatus {
    /// The result.
    pub state: State,
    /// Its name.
    pub context: String,
    /// One line, at most [`MAX_DESCRIPTION`] characters.
    pub description: String,
    /// Where the link leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_url: Option<String>,
}

/// The result of a commit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Allowed, or would be denied in advisory mode.
    Success,
    /// Denied.
    Failure,
    /// It could not be decided.
    Error,
}

impl Api {
    /// Sets a commit status. The same again sets the same, so it is repeated when it fails.
    ///
    /// # Errors
    /// The request failed.
    pub async fn create_status(
        &self,
        repository: &RepositoryName,
        sha: &str,
        status: &CommitStatus,
    ) -> Result<(), ApiError> {
        let path = format!("{}/statuses/{}", route(repository), encode(sha));
        self.post(&path, status, Repeat::Safe).await?;
        Ok(())
    }
}
