//! The survey of an organisation, against a GitHub on loopback.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::string_slice,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test that fails may panic"
)]

mod faults;
mod limits;
#[path = "../support/memory.rs"]
mod memory;
mod output;
mod refusals;
mod scale;
mod stage;
mod stop;
