//! What holds for every policy and job, and the corpora of the fuzz targets.
//!
//! Each property is also asked of an engine that is wrong on purpose, where it has to fail.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "a test that fails may panic"
)]

mod advice;
mod corpora;
mod engines;
mod grammar;
mod laws;
#[path = "../random/mod.rs"]
mod random;
#[path = "../reference/mod.rs"]
mod reference;
#[path = "../../fuzz/src/targets/mod.rs"]
mod targets;

// Where the targets look for them.
use random::{engine, written};
