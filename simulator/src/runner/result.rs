//! Result of a step.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::commands::{self, Annotation, Command, Interpreted};
use super::directory::StepDirectory;
use super::file_commands::{MAX_SUMMARY_BYTES, parse_pairs, parse_paths};
use super::process::{Exit, Finished, LogLine};

/// Result of a step, by the runner's rules. Dropping it removes the step's directories.
#[derive(Debug)]
pub struct StepResult {
    /// End of the process.
    pub exit: Exit,
    /// Standard output, lossy UTF-8.
    pub stdout: String,
    /// Standard error, lossy UTF-8.
    pub stderr: String,
    /// Lines of both streams in the order of reading, which is exact within each stream.
    pub log: Vec<LogLine>,
    /// Effects of the commands in the log.
    pub interpreted: Interpreted,
    /// The step's outputs, from `$GITHUB_OUTPUT` and `set-output`. The last of several with the same name wins.
    pub outputs: BTreeMap<String, String>,
    /// Content of `$GITHUB_STEP_SUMMARY`.
    pub summary: String,
    /// Whether the summary is larger than 1 MiB, so that the runner shows an error instead.
    pub summary_aborted: bool,
    /// Pairs in `$GITHUB_ENV`, normally none.
    pub env: Vec<(String, String)>,
    /// Directories in `$GITHUB_PATH`, normally none.
    pub path: Vec<String>,
    /// Pairs in `$GITHUB_STATE` and of `save-state`, normally none.
    pub state: Vec<(String, String)>,
    /// Errors for which the runner fails the step whatever its exit code: unreadable file commands and rejected
    /// commands.
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
            // The runner reads the files at the end of the step, so after the commands.
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

    /// Returns the exit code, or `None` if a signal ended the process.
    #[must_use]
    pub fn exit_code(&self) -> Option<i32> {
        if let Exit::Code(code) = self.exit {
            Some(code)
        } else {
            None
        }
    }

    /// Returns whether the runner marks the step green.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.exit == Exit::Code(0) && self.runner_errors.is_empty()
    }

    /// Returns an output's value. It is empty if the output is not set, as in an expression.
    #[must_use]
    pub fn output(&self, name: &str) -> &str {
        self.outputs
            .get(name)
            .map(String::as_str)
            .unwrap_or_default()
    }

    /// Returns the commands that the runner executed.
    #[must_use]
    pub fn commands(&self) -> &[Command] {
        &self.interpreted.commands
    }

    /// Returns errors, warnings and notices.
    #[must_use]
    pub fn annotations(&self) -> &[Annotation] {
        &self.interpreted.annotations
    }

    /// Returns the masked values.
    #[must_use]
    pub fn masks(&self) -> &[String] {
        &self.interpreted.masks
    }

    /// Returns the last line of the log that is not blank.
    #[must_use]
    pub fn last_line(&self) -> &str {
        self.log
            .iter()
            .rev()
            .map(|line| line.text.as_str())
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default()
    }

    /// Returns the step's working directory.
    #[must_use]
    pub fn workspace(&self) -> &Path {
        &self.directory.paths.workspace
    }

    /// Returns `RUNNER_TEMP`.
    #[must_use]
    pub fn runner_temp(&self) -> &Path {
        &self.directory.paths.runner_temp
    }

    /// Returns the names of the results that contain `secret`, of all results that anybody can read afterwards. The
    /// masked log counts.
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
