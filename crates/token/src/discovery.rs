//! Finds the keys of an issuer with an enterprise slug, by OpenID Connect discovery.

use serde::Deserialize;
use url::Url;

use super::issuer::Issuer;
use super::keys::KeyError;

/// Maximum size of a discovery document in bytes; GitHub's has about 2 KiB.
pub const MAX_DISCOVERY: usize = 64 << 10;

/// The members in use (OpenID Connect Discovery 1.0, section 3).
#[derive(Deserialize)]
struct DiscoveryDocument {
    issuer: String,
    jwks_uri: String,
}

/// Returns the URL of the keys in an issuer's discovery document. The URL has the issuer's origin, so that no
/// document can lead to the keys of another host.
///
/// # Errors
/// The document belongs to another issuer, or its `jwks_uri` is not on the issuer's origin.
pub fn keys_url(issuer: &Issuer, json: &[u8]) -> Result<Url, KeyError> {
    let invalid = |why: String| KeyError::Discovery(why);
    let document: DiscoveryDocument = serde_json::from_slice(json)
        .map_err(|_| invalid("expected JSON with `issuer` and `jwks_uri`".to_owned()))?;
    let short = |text: &str| text.chars().take(200).collect::<String>();
    // Section 4.3: it must be exactly the issuer that the request named.
    if document.issuer != issuer.as_str() {
        let seen = short(&document.issuer);
        return Err(invalid(format!(
            "its `issuer` is `{seen}`, expected `{issuer}`"
        )));
    }
    let own = Url::parse(issuer.as_str()).map_err(|error| invalid(error.to_string()))?;
    Url::parse(&document.jwks_uri)
        .ok()
        .filter(|url| {
            url.origin() == own.origin() && url.username().is_empty() && url.password().is_none()
        })
        .ok_or_else(|| {
            let seen = short(&document.jwks_uri);
            let origin = own.origin().ascii_serialization();
            invalid(format!(
                "its `jwks_uri` is `{seen}`, expected a URL of `{origin}`"
            ))
        })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const SLUG: &str = "https://token.actions.githubusercontent.com/acme";

    fn found(document: &Value) -> Result<String, KeyError> {
        let issuer = Issuer::parse(SLUG).unwrap();
        keys_url(&issuer, document.to_string().as_bytes()).map(String::from)
    }

    #[test]
    fn keys_are_on_the_issuers_own_origin() {
        for keys in [
            "https://token.actions.githubusercontent.com/.well-known/jwks",
            "https://token.actions.githubusercontent.com/acme/.well-known/jwks",
            "https://token.actions.githubusercontent.com:443/keys?v=1",
        ] {
            let url = found(&json!({"issuer": SLUG, "jwks_uri": keys, "more": [1]})).unwrap();
            assert!(url.starts_with("https://token.actions.githubusercontent.com/"));
        }
        for keys in [
            "",
            "/.well-known/jwks",
            "//token.actions.githubusercontent.com/keys",
            "http://token.actions.githubusercontent.com/.well-known/jwks",
            "https://token.actions.githubusercontent.com:8443/.well-known/jwks",
            "https://token.actions.githubusercontent.com.evil.example/keys",
            "https://token.actions.githubusercontent.com@evil.example/keys",
            "https://user@token.actions.githubusercontent.com/keys",
            "https://:pass@token.actions.githubusercontent.com/keys",
            "https://token.actions.githubusercontent.com\\@evil.example/keys",
            "https://token.actions.githubusercontent.com./keys",
            "https://evil.example/token.actions.githubusercontent.com",
            "https://token.actions.acme.ghe.com/.well-known/jwks",
            "data:application/json,{}",
            "file:///etc/keys",
        ] {
            let url = found(&json!({"issuer": SLUG, "jwks_uri": keys}));
            // A browser's parser reads `\` as `/`, so that this one stays on the host.
            let on_host = keys.contains('\\');
            assert_eq!(url.is_ok(), on_host, "{keys}: {url:?}");
        }
    }

    #[test]
    fn the_document_is_the_issuers() {
        let keys = "https://token.actions.githubusercontent.com/.well-known/jwks";
        for issuer in [
            json!("https://token.actions.githubusercontent.com"),
            json!("https://token.actions.githubusercontent.com/acme/"),
            json!("https://token.actions.githubusercontent.com/Acme"),
            json!("https://token.actions.githubusercontent.com/other"),
            json!([SLUG]),
            Value::Null,
        ] {
            let error = found(&json!({"issuer": issuer, "jwks_uri": keys})).unwrap_err();
            assert!(error.to_string().contains("`issuer`"), "{error}");
        }
        found(&json!({"issuer": SLUG})).unwrap_err();
        found(&json!([])).unwrap_err();
        let issuer = Issuer::parse(SLUG).unwrap();
        keys_url(&issuer, b"<html>").unwrap_err();
    }
}
