//! Context of a job: the values that the patterns of a rule match.
//!
//! It comes from the signed claims only, with one exception: GitHub's API or the event's payload says
//! whether the head of a pull request is in this repository.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Claims, is_commit_sha};

/// Values of a job; an absent value matches only `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Context {
    /// `OWNER/NAME`.
    pub repository: Option<String>,
    /// Id of the repository, in decimal digits.
    pub repository_id: Option<String>,
    /// Name of the workflow file in this repository, or `OWNER/REPO/PATH` in another one.
    pub workflow: Option<String>,
    /// Branch; any other ref in full (`refs/tags/v1`); a fork's branch as `OWNER:BRANCH`.
    pub branch: Option<String>,
    /// Base of a pull request, which the run merges with the head.
    pub base: Base,
    /// Default branch of the repository, if a decision on a pull request needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_branch: Option<String>,
    /// Environment of the job.
    pub environment: Option<String>,
    /// User who started the run.
    pub actor: Option<String>,
    /// Name of the event, such as `push`.
    pub event: Option<String>,
    /// Id of the owner, in decimal digits.
    #[serde(skip)]
    pub repository_owner_id: Option<String>,
    /// Id of the run.
    #[serde(skip)]
    pub run_id: Option<String>,
    /// Number of the run's attempt, from 1.
    #[serde(skip)]
    pub run_attempt: Option<String>,
    /// Id of the job's own check run.
    #[serde(skip)]
    pub check_run_id: Option<String>,
    /// Commit of the run.
    #[serde(skip)]
    pub sha: Option<String>,
    /// All claims with a single value, for `claims:`.
    #[serde(skip)]
    pub claims: BTreeMap<String, String>,
}

impl Context {
    /// Returns the context of a job that a user describes by claims and by single values in their place, and the claims
    /// with these values. Branch, base and workflow follow from the values too; patterns for claims see only `claims`.
    pub fn derive<'v>(
        claims: &Claims,
        single: impl IntoIterator<Item = (&'v str, Option<&'v str>)>,
        pull_request: Option<&PullRequest>,
    ) -> (Self, Claims) {
        let mut derived = claims.clone();
        for (claim, value) in single {
            if let Some(value) = value {
                derived.set(claim.to_owned(), value.to_owned());
            }
        }
        let context = Self {
            claims: Self::of_claims(claims, None).claims,
            ..Self::of_claims(&derived, pull_request)
        };
        (context, derived)
    }

    /// Completes a context that a user describes with `claims` and other values; its decisions grant
    /// nothing. A pull request without a described base has an assumed one; an empty name is an absent
    /// base.
    pub fn describe(&mut self, claims: &Claims, base: Option<&str>, default_branch: Option<&str>) {
        self.default_branch = default_branch
            .filter(|name| !name.is_empty())
            .map(branch_named);
        let event = self.event.as_deref();
        let is_pull_request = event.is_some_and(|event| event.starts_with("pull_request"));
        let is_derived = claims.text("ref").is_some();
        let names_base = claims.get("base_ref").is_some();
        self.base = match (base, std::mem::take(&mut self.base)) {
            (Some(name), of_claims)
                if (is_pull_request && !is_derived) || of_claims != Base::None =>
            {
                match name {
                    "" => Base::Absent,
                    name => Base::Branch(branch_named(name)),
                }
            }
            (None, Base::None) if is_pull_request && !is_derived => Base::Assumed,
            (None, Base::Absent) if !names_base => Base::Assumed,
            (_, of_claims) => of_claims,
        };
    }

    /// Returns the context of a job with these claims. `pull_request` is the run's pull request, from
    /// GitHub's API or the event's payload.
    ///
    /// The context proves nothing: a grant needs a `token::SignedContext`, which only verification creates.
    ///
    /// ```
    /// # use engine::Claims;
    /// # use engine::context::Context;
    /// let claims: Claims = serde_json::from_str(
    ///     r#"{
    ///         "repository": "acme-org/infra",
    ///         "event_name": "push",
    ///         "ref": "refs/heads/main",
    ///         "workflow_ref": "acme-org/infra/.github/workflows/deploy.yml@refs/heads/main"
    ///     }"#,
    /// )?;
    /// let context = Context::of_claims(&claims, None);
    /// assert_eq!(context.branch.as_deref(), Some("main"));
    /// assert_eq!(context.workflow.as_deref(), Some("deploy.yml"));
    /// assert_eq!(context.environment, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of_claims(claims: &Claims, pull_request: Option<&PullRequest>) -> Self {
        let text = |name| claims.text(name).map(str::to_owned);
        Self {
            repository: text("repository"),
            repository_id: text("repository_id"),
            repository_owner_id: text("repository_owner_id"),
            workflow: workflow(claims),
            branch: branch(claims, pull_request),
            base: Base::of(|name| claims.text(name)),
            default_branch: None,
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

/// Start of a branch that is the head of a pull request in nobody knows which repository. No branch has a `:`.
pub const UNKNOWN_HEAD: &str = "unknown:";

/// Base of a run's pull request. The run merges it with the head, and executes the workflow file and code
/// of both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Option<String>", into = "Option<String>")]
pub enum Base {
    /// The run has one ref: rules check no base.
    #[default]
    None,
    /// The run has a pull request into this branch.
    Branch(String),
    /// The run has a pull request, but its token does not name the base.
    Absent,
    /// The run has a pull request whose base the user did not describe: an offline check trusts it.
    Assumed,
}

impl Base {
    /// Returns the base that signed claims name. The payload and the API do not count, because a pull
    /// request can get another base while its job runs.
    ///
    /// A run of `refs/pull/N/merge` has the signed `base_ref`. For `pull_request_target`, the base is the
    /// branch of `ref`, whose workflow file and code run.
    pub fn of<'c>(claim: impl Fn(&str) -> Option<&'c str>) -> Self {
        let git_ref = claim("ref");
        let base = if claim("event_name") == Some("pull_request_target") {
            git_ref.and_then(branch_of_ref)
        } else if git_ref.is_some_and(|git_ref| git_ref.starts_with("refs/pull/")) {
            claim("base_ref").map(branch_named)
        } else {
            return Self::None;
        };
        base.map_or(Self::Absent, Self::Branch)
    }

    /// Returns the name of the branch, if known.
    pub fn branch(&self) -> Option<&str> {
        match self {
            Self::Branch(branch) => Some(branch),
            Self::None | Self::Absent | Self::Assumed => None,
        }
    }
}

