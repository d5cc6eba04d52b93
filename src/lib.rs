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
pub mod audit;
pub mod cases;
pub mod cli;
pub mod compare;
pub mod context;
pub mod decision;
pub mod encoding;
pub mod github;
pub mod http;
pub mod matrix;
pub mod oidc;
pub mod platform;
pub mod plural;
pub mod policy;
pub mod proposal;
pub mod report;
pub mod review;
pub mod survey;
pub mod unicode;
pub mod workflows;

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

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

/// The bytes of a file of at most `cap` bytes.
pub(crate) fn read_capped(file: &Path, cap: usize) -> std::io::Result<Vec<u8>> {
    let file = std::fs::File::open(file)?;
    // The size is only a hint: it keeps the file from being read in small pieces.
    let size = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    capped(file, size, cap)
}

/// The bytes of standard input, of which there are at most `cap`.
pub(crate) fn read_stdin_capped(cap: usize) -> std::io::Result<Vec<u8>> {
    capped(std::io::stdin().lock(), 0, cap)
}

fn capped(from: impl std::io::Read, size: usize, cap: usize) -> std::io::Result<Vec<u8>> {
    let limit = cap.saturating_add(1);
    let mut bytes = Vec::with_capacity(size.min(limit));
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    from.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > cap {
        let message = format!("larger than {cap} bytes, which is the limit");
        return Err(std::io::Error::new(
            std::io::ErrorKind::FileTooLarge,
            message,
        ));
    }
    Ok(bytes)
}
