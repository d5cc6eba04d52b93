//! Facts about a job that its token does not contain: where the head of its pull request is, and which branch is the
//! default one.

mod bounds;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::app::{Access, GitHubApp, RequestError, Target};
use crate::flights::{Flights, Kept};
use crate::log;
use crate::metrics::{LookUp, Metrics};
use engine::context::PullRequest;
use github::http::Budget;

pub(crate) use bounds::Bounds;

/// Maximum number of look-ups for a repository in a minute.
const PER_REPOSITORY: u32 = 60;
/// Part of the rate limit that look-ups leave: half of it is for policies and reviews.
const RESERVE: u64 = 2;
/// Time that a fact is kept. The head's repository of a pull request never changes; its number and the signed
/// `head_ref` are compared each time.
const KEPT: Duration = Duration::from_secs(60);
/// Time that a failure is kept, so that a storm of requests does not ask again for each.
const FAILED: Duration = Duration::from_secs(2);
/// Maximum number of kept facts of each kind.
const MAX_FACTS: usize = 10_000;
/// Maximum number of requests that wait for facts.
const WAITING: usize = 128;
/// Maximum time of one look-up, for all who wait for it.
const TIME: Duration = Duration::from_secs(8);

/// Looks facts up.
#[derive(Debug)]
pub struct Lookups {
    app: Arc<GitHubApp>,
    pull_requests: Flights<(u64, u64), Fact<PullRequest>>,
    default_branches: Flights<u64, Fact<String>>,
    bounds: Bounds,
    metrics: Arc<Metrics>,
}

/// A fact, or that it is not known now.
#[derive(Clone, Debug)]
struct Fact<T> {
    known: Option<T>,
    at: Instant,
}

impl<T: Clone + Send + 'static> Kept for Fact<T> {
    fn is_fresh(&self) -> bool {
        let limit = match self.known {
            Some(_) => KEPT,
            None => FAILED,
        };
        self.at.elapsed() < limit
    }
}

impl Lookups {
    /// Creates the look-ups of an App.
    pub fn new(app: Arc<GitHubApp>, metrics: Arc<Metrics>) -> Self {
        Self {
            app,
            pull_requests: Flights::new(MAX_FACTS, WAITING),
            default_branches: Flights::new(MAX_FACTS, WAITING),
            bounds: Bounds::new(PER_REPOSITORY, RESERVE),
            metrics,
        }
    }

    /// Returns a pull request of the repository with this id. `owner` is the id of its account.
    pub async fn pull_request(
        self: &Arc<Self>,
        target: &Target,
        owner: u64,
        number: u64,
    ) -> Option<PullRequest> {
        let (lookups, of) = (Arc::clone(self), target.clone());
        let fetch = move |_| async move {
            let id = of.id;
            let ask = |api: github::Api| async move { api.pull_request(id, number).await };
            lookups
                .look_up(&of, owner, Access::PullRequests, "pull_request", ask)
                .await
        };
        let fact = self.pull_requests.get((target.id, number), fetch).await;
        self.known(fact)
    }

    /// Returns the name of the repository's default branch.
    pub async fn default_branch(self: &Arc<Self>, target: &Target, owner: u64) -> Option<String> {
        let (lookups, of) = (Arc::clone(self), target.clone());
        let fetch = move |_| async move {
            let id = of.id;
            let ask = |api: github::Api| async move {
                let found = api.repository(id).await?;
                Ok(found.default_branch.filter(|name| !name.is_empty()))
            };
            let fact = lookups
                .look_up(&of, owner, Access::Contents, "default_branch", ask)
                .await;
            Fact {
                known: fact.known.flatten(),
                at: fact.at,
            }
        };
        let fact = self.default_branches.get(target.id, fetch).await;
        self.known(fact)
    }

    fn known<T>(&self, fact: Option<Fact<T>>) -> Option<T> {
        if fact.is_none() {
            self.metrics.looked_up(LookUp::Refused);
        }
        fact?.known
    }

    async fn look_up<T, F>(
        &self,
        target: &Target,
        owner: u64,
        access: Access,
        what: &str,
        ask: impl Fn(github::Api) -> F,
    ) -> Fact<T>
    where
        F: Future<Output = Result<T, github::ApiError>>,
    {
        if !self.bounds.take(owner, target.id) {
            self.metrics.looked_up(LookUp::Refused);
            return Fact {
                known: None,
                at: Instant::now(),
            };
        }
        let budget = Budget::until(tokio::time::Instant::now() + TIME);
        let asked = self.app.ask(target, access, budget, ask).await;
        let known = match asked {
            Ok(answered) => {
                self.bounds.note(owner, answered.limit);
                self.metrics.looked_up(LookUp::Found);
                Some(answered.value)
            }
            Err(error) => {
                self.failed(target, what, &error);
                None
            }
        };
        Fact {
            known,
            at: Instant::now(),
        }
    }

    fn failed(&self, target: &Target, what: &str, error: &RequestError) {
        self.metrics.looked_up(LookUp::Failed);
        log::warning(
            "lookup_failed",
            &[
                ("what", &what),
                ("repository", &target.name),
                ("why", error),
            ],
        );
    }
}
