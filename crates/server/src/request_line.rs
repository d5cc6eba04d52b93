//! Looks at request lines before they are parsed.
//!
//! The parser of URIs drops a `#` and what follows it, so an upstream that keeps it would see another path than this
//! server (CVE-2021-32779). No client sends a fragment: the connection of one ends.

use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::HttpBody as _;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http::HeaderValue;
use http::header::CONNECTION;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection whose reading fails at a `#` in a request line.
///
/// It does not know where a body starts or ends, and takes its lines for request lines. One of JSON in its usual form
/// starts with a character that no method has, so a `#` in it counts for nothing. So what follows a body must not be a
/// request: see [`strict`].
#[derive(Debug)]
pub(crate) struct RequestLines<S> {
    stream: S,
    place: Place,
    is_strict: bool,
}

/// Place in a request's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    RequestLine {
        is_empty: bool,
    },
    Header {
        is_empty: bool,
    },
    /// A line that is not a request line.
    Other,
}

/// Ends the connection after each request with a body, whatever answers it.
pub(crate) fn strict(router: Router) -> Router {
    router.layer(from_fn(close_after_body))
}

async fn close_after_body(request: Request, next: Next) -> Response {
    let has_body = !request.body().is_end_stream();
    let mut response = next.run(request).await;
    if has_body {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    response
}

impl<S> RequestLines<S> {
    /// Wraps a connection. Only where request lines are those of original requests does it have to be strict.
    pub(crate) fn new(stream: S, is_strict: bool) -> Self {
        Self {
            stream,
            is_strict,
            place: Place::RequestLine { is_empty: true },
        }
    }
}

impl Place {
    /// Returns the place after a byte; `None` for a fragment.
    fn after(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (_, b'\r') => self,
            // Empty lines may precede a request (RFC 9112, section 2.2).
            (Self::RequestLine { is_empty: true }, b'\n') => self,
            (Self::Other, b'\n') => Self::RequestLine { is_empty: true },
            (Self::Other, _) => Self::Other,
            // A server that takes a request line from these would not be HTTP's (RFC 9112, section 3).
            (
                Self::RequestLine { is_empty: true },
                b' ' | b'\t' | b'{' | b'}' | b'[' | b']' | b'"',
            ) => Self::Other,
            (Self::RequestLine { .. }, b'\n') => Self::Header { is_empty: true },
            (Self::RequestLine { .. }, b'#') => return None,
            (Self::RequestLine { .. }, _) => Self::RequestLine { is_empty: false },
            (Self::Header { is_empty: true }, b'\n') => Self::RequestLine { is_empty: true },
            (Self::Header { .. }, b'\n') => Self::Header { is_empty: true },
            (Self::Header { .. }, _) => Self::Header { is_empty: false },
        })
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for RequestLines<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if !self.is_strict {
            return Poll::Ready(Ok(()));
        }
        let read = buffer.filled().get(before..).unwrap_or_default();
        for byte in read {
            match self.place.after(*byte) {
                Some(place) => self.place = place,
                None => {
                    let message = "a request line has a fragment";
                    return Poll::Ready(Err(Error::new(ErrorKind::InvalidData, message)));
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for RequestLines<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(text: &str) -> bool {
        let start = Place::RequestLine { is_empty: true };
        let mut bytes = text.bytes();
        bytes.try_fold(start, Place::after).is_none()
    }

    #[test]
    fn fragments_are_found_in_each_request_of_a_connection() {
        let honest = "GET /a HTTP/1.1\r\nHost: a\r\nCookie: a#b\r\n\r\n";
        let forged = "GET /a#b HTTP/1.1\r\n";
        assert!(!is_refused(honest));
        assert!(!is_refused(&honest.repeat(3)));
        assert!(is_refused(forged));
        assert!(is_refused(&format!("{honest}{honest}{forged}")));
        assert!(is_refused(&format!("\r\n\r\n{honest}\r\n{forged}")));
        let json = "{\n  \"a#b\": [\n\"#\"\n]\n}\n";
        assert!(!is_refused(&format!("{honest}{json}")));
        assert!(is_refused(&format!("{honest}{json}{forged}")));
        let bare = honest.replace("\r\n", "\n");
        assert!(is_refused(&format!("{bare}{forged}")));
    }
}
