//! The inputs of the action, checked.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::SecretString;

use super::origin::refusal;
use crate::audit::webhook::Webhook;
use analysis::report::Detail;
use engine::policy::PermissionKey;
use engine::policy::source::{DEFAULT_PATH, PolicySource};
use engine::{RepositoryName, is_commit_sha};
use github::App;
use platform::Environment;
use token::Issuer;

/// The most permissions of one step.
const MAX_PERMISSIONS: usize = 50;
/// The longest time for the whole run.
const MAX_TIMEOUT: u64 = 3600;

/// What a denial does to the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It fails.
    Enforce,
    /// It succeeds and tells.
    Advisory,
}

/// Where the outcome is reported, besides outputs and log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A check run.
    CheckRun,
    /// A commit status for each permission.
    Status,
    /// The job's summary.
    Summary,
}

/// The inputs that say how to report. They are read first and never fail: what is wrong with the
/// others has to be reported somewhere.
#[derive(Clone)]
pub struct ReportInputs {
    /// `permission`, as keys where they are, as they were written where not.
    pub permissions: Vec<String>,
    /// `token`
    pub token: Option<SecretString>,
    /// `mode`
    pub mode: Mode,
    /// `report`
    pub places: BTreeSet<Place>,
    /// `check-name`
    pub check_name: Option<String>,
    /// `status-context`
    pub status_context: Option<String>,
    /// `sha`
    pub sha: Option<String>,
    /// `detail`
    pub detail: Option<Detail>,
    /// `timeout`
    pub timeout: Duration,
    /// `app-client-id` and `app-private-key`
    pub app: Option<App>,
    /// `ca-bundle`
    pub ca_bundle: Option<String>,
    /// `audit-log`
    pub audit_log: Option<String>,
    /// `audit-webhook` and `audit-webhook-secret`
    pub webhook: Option<Webhook>,
    /// `review`
    pub review: bool,
}

/// The inputs that a decision needs.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// `permission`; empty only where the step asks for none and reviews.
    pub permissions: Vec<PermissionKey>,
    /// `policy`
    pub policy: PolicySource,
    /// `audience`
    pub audience: String,
    /// `issuer`
    pub issuer: Option<Issuer>,
}

/// Everything that is wrong with the inputs, each as a sentence.
#[derive(Debug, Default)]
pub struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, problem: impl Into<String>) {
        self.0.push(problem.into());
    }

    /// The sentences in one line, if there are any.
    pub fn message(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.join("; "))
    }
}

impl ReportInputs {
    /// Reads them; what is wrong falls back to its default and is told in `problems`.
    pub fn read(environment: &Environment, problems: &mut Problems) -> Self {
        let mode = match environment.input("mode") {
            None | Some("enforce") => Mode::Enforce,
            Some("advisory") => Mode::Advisory,
            Some(other) => {
                problems.add(format!(
                    "`mode` is `{other}`, expected `enforce` or `advisory`"
                ));
                Mode::Enforce
            }
        };
        let detail = match environment.input("detail") {
            None => None,
            Some("full") => Some(Detail::Full),
            Some("reason") => Some(Detail::Reason),
            Some("none") => Some(Detail::None),
            Some(other) => {
                problems.add(format!(
                    "`detail` is `{other}`, expected `full`, `reason` or `none`"
                ));
                Some(Detail::None)
            }
        };
        let sha = environment.input("sha");
        if let Some(wrong) = sha.filter(|sha| !is_commit_sha(sha)) {
            problems.add(format!(
                "`sha` is `{wrong}`, expected the 40 hexadecimal digits of a commit"
            ));
        }
        Self {
            permissions: asked(environment.input("permission").unwrap_or_default()),
            token: environment.secret_input("token"),
            mode,
            places: places(environment.input("report"), problems),
            check_name: environment.input("check-name").map(str::to_owned),
            status_context: environment.input("status-context").map(str::to_owned),
            sha: sha
                .filter(|sha| is_commit_sha(sha))
                .map(str::to_ascii_lowercase),
            detail,
            timeout: timeout(environment.input("timeout"), problems),
            app: app(environment, problems),
            ca_bundle: environment.input("ca-bundle").map(str::to_owned),
            audit_log: environment.input("audit-log").map(str::to_owned),
            webhook: webhook(environment, problems),
            review: review(environment.input("review"), problems),
        }
    }
}

