//! A GitHub App, its installation on a repository, and the installation's short-lived token.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivatePkcs1KeyDer, PrivatePkcs8KeyDer};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::api::{Api, ApiError, InvalidApi, json};
use super::contents::route;
use crate::http::Retry;
use engine::RepositoryName;

/// A GitHub App with its private key.
#[derive(Clone)]
pub struct App {
    client_id: String,
    key: EncodingKey,
}

/// Why an App cannot provide a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppError {
    /// The private key is not valid.
    #[error("the input `app-private-key` is not an RSA private key in PEM: {0}")]
    Key(String),
    /// The API cannot be called.
    #[error(transparent)]
    Client(#[from] InvalidApi),
    /// The App has no installation on the repository.
    #[error(
        "the App `{client_id}` is not installed on {repository}: install it there, or check `app-client-id`"
    )]
    NotInstalled {
        /// The input `app-client-id`.
        client_id: String,
        /// The repository.
        repository: String,
    },
    /// A request failed.
    #[error("{what}: {why}")]
    Api {
        /// The failed step.
        what: &'static str,
        /// The error.
        why: ApiError,
    },
}

/// A token of an installation, valid for one hour and one repository.
#[derive(Clone, Debug)]
pub struct InstallationToken(SecretString);

impl InstallationToken {
    /// Returns the token.
    pub fn secret(&self) -> &SecretString {
        &self.0
    }
}

impl App {
    /// Parses the private key: PKCS#1, which GitHub generates, or PKCS#8, both in PEM. `\n` may replace a line
    /// break.
    ///
    /// # Errors
    /// The key is neither.
    pub fn new(client_id: &str, private_key: &SecretString) -> Result<Self, AppError> {
        let pem = private_key.expose_secret().replace("\\n", "\n");
        let der = PrivatePkcs1KeyDer::from_pem_slice(pem.as_bytes())
            .map(|key| key.secret_pkcs1_der().to_vec())
            .or_else(|_| {
                let key = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes())
                    .map_err(|error| AppError::Key(error.to_string()))?;
                pkcs1_of_pkcs8(key.secret_pkcs8_der()).ok_or_else(|| {
                    AppError::Key("its PKCS#8 does not contain an RSA key".to_owned())
                })
            })?;
        ring::signature::RsaKeyPair::from_der(&der)
            .map_err(|error| AppError::Key(error.to_string()))?;
        Ok(Self {
            client_id: client_id.to_owned(),
            key: EncodingKey::from_rsa_der(&der),
        })
    }

    /// Creates the App's JWT, valid from a minute ago for nine more minutes (GitHub's maximum is ten).
    ///
    /// # Errors
    /// Signing failed.
    pub fn jwt(&self, now: Timestamp) -> Result<SecretString, AppError> {
        #[derive(Serialize)]
        struct AppClaims<'a> {
            iat: i64,
            exp: i64,
            iss: &'a str,
        }
        token::crypto::install();
        let claims = AppClaims {
            iat: (now - SignedDuration::from_secs(60)).as_second(),
            exp: (now + SignedDuration::from_secs(9 * 60)).as_second(),
            iss: &self.client_id,
        };
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &self.key)
            .map(SecretString::from)
            .map_err(|error| AppError::Key(error.to_string()))
    }

    /// Looks up the App's installation on the repository and creates a token for this repository and these
    /// permissions only. `api` authenticates with the App's JWT.
    ///
    /// # Errors
    /// The App is not installed there, or a request failed.
    pub async fn installation_token(
        &self,
        api: &Api,
        repository: &RepositoryName,
        permissions: &BTreeMap<&'static str, &'static str>,
    ) -> Result<InstallationToken, AppError> {
        #[derive(Deserialize)]
        struct Installation {
            id: u64,
        }
        #[derive(Serialize)]
        struct TokenRequest<'a> {
            repositories: [&'a str; 1],
            permissions: &'a BTreeMap<&'static str, &'static str>,
        }
        #[derive(Deserialize)]
        struct Token {
            token: SecretString,
        }
        let failed_to = |what| move |why| AppError::Api { what, why };
        const LOOK_UP: &str = "the App's installation cannot be looked up";
        const CREATE: &str = "the App's installation token cannot be created";
        let path = format!("{}/installation", route(repository));
        let response = api
            .get(&path, "application/vnd.github+json", super::api::MAX_JSON)
            .await;
        let installation: Installation = match response {
            Err(error) if error.status() == Some(http::StatusCode::NOT_FOUND) => {
                return Err(AppError::NotInstalled {
                    client_id: self.client_id.clone(),
                    repository: repository.to_string(),
                });
            }
            other => other
                .and_then(|response| json(&response))
                .map_err(failed_to(LOOK_UP))?,
        };
        let path = format!("app/installations/{}/access_tokens", installation.id);
        let request = TokenRequest {
            repositories: [repository.name()],
            permissions,
        };
        // A second token does no harm: both expire.
        let token: Token = api
            .post(&path, &request, Retry::Safe)
            .await
            .and_then(|response| json(&response))
            .map_err(failed_to(CREATE))?;
        Ok(InstallationToken(token.token))
    }
}

impl Api {
    /// Revokes the installation token that this client authenticates with.
    ///
    /// # Errors
    /// The request failed; the token then expires within the hour.
    pub async fn revoke_installation_token(&self) -> Result<(), ApiError> {
        self.delete("installation/token").await.map(|_| ())
    }
}

/// Returns the RSAPrivateKey inside a PKCS#8 PrivateKeyInfo (RFC 5208): the octet string after the version
/// and the algorithm.
fn pkcs1_of_pkcs8(der: &[u8]) -> Option<Vec<u8>> {
    let (0x30, info, _) = element(der)? else {
        return None;
    };
    let (0x02, _, rest) = element(info)? else {
        return None;
    };
    let (0x30, algorithm, rest) = element(rest)? else {
        return None;
    };
    // rsaEncryption, 1.2.840.113549.1.1.1
    const RSA: &[u8] = &[
        0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01,
    ];
    let (0x04, key, _) = element(rest)? else {
        return None;
    };
    algorithm.starts_with(RSA).then(|| key.to_vec())
}

/// Splits off the first DER element and returns its tag, its content and the rest.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = bytes
                .iter()
                .fold(0_usize, |length, byte| (length << 8) | usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}