impl From<Option<String>> for Base {
    fn from(branch: Option<String>) -> Self {
        branch.map_or(Self::None, Self::Branch)
    }
}

impl From<Base> for Option<String> {
    fn from(base: Base) -> Self {
        base.branch().map(str::to_owned)
    }
}

/// Returns the value of a branch with this name. A name that starts with `refs/` becomes a full ref, so a
/// branch never has the value of a tag.
pub fn branch_named(name: &str) -> String {
    match name.starts_with("refs/") {
        true => format!("refs/heads/{name}"),
        false => name.to_owned(),
    }
}

/// Returns the value of a full ref: the name of a branch, or the unchanged ref.
fn branch_of_ref(git_ref: &str) -> Option<String> {
    let name = git_ref.strip_prefix("refs/heads/");
    match name.filter(|name| !name.is_empty()) {
        Some(name) => Some(branch_named(name)),
        None => git_ref.starts_with("refs/").then(|| git_ref.to_owned()),
    }
}

/// Returns the workflow of `workflow_ref`, which is `OWNER/REPO/PATH@REF`.
///
/// The author of a push chooses file names and branches, which can contain `@` and `.yml`. The name of a
/// file in `.github/workflows/` contains no `/`, but a full ref does, so the split is unambiguous: the
/// name ends at the `@refs` before the next `/`.
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

/// Returns `FILE` of `FILE@refs/…` or `FILE@SHA`.
fn file_name(rest: &str) -> Option<&str> {
    let file = match rest.split_once('/') {
        Some((segment, _)) => segment.strip_suffix("@refs")?,
        None => rest.rsplit_once('@')?.0,
    };
    (!file.is_empty()).then_some(file)
}

fn branch(claims: &Claims, pull_request: Option<&PullRequest>) -> Option<String> {
    let git_ref = claims.text("ref");
    let head_ref = claims.text("head_ref");
    let event = claims.text("event_name").unwrap_or_default();
    match (event, git_ref.and_then(pull_request_number), head_ref) {
        // `ref` names the base, but the untrusted part is the head.
        ("pull_request_target", _, Some(head_ref)) => {
            Some(head_branch(claims, pull_request, None, head_ref))
        }
        ("pull_request_target", _, None) => None,
        (event, Some(number), Some(head_ref)) if event.starts_with("pull_request") => {
            Some(head_branch(claims, pull_request, Some(number), head_ref))
        }
        _ => branch_of_ref(git_ref?),
    }
}

/// Returns `N` of `refs/pull/N/merge`.
pub fn pull_request_number(git_ref: &str) -> Option<&str> {
    let (number, _) = git_ref.strip_prefix("refs/pull/")?.split_once('/')?;
    Some(number)
}

