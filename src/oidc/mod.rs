//! The job's OIDC token: asked for, verified, held against the job.

mod claims;
pub mod crypto;
mod discovery;
mod issuer;
mod job;
mod keys;
mod request;
mod verify;

pub use claims::{Claims, SignedClaims};
pub use issuer::Issuer;
pub use job::{JobVariables, Mismatch};
pub use keys::{KeySet, NoKey};
pub use request::{KeysError, TokenEndpoint, Unavailable, keys};
pub use verify::{Expected, LEEWAY, MAX_TOKEN, TokenInvalid, verify};
