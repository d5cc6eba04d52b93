//! Looks at request lines before they are parsed.
//!
//! The parser of URIs drops a `#` and what follows it, so an upstream that keeps it would see another path than this
//! server (CVE-2021-32779). No client sends a fragment: one is made a character that no request line has, so the parser
//! answers 400.

use std::io::Result;
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

/// A connection in whose request lines no `#` counts.
///
/// Nothing after the head of a request that may have a body is looked at, because only the parser knows where bodies end.
/// So what follows a body must not be a request: see [`strict`].
#[derive(Debug)]
pub(crate) struct RequestLines<S> {
    stream: S,
    place: Place,
    is_strict: bool,
}

/// Replaces a `#`. No parser of HTTP accepts it.
const REFUSED: u8 = 0;
/// Bytes of a header that tell whether it announces a body: a name and its colon.
const START: usize = 18;

/// Place in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    RequestLine {
        is_empty: bool,
    },
    Header {
        /// Start of the line, without CR.
        start: [u8; START],
        /// Length of the whole line.
        length: usize,
        /// Whether the line has a byte after `start` that no zero length has.
        is_other: bool,
        has_body: bool,
    },
    /// Behind the head of a request with a body.
    Body,
}

/// Returns whether a request with this header may have a body. Both sides of this module ask it: where one of them sees a
/// body, the other one does too. So it judges a length by its number: of two equal ones, the parser keeps the first.
fn announces_body(name: &[u8], value: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"transfer-encoding")
        || (name.eq_ignore_ascii_case(b"content-length") && !value.iter().copied().all(is_zero))
}

/// Returns whether a byte can be one of a length of zero, or of the white space around it.
fn is_zero(byte: u8) -> bool {
    matches!(byte, b'0' | b' ' | b'\t')
}

/// Ends the connection after each request with a body, whatever answers it.
pub(crate) fn strict(router: Router) -> Router {
    router.layer(from_fn(close_after_body))
}

async fn close_after_body(request: Request, next: Next) -> Response {
    let mut headers = request.headers().iter();
    let has_body = headers.any(|(name, value)| announces_body(name.as_ref(), value.as_bytes()))
        || !request.body().is_end_stream();
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
            place: Place::START,
        }
    }
}

impl Place {
    const START: Self = Self::RequestLine { is_empty: true };

    fn header(has_body: bool) -> Self {
        Self::Header {
            start: [0; START],
            length: 0,
            is_other: false,
            has_body,
        }
    }

    /// Returns the place after a byte.
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Body, _) => self,
            (_, b'\r') => self,
            // Empty lines may precede a request (RFC 9112, section 2.2).
            (Self::RequestLine { is_empty: true }, b'\n') => self,
            (Self::RequestLine { .. }, b'\n') => Self::header(false),
            (Self::RequestLine { .. }, _) => Self::RequestLine { is_empty: false },
            (
                Self::Header {
                    length: 0,
                    has_body,
                    ..
                },
                b'\n',
            ) => match has_body {
                true => Self::Body,
                false => Self::START,
            },
            (
                Self::Header {
                    start,
                    length,
                    is_other,
                    has_body,
                },
                b'\n',
            ) => Self::header(has_body || line_announces_body(&start, length, is_other)),
            (
                Self::Header {
                    mut start,
                    length,
                    is_other,
                    has_body,
                },
                byte,
            ) => {
                let place = start.get_mut(length);
                let is_other = is_other || (place.is_none() && !is_zero(byte));
                if let Some(place) = place {
                    *place = byte;
                }
                Self::Header {
                    start,
                    length: length.saturating_add(1),
                    is_other,
                    has_body,
                }
            }
        }
    }

    /// Moves on over bytes, and makes each `#` of a request line one that the parser refuses.
    fn pass(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if matches!(self, Self::RequestLine { .. }) && *byte == b'#' {
                *byte = REFUSED;
            }
            *self = self.after(*byte);
        }
    }
}

fn line_announces_body(start: &[u8; START], length: usize, is_other: bool) -> bool {
    let known = start.get(..length).unwrap_or(start);
    let mut parts = known.splitn(2, |byte| *byte == b':');
    let (Some(name), Some(value)) = (parts.next(), parts.next()) else {
        return false;
    };
    announces_body(name, if is_other { b"1" } else { value })
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
        let read = buffer.filled_mut().get_mut(before..);
        self.place.pass(read.unwrap_or_default());
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

    fn passed(text: &str) -> String {
        let mut bytes = text.to_owned().into_bytes();
        let mut place = Place::START;
        place.pass(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    fn is_refused(text: &str) -> bool {
        passed(text) != text
    }

    #[test]
    fn fragments_are_found_in_each_request_of_a_connection() {
        let honest = "GET /a HTTP/1.1\r\nHost: a\r\nCookie: a#b\r\n\r\n";
        let forged = "GET /a#b HTTP/1.1\r\n";
        assert!(!is_refused(honest));
        assert!(!is_refused(&honest.repeat(3)));
        assert_eq!(passed(forged), "GET /a\0b HTTP/1.1\r\n");
        assert!(is_refused(&format!("{honest}{honest}{forged}")));
        assert!(is_refused(&format!("\r\n\r\n{honest}\r\n{forged}")));
        let bare = honest.replace("\r\n", "\n");
        assert!(is_refused(&format!("{bare}{forged}")));
    }

    #[test]
    fn what_follows_the_head_of_a_body_is_not_looked_at() {
        let with = |header: &str| format!("POST /a HTTP/1.1\r\n{header}\r\nHost: a\r\n\r\n/#\r\n");
        let filled = format!("x-{}: 1", "a".repeat(START));
        for header in [
            "Content-Length: 3",
            "content-length:3",
            "Content-Length: 0, 0",
            "Content-Length:                                      3",
            "Content-Length: 0000000000000000000000000000000000003",
            "Transfer-Encoding: chunked",
            "TRANSFER-ENCODING:",
        ] {
            assert!(!is_refused(&with(header)), "{header}");
        }
        for header in [
            "Content-Length: 0",
            "content-length:\t0 ",
            "Content-Length: 00",
            "Content-Length: 0                                    ",
            "Content-Length: 0000000000000000000000000000000000000",
            "Content-Length : 3",
            " Content-Length: 3",
            "X-Content-Length: 3",
            "Content-Length",
            &filled,
        ] {
            assert!(is_refused(&with(header)), "{header}");
        }
    }
}
