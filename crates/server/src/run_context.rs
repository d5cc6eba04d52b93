//! Context of a run, as GitHub's API describes it. A run has no token: what it lacks beside one matches nothing.

use std::collections::BTreeMap;

use engine::Claims;
use engine::context::{Account, Base, Context, Head, PullRequest, RefRepository};
use github::Run;

/// Number of the pull request in the ref of a run that has one: the API does not name it for forks.
const SOME_PULL_REQUEST: u64 = 0;

/// Context of a run that the API described. Only [`RunContext::new`] creates it.
#[derive(Clone, Debug)]
pub struct RunContext(Context);

impl RunContext {
    /// Returns the context of the jobs of a run that wait for an environment. `branch` is the branch that the run's
    /// commit was proved to be on.
    pub fn new(run: &Run, environment: &str, branch: Option<&str>) -> Self {
        let mut claims = Claims::default();
        let mut set = |name: &str, value: &str| claims.set(name.to_owned(), value.to_owned());
        let repository = &run.repository;
        set("repository", &repository.full_name);
        set("repository_id", &repository.id.to_string());
        set("repository_owner_id", &repository.owner.id.to_string());
        set("event_name", &run.event);
        set("environment", environment);
        set("run_id", &run.id.to_string());
        if let Some(actor) = &run.actor {
            set("actor", &actor.login);
            if let Some(id) = actor.id {
                set("actor_id", &id.to_string());
            }
        }
        let is_pull_request = run.event.starts_with("pull_request");
        if let (Some(branch), false) = (branch, is_pull_request) {
            set("ref", &format!("refs/heads/{branch}"));
        }
        // A run has these values of the signed claims, and no others.
        let known: BTreeMap<_, _> = claims
            .values()
            .map(|(name, value)| (name.to_owned(), value.into_owned()))
            .collect();
        claims.set("workflow_ref".to_owned(), workflow_ref(run));
        let pull_request = is_pull_request.then(|| pull_request(run));
        if let (Some(pull_request), Some(branch)) = (&pull_request, branch) {
            let merge = format!("refs/pull/{}/merge", pull_request.number);
            claims.set("ref".to_owned(), merge);
            claims.set("head_ref".to_owned(), branch.to_owned());
        }
        // Nothing says where the head of these runs is: see `pull_request_target` in the contract.
        let pull_request = pull_request.filter(|_| run.event != "pull_request_target");
        let context = Context::of_claims(&claims, pull_request.as_ref());
        Self(Context {
            // The base that GitHub names now can be another one than that of the run.
            base: match is_pull_request {
                true => Base::Absent,
                false => Base::None,
            },
            sha: Some(run.head_sha.clone()),
            run_attempt: run.run_attempt.map(|attempt| attempt.to_string()),
            claims: known,
            ..context
        })
    }

    /// Returns the values.
    pub fn as_context(&self) -> &Context {
        &self.0
    }
}

/// Returns the run's workflow as the claim of a token names it.
fn workflow_ref(run: &Run) -> String {
    let head = run.head_branch.as_deref().unwrap_or_default();
    let path = without_ref(&run.path, head);
    // A path in another repository starts with its name. One in this repository starts with a directory.
    match path.starts_with(".github/") || path.starts_with("dynamic/") {
        true => format!("{}/{path}@refs/heads/run", run.repository.full_name),
        false => format!("{path}@refs/heads/run"),
    }
}

/// Returns a path without the run's ref. The name of a workflow file ends in `.yml` or `.yaml` and can contain `@`, so
/// only a suffix that is the run's own ref is one.
fn without_ref<'p>(path: &'p str, head: &str) -> &'p str {
    if path.ends_with(".yml") || path.ends_with(".yaml") {
        return path;
    }
    let short = || path.strip_suffix(head)?.strip_suffix('@');
    let full = || path.strip_suffix(head)?.strip_suffix("@refs/heads/");
    full().or_else(short).unwrap_or(path)
}

/// Returns the pull request of a run, as far as its head is concerned.
fn pull_request(run: &Run) -> PullRequest {
    let head = run.head_repository.as_ref();
    let repo = head.map(|repository| {
        let owner = repository.full_name.split('/').next();
        RefRepository {
            id: Some(repository.id),
            full_name: Some(repository.full_name.clone()),
            owner: owner.map(|login| Account {
                login: login.to_owned(),
            }),
        }
    });
    PullRequest {
        number: SOME_PULL_REQUEST,
        head: Head {
            git_ref: run.head_branch.clone().unwrap_or_default(),
            sha: run.head_sha.clone(),
            repo,
            user: None,
        },
        base: None,
    }
}

#[cfg(test)]
#[path = "run_context_tests.rs"]
mod tests;
