//! The access matrix: what a policy's rules grant to each workflow file and environment of a repository.
//!
//! Pure. The workflow files come from a checkout; a branch can add others, with other events.

mod cell;
mod evaluate;
mod row;
mod table;
mod unused;

pub use cell::{Access, Bases, Cell, Events, Grant, Hint, Why};
pub use row::{Row, RowKind};
pub use table::AccessMatrix;
pub use unused::Unused;

#[cfg(test)]
#[path = "matrix_tests.rs"]
mod tests;
