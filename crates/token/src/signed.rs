//! Verified claims, and the context of the job that they describe.

use engine::Claims;
use engine::context::{Context, PullRequest, branch_named};

/// Claims with a verified signature, issuer, audience and times. Only
/// [`verify`](super::verify::verify) creates them.
#[derive(Clone, Debug)]
pub struct SignedClaims(Claims);

impl SignedClaims {
    pub(super) fn new(claims: Claims) -> Self {
        Self(claims)
    }

    /// Returns the claims.
    pub fn as_claims(&self) -> &Claims {
        &self.0
    }

    /// Returns the context of the job. `pull_request` is the run's pull request, from GitHub's API or the
    /// event's payload.
    pub fn context(&self, pull_request: Option<&PullRequest>) -> SignedContext {
        SignedContext(Context::of_claims(&self.0, pull_request))
    }
}

/// Context of a job that a verified token describes. Grants rest on this context only, and only
/// [`SignedClaims::context`] creates it.
///
/// ```compile_fail
/// let forged = token::SignedContext(engine::context::Context::default());
/// ```
#[derive(Clone, Debug)]
pub struct SignedContext(Context);

impl SignedContext {
    /// Returns the values.
    pub fn as_context(&self) -> &Context {
        &self.0
    }

    /// Returns the same context with the repository's default branch, by its name in GitHub's API.
    pub fn with_default_branch(&self, name: &str) -> Self {
        Self(Context {
            default_branch: Some(branch_named(name)),
            ..self.0.clone()
        })
    }
}
