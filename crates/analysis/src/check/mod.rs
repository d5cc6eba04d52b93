//! A check of a job that somebody describes: decides offline, and says step by step how.
//!
//! Nothing here is verified, so nothing here grants. `check` shows it on the command line, and the playground on a page.

mod advice;
mod policy;
mod repository;
mod result;
mod rules;
mod scenario;
mod steps;

pub use advice::{Advice, Change, advice};
pub use policy::{CheckError, GivenPolicy};
pub use result::CheckResult;
pub use rules::{pattern, shown_rules};
pub use scenario::{Described, Scenario};
pub use steps::{Status, Step, steps};
