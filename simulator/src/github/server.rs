//! Connections: reads requests, asks the model, and sends responses with their faults.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::dispatch;
use super::faults::{self, Fault};
use super::http::{Answer, Request, read_request};
use super::route::Route;
use super::state::Shared;

/// A byte stream with its socket, which resets need below TLS.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {
    fn socket(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Wire for TlsStream<TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// State shared by all connections.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) state: Shared,
    pub(crate) tls: Option<TlsAcceptor>,
    /// Delay before every response.
    pub(crate) latency: Duration,
    /// Delay before each connection's first byte, and again before its TLS handshake.
    pub(crate) handshake: Duration,
    pub(crate) connections: Arc<AtomicU64>,
}

/// Whether the connection accepts another request.
#[derive(PartialEq)]
enum Next {
    Keep,
    Close,
}

impl Server {
    /// Serves GitHub.
    pub(crate) async fn serve(self, listener: TcpListener) {
        while let Ok((socket, _)) = listener.accept().await {
            let server = self.clone();
            let connection = server.connections.fetch_add(1, Ordering::Relaxed) + 1;
            tokio::spawn(async move {
                // Nagle's algorithm must not add to the simulated latency.
                let _ = socket.set_nodelay(true);
                let handshakes = if server.tls.is_some() { 2 } else { 1 };
                wait(server.handshake * handshakes).await;
                // A disconnected client is not an error.
                let _ = match &server.tls {
                    None => server.connection(socket, connection).await,
                    Some(acceptor) => match acceptor.accept(socket).await {
                        Ok(stream) => server.connection(stream, connection).await,
                        Err(error) => Err(error),
                    },
                };
            });
        }
    }

    /// Serves the other host, which records all requests.
    pub(crate) async fn serve_elsewhere(self, listener: TcpListener) {
        while let Ok((mut socket, _)) = listener.accept().await {
            let state = self.state.clone();
            tokio::spawn(async move {
                if let Ok(Some(request)) = read_request(&mut socket, &mut Vec::new()).await {
                    let answer = {
                        let mut state = state.lock();
                        let route = Route::of(&request, &state.api_prefix);
                        let index = state.elsewhere.received(&request, route.endpoint, 0);
                        let answer = state
                            .elsewhere_answer
                            .clone()
                            .with_header("Connection", "close");
                        state.elsewhere.answered(index, answer.status);
                        answer
                    };
                    let _ = write_answer(&mut socket, &answer).await;
                }
            });
        }
    }

    async fn connection(&self, mut wire: impl Wire, connection: u64) -> std::io::Result<()> {
        let mut buffer = Vec::new();
        while let Some(request) = read_request(&mut wire, &mut buffer).await? {
            let keeps_alive = request.keeps_alive();
            let next = self.request(&mut wire, &request, connection).await?;
            if next == Next::Close || !keeps_alive {
                break;
            }
        }
        wire.shutdown().await
    }

    async fn request(
        &self,
        wire: &mut impl Wire,
        request: &Request,
        connection: u64,
    ) -> std::io::Result<Next> {
        let (route, index, fault) = {
            let mut state = self.state.lock();
            let route = Route::of(request, &state.api_prefix);
            let index = state.recorder.received(request, route.endpoint, connection);
            let fault = faults::choose(&mut state.faults, route.endpoint, &request.target());
            (route, index, fault)
        };
        wait(self.latency).await;
        let model = || {
            let mut state = self.state.lock();
            let id = state.next_id();
            dispatch::answer(&mut state, &route, request)
                .with_header("X-GitHub-Request-Id", &format!("{id:X}"))
        };
        let answer = match fault {
            None => {
                let answer = model();
                self.state.lock().recorder.answered_by_model(index, &answer);
                answer
            }
            Some(Fault::Delay(delay)) => {
                tokio::time::sleep(delay).await;
                model()
            }
            Some(fault) => match self.answer_instead(&fault, request, model) {
                Some(answer) => answer,
                None => return self.broken_off(wire, fault, index, &model).await,
            },
        };
        // Record it before sending it, so that the record is complete once the client has the response.
        self.answered(index, &answer);
        write_answer(wire, &answer).await?;
        Ok(Next::Keep)
    }

