//! The command line as a program: what people and other programs get to see.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test that fails may panic"
)]

mod advice;
mod broken;
mod check;
mod colours;
mod directory;
mod fix;
mod formats;
mod init;
mod lint;
mod matrix;
