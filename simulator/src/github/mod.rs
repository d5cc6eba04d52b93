//! A GitHub on loopback.
//!
//! One model of its state (`state`), thin HTTP adapters over it (`oidc`, `contents`, `checks`, `statuses`,
//! `apps`), faults between the two and the wire, and a record of all requests. The URLs have the form of GitHub Enterprise Server: everything below one host.

mod access;
mod apps;
mod checks;
mod contents;
mod faults;
mod graphql;
mod http;
mod jwt;
mod keys;
mod limits;
mod oidc;
mod organization;
mod receivers;
mod recorder;
mod releases;
mod repository;
mod route;
mod server;
mod state;
mod statuses;
mod tls;

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub use self::access::{AppIdentity, Level, Permissions};
pub use self::apps::App;
pub use self::checks::{CheckAnnotation, CheckRun};
pub use self::faults::{Fault, FaultRule};
pub use self::graphql::QueryFault;
pub use self::http::{Answer, Request};
pub use self::jwt::{Signature, mint as mint_jwt, verify as verify_jwt};
pub use self::keys::{APP_PRIVATE_KEY_PKCS1, TestKey, key_set, short_jwk};
pub use self::limits::RateLimits;
pub use self::oidc::{JobCredentials, SlugKeys, TokenRecipe};
pub use self::organization::Organization;
pub use self::recorder::RecordedRequest;
pub use self::repository::{CommitSha, Repository, blob_sha};
pub use self::route::Endpoint;
pub use self::statuses::CommitStatus;

use self::access::Access;
use self::apps::Installation;
use self::limits::Resource;
use self::server::Server;
use self::state::{Shared, State};
use self::tls::Tls;
use crate::unique::hex;

