//! A commit status.

use serde_json::Value;

/// A commit status.
#[derive(Debug, Clone)]
pub struct CommitStatus {
    /// Numeric id.
    pub id: u64,
    /// `OWNER/REPO`.
    pub repository: String,
    /// The commit that shows it.
    pub sha: String,
    /// `error`, `failure`, `pending` or `success`.
    pub state: String,
    /// Name of the status, unique per commit without regard to case.
    pub context: String,
    /// Plain text.
    pub description: Option<String>,
    /// Target of its link.
    pub target_url: Option<String>,
    /// The request's body.
    pub request: Value,
}
