//! A policy in a file of this machine.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::parse::ActivePolicy;
use super::store::PolicyStore;
use crate::log;
use crate::metrics::{Metrics, Refresh};
use analysis::report::{Failure, PolicyRecord};
use engine::decision::Reason;
use engine::policy::MAX_FILE;

/// Why what a policy delegates does not count.
pub const DELEGATE_IGNORED: &str = "without `github` the server reads no repository's own policy, and what only that one grants is denied";

/// Time between two looks at the file.
const TICK: Duration = Duration::from_millis(500);
/// Time after which a policy counts as not renewed although no reading failed: the readings have stopped.
const HANGING: Duration = Duration::from_secs(10);

/// A file that is read again when it changes.
#[derive(Debug)]
pub struct PolicyFile {
    file: PathBuf,
    refresh: Duration,
    /// Whether the server reads the repositories' own policies too.
    reads_own: bool,
    store: Arc<PolicyStore>,
    seen: Mutex<Seen>,
}

/// What the reader remembers of the file.
#[derive(Debug)]
struct Seen {
    stamp: Option<Stamp>,
    read_at: Instant,
    /// SHA-256 of the text that was last read, valid or not; empty if it has to be read.
    sha256: String,
}

/// What tells two versions of a file apart without reading it.
type Stamp = (SystemTime, u64);

impl PolicyFile {
    /// Reads the policy for the first time. Without a policy, the store waits for one.
    pub fn open(
        file: &Path,
        refresh: Duration,
        stale: Duration,
        reads_own: bool,
        metrics: Arc<Metrics>,
    ) -> Self {
        let now = Instant::now();
        let opened = Self {
            file: file.to_owned(),
            refresh,
            reads_own,
            store: Arc::new(PolicyStore::new(stale, HANGING, metrics)),
            seen: Mutex::new(Seen {
                stamp: None,
                read_at: now,
                sha256: String::new(),
            }),
        };
        let stamp = opened.stamp().ok();
        opened.read(&mut opened.seen(), stamp, now);
        opened
    }

    /// Returns whether the policy delegates, and takes nothing.
    ///
    /// # Errors
    /// It cannot be read, or is not valid.
    pub fn check(file: &Path) -> Result<bool, Failure> {
        let bytes = read_regular(file).map_err(|error| unreadable(file, &error).0)?;
        let policy = parse(file, bytes, "")?;
        policy.check_patterns().map(|()| policy.delegates())
    }

    /// Returns the store with the policy.
    pub fn store(&self) -> &Arc<PolicyStore> {
        &self.store
    }

    /// Looks at the file again and again, on a thread where reading it may block.
    pub async fn watch(self: Arc<Self>) {
        loop {
            tokio::time::sleep(TICK).await;
            let file = Arc::clone(&self);
            _ = tokio::task::spawn_blocking(move || file.tick()).await;
        }
    }

    /// Looks at the file, and reads it when it has changed. Blocks for as long as that takes.
    fn tick(&self) {
        let now = Instant::now();
        let mut seen = self.seen();
        let stamp = match self.stamp() {
            Ok(stamp) => stamp,
            Err(error) => return self.unreadable(&mut seen, &error),
        };
        if seen.stamp != Some(stamp) {
            // Somebody may still be writing: half a policy can be a valid one. It is read once it has rested for
            // a tick; until then nothing confirms the active one.
            seen.stamp = Some(stamp);
            seen.sha256.clear();
        } else if seen.sha256.is_empty() || now.duration_since(seen.read_at) >= self.refresh {
            self.read(&mut seen, Some(stamp), now);
        } else if !self.store.has_problem() {
            self.store.confirm(now);
        }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stamp(&self) -> std::io::Result<Stamp> {
        let metadata = std::fs::metadata(&self.file)?;
        Ok((metadata.modified()?, metadata.len()))
    }

    /// Reads the file and takes its policy, unless it is the one that was read before.
    fn read(&self, seen: &mut Seen, stamp: Option<Stamp>, now: Instant) {
        let bytes = match read_regular(&self.file) {
            Ok(bytes) => bytes,
            Err(error) => return self.unreadable(seen, &error),
        };
        let sha256 = analysis::sha256(&bytes);
        let is_same = !seen.sha256.is_empty() && seen.sha256 == sha256;
        (seen.stamp, seen.read_at) = (stamp, now);
        if is_same {
            if !self.store.has_problem() {
                self.store.confirm(now);
            }
            return;
        }
        seen.sha256.clone_from(&sha256);
        match parse(&self.file, bytes, &sha256) {
            Ok(active) => {
                active.warn_of_patterns();
                if active.delegates() && !self.reads_own {
                    log::warning("delegate_ignored", &[("why", &DELEGATE_IGNORED)]);
                }
                self.store.take(active, now);
            }
            Err(failure) => self.store.fail(failure, Refresh::Invalid, true),
        }
    }

    fn unreadable(&self, seen: &mut Seen, error: &std::io::Error) {
        seen.sha256.clear();
        let (failure, keeps) = unreadable(&self.file, error);
        let result = match failure.reason {
            Reason::PolicyInvalid => Refresh::Invalid,
            _ => Refresh::Failed,
        };
        self.store.fail(failure, result, keeps);
    }
}

/// Reads a file that does not wait for somebody who writes, as a pipe does.
fn read_regular(file: &Path) -> std::io::Result<Vec<u8>> {
    let kind = std::fs::metadata(file)?.file_type();
    if !kind.is_file() && !kind.is_dir() {
        return Err(std::io::Error::other(
            "it is a device, a pipe or a socket, expected a file",
        ));
    }
    platform::read_capped(file, MAX_FILE)
}

fn parse(file: &Path, bytes: Vec<u8>, sha256: &str) -> Result<ActivePolicy, Failure> {
    let file = file.display().to_string();
    let record = PolicyRecord {
        source: file.clone(),
        file,
        sha256: sha256.to_owned(),
        ..PolicyRecord::default()
    };
    ActivePolicy::central(bytes, record)
}

/// Returns the failure, and whether the active policy decides on for a while.
fn unreadable(file: &Path, error: &std::io::Error) -> (Failure, bool) {
    let message = format!("the policy `{}` cannot be read: {error}", file.display());
    let (reason, keeps) = match error.kind() {
        ErrorKind::NotFound => (Reason::PolicyNotFound, false),
        // Somebody withdrew it.
        ErrorKind::PermissionDenied => (Reason::PolicyUnreadable, false),
        ErrorKind::FileTooLarge => (Reason::PolicyInvalid, true),
        _ => (Reason::PolicyUnreadable, true),
    };
    let failure = Failure {
        redacted: Some("the policy cannot be read".to_owned()),
        ..Failure::new(reason, message)
    };
    (failure, keeps)
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
