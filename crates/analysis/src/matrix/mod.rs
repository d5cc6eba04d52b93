//! The access matrix: what a policy's rules grant to each workflow file and environment of a repository.
//!
//! Pure. The workflow files come from a checkout; a branch can add others, with other events.

mod cell;
mod evaluate;
pub mod html;
mod row;
pub mod rules;
mod table;
mod unused;
pub mod view;

pub use cell::{Access, Bases, Cell, Events, Grant, Hint, Why};
pub use row::{Row, RowKind};
pub use table::AccessMatrix;
pub use unused::Unused;

#[cfg(test)]
#[path = "matrix_tests.rs"]
mod tests;
