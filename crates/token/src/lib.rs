//! Verifies OIDC tokens: the issuer's keys, the signature, the claims, and the context of the job.
//!
//! This crate sends no requests: the crate `github` fetches tokens and keys.

pub mod crypto;
pub mod discovery;
mod issuer;
mod job;
mod keys;
mod signed;
mod verify;

pub use issuer::{InvalidIssuer, Issuer, is_https_or_loopback, written_url};
pub use job::{JobVariables, Mismatch};
pub use keys::{KeyError, KeySet, MAX_KEY_SET};
pub use signed::{SignedClaims, SignedContext};
pub use verify::{Expected, LEEWAY, MAX_TOKEN, TokenInvalid, verify};
