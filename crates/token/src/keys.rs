//! The issuer's public keys.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde_json::Value;

/// Maximum size of a key set in bytes; GitHub's has about 5 KiB.
pub const MAX_KEY_SET: usize = 1 << 20;
/// Sizes of an RSA modulus in bits: at least that of RFC 7518, section 3.3, at most what ring supports.
const MODULUS: RangeInclusive<usize> = 2048..=8192;
/// Exponents that ring supports, if they are odd.
const EXPONENT: RangeInclusive<u64> = 3..=(1 << 33) - 1;

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
    /// The key's numbers are not those of an RSA key that a signature can be verified with.
    #[error("the issuer's key `{kid}` can verify nothing: {why}")]
    NotRsa {
        /// Id of the key.
        kid: String,
        /// What is wrong with the numbers.
        why: String,
    },
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

    /// Returns whether the set has a key with the id, usable or not.
    pub fn contains(&self, kid: &str) -> bool {
        self.keys.contains_key(kid)
    }

    /// Returns the ids of the keys.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
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
    let decoded = |number: &str| URL_SAFE_NO_PAD.decode(number);
    let (Ok(n), Ok(e)) = (decoded(&key.n), decoded(&key.e)) else {
        let why = "a modulus or exponent is not base64url".to_owned();
        return Err(KeyError::NotAKeySet(why));
    };
    check_numbers(&n, &e).map_err(|why| KeyError::NotRsa { kid: key.kid, why })?;
    Ok(DecodingKey::from_rsa_raw_components(&n, &e))
}

/// Checks modulus and exponent, big-endian, as the verification of each signature would. A key that fails there for
/// every token must not count as one: its set would replace a good set.
fn check_numbers(n: &[u8], e: &[u8]) -> Result<(), String> {
    let bits = bits(n);
    if !MODULUS.contains(&bits) {
        let (least, most) = (MODULUS.start(), MODULUS.end());
        return Err(format!(
            "its modulus has {bits} bits, expected {least} to {most}"
        ));
    }
    // RFC 7518, section 6.3.1.1.
    if n.first() == Some(&0) {
        return Err("its modulus starts with a zero byte".to_owned());
    }
    let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
    if !is_odd(n) {
        return Err("its modulus is even".to_owned());
    }
    let is_short = e.len() <= 5 && e.first() != Some(&0);
    let value = e
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte));
    if !is_short || !is_odd(e) || !EXPONENT.contains(&value) {
        return Err("its exponent is not an odd number from 3 to 2^33 - 1".to_owned());
    }
    Ok(())
}

/// Returns the length of a number in bits, without leading zeros.
fn bits(number: &[u8]) -> usize {
    let mut significant = number.iter().skip_while(|byte| **byte == 0);
    significant.next().map_or(0, |first| {
        significant.count() * 8 + first.checked_ilog2().map_or(0, |log| log as usize + 1)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn base64(number: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(number)
    }

    /// A number of so many bytes, without a leading zero, whose last byte is this one.
    fn number(bytes: usize, last: u8) -> Vec<u8> {
        let mut number = vec![0x80; bytes];
        number[bytes - 1] = last;
        number
    }

    fn key(n: &[u8], e: &[u8]) -> Value {
        json!({"kty": "RSA", "kid": "a", "n": base64(n), "e": base64(e)})
    }

    fn is_usable(keys: &Value) -> bool {
        let set = KeySet::parse(json!({"keys": keys}).to_string().as_bytes());
        set.unwrap().is_usable()
    }

    #[test]
    fn a_set_without_a_key_that_verifies_is_of_no_use() {
        let good = key(&number(256, 1), &[3]);
        let (mut unnamed, mut garbled) = (good.clone(), good.clone());
        unnamed["kid"] = Value::Null;
        garbled["n"] = json!("!");
        for (keys, expected) in [
            (json!([good]), true),
            (json!([{"kty": "EC", "kid": "b"}, good]), true),
            (json!([good, good]), false),
            (json!([{"kty": "EC", "kid": "b"}]), false),
            (json!([garbled]), false),
            (json!([unnamed, 7]), false),
        ] {
            assert_eq!(is_usable(&keys), expected, "{keys}");
        }
    }

    /// A key that could never verify is not a key: a set of such keys must not replace a good one.
    #[test]
    fn numbers_that_no_signature_can_be_verified_with() {
        let good = number(256, 1);
        let zero = [&[0][..], &good].concat();
        let short = [&[0x7f][..], &number(255, 1)].concat();
        for (n, e, expected) in [
            (&good[..], &[3][..], true),
            (&good, &[1, 0, 1], true),
            (&good, &[1, 0xff, 0xff, 0xff, 0xff], true),
            (&number(1024, 0xff), &[3], true),
            (&[], &[3], false),
            (&[0], &[3], false),
            (&number(128, 1), &[3], false),
            (&short, &[3], false),
            (&zero, &[3], false),
            (&number(1025, 1), &[3], false),
            (&number(256, 2), &[3], false),
            (&good, &[], false),
            (&good, &[0], false),
            (&good, &[1], false),
            (&good, &[4], false),
            (&good, &[0, 3], false),
            (&good, &[2, 0, 0, 0, 1], false),
            (&good, &[1, 0, 0, 0, 0, 1], false),
            (&good, &good, false),
        ] {
            assert_eq!(is_usable(&json!([key(n, e)])), expected, "{n:?} {e:?}");
        }
    }
}
