//! One policy: read, linted, and mended where that is asked for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::fix;
use crate::git;
use crate::git::Git;
use analysis::lint::{Finding, Options, Source, lint};
use engine::encoding::text_of;
use engine::policy::{Format, MAX_FILE, Position};
use platform::Environment;

/// A policy that was read, and what was found in it.
pub(super) struct Linted {
    /// The path as it was given.
    pub(super) path: PathBuf,
    /// After its fixes.
    pub(super) text: String,
    pub(super) format: Format,
    /// What is left after its fixes.
    pub(super) findings: Vec<Finding>,
    pub(super) fixed: Option<Before>,
}

/// A policy as it was before its fixes.
pub(super) struct Before {
    pub(super) text: String,
    /// How many fixes there were.
    pub(super) count: usize,
}

impl Linted {
    /// Reads a policy and lints it. One that the gate would refuse is a finding.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn read(path: &Path, now: Timestamp) -> std::io::Result<Self> {
        let invalid = |why: String| {
            let message = format!("the policy is {why}");
            Ok(Self {
                findings: vec![Finding::invalid(Position::START, message)],
                ..Self::unread(path.to_owned(), String::new())
            })
        };
        let bytes = match platform::read_capped(path, MAX_FILE) {
            // It is there and it is a policy that the gate refuses, unlike one that is not there.
            Err(error) if error.kind() == std::io::ErrorKind::FileTooLarge => {
                return invalid(error.to_string());
            }
            bytes => bytes?,
        };
        let text = match text_of(bytes) {
            Ok(text) => text,
            Err(why) => return invalid(why.to_string()),
        };
        Ok(Self::of(path.to_owned(), text, now))
    }

    /// Lints a text as the policy of this path.
    pub(super) fn of(path: PathBuf, text: String, now: Timestamp) -> Self {
        let mut file = Self::unread(path, text);
        file.findings = lint(&file.text, file.format, &options(&file.path, now));
        file
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

    /// Puts its safe fixes in place, without writing the file.
    ///
    /// # Errors
    /// They cannot be; nothing is changed then.
    pub(super) fn fix(&mut self, now: Timestamp) -> Result<(), &'static str> {
        let options = options(&self.path, now);
        let findings = self.findings.clone();
        let Some(fixed) = fix::fix(&self.text, self.format, &options, findings)? else {
            return Ok(());
        };
        self.findings = fixed.findings;
        self.fixed = Some(Before {
            text: std::mem::replace(&mut self.text, fixed.text),
            count: fixed.count,
        });
        Ok(())
    }

    /// Goes back to what is in the file.
    pub(super) fn take_back(&mut self, now: Timestamp) {
        if let Some(before) = self.fixed.take() {
            self.text = before.text;
            self.findings = lint(&self.text, self.format, &options(&self.path, now));
        }
    }

    /// Writes what was fixed.
    ///
    /// # Errors
    /// The file is as it was.
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

fn options(path: &Path, now: Timestamp) -> Options {
    Options {
        now: Some(now),
        workflows: workflows(path),
        repository: repository(path),
    }
}

/// The repository that the policy is in.
fn repository(policy: &Path) -> Option<String> {
    let host = git::host(&Environment::new(std::env::vars_os()))?;
    let origin = Git::above(policy)?.origin(&host)?;
    Some(origin.to_string())
}

/// The names of the workflow files of the repository that the policy is in.
fn workflows(policy: &Path) -> Option<BTreeSet<String>> {
    let files = std::fs::read_dir(crate::workflows::above(policy)?).ok()?;
    let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    Some(names.collect())
}
