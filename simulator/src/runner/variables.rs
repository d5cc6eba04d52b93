//! The variables of a container action, in the runner's order of assignment.
//!
//! Sources in actions/runner: `ContainerActionHandler.cs`, `Handler.cs` (inputs), `GitHubContext.cs` (the allow-list).

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::Job;
use crate::github::JobCredentials;
use crate::unique::{guid, hex};

/// Directories and files that the runner mounts into the container.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    pub(crate) workspace: PathBuf,
    pub(crate) home: PathBuf,
    pub(crate) event: PathBuf,
    pub(crate) runner_temp: PathBuf,
    /// Names of variables, such as `GITHUB_OUTPUT`, and files.
    pub(crate) file_commands: Vec<(&'static str, PathBuf)>,
}

/// Returns all variables; later assignments win. `given` are the step's own: its inputs or its `env`.
pub(crate) fn variables(
    job: &Job,
    credentials: &JobCredentials,
    urls: &Urls,
    paths: &Paths,
    given: &[(String, String)],
) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    let mut set = |name: &str, value: String| {
        variables.insert(name.to_owned(), value);
    };
    // The container engine sets these.
    set(
        "PATH",
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into(),
    );
    set("HOSTNAME", hex(6));
    for (name, value) in &job.earlier_env {
        set(name, value.clone());
    }
    for (name, value) in given {
        set(name, value.clone());
    }
    set("HOME", paths.home.display().to_string());
    for (name, value) in github(job, urls, paths) {
        set(&format!("GITHUB_{name}"), value);
    }
    for (name, value) in runner(job, paths) {
        set(&format!("RUNNER_{name}"), value);
    }
    for (name, value) in services(job, credentials, urls) {
        set(&format!("ACTIONS_{name}"), value);
    }
    set("GITHUB_ACTIONS", "true".into());
    variables
        .entry("CI".to_owned())
        .or_insert_with(|| "true".to_owned());
    for (name, value) in &job.proxy {
        variables
            .entry(name.clone())
            .or_insert_with(|| value.clone());
    }
    variables
}

/// Returns the addresses of the runner's services, without `ACTIONS_`.
fn services(
    job: &Job,
    credentials: &JobCredentials,
    urls: &Urls,
) -> impl Iterator<Item = (&'static str, String)> {
    let address = |path: &str| format!("{}/_services/{path}/", urls.server);
    let token = &credentials.id_token_request_token;
    let services = [
        ("RUNTIME_URL", address(&format!("pipelines/{}", guid()))),
        ("RUNTIME_TOKEN", token.clone()),
        ("CACHE_URL", address(&format!("artifactcache/{}", guid()))),
        ("RESULTS_URL", address("results")),
    ];
    let id_token = [
        (
            "ID_TOKEN_REQUEST_URL",
            credentials.id_token_request_url.clone(),
        ),
        ("ID_TOKEN_REQUEST_TOKEN", token.clone()),
    ];
    let id_token = id_token.into_iter().filter(|_| job.id_token);
    services.into_iter().chain(id_token)
}

/// URLs of GitHub.
#[derive(Debug, Clone)]
pub(crate) struct Urls {
    pub(crate) server: String,
    pub(crate) api: String,
}

/// Returns `INPUT_` and the name in upper case, with underscores for spaces. Hyphens stay.
#[must_use]
pub fn input_variable(name: &str) -> String {
    format!("INPUT_{}", name.replace(' ', "_").to_uppercase())
}

