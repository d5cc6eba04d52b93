//! The other side of the action, for tests, benchmarks and a look.
//!
//! - [`github`]: a GitHub on loopback. One model of its state, thin HTTP adapters over it, faults on
//!   demand, and a record of every request.
//! - [`Receiver`]: a host that takes copies of audit records, with the same server and faults.
//! - [`runner`]: starts a built binary as the Actions runner starts a container action, and reads
//!   back what it left, by the runner's own rules.
//! - [`command`]: the program `simulator`.
//! - [`show`]: prints a step as a reviewer would see it.
//!
//! Everything is blocking: a `#[test] fn` needs no async runtime.

pub mod command;
pub mod github;
mod receiver;
pub mod runner;
pub mod show;
mod unique;

pub use github::{GitHub, GitHubBuilder};
pub use receiver::Receiver;
pub use runner::{Job, Runner, StepResult};
