//! The action as a program: the built binary, real HTTP and real signatures, on a GitHub of this machine.

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

mod apps;
mod atmos_pro;
mod attacks;
mod audit;
mod decisions;
mod delegate;
mod faults;
mod injection;
mod network;
mod review;
mod server;
