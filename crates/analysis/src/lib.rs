//! Analyses of policies and decisions: lint, cases, differences in access, who can do what, and the pages and
//! records of a check.
//!
//! All functions are pure: they take texts and values, and return values. The crate `engine` decides.

pub mod audit;
pub mod cases;
pub mod check;
pub mod compare;
mod digest;
mod inputs;
pub mod lint;
pub mod matrix;
#[cfg(all(test, target_family = "wasm"))]
#[path = "../../engine/src/panic_message.rs"]
mod panic_message;
pub mod pattern_text;
mod policy_repository;
pub mod proposal;
pub mod report;
pub mod review;
pub mod suggestion;
pub mod survey;
pub mod workflows;

pub use digest::sha256;
pub use inputs::Inputs;
pub use policy_repository::{PolicyRepository, TopIsLeftOut};

/// Name of the program in records.
pub const PROGRAM: &str = "repo-permissions";
