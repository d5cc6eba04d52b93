//! Works off the deliveries that failed. GitHub keeps them and does not repeat them, so it is the queue: a server that was
//! down, or that GitHub cannot reach, asks for them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use super::request::DeploymentRequest;
use super::review::{Deployments, NotReviewed};
use crate::app::RequestError;
use crate::log;
use github::HookDelivery;
use github::http::Budget;

/// Time between two looks.
const EVERY: Duration = Duration::from_secs(15);
/// Maximum time for the list of deliveries, and for each review.
const TIME: Duration = Duration::from_secs(20);
/// Time of failed attempts after which the jobs are rejected.
const GIVE_UP: Duration = Duration::from_secs(10 * 60);
/// How far back GitHub's list is read: it keeps deliveries for three days.
const KEPT: SignedDuration = SignedDuration::from_hours(72);
/// How far before the last look the next one reads, for deliveries that took long.
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);
/// Number of deliveries that are worked off at a time.
const AT_A_TIME: usize = 4;
/// Number of reviewed deliveries at which they are forgotten.
const MAX_DONE: usize = 100_000;
/// Event whose deliveries count.
const EVENT: &str = "deployment_protection_rule";

/// Works off failed deliveries.
#[derive(Debug)]
pub struct Reconciler {
    source: Source,
    give_up: Duration,
    /// Failed deliveries without a review, by what was delivered.
    pending: HashMap<String, Pending>,
    /// What was reviewed.
    done: HashSet<String>,
    /// Time up to which the list was read completely.
    read_until: Timestamp,
}

/// Where the deliveries are, and what reviews them.
#[derive(Clone, Debug)]
struct Source {
    deployments: Arc<Deployments>,
    api_url: String,
}

#[derive(Clone, Debug)]
struct Pending {
    delivery: u64,
    /// When it was delivered.
    at: Timestamp,
    /// When the first attempt failed.
    failed: Option<Instant>,
}

impl Reconciler {
    /// Creates the reconciler of a reviewer.
    pub fn new(deployments: Arc<Deployments>, api_url: &str) -> Self {
        Self {
            source: Source {
                deployments,
                api_url: api_url.to_owned(),
            },
            give_up: GIVE_UP,
            pending: HashMap::new(),
            done: HashSet::new(),
            read_until: Timestamp::now() - KEPT,
        }
    }

    /// Works for ever.
    pub async fn run(mut self) {
        loop {
            self.look().await;
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Forgets what was reviewed long ago, which GitHub no longer lists or says itself, and what failed for as long as
    /// GitHub keeps it: of a repository or an installation that is gone, say.
    fn forget(&mut self) {
        self.pending.retain(|_, pending| is_kept(pending.at));
        if self.done.len() > MAX_DONE {
            self.done.clear();
        }
    }

    /// Reads the list, and tries each delivery that failed.
    async fn look(&mut self) {
        self.forget();
        let started = Timestamp::now();
        match self.read_list().await {
            Ok(()) => self.read_until = started,
            Err(error) => log::warning("deliveries_not_read", &[("why", &error)]),
        }
        let mut attempts = JoinSet::new();
        for (guid, pending) in self.pending.clone() {
            if attempts.len() >= AT_A_TIME {
                self.settle(attempts.join_next().await);
            }
            let failed = pending.failed;
            let gives_up = failed.is_some_and(|failed| failed.elapsed() >= self.give_up);
            let source = self.source.clone();
            attempts.spawn(async move { (guid, source.review(pending.delivery, gives_up).await) });
        }
        while let Some(attempt) = attempts.join_next().await {
            self.settle(Some(attempt));
        }
    }

    /// Notes the result of an attempt. One that panicked is made again.
    fn settle(&mut self, attempt: Option<Result<Attempt, JoinError>>) {
        match attempt {
            Some(Ok((guid, Ok(())))) => {
                self.pending.remove(&guid);
                self.done.insert(guid);
            }
            Some(Ok((guid, Err(error)))) => {
                log::warning("deployment_waits", &[("delivery", &guid), ("why", &error)]);
                if let Some(pending) = self.pending.get_mut(&guid) {
                    pending.failed.get_or_insert_with(Instant::now);
                }
            }
            Some(Err(_)) | None => {}
        }
    }

    async fn read_list(&mut self) -> Result<(), RequestError> {
        let since = self.read_until - OVERLAP;
        let mut cursor = None;
        loop {
            let budget = Budget::until(Instant::now() + TIME);
            let api = self.source.deployments.app().as_app(budget)?;
            let page = api.hook_deliveries(cursor.as_deref()).await?;
            let is_last = page.deliveries.iter().any(|one| one.delivered_at < since);
            for delivery in page.deliveries {
                self.note(&delivery);
            }
            match page.next {
                Some(next) if !is_last => cursor = Some(next),
                _ => return Ok(()),
            }
        }
    }

    /// Notes a delivery. The newest come first, so that a success is seen before the failures that it repeats.
    fn note(&mut self, delivery: &HookDelivery) {
        let is_done = self.done.contains(&delivery.guid);
        if delivery.event != EVENT || is_done || !is_kept(delivery.delivered_at) {
            return;
        }
        if (200..300).contains(&delivery.status_code) {
            self.pending.remove(&delivery.guid);
            self.done.insert(delivery.guid.clone());
            return;
        }
        let pending = self.pending.entry(delivery.guid.clone());
        pending.or_insert(Pending {
            delivery: delivery.id,
            at: delivery.delivered_at,
            failed: None,
        });
    }
}

/// Whether GitHub still keeps a delivery of this time.
fn is_kept(delivered_at: Timestamp) -> bool {
    delivered_at >= Timestamp::now() - KEPT
}

/// What was delivered, and what came of it.
type Attempt = (String, Result<(), NotReviewed>);

impl Source {
    /// Reviews the deployment of a delivery. The App's own key got it from GitHub, so it needs no signature.
    async fn review(&self, delivery: u64, gives_up: bool) -> Result<(), NotReviewed> {
        let budget = Budget::until(Instant::now() + TIME);
        let api = self.deployments.app().as_app(budget)?;
        let payload: Value = api
            .hook_payload(delivery)
            .await
            .map_err(RequestError::from)?;
        let body = payload.to_string();
        match DeploymentRequest::parse(body.as_bytes(), &self.api_url) {
            Ok(request) => self
                .deployments
                .handle(&request, budget, gives_up)
                .await
                .map(drop),
            Err(error) => {
                // Another attempt would not read it better.
                log::warning("delivery_refused", &[("why", &error)]);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
