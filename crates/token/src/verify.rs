//! Verifies a token. Only this module creates [`SignedClaims`].

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use engine::Claims;

use super::crypto;
use super::issuer::Issuer;
use super::keys::{KeyError, KeySet};
use super::signed::SignedClaims;

/// Maximum difference between clocks: GitHub's is often some seconds ahead of others.
pub const LEEWAY: SignedDuration = SignedDuration::from_secs(60);
/// Maximum size of a token in bytes; GitHub's have about 2 KiB.
pub const MAX_TOKEN: usize = 32 << 10;

/// The issuer, the audience and the time that a token must match.
#[derive(Clone, Debug)]
pub struct Expected<'a> {
    /// The only accepted issuer.
    pub issuer: &'a Issuer,
    /// The only accepted audience: a token for another service is invalid here.
    pub audience: &'a str,
    /// The current time.
    pub now: Timestamp,
}

/// Why a token is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenInvalid {
    /// The token is not a signed JWT.
    #[error("the OIDC token is not a signed JWT: {0}")]
    Malformed(String),
    /// The algorithm is not RS256.
    #[error("the OIDC token is signed with `{0}`, expected `RS256`")]
    Algorithm(String),
    /// The key set has no usable key for the token.
    #[error("{0}")]
    Key(#[from] KeyError),
    /// The signature does not match the key.
    #[error("the signature of the OIDC token does not verify")]
    Signature,
    /// `iss` names another issuer, although a key of the expected issuer verifies the token.
    #[error("the OIDC token's `iss` is {seen}, expected `{expected}`")]
    Issuer {
        /// The claim `iss`.
        seen: String,
        /// The expected issuer.
        expected: String,
        /// All claims.
        claims: Box<Claims>,
    },
    /// A claim has an unexpected value.
    #[error("the OIDC token's `{claim}` is {seen}, expected {expected}")]
    Claim {
        /// The claim's name.
        claim: &'static str,
        /// The claim's value.
        seen: String,
        /// The expected value.
        expected: String,
    },
}

impl TokenInvalid {
    /// Returns whether fetching the keys again could help: the issuer rotates them.
    pub fn is_unknown_key(&self) -> bool {
        matches!(self, Self::Key(KeyError::Unknown(_)))
    }
}

/// Verifies a token's algorithm, key, signature, issuer, audience and times, in this order.
///
/// # Errors
/// The first failed check.
pub fn verify(
    token: &str,
    keys: &KeySet,
    expected: &Expected<'_>,
) -> Result<SignedClaims, TokenInvalid> {
    if token.len() > MAX_TOKEN {
        let message = format!("it has {} bytes, the limit is {MAX_TOKEN}", token.len());
        return Err(TokenInvalid::Malformed(message));
    }
    let parts = Parts::of(token)?;
    let header = Header::of(parts.header)?;
    verify_signature(&parts, keys.find(&header.kid)?)?;
    let claims = parts.claims()?;
    check_issuer(&claims, expected.issuer)?;
    check_audience(&claims, expected.audience)?;
    check_times(&claims, expected.now)?;
    Ok(SignedClaims::new(claims))
}

/// Parts of a token (RFC 7515, section 7.1), none of them verified.
struct Parts<'t> {
    header: &'t str,
    claims: &'t str,
    signature: &'t str,
    /// Header and claims, which the signature covers.
    message: &'t str,
}

impl<'t> Parts<'t> {
    fn of(token: &'t str) -> Result<Self, TokenInvalid> {
        let split = || {
            let (message, signature) = token.rsplit_once('.')?;
            let (header, claims) = message.split_once('.')?;
            (!claims.contains('.')).then_some(Self {
                header,
                claims,
                signature,
                message,
            })
        };
        split().ok_or_else(|| malformed("expected three parts with `.` between them"))
    }

    fn claims(&self) -> Result<Claims, TokenInvalid> {
        let json = URL_SAFE_NO_PAD
            .decode(self.claims)
            .map_err(|_| malformed("its claims are not base64url"))?;
        serde_json::from_slice(&json).map_err(|error| {
            let error: String = error.to_string().chars().take(200).collect();
            TokenInvalid::Malformed(format!("its claims cannot be read: {error}"))
        })
    }
}

fn malformed(what: &str) -> TokenInvalid {
    TokenInvalid::Malformed(what.to_owned())
}

#[derive(Deserialize)]
struct RawHeader {
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    crit: Option<Value>,
    #[serde(default)]
    b64: Option<Value>,
}

struct Header {
    kid: String,
}

