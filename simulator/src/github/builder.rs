//! Settings and start of a GitHub.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::handle::GitHub;
use super::server::Server;
use super::state::{Shared, State};
use super::tls::{self, Tls};

/// Settings of a [`GitHub`].
#[derive(Debug, Clone, Default)]
pub struct GitHubBuilder {
    tls: bool,
    host: Option<String>,
    api_at_root: bool,
    latency: Duration,
    handshake: Duration,
}

impl GitHubBuilder {
    /// Serves HTTPS on `localhost` with its own authority: [`GitHub::ca_pem`].
    #[must_use]
    pub fn tls(mut self, tls: bool) -> Self {
        self.tls = tls;
        self
    }

    /// Uses this host name with TLS. Only a proxy can find it, because no system resolves it.
    #[must_use]
    pub fn host(mut self, name: &str) -> Self {
        self.host = Some(name.to_owned());
        self
    }

    /// Serves the API at the root of the host, as api.github.com does, instead of `/api/v3`.
    #[must_use]
    pub fn api_at_root(mut self) -> Self {
        self.api_at_root = true;
        self
    }

    /// Waits this long before each response, but not before connections.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Simulates a network with this round-trip time: one before each response, one for each TCP connection and one
    /// for each TLS handshake (as with TLS 1.3).
    #[must_use]
    pub fn round_trip(mut self, round_trip: Duration) -> Self {
        self.latency = round_trip;
        self.handshake = round_trip;
        self
    }

    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// The system provides no port or thread.
    pub fn start(self) -> anyhow::Result<GitHub> {
        let host = self.host.as_deref().unwrap_or("localhost");
        let tls = self.tls.then(|| tls::create(host)).transpose()?;
        let listener = listen()?;
        let elsewhere = listen()?;
        // The second host differs in name and port.
        let (server_url, elsewhere_url) = match &tls {
            Some(_) => (
                url(&format!("https://{host}"), &listener)?,
                url("http://127.0.0.1", &elsewhere)?,
            ),
            None => (
                url("http://127.0.0.1", &listener)?,
                url("http://localhost", &elsewhere)?,
            ),
        };
        let api_prefix = if self.api_at_root { "" } else { "/api/v3" };
        let state = Shared::new(State::new(
            server_url,
            elsewhere_url,
            api_prefix.to_owned(),
        )?);
        let connections = Arc::new(AtomicU64::new(0));
        let (acceptor, ca_pem) = tls
            .map(|Tls { acceptor, ca_pem }| (acceptor, ca_pem))
            .unzip();
        let server = Server {
            state: state.clone(),
            tls: acceptor,
            latency: self.latency,
            handshake: self.handshake,
            connections: Arc::clone(&connections),
        };
        let (stop, stopped) = oneshot::channel();
        let thread = spawn(server, [listener, elsewhere], stopped)?;
        Ok(GitHub {
            state,
            ca_pem,
            connections,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

/// Serves on a thread until it gets a message.
fn spawn(
    server: Server,
    listeners: [std::net::TcpListener; 2],
    stopped: oneshot::Receiver<()>,
) -> anyhow::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let serve = async move {
        // The listeners are bound; the conversion only registers them.
        if let [Ok(listener), Ok(elsewhere)] = listeners.map(TcpListener::from_std) {
            tokio::spawn(server.clone().serve_elsewhere(elsewhere));
            tokio::spawn(server.serve(listener));
            let _ = stopped.await;
        }
    };
    let thread = std::thread::Builder::new().name("github".into());
    Ok(thread.spawn(move || runtime.block_on(serve))?)
}

fn listen() -> anyhow::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .context("cannot get a free port")?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn url(host: &str, listener: &std::net::TcpListener) -> anyhow::Result<String> {
    Ok(format!("{host}:{}", listener.local_addr()?.port()))
}

impl GitHub {
    /// Starts a GitHub with plain HTTP, the API below `/api/v3`, no latency and no repositories.
    ///
    /// # Errors
    ///
    /// As [`GitHubBuilder::start`].
    pub fn start() -> anyhow::Result<Self> {
        Self::builder().start()
    }

    /// Returns a builder for other settings than those of [`GitHub::start`].
    #[must_use]
    pub fn builder() -> GitHubBuilder {
        GitHubBuilder::default()
    }
}
