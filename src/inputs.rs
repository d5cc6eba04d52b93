//! Parses the inputs of the action.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::SecretString;

use super::server::Server;
use super::untrusted::refusal;
use crate::audit::webhook::Webhook;
use analysis::report::Detail;
use engine::policy::PermissionKey;
use engine::policy::source::{DEFAULT_PATH, PolicySource};
use engine::{RepositoryName, is_commit_sha};
use github::App;
use platform::Variables;
use token::Issuer;

/// Maximum number of permissions per step.
const MAX_PERMISSIONS: usize = 50;
/// Default of the input `audience`.
const AUDIENCE: &str = "repo-permissions";
/// Maximum of the input `timeout` in seconds.
const MAX_TIMEOUT: u64 = 3600;

/// Effect of a denial on the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The step fails.
    Enforce,
    /// The step succeeds and reports the denial.
    Advisory,
}

/// Report of the outcome, besides outputs and log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReportTarget {
    /// A check run.
    CheckRun,
    /// A commit status for each permission.
    Status,
    /// The job's summary.
    Summary,
}

/// The inputs that control reports. They are read first and always have a value, so that the step can report
/// problems of other inputs.
#[derive(Clone)]
pub struct ReportInputs {
    /// `permission`: keys, or the original text of invalid ones.
    pub permissions: Vec<String>,
    /// `token`
    pub token: Option<SecretString>,
    /// `mode`
    pub mode: Mode,
    /// `report`
    pub targets: BTreeSet<ReportTarget>,
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

/// The inputs of the decision.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// `permission`; empty only if the step just reviews.
    pub permissions: Vec<PermissionKey>,
    /// `policy` or `server`
    pub authority: Authority,
    /// `audience`
    pub audience: String,
    /// `issuer`
    pub issuer: Option<Issuer>,
}

/// What decides.
#[derive(Clone, Debug)]
pub enum Authority {
    /// A policy, which this program reads.
    Policy(PolicySource),
    /// A server, which reads a policy of its own.
    Server(Server),
}

impl Inputs {
    /// Returns the source of the policy, if the step reads one.
    pub fn policy(&self) -> Option<&PolicySource> {
        match &self.authority {
            Authority::Policy(policy) => Some(policy),
            Authority::Server(_) => None,
        }
    }
}

/// Problems of the inputs, as sentences.
#[derive(Debug, Default)]
pub struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, problem: impl Into<String>) {
        self.0.push(problem.into());
    }

    /// Returns the sentences in one line, if any.
    pub fn message(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.join("; "))
    }
}

