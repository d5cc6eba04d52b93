//! Finds the policies of records by their digests.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::anyhow;

use crate::policy_text::read_policy;
use analysis::audit::{Evaluator, RecordedPolicy};
use engine::encoding::text_of;
use engine::policy::{Format, MAX_FILE};

/// The policies from the command line and from a clone.
pub(super) struct Policies<'a> {
    git: Option<&'a Path>,
    /// By SHA-256; `None` if the policy is unavailable.
    known: HashMap<String, Option<Evaluator>>,
}

impl<'a> Policies<'a> {
    /// Reads the policies from the command line.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(super) fn read(files: &[PathBuf], git: Option<&'a Path>) -> anyhow::Result<Self> {
        let mut known = HashMap::new();
        for path in files {
            let name = path.display().to_string();
            let text = read_policy(path, &name).map_err(|failure| anyhow!(failure.message))?;
            known.insert(
                analysis::sha256(text.as_bytes()),
                Some(evaluator(text, &name)),
            );
        }
        Ok(Self { git, known })
    }

    /// Looks a policy up in the clone, unless it is known.
    pub(super) fn look_up(&mut self, policy: &RecordedPolicy) {
        if self.known.contains_key(&policy.sha256) {
            return;
        }
        let text = self.git.and_then(|git| blob(git, policy));
        let evaluator = text.map(|text| evaluator(text, &policy.source));
        self.known.insert(policy.sha256.clone(), evaluator);
    }

    pub(super) fn get(&self, policy: &RecordedPolicy) -> Option<&Evaluator> {
        self.known.get(&policy.sha256)?.as_ref()
    }
}

/// The text lives as long as the program: there are few policies, and each is read once.
fn evaluator(text: String, name: &str) -> Evaluator {
    let format = Format::of_path(name.split('@').next().unwrap_or(name));
    Evaluator::new(text.leak(), format)
}

/// Reads the policy's text from a clone, if its digest is the recorded one.
fn blob(git: &Path, policy: &RecordedPolicy) -> Option<String> {
    let blob = policy.blob.as_deref()?;
    if blob.len() < 40 || !blob.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let output = Command::new("git")
        .arg("-C")
        .arg(git)
        .args(["cat-file", "blob", blob])
        .output()
        .ok()?;
    let is_it = output.status.success()
        && output.stdout.len() <= MAX_FILE
        && analysis::sha256(&output.stdout) == policy.sha256;
    is_it.then(|| text_of(output.stdout).ok())?
}
