//! Works off the deliveries that failed. GitHub keeps them and does not repeat them, so it is the queue: a server that was
//! down, or that GitHub cannot reach, asks for them.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use super::list::{FailedList, KEPT};
use super::request::DeploymentRequest;
use super::review::{Attempt, Deployments, NotReviewed};
use crate::app::{MAX_PAYLOAD, RequestError};
use crate::log;
use github::http::{Budget, HttpError};
use github::{ApiError, HookDelivery};

/// Time between two looks.
const EVERY: Duration = Duration::from_secs(15);
/// Pause between two looks for the first policy.
const POLL: Duration = Duration::from_millis(50);
/// Maximum time for each review.
const TIME: Duration = Duration::from_secs(20);
/// Longest pause between two attempts, while GitHub, the policy or the audit log fails: a delivery is tried at most a
/// minute after they work again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Longest pause while GitHub says that nothing is there, or that the App may not see it.
const LONGEST_PAUSE_OF_REFUSED: Duration = Duration::from_secs(10 * 60);
/// Time of failed attempts after which the jobs are rejected.
const GIVE_UP: Duration = Duration::from_secs(10 * 60);
/// Age of a delivery from which a run that is completed waits for nothing, however old GitHub's answer is.
const LATE: SignedDuration = SignedDuration::from_mins(10);
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
    list: FailedList,
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
    /// Id of the repository, for the log.
    repository: Option<u64>,
    /// What it asks for, once its payload was read: some hundred bytes of up to 5 MB.
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
        let list = FailedList::new(Arc::clone(deployments.app()));
        Self {
            list,
            source: Source {
                deployments,
                api_url: api_url.to_owned(),
            },
            give_up: GIVE_UP,
            pause: EVERY,
            pending: HashMap::new(),
            done: HashSet::new(),
        }
    }

    /// Works for ever.
    pub async fn run(mut self) {
        self.wait_for_policy().await;
        loop {
            self.look().await;
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Waits for the first policy, for as long as between two looks: without one, every attempt of the first look would
    /// fail.
    async fn wait_for_policy(&self) {
        let until = Instant::now() + EVERY;
        while !self.source.deployments.has_policy() && Instant::now() < until {
            tokio::time::sleep(POLL).await;
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

    /// Reads the list, and tries each delivery that failed and is due, the newest first: what is older is more often
    /// reviewed already, and the attempts of a repository are bounded.
    async fn look(&mut self) {
        self.forget();
        for delivery in self.list.read().await {
            self.note(&delivery);
        }
        let mut attempts = JoinSet::new();
        let due = self.pending.iter().filter(|(_, pending)| pending.is_due());
        let mut due: Vec<_> = due
            .map(|(guid, pending)| (guid.clone(), pending.clone()))
            .collect();
        due.sort_unstable_by_key(|(_, pending)| Reverse(pending.at));
        for (guid, mut pending) in due {
            if attempts.len() >= AT_A_TIME {
                self.settle(attempts.join_next().await);
            }
            let attempt = self.attempt(&pending);
            let source = self.source.clone();
            attempts.spawn(async move {
                let result = source.review(&mut pending, attempt).await;
                (guid, pending.request, result)
            });
        }
        while let Some(attempt) = attempts.join_next().await {
            self.settle(Some(attempt));
        }
    }

    /// Returns which attempt is due.
    fn attempt(&self, pending: &Pending) -> Attempt {
        let failed = pending.failed;
        let gives_up = failed.is_some_and(|failed| failed.since.elapsed() >= self.give_up);
        let is_late = Timestamp::now().duration_since(pending.at) >= LATE;
        match (gives_up, is_late) {
            (true, _) => Attempt::Last,
            (false, true) => Attempt::Late,
            (false, false) => Attempt::Soon,
        }
    }

    /// Notes the result of an attempt. One that panicked is made again.
    fn settle(&mut self, attempt: Option<Result<Attempted, JoinError>>) {
        let Some(Ok((guid, request, result))) = attempt else {
            return;
        };
        let Some(pending) = self.pending.get_mut(&guid) else {
            return;
        };
        pending.request = request;
        match result {
            Ok(()) => {}
            // A bound is not a failed attempt: it must not reject a job, and the next look costs nothing.
            Err(Unsettled::Waits(NotReviewed::Bounded)) => return,
            Err(Unsettled::Waits(error)) => {
                log::warning("deployment_waits", &[("delivery", &guid), ("why", &error)]);
                pending.note(&error, self.pause, self.give_up);
                return;
            }
            Err(Unsettled::Unreadable(why)) => {
                self.source.deployments.unreadable();
                let repository = pending
                    .repository
                    .map_or("none".to_owned(), |id| id.to_string());
                log::warning(
                    "delivery_unreadable",
                    &[
                        ("delivery", &guid),
                        ("id", &pending.delivery),
                        ("repository_id", &repository),
                        ("why", &why),
                    ],
                );
            }
        }
        self.pending.remove(&guid);
        self.done.insert(guid);
    }

    /// Notes a delivery. Where a server lists successes too, the newest come first, so that one is seen before the
    /// failures that it repeats.
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
            repository: delivery.repository_id,
            request: None,
            failed: None,
        });
    }
}

