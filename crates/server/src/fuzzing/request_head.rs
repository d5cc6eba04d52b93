//! Heads of requests on a connection: what is granted has one token and one reading, however its bytes arrive.
//!
//! The first byte chooses the family of headers, the second how the rest is cut into reads.

use std::collections::HashMap;
use std::io::Result as IoResult;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::stage::{self, GRANTED, REFUSED, RUNTIME, TOKEN, with_token};
use crate::connections::http1;
use crate::request_line::RequestLines;
use crate::routes::Family;

static ROUTERS: LazyLock<Mutex<HashMap<&str, Router>>> = LazyLock::new(|| {
    let families = [Family::Forwarded, Family::Original, Family::Request];
    let routers = families.map(|family| {
        let config = stage::configuration(family, "full");
        (family.name(), stage::router(config, Router::new()))
    });
    Mutex::new(routers.into())
});

pub fn run(data: &[u8]) {
    let [family, seed, rest @ ..] = data else {
        return;
    };
    let family = match family {
        b'f' => Family::Forwarded,
        b'o' => Family::Original,
        _ => Family::Request,
    };
    let router = ROUTERS.lock().unwrap_or_else(|lock| lock.into_inner())[family.name()].clone();
    let bytes = with_token(rest);
    RUNTIME.block_on(async {
        let whole = served(&router, family, vec![bytes.clone()]).await;
        let cut = served(&router, family, pieces(&bytes, *seed)).await;
        // The records wait: nobody decides.
        let waits = |seen: &Seen| seen.status == StatusCode::SERVICE_UNAVAILABLE;
        if whole.iter().chain(&cut).any(waits) {
            return;
        }
        assert_eq!(whole, cut);
        for seen in &whole {
            check(&router, family, seen, &bytes).await;
        }
    });
}

/// A request that the server answered.
#[derive(Debug, PartialEq)]
struct Seen {
    method: String,
    target: String,
    headers: HeaderMap,
    status: StatusCode,
}

/// Cuts bytes into reads of 1 to 64 bytes.
fn pieces(bytes: &[u8], seed: u8) -> Vec<Vec<u8>> {
    let mut state = u32::from(seed);
    let mut rest = bytes;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let length = 1 + usize::try_from(state >> 26).unwrap_or_default();
        let (piece, after) = rest.split_at(length.min(rest.len()));
        pieces.push(piece.to_vec());
        rest = after;
    }
    pieces
}

/// Serves a connection and returns what was asked there.
async fn served(router: &Router, family: Family, pieces: Vec<Vec<u8>>) -> Vec<Seen> {
    let all = Arc::new(Mutex::new(Vec::new()));
    let running = Arc::new(AtomicUsize::new(0));
    let service = service_fn(|request: Request<Incoming>| {
        let inner = TowerToHyperService::new(router.clone());
        let (all, running) = (Arc::clone(&all), Arc::clone(&running));
        let (method, target) = (request.method().to_string(), request.uri().to_string());
        let headers = request.headers().clone();
        async move {
            running.fetch_add(1, Ordering::Relaxed);
            let response = inner.call(request).await?;
            running.fetch_sub(1, Ordering::Relaxed);
            let status = response.status();
            all.lock().unwrap().push(Seen {
                method,
                target,
                headers,
                status,
            });
            Ok::<_, std::convert::Infallible>(response)
        }
    });
    let stream = Bytes {
        pieces: pieces.into_iter(),
        piece: Vec::new(),
        running: Arc::clone(&running),
        patience: 16,
    };
    let stream = RequestLines::new(stream, family == Family::Request);
    let connection = http1().serve_connection(TokioIo::new(stream), service);
    // What is not HTTP is its sender's business.
    _ = connection.await;
    all.lock().unwrap().split_off(0)
}

/// The reading side of a client that hangs up after its last byte, and after the server's answers.
struct Bytes {
    pieces: std::vec::IntoIter<Vec<u8>>,
    piece: Vec<u8>,
    running: Arc<AtomicUsize>,
    /// How often the server may look for more.
    patience: u8,
}

