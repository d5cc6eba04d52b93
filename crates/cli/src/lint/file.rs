//! A policy file: read, linted and fixed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::fix;
use crate::git;
use crate::git::Git;
use crate::output::warn;
use crate::workflows::ACTION;
use analysis::lint::{Finding, LintOptions, Source, lint, lint_workflows, without_ignored};
use analysis::workflows::{MAX_FILE as MAX_WORKFLOW, RunOptions};
use engine::encoding::text_of;
use engine::policy::{Format, MAX_FILE, Position};
use platform::Variables;

/// A policy and its findings.
pub(super) struct Linted {
    /// The path on the command line.
    pub(super) path: PathBuf,
    /// The text after the fixes.
    pub(super) text: String,
    pub(super) format: Format,
    /// The findings after the fixes.
    pub(super) findings: Vec<Finding>,
    pub(super) fixed: Option<Original>,
}

/// A policy before its fixes.
pub(super) struct Original {
    pub(super) text: String,
    /// Number of applied fixes.
    pub(super) count: usize,
}

impl Linted {
    /// Reads and lints a policy. If the gate would reject it, that is a finding.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn read(path: &Path, now: Timestamp) -> std::io::Result<Self> {
        let invalid = |why: String| {
            let message = format!("the policy is {why}");
            Ok(Self {
                findings: vec![Finding::invalid(Position::START, message)],
                ..Self::unread(path.to_owned(), String::new())
            })
        };
        let is_stdin = path == Path::new("-");
        let read = match is_stdin {
            true => platform::read_stdin_capped(MAX_FILE),
            false => platform::read_capped(path, MAX_FILE),
        };
        let bytes = match read {
            // Unlike a missing file, this is a policy that the gate rejects.
            Err(error) if error.kind() == std::io::ErrorKind::FileTooLarge => {
                return invalid(error.to_string());
            }
            bytes => bytes?,
        };
        let text = match text_of(bytes) {
            Ok(text) => text,
            Err(why) => return invalid(why.to_string()),
        };
        if is_stdin {
            let format = Format::of_text(&text);
            let mut file = Self::unread(PathBuf::from("<stdin>"), text);
            file.format = format;
            // As a file in the current directory.
            file.findings = lint(&file.text, format, &options(path, now));
            return Ok(file);
        }
        Ok(Self::of(path.to_owned(), text, now))
    }

    /// Lints a text as the policy at this path.
    pub(super) fn of(path: PathBuf, text: String, now: Timestamp) -> Self {
        let mut file = Self::unread(path, text);
        file.findings = lint(&file.text, file.format, &options(&file.path, now));
        file
    }

    /// Returns the workflow files in a directory that have findings. A file that cannot be read or parsed is a
    /// warning and no finding: it says nothing about the policy.
    pub(super) fn workflow_files(directory: &Path) -> Vec<Self> {
        let Ok(workflows) = crate::workflows::read_workflows(directory) else {
            return Vec::new();
        };
        for unreadable in &workflows.unreadable {
            warn(&unreadable.to_string());
        }
        let default_branch = Git::discover(directory).and_then(|git| git.default_branch());
        let options = RunOptions {
            action: ACTION,
            default_branch: default_branch.as_deref(),
        };
        let here = std::env::current_dir().unwrap_or_default();
        let mut files: Vec<Self> = Vec::new();
        for (name, finding) in lint_workflows(&workflows.runs(options)) {
            let path = directory.join(name);
            let path = path.strip_prefix(&here).unwrap_or(&path);
            match files.last_mut().filter(|file| file.path == path) {
                Some(file) => file.findings.push(finding),
                None => {
                    let text = platform::read_capped(path, MAX_WORKFLOW).ok();
                    let text = text
                        .and_then(|bytes| text_of(bytes).ok())
                        .unwrap_or_default();
                    files.push(Self {
                        findings: vec![finding],
                        ..Self::unread(path.to_owned(), text)
                    });
                }
            }
        }
        for file in &mut files {
            let findings = std::mem::take(&mut file.findings);
            file.findings = without_ignored(&file.text, findings);
        }
        files.retain(|file| !file.findings.is_empty());
        files
    }

    fn unread(path: PathBuf, text: String) -> Self {
        Self {
            format: Format::of_path(&path.to_string_lossy()),
            path,
            text,
            findings: Vec::new(),
            fixed: None,
        }
    }

    /// Applies the safe fixes without writing the file.
    ///
    /// # Errors
    /// The fixes cannot be applied. The policy is unchanged.
    pub(super) fn fix(&mut self, now: Timestamp) -> Result<(), &'static str> {
        let options = options(&self.path, now);
        let findings = self.findings.clone();
        let Some(fixed) = fix::fix(&self.text, self.format, &options, findings)? else {
            return Ok(());
        };
        self.findings = fixed.findings;
        self.fixed = Some(Original {
            text: std::mem::replace(&mut self.text, fixed.text),
            count: fixed.count,
        });
        Ok(())
    }

    /// Goes back to the text in the file.
    pub(super) fn revert(&mut self, now: Timestamp) {
        if let Some(before) = self.fixed.take() {
            self.text = before.text;
            self.findings = lint(&self.text, self.format, &options(&self.path, now));
        }
    }

    /// Writes the fixed policy.
    ///
    /// # Errors
    /// The file cannot be written, and is unchanged.
    pub(super) fn write(&self) -> std::io::Result<()> {
        match &self.fixed {
            Some(before) => fix::replace(&self.path, &before.text, &self.text),
            None => Ok(()),
        }
    }

    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    pub(super) fn source(&self) -> Source<'_> {
        Source::new(&self.text, self.format)
    }
}

fn options(path: &Path, now: Timestamp) -> LintOptions {
    LintOptions {
        now: Some(now),
        workflows: workflows(path),
        repository: repository(path),
    }
}

/// Returns the name of the policy's repository.
fn repository(policy: &Path) -> Option<String> {
    let host = git::host(&Variables::new(std::env::vars_os()))?;
    let origin = Git::discover(policy)?.origin(&host)?;
    Some(origin.to_string())
}

/// Returns the names of the workflow files in the policy's repository.
fn workflows(policy: &Path) -> Option<BTreeSet<String>> {
    let files = std::fs::read_dir(crate::workflows::find_workflows(policy)?).ok()?;
    let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    Some(names.collect())
}
