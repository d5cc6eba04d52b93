//! Runs the review in a separate process, so that untrusted texts cannot exhaust the step's memory or time.

use std::io::{BufWriter, Read as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use anyhow::{Context as _, anyhow, bail};
use jiff::Timestamp;

use analysis::report::check::MAX_TEXT;
use analysis::review::{COMMAND, MAX_MEMORY, Material, Review, Task};
use github::http::Budget;

/// Maximum size of a review in bytes: a page, and as many annotations as a check run allows.
const MAX_REVIEW: u64 = 4 << 20;

/// Reviews in a separate process with limits on memory and time.
///
/// # Errors
/// The process could not be started, did not end in time, or needed too much memory.
pub async fn review(material: Material, now: Timestamp, budget: Budget) -> anyhow::Result<Review> {
    let time = budget.left();
    let task = Task {
        material,
        now,
        max_page: MAX_TEXT,
        seconds: time.as_secs() + 1,
    };
    let (mut reviewer, pipes) = Reviewer::start().context("the reviewer could not be started")?;
    // Pipes block. On another thread, they do not delay signals.
    let talk = tokio::task::spawn_blocking(move || exchange(pipes, &task));
    match tokio::time::timeout(time, talk).await {
        Ok(Ok(Some(reviewed))) => Ok(reviewed),
        Ok(_) => Err(reviewer.failure()),
        Err(_) => bail!(
            "the policy and its cases are too large, or differ too much, to be reviewed within {} s",
            time.as_secs()
        ),
    }
}

/// The running process. Dropping it kills the process.
struct Reviewer(Child);

impl Reviewer {
    fn start() -> std::io::Result<(Self, (ChildStdin, ChildStdout))> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(COMMAND)
            // It needs no variables, some of which are secret.
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let reviewer = Self(child);
        let pipes = pipes.ok_or_else(|| std::io::Error::other("it has no pipes"))?;
        Ok((reviewer, pipes))
    }

    /// Explains why there is no review.
    fn failure(&mut self) -> anyhow::Error {
        match self.0.wait().as_ref().map(ExitStatus::code) {
            // The system killed it.
            Ok(None) => anyhow!(
                "the policy and its cases are too large to be reviewed in {} MiB of memory",
                MAX_MEMORY >> 20
            ),
            Ok(Some(code)) => anyhow!("the reviewer failed with exit code {code}"),
            Err(error) => anyhow!("the reviewer was lost: {error}"),
        }
    }
}

impl Drop for Reviewer {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// Sends the task and reads the review. Returns `None` if the process ends before the review is complete.
fn exchange((stdin, stdout): (ChildStdin, ChildStdout), task: &Task) -> Option<Review> {
    serde_json::to_writer(BufWriter::new(stdin), task).ok()?;
    let mut json = Vec::new();
    stdout.take(MAX_REVIEW).read_to_end(&mut json).ok()?;
    serde_json::from_slice(&json).ok()
}