impl AsyncRead for Bytes {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<IoResult<()>> {
        if self.piece.is_empty() {
            match self.pieces.next() {
                Some(piece) => self.piece = piece,
                None if self.patience == 0 => return Poll::Ready(Ok(())),
                None => {
                    if self.running.load(Ordering::Relaxed) == 0 {
                        self.patience -= 1;
                    }
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
        }
        let length = buffer.remaining().min(self.piece.len());
        buffer.put_slice(&self.piece[..length]);
        self.piece.drain(..length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Bytes {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<IoResult<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<IoResult<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<IoResult<()>> {
        Poll::Ready(Ok(()))
    }
}

async fn check(router: &Router, family: Family, seen: &Seen, bytes: &[u8]) {
    let is_granted = seen.status == StatusCode::OK;
    if is_granted {
        assert_eq!(tokens(&seen.headers), [TOKEN.as_str()], "{seen:?}");
        assert_eq!(needed(family, seen), Some(GRANTED), "{seen:?}");
        if family == Family::Request {
            // The parser left nothing out of what the upstream gets.
            let line = format!("{} {} HTTP/1.", seen.method, seen.target);
            let is_there = bytes
                .windows(line.len())
                .any(|part| part == line.as_bytes());
            assert!(is_there, "{seen:?}");
        }
    } else if is_plain(family, seen) {
        assert_ne!(needed(family, seen), Some(GRANTED), "{seen:?}");
    }
    let again = |change: &dyn Fn(&mut HeaderMap)| {
        let mut headers = seen.headers.clone();
        change(&mut headers);
        ask(router, seen, headers)
    };
    let more = |headers: &mut HeaderMap| {
        headers.insert("x-unrelated", HeaderValue::from_static("/admin/7/"));
        headers.insert("x-forwarded-for", HeaderValue::from_static("192.0.2.1"));
    };
    let status = again(&more).await;
    let waits = status == StatusCode::SERVICE_UNAVAILABLE;
    assert!(waits || status == seen.status, "{status}: {seen:?}");
    if !is_granted {
        return;
    }
    for name in counting(family, seen) {
        let twice = |headers: &mut HeaderMap| {
            let value = headers[&name].clone();
            headers.append(&name, value);
        };
        assert_ne!(again(&twice).await, StatusCode::OK, "{name}: {seen:?}");
        let without = |headers: &mut HeaderMap| _ = headers.remove(&name);
        assert_ne!(again(&without).await, StatusCode::OK, "{name}: {seen:?}");
    }
    if is_by_route(seen) {
        for name in [
            "x-rewrite-url",
            "x_forwarded_uri",
            "forwarded",
            "x-http-method-override",
        ] {
            let other = |headers: &mut HeaderMap| {
                headers.insert(name, HeaderValue::from_static("/locks/7"));
            };
            assert_ne!(again(&other).await, StatusCode::OK, "{name}: {seen:?}");
        }
    }
}

/// Sends a request again, without a body and without a connection.
async fn ask(router: &Router, seen: &Seen, headers: HeaderMap) -> StatusCode {
    let request = Request::builder().method(&*seen.method).uri(&seen.target);
    let mut request = request.body(Body::empty()).expect("what was read");
    *request.headers_mut() = headers;
    let service = TowerToHyperService::new(router.clone());
    service.call(request).await.expect("an answer").status()
}

/// The headers that a grant rests on.
fn counting(family: Family, seen: &Seen) -> Vec<HeaderName> {
    let mut names = vec![AUTHORIZATION];
    if is_by_route(seen) {
        match family {
            Family::Request => names.push(HOST),
            Family::Forwarded | Family::Original => names.extend(family_headers(family)),
        }
    }
    names
}

fn family_headers(family: Family) -> [HeaderName; 3] {
    let prefix = family.name();
    ["method", "uri", "host"]
        .map(|what| HeaderName::try_from(format!("{prefix}-{what}")).expect("a name"))
}

/// Whether the server looks for a route: its path names no permission.
fn is_by_route(seen: &Seen) -> bool {
    !seen.target.starts_with("/v1/forward-auth/")
}

/// Every bearer token, in the plainest reading.
fn tokens(headers: &HeaderMap) -> Vec<&str> {
    let values = headers.get_all(AUTHORIZATION).iter();
    let values = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let token = |value| {
        let text = std::str::from_utf8(value).unwrap_or("not text");
        let token = text.split_once(' ').map(|(scheme, token)| {
            let is_bearer = scheme.eq_ignore_ascii_case("bearer");
            if is_bearer {
                token.trim_start_matches(' ')
            } else {
                "another scheme"
            }
        });
        token.unwrap_or("no scheme")
    };
    values.map(token).collect()
}

/// Whether a request is one that nobody could misread: with the token, each header once and none of another family, and
/// simple values.
fn is_plain(family: Family, seen: &Seen) -> bool {
    let headers = &seen.headers;
    let own: &[HeaderName] = match family {
        Family::Request => &[],
        Family::Forwarded | Family::Original => &family_headers(family),
    };
    let describes = [
        "x-forwarded",
        "x-original",
        "x-rewrite",
        "x-http",
        "x-method",
        "forwarded",
    ];
    let is_foreign = |name: &HeaderName| {
        let alias = name.as_str().replace('_', "-");
        !own.contains(name) && describes.iter().any(|start| alias.starts_with(start))
    };
    let is_simple = |text: &str| {
        let is_simple = |byte: u8| byte.is_ascii_alphanumeric() || b":/.-_".contains(&byte);
        text.bytes().all(is_simple) && !text.contains("//") && !text.contains("/.")
    };
    let is_host = |text: &str| {
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
        !text.is_empty() && text.bytes().all(is_host)
    };
    let is_uri = |text: &str| text.starts_with('/') && is_simple(text) && !text.contains(':');
    let has = |name: &HeaderName, is: &dyn Fn(&str) -> bool| {
        let value = headers.get(name).map(HeaderValue::to_str);
        value.is_none_or(|value| value.is_ok_and(is))
    };
    let is_described = match own {
        [_, uri, host] => has(uri, &is_uri) && has(host, &is_host),
        _ => has(&HOST, &is_host),
    };
    tokens(headers) == [TOKEN.as_str()]
        && headers.len() == headers.keys_len()
        && !headers.keys().any(is_foreign)
        && is_described
        && is_simple(&seen.target)
}

/// The permission that a request needs, by the most lenient reading of its path: what an upstream may do that decodes
/// twice, follows dots and joins slashes.
fn needed(family: Family, seen: &Seen) -> Option<&'static str> {
    if let Some(named) = seen.target.strip_prefix("/v1/forward-auth/") {
        let named = named.split('?').next()?;
        let named = decoded(named.as_bytes());
        return [GRANTED, REFUSED]
            .into_iter()
            .find(|key| key.as_bytes() == named);
    }
    let text = |name: &HeaderName| seen.headers.get(name)?.to_str().ok();
    let (method, target, host) = match family {
        Family::Request => {
            let target = seen.target.strip_prefix("/v1/ext-authz");
            // The endpoint's paths have a slash after the prefix.
            let target = target.filter(|path| path.starts_with('/'))?;
            (&*seen.method, target, text(&HOST)?)
        }
        Family::Forwarded | Family::Original => {
            let path = seen.target.split('?').next()?;
            let [method, uri, host] = family_headers(family);
            let is_endpoint = path == "/v1/forward-auth";
            (
                text(&method).filter(|_| is_endpoint)?,
                text(&uri)?,
                text(&host)?,
            )
        }
    };
    let host = host.split(':').next()?;
    let is_host = host.eq_ignore_ascii_case(stage::HOST);
    let (segments, ends_in_slash) = leniently(target);
    let segments: Vec<_> = segments.iter().map(Vec::as_slice).collect();
    match (method, segments.as_slice(), ends_in_slash) {
        ("GET" | "POST", [b"locks", _], false) if is_host => Some(GRANTED),
        ("GET", [], true) => Some(GRANTED),
        ("DELETE", [b"locks", _], false) | ("GET" | "POST", [b"admin", _], true) => Some(REFUSED),
        _ => None,
    }
}

/// The segments of a path, and whether it ends in a slash.
fn leniently(target: &str) -> (Vec<Vec<u8>>, bool) {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let path = decoded(&decoded(path.as_bytes()));
    let mut segments: Vec<Vec<u8>> = Vec::new();
    for segment in path.split(|byte| b"/\\".contains(byte)) {
        let segment = segment.split(|byte| b";\0".contains(byte)).next();
        match segment.unwrap_or_default() {
            b"" | b"." => {}
            b".." => _ = segments.pop(),
            segment => segments.push(segment.to_vec()),
        }
    }
    (segments, path.ends_with(b"/"))
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = text;
    while let [first, after @ ..] = rest {
        let byte = match rest {
            [b'%', high, low, ..] => std::str::from_utf8(&[*high, *low])
                .ok()
                .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
                .and_then(|digits| u8::from_str_radix(digits, 16).ok()),
            _ => None,
        };
        decoded.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &rest[3..] } else { after };
    }
    decoded
}
