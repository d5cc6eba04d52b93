//! Simulates the part of the Actions runner that a container action can see.
//!
//! It starts a binary with exactly the variables, files and directory that it has in the container, and reads its
//! results by the runner's rules.

mod action_file;
mod command;
pub mod commands;
mod directory;
mod event;
pub mod file_commands;
mod job;
mod job_of_event;
mod lines;
mod process;
mod pull_request;
mod result;
mod trigger;
mod variables;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;

use crate::GitHub;

pub use self::action_file::{ActionFile, DeclaredInput, ShellStep};
pub use self::commands::{Annotation, Interpreted};
pub use self::directory::FileCommands;
pub use self::job::Job;
pub use self::process::{Exit, LogLine, Signal, Stream};
pub use self::pull_request::{HeadRepository, PullRequest};
pub use self::result::StepResult;
pub use self::variables::input_variable;

use self::directory::StepDirectory;
use self::variables::Urls;

/// Time limit of a step. Without it, a hanging step would last until the job's limit of six hours.
const DEFAULT_LIMIT: Duration = Duration::from_secs(120);

/// Name of the certificate file that [`Runner::trusting`] writes into the workspace.
const CA_FILE: &str = "simulator-ca.pem";

/// Starts steps, each with its own directories.
#[derive(Debug, Clone)]
pub struct Runner {
    binary: PathBuf,
    action: ActionFile,
    workspace_files: Vec<(String, Vec<u8>)>,
    inputs: Vec<(String, String)>,
    file_commands: FileCommands,
    directory: Option<PathBuf>,
    limit: Duration,
    signal: Option<(Signal, Duration)>,
}

impl Runner {
    /// Creates a runner of this binary, without declared inputs.
    #[must_use]
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        Self {
            binary: binary.into(),
            action: ActionFile::default(),
            workspace_files: Vec::new(),
            inputs: Vec::new(),
            file_commands: FileCommands::default(),
            directory: None,
            limit: DEFAULT_LIMIT,
            signal: None,
        }
    }

    /// Creates a runner of a composite action's script, which runs on the runner's machine without a container.
    ///
    /// # Errors
    ///
    /// See [`ActionFile::read`].
    pub fn composite(action: &Path) -> anyhow::Result<Self> {
        Self::new("bash").with_action_file(action)
    }

    /// Reads declared inputs, their defaults and `runs.args` from an `action.yml`.
    ///
    /// # Errors
    ///
    /// See [`ActionFile::read`].
    pub fn with_action_file(mut self, path: &Path) -> anyhow::Result<Self> {
        self.action = ActionFile::read(path)?;
        Ok(self)
    }

    /// Returns the parsed action.
    #[must_use]
    pub fn action(&self) -> &ActionFile {
        &self.action
    }

    /// Replaces the action's `runs.args`.
    #[must_use]
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.action.arguments = arguments.iter().map(|text| (*text).to_owned()).collect();
        self
    }

    /// Adds a file to the workspace.
    #[must_use]
    pub fn workspace_file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.workspace_files.push((path.into(), content.into()));
        self
    }

    /// Sets an input for every step; an input of [`Runner::run`] overrides it.
    #[must_use]
    pub fn input(mut self, name: &str, value: &str) -> Self {
        self.inputs.push((name.into(), value.into()));
        self
    }

    /// Writes the certificate authority of a GitHub with TLS into the workspace and names it in the input `ca-bundle`.
    #[must_use]
    pub fn trusting(self, github: &GitHub) -> Self {
        self.trusting_authority(github.ca_pem())
    }

    /// Adds another authority to the input `ca-bundle`.
    #[must_use]
    pub fn trusting_authority(mut self, pem: Option<&str>) -> Self {
        let Some(pem) = pem else { return self };
        let is_bundle = |(name, _): &&mut (String, Vec<u8>)| name == CA_FILE;
        match self.workspace_files.iter_mut().find(is_bundle) {
            Some((_, bundle)) => bundle.extend_from_slice(pem.as_bytes()),
            None => self.workspace_files.push((CA_FILE.into(), pem.into())),
        }
        self.input("ca-bundle", CA_FILE)
    }

    /// Sets the state of the file commands.
    #[must_use]
    pub fn file_commands(mut self, file_commands: FileCommands) -> Self {
        self.file_commands = file_commands;
        self
    }

    /// Creates the steps' directories in this one, instead of the system's temporary directory.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Sets the time after which the runner kills a step. The default is two minutes.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Sends a signal once, this long after the start.
    #[must_use]
    pub fn signal_after(mut self, signal: Signal, delay: Duration) -> Self {
        self.signal = Some((signal, delay));
        self
    }

    /// Runs one step of `job` and waits for its end.
    ///
    /// It registers the job with `github`, and adds its repository if it is unknown.
    ///
    /// # Errors
    ///
    /// The binary cannot be started, a directory cannot be created, or a default in `action.yml` cannot be resolved.
    pub fn run(
        &self,
        github: &GitHub,
        job: &Job,
        inputs: &[(&str, &str)],
    ) -> anyhow::Result<StepResult> {
        self.run_watched(github, job, inputs, |_| ())
    }

    /// Runs a step like [`Runner::run`], and calls `watch` with the process's id after the start. During `watch`,
    /// neither the limit nor a signal of [`Runner::signal_after`] ends the step.
    ///
    /// # Errors
    ///
    /// See [`Runner::run`].
    pub fn run_watched(
        &self,
        github: &GitHub,
        job: &Job,
        inputs: &[(&str, &str)],
        watch: impl FnOnce(u32),
    ) -> anyhow::Result<StepResult> {
        publish(github, job);
        let credentials =
            github.register_job(job.repository.id, job.claims(), job.permissions.clone());
        let urls = Urls {
            server: github.server_url(),
            api: github.api_url(),
        };
        let event = event::payload(job, &urls.server).to_string();
        let parent = self.directory.clone().unwrap_or_else(std::env::temp_dir);
        let directory =
            StepDirectory::create(&parent, &event, &self.workspace_files, self.file_commands)?;
        let inputs = self.resolved_inputs(job, &credentials.github_token, inputs)?;
        let lookup = |expression: &str| lookup(job, &credentials.github_token, expression);
        let given = match &self.action.step {
            Some(step) => step.variables(&inputs, lookup)?,
            None => inputs
                .into_iter()
                .map(|(name, value)| (input_variable(&name), value))
                .collect(),
        };
        let mut variables =
            variables::variables(job, &credentials, &urls, &directory.paths, &given);
        let mut command = Command::new(&self.binary);
        command.args(&self.action.arguments);
        if let Some(step) = &self.action.step {
            // `ScriptHandler.cs` passes only the OIDC variables of the service to a script.
            variables.retain(|name, _| {
                !name.starts_with("ACTIONS_") || name.starts_with("ACTIONS_ID_TOKEN_")
            });
            let path = step.action_path.display().to_string();
            variables.insert("GITHUB_ACTION_PATH".to_owned(), path);
            let script = directory.paths.runner_temp.join("script.sh");
            std::fs::write(&script, &step.script).context("cannot write the step's script")?;
            command.args(["--noprofile", "--norc", "-e", "-o", "pipefail"]);
            command.arg(script);
        }
        command
            .env_clear()
            .envs(variables)
            .current_dir(&directory.paths.workspace);
        let finished = process::run(command, self.limit, self.signal, watch)?;
        Ok(StepResult::read(finished, directory))
    }

    /// Returns the defaults of the declared inputs, then the runner's inputs, then the step's.
    fn resolved_inputs(
        &self,
        job: &Job,
        token: &str,
        given: &[(&str, &str)],
    ) -> anyhow::Result<Vec<(String, String)>> {
        let lookup = |expression: &str| lookup(job, token, expression);
        let mut inputs = Vec::new();
        for declared in &self.action.inputs {
            inputs.push((
                declared.name.clone(),
                action_file::resolve(&declared.default, lookup)?,
            ));
        }
        let step = given
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        for (name, value) in self.inputs.iter().cloned().chain(step) {
            inputs.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
            inputs.push((name, action_file::resolve(&value, lookup)?));
        }
        Ok(inputs)
    }
}

