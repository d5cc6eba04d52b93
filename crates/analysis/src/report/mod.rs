//! Reports: the model of an outcome, and its output formats.

pub mod access;

pub mod check;
mod documentation;
mod model;
mod page;
mod phrase;
mod reasons;
mod remedy;
mod requests;
pub mod text;

pub use documentation::{DOCUMENTATION, lint_page, reason_page};
pub use model::{Detail, Failure, Outcome, PolicyRecord, shown_rules};
pub use page::{context_rows, heading, page, summary};
pub use phrase::Phrase;
pub use reasons::advice;
pub use remedy::{Remedy, remedies};
pub use requests::Labels;
