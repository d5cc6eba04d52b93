//! Parses the runner's variables.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use url::Url;

use super::workspace::in_workspace;
use analysis::report::text::visible;
use engine::Claims;
use engine::context::EventPayload;
use engine::{RepositoryName, is_commit_sha};
use github::http::{Client, InvalidNetwork, MAX_CA_BUNDLE, Network};
use platform::Variables;
use token::JobVariables;
use token::{is_https_or_loopback, written_url};

/// Maximum size of an event payload in bytes; GitHub's limit for a webhook is 25 MB.
const MAX_PAYLOAD: usize = 64 << 20;

/// The runner's variables that a check needs. Earlier steps cannot set `GITHUB_*` and `RUNNER_*`.
#[derive(Clone, Debug)]
pub struct Runtime {
    /// `GITHUB_SERVER_URL`
    pub server: Url,
    /// `GITHUB_API_URL`
    pub api_url: String,
    /// `GITHUB_REPOSITORY`
    pub repository: RepositoryName,
    /// The values that a token must match.
    pub job: JobVariables,
    /// `GITHUB_WORKSPACE`
    pub workspace: Option<PathBuf>,
}

impl Runtime {
    /// Reads the variables.
    ///
    /// # Errors
    /// A variable is missing or invalid.
    pub fn read(variables: &Variables) -> anyhow::Result<Self> {
        let variable = |name: &str| {
            variables
                .get(name)
                .map(str::to_owned)
                .with_context(|| format!("the runner's variable `{name}` is missing"))
        };
        let invalid = |name: &str, seen: &str, expected: &str| {
            format!(
                "the runner's variable `{name}` is `{}`, expected {expected}",
                visible(seen)
            )
        };
        let server_text = variable("GITHUB_SERVER_URL")?;
        let server = written_url(&server_text)
            .filter(is_https_or_loopback)
            .with_context(|| invalid("GITHUB_SERVER_URL", &server_text, "an https URL"))?;
        let repository_text = variable("GITHUB_REPOSITORY")?;
        let repository = RepositoryName::parse(&repository_text)
            .with_context(|| invalid("GITHUB_REPOSITORY", &repository_text, "`OWNER/NAME`"))?;
        Ok(Self {
            server,
            api_url: variable("GITHUB_API_URL")?,
            repository,
            job: JobVariables {
                repository: repository_text,
                repository_id: variable("GITHUB_REPOSITORY_ID")?,
                run_id: variable("GITHUB_RUN_ID")?,
                run_attempt: variable("GITHUB_RUN_ATTEMPT")?,
                sha: variable("GITHUB_SHA")?,
                event_name: variable("GITHUB_EVENT_NAME")?,
                check_run_id: variables.input("check-run-id").map(str::to_owned),
            },
            workspace: variables.get("GITHUB_WORKSPACE").map(PathBuf::from),
        })
    }
}

impl Runtime {
    /// Returns whether this job would accept a token of another job of the run, although the token names its job.
    /// That is so on github.com and ghe.com without the input `check-run-id`. Older servers have tokens with the
    /// claim, but jobs without the id.
    pub fn lends_tokens(&self, claims: &Claims) -> bool {
        let host = self.server.host_str().unwrap_or_default();
        let is_hosted = host == "github.com" || host.ends_with(".ghe.com");
        is_hosted && self.job.check_run_id.is_none() && claims.text("check_run_id").is_some()
    }
}

