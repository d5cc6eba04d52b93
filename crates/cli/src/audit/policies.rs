//! The policies that decided, by their digests.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::check::read_policy;
use analysis::audit::{Evaluator, RecordedPolicy};
use engine::encoding::text_of;
use engine::policy::{Format, MAX_FILE};

/// The texts of policies: those that were given, and those that a clone has.
pub(super) struct Policies<'a> {
    git: Option<&'a Path>,
    /// By SHA-256; `None` where it is not to be had.
    known: HashMap<String, Option<Evaluator<'static>>>,
}

impl<'a> Policies<'a> {
    /// # Errors
    /// A file cannot be read; as a sentence for people.
    pub(super) fn read(files: &[PathBuf], git: Option<&'a Path>) -> Result<Self, String> {
        let mut known = HashMap::new();
        for path in files {
            let name = path.display().to_string();
            let text = read_policy(path, &name).map_err(|failure| failure.message)?;
            known.insert(
                analysis::sha256(text.as_bytes()),
                Some(evaluator(text, &name)),
            );
        }
        Ok(Self { git, known })
    }

    /// Looks a policy up, if that was not done before.
    pub(super) fn look_up(&mut self, policy: &RecordedPolicy) {
        if self.known.contains_key(&policy.sha256) {
            return;
        }
        let text = self.git.and_then(|git| blob(git, policy));
        let evaluator = text.map(|text| evaluator(text, &policy.source));
        self.known.insert(policy.sha256.clone(), evaluator);
    }

    /// Takes a policy out, to be put back after its use.
    pub(super) fn take(&mut self, sha256: &str) -> Option<Evaluator<'static>> {
        self.known.get_mut(sha256)?.take()
    }

    pub(super) fn put_back(&mut self, sha256: &str, policy: Evaluator<'static>) {
        if let Some(place) = self.known.get_mut(sha256) {
            *place = Some(policy);
        }
    }

    pub(super) fn get(&self, sha256: &str) -> Option<&Evaluator<'static>> {
        self.known.get(sha256)?.as_ref()
    }
}

/// The text lives as long as the program: there are few policies, and each is read once.
fn evaluator(text: String, name: &str) -> Evaluator<'static> {
    let format = Format::of_path(name.split('@').next().unwrap_or(name));
    Evaluator::new(text.leak(), format)
}

/// The policy's text out of a clone, if it is the one with the recorded digest.
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
