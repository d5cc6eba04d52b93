//! Reports: one model, and the places where people read it.

pub mod access;
mod change;
pub mod check;
mod documentation;
mod model;
mod page;
mod phrase;
mod requests;
pub mod text;

pub use change::{Change, changes};
pub use documentation::{DOCUMENTATION, lint_page, reason_page};
pub use model::{Detail, Failure, Outcome, PolicyRecord, advice};
pub use page::{context_rows, heading, page};
pub use phrase::Phrase;
pub use requests::Labels;
