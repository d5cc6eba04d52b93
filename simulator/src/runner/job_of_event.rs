//! The job that an event starts, as GitHub describes it: "Events that trigger workflows".

use super::job::Job;
use super::pull_request::PullRequest;
use super::trigger::Trigger;
use crate::github::{CommitSha, Permissions, Repository};

impl Job {
    /// Creates the job of a push to `branch`, which should exist.
    #[must_use]
    pub fn push(repository: &Repository, branch: &str) -> Self {
        Self::on_branch(repository, branch, "push", Trigger::Push)
    }

    /// Creates the job of a push of a tag.
    #[must_use]
    pub fn tag_push(repository: &Repository, tag: &str) -> Self {
        Self::new(
            repository,
            "push",
            &format!("refs/tags/{tag}"),
            CommitSha::derived(&format!("tag {tag}")),
            Trigger::Push,
        )
    }

    /// Creates the job of an opened or updated pull request. A job of a fork gets no OIDC token and read access only.
    #[must_use]
    pub fn pull_request(repository: &Repository, pull: PullRequest) -> Self {
        let reference = format!("refs/pull/{}/merge", pull.number);
        let sha = CommitSha::derived(&format!("merge of {}", pull.head_sha));
        let from_fork = !pull.is_from(repository);
        let mut job = Self::for_pull_request(
            repository,
            pull,
            "pull_request",
            &reference,
            sha,
            ("synchronize", false),
        );
        if from_fork {
            job.id_token = false;
            job.permissions = Permissions::fork();
        }
        job
    }

    /// Creates the job of a merged pull request, with the base branch as its ref.
    #[must_use]
    pub fn pull_request_merged(repository: &Repository, pull: PullRequest) -> Self {
        let reference = format!("refs/heads/{}", pull.base_ref);
        let sha = repository
            .branch_sha(&pull.base_ref)
            .unwrap_or_else(|| CommitSha::derived(&reference));
        Self::for_pull_request(
            repository,
            pull,
            "pull_request",
            &reference,
            sha,
            ("closed", true),
        )
    }

    /// Creates the job of `pull_request_target`, which runs on the default branch with full access, for any pull
    /// request.
    #[must_use]
    pub fn pull_request_target(repository: &Repository, pull: PullRequest) -> Self {
        let reference = format!("refs/heads/{}", repository.default_branch);
        let sha = repository
            .branch_sha(&repository.default_branch)
            .unwrap_or_else(|| CommitSha::derived(&reference));
        Self::for_pull_request(
            repository,
            pull,
            "pull_request_target",
            &reference,
            sha,
            ("synchronize", false),
        )
    }

    /// Creates a job that somebody starts manually on `branch`.
    #[must_use]
    pub fn workflow_dispatch(repository: &Repository, branch: &str) -> Self {
        Self::on_branch(
            repository,
            branch,
            "workflow_dispatch",
            Trigger::WorkflowDispatch,
        )
    }

    /// Creates a scheduled job on the default branch.
    #[must_use]
    pub fn schedule(repository: &Repository) -> Self {
        Self::on_branch(
            repository,
            &repository.default_branch,
            "schedule",
            Trigger::Schedule,
        )
    }

    /// Creates the job of a merge queue: `gh-readonly-queue/BASE/pr-N-SHA`.
    #[must_use]
    pub fn merge_group(repository: &Repository, base: &str, number: u64) -> Self {
        let sha = CommitSha::derived(&format!("queue {number}"));
        let branch = format!("gh-readonly-queue/{base}/pr-{number}-{sha}");
        let trigger = Trigger::MergeGroup {
            base: base.to_owned(),
        };
        Self::new(
            repository,
            "merge_group",
            &format!("refs/heads/{branch}"),
            sha,
            trigger,
        )
    }

    /// Creates a job that starts after another workflow, which ran for `head_branch` of `head_repository`
    /// (`OWNER/REPO`).
    #[must_use]
    pub fn workflow_run(repository: &Repository, head_repository: &str, head_branch: &str) -> Self {
        let trigger = Trigger::WorkflowRun {
            head_branch: head_branch.to_owned(),
            head_repository: head_repository.to_owned(),
        };
        Self::on_branch(
            repository,
            &repository.default_branch,
            "workflow_run",
            trigger,
        )
    }

    /// Creates the job of a published release.
    #[must_use]
    pub fn release(repository: &Repository, tag: &str) -> Self {
        let trigger = Trigger::Release {
            tag: tag.to_owned(),
        };
        Self::new(
            repository,
            "release",
            &format!("refs/tags/{tag}"),
            CommitSha::derived(&format!("tag {tag}")),
            trigger,
        )
    }

    /// Creates the job of a deployment by SHA, with an empty ref.
    #[must_use]
    pub fn deployment(repository: &Repository) -> Self {
        Self::new(
            repository,
            "deployment",
            "",
            CommitSha::derived("deployment"),
            Trigger::Deployment,
        )
    }

    fn on_branch(
        repository: &Repository,
        branch: &str,
        event_name: &str,
        trigger: Trigger,
    ) -> Self {
        let sha = repository
            .branch_sha(branch)
            .unwrap_or_else(|| CommitSha::derived(branch));
        Self::new(
            repository,
            event_name,
            &format!("refs/heads/{branch}"),
            sha,
            trigger,
        )
    }

    fn for_pull_request(
        repository: &Repository,
        pull: PullRequest,
        event_name: &str,
        reference: &str,
        sha: CommitSha,
        (action, merged): (&'static str, bool),
    ) -> Self {
        let (head_ref, base_ref, actor) = (
            pull.head_ref.clone(),
            pull.base_ref.clone(),
            pull.head_owner.clone(),
        );
        let known = pull.clone();
        let mut job = Self::new(
            repository,
            event_name,
            reference,
            sha,
            Trigger::PullRequest {
                pull,
                action,
                merged,
            },
        );
        job.head_ref = head_ref;
        job.base_ref = base_ref;
        job.pull_request = Some(known);
        job.actor = actor;
        job
    }
}
