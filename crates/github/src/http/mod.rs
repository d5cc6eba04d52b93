//! HTTP as the whole program uses it: bounded in time and size, retried only where that is safe.

mod body;
mod client;
mod names;
mod proxies;
mod retry;

use std::time::Duration;

pub use body::{Response, collect};
pub use client::{Client, MAX_CA_BUNDLE, Network};
pub use retry::{Budget, Repeat};

/// The time to open a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The time of one request with its answer.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// Why there is no answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// No connection: nothing was sent.
    #[error("no connection to {host}: {why}")]
    Connect {
        /// Host and port.
        host: String,
        /// The cause.
        why: String,
    },
    /// Whoever answers under this name does not prove to be it: nothing was sent, and it is not asked again.
    #[error("the certificate of {host} is not trusted: {why}")]
    Untrusted {
        /// Host and port.
        host: String,
        /// What is wrong with it.
        why: String,
    },
    /// No whole answer in time.
    #[error("{host} did not answer within {} s", after.as_secs_f32().ceil())]
    Timeout {
        /// Host and port.
        host: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// The connection broke, or what came is not HTTP.
    #[error("the answer of {host} broke off: {why}")]
    Transport {
        /// Host and port.
        host: String,
        /// The cause.
        why: String,
    },
    /// The answer is larger than is read.
    #[error("the answer of {host} is larger than {limit} bytes")]
    TooLarge {
        /// Host and port.
        host: String,
        /// The cap in bytes.
        limit: usize,
    },
    /// The request cannot be made: a value that HTTP cannot carry.
    #[error("the request to {host} cannot be made: {why}")]
    Unsendable {
        /// Host and port.
        host: String,
        /// The cause.
        why: String,
    },
    /// The time of the whole run is used up.
    #[error("the time for the whole run is used up")]
    OutOfTime,
}

/// The causes of an error in one line, outermost first, without repeating itself.
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

/// What went wrong with a request, without its URL, which can hold ids and secrets.
fn from_reqwest(error: &reqwest::Error, host: &str) -> HttpError {
    let host = host.to_owned();
    if let Some(why) = distrust(error) {
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

/// What is wrong with a server's certificate, if that is the cause.
fn distrust(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    match error.downcast_ref() {
        Some(rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer)) => Some(
            "nobody known has issued it; an authority of one's own is given by `ca-bundle`"
                .to_owned(),
        ),
        Some(rustls::Error::InvalidCertificate(why)) => Some(why.to_string()),
        _ => {
            // An I/O error has the causes of what it wraps, but not what it wraps.
            let wrapped = error.downcast_ref().and_then(std::io::Error::get_ref);
            match wrapped {
                Some(wrapped) => distrust(wrapped),
                None => distrust(error.source()?),
            }
        }
    }
}

/// `HOST[:PORT]` of a URL, for messages: never its path or query, which can hold secrets.
pub fn host_of(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or("the server");
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}
