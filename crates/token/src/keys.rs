//! The issuer's published keys.

use serde::Deserialize;
use serde_json::Value;

/// The largest key set in bytes; GitHub's has about 5 KiB.
pub const MAX_KEYS: usize = 1 << 20;

/// A JSON Web Key Set (RFC 7517) as it was published.
#[derive(Clone, Debug, Deserialize)]
pub struct KeySet {
    keys: Vec<Value>,
}

/// The parts of an RSA key that matter here. A key of another shape is not one.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct RsaKey {
    kty: String,
    kid: String,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    key_ops: Option<Vec<String>>,
    pub(super) n: String,
    pub(super) e: String,
}

/// Why no key of the set can verify a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoKey {
    /// The document is no key set.
    #[error("the issuer's key set is not valid: {0}")]
    NotAKeySet(String),
    /// The document that says where the key set is cannot be relied on.
    #[error("the issuer's discovery document is not valid: {0}")]
    Discovery(String),
    /// No key at all.
    #[error("the issuer's key set is empty")]
    Empty,
    /// No key has the id.
    #[error("no key of the issuer has the id `{0}`")]
    Unknown(String),
    /// Two keys have the id.
    #[error("two keys of the issuer have the id `{0}`")]
    Ambiguous(String),
    /// The key is for something else.
    #[error("the issuer's key `{0}` is not for RS256 signatures")]
    WrongPurpose(String),
}

impl KeySet {
    /// Reads the document.
    ///
    /// # Errors
    /// It is not a key set, or has no key.
    pub fn parse(json: &[u8]) -> Result<Self, NoKey> {
        let set: Self =
            serde_json::from_slice(json).map_err(|error| NoKey::NotAKeySet(error.to_string()))?;
        if set.keys.is_empty() {
            return Err(NoKey::Empty);
        }
        Ok(set)
    }

    /// The one key with the id, if it is an RSA key for RS256 signatures.
    pub(super) fn find(&self, kid: &str) -> Result<RsaKey, NoKey> {
        let has_id = |key: &&Value| key.get("kid").and_then(Value::as_str) == Some(kid);
        let mut named = self.keys.iter().filter(has_id);
        let key = named.next().ok_or_else(|| NoKey::Unknown(kid.to_owned()))?;
        if named.next().is_some() {
            return Err(NoKey::Ambiguous(kid.to_owned()));
        }
        RsaKey::deserialize(key)
            .ok()
            .filter(|key| {
                key.kty == "RSA"
                    && key.kid == kid
                    && key.usage.as_deref().is_none_or(|usage| usage == "sig")
                    && key.alg.as_deref().is_none_or(|alg| alg == "RS256")
                    && key
                        .key_ops
                        .as_ref()
                        .is_none_or(|ops| ops.iter().any(|op| op == "verify"))
            })
            .ok_or_else(|| NoKey::WrongPurpose(kid.to_owned()))
    }
}
