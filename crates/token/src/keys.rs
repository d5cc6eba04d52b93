//! The issuer's public keys.

use std::collections::HashMap;

use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde_json::Value;

/// Maximum size of a key set in bytes; GitHub's has about 5 KiB.
pub const MAX_KEY_SET: usize = 1 << 20;

/// A JSON Web Key Set (RFC 7517). Each key is prepared once, for many tokens. An unusable key is an error for
/// the tokens that name it, and for no others.
#[derive(Clone, Debug)]
pub struct KeySet {
    keys: HashMap<String, Result<DecodingKey, KeyError>>,
}

#[derive(Deserialize)]
struct RawKeySet {
    keys: Vec<Value>,
}

/// The members of an RSA key in use. Deserializing fails for a key of another shape.
#[derive(Deserialize)]
struct RsaKey {
    kty: String,
    kid: String,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    key_ops: Option<Vec<String>>,
    n: String,
    e: String,
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
        let raw: RawKeySet = serde_json::from_slice(json)
            .map_err(|error| KeyError::NotAKeySet(error.to_string()))?;
        if raw.keys.is_empty() {
            return Err(KeyError::Empty);
        }
        let mut keys = HashMap::new();
        for key in &raw.keys {
            let Some(kid) = key.get("kid").and_then(Value::as_str) else {
                continue;
            };
            let prepared = match keys.contains_key(kid) {
                true => Err(KeyError::Ambiguous(kid.to_owned())),
                false => prepared(kid, key),
            };
            keys.insert(kid.to_owned(), prepared);
        }
        Ok(Self { keys })
    }

    /// Returns whether a token can name a key of this set.
    pub fn is_usable(&self) -> bool {
        self.keys.values().any(Result::is_ok)
    }

    /// Returns the only key with the id, if it is an RSA key for RS256 signatures.
    pub(super) fn find(&self, kid: &str) -> Result<&DecodingKey, KeyError> {
        match self.keys.get(kid) {
            Some(key) => key.as_ref().map_err(KeyError::clone),
            None => Err(KeyError::Unknown(kid.to_owned())),
        }
    }
}

fn prepared(kid: &str, key: &Value) -> Result<DecodingKey, KeyError> {
    let key = RsaKey::deserialize(key)
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
        .ok_or_else(|| KeyError::WrongPurpose(kid.to_owned()))?;
    DecodingKey::from_rsa_components(&key.n, &key.e)
        .map_err(|_| KeyError::NotAKeySet("a modulus or exponent is not base64url".to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_set_without_a_key_that_verifies_is_of_no_use() {
        let good = json!({"kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB"});
        for (keys, is_usable) in [
            (json!([good]), true),
            (json!([{"kty": "EC", "kid": "b"}, good]), true),
            (json!([good, good]), false),
            (json!([{"kty": "EC", "kid": "b"}]), false),
            (
                json!([{"kty": "RSA", "kid": "a", "n": "!", "e": "AQAB"}]),
                false,
            ),
            (json!([{"kty": "RSA", "n": "AQAB", "e": "AQAB"}, 7]), false),
        ] {
            let set = KeySet::parse(json!({"keys": keys}).to_string().as_bytes()).unwrap();
            assert_eq!(set.is_usable(), is_usable, "{keys}");
        }
    }
}
