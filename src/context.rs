//! The context of a job: what the patterns of a rule are held against.
//!
//! It comes from the signed claims only, plus the event payload for one fact: whether a pull request
//! comes from this repository.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::github::is_commit_sha;
use crate::oidc::{Claims, SignedClaims};

/// The values of a job. An absent value matches `*` only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Context {
    /// `OWNER/NAME`.
    pub repository: Option<String>,
    /// The repository's id, in decimal digits.
    pub repository_id: Option<String>,
    /// The workflow file's name when it is this repository's, else `OWNER/REPO/PATH`.
    pub workflow: Option<String>,
    /// The branch; another full ref (`refs/tags/v1`) as it is; a fork's branch as `OWNER:BRANCH`.
    pub branch: Option<String>,
    /// The environment of the job.
    pub environment: Option<String>,
    /// Who started the run.
    pub actor: Option<String>,
    /// The event's name, such as `push`.
    pub event: Option<String>,
    /// The owner's id, in decimal digits.
    #[serde(skip)]
    pub repository_owner_id: Option<String>,
    /// The run's id.
    #[serde(skip)]
    pub run_id: Option<String>,
    /// Which attempt of the run this is, from 1.
    #[serde(skip)]
    pub run_attempt: Option<String>,
    /// The id of the job's own check run.
    #[serde(skip)]
    pub check_run_id: Option<String>,
    /// The commit of the run.
    #[serde(skip)]
    pub sha: Option<String>,
    /// Every claim with one value, for `claims:`.
    #[serde(skip)]
    pub claims: BTreeMap<String, String>,
}

impl Context {
    /// The context of a verified token.
    pub fn from_signed(claims: &SignedClaims, payload: Option<&EventPayload>) -> Self {
        Self::of_claims(claims.as_claims(), payload)
    }

    /// The context that a job with these claims would have. Nobody signed them: for offline checks
    /// only, where nothing is granted.
    pub fn simulated(claims: &Claims, payload: Option<&EventPayload>) -> Self {
        Self::of_claims(claims, payload)
    }

    fn of_claims(claims: &Claims, payload: Option<&EventPayload>) -> Self {
        let text = |name| claims.text(name).map(str::to_owned);
        Self {
            repository: text("repository"),
            repository_id: text("repository_id"),
            repository_owner_id: text("repository_owner_id"),
            workflow: workflow(claims),
            branch: branch(claims, payload),
            environment: text("environment"),
            actor: text("actor"),
            event: text("event_name"),
            run_id: text("run_id"),
            run_attempt: text("run_attempt"),
            check_run_id: text("check_run_id"),
            sha: text("sha"),
            claims: claims
                .values()
                .map(|(name, value)| (name.to_owned(), value.into_owned()))
                .collect(),
        }
    }
}

