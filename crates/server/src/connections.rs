//! Serves connections: limits of their number, their heads and their time, and an end that loses no request.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;

use crate::log;
use crate::metrics::Metrics;
use crate::request_line::{RequestLines, strict};
use platform::{Listener, Stream};

/// Maximum number of connections: fewer than the 1,024 descriptors that most systems give a process.
pub const MAX_CONNECTIONS: usize = 900;
/// Maximum size of a request's head: a token may have 32 KB, and other headers come with it.
const MAX_HEAD: usize = 64 << 10;
const MAX_HEADERS: usize = 100;
/// Maximum time between two requests of a connection, and for the head of one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum time in which a client takes nothing of an answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after a connection that could not be accepted, such as without a free descriptor.
const PAUSE: Duration = Duration::from_millis(50);
/// Answer to a connection beyond the limit.
const OVERLOADED: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// What connections may do.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Whether request lines that the parser would shorten are refused.
    pub is_strict: bool,
    /// Maximum time for the requests that run when the server ends.
    pub finish: Duration,
}

/// Serves a listener until `end` becomes true, then finishes what runs.
pub async fn serve(
    listener: Listener,
    router: Router,
    limits: Limits,
    metrics: Arc<Metrics>,
    mut end: watch::Receiver<bool>,
) {
    let Limits { is_strict, finish } = limits;
    let router = if is_strict { strict(router) } else { router };
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = end.wait_for(|is_over| *is_over) => break,
        };
        let stream = match accepted {
            Ok(stream) => stream,
            Err(why) => {
                log::warning("connection_not_accepted", &[("why", &why)]);
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tokio::spawn(refuse(stream));
            continue;
        };
        let connection = connection(stream, router.clone(), is_strict);
        let connection = graceful.watch(connection);
        let counted = metrics.connection();
        connections.spawn(async move {
            // What a client sends that is not HTTP is its own business.
            _ = connection.await;
            drop((place, counted));
        });
    }
    drop(listener);
    if tokio::time::timeout(finish, graceful.shutdown())
        .await
        .is_err()
    {
        let after = format!("{} s", finish.as_secs());
        log::warning("requests_cut_off", &[("after", &after)]);
        connections.shutdown().await;
    }
}

/// Serves the requests of a connection.
fn connection(
    stream: Box<dyn Stream>,
    router: Router,
    is_strict: bool,
) -> impl GracefulConnection<Error = hyper::Error> + Send {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    http1().serve_connection(
        TokioIo::new(RequestLines::new(Box::pin(stream), is_strict)),
        TowerToHyperService::new(router),
    )
}

/// Returns what reads requests, with the limits of a head.
pub(crate) fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEAD);
    builder
}

async fn refuse(mut stream: Box<dyn Stream>) {
    let refuse = async {
        stream.write_all(OVERLOADED).await?;
        stream.shutdown().await
    };
    _ = tokio::time::timeout(Duration::from_secs(1), refuse).await;
}
