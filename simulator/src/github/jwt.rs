//! JSON Web Tokens in compact form: mints any token, and verifies RS256.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::{Map, Value};

use super::keys::TestKey;

/// How to sign a token.
#[derive(Debug, Clone)]
pub enum Signature {
    /// RSASSA-PKCS1-v1_5 with SHA-256, as GitHub signs.
    Rs256(TestKey),
    /// HMAC-SHA256 with these bytes. With a public key as the secret, this is the classic algorithm confusion.
    Hs256(Vec<u8>),
    /// Correct key, with one bit of the signature flipped.
    Corrupt(TestKey),
    /// Empty, as for `alg: none`.
    Empty,
}

/// Returns `BASE64URL(header).BASE64URL(claims).BASE64URL(signature)`.
///
/// # Errors
///
/// A committed key cannot be read.
pub fn mint(
    header: &Map<String, Value>,
    claims: &Map<String, Value>,
    signature: &Signature,
) -> anyhow::Result<String> {
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(header)?),
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims)?)
    );
    let signature = match signature {
        Signature::Rs256(key) => key.sign(signed.as_bytes())?,
        Signature::Corrupt(key) => {
            let mut signature = key.sign(signed.as_bytes())?;
            if let Some(last) = signature.last_mut() {
                *last ^= 1;
            }
            signature
        }
        Signature::Hs256(secret) => {
            let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
            ring::hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
        }
        Signature::Empty => Vec::new(),
    };
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// Returns the claims of `token` if `key` signed it with RS256. Does not check the claims.
#[must_use]
pub fn verify(token: &str, key: TestKey) -> Option<Map<String, Value>> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let header: Map<String, Value> = decode_part(header)?;
    if header.get("alg").and_then(Value::as_str) != Some("RS256") {
        return None;
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let (modulus, exponent) = key.public_numbers().ok()?;
    RsaPublicKeyComponents {
        n: modulus,
        e: exponent,
    }
    .verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature)
    .ok()?;
    decode_part(claims)
}

fn decode_part(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_minted_token_verifies_with_its_own_key_only() {
        let header = map(serde_json::json!({"alg": "RS256"}));
        let claims = map(serde_json::json!({"iss": "here"}));
        let token = mint(&header, &claims, &Signature::Rs256(TestKey::Signing1)).unwrap();
        assert_eq!(verify(&token, TestKey::Signing1), Some(claims.clone()));
        assert_eq!(verify(&token, TestKey::Attacker), None);
        let corrupt = mint(&header, &claims, &Signature::Corrupt(TestKey::Signing1)).unwrap();
        assert_eq!(verify(&corrupt, TestKey::Signing1), None);
    }
}
