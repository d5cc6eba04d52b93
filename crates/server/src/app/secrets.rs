//! The App's private key and the secrets of its webhooks, from files.

use std::path::{Path, PathBuf};

use ring::hmac;
use secrecy::ExposeSecret as _;

use crate::config::AppConfig;
use github::{App, AppError};
use platform::read_secret;

/// Maximum size of a file with a secret.
const MAX_SECRET: usize = 64 << 10;

/// The secrets of an App.
pub struct AppSecrets {
    /// The App with its private key.
    pub app: App,
    /// The secrets of its webhooks, if it has webhooks.
    pub webhooks: Option<WebhookSecrets>,
}

/// Why there are no secrets.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// A file cannot be read, or is not private.
    #[error("`{key}` is `{}`, which cannot be used: {why}", file.display())]
    File {
        /// Key of the configuration.
        key: &'static str,
        /// The file.
        file: PathBuf,
        /// The cause.
        why: std::io::Error,
    },
    /// The file has no private key.
    #[error("`private_key_file` is `{}`: {why}", file.display())]
    Key {
        /// The file.
        file: PathBuf,
        /// The cause.
        why: AppError,
    },
    /// The file has no secret.
    #[error(
        "`webhook_secret_file` is `{}`, which has no secret, or one shorter than {MIN_SECRET} characters",
        .0.display()
    )]
    NoSecret(PathBuf),
}

/// Minimum length of a webhook's secret, against guesses.
const MIN_SECRET: usize = 16;

impl AppSecrets {
    /// Reads the files of a configuration.
    ///
    /// # Errors
    /// A file cannot be read, every user can read it, or it does not contain what it should.
    pub fn read(config: &AppConfig) -> Result<Self, SecretError> {
        Ok(Self {
            app: app(config)?,
            webhooks: webhooks(config)?,
        })
    }

    /// Returns why files cannot be used, for each of them.
    pub fn check(config: &AppConfig) -> impl Iterator<Item = SecretError> {
        app(config).err().into_iter().chain(webhooks(config).err())
    }
}

fn app(config: &AppConfig) -> Result<App, SecretError> {
    let file = &config.private_key_file;
    let pem = read("private_key_file", file)?;
    App::new(&config.client_id, &pem).map_err(|why| SecretError::Key {
        file: file.clone(),
        why,
    })
}

fn webhooks(config: &AppConfig) -> Result<Option<WebhookSecrets>, SecretError> {
    let file = config.webhook_secret_file.as_deref();
    file.map(WebhookSecrets::read).transpose()
}

fn read(key: &'static str, file: &Path) -> Result<secrecy::SecretString, SecretError> {
    read_secret(file, MAX_SECRET).map_err(|why| SecretError::File {
        key,
        file: file.to_owned(),
        why,
    })
}

/// The secrets of an App's webhooks: one, or two while it changes.
pub struct WebhookSecrets(Vec<hmac::Key>);

impl WebhookSecrets {
    /// Reads a file with a secret in each line.
    fn read(file: &Path) -> Result<Self, SecretError> {
        let text = read("webhook_secret_file", file)?;
        let lines = text.expose_secret().lines().map(str::trim);
        let secrets: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
        if secrets.is_empty() || secrets.iter().any(|secret| secret.len() < MIN_SECRET) {
            return Err(SecretError::NoSecret(file.to_owned()));
        }
        let keys = secrets.iter();
        let keys = keys.map(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()));
        Ok(Self(keys.collect()))
    }

    /// Returns whether a text has the form of a signature.
    pub fn can_verify(signature: &str) -> bool {
        tag(signature).is_some()
    }

    /// Returns whether `signature` is that of the body with one of the secrets. It takes the same time wherever they
    /// differ.
    ///
    /// Source: docs.github.com, "Validating webhook deliveries".
    pub fn verify(&self, body: &[u8], signature: &str) -> bool {
        let Some(tag) = tag(signature) else {
            return false;
        };
        self.0
            .iter()
            .any(|key| hmac::verify(key, body, &tag).is_ok())
    }
}

impl std::fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} secrets", self.0.len())
    }
}

fn tag(signature: &str) -> Option<Vec<u8>> {
    decode_hex(signature.strip_prefix("sha256=")?)
}

fn decode_hex(digits: &str) -> Option<Vec<u8>> {
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hex || digits.len() != 64 {
        return None;
    }
    let bytes = digits.as_bytes().chunks(2).map(|two| {
        let two = std::str::from_utf8(two).ok()?;
        u8::from_str_radix(two, 16).ok()
    });
    bytes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_githubs() {
        // The example of GitHub's page.
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"It's a Secret to Everybody");
        let secrets = WebhookSecrets(vec![hmac::Key::new(hmac::HMAC_SHA256, b"old"), key]);
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(secrets.verify(b"Hello, World!", signature));
        assert!(!secrets.verify(b"Hello, World! ", signature));
        let upper = signature.to_uppercase().replace("SHA256", "sha256");
        assert!(secrets.verify(b"Hello, World!", &upper));
        for wrong in [
            "",
            "sha256=",
            &signature.replace("sha256=", ""),
            &signature.replace("sha256=", "sha1="),
            signature.trim_end_matches("17"),
            &format!("{signature}00"),
            &signature.replace("757", "756"),
            &signature.replace("757", "+57"),
        ] {
            assert!(!secrets.verify(b"Hello, World!", wrong), "{wrong}");
        }
    }
}
