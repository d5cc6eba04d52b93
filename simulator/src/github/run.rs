//! Runs of workflows whose jobs wait for a review.

use super::repository::{CommitSha, Repository};

/// A run of a workflow.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its id.
    pub id: u64,
    /// Id of its repository.
    pub repository: u64,
    /// `.github/workflows/FILE`.
    pub path: String,
    /// Event that started it.
    pub event: String,
    /// Short name of its branch or tag.
    pub head_branch: String,
    /// Its commit.
    pub head_sha: CommitSha,
    /// `OWNER/NAME` and id of the repository of its commit.
    pub head_repository: Option<(String, u64)>,
    /// Login of the user who started it.
    pub actor: String,
    /// Environments that its jobs wait for, one entry a job.
    pub waiting: Vec<String>,
    /// Whether all its jobs have ended.
    pub is_completed: bool,
}

impl Run {
    /// Creates a run of a push to a branch, at its tip.
    #[must_use]
    pub fn push(repository: &Repository, id: u64, branch: &str, file: &str) -> Self {
        let tip = repository.branch_sha(branch);
        Self {
            id,
            repository: repository.id,
            path: format!(".github/workflows/{file}"),
            event: "push".to_owned(),
            head_branch: branch.to_owned(),
            head_sha: tip.unwrap_or_else(|| CommitSha::derived(branch)),
            head_repository: Some((repository.full_name(), repository.id)),
            actor: "octocat".to_owned(),
            waiting: Vec::new(),
            is_completed: false,
        }
    }

    /// Lets a job wait for an environment.
    #[must_use]
    pub fn waiting_for(mut self, environment: &str) -> Self {
        self.waiting.push(environment.to_owned());
        self
    }
}

/// A review that somebody posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostedReview {
    /// Id of the run.
    pub run: u64,
    /// The environment.
    pub environment: String,
    /// `approved` or `rejected`.
    pub state: String,
    /// The comment.
    pub comment: String,
}