impl Inputs {
    /// Reads them; `None` when one is wrong, which is then told in `problems`.
    pub fn read(environment: &Environment, problems: &mut Problems) -> Option<Self> {
        let mut permissions: Vec<PermissionKey> = Vec::new();
        let list = environment.input("permission").unwrap_or_default();
        for text in split(list) {
            match PermissionKey::parse(Cow::Owned(text.to_owned())) {
                Ok(key) if permissions.contains(&key) => {}
                Ok(key) => permissions.push(key),
                Err(error) => problems.add(format!("`permission`: {error} ({})", error.help())),
            }
        }
        // Nothing is written: a list without a name is a mistake.
        let only_reviews = list.is_empty() && environment.input("review") == Some("true");
        if split(list).next().is_none() && !only_reviews {
            problems.add("`permission` is missing: name the permission to check, such as `ws:deployments:create`");
        } else if permissions.len() > MAX_PERMISSIONS {
            problems.add(format!(
                "`permission` names {}, the limit is {MAX_PERMISSIONS}",
                permissions.len()
            ));
        }
        let workspace = environment.get("GITHUB_WORKSPACE").unwrap_or_default();
        // Not trimmed: an inline policy is a text of its own.
        let policy = environment
            .get("INPUT_POLICY")
            .filter(|text| !text.trim().is_empty());
        let policy = policy.unwrap_or(DEFAULT_PATH);
        // A path in a YAML block scalar ends in a new line and is still a path. A policy is taken as it
        // is, so that its lines are those of the workflow file's text.
        let policy = match PolicySource::parse(policy.trim(), workspace) {
            Ok(source) if !matches!(source, PolicySource::Inline(_)) => Ok(source),
            Err(error) if !policy.contains('\n') => Err(error),
            _ => PolicySource::parse(policy, workspace),
        };
        let policy = policy
            .map_err(|error| problems.add(format!("`policy`: {error}")))
            .ok();
        let event = environment.get("GITHUB_EVENT_NAME").unwrap_or_default();
        let this = environment
            .get("GITHUB_REPOSITORY")
            .and_then(RepositoryName::parse);
        let refused = policy
            .as_ref()
            .and_then(|policy| refusal(policy, event, this.as_ref()));
        if let Some(refused) = refused {
            problems.add(refused);
        }
        let issuer = environment.input("issuer").map(Issuer::parse).transpose();
        let issuer = issuer
            .map_err(|error| problems.add(format!("`issuer`: {error}")))
            .ok();
        if problems.message().is_some() {
            return None;
        }
        Some(Self {
            permissions,
            policy: policy?,
            audience: environment
                .input("audience")
                .unwrap_or("repo-permissions")
                .to_owned(),
            issuer: issuer?,
        })
    }
}

fn app(environment: &Environment, problems: &mut Problems) -> Option<App> {
    let id = environment.input("app-client-id");
    match (id, environment.secret_input("app-private-key")) {
        (None, None) => None,
        (Some(id), Some(key)) => App::new(id, &key)
            .map_err(|error| problems.add(error.to_string()))
            .ok(),
        _ => {
            problems
                .add("`app-client-id` and `app-private-key` go together: one of them is missing");
            None
        }
    }
}

fn webhook(environment: &Environment, problems: &mut Problems) -> Option<Webhook> {
    let url = environment.input("audit-webhook");
    match (url, environment.secret_input("audit-webhook-secret")) {
        (None, None) => None,
        (Some(url), Some(secret)) => match Webhook::new(url, &secret) {
            Ok(webhook) => Some(webhook),
            Err(wrong) => {
                wrong.into_iter().for_each(|problem| problems.add(problem));
                None
            }
        },
        _ => {
            problems.add(
                "`audit-webhook` and `audit-webhook-secret` go together: one of them is missing (secrets are empty \
                 in pull requests from forks and of Dependabot)",
            );
            None
        }
    }
}

/// The keys that are asked for, each once; what is no key as it was written.
pub fn asked(list: &str) -> Vec<String> {
    let mut asked = Vec::new();
    for text in split(list) {
        let key = PermissionKey::parse(Cow::Borrowed(text));
        let key = key.map_or_else(|_| text.to_owned(), |key| key.to_string());
        if !asked.contains(&key) {
            asked.push(key);
        }
    }
    asked.truncate(MAX_PERMISSIONS);
    asked
}

fn split(list: &str) -> impl Iterator<Item = &str> {
    list.split([',', '\n'])
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

/// Where to report; everywhere when the input is wrong, since that has to be told too.
fn places(input: Option<&str>, problems: &mut Problems) -> BTreeSet<Place> {
    let all = BTreeSet::from([Place::CheckRun, Place::Status, Place::Summary]);
    let Some(input) = input else { return all };
    let mut places = BTreeSet::new();
    let (mut none, mut wrong) = (false, false);
    for item in split(input) {
        match item {
            "check-run" => _ = places.insert(Place::CheckRun),
            "status" => _ = places.insert(Place::Status),
            "summary" => _ = places.insert(Place::Summary),
            "none" => none = true,
            other => {
                wrong = true;
                problems.add(format!(
                    "`report` names `{other}`, expected any of `check-run`, `status`, `summary`, or `none`"
                ));
            }
        }
    }
    if none && !places.is_empty() {
        wrong = true;
        problems.add("`report` names `none` and other places");
    }
    if places.is_empty() && !none && !wrong {
        wrong = true;
        problems.add("`report` names no place: leave it out or write `none`");
    }
    if wrong { all } else { places }
}

fn review(input: Option<&str>, problems: &mut Problems) -> bool {
    match input {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => {
            problems.add(format!("`review` is `{other}`, expected `true` or `false`"));
            false
        }
    }
}

/// The time of the whole run; the default where the input is wrong.
pub fn timeout(input: Option<&str>, problems: &mut Problems) -> Duration {
    let default = Duration::from_secs(60);
    let Some(text) = input else { return default };
    match text.parse() {
        Ok(seconds @ 1..=MAX_TIMEOUT) => Duration::from_secs(seconds),
        _ => {
            problems.add(format!(
                "`timeout` is `{text}`, expected whole seconds from 1 to {MAX_TIMEOUT}"
            ));
            default
        }
    }
}
