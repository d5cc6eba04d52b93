//! Reviews a pull request's change of the policy in a separate process, because the texts are untrusted: they
//! can exhaust this process only.

use super::output::print;
use analysis::review::{MAX_MEMORY, Task, review};
use platform::confine;

/// Reads a [`Task`] from standard input and prints its review, both as JSON.
pub(super) fn run() -> anyhow::Result<u8> {
    // The release build aborts on a panic and when memory runs out. The exit code tells them apart.
    std::panic::set_hook(Box::new(|_| {
        #[expect(clippy::exit, reason = "a panic has its own exit code")]
        std::process::exit(70)
    }));
    print(&review_task()?);
    Ok(0)
}

fn review_task() -> std::io::Result<String> {
    // This comes before the first byte of the texts.
    confine(MAX_MEMORY, u64::MAX)?;
    let task: Task = serde_json::from_reader(std::io::stdin().lock())?;
    confine(MAX_MEMORY, task.seconds)?;
    let reviewed = review(&task.material, task.now, task.max_page);
    Ok(serde_json::to_string(&reviewed)?)
}