fn github(job: &Job, urls: &Urls, paths: &Paths) -> Vec<(&'static str, String)> {
    let ref_name = job
        .reference
        .strip_prefix("refs/heads/")
        .or_else(|| job.reference.strip_prefix("refs/tags/"))
        .or_else(|| job.reference.strip_prefix("refs/pull/"))
        .unwrap_or(&job.reference);
    let mut variables = vec![
        ("ACTION", "__repo-permissions_repo-permissions".to_owned()),
        ("ACTION_REF", "v1".to_owned()),
        (
            "ACTION_REPOSITORY",
            "repo-permissions/repo-permissions".to_owned(),
        ),
        ("ACTOR", job.actor.clone()),
        ("ACTOR_ID", job.actor_id.to_string()),
        ("API_URL", urls.api.clone()),
        ("BASE_REF", job.base_ref.clone()),
        ("EVENT_NAME", job.event_name.clone()),
        ("EVENT_PATH", paths.event.display().to_string()),
        ("GRAPHQL_URL", format!("{}/api/graphql", urls.server)),
        ("HEAD_REF", job.head_ref.clone()),
        ("JOB", job.job_id.clone()),
        ("REF", job.reference.clone()),
        ("REF_NAME", ref_name.to_owned()),
        ("REF_PROTECTED", job.ref_protected.to_string()),
        ("REF_TYPE", job.ref_type().to_owned()),
        ("REPOSITORY", job.repository.full_name()),
        ("REPOSITORY_ID", job.repository.id.to_string()),
        ("REPOSITORY_OWNER", job.repository.owner.clone()),
        ("REPOSITORY_OWNER_ID", job.repository.owner_id.to_string()),
        ("RETENTION_DAYS", "90".to_owned()),
        ("RUN_ATTEMPT", job.run_attempt.to_string()),
        ("RUN_ID", job.run_id.to_string()),
        ("RUN_NUMBER", job.run_number.to_string()),
        ("SERVER_URL", urls.server.clone()),
        ("SHA", job.sha.to_string()),
        ("TRIGGERING_ACTOR", job.actor.clone()),
        ("WORKFLOW", job.workflow_name.clone()),
        ("WORKFLOW_REF", job.full_workflow_ref()),
        ("WORKFLOW_SHA", job.sha.to_string()),
        ("WORKSPACE", paths.workspace.display().to_string()),
    ];
    variables.extend(
        paths
            .file_commands
            .iter()
            .map(|(name, path)| (*name, path.display().to_string())),
    );
    variables
}

fn runner(job: &Job, paths: &Paths) -> Vec<(&'static str, String)> {
    let mut variables = vec![
        ("OS", "Linux".to_owned()),
        ("ARCH", "X64".to_owned()),
        ("NAME", "GitHub Actions 7".to_owned()),
        ("ENVIRONMENT", job.runner_environment.clone()),
        ("TEMP", paths.runner_temp.display().to_string()),
        ("TOOL_CACHE", "/opt/hostedtoolcache".to_owned()),
        (
            "WORKSPACE",
            format!("/home/runner/work/{}", job.repository.name),
        ),
    ];
    if job.debug {
        variables.push(("DEBUG", "1".to_owned()));
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::Repository;

    fn of_job(job: &Job, inputs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let credentials = JobCredentials {
            id_token_request_url: "https://h/idtoken?api-version=2.0".into(),
            id_token_request_token: "request".into(),
            github_token: "ghs_1".into(),
        };
        let urls = Urls {
            server: "https://h".into(),
            api: "https://h/api/v3".into(),
        };
        let paths = Paths {
            workspace: "/github/workspace".into(),
            home: "/github/home".into(),
            event: "/github/workflow/event.json".into(),
            runner_temp: "/github/runner_temp".into(),
            file_commands: vec![("OUTPUT", "/github/file_commands/set_output_1".into())],
        };
        let inputs: Vec<_> = inputs
            .iter()
            .map(|(name, value)| (input_variable(name), (*value).to_owned()))
            .collect();
        variables(job, &credentials, &urls, &paths, &inputs)
    }

    #[test]
    fn inputs_keep_their_hyphens() {
        assert_eq!(input_variable("app-client-id"), "INPUT_APP-CLIENT-ID");
        assert_eq!(input_variable("two words"), "INPUT_TWO_WORDS");
    }

    #[test]
    fn earlier_steps_do_not_override_the_runner() {
        let repository = Repository::new("o/r", 1, 2);
        let job = Job::push(&repository, "main")
            .with_id_token(false)
            .with_earlier_env("GITHUB_REPOSITORY", "evil/evil")
            .with_earlier_env("INPUT_POLICY", "evil.yml")
            .with_earlier_env("SSL_CERT_FILE", "/evil.pem")
            .with_earlier_env("ACTIONS_ID_TOKEN_REQUEST_URL", "https://evil");
        let variables = of_job(&job, &[("policy", "good.yml")]);
        assert_eq!(variables["GITHUB_REPOSITORY"], "o/r");
        assert_eq!(variables["INPUT_POLICY"], "good.yml");
        assert_eq!(variables["SSL_CERT_FILE"], "/evil.pem");
        // Without the permission nothing stands above what an earlier step has set.
        assert_eq!(variables["ACTIONS_ID_TOKEN_REQUEST_URL"], "https://evil");
        assert_eq!(variables["GITHUB_REF_NAME"], "main");
        assert!(!variables.contains_key("GITHUB_TOKEN"));
    }
}
