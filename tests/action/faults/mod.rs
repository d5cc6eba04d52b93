//! What breaks: the network, GitHub, the disk, the limits of the process, its signals. Whatever it is,
//! the outcome is right or an error, never a grant that should not be, and never late.
//!
//! The cells of the matrix wait more than they work. `cargo test` runs each request with each fault
//! once; all of them, with the program that is released:
//!
//! ```sh
//! FAULTS=all FAULTS_BINARY=target/release/repo-permissions cargo test --test action faults:: -- --nocapture
//! ```

mod cell;
mod files;
mod kinds;
mod limits;
mod matrix;
mod oracle;
mod requests;
mod scene;
mod signals;
mod streams;

use std::path::PathBuf;

use crate::support::{each, program, runner_of, runner_through};
use simulator::Runner;

/// Whether everything is run, or a part that fits into `cargo test`.
fn run_all() -> bool {
    std::env::var_os("FAULTS").is_some_and(|which| which == "all")
}

fn binary() -> PathBuf {
    program::binary("FAULTS_BINARY")
}

/// The action as the runner starts it.
fn runner() -> Runner {
    runner_of(&binary())
}

/// The same, started by another program that changes what it is given.
fn through(program: &str, arguments: &[&str]) -> Runner {
    runner_through(program, arguments, &binary())
}
