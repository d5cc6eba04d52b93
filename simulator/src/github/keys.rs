//! RSA keys for tests only, which protect nothing.

use anyhow::{Context as _, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::RSA_PKCS1_SHA256;
use serde_json::{Value, json};

/// A committed RSA key of 2048 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestKey {
    /// Signs OIDC tokens by default; in the key set.
    Signing1,
    /// In the key set too, because GitHub publishes several keys.
    Signing2,
    /// Never in the key set.
    Attacker,
    /// The private key of the GitHub App.
    App,
}

impl TestKey {
    /// Returns the private key as PKCS#8 PEM (`BEGIN PRIVATE KEY`).
    #[must_use]
    pub fn private_pem(self) -> &'static str {
        match self {
            Self::Signing1 => include_str!("../../keys/signing-1.pem"),
            Self::Signing2 => include_str!("../../keys/signing-2.pem"),
            Self::Attacker => include_str!("../../keys/attacker.pem"),
            Self::App => include_str!("../../keys/app.pem"),
        }
    }

    /// Returns the key id in the key set and in tokens' headers.
    #[must_use]
    pub fn kid(self) -> &'static str {
        match self {
            Self::Signing1 => "38826b17-6a30-5f9b-b169-8beb8202f723",
            // GitHub's identifiers are UUIDs or forty hexadecimal digits.
            Self::Signing2 => "cc413527173f5a05976018952b1ca98580004b48",
            Self::Attacker => "a77ac4e2-0000-4000-a000-000000000000",
            Self::App => "app",
        }
    }

    /// Returns the public key as a JWK (RFC 7517), with `alg` `RS256` and `use` `sig` as GitHub publishes it.
    ///
    /// # Errors
    ///
    /// The committed key cannot be read.
    pub fn jwk(self) -> anyhow::Result<Value> {
        let (modulus, exponent) = self.public_numbers()?;
        Ok(json!({
            "kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.kid(),
            "n": URL_SAFE_NO_PAD.encode(modulus), "e": URL_SAFE_NO_PAD.encode(exponent),
        }))
    }

    /// Returns the public key as DER (PKCS#1 `RSAPublicKey`), the secret in an attack that confuses HMAC and RSA.
    ///
    /// # Errors
    ///
    /// The committed key cannot be read.
    pub fn public_der(self) -> anyhow::Result<Vec<u8>> {
        Ok(self.pair()?.public().as_ref().to_vec())
    }

    /// Returns modulus and exponent, big-endian without leading zeros.
    pub(crate) fn public_numbers(self) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
        let components = PublicKeyComponents::<Vec<u8>>::from(self.pair()?.public());
        Ok((components.n, components.e))
    }

    pub(crate) fn sign(self, message: &[u8]) -> anyhow::Result<Vec<u8>> {
        let pair = self.pair()?;
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            message,
            &mut signature,
        )
        .map_err(|_| anyhow!("ring does not sign with {self:?}"))?;
        Ok(signature)
    }

    fn pair(self) -> anyhow::Result<KeyPair> {
        let base64: String = self
            .private_pem()
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .collect();
        let der = STANDARD.decode(base64).context("the PEM of a test key")?;
        KeyPair::from_pkcs8(&der).map_err(|error| anyhow!("{self:?}: {error}"))
    }
}

/// The App's private key in the form that GitHub generates: PKCS#1 PEM (`BEGIN RSA PRIVATE KEY`).
pub const APP_PRIVATE_KEY_PKCS1: &str = include_str!("../../keys/app-pkcs1.pem");

/// Returns the JWK of a 1024-bit key, which a verifier must reject. Its private half does not exist, because
/// ring signs with at least 2048 bits.
#[must_use]
pub fn short_jwk(kid: &str) -> Value {
    json!({
        "kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid,
        "n": include_str!("../../keys/short-modulus.txt").trim(), "e": "AQAB",
    })
}

/// Returns the key set in GitHub's form: `{"keys": […]}` with both signing keys.
///
/// # Errors
///
/// A committed key cannot be read.
pub fn key_set() -> anyhow::Result<Value> {
    Ok(json!({"keys": [TestKey::Signing1.jwk()?, TestKey::Signing2.jwk()?]}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_can_be_read_and_has_2048_bits() {
        for key in [
            TestKey::Signing1,
            TestKey::Signing2,
            TestKey::Attacker,
            TestKey::App,
        ] {
            assert_eq!(key.public_numbers().unwrap().0.len(), 256);
        }
    }

    #[test]
    fn the_short_key_has_1024_bits() {
        let jwk = short_jwk("short");
        let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
        assert_eq!(modulus.len(), 128);
    }
}
