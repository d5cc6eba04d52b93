//! A GitHub App, its installation on a repository, and the installation's short-lived token.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivatePkcs1KeyDer, PrivatePkcs8KeyDer};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::api::{Api, ApiError, InvalidApi, json};
use super::repository::route;
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
    #[error("the App's private key is not an RSA private key in PEM: {0}")]
    Key(String),
    /// The API cannot be called.
    #[error(transparent)]
    Client(#[from] InvalidApi),
    /// The App has no installation on the repository.
    #[error(
        "the App `{client_id}` is not installed on {repository}: install it there, or check the client ID"
    )]
    NotInstalled {
        /// The App's client ID.
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
#[derive(Clone, Debug, Deserialize)]
pub struct InstallationToken {
    token: SecretString,
    #[serde(default)]
    expires_at: Option<Timestamp>,
}

impl InstallationToken {
    /// Returns the token.
    pub fn secret(&self) -> &SecretString {
        &self.token
    }

    /// Returns its end by GitHub's clock, if the answer contained it.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }
}

/// An installation of an App on an account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Installation {
    /// Its id.
    pub id: u64,
}

impl AppError {
    /// Returns the error of the failed request, if a request failed.
    pub fn api(&self) -> Option<&ApiError> {
        match self {
            Self::Api { why, .. } => Some(why),
            _ => None,
        }
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
                    .map_err(|error| AppError::Key(seen(&pem, &error.to_string())))?;
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

    /// Returns the client ID.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Returns the App's numeric id. `api` authenticates with the App's JWT.
    ///
    /// # Errors
    /// The request failed, or the answer is about another App.
    pub async fn id(&self, api: &Api) -> Result<u64, AppError> {
        #[derive(Deserialize)]
        struct Identity {
            id: u64,
            #[serde(default)]
            client_id: Option<String>,
        }
        let response = api
            .get("app", "application/vnd.github+json", super::api::MAX_JSON)
            .await;
        let identity = response.and_then(|response| json::<Identity>(&response));
        let identity = identity.and_then(|identity| match &identity.client_id {
            Some(client_id) if *client_id != self.client_id => {
                let message = "it is about another App".to_owned();
                Err(ApiError::Shape(message))
            }
            _ => Ok(identity.id),
        });
        identity.map_err(|why| {
            let what = "the App cannot be looked up";
            AppError::Api { what, why }
        })
    }

    /// Looks up the App's installation on the repository. `api` authenticates with the App's JWT.
    ///
    /// # Errors
    /// The App is not installed there, or the request failed.
    pub async fn installation(
        &self,
        api: &Api,
        repository: &RepositoryName,
    ) -> Result<Installation, AppError> {
        let path = format!("{}/installation", route(repository));
        let response = api
            .get(&path, "application/vnd.github+json", super::api::MAX_JSON)
            .await;
        match response {
            Err(error) if error.status() == Some(http::StatusCode::NOT_FOUND) => {
                Err(AppError::NotInstalled {
                    client_id: self.client_id.clone(),
                    repository: repository.to_string(),
                })
            }
            other => other.and_then(|response| json(&response)).map_err(|why| {
                let what = "the App's installation cannot be looked up";
                AppError::Api { what, why }
            }),
        }
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
        permissions: &Permissions,
    ) -> Result<InstallationToken, AppError> {
        let installation = self.installation(api, repository).await?;
        let request = TokenRequest {
            repositories: Some([repository.name()]),
            repository_ids: None,
            permissions,
        };
        create_token(api, &installation, &request).await
    }

    /// Does the same for the repository with this id, whatever repository has its name now: without access to that
    /// id, there is no token.
    ///
    /// # Errors
    /// The App is not installed there, or a request failed.
    pub async fn installation_token_by_id(
        &self,
        api: &Api,
        (name, id): (&RepositoryName, u64),
        permissions: &Permissions,
    ) -> Result<InstallationToken, AppError> {
        let installation = self.installation(api, name).await?;
        let request = TokenRequest {
            repositories: None,
            repository_ids: Some([id]),
            permissions,
        };
        create_token(api, &installation, &request).await
    }

    /// Does the same for a repository whose id is not known, perhaps under a former name. The token can read the details
    /// of every repository of the installation, and nothing else.
    ///
    /// # Errors
    /// The App is not installed there, or a request failed.
    pub async fn metadata_token(
        &self,
        api: &Api,
        repository: &RepositoryName,
    ) -> Result<InstallationToken, AppError> {
        let installation = self.installation(api, repository).await?;
        let request = TokenRequest {
            repositories: None,
            repository_ids: None,
            permissions: &Permissions::from([("metadata", "read")]),
        };
        create_token(api, &installation, &request).await
    }
}

/// Permissions of a token by GitHub's names, with their levels.
pub type Permissions = BTreeMap<&'static str, &'static str>;

/// Request for a token: of one repository, by its name within the installation's account or by its id, or of all.
#[derive(Serialize)]
struct TokenRequest<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    repositories: Option<[&'a str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository_ids: Option<[u64; 1]>,
    permissions: &'a Permissions,
}

async fn create_token(
    api: &Api,
    installation: &Installation,
    request: &TokenRequest<'_>,
) -> Result<InstallationToken, AppError> {
    let path = format!("app/installations/{}/access_tokens", installation.id);
    // A second token does no harm: both expire.
    let response = api.post(&path, request, Retry::Safe).await;
    response
        .and_then(|response| json(&response))
        .map_err(|why| {
            let what = "the App's installation token cannot be created";
            AppError::Api { what, why }
        })
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

/// Says what a text has in the place of the key: the label of its section (RFC 7468), which is not secret.
fn seen(pem: &str, why: &str) -> String {
    let section = pem.split_once("-----BEGIN ");
    let label = section.and_then(|(_, rest)| Some(rest.split_once("-----")?.0));
    match label {
        Some(label @ ("RSA PRIVATE KEY" | "PRIVATE KEY")) => match pem.contains("-----END ") {
            true => why.to_owned(),
            false => {
                format!("it has no line `-----END {label}-----`: a part of the file is missing")
            }
        },
        Some(label)
            if label.len() < 40 && label.bytes().all(|b| b.is_ascii_uppercase() || b == b' ') =>
        {
            format!("its section is `{label}`, expected `RSA PRIVATE KEY` or `PRIVATE KEY`")
        }
        _ => "it has no line `-----BEGIN RSA PRIVATE KEY-----`".to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_private_key_is_named() {
        let section = |label| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
        for (pem, why) in [
            (section("PUBLIC KEY"), "its section is `PUBLIC KEY`"),
            (section("EC PRIVATE KEY"), "its section is `EC PRIVATE KEY`"),
            (
                section("ENCRYPTED PRIVATE KEY"),
                "its section is `ENCRYPTED PRIVATE KEY`",
            ),
            (section("PRIVATE KEY"), "does not contain an RSA key"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n".to_owned(),
                "it has no line `-----END RSA PRIVATE KEY-----`",
            ),
            (section("\u{1b}[31m"), "it has no line"),
            ("ghp_secret".to_owned(), "it has no line"),
            (String::new(), "it has no line"),
        ] {
            let error = App::new("Iv1", &pem.clone().into())
                .err()
                .unwrap()
                .to_string();
            assert!(error.contains(why), "{pem}: {error}");
            assert!(
                !error.contains("secret") && !error.contains('\u{1b}'),
                "{error}"
            );
        }
    }
}
