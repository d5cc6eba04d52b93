//! Signs records for a webhook by the Standard Webhooks specification, so that receivers with the secret can
//! verify their authenticity and integrity.
//!
//! Source: the Standard Webhooks specification 1.0 (<https://www.standardwebhooks.com>).

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use token::{is_https_or_loopback, written_url};

/// Prefix of a secret.
pub const SECRET_PREFIX: &str = "whsec_";
/// Allowed lengths of a secret's key in bytes.
const KEY_LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;
/// Base64 with optional padding, because some generators of secrets omit it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A receiver of records, with its keys. The output never contains the URL or the keys, because the path and
/// query of a webhook are often secret too.
#[derive(Clone)]
pub struct Webhook {
    url: Url,
    keys: Vec<hmac::Key>,
}

impl Webhook {
    /// Parses a URL, and secrets separated by white space. A rotation needs several secrets.
    ///
    /// # Errors
    /// All problems as sentences, without the URL and the secrets.
    pub fn new(url: &str, secrets: &SecretString) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let url = checked_url(url)
            .map_err(|error| problems.push(error.to_string()))
            .ok();
        let mut keys = Vec::new();
        for (number, secret) in secrets.expose_secret().split_whitespace().enumerate() {
            match key(secret) {
                Ok(key) => keys.push(key),
                Err(seen) => problems.push(format!(
                    "`audit-webhook-secret`: secret {} {seen}, expected `{SECRET_PREFIX}` and {} to {} random bytes in \
                     base64, as `echo \"{SECRET_PREFIX}$(openssl rand -base64 32)\"` makes them",
                    number + 1,
                    KEY_LENGTHS.start(),
                    KEY_LENGTHS.end(),
                )),
            }
        }
        match url {
            Some(url) if problems.is_empty() => Ok(Self { url, keys }),
            _ => Err(problems),
        }
    }

    /// Returns the URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the header `webhook-signature` of a message, with one signature per secret.
    pub fn signature(&self, id: &str, seconds: i64, body: &str) -> String {
        let signed = format!("{id}.{seconds}.{body}");
        let signature = |key| BASE64.encode(hmac::sign(key, signed.as_bytes()));
        let signatures = self.keys.iter().map(|key| format!("v1,{}", signature(key)));
        signatures.collect::<Vec<_>>().join(" ")
    }
}

fn checked_url(text: &str) -> anyhow::Result<Url> {
    let invalid = |what: &str| {
        // Without the text, which can contain a token.
        bail!("`audit-webhook` {what}, expected a URL like `https://HOST/PATH`")
    };
    match written_url(text) {
        None => invalid("is not a URL"),
        Some(url) if !is_https_or_loopback(&url) => invalid("is not an https URL"),
        Some(url) if !url.username().is_empty() || url.password().is_some() => {
            invalid("contains a user name or a password")
        }
        Some(url) => Ok(url),
    }
}

/// Parses a secret.
fn key(secret: &str) -> anyhow::Result<hmac::Key> {
    let encoded = secret
        .strip_prefix(SECRET_PREFIX)
        .with_context(|| format!("does not start with `{SECRET_PREFIX}`"))?;
    // Without the cause, which contains a character of the secret.
    let key = BASE64.decode(encoded).ok().context("is not base64")?;
    if !KEY_LENGTHS.contains(&key.len()) {
        bail!("has {} bytes", key.len());
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://hooks.example/audit?token=hidden-in-the-url";
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn webhook(url: &str, secrets: &str) -> Result<Webhook, Vec<String>> {
        Webhook::new(url, &SecretString::from(secrets))
    }

    #[test]
    fn signatures_are_those_of_the_standard() {
        // The example of the standard's own libraries.
        let signature = |secrets: &str| {
            let webhook = webhook(URL, secrets).ok().unwrap();
            webhook.signature(
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                r#"{"test": 2432232314}"#,
            )
        };
        const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signature(SECRET), SIGNATURE);
        let other = format!("whsec_{}", BASE64.encode([7; 64]));
        let both = signature(&format!("{other}\n  {SECRET} "));
        let (first, second) = both.split_once(' ').unwrap();
        assert_eq!(second, SIGNATURE);
        assert_eq!(first, signature(&other));
        assert_eq!(first, signature(other.trim_end_matches('=')));
    }

    #[test]
    fn what_is_wrong_is_said_without_saying_the_secret() {
        let of = |bytes: usize| format!("whsec_{}", BASE64.encode(vec![b'x'; bytes]));
        for (url, secrets, expected) in [
            ("hooks.example", SECRET.to_owned(), vec!["is not a URL"]),
            (
                "http://hooks.example/x",
                SECRET.to_owned(),
                vec!["is not an https URL"],
            ),
            (
                "ftp://127.0.0.1/x",
                SECRET.to_owned(),
                vec!["is not an https URL"],
            ),
            (
                "https://me@hooks.example",
                SECRET.to_owned(),
                vec!["a user name"],
            ),
            (
                "https://:pass@hooks.example",
                SECRET.to_owned(),
                vec!["a password"],
            ),
            (
                URL,
                "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(),
                vec!["secret 1 does not start"],
            ),
            (
                URL,
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!".to_owned(),
                vec!["secret 1 is not base64"],
            ),
            (
                URL,
                format!("{SECRET} {}", of(23)),
                vec!["secret 2 has 23 bytes"],
            ),
            (
                URL,
                format!("{} whsec_", of(65)),
                vec!["secret 1 has 65 bytes", "secret 2 has 0 bytes"],
            ),
            ("x", of(16), vec!["is not a URL", "secret 1 has 16 bytes"]),
        ] {
            let problems = webhook(url, &secrets).err().unwrap();
            assert_eq!(problems.len(), expected.len(), "{problems:?}");
            for (problem, expected) in problems.iter().zip(expected) {
                assert!(problem.contains(expected), "{problem}");
                for secret in secrets.split(' ').chain(["hidden-in-the-url", "pass@"]) {
                    let text = secret.trim_start_matches(SECRET_PREFIX);
                    assert!(text.is_empty() || !problem.contains(text), "{problem}");
                }
            }
        }
        for bytes in [24, 32, 64] {
            assert!(webhook("http://localhost:1/x", &of(bytes)).is_ok());
        }
    }
}
