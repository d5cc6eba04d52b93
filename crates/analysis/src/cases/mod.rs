//! Cases: tests of what a policy allows and denies, with the action's engine.
//!
//! The caller reads the files: [`Suite::parse`] takes the text of a file of cases, [`Suite::policy`] and
//! [`Suite::files`] name the other files, and [`run`] decides.

mod contents;
mod context;
mod coverage;
mod expect;
mod grammar;
mod own;
mod path;
mod result;
mod run;
mod suite;

pub use coverage::{Coverage, Uncovered};
pub use expect::Expect;
pub use path::{InvalidName, in_repository};
pub use result::{CaseResult, Explained, Failed, FileError};
pub use run::{PolicyFile, run};
pub use suite::Suite;
