//! The Actions runner as far as a container action can see it.
//!
//! A binary is started as in the container, with exactly the variables, files and directory that the runner
//! gives; everything it leaves is read back by the runner's rules.

mod action_file;
pub mod commands;
mod directory;
mod environment;
mod event;
pub mod file_commands;
mod job;
mod process;
mod result;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;

use crate::GitHub;

pub use self::action_file::{ActionFile, DeclaredInput, ShellStep};
pub use self::commands::{Annotation, Interpreted};
pub use self::directory::FileCommands;
pub use self::environment::input_variable;
pub use self::event::{HeadRepository, PullRequest};
pub use self::job::Job;
pub use self::process::{Exit, LogLine, Signal, Stream};
pub use self::result::StepResult;

use self::directory::StepDirectory;
use self::environment::Urls;

/// A step that hangs would otherwise last until the job's limit of six hours.
const DEFAULT_LIMIT: Duration = Duration::from_secs(120);

/// Name of the certificate file that [`Runner::trusting`] puts into the workspace.
const CA_FILE: &str = "simulator-ca.pem";

/// Starts steps. It can be used many times; each step has directories of its own.
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
    /// Runs this binary; no inputs are declared.
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

    /// Runs a composite action's script, as the runner does on its own machine, without a container.
    ///
    /// # Errors
    ///
    /// As [`ActionFile::read`].
    pub fn composite(action: &Path) -> anyhow::Result<Self> {
        Self::new("bash").with_action_file(action)
    }

    /// Takes declared inputs, their defaults and `runs.args` from an `action.yml`.
    ///
    /// # Errors
    ///
    /// As [`ActionFile::read`].
    pub fn with_action_file(mut self, path: &Path) -> anyhow::Result<Self> {
        self.action = ActionFile::read(path)?;
        Ok(self)
    }

    /// The action as read.
    #[must_use]
    pub fn action(&self) -> &ActionFile {
        &self.action
    }

    /// Other arguments than the action's `runs.args`.
    #[must_use]
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.action.arguments = arguments.iter().map(|text| (*text).to_owned()).collect();
        self
    }

    /// A file that an earlier step has checked out.
    #[must_use]
    pub fn workspace_file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.workspace_files.push((path.into(), content.into()));
        self
    }

    /// An input for every step; one given to [`Runner::run`] wins.
    #[must_use]
    pub fn input(mut self, name: &str, value: &str) -> Self {
        self.inputs.push((name.into(), value.into()));
        self
    }

    /// Puts the certificate authority of a GitHub with TLS into the workspace and names it in the input `ca-bundle`.
    #[must_use]
    pub fn trusting(self, github: &GitHub) -> Self {
        self.trusting_authority(github.ca_pem())
    }

    /// The same for any authority, besides those that were named before.
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

    /// File commands that cannot be used.
    #[must_use]
    pub fn file_commands(mut self, file_commands: FileCommands) -> Self {
        self.file_commands = file_commands;
        self
    }

    /// Makes the steps' directories in this one, in place of the system's for temporary files.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Kills the step after this time; two minutes unless told.
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
    /// The job is registered with `github`; its repository is added if it is not known there.
    ///
    /// # Errors
    ///
    /// When the binary cannot be started, a directory not made, or a default in `action.yml` not resolved.
    pub fn run(
        &self,
        github: &GitHub,
        job: &Job,
        inputs: &[(&str, &str)],
    ) -> anyhow::Result<StepResult> {
        self.run_watched(github, job, inputs, |_| ())
    }

    /// As [`Runner::run`]; `watch` gets the process's id when it has started. While it runs, neither the limit nor
    /// a signal of [`Runner::signal_after`] ends the step.
    ///
    /// # Errors
    ///
    /// As [`Runner::run`].
    pub fn run_watched(
        &self,
        github: &GitHub,
        job: &Job,
        inputs: &[(&str, &str)],
        watch: impl FnOnce(u32),
    ) -> anyhow::Result<StepResult> {
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
                let shown = pull.payload(&job.repository, &server_url);
                repository.set_pull_request(pull.number, shown);
            }
        });
        let credentials =
            github.register_job(job.repository.id, job.claims(), job.permissions.clone());
        let urls = Urls {
            server: github.server_url(),
            api: github.api_url(),
        };
        let event = job.trigger.payload(job, &urls.server).to_string();
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
            environment::variables(job, &credentials, &urls, &directory.paths, &given);
        let mut command = Command::new(&self.binary);
        command.args(&self.action.arguments);
        if let Some(step) = &self.action.step {
            // `ScriptHandler.cs` gives a script the URL and token of OIDC, and nothing else of the service.
            variables.retain(|name, _| {
                !name.starts_with("ACTIONS_") || name.starts_with("ACTIONS_ID_TOKEN_")
            });
            let path = step.action_path.display().to_string();
            variables.insert("GITHUB_ACTION_PATH".to_owned(), path);
            let script = directory.paths.runner_temp.join("script.sh");
            std::fs::write(&script, &step.script).context("the step's script")?;
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

    /// Declared inputs with their defaults, then those of the runner, then those of the step.
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
    /// The step's variables: its `env`, with the action's inputs.
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
        let resolved = self.environment.iter().map(|(name, value)| {
            let value = action_file::resolve(value, lookup)?;
            Ok((name.clone(), value))
        });
        resolved.collect()
    }
}

/// What an expression is in a job.
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