impl ShellStep {
    /// Returns the step's variables: its `env`, with the action's inputs.
    fn variables(
        &self,
        inputs: &[(String, String)],
        lookup: impl Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Vec<(String, String)>> {
        let lookup = |expression: &str| match expression.strip_prefix("inputs.") {
            Some(name) => inputs
                .iter()
                .find(|(input, _)| input == name)
                .map(|(_, value)| value.clone()),
            None => lookup(expression),
        };
        let resolved = self.env.iter().map(|(name, value)| {
            let value = action_file::resolve(value, lookup)?;
            Ok((name.clone(), value))
        });
        resolved.collect()
    }
}

impl Job {
    /// Makes the job's repository, its commits and its pull request known to GitHub. The runner does this for a job that
    /// it starts.
    pub fn publish(&self, github: &GitHub) {
        publish(github, self);
    }
}

/// Makes the job's repository, its commits and its pull request known to GitHub.
fn publish(github: &GitHub, job: &Job) {
    let full_name = job.repository.full_name();
    if github.repository(&full_name).is_none() {
        github.add_repository(job.repository.clone());
    }
    let server_url = github.server_url();
    github.edit_repository(&full_name, |repository| {
        for sha in job.commits() {
            repository.add_commit(sha);
        }
        if let Some(pull) = &job.pull_request {
            let shown = event::pull_request(pull, &job.repository, &server_url);
            repository.set_pull_request(pull.number, shown);
        }
    });
}

/// Evaluates an expression in a job.
fn lookup(job: &Job, token: &str, expression: &str) -> Option<String> {
    match expression {
        "github.token" => Some(token.to_owned()),
        "github.repository" => Some(job.repository.full_name()),
        "github.sha" => Some(job.sha.to_string()),
        "github.ref" => Some(job.reference.clone()),
        "job.check_run_id" => Some(job.check_run_id.to_string()),
        _ => None,
    }
}
