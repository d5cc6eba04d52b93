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
/// Longest pause between two attempts, while GitHub, the policy or the audit log fails: a delivery is tried at most a
/// minute after they work again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Longest pause while GitHub says that nothing is there, or that the App may not see it.
const LONGEST_PAUSE_OF_REFUSED: Duration = Duration::from_secs(10 * 60);
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
    /// Pause after the first failed attempt; each further one doubles it.
    pause: Duration,
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
    /// What it asks for, once its payload was read: some hundred bytes of up to 25 MB.
    request: Option<DeploymentRequest>,
    /// The failed attempts so far.
    failed: Option<Failed>,
}

/// Attempts that failed, one after the other.
#[derive(Clone, Copy, Debug)]
struct Failed {
    since: Instant,
    pause: Duration,
    next: Instant,
}

impl Pending {
    /// Whether an attempt is due: of what is new, at once.
    fn is_due(&self) -> bool {
        self.failed
            .is_none_or(|failed| failed.next <= Instant::now())
    }

    /// Notes that an attempt failed, and when the next one is due: after twice the last pause, and not later than the one
    /// that gives up.
    fn note(&mut self, error: &NotReviewed, first_pause: Duration, give_up: Duration) {
        let now = Instant::now();
        let (since, pause) = match self.failed {
            Some(failed) => (failed.since, failed.pause * 2),
            None => (now, first_pause),
        };
        let pause = pause.min(match error.is_refusal() {
            true => LONGEST_PAUSE_OF_REFUSED,
            false => LONGEST_PAUSE,
        });
        let (next, end) = (now + pause, since + give_up);
        self.failed = Some(Failed {
            since,
            pause,
            next: if now < end { next.min(end) } else { next },
        });
    }
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
            pause: EVERY,
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

    /// Reads the list, and tries each delivery that failed and is due.
    async fn look(&mut self) {
        self.forget();
        let started = Timestamp::now();
        match self.read_list().await {
            Ok(()) => self.read_until = started,
            Err(error) => log::warning("deliveries_not_read", &[("why", &error)]),
        }
        let mut attempts = JoinSet::new();
        let due = self.pending.iter().filter(|(_, pending)| pending.is_due());
        let due: Vec<_> = due
            .map(|(guid, pending)| (guid.clone(), pending.clone()))
            .collect();
        for (guid, mut pending) in due {
            if attempts.len() >= AT_A_TIME {
                self.settle(attempts.join_next().await);
            }
            let failed = pending.failed;
            let gives_up = failed.is_some_and(|failed| failed.since.elapsed() >= self.give_up);
            let source = self.source.clone();
            attempts.spawn(async move {
                let result = source.review(&mut pending, gives_up).await;
                (guid, pending.request, result)
            });
        }
        while let Some(attempt) = attempts.join_next().await {
            self.settle(Some(attempt));
        }
    }

    /// Notes the result of an attempt. One that panicked is made again.
    fn settle(&mut self, attempt: Option<Result<Attempt, JoinError>>) {
        match attempt {
            Some(Ok((guid, _, Ok(())))) => {
                self.pending.remove(&guid);
                self.done.insert(guid);
            }
            Some(Ok((guid, request, Err(error)))) => {
                let Some(pending) = self.pending.get_mut(&guid) else {
                    return;
                };
                pending.request = request;
                // A bound is not a failed attempt: it must not reject a job, and the next look costs nothing.
                if !matches!(error, NotReviewed::Bounded) {
                    log::warning("deployment_waits", &[("delivery", &guid), ("why", &error)]);
                    pending.note(&error, self.pause, self.give_up);
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
            request: None,
            failed: None,
        });
    }
}

/// Whether GitHub still keeps a delivery of this time.
fn is_kept(delivered_at: Timestamp) -> bool {
    delivered_at >= Timestamp::now() - KEPT
}

/// What was delivered, what it asks for, and what came of it.
type Attempt = (String, Option<DeploymentRequest>, Result<(), NotReviewed>);

impl Source {
    /// Reviews the deployment of a delivery, and keeps what it asks for.
    async fn review(&self, pending: &mut Pending, gives_up: bool) -> Result<(), NotReviewed> {
        let budget = Budget::until(Instant::now() + TIME);
        if pending.request.is_none() {
            pending.request = self.request(pending.delivery, budget).await?;
        }
        match &pending.request {
            Some(request) => {
                let handled = self.deployments.handle(request, budget, gives_up);
                handled.await.map(drop)
            }
            None => Ok(()),
        }
    }

    /// Reads what a delivery asks for. The App's own key got it from GitHub, so it needs no signature. Returns `None` if
    /// it is not as documented: another attempt would not read it better.
    async fn request(
        &self,
        delivery: u64,
        budget: Budget,
    ) -> Result<Option<DeploymentRequest>, NotReviewed> {
        let api = self.deployments.app().as_app(budget)?;
        let payload = api.hook_payload(delivery).await;
        let payload: Value = payload.map_err(RequestError::from)?;
        let request = DeploymentRequest::parse(payload.to_string().as_bytes(), &self.api_url);
        if let Err(error) = &request {
            log::warning("delivery_refused", &[("why", error)]);
        }
        Ok(request.ok())
    }
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
