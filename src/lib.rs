//! repo-permissions: a permission gate for GitHub Actions.
//!
//! The way of the data: [`action`] takes the inputs, [`oidc`] gets and verifies the job's token,
//! [`context`] derives what the job is, [`policy`] loads and reads the policy, [`decision`] decides,
//! [`report`] says so.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::allow_attributes,
        reason = "a test that fails may panic"
    )
)]

pub mod action;
pub mod context;
pub mod decision;
pub mod github;
pub mod http;
pub mod oidc;
pub mod policy;
pub mod report;

use std::fmt::Write as _;

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// The SHA-256 of a text, in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref())
}
