//! Digests that identify texts in records.

use engine::hex;
use sha2::{Digest as _, Sha256};

/// Returns the SHA-256 of a text, in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