impl Header {
    fn of(text: &str) -> Result<Self, TokenInvalid> {
        let json = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| malformed("its header is not base64url"))?;
        let header: RawHeader = serde_json::from_slice(&json)
            .map_err(|_| malformed("its header is not a JSON object"))?;
        match header.alg.as_deref() {
            Some("RS256") => {}
            Some(other) => return Err(TokenInvalid::Algorithm(other.chars().take(20).collect())),
            None => return Err(malformed("its header has no `alg`")),
        }
        if header.crit.is_some() {
            return Err(malformed(
                "its header has `crit` extensions, which are not supported",
            ));
        }
        // Claims without base64url (RFC 7797).
        if header.b64.is_some() {
            return Err(malformed("its header has an unsupported extension, `b64`"));
        }
        let kid = header.kid.filter(|kid| !kid.is_empty());
        Ok(Self {
            kid: kid.ok_or_else(|| malformed("its header has no `kid`"))?,
        })
    }
}

/// Verifies the signature with jsonwebtoken, as RS256 whatever the header says. `jsonwebtoken::decode` would read the
/// header and the claims once more each.
fn verify_signature(parts: &Parts<'_>, key: &DecodingKey) -> Result<(), TokenInvalid> {
    crypto::install();
    let message = parts.message.as_bytes();
    match jsonwebtoken::crypto::verify(parts.signature, message, key, Algorithm::RS256) {
        Ok(true) => Ok(()),
        Ok(false) => Err(TokenInvalid::Signature),
        Err(error) => Err(match error.kind() {
            ErrorKind::Base64(_) => malformed("its signature is not base64url"),
            _ => TokenInvalid::Malformed(error.to_string()),
        }),
    }
}

fn check_issuer(claims: &Claims, issuer: &Issuer) -> Result<(), TokenInvalid> {
    let seen = claims.get("iss");
    if seen.and_then(Value::as_str) == Some(issuer.as_str()) {
        return Ok(());
    }
    Err(TokenInvalid::Issuer {
        seen: describe(seen),
        expected: issuer.to_string(),
        claims: Box::new(claims.clone()),
    })
}

/// Accepts exactly our audience. A list of audiences is an error, because its token would be valid for
/// several services.
fn check_audience(claims: &Claims, audience: &str) -> Result<(), TokenInvalid> {
    let seen = claims.get("aud");
    if seen.and_then(Value::as_str) == Some(audience) {
        return Ok(());
    }
    Err(TokenInvalid::Claim {
        claim: "aud",
        seen: describe(seen),
        expected: format!("`{audience}`"),
    })
}

/// Checks `exp` and `iat`, which are required, and `nbf` if the token has it.
///
/// GitHub sets `nbf` minutes before `iat`, and `exp` five minutes or six hours after it, so this function
/// assumes no lifetime.
fn check_times(claims: &Claims, now: Timestamp) -> Result<(), TokenInvalid> {
    let time = |claim: &'static str| -> Result<Option<Timestamp>, TokenInvalid> {
        let seen = claims.get(claim);
        let time = claims
            .seconds(claim)
            .and_then(|s| Timestamp::from_second(s).ok());
        match (seen, time) {
            (None, _) => Ok(None),
            (_, Some(time)) => Ok(Some(time)),
            (seen, None) => Err(TokenInvalid::Claim {
                claim,
                seen: describe(seen),
                expected: "seconds since 1970".to_owned(),
            }),
        }
    };
    let required = |claim: &'static str| {
        time(claim)?.ok_or_else(|| TokenInvalid::Claim {
            claim,
            seen: "absent".to_owned(),
            expected: "a time".to_owned(),
        })
    };
    let outside = |claim: &'static str, seen: Timestamp, relation: &str| TokenInvalid::Claim {
        claim,
        seen: format!("{seen}"),
        expected: format!("{relation} this machine's clock, {now} (60 s leeway)"),
    };
    let exp = required("exp")?;
    if now.duration_since(exp) > LEEWAY {
        return Err(outside("exp", exp, "a time after"));
    }
    let iat = required("iat")?;
    if iat.duration_since(now) > LEEWAY {
        return Err(outside("iat", iat, "a time before"));
    }
    if let Some(nbf) = time("nbf")?
        && nbf.duration_since(now) > LEEWAY
    {
        return Err(outside("nbf", nbf, "a time before"));
    }
    Ok(())
}

fn describe(value: Option<&Value>) -> String {
    match value {
        None => "absent".to_owned(),
        Some(Value::String(text)) => format!("`{}`", text.chars().take(200).collect::<String>()),
        Some(Value::Array(_)) => "a list".to_owned(),
        Some(Value::Object(_)) => "an object".to_owned(),
        Some(other) => format!(
            "`{}`",
            other.to_string().chars().take(40).collect::<String>()
        ),
    }
}

#[cfg(test)]
#[path = "verify_tests/mod.rs"]
mod tests;
