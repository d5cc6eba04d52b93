//! What the references need of the tests' support.

#[path = "../../tests/support/pattern.rs"]
pub mod pattern;
