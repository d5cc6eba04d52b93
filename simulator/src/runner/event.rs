//! Event payloads with the fields that clients use. Source: GitHub's page "Webhook events and payloads".

use serde_json::{Value, json};

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

    /// Returns the pull request in the form of the API and the event.
    pub(crate) fn payload(&self, repository: &Repository, server_url: &str) -> Value {
        let head_repository = self.head_repository.as_ref().map(|head| {
            json!({
                "id": head.id, "name": head.name, "full_name": format!("{}/{}", head.owner, head.name),
                "owner": {"login": head.owner}, "fork": head.id != repository.id, "private": repository.private,
            })
        });
        let base_sha = repository
            .branch_sha(&self.base_ref)
            .unwrap_or_else(|| CommitSha::derived(&format!("base {}", self.base_ref)))
            .to_string();
        json!({
            "id": 1_000_000 + self.number, "number": self.number, "title": "a change", "state": "open", "draft": false,
            "merged": false, "author_association": "CONTRIBUTOR", "user": {"login": self.head_owner},
            "html_url": format!("{server_url}/{}/pull/{}", repository.full_name(), self.number),
            "head": {
                "label": format!("{}:{}", self.head_owner, self.head_ref), "ref": self.head_ref, "sha": self.head_sha.as_str(),
                "user": {"login": self.head_owner}, "repo": head_repository,
            },
            "base": {
                "label": format!("{}:{}", repository.owner, self.base_ref), "ref": self.base_ref, "sha": base_sha,
                "user": {"login": repository.owner}, "repo": repository_payload(repository, server_url),
            },
        })
    }
}

/// The trigger of a run, without the fields that all events have.
#[derive(Debug, Clone)]
pub(crate) enum Trigger {
    Push,
    PullRequest {
        pull: PullRequest,
        action: &'static str,
        merged: bool,
    },
    WorkflowDispatch,
    Schedule,
    MergeGroup {
        base: String,
    },
    WorkflowRun {
        head_branch: String,
        head_repository: String,
    },
    Release {
        tag: String,
    },
    Deployment,
    /// The caller's own payload.
    Given(Value),
}

impl Trigger {
    /// Returns the content of `event.json`.
    pub(crate) fn payload(&self, job: &super::Job, server_url: &str) -> Value {
        let repository = &job.repository;
        let sha = job.sha.as_str();
        let mut payload = match self {
            Self::Push => json!({
                "ref": job.reference, "after": sha, "before": "0".repeat(40), "created": false, "deleted": false, "forced": false,
                "head_commit": {"id": sha, "message": "a commit"}, "commits": [], "pusher": {"name": job.actor},
            }),
            Self::PullRequest {
                pull,
                action,
                merged,
            } => {
                let mut request = pull.payload(repository, server_url);
                if let Some(request) = request.as_object_mut().filter(|_| *action == "closed") {
                    request.insert("state".into(), "closed".into());
                    request.insert("merged".into(), (*merged).into());
                    request.insert("merge_commit_sha".into(), sha.into());
                }
                json!({"action": action, "number": pull.number, "pull_request": request})
            }
            Self::WorkflowDispatch => {
                json!({"inputs": {}, "ref": job.reference, "workflow": job.workflow_path()})
            }
            Self::Schedule => json!({"schedule": "0 3 * * *", "workflow": job.workflow_path()}),
            Self::MergeGroup { base } => json!({
                "action": "checks_requested",
                "merge_group": {"head_sha": sha, "head_ref": job.reference, "base_ref": format!("refs/heads/{base}"), "base_sha": repository.branch_sha(base).map(|sha| sha.to_string())},
            }),
            Self::WorkflowRun {
                head_branch,
                head_repository,
            } => json!({
                "action": "completed",
                "workflow_run": {
                    "id": 99, "name": "CI", "event": "pull_request", "conclusion": "success", "head_branch": head_branch,
                    "head_sha": CommitSha::derived(head_branch).as_str(), "head_repository": {"full_name": head_repository},
                },
            }),
            Self::Release { tag } => json!({
                "action": "published",
                "release": {"id": 7, "tag_name": tag, "target_commitish": repository.default_branch, "draft": false, "prerelease": false},
            }),
            Self::Deployment => json!({
                "action": "created",
                "deployment": {"id": 8, "sha": sha, "ref": sha, "environment": job.environment.as_deref().unwrap_or("production"), "task": "deploy"},
            }),
            Self::Given(payload) => return payload.clone(),
        };
        if let Some(payload) = payload.as_object_mut() {
            payload.insert(
                "repository".into(),
                repository_payload(repository, server_url),
            );
            payload.insert(
                "sender".into(),
                json!({"login": job.actor, "id": job.actor_id, "type": "User"}),
            );
        }
        payload
    }
}

fn repository_payload(repository: &Repository, server_url: &str) -> Value {
    let full_name = repository.full_name();
    json!({
        "id": repository.id, "name": repository.name, "full_name": full_name, "private": repository.private,
        "owner": {"login": repository.owner, "id": repository.owner_id, "type": "Organization"},
        "html_url": format!("{server_url}/{full_name}"), "default_branch": repository.default_branch, "fork": false,
    })
}
