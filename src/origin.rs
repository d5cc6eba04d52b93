//! Whose text the policy is: never that of the tree which is judged.
//!
//! In a pull request and in events that strangers start, the text that the input `policy` leads to must not
//! be theirs. Where it names a place by text alone, such as `./PATH`, the text decides; where it names a
//! repository, its id does, since GitHub answers for a repository under its old names too.

use super::credentials::Credentials;
use analysis::report::Failure;
use engine::RepositoryName;
use engine::context::{EventPayload, RefRepository, pull_request_number};
use engine::decision::{Reason, is_trusted_event};
use engine::policy::source::{GitRef, Named, PolicySource};
use github::http::Budget;
use github::{About, Api};

/// Whether the tree of an event can be a stranger's.
pub fn is_judged(event: &str) -> bool {
    event.starts_with("pull_request") || !is_trusted_event(event)
}

/// Why the input `policy` is refused by its text alone, if it is.
pub fn refusal(
    source: &PolicySource,
    event: &str,
    this: Option<&RepositoryName>,
) -> Option<String> {
    if !is_judged(event) {
        return None;
    }
    let (is, path) = match source {
        PolicySource::DefaultBranch(_) | PolicySource::Inline(_) => return None,
        PolicySource::Workspace(path) => ("a file of the workspace", path),
        PolicySource::Repository {
            repository, path, ..
        } if this.is_some_and(|this| this.is_same(repository)) => {
            ("a file of this repository at a ref", path)
        }
        PolicySource::Repository { reference, .. } => {
            return (reference.named() == Named::Either).then(|| {
                format!(
                    "`policy` is `{source}`, whose ref can be a part of a commit's SHA, and so a fork's commit: name \
                     the branch as `refs/heads/NAME`, the tag as `refs/tags/NAME`, or all digits of the commit"
                )
            });
        }
    };
    Some(format!(
        "`policy` is `{source}`, {is}, which in a `{event}` event can be a stranger's text: write `{path}` to read it \
         at the default branch"
    ))
}

/// An event, as far as it matters for whose text a policy is.
pub struct Origin<'a> {
    /// `GITHUB_EVENT_NAME`, with which the token has to agree.
    pub event: &'a str,
    /// `GITHUB_REF`.
    pub git_ref: &'a str,
    /// `GITHUB_REPOSITORY_ID`, with which the token has to agree.
    pub this: &'a str,
    /// The event's payload.
    pub payload: Option<&'a EventPayload>,
}

impl Origin<'_> {
    /// Checks that a policy of another repository is neither this repository's, nor its fork's, nor the
    /// pull request's. Asks GitHub only where the event can be a stranger's.
    ///
    /// # Errors
    /// It is one of these, or that cannot be found out.
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
        if !is_judged(self.event) {
            return Ok(());
        }
        let unknown = |why: String| {
            let message = format!(
                "the policy `{source}` is not used, since it is not known whether `{repository}` is another repository \
                 than this one and the head's: {why}"
            );
            Failure::new(Reason::PolicyUnreadable, message)
        };
        let api = credentials.for_policy(repository, budget).await;
        let api = api.map_err(unknown)?;
        let about = api.about(repository).await;
        let about = about.map_err(|error| unknown(error.to_string()))?;
        if let Some(whose) = self.whose(&about) {
            return Err(Failure::new(
                Reason::InputInvalid,
                format!(
                    "`policy` is `{source}`, and `{repository}` is {whose}, whose text in a `{}` event can be a \
                     stranger's: name a file of this repository without `OWNER/REPO` and `@REF`, to read it at the \
                     default branch, or one of another repository",
                    self.event
                ),
            ));
        }
        match reference.named() {
            Named::Commit
                if !is_merged(&api, repository, &about, reference)
                    .await
                    .map_err(unknown)? =>
            {
                Err(Failure::new(
                    Reason::InputInvalid,
                    format!(
                        "`policy` is `{source}`, a commit that the default branch of `{repository}` does not have, so \
                         that it can be a fork's: name one that it has, a branch or a tag"
                    ),
                ))
            }
            _ => Ok(()),
        }
    }

    /// Whose the repository is, if it is not another one.
    fn whose(&self, about: &About) -> Option<&'static str> {
        if about.id.to_string() == self.this {
            return Some("this repository");
        }
        if self
            .head()
            .is_some_and(|head| head.is_called(about.id, &about.full_name))
        {
            return Some("the repository of the pull request's head");
        }
        about
            .is_fork_of(self.this)
            .then_some("a fork of this repository")
    }

    /// Where the code comes from that the event is about, as far as the payload says it of this event. Of a
    /// fork that it does not name, [`About::is_fork_of`] tells.
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

/// Whether a commit is in the history of the default branch: under the name of a repository GitHub
/// answers for the commits of all its forks.
async fn is_merged(
    api: &Api,
    repository: &RepositoryName,
    about: &About,
    commit: &GitRef,
) -> Result<bool, String> {
    let branch = about.default_branch.as_deref();
    let branch = branch.ok_or("GitHub does not say its default branch")?;
    let base = api.merge_base(repository, branch, commit.as_str());
    match base.await {
        Ok(base) => Ok(base.eq_ignore_ascii_case(commit.as_str())),
        Err(error) => Err(error.to_string()),
    }
}
