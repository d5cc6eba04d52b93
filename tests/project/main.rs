//! What the repository holds around the program: metadata of the actions, schemas, documentation, releases.

#![allow(
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test that fails may panic"
)]

#[path = "../support/mod.rs"]
mod support;

mod action_metadata;
mod commands;
mod documentation;
mod release;
mod schema;
mod walls;