/// Creates the HTTP client with the runner's proxies and the certificates in `ca-bundle`.
///
/// # Errors
/// A proxy or the bundle is invalid.
pub fn client(variables: &Variables, path: Option<&str>) -> anyhow::Result<Client> {
    let workspace = variables.get("GITHUB_WORKSPACE").map(Path::new);
    let ca_bundle = path.map(|path| {
        in_workspace(Path::new(path), workspace)
            .and_then(|file| platform::read_capped(&file, MAX_CA_BUNDLE))
            .with_context(|| format!("`ca-bundle` is `{path}`, which cannot be read"))
    });
    let network = Network::of_variables(|name| variables.either_case(name), ca_bundle.transpose()?);
    network.client().map_err(|error| match (&error, path) {
        (
            InvalidNetwork::NotPem(_)
            | InvalidNetwork::Certificate(_)
            | InvalidNetwork::NoCertificate,
            Some(path),
        ) => anyhow::Error::from(error.clone()).context(format!("`ca-bundle` is `{path}`")),
        _ => error.into(),
    })
}

/// Reads the event's payload. Returns the problem if it is unreadable.
pub fn payload(variables: &Variables) -> (Option<EventPayload>, Option<String>) {
    let Some(path) = variables.get("GITHUB_EVENT_PATH") else {
        return (None, Some("`GITHUB_EVENT_PATH` is missing".to_owned()));
    };
    // Earlier steps can replace the file. Reading a pipe or a device would never end.
    let read = std::fs::metadata(path)
        .and_then(|metadata| match metadata.is_file() {
            true => platform::read_capped(Path::new(path), MAX_PAYLOAD),
            false => Err(std::io::Error::other("it is not a file")),
        })
        .map_err(|error| error.to_string())
        .and_then(|json| EventPayload::parse(&json).map_err(|error| error.to_string()));
    match read {
        Ok(payload) => (Some(payload), None),
        Err(error) => (
            None,
            Some(format!("the event payload cannot be read: {error}")),
        ),
    }
}

/// Returns the commit to report on: the input `sha`, the head of the pull request, or `GITHUB_SHA`. The merge
/// commit, a pull request's `GITHUB_SHA`, never has reports: with a status there, branch protection would look
/// at it.
pub fn head_sha(
    input: Option<&str>,
    variables: &Variables,
    payload: Option<&EventPayload>,
) -> Option<String> {
    let is_pull_request = variables
        .get("GITHUB_EVENT_NAME")
        .is_some_and(|event| event.starts_with("pull_request"));
    let is_merge_commit = |sha: &str| {
        let on_merge_ref = variables
            .get("GITHUB_REF")
            .is_some_and(|git_ref| git_ref.starts_with("refs/pull/"));
        is_pull_request && on_merge_ref && variables.get("GITHUB_SHA") == Some(sha)
    };
    if let Some(sha) = input.filter(|sha| !is_merge_commit(sha)) {
        return Some(sha.to_owned());
    }
    let sha = if is_pull_request {
        payload?.pull_request.as_ref()?.head.sha.as_str()
    } else {
        variables.get("GITHUB_SHA")?
    };
    is_commit_sha(sha).then(|| sha.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_lends_tokens() {
        let runtime = |server: &str, check_run_id: Option<&str>| Runtime {
            server: Url::parse(server).unwrap(),
            api_url: String::new(),
            repository: RepositoryName::new("acme-org", "infra").unwrap(),
            job: JobVariables {
                repository: String::new(),
                repository_id: String::new(),
                run_id: String::new(),
                run_attempt: String::new(),
                sha: String::new(),
                event_name: String::new(),
                check_run_id: check_run_id.map(str::to_owned),
            },
            workspace: None,
        };
        let claims = |json| serde_json::from_value::<Claims>(json).unwrap();
        let with = claims(serde_json::json!({"check_run_id": "39"}));
        let without = claims(serde_json::json!({"run_id": "7"}));
        for (server, id, claims, lends) in [
            ("https://github.com", None, &with, true),
            ("https://acme.ghe.com", None, &with, true),
            ("https://github.com", Some("39"), &with, false),
            ("https://github.com", None, &without, false),
            ("https://ghes.example.com", None, &with, false),
            ("https://github.com.example", None, &with, false),
        ] {
            assert_eq!(runtime(server, id).lends_tokens(claims), lends, "{server}");
        }
    }
}
