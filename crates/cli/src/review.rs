//! The review of a pull request's change of the policy, in a process of its own: the texts are a
//! stranger's, and what they can exhaust is this process.

use super::{complain, print};
use analysis::review::{MAX_MEMORY, Task, review};
use platform::confine;

/// Reads a [`Task`] from standard input and prints its review, both as JSON.
pub(super) fn run() -> u8 {
    // The release aborts on a panic, as it does where memory runs out, which is said in other words.
    std::panic::set_hook(Box::new(|_| {
        #[expect(clippy::exit, reason = "a bug has an exit code of its own")]
        std::process::exit(70)
    }));
    match reviewed() {
        Ok(json) => {
            print(&json);
            0
        }
        Err(error) => {
            complain(&error.to_string());
            2
        }
    }
}

fn reviewed() -> std::io::Result<String> {
    // Before the first byte of the texts.
    confine(MAX_MEMORY, u64::MAX)?;
    let task: Task = serde_json::from_reader(std::io::stdin().lock())?;
    confine(MAX_MEMORY, task.seconds)?;
    let reviewed = review(&task.material, task.now, task.max_page);
    Ok(serde_json::to_string(&reviewed)?)
}