impl ReportInputs {
    /// Reads the inputs. Adds invalid ones to `problems` and uses their defaults.
    pub fn read(variables: &Variables, problems: &mut Problems) -> Self {
        let mode = match variables.input("mode") {
            None | Some("enforce") => Mode::Enforce,
            Some("advisory") => Mode::Advisory,
            Some(other) => {
                problems.add(format!(
                    "`mode` is `{other}`, expected `enforce` or `advisory`"
                ));
                Mode::Enforce
            }
        };
        let detail = match variables.input("detail") {
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
        let sha = variables.input("sha");
        if let Some(wrong) = sha.filter(|sha| !is_commit_sha(sha)) {
            problems.add(format!(
                "`sha` is `{wrong}`, expected the 40 hexadecimal digits of a commit"
            ));
        }
        Self {
            permissions: requested_permissions(variables.input("permission").unwrap_or_default()),
            token: variables.secret_input("token"),
            mode,
            targets: targets(variables.input("report"), problems),
            check_name: variables.input("check-name").map(str::to_owned),
            status_context: variables.input("status-context").map(str::to_owned),
            sha: sha
                .filter(|sha| is_commit_sha(sha))
                .map(str::to_ascii_lowercase),
            detail,
            timeout: timeout(variables.input("timeout"), problems),
            app: app(variables, problems),
            ca_bundle: variables.input("ca-bundle").map(str::to_owned),
            audit_log: variables.input("audit-log").map(str::to_owned),
            webhook: webhook(variables, problems),
            review: review(variables.input("review"), problems),
        }
    }
}

impl Inputs {
    /// Reads the inputs. Adds invalid ones to `problems` and returns `None`.
    pub fn read(variables: &Variables, problems: &mut Problems) -> Option<Self> {
        let permissions = permissions(variables, problems);
        let server = server(variables, problems);
        let authority = match &server {
            Some(server) => server.clone().map(Authority::Server),
            None => policy(variables, problems).map(Authority::Policy),
        };
        // The default audience is that of the action's own check, which no server accepts.
        let audience = variables.input("audience");
        let audience = match (audience, server.flatten()) {
            (None | Some(AUDIENCE), Some(server)) => server.origin(),
            (given, _) => given.unwrap_or(AUDIENCE).to_owned(),
        };
        let issuer = variables.input("issuer").map(Issuer::parse).transpose();
        let issuer = issuer
            .map_err(|error| problems.add(format!("`issuer`: {error}")))
            .ok();
        if problems.message().is_some() {
            return None;
        }
        Some(Self {
            permissions,
            authority: authority?,
            audience,
            issuer: issuer?,
        })
    }
}

/// Reads the requested permissions, without duplicates.
fn permissions(variables: &Variables, problems: &mut Problems) -> Vec<PermissionKey> {
    let mut permissions: Vec<PermissionKey> = Vec::new();
    let list = variables.input("permission").unwrap_or_default();
    for text in split(list) {
        match PermissionKey::parse(Cow::Owned(text.to_owned())) {
            Ok(key) if permissions.contains(&key) => {}
            Ok(key) => permissions.push(key),
            Err(error) => problems.add(format!("`permission`: {error} ({})", error.help())),
        }
    }
    // Only an absent input means "no permission". A list without a name is a mistake.
    let only_reviews = list.is_empty() && variables.input("review") == Some("true");
    if split(list).next().is_none() && !only_reviews {
        problems.add("`permission` is missing: name the permission to check, such as `ws:deployments:create`");
    } else if permissions.len() > MAX_PERMISSIONS {
        problems.add(format!(
            "`permission` names {}, the limit is {MAX_PERMISSIONS}",
            permissions.len()
        ));
    }
    permissions
}

/// Reads the server that decides, if there is one. The inner value is missing if it is invalid. Inputs that concern
/// a policy would have no effect beside it.
fn server(variables: &Variables, problems: &mut Problems) -> Option<Option<Server>> {
    let server = Server::parse(variables.input("server")?);
    let server = server.map_err(|problem| problems.add(problem)).ok();
    let beside = |name: &str| match (name, variables.input(name)) {
        ("policy", given) => given.is_some_and(|policy| policy != DEFAULT_PATH),
        ("review", given) => given.is_some_and(|review| review != "false"),
        (_, given) => given.is_some(),
    };
    let names = ["policy", "review", "app-client-id", "app-private-key"];
    for name in names.into_iter().filter(|name| beside(name)) {
        problems.add(format!(
            "`{name}` and `server` exclude each other, because the server reads the policy: leave `{name}` out, or \
             leave `server` out to decide by a policy here"
        ));
    }
    Some(server)
}

/// Reads the source of the policy.
fn policy(variables: &Variables, problems: &mut Problems) -> Option<PolicySource> {
    let workspace = variables.get("GITHUB_WORKSPACE").unwrap_or_default();
    // Not trimmed, because it can be an inline policy.
    let policy = variables
        .get("INPUT_POLICY")
        .filter(|text| !text.trim().is_empty());
    let policy = policy.unwrap_or(DEFAULT_PATH);
    // A path in a YAML block scalar ends with a line break. An inline policy keeps its white space, so
    // that its lines match the workflow file.
    let policy = match PolicySource::parse(policy.trim(), workspace) {
        Ok(source) if !matches!(source, PolicySource::Inline(_)) => Ok(source),
        Err(error) if !policy.contains('\n') => Err(error),
        _ => PolicySource::parse(policy, workspace),
    };
    let policy = policy
        .map_err(|error| problems.add(format!("`policy`: {error}")))
        .ok();
    let event = variables.get("GITHUB_EVENT_NAME").unwrap_or_default();
    let this = variables
        .get("GITHUB_REPOSITORY")
        .and_then(RepositoryName::parse);
    let refused = policy
        .as_ref()
        .and_then(|policy| refusal(policy, event, this.as_ref()));
    if let Some(refused) = refused {
        problems.add(refused);
    }
    policy
}

fn app(variables: &Variables, problems: &mut Problems) -> Option<App> {
    let id = variables.input("app-client-id");
    match (id, variables.secret_input("app-private-key")) {
        (None, None) => None,
        (Some(id), Some(key)) => App::new(id, &key)
            .map_err(|error| problems.add(format!("the input `app-private-key`: {error}")))
            .ok(),
        _ => {
            problems
                .add("`app-client-id` and `app-private-key` go together: one of them is missing");
            None
        }
    }
}

fn webhook(variables: &Variables, problems: &mut Problems) -> Option<Webhook> {
    let url = variables.input("audit-webhook");
    match (url, variables.secret_input("audit-webhook-secret")) {
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

/// Returns the requested permissions without duplicates: keys, or the original text of invalid ones.
pub fn requested_permissions(list: &str) -> Vec<String> {
    let mut requested_permissions = Vec::new();
    for text in split(list) {
        let key = PermissionKey::parse(Cow::Borrowed(text));
        let key = key.map_or_else(|_| text.to_owned(), |key| key.to_string());
        if !requested_permissions.contains(&key) {
            requested_permissions.push(key);
        }
    }
    requested_permissions.truncate(MAX_PERMISSIONS);
    requested_permissions
}

fn split(list: &str) -> impl Iterator<Item = &str> {
    list.split([',', '\n'])
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

/// Parses the input `report`. If it is invalid, returns all reports, so that the problem is visible.
fn targets(input: Option<&str>, problems: &mut Problems) -> BTreeSet<ReportTarget> {
    let all = BTreeSet::from([
        ReportTarget::CheckRun,
        ReportTarget::Status,
        ReportTarget::Summary,
    ]);
    let Some(input) = input else { return all };
    let mut targets = BTreeSet::new();
    let (mut none, mut wrong) = (false, false);
    for item in split(input) {
        match item {
            "check-run" => _ = targets.insert(ReportTarget::CheckRun),
            "status" => _ = targets.insert(ReportTarget::Status),
            "summary" => _ = targets.insert(ReportTarget::Summary),
            "none" => none = true,
            other => {
                wrong = true;
                problems.add(format!(
                    "`report` names `{other}`, expected any of `check-run`, `status`, `summary`, or `none`"
                ));
            }
        }
    }
    if none && !targets.is_empty() {
        wrong = true;
        problems.add("`report` is `none` and other values: write only one of them");
    }
    if targets.is_empty() && !none && !wrong {
        wrong = true;
        problems.add("`report` is an empty list: leave it out or write `none`");
    }
    if wrong { all } else { targets }
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

/// Parses the time limit of the whole run. Returns the default if the input is invalid.
pub fn timeout(input: Option<&str>, problems: &mut Problems) -> Duration {
    let default = Duration::from_secs(60);
    let Some(text) = input else { return default };
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(seconds @ 1..=MAX_TIMEOUT) if is_plain => Duration::from_secs(seconds),
        _ => {
            problems.add(format!(
                "`timeout` is `{text}`, expected whole seconds from 1 to {MAX_TIMEOUT}"
            ));
            default
        }
    }
}
