//! Simulates GitHub and the Actions runner, for tests, benchmarks and demonstrations.
//!
//! - [`github`]: a GitHub on loopback. One model of its state, thin HTTP adapters over it, faults on
//!   demand, and a record of every request.
//! - [`Receiver`]: a host that receives copies of audit records, with the same server and faults.
//! - [`runner`]: starts a built binary as the Actions runner starts a container action, and reads its
//!   results by the runner's rules.
//! - [`gateway`]: an API behind a proxy that asks the server, and the server's process.
//! - [`free_address`]: an address for a program that cannot choose its port.
//! - [`write_program`]: writes a file that a test starts.
//! - [`command`]: the program `simulator`.
//! - [`show`]: prints a step as a reviewer sees it.
//!
//! All functions block, so that a `#[test] fn` needs no async runtime.

pub mod command;
pub mod gateway;
pub mod github;
mod loopback;
mod program_file;
mod receiver;
pub mod runner;
pub mod show;
mod unique;

pub use github::{GitHub, GitHubBuilder};
pub use loopback::free_address;
pub use program_file::write_program;
pub use receiver::Receiver;
pub use runner::{Job, Runner, StepResult};
