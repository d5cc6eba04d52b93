//! HTTP for the whole program, with limits on time and size, and retries only where they are safe.

mod body;
mod client;

mod proxies;
mod resolver;
mod retry;

use std::time::Duration;

pub use body::{Response, collect};
pub use client::{Client, MAX_CA_BUNDLE, Network};
pub use retry::{Budget, Retry};

/// Maximum time to open a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum time for one request and its response.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// Why a client cannot be built with the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNetwork {
    /// The variable does not contain the URL of a proxy. Its value, which can contain a password, stays out of
    /// the message.
    #[error("the variable `{0}` is not the URL of a proxy, as in `http://HOST:PORT`")]
    Proxy(&'static str),
    /// The CA bundle is not PEM.
    #[error("the CA bundle is not PEM: {0}")]
    NotPem(String),
    /// The CA bundle contains an invalid certificate.
    #[error("a certificate in the CA bundle is not valid: {0}")]
    Certificate(String),
    /// The CA bundle contains no certificate.
    #[error("the CA bundle has no `BEGIN CERTIFICATE`")]
    NoCertificate,
    /// The TLS or HTTP library rejects the settings.
    #[error("{0}")]
    Library(String),
}

/// Why a request has no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// No connection could be opened, so nothing was sent.
    #[error("no connection to {host}: {why}")]
    Connect {
        /// Host and port.
        host: String,
        /// The cause.
        why: String,
    },
    /// The server could not prove its identity. Nothing was sent, and there is no retry.
    #[error("the certificate of {host} is not trusted: {why}")]
    Untrusted {
        /// Host and port.
        host: String,
        /// The problem with the certificate.
        why: String,
    },
    /// The complete response did not arrive in time.
    #[error("{host} did not answer within {} s", after.as_secs_f32().round().max(1.0))]
    Timeout {
        /// Host and port.
        host: String,
        /// The time spent waiting.
        after: Duration,
    },
    /// The connection broke, or the response is not HTTP.
    #[error("the answer of {host} broke off: {why}")]
    Transport {
        /// Host and port.
        host: String,
        /// The cause.
        why: String,
    },
    /// The response is larger than the limit.
    #[error("the answer of {host} is larger than {limit} bytes")]
    TooLarge {
        /// Host and port.
        host: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The request contains a value that HTTP does not allow.
    #[error("the request to {host} cannot be made: {why}")]
    Unsendable {
        /// Host and port.
        host: String,
        /// The cause.
        why: String,
    },
    /// The time limit of the whole budget is reached.
    #[error("the time limit is used up")]
    OutOfTime,
}

impl HttpError {
    /// Returns the error of a receiver of records. Its time can be over while that of the whole run is not.
    pub fn of_receiver(&self) -> String {
        match self {
            Self::OutOfTime => "it takes too long".to_owned(),
            error => error.to_string(),
        }
    }
}

/// Joins the causes of an error in one line, outermost first, without repetition.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

/// Converts an error, without the request's URL, which can contain ids and secrets.
fn from_reqwest(error: &reqwest::Error, host: &str) -> HttpError {
    let host = host.to_owned();
    if let Some(why) = certificate_problem(error) {
        return HttpError::Untrusted { host, why };
    }
    let why = std::error::Error::source(error).map_or_else(|| "no cause".to_owned(), causes);
    if error.is_connect() {
        HttpError::Connect { host, why }
    } else if error.is_builder() {
        HttpError::Unsendable { host, why }
    } else {
        HttpError::Transport { host, why }
    }
}

/// Returns the problem with the server's certificate, if that is the cause.
fn certificate_problem(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    match error.downcast_ref() {
        Some(rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer)) => Some(
            "no known authority issued it; if the server has a private one, name its certificate in `ca-bundle`"
                .to_owned(),
        ),
        Some(rustls::Error::InvalidCertificate(why)) => Some(why.to_string()),
        _ => {
            // `source` of an I/O error skips the wrapped error itself.
            let wrapped = error.downcast_ref().and_then(std::io::Error::get_ref);
            match wrapped {
                Some(wrapped) => certificate_problem(wrapped),
                None => certificate_problem(error.source()?),
            }
        }
    }
}

/// Returns `HOST[:PORT]` of a URL, for messages, which must not show a path or query: they can contain
/// secrets.
pub fn host_of(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or("the server");
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}
