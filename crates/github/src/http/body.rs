//! Complete responses, up to a maximum size.

use std::time::Duration;

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::{HttpError, causes};

/// A response with its complete body.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, within its size limit.
    pub body: Vec<u8>,
}

impl Response {
    /// Returns a header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the pause that the server asks for, in seconds or until a date. The date counts from the server's own
    /// clock.
    ///
    /// Source: RFC 9110, section 10.2.3.
    pub fn retry_after(&self) -> Option<Duration> {
        let asked = self.header("retry-after")?.trim();
        if let Ok(seconds) = asked.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let until = httpdate::parse_http_date(asked).ok()?;
        let now = httpdate::parse_http_date(self.header("date")?.trim()).ok()?;
        until.duration_since(now).ok()
    }

    /// Returns whether a length or chunks delimit the response. A response that ends with its connection may be
    /// truncated, and nobody can tell.
    ///
    /// Source: RFC 9112, sections 6.3 and 8.
    pub fn is_delimited(&self) -> bool {
        let is_chunked = |coding: &str| coding.trim().eq_ignore_ascii_case("chunked");
        self.headers.contains_key(CONTENT_LENGTH)
            || self
                .header(TRANSFER_ENCODING.as_str())
                .and_then(|codings| codings.rsplit(',').next())
                .is_some_and(is_chunked)
    }

    /// Returns the `message` in the JSON of an error, at most 200 characters.
    pub fn message(&self) -> Option<String> {
        #[derive(serde::Deserialize)]
        struct Error {
            message: String,
        }
        let error: Error = serde_json::from_slice(&self.body).ok()?;
        Some(error.message.chars().take(200).collect())
    }

    /// Returns the status with GitHub's message, for example `404 (Not Found)`.
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
/// The body is larger, or the connection broke.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_an_answer_ends() {
        for (headers, delimited) in [
            (&[][..], false),
            (&[("content-type", "text/plain")], false),
            (&[("content-length", "0")], true),
            (&[("transfer-encoding", "Chunked")], true),
            (&[("transfer-encoding", "gzip, chunked")], true),
            // What is not chunked last ends with the connection.
            (&[("transfer-encoding", "gzip")], false),
        ] {
            let headers = headers.iter();
            let response = Response {
                status: StatusCode::OK,
                headers: headers
                    .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                    .collect::<HeaderMap>(),
                body: Vec::new(),
            };
            assert_eq!(response.is_delimited(), delimited, "{response:?}");
        }
    }
}
