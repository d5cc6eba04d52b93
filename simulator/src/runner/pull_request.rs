//! A pull request, as GitHub knows it.

use crate::github::{CommitSha, Repository};

/// The head repository of a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadRepository {
    /// Owner's login.
    pub owner: String,
    /// Name without the owner.
    pub name: String,
    /// Numeric id.
    pub id: u64,
}

/// A pull request.
#[derive(Debug, Clone)]
pub struct PullRequest {
    /// Number, `N` in `refs/pull/N/merge`.
    pub number: u64,
    /// `None` after the deletion of the fork, with `head.repo` as `null`.
    pub head_repository: Option<HeadRepository>,
    /// Login of the head's owner, also after the deletion of the fork.
    pub head_owner: String,
    /// Short name of the head branch.
    pub head_ref: String,
    /// Tip of the head branch, where reports belong.
    pub head_sha: CommitSha,
    /// Short name of the target branch.
    pub base_ref: String,
}

impl PullRequest {
    /// Creates a pull request from a branch of `repository` into its default branch.
    #[must_use]
    pub fn same_repository(repository: &Repository, number: u64, branch: &str) -> Self {
        let head = HeadRepository {
            owner: repository.owner.clone(),
            name: repository.name.clone(),
            id: repository.id,
        };
        Self {
            head_sha: repository
                .branch_sha(branch)
                .unwrap_or_else(|| CommitSha::derived(&format!("head {branch}"))),
            ..Self::from_head(repository, number, head, branch)
        }
    }

    /// Creates a pull request from a branch of the fork `OWNER/REPO`, with its own id, into the default branch of
    /// `repository`.
    #[must_use]
    pub fn fork(
        repository: &Repository,
        number: u64,
        fork: &str,
        fork_id: u64,
        branch: &str,
    ) -> Self {
        let (owner, name) = fork.split_once('/').unwrap_or((fork, &repository.name));
        let head = HeadRepository {
            owner: owner.to_owned(),
            name: name.to_owned(),
            id: fork_id,
        };
        Self::from_head(repository, number, head, branch)
    }

    /// Changes the base branch.
    #[must_use]
    pub fn into_base(mut self, branch: &str) -> Self {
        self.base_ref = branch.to_owned();
        self
    }

    /// Deletes the fork.
    #[must_use]
    pub fn deleted_head(mut self) -> Self {
        self.head_repository = None;
        self
    }

    fn from_head(repository: &Repository, number: u64, head: HeadRepository, branch: &str) -> Self {
        Self {
            number,
            head_owner: head.owner.clone(),
            head_sha: CommitSha::derived(&format!(
                "{}/{} {branch} of #{number}",
                head.owner, head.name
            )),
            head_repository: Some(head),
            head_ref: branch.to_owned(),
            base_ref: repository.default_branch.clone(),
        }
    }

    /// Returns whether the head is in `repository`.
    #[must_use]
    pub fn is_from(&self, repository: &Repository) -> bool {
        self.head_repository
            .as_ref()
            .is_some_and(|head| head.id == repository.id)
    }
}
