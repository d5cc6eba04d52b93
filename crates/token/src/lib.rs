//! Claims that are verified: the issuer's keys, the token's signature, and the context that follows.
//!
//! No HTTP: the crate `github` fetches tokens and keys.

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

pub mod crypto;
pub mod discovery;
mod issuer;
mod job;
mod keys;
mod signed;
mod verify;

pub use issuer::{Issuer, is_protected};
pub use job::{JobVariables, Mismatch};
pub use keys::{KeySet, MAX_KEYS, NoKey};
pub use signed::{SignedClaims, SignedContext};
pub use verify::{Expected, LEEWAY, MAX_TOKEN, TokenInvalid, verify};