/// Whether GitHub still keeps a delivery of this time.
fn is_kept(delivered_at: Timestamp) -> bool {
    delivered_at >= Timestamp::now() - KEPT
}

/// Whether GitHub answered the request for a payload, but not with one.
fn is_final(error: &ApiError) -> bool {
    matches!(error, ApiError::Shape(_)) || error.status() == Some(StatusCode::NOT_FOUND)
}

/// What was delivered, what it asks for, and what came of it.
type Attempted = (String, Option<DeploymentRequest>, Result<(), Unsettled>);

/// Why an attempt did not review a deployment.
#[derive(Debug)]
enum Unsettled {
    /// The jobs wait for another attempt.
    Waits(NotReviewed),
    /// Nobody can read what the delivery asks for: another attempt would not read it better.
    Unreadable(String),
}

impl<E: Into<NotReviewed>> From<E> for Unsettled {
    fn from(error: E) -> Self {
        Self::Waits(error.into())
    }
}

impl Source {
    /// Reviews the deployment of a delivery, and keeps what it asks for.
    async fn review(&self, pending: &mut Pending, attempt: Attempt) -> Result<(), Unsettled> {
        let budget = Budget::until(Instant::now() + TIME);
        let request = match &mut pending.request {
            Some(request) => request,
            none => none.insert(self.request(pending.delivery, budget, attempt).await?),
        };
        self.deployments.handle(request, budget, attempt).await?;
        Ok(())
    }

    /// Reads what a delivery asks for. The App's own key got it from GitHub, so it needs no signature.
    async fn request(
        &self,
        delivery: u64,
        budget: Budget,
        attempt: Attempt,
    ) -> Result<DeploymentRequest, Unsettled> {
        let api = self.deployments.app().as_app(budget)?;
        let parse = |payload: &[u8]| DeploymentRequest::parse(payload, &self.api_url);
        let is_last = attempt == Attempt::Last;
        match api.hook_payload(delivery, MAX_PAYLOAD, parse).await {
            Ok(Ok(request)) => Ok(request),
            Ok(Err(error)) => Err(Unsettled::Unreadable(error.to_string())),
            Err(ApiError::Http(HttpError::TooLarge { .. })) => Err(Unsettled::Unreadable(format!(
                "its payload is larger than {} MB",
                MAX_PAYLOAD >> 20
            ))),
            Err(error) if is_last && is_final(&error) => {
                Err(Unsettled::Unreadable(error.to_string()))
            }
            Err(error) => Err(RequestError::from(error).into()),
        }
    }
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
