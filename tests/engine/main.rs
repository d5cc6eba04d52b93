//! The engine against a plain reference: alone, and inside each program that decides with it.

#![allow(
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test that fails may panic"
)]

#[path = "../support/mod.rs"]
mod support;

mod decisions;
mod playground;
mod programs;
mod properties;
mod random;
mod reference;

// Where the fuzz targets look for them.
use random::{engine, written};
