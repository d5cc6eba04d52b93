//! A running GitHub: what the tests set, and what they read.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use super::access::{Access, AppIdentity, Permissions};
use super::app::{App, Installation};
use super::capacity::QueryFault;
use super::check_run::CheckRun;
use super::commit_status::CommitStatus;
use super::delivery::{Delivered, Delivery};
use super::faults::FaultRule;
use super::http::Answer;
use super::issuer::{SlugKeys, TokenRecipe};
use super::limits::{RateLimits, Resource};
use super::oidc::{self, JobCredentials};
use super::organization::Organization;
use super::receivers::Authority;
use super::recorder::RecordedRequest;
use super::repository::Repository;
use super::route::{self, Endpoint};
use super::run::{PostedReview, Run};
use super::state::Shared;
use crate::unique::hex;

/// A running GitHub. Dropping it stops it.
#[derive(Debug)]
pub struct GitHub {
    pub(super) state: Shared,
    pub(super) ca_pem: Option<String>,
    pub(super) connections: Arc<AtomicU64>,
    pub(super) stop: Option<oneshot::Sender<()>>,
    pub(super) thread: Option<JoinHandle<()>>,
}

impl GitHub {
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

    /// Returns the URL of the other host, the target of [`Fault::RedirectElsewhere`](super::Fault::RedirectElsewhere).
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

    /// Sets the lifetime of an installation's tokens, from their creation. GitHub's own is an hour.
    pub fn set_installation_token_lifetime(&self, lifetime: Duration) {
        self.state.lock().installation_token_lifetime = lifetime;
    }

    /// Adds a run, or replaces the one of the same id.
    pub fn add_run(&self, run: Run) {
        let mut state = self.state.lock();
        state.runs.retain(|other| other.id != run.id);
        state.runs.push(run);
    }

    /// Lets another job of a run wait for an environment.
    pub fn wait_for_review(&self, run: u64, environment: &str) {
        let mut state = self.state.lock();
        let found = state.runs.iter_mut().find(|other| other.id == run);
        if let Some(run) = found {
            run.waiting.push(environment.to_owned());
        }
    }

    /// Returns the reviews that were posted, in order.
    #[must_use]
    pub fn reviews(&self) -> Vec<PostedReview> {
        self.state.lock().reviews.clone()
    }

    /// Returns the environments that jobs of a run still wait for.
    #[must_use]
    pub fn waiting(&self, run: u64) -> Vec<String> {
        let state = self.state.lock();
        let found = state.runs.iter().find(|other| other.id == run);
        found.map(|run| run.waiting.clone()).unwrap_or_default()
    }

    /// Sends a delivery to `HOST:PORT`, waits ten seconds for the answer, and keeps both. Returns the status, or 0
    /// without an answer.
    pub fn deliver(&self, delivery: &Delivery, address: &str, path: &str, secret: &str) -> u16 {
        let status = delivery.send(address, path, secret);
        self.keep_delivery(delivery, status);
        status
    }

    /// Keeps a delivery with the status of its answer, without sending it.
    pub fn keep_delivery(&self, delivery: &Delivery, status: u16) {
        self.keep_delivery_of(delivery, status, Timestamp::now());
    }

    /// Keeps a delivery that was made at this time.
    pub fn keep_delivery_of(&self, delivery: &Delivery, status: u16, at: Timestamp) {
        let mut state = self.state.lock();
        let id = state.next_id();
        let delivered = Delivered::new(id, delivery, status, at);
        state.deliveries.push(delivered);
    }

    /// Forgets the deliveries that were made before this time, as GitHub does after some days.
    pub fn forget_deliveries(&self, before: Timestamp) {
        let mut state = self.state.lock();
        state.deliveries.retain(|delivered| delivered.at >= before);
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

    pub(crate) fn set_authority(&self, authority: Authority) {
        self.state.lock().authority = Some(authority);
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

    /// Returns the requests to the other host. With [`Fault::RedirectElsewhere`](super::Fault::RedirectElsewhere), there should be none.
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
