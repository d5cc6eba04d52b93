//! Writes the policy and its cases, without overwriting a file.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

/// Paths of a policy and of its cases, `STEM.tests.yml` beside it.
pub(super) struct OutputFiles {
    pub(super) policy: PathBuf,
    pub(super) cases: PathBuf,
}

impl OutputFiles {
    pub(super) fn of(policy: &Path) -> anyhow::Result<Self> {
        let is_yaml = policy
            .extension()
            .is_some_and(|end| end == "yml" || end == "yaml");
        let stem = policy.file_stem().filter(|_| is_yaml).with_context(|| {
            format!(
                "--output is `{}`, expected a file name ending in `.yml` or `.yaml`",
                policy.display()
            )
        })?;
        let mut name = stem.to_owned();
        name.push(".tests.yml");
        // `./x` names the same file as `x`.
        let policy = policy.strip_prefix("./").unwrap_or(policy);
        Ok(Self {
            policy: policy.to_owned(),
            cases: policy.with_file_name(name),
        })
    }

    pub(super) fn policy_name(&self) -> String {
        let name = self.policy.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Returns an error if one of the files exists.
    pub(super) fn check_absent(&self) -> anyhow::Result<()> {
        for file in [&self.policy, &self.cases] {
            if file.symlink_metadata().is_ok() {
                return Err(already_exists(file));
            }
        }
        Ok(())
    }

    /// Writes both files, or neither.
    pub(super) fn write(&self, policy: &str, cases: &str) -> anyhow::Result<()> {
        if let Some(directory) = self.policy.parent() {
            std::fs::create_dir_all(directory)
                .with_context(|| format!("`{}` cannot be created", directory.display()))?;
        }
        let mut policy_file = create(&self.policy)?;
        let written = create(&self.cases).and_then(|mut cases_file| {
            let both = policy_file
                .write_all(policy.as_bytes())
                .and_then(|()| cases_file.write_all(cases.as_bytes()));
            both.with_context(|| {
                _ = std::fs::remove_file(&self.cases);
                format!("`{}` cannot be written", self.policy.display())
            })
        });
        if written.is_err() {
            // This function created it.
            _ = std::fs::remove_file(&self.policy);
        }
        written
    }
}

fn create(file: &Path) -> anyhow::Result<File> {
    match File::create_new(file) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(already_exists(file)),
        created => created.with_context(|| format!("`{}` cannot be written", file.display())),
    }
}

fn already_exists(file: &Path) -> anyhow::Error {
    anyhow!(
        "`{}` already exists: print the proposal with `--stdout`, or write it to another file with `--output FILE`",
        file.display()
    )
}
