//! The command line as a program: what people and other programs get to see.

#![allow(
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test that fails may panic"
)]

#[path = "../support/mod.rs"]
mod support;

mod advice;
mod audit_command;
mod broken;
mod check;
mod colours;
mod diff;
mod fix;
mod formats;
mod init;
mod limits;
mod lint;
mod manners;
mod matrix;
mod policy_repository;
mod survey;
mod test_command;
mod workflows;
