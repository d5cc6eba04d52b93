//! Decides on permissions. Pure: bytes in, values out, without I/O, clock, variables or network.
//!
//! [`Claims`] become a [`context`], a text becomes a [`policy`], and [`decision`] decides with both.

mod claims;
pub mod context;
pub mod decision;
pub mod encoding;
mod hex;
#[cfg(all(test, target_family = "wasm"))]
mod panic_message;
pub mod plural;
pub mod policy;
mod repository;
pub mod unicode;
mod unique_json;

pub use claims::Claims;
pub use hex::hex;
pub use repository::{RepositoryName, is_commit_sha};
pub use unique_json::unique_json;
