//! The issuer's public keys.

use serde::Deserialize;
use serde_json::Value;

/// Maximum size of a key set in bytes; GitHub's has about 5 KiB.
pub const MAX_KEY_SET: usize = 1 << 20;

/// A JSON Web Key Set (RFC 7517), unchecked except for its shape.
#[derive(Clone, Debug, Deserialize)]
pub struct KeySet {
    keys: Vec<Value>,
}

/// The members of an RSA key in use. Deserializing fails for a key of another shape.
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

/// Why the key set has no key for a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The document is not a key set.
    #[error("the issuer's key set is not valid: {0}")]
    NotAKeySet(String),
    /// The discovery document, which names the URL of the key set, is not valid.
    #[error("the issuer's discovery document is not valid: {0}")]
    Discovery(String),
    /// The key set has no keys.
    #[error("the issuer's key set is empty")]
    Empty,
    /// No key has the id.
    #[error("no key of the issuer has the id `{0}`")]
    Unknown(String),
    /// Two keys have the id.
    #[error("two keys of the issuer have the id `{0}`")]
    Ambiguous(String),
    /// The key has another purpose than RS256 signatures.
    #[error("the issuer's key `{0}` is not for RS256 signatures")]
    WrongPurpose(String),
}

impl KeySet {
    /// Parses a key set.
    ///
    /// # Errors
    /// The document is not a key set, or has no keys.
    pub fn parse(json: &[u8]) -> Result<Self, KeyError> {
        let set: Self = serde_json::from_slice(json)
            .map_err(|error| KeyError::NotAKeySet(error.to_string()))?;
        if set.keys.is_empty() {
            return Err(KeyError::Empty);
        }
        Ok(set)
    }

    /// Returns the only key with the id, if it is an RSA key for RS256 signatures.
    pub(super) fn find(&self, kid: &str) -> Result<RsaKey, KeyError> {
        let has_id = |key: &&Value| key.get("kid").and_then(Value::as_str) == Some(kid);
        let mut named = self.keys.iter().filter(has_id);
        let key = named
            .next()
            .ok_or_else(|| KeyError::Unknown(kid.to_owned()))?;
        if named.next().is_some() {
            return Err(KeyError::Ambiguous(kid.to_owned()));
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
            .ok_or_else(|| KeyError::WrongPurpose(kid.to_owned()))
    }
}
