//! The repositories' own policies, each read when a decision needs it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::held::{Held, Terms};
use super::parse::ActivePolicy;
use super::remote::{Reading, RemoteFile, Seen};
use crate::app::{GitHubApp, Target};
use crate::flights::{Flights, Kept};
use crate::log;
use crate::metrics::{Metrics, Refresh};
use analysis::report::Failure;
use engine::decision::Reason;
use github::http::Budget;

/// Maximum time of an attempt, for all who wait for it.
const TIME: Duration = Duration::from_secs(10);
/// Memory of a parsed policy, in bytes for each byte of its text.
const PARSED: usize = 3;
/// Time after a failed attempt in which no other one is made.
const RETRY: Duration = Duration::from_secs(2);
/// Maximum memory of all kept policies with their compiled patterns, in KiB.
const MAX_KEPT: usize = 64 << 10;
/// Maximum number of requests that wait.
const WAITING: usize = 128;

/// The policies.
#[derive(Debug)]
pub struct OwnPolicies {
    app: Arc<GitHubApp>,
    file: RemoteFile,
    refresh: Duration,
    stale: Duration,
    /// By the repository's id.
    policies: Flights<u64, Own>,
    metrics: Arc<Metrics>,
}

/// A repository's own policy, and what is known about it.
#[derive(Clone, Debug)]
struct Own {
    held: Held,
    seen: Seen,
    /// When the next attempt is due.
    due: Instant,
}

impl Kept for Own {
    fn is_fresh(&self) -> bool {
        Instant::now() < self.due
    }

    fn weight(&self) -> usize {
        let active = self.held.active.as_ref();
        let compiled = active.map_or(0, |active| active.engine.cached_bytes());
        let compiled = usize::try_from(compiled).unwrap_or(usize::MAX);
        1 + (PARSED * self.seen.size).saturating_add(compiled) / 1024
    }
}

impl OwnPolicies {
    /// Creates the policies in the file `path` of each repository.
    pub fn new(
        app: Arc<GitHubApp>,
        path: &str,
        (refresh, stale): (Duration, Duration),
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            app,
            file: RemoteFile {
                path: path.to_owned(),
                reference: None,
                source: path.to_owned(),
                is_own: true,
            },
            refresh,
            stale,
            policies: Flights::new(MAX_KEPT, WAITING),
            metrics,
        }
    }

    /// Returns the policy of a repository, which was its own at most `refresh` ago.
    ///
    /// # Errors
    /// There is none (`policy_not_found`), or none that can be used.
    pub async fn of(self: &Arc<Self>, target: &Target) -> Result<Arc<ActivePolicy>, Failure> {
        let (own, of) = (Arc::clone(self), target.clone());
        let fetch = move |last| async move { own.renew(&of, last).await };
        let Some(own) = self.policies.get(target.id, fetch).await else {
            let message = "too many requests wait for the repositories' own policies";
            return Err(Failure::new(Reason::PolicyUnreadable, message));
        };
        own.held.current(Terms {
            stale: self.stale,
            hanging: self.refresh,
        })
    }

    /// Makes the next decision read the policy of a repository again.
    pub fn hasten(&self, repository: u64) {
        self.policies.outdate(&repository);
    }

    /// Drops the policies that nobody asked for for the longest time, down to the limit: decisions compile patterns.
    pub fn trim(&self) {
        self.policies.trim();
    }

    async fn renew(&self, target: &Target, last: Option<Own>) -> Own {
        let now = Instant::now();
        let (held, mut seen) = match last {
            Some(own) => (own.held, own.seen),
            None => (Held::nothing(now), Seen::default()),
        };
        let budget = Budget::until(tokio::time::Instant::now() + TIME);
        let reading = self.file.read(&self.app, target, &mut seen, budget).await;
        let mut due = now + self.refresh;
        let result = match &reading {
            Reading::Failed(problem) => {
                // A repository without a policy is as it should be.
                let is_missing = problem.failure.reason == Reason::PolicyNotFound;
                if !is_missing {
                    let pause = problem.pause.unwrap_or(RETRY).min(self.refresh);
                    due = Instant::now() + pause;
                    self.report(target, &problem.failure, problem.keeps);
                }
                problem.result
            }
            _ => Refresh::Succeeded,
        };
        self.metrics.own_policy_refreshed(result);
        Own {
            held: held.after(reading, now),
            seen,
            due,
        }
    }

    fn report(&self, target: &Target, failure: &Failure, keeps: bool) {
        log::warning(
            "own_policy_not_renewed",
            &[
                ("repository", &target.name),
                ("why", &failure.message),
                ("keeps", &keeps),
            ],
        );
    }
}