/// The workflow of `workflow_ref`, which is `OWNER/REPO/PATH@REF`.
///
/// File names and branches are chosen by whoever pushes and may contain `@` and `.yml`. A file in
/// `.github/workflows/` has no `/` in its name and a full ref has one, so there the split is never in
/// doubt: the name ends at the `@refs` before the next `/`.
fn workflow(claims: &Claims) -> Option<String> {
    let workflow_ref = claims.text("workflow_ref")?;
    let mut parts = workflow_ref.splitn(3, '/');
    let (Some(owner), Some(name), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    let own = claims
        .text("repository")
        .and_then(|repository| repository.split_once('/'))
        .is_some_and(|(o, n)| o.eq_ignore_ascii_case(owner) && n.eq_ignore_ascii_case(name));
    let file = rest.strip_prefix(".github/workflows/").and_then(file_name);
    match file {
        Some(file) if own => Some(file.to_owned()),
        Some(file) => Some(format!("{owner}/{name}/.github/workflows/{file}")),
        None => {
            let at_commit = || rest.rsplit_once('@').filter(|(_, at)| is_commit_sha(at));
            let at = rest.split_once("@refs/").or_else(at_commit);
            let path = at.map_or(rest, |(path, _)| path);
            Some(format!("{owner}/{name}/{path}"))
        }
    }
}

/// `FILE` of `FILE@refs/…` or `FILE@SHA`.
fn file_name(rest: &str) -> Option<&str> {
    let file = match rest.split_once('/') {
        Some((segment, _)) => segment.strip_suffix("@refs")?,
        None => rest.rsplit_once('@')?.0,
    };
    (!file.is_empty()).then_some(file)
}

fn branch(claims: &Claims, payload: Option<&EventPayload>) -> Option<String> {
    let git_ref = claims.text("ref");
    let head_ref = claims.text("head_ref");
    let event = claims.text("event_name").unwrap_or_default();
    let of_pull_request = git_ref
        .and_then(|git_ref| git_ref.strip_prefix("refs/pull/"))
        .and_then(|rest| rest.split_once('/'))
        .map(|(number, _)| number);
    match (event, of_pull_request, head_ref) {
        // Whatever `ref` says: it names the base, the head is what is untrusted.
        ("pull_request_target", _, Some(head_ref)) => {
            Some(head_branch(claims, payload, None, head_ref))
        }
        ("pull_request_target", _, None) => None,
        (event, Some(number), Some(head_ref)) if event.starts_with("pull_request") => {
            Some(head_branch(claims, payload, Some(number), head_ref))
        }
        _ => {
            let git_ref = git_ref.filter(|git_ref| git_ref.starts_with("refs/"))?;
            let branch = git_ref
                .strip_prefix("refs/heads/")
                .filter(|name| !name.is_empty());
            Some(branch.unwrap_or(git_ref).to_owned())
        }
    }
}

/// `head_ref` alone only when the payload proves that the head is this repository; else as GitHub
/// labels the branches of forks, `OWNER:BRANCH`, so that a fork's `main` is not `main`.
fn head_branch(
    claims: &Claims,
    payload: Option<&EventPayload>,
    number: Option<&str>,
    head_ref: &str,
) -> String {
    let unknown = || format!("unknown:{head_ref}");
    let Some(pull_request) = payload.and_then(|payload| payload.pull_request.as_ref()) else {
        return unknown();
    };
    let head = &pull_request.head;
    let is_this_one = number.is_none_or(|number| pull_request.number.to_string() == number)
        && head.git_ref == head_ref;
    if !is_this_one {
        return unknown();
    }
    let id = head
        .repo
        .as_ref()
        .and_then(|repo| repo.id)
        .map(|id| id.to_string());
    if id.is_some() && id.as_deref() == claims.text("repository_id") {
        return head_ref.to_owned();
    }
    let owner = head.repo.as_ref().and_then(|repo| repo.owner.as_ref());
    match owner.or(head.user.as_ref()).map(|owner| &owner.login) {
        Some(owner) if is_login(owner) => format!("{owner}:{head_ref}"),
        _ => unknown(),
    }
}

fn is_login(login: &str) -> bool {
    !login.is_empty()
        && login
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_[]".contains(&b))
}

/// What is read of the event's payload (`GITHUB_EVENT_PATH`).
///
/// The runner writes it, but earlier steps of the job can change the file: it decides only between a
/// branch and `OWNER:BRANCH`, and where reports go.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct EventPayload {
    /// The pull request of a `pull_request*` event.
    #[serde(default)]
    pub pull_request: Option<PullRequest>,
}

/// A pull request.
#[derive(Clone, Debug, Deserialize)]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// Where its commits come from.
    pub head: Head,
    /// Where they go to.
    #[serde(default)]
    pub base: Option<Base>,
}

/// The base of a pull request.
#[derive(Clone, Debug, Deserialize)]
pub struct Base {
    /// The branch's name.
    #[serde(rename = "ref")]
    pub git_ref: String,
    /// Its commit; empty where the payload does not say.
    #[serde(default)]
    pub sha: String,
}

/// The head of a pull request.
#[derive(Clone, Debug, Deserialize)]
pub struct Head {
    /// The branch's name.
    #[serde(rename = "ref")]
    pub git_ref: String,
    /// The commit that reports belong on; empty where the payload does not say.
    #[serde(default)]
    pub sha: String,
    /// The head's repository; absent when it was deleted.
    #[serde(default)]
    pub repo: Option<HeadRepository>,
    /// The owner of the head's repository, also when that was deleted.
    #[serde(default)]
    pub user: Option<Account>,
}

/// The repository of a head.
#[derive(Clone, Debug, Deserialize)]
pub struct HeadRepository {
    /// Its id.
    #[serde(default)]
    pub id: Option<u64>,
    /// Its owner.
    #[serde(default)]
    pub owner: Option<Account>,
}

/// A user or an organisation.
#[derive(Clone, Debug, Deserialize)]
pub struct Account {
    /// Its name.
    pub login: String,
}

impl EventPayload {
    /// Reads the payload's JSON.
    ///
    /// # Errors
    /// It is not JSON, or its pull request has no number or head.
    pub fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }
}

#[cfg(test)]
#[path = "context_tests.rs"]
mod tests;
