//! What the tests set about the issuer: the next tokens, the running jobs and where its keys are.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::http::Answer;
use super::jwt::Signature;
use super::keys::TestKey;

/// Seconds by which GitHub backdates `nbf`.
pub(crate) const NOT_BEFORE_SKEW: i64 = 300;
/// Lifetime of most tokens in seconds: `exp - iat`.
pub(crate) const LIFETIME: i64 = 300;

/// Differences between the next tokens and the ones that GitHub would mint.
#[derive(Debug, Clone, Default)]
pub struct TokenRecipe {
    pub(crate) claims: Vec<(String, Option<Value>)>,
    pub(crate) header: Vec<(String, Option<Value>)>,
    pub(crate) signature: Option<Signature>,
    pub(crate) token: Option<String>,
    pub(crate) answer: Option<Answer>,
}

impl TokenRecipe {
    /// Mints tokens as GitHub does.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets or replaces a claim.
    #[must_use]
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.push((name.into(), Some(value.into())));
        self
    }

    /// Removes a claim.
    #[must_use]
    pub fn without_claim(mut self, name: &str) -> Self {
        self.claims.push((name.into(), None));
        self
    }

    /// Sets or replaces a header field, for example `kid` or `alg`.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.push((name.into(), Some(value.into())));
        self
    }

    /// Removes a header field.
    #[must_use]
    pub fn without_header(mut self, name: &str) -> Self {
        self.header.push((name.into(), None));
        self
    }

    /// Signs differently. This does not change the header's `alg` and `kid`.
    #[must_use]
    pub fn signature(mut self, signature: Signature) -> Self {
        self.signature = Some(signature);
        self
    }

    /// Signs with `key` and sets its `kid`.
    #[must_use]
    pub fn signed_by(self, key: TestKey) -> Self {
        self.signature(Signature::Rs256(key))
            .header("kid", key.kid())
    }

    /// Moves `iat`, `nbf` and `exp` by `seconds`.
    #[must_use]
    pub fn shifted(self, seconds: i64) -> Self {
        let now = Timestamp::now().as_second() + seconds;
        self.claim("iat", now)
            .claim("nbf", now - NOT_BEFORE_SKEW)
            .claim("exp", now + LIFETIME)
    }

    /// Replaces the token with this text.
    #[must_use]
    pub fn raw_token(mut self, token: &str) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Replaces the response `{"count":…,"value":…}`.
    #[must_use]
    pub fn raw_answer(mut self, answer: Answer) -> Self {
        self.answer = Some(answer);
        self
    }
}

/// A running job.
#[derive(Debug, Clone)]
pub(crate) struct RegisteredJob {
    pub(crate) request_token: String,
    pub(crate) path: String,
    pub(crate) claims: Map<String, Value>,
}

/// Where an enterprise's own issuer publishes its keys. Reports on GitHub's behaviour differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SlugKeys {
    /// Only at the issuer without the slug.
    #[default]
    Root,
    /// Only below the slug.
    Own,
}