/// A running GitHub. Dropping it stops it.
#[derive(Debug)]
pub struct GitHub {
    state: Shared,
    ca_pem: Option<String>,
    connections: Arc<AtomicU64>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

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
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = std::thread::Builder::new()
            .name("github".into())
            .spawn(move || {
                runtime.block_on(async move {
                    // The listeners are bound; the conversion only registers them.
                    if let (Ok(listener), Ok(elsewhere)) = (
                        TcpListener::from_std(listener),
                        TcpListener::from_std(elsewhere),
                    ) {
                        tokio::spawn(server.clone().serve_elsewhere(elsewhere));
                        tokio::spawn(server.serve(listener));
                        let _ = stopped.await;
                    }
                });
            })?;
        Ok(GitHub {
            state,
            ca_pem,
            connections,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
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

    /// Returns `GITHUB_SERVER_URL`: scheme, host and port, without a final slash.
    #[must_use]
    pub fn server_url(&self) -> String {
        self.state.lock().server_url.clone()
    }

    /// Returns `GITHUB_API_URL`.
    #[must_use]
    pub fn api_url(&self) -> String {
        self.state.lock().api_url()
    }

    /// Returns the tokens' `iss`.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.state.lock().issuer()
    }

    /// Returns the URL of the other host, the target of [`Fault::RedirectElsewhere`].
    #[must_use]
    pub fn elsewhere_url(&self) -> String {
        self.state.lock().elsewhere_url.clone()
    }

    /// Returns the certificate authority as PEM, if started with TLS.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Adds a repository, or replaces the one of the same name.
    pub fn add_repository(&self, repository: Repository) {
        let mut state = self.state.lock();
        let name = repository.full_name();
        state
            .repositories
            .retain(|other| !other.full_name().eq_ignore_ascii_case(&name));
        state.repositories.push(repository);
    }

    /// Returns the repository `OWNER/REPO` in its current state.
    #[must_use]
    pub fn repository(&self, full_name: &str) -> Option<Repository> {
        let (owner, name) = full_name.split_once('/')?;
        let state = self.state.lock();
        state.repository(owner, name).map(Cow::into_owned)
    }

    /// Changes the repository `OWNER/REPO`, if it exists.
    pub fn edit_repository(&self, full_name: &str, edit: impl FnOnce(&mut Repository)) {
        let mut state = self.state.lock();
        let found = state
            .repositories
            .iter_mut()
            .find(|repository| repository.full_name().eq_ignore_ascii_case(full_name));
        if let Some(repository) = found {
            edit(repository);
        }
    }

    /// Adds an organisation with many repositories. Repositories added by name take precedence.
    pub fn add_organization(&self, organization: Organization) {
        self.state.lock().organizations.push(organization);
    }

    /// Creates a token for all repositories of these owners, like a person's or an installed App's.
    pub fn add_token(&self, owners: &[&str], permissions: Permissions) -> String {
        let token = format!("ghp_{}", hex(18));
        let access = Access {
            app: AppIdentity::github_actions(),
            permissions,
            repositories: Vec::new(),
            owners: owners.iter().map(|owner| (*owner).to_owned()).collect(),
            expires: Timestamp::now() + SignedDuration::from_hours(1),
        };
        self.state.lock().access.insert(token.clone(), access);
        token
    }

    /// Returns the URL of the GraphQL API.
    #[must_use]
    pub fn graphql_url(&self) -> String {
        let state = self.state.lock();
        let path = route::graphql_path(&state.api_prefix);
        format!("{}{path}", state.server_url)
    }

    /// Sets rate limits for every token. They are unlimited by default.
    pub fn set_rate_limits(&self, limits: RateLimits) {
        self.state.lock().limits.set(limits);
    }

    /// Returns the used GraphQL points and REST requests since limits were set.
    #[must_use]
    pub fn used(&self) -> (u64, u64) {
        let state = self.state.lock();
        let total = |resource| state.limits.total(resource);
        (total(Resource::GraphQl), total(Resource::Core))
    }

    /// Lets queries time out (502) whose responses have more bytes of files than this.
    pub fn set_query_capacity(&self, bytes: usize) {
        self.state.lock().capacity.bytes = Some(bytes);
    }

    /// Sets or removes the fault of queries for the repository `OWNER/REPO`.
    pub fn set_query_fault(&self, full_name: &str, fault: Option<QueryFault>) {
        let mut state = self.state.lock();
        match fault {
            Some(fault) => state.capacity.faults.insert(full_name.to_owned(), fault),
            None => state.capacity.faults.remove(full_name),
        };
    }

    /// Registers an App and installs it on `repositories` (`OWNER/REPO`), which must already exist. Returns the
    /// installation's id.
    pub fn install_app(&self, app: App, repositories: &[&str], permissions: Permissions) -> u64 {
        let mut state = self.state.lock();
        let id = state.next_id();
        let ids = repositories
            .iter()
            .filter_map(|name| name.split_once('/'))
            .filter_map(|(owner, name)| {
                state
                    .repository(owner, name)
                    .map(|repository| repository.id)
            })
            .collect();
        state.installations.push(Installation {
            id,
            app_id: app.id,
            repositories: ids,
            permissions,
        });
        state.apps.push(app);
        id
    }

    /// Starts a job. `claims` are those of its repository, workflow and event; minting a token adds the times,
    /// `iss`, `aud` and `jti`. The runner does this for a [`Job`](crate::Job).
    pub fn register_job(
        &self,
        repository_id: u64,
        claims: Map<String, Value>,
        permissions: Permissions,
    ) -> JobCredentials {
        oidc::register(&mut self.state.lock(), repository_id, claims, permissions)
    }

    /// Mints a token for an audience, as the token endpoint does for a registered job with these claims.
    ///
    /// # Errors
    ///
    /// A committed key cannot be read.
    pub fn mint_token(&self, claims: Map<String, Value>, audience: &str) -> anyhow::Result<String> {
        let mut state = self.state.lock();
        let token = oidc::mint(&state, claims, audience)?;
        state.minted.push(token.clone());
        Ok(token)
    }

    /// Sets how tokens are minted.
    pub fn set_token(&self, recipe: TokenRecipe) {
        self.state.lock().recipe = recipe;
    }

    /// Replaces the key set, `{"keys": […]}`.
    pub fn set_keys(&self, keys: &Value) {
        self.set_keys_answer(Answer::json(200, keys));
    }

    /// Replaces the response of the key set's URL.
    pub fn set_keys_answer(&self, answer: Answer) {
        self.state.lock().keys = answer;
    }

    /// Sets where an enterprise's own issuer publishes its keys.
    pub fn set_slug_keys(&self, place: SlugKeys) {
        self.state.lock().slug_keys = place;
    }

    /// Replaces every discovery document.
    pub fn set_discovery(&self, document: &Value) {
        self.state.lock().discovery = Some(Answer::json(200, document));
    }

    /// Sets the response of the other host. The default is `{}`.
    pub fn set_elsewhere_answer(&self, answer: Answer) {
        self.state.lock().elsewhere_answer = answer;
    }

    /// Adds a rule after the existing ones.
    pub fn add_fault(&self, rule: FaultRule) {
        self.state.lock().faults.push(rule);
    }

    /// Removes all rules.
    pub fn clear_faults(&self) {
        self.state.lock().faults.clear();
    }

    /// Returns the time since the start.
    #[must_use]
    pub fn clock(&self) -> Duration {
        self.state.lock().recorder.clock()
    }

    /// Returns all requests, in order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.state.lock().recorder.requests().to_vec()
    }

