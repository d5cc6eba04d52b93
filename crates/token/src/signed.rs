//! What verification proved: claims, and the context of the job that they describe.

use engine::Claims;
use engine::context::{Context, PullRequest, branch_named};

/// Claims whose signature, issuer, audience and times were verified. Only
/// [`verify`](super::verify::verify) makes them.
#[derive(Clone, Debug)]
pub struct SignedClaims(Claims);

impl SignedClaims {
    pub(super) fn new(claims: Claims) -> Self {
        Self(claims)
    }

    /// The claims, to read.
    pub fn as_claims(&self) -> &Claims {
        &self.0
    }

    /// The context of the job. `pull_request` is what GitHub's API or the event's payload says of the
    /// pull request that the run is about.
    pub fn context(&self, pull_request: Option<&PullRequest>) -> SignedContext {
        SignedContext(Context::of_claims(&self.0, pull_request))
    }
}

/// The context of a job that a verified token describes: the only one that a grant may rest on. It
/// cannot be made of anything else.
///
/// ```compile_fail
/// let forged = token::SignedContext(engine::context::Context::default());
/// ```
#[derive(Clone, Debug)]
pub struct SignedContext(Context);

impl SignedContext {
    /// The values, to read.
    pub fn as_context(&self) -> &Context {
        &self.0
    }

    /// The same with the repository's default branch, by its name at GitHub's API.
    pub fn with_default_branch(&self, name: &str) -> Self {
        Self(Context {
            default_branch: Some(branch_named(name)),
            ..self.0.clone()
        })
    }
}