    /// Returns another answer than the model's. Returns `None` for a fault of the connection.
    fn answer_instead(
        &self,
        fault: &Fault,
        request: &Request,
        model: impl Fn() -> Answer,
    ) -> Option<Answer> {
        let redirect =
            |status, location: &str| Answer::empty(status).with_header("Location", location);
        Some(match fault {
            Fault::Answer(answer) => answer.clone(),
            Fault::WithStatus(status) => Answer {
                status: *status,
                ..model()
            },
            Fault::ContentType(content_type) => {
                let mut answer = model();
                answer.headers.retain(|(name, _)| name != "Content-Type");
                answer.with_header("Content-Type", content_type)
            }
            Fault::Headers(headers) => {
                let mut answer = model();
                answer.headers.extend(headers.iter().cloned());
                answer
            }
            Fault::RedirectElsewhere(status) => {
                let to = self.state.lock().elsewhere_url.clone();
                redirect(*status, &format!("{to}{}", request.path))
            }
            Fault::Redirect(status, path) => {
                let to = self.state.lock().server_url.clone();
                redirect(*status, &format!("{to}{path}"))
            }
            Fault::RedirectLoop(status) => redirect(*status, &request.target()),
            _ => return None,
        })
    }

    /// Sends a part of the model's answer, or none of it.
    async fn broken_off(
        &self,
        wire: &mut impl Wire,
        fault: Fault,
        index: usize,
        model: impl Fn() -> Answer,
    ) -> std::io::Result<Next> {
        let recorded = |answer: Answer| {
            self.answered(index, &answer);
            answer
        };
        match fault {
            Fault::Stall => std::future::pending().await,
            Fault::Garbage => {
                wire.write_all(b"\x00\xffthis is not HTTP\r\n\r\n\x01\x02")
                    .await?;
                Ok(Next::Close)
            }
            Fault::ResetAfter => {
                recorded(model());
                reset(wire)
            }
            Fault::Truncate => {
                let answer = recorded(model());
                truncated(wire, &answer, Some(answer.body.len())).await
            }
            Fault::TruncateUnframed => truncated(wire, &recorded(model()), None).await,
            Fault::Huge(length) => {
                let answer = Answer::new(200, "application/json; charset=utf-8", "");
                huge(wire, &recorded(answer), length).await
            }
            Fault::Trickle(pause) => trickle(wire, &recorded(model()), pause).await,
            // A reset; the others leave the connection alone.
            _ => reset(wire),
        }
    }

    fn answered(&self, index: usize, answer: &Answer) {
        self.state.lock().recorder.answered(index, answer.status);
    }
}

/// Waits on a thread, because the runtime's timer is up to a millisecond late, which would count as the client's
/// time. Returns at once for zero.
async fn wait(time: Duration) {
    if !time.is_zero() {
        // It fails only if the runtime ends.
        let _ = tokio::task::spawn_blocking(move || std::thread::sleep(time)).await;
    }
}

async fn write_answer(
    wire: &mut (impl AsyncWrite + Unpin),
    answer: &Answer,
) -> std::io::Result<()> {
    let mut bytes = answer.head(Some(answer.body.len()));
    bytes.extend_from_slice(&answer.body);
    wire.write_all(&bytes).await?;
    wire.flush().await
}

fn reset(wire: &impl Wire) -> std::io::Result<Next> {
    wire.socket().set_zero_linger()?;
    // The error drops the connection without an orderly shutdown of TLS or TCP.
    Err(std::io::ErrorKind::ConnectionReset.into())
}

async fn truncated(
    wire: &mut impl Wire,
    answer: &Answer,
    length: Option<usize>,
) -> std::io::Result<Next> {
    let mut bytes = answer.head(length);
    bytes.extend(answer.body.iter().take(answer.body.len() / 2));
    wire.write_all(&bytes).await?;
    wire.flush().await?;
    Ok(Next::Close)
}

async fn huge(wire: &mut impl Wire, answer: &Answer, length: usize) -> std::io::Result<Next> {
    wire.write_all(&answer.head(Some(length))).await?;
    let block = [b' '; 64 << 10];
    let mut left = length;
    while left > 0 {
        let part = block.get(..left.min(block.len())).unwrap_or(&block);
        wire.write_all(part).await?;
        left -= part.len();
    }
    wire.flush().await?;
    Ok(Next::Keep)
}

async fn trickle(wire: &mut impl Wire, answer: &Answer, pause: Duration) -> std::io::Result<Next> {
    wire.write_all(&answer.head(Some(answer.body.len())))
        .await?;
    for byte in &answer.body {
        wire.write_all(&[*byte]).await?;
        wire.flush().await?;
        tokio::time::sleep(pause).await;
    }
    Ok(Next::Keep)
}