/// Returns `head_ref` if the head is proved to be in this repository. Otherwise it returns GitHub's label
/// for branches of forks, `OWNER:BRANCH`, so a fork's `main` is not `main`.
fn head_branch(
    claims: &Claims,
    pull_request: Option<&PullRequest>,
    number: Option<&str>,
    head_ref: &str,
) -> String {
    let branch = branch_named(head_ref);
    let unknown = || format!("{UNKNOWN_HEAD}{branch}");
    let Some(pull_request) = pull_request else {
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
        return branch;
    }
    let owner = head.repo.as_ref().and_then(|repo| repo.owner.as_ref());
    match owner.or(head.user.as_ref()).map(|owner| &owner.login) {
        Some(owner) if is_login(owner) => format!("{owner}:{branch}"),
        _ => unknown(),
    }
}

fn is_login(login: &str) -> bool {
    !login.is_empty()
        && login
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_[]".contains(&b))
}

/// Relevant part of the event's payload (`GITHUB_EVENT_PATH`).
///
/// The runner writes the file, but earlier steps of the job can change it. It decides only where reports
/// go and, if the API does not answer, between a branch and `OWNER:BRANCH`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct EventPayload {
    /// Pull request of a `pull_request*` event.
    #[serde(default)]
    pub pull_request: Option<PullRequest>,
    /// Repository of the event.
    #[serde(default)]
    pub repository: Option<EventRepository>,
    /// Run of a `workflow_run` event.
    #[serde(default)]
    pub workflow_run: Option<WorkflowRun>,
}

/// A run of a workflow.
#[derive(Clone, Debug, Deserialize)]
pub struct WorkflowRun {
    /// Repository of its commits; absent if it was deleted.
    #[serde(default)]
    pub head_repository: Option<RefRepository>,
}

/// Repository of an event.
#[derive(Clone, Debug, Deserialize)]
pub struct EventRepository {
    /// Default branch, for offline checks only, because it is not signed.
    #[serde(default)]
    pub default_branch: Option<String>,
}

/// A pull request, as the event's payload and GitHub's API describe it.
#[derive(Clone, Debug, Deserialize)]
pub struct PullRequest {
    /// Number of the pull request.
    pub number: u64,
    /// Source of its commits.
    pub head: Head,
    /// Target of its commits.
    #[serde(default)]
    pub base: Option<BaseRef>,
}

/// Base of a pull request at the time of its event.
#[derive(Clone, Debug, Deserialize)]
pub struct BaseRef {
    /// Name of the branch.
    #[serde(rename = "ref")]
    pub git_ref: String,
    /// Commit of the base; empty if the payload does not name it.
    #[serde(default)]
    pub sha: String,
    /// Repository of the base.
    #[serde(default)]
    pub repo: Option<RefRepository>,
}

/// Head of a pull request.
#[derive(Clone, Debug, Deserialize)]
pub struct Head {
    /// Name of the branch.
    #[serde(rename = "ref")]
    pub git_ref: String,
    /// Commit that gets the reports; empty if the payload does not name it.
    #[serde(default)]
    pub sha: String,
    /// Repository of the head; absent if it was deleted.
    #[serde(default)]
    pub repo: Option<RefRepository>,
    /// Owner of the head's repository, even if the repository was deleted.
    #[serde(default)]
    pub user: Option<Account>,
}

/// Repository of a head or a base.
#[derive(Clone, Debug, Deserialize)]
pub struct RefRepository {
    /// Id of the repository.
    #[serde(default)]
    pub id: Option<u64>,
    /// `OWNER/NAME` at the time of the event.
    #[serde(default)]
    pub full_name: Option<String>,
    /// Owner of the repository.
    #[serde(default)]
    pub owner: Option<Account>,
}

impl RefRepository {
    /// Whether it is the repository with this id or, if the payload has no id, with this name.
    pub fn is_same(&self, id: u64, full_name: &str) -> bool {
        match (self.id, &self.full_name) {
            (Some(own), _) => own == id,
            (None, Some(own)) => own.eq_ignore_ascii_case(full_name),
            (None, None) => false,
        }
    }
}

/// A user or an organisation.
#[derive(Clone, Debug, Deserialize)]
pub struct Account {
    /// Name of the account.
    pub login: String,
}

impl EventPayload {
    /// Returns the default branch in the payload, for offline checks only.
    pub fn default_branch(&self) -> Option<&str> {
        self.repository.as_ref()?.default_branch.as_deref()
    }

    /// Parses the payload.
    ///
    /// # Errors
    /// The payload is not JSON, or its pull request has no number or head.
    pub fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }
}

#[cfg(test)]
#[path = "context_tests.rs"]
mod tests;