    /// Returns the requests to an endpoint.
    #[must_use]
    pub fn requests_to(&self, endpoint: Endpoint) -> Vec<RecordedRequest> {
        let mut requests = self.requests();
        requests.retain(|request| request.endpoint == endpoint);
        requests
    }

    /// Returns the requests to the other host. With [`Fault::RedirectElsewhere`], there should be none.
    #[must_use]
    pub fn elsewhere_requests(&self) -> Vec<RecordedRequest> {
        self.state.lock().elsewhere.requests().to_vec()
    }

    /// Returns the number of accepted TCP connections.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Fails the test if an unknown request arrived, or one to the other host.
    ///
    /// # Panics
    ///
    /// There were unexpected requests.
    pub fn assert_nothing_unexpected(&self) {
        let mut unexpected = self.requests_to(Endpoint::Unknown);
        unexpected.extend(self.elsewhere_requests());
        let listed: Vec<String> = unexpected
            .iter()
            .map(|recorded| format!("{} {}", recorded.request.method, recorded.request.path))
            .collect();
        assert!(listed.is_empty(), "unexpected requests: {listed:#?}");
    }

    /// Returns the check runs in their current state, in order of creation.
    #[must_use]
    pub fn check_runs(&self) -> Vec<CheckRun> {
        self.state.lock().check_runs.clone()
    }

    /// Returns the commit statuses, in order of creation.
    #[must_use]
    pub fn statuses(&self) -> Vec<CommitStatus> {
        self.state.lock().statuses.clone()
    }

    /// Returns the minted OIDC tokens.
    #[must_use]
    pub fn minted_tokens(&self) -> Vec<String> {
        self.state.lock().minted.clone()
    }

    /// Returns the number of valid tokens of jobs and installations.
    #[must_use]
    pub fn live_tokens(&self) -> usize {
        self.state.lock().access.len()
    }

    /// Clears requests, check runs, statuses and minted tokens, and keeps everything else, such as repositories,
    /// jobs and faults. Benchmarks use it between steps; do not call it during one.
    pub fn clear_records(&self) {
        let mut state = self.state.lock();
        state.recorder.clear();
        state.elsewhere.clear();
        state.check_runs.clear();
        state.statuses.clear();
        state.minted.clear();
    }
}

impl Drop for GitHub {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // If the server panicked, its requests have already failed.
            let _ = thread.join();
        }
    }
}
