//! Answers, read whole with a cap.

use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::{HttpError, causes};

/// An answer with its whole body.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, within the cap it was read with.
    pub body: Vec<u8>,
}

impl Response {
    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What GitHub says in the JSON of an error (`message`), at most 200 characters.
    pub fn message(&self) -> Option<String> {
        #[derive(serde::Deserialize)]
        struct Error {
            message: String,
        }
        let error: Error = serde_json::from_slice(&self.body).ok()?;
        Some(error.message.chars().take(200).collect())
    }

    /// `404 (Not Found)`, with what GitHub said.
    pub fn describe(&self) -> String {
        match self.message() {
            Some(message) => format!("{} ({message})", self.status.as_u16()),
            None => self.status.as_u16().to_string(),
        }
    }
}

/// Reads a body up to `cap` bytes.
///
/// # Errors
/// It is larger, or breaks off.
pub async fn collect<B>(
    response: http::Response<B>,
    cap: usize,
    host: &str,
) -> Result<Response, HttpError>
where
    B: http_body::Body<Data: bytes::Buf>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (parts, body) = response.into_parts();
    let body = Box::pin(Limited::new(body, cap)).collect().await;
    let body = body.map_err(|error| {
        if error.is::<LengthLimitError>() {
            HttpError::TooLarge {
                host: host.to_owned(),
                limit: cap,
            }
        } else {
            HttpError::Transport {
                host: host.to_owned(),
                why: causes(&*error),
            }
        }
    })?;
    Ok(Response {
        status: parts.status,
        headers: parts.headers,
        body: body.to_bytes().into(),
    })
}
