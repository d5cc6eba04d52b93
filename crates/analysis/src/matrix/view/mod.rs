//! The content of a page about a matrix, for every output format: its rows folded, its findings, its phrases.

mod findings;
mod fold;
pub mod headings;
mod page;
pub mod words;

pub use findings::SharedFinding;
pub use fold::{Block, Folded, Folding};
pub use page::Page;
