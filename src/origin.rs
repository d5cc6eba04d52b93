//! Checks the origin of the policy: it must not come from the tree under check.
//!
//! In pull requests, and in events that untrusted people can start, they must not control the policy. If the
//! input `policy` names a file without a repository, such as `./PATH`, its text decides. If it names a
//! repository, the id decides, because GitHub also serves a repository under its former names.

use std::fmt::Display;

use anyhow::Context as _;

use super::credentials::Credentials;
use super::untrusted::is_untrusted_event;
use analysis::report::Failure;
use engine::RepositoryName;
use engine::context::{EventPayload, RefRepository, pull_request_number};
use engine::decision::Reason;
use engine::policy::source::{GitRef, PolicySource, RefKind};
use github::http::Budget;
use github::{Api, Repository};

/// The facts about an event that decide who can change the policy.
pub struct PolicyOrigin<'a> {
    /// `GITHUB_EVENT_NAME`, which the token must match.
    pub event: &'a str,
    /// `GITHUB_REF`.
    pub git_ref: &'a str,
    /// `GITHUB_REPOSITORY_ID`, which the token must match.
    pub this: &'a str,
    /// The event's payload.
    pub payload: Option<&'a EventPayload>,
}

impl PolicyOrigin<'_> {
    /// Checks that the repository of a policy is neither this repository, nor a fork of it, nor the pull request's
    /// head repository. Asks GitHub only if the event is untrusted.
    ///
    /// # Errors
    /// The repository is one of these, or GitHub did not answer.
    pub async fn check(
        &self,
        source: &PolicySource,
        credentials: &Credentials,
        budget: Budget,
    ) -> Result<(), Failure> {
        let PolicySource::Repository {
            repository,
            reference,
            ..
        } = source
        else {
            return Ok(());
        };
        if !is_untrusted_event(self.event) {
            return Ok(());
        }
        let unknown = |why: &dyn Display| {
            let message = format!(
                "the policy `{source}` is not used, because it is unknown whether `{repository}` differs from this \
                repository and the head's: {why}"
            );
            Failure::new(Reason::PolicyUnreadable, message)
        };
        let api = credentials.for_policy(repository, budget).await;
        let api = api.map_err(|error| unknown(&error))?;
        let found = api.repository(repository).await;
        let found = found.map_err(|error| unknown(&error))?;
        if let Some(relation) = self.relation(&found) {
            return Err(Failure::new(
                Reason::InputInvalid,
                format!(
                    "`policy` is `{source}`, and `{repository}` is {relation}, which an untrusted author can change in a \
                     `{}` event: name a file of this repository without `OWNER/REPO` and `@REF`, to read it from the \
                     default branch, or a file of another repository",
                    self.event
                ),
            ));
        }
        match reference.kind() {
            RefKind::Commit
                if !is_merged(&api, repository, &found, reference)
                    .await
                    .map_err(|error| unknown(&error))? =>
            {
                Err(Failure::new(
                    Reason::InputInvalid,
                    format!(
                        "`policy` is `{source}`, a commit that is not on the default branch of `{repository}` and can \
                        belong to a fork: name a commit on that branch, a branch or a tag"
                    ),
                ))
            }
            _ => Ok(()),
        }
    }

    /// Returns how the repository relates to this one, if it does.
    fn relation(&self, found: &Repository) -> Option<&'static str> {
        if found.id.to_string() == self.this {
            return Some("this repository");
        }
        if self
            .head()
            .is_some_and(|head| head.is_same(found.id, &found.full_name))
        {
            return Some("the repository of the pull request's head");
        }
        found
            .is_fork_of(self.this)
            .then_some("a fork of this repository")
    }

    /// Returns the repository of the event's code, if the payload names it for this event.
    /// [`Repository::is_fork_of`] covers forks that it does not name.
    fn head(&self) -> Option<&RefRepository> {
        let payload = self.payload?;
        if !self.event.starts_with("pull_request") {
            return payload.workflow_run.as_ref()?.head_repository.as_ref();
        }
        let pull_request = payload.pull_request.as_ref()?;
        let number = pull_request_number(self.git_ref);
        let is_this_one = number.is_none_or(|number| number == pull_request.number.to_string());
        pull_request.head.repo.as_ref().filter(|_| is_this_one)
    }
}

/// Returns whether a commit is in the history of the default branch. GitHub serves the commits of all forks under
/// a repository's name.
async fn is_merged(
    api: &Api,
    repository: &RepositoryName,
    found: &Repository,
    commit: &GitRef,
) -> anyhow::Result<bool> {
    let branch = found.default_branch.as_deref();
    let branch = branch.context("GitHub did not return its default branch")?;
    let base = api.merge_base(repository, branch, commit.as_str());
    Ok(base.await?.eq_ignore_ascii_case(commit.as_str()))
}
