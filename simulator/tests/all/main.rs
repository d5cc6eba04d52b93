//! The simulator from outside: real connections, real processes.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails should fail the test at that line"
)]

mod client;
mod faults;
mod graphql;
mod oidc;
mod product;
mod program_file;
mod rest;
mod step;
mod tls;
