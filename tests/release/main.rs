//! What makes a release (`.github/release/`), and the action that runs its archives (`native/`).

#![allow(
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails may panic"
)]

mod archives;
mod commit;
mod native;
mod policy;
mod tree;
mod versions;
