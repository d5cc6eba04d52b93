//! Proves which branch a run comes from: `head_branch` is a short name, which a tag can have too.

use crate::app::{Access, Answered, GitHubApp, RequestError, Target};
use github::http::Budget;
use github::{Api, ApiError, Run, Tag};
use std::sync::Arc;

/// The branch of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RunBranch {
    /// The run's commit is on it.
    Known(String),
    /// Nothing proves that there is one, because of this.
    Unknown(String),
}

/// Looks the run's branch up. A branch is known if it exists, the run's commit is reachable from it, and no tag of the
/// same name is at that commit: then no tag can have passed for it, not even one that was deleted since.
pub(super) async fn find(
    app: &Arc<GitHubApp>,
    target: &Target,
    run: &Run,
    budget: Budget,
) -> Result<Answered<RunBranch>, RequestError> {
    let unasked = |value| Ok(Answered { value, limit: None });
    let Some(branch) = run.head_branch.as_deref().filter(|name| !name.is_empty()) else {
        return unasked(RunBranch::Unknown("the run names no branch".to_owned()));
    };
    let head = run.head_repository.as_ref().map(|repository| repository.id);
    if run.event.starts_with("pull_request") && head != Some(target.id) {
        // The branch of a fork, or of a repository that is gone: its label says so.
        return unasked(RunBranch::Known(branch.to_owned()));
    }
    let ask = |api: Api| async move { look_up(&api, target.id, branch, &run.head_sha).await };
    app.ask(target, Access::Contents, budget, ask).await
}

async fn look_up(api: &Api, id: u64, branch: &str, commit: &str) -> Result<RunBranch, ApiError> {
    let unknown = |why: String| Ok(RunBranch::Unknown(why));
    let Some(tip) = api.branch_commit(id, branch).await? else {
        return unknown(format!("there is no branch `{branch}`"));
    };
    let is_same = |other: &str| other.eq_ignore_ascii_case(commit);
    if !is_same(&tip) {
        // By commits: a name could be that of a tag.
        let base = api.merge_base(id, commit, &tip).await?;
        if !is_same(&base) {
            return unknown(format!("the run's commit is not on the branch `{branch}`"));
        }
    }
    match api.tag(id, branch).await? {
        Tag::None => Ok(RunBranch::Known(branch.to_owned())),
        Tag::Commit(tagged) if !is_same(&tagged) => Ok(RunBranch::Known(branch.to_owned())),
        Tag::Commit(_) | Tag::Other => {
            unknown(format!("a tag has the name of the branch `{branch}`"))
        }
    }
}
