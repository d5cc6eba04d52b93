//! What a step left behind.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::commands::{self, Annotation, Command, Interpreted};
use super::directory::StepDirectory;
use super::file_commands::{MAX_SUMMARY_BYTES, parse_pairs, parse_paths};
use super::process::{Exit, Finished, LogLine};

/// A finished step, read by the runner's rules. Its directories are removed when this is dropped.
#[derive(Debug)]
pub struct StepResult {
    /// How the process ended.
    pub exit: Exit,
    /// Standard output, lossy UTF-8.
    pub stdout: String,
    /// Standard error, lossy UTF-8.
    pub stderr: String,
    /// Both streams' lines in the order they were read. Within a stream the order is exact.
    pub log: Vec<LogLine>,
    /// What the commands in the log did.
    pub interpreted: Interpreted,
    /// The step's outputs: those of `$GITHUB_OUTPUT` and of `set-output`; the last of a name wins.
    pub outputs: BTreeMap<String, String>,
    /// `$GITHUB_STEP_SUMMARY` as written.
    pub summary: String,
    /// True when the summary is larger than 1 MiB and the runner shows an error in its place.
    pub summary_aborted: bool,
    /// Pairs in `$GITHUB_ENV`: normally none.
    pub env: Vec<(String, String)>,
    /// Directories in `$GITHUB_PATH`: normally none.
    pub path: Vec<String>,
    /// Pairs in `$GITHUB_STATE` and of `save-state`: normally none.
    pub state: Vec<(String, String)>,
    /// Why the runner fails the step whatever its exit code: a file command that cannot be read, a command that is refused.
    pub runner_errors: Vec<String>,
    /// From the start of the process to its end.
    pub duration: Duration,
    directory: StepDirectory,
}

impl StepResult {
    pub(crate) fn read(finished: Finished, directory: StepDirectory) -> Self {
        let interpreted = commands::interpret(finished.log.iter().map(|line| line.text.as_str()));
        let outputs = parse_pairs(&directory.file_command("OUTPUT"));
        let env = parse_pairs(&directory.file_command("ENV"));
        let state = parse_pairs(&directory.file_command("STATE"));
        let summary = directory.file_command("STEP_SUMMARY");
        let mut runner_errors = interpreted.failures.clone();
        for (name, pairs) in [("output", &outputs), ("env", &env), ("state", &state)] {
            if let Some(error) = &pairs.error {
                runner_errors.push(format!(
                    "Unable to process file command '{name}' successfully: {error}"
                ));
            }
        }
        let mut all_state = interpreted.state.clone();
        all_state.extend(state.pairs);
        Self {
            exit: finished.exit,
            stdout: finished.stdout,
            stderr: finished.stderr,
            log: finished.log,
            // Files are read when the step has ended, so they come after the commands.
            outputs: interpreted
                .outputs
                .iter()
                .cloned()
                .chain(outputs.pairs)
                .collect(),
            summary_aborted: u64::try_from(summary.len())
                .is_ok_and(|length| length > MAX_SUMMARY_BYTES),
            summary: String::from_utf8_lossy(&summary).into_owned(),
            env: env.pairs,
            path: parse_paths(&directory.file_command("PATH")),
            state: all_state,
            runner_errors,
            duration: finished.duration,
            interpreted,
            directory,
        }
    }

    /// The exit code, `None` when a signal ended the process.
    #[must_use]
    pub fn exit_code(&self) -> Option<i32> {
        if let Exit::Code(code) = self.exit {
            Some(code)
        } else {
            None
        }
    }

    /// True when the runner marks the step green.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.exit == Exit::Code(0) && self.runner_errors.is_empty()
    }

    /// An output's value, empty when it was not set, as in an expression.
    #[must_use]
    pub fn output(&self, name: &str) -> &str {
        self.outputs
            .get(name)
            .map(String::as_str)
            .unwrap_or_default()
    }

    /// The commands in the log that the runner obeyed.
    #[must_use]
    pub fn commands(&self) -> &[Command] {
        &self.interpreted.commands
    }

    /// Errors, warnings and notices.
    #[must_use]
    pub fn annotations(&self) -> &[Annotation] {
        &self.interpreted.annotations
    }

    /// What the log hides.
    #[must_use]
    pub fn masks(&self) -> &[String] {
        &self.interpreted.masks
    }

    /// The last line of the log that is not blank.
    #[must_use]
    pub fn last_line(&self) -> &str {
        self.log
            .iter()
            .rev()
            .map(|line| line.text.as_str())
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default()
    }

    /// The step's working directory.
    #[must_use]
    pub fn workspace(&self) -> &Path {
        &self.directory.paths.workspace
    }

    /// `RUNNER_TEMP`.
    #[must_use]
    pub fn runner_temp(&self) -> &Path {
        &self.directory.paths.runner_temp
    }

    /// Everything that anybody can read afterwards and that contains `secret`: names of places, empty when it is nowhere.
    /// The log counts as it is shown, with masks applied.
    #[must_use]
    pub fn places_with(&self, secret: &str) -> Vec<&'static str> {
        let visible = self
            .interpreted
            .visible
            .iter()
            .any(|line| line.contains(secret));
        let outputs = self.outputs.values().any(|value| value.contains(secret));
        let env = self
            .env
            .iter()
            .chain(&self.state)
            .any(|(_, value)| value.contains(secret));
        [
            (visible, "log"),
            (outputs, "outputs"),
            (env, "env or state"),
            (self.summary.contains(secret), "summary"),
        ]
        .into_iter()
        .filter_map(|(found, place)| found.then_some(place))
        .collect()
    }
}
