//! A central policy in a repository, renewed in the background.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::Instant as Moment;

use super::remote::{Problem, Reading, RemoteFile, Seen};
use super::store::PolicyStore;
use crate::app::{GitHubApp, Target};
use crate::log;
use crate::metrics::{Metrics, Refresh};
use analysis::report::Failure;
use engine::RepositoryName;
use engine::decision::Reason;
use engine::policy::source::{GitRef, RepositoryPath};
use github::http::Budget;

/// Maximum time of an attempt.
const TIME: Duration = Duration::from_secs(10);
/// Time beside the refresh and an attempt after which the policy counts as not renewed: the attempts have stopped.
const HANGING: Duration = Duration::from_secs(10);
/// Pause after a failed attempt, at most.
const RETRY: Duration = Duration::from_secs(5);
/// Minimum pause between two attempts, however many webhooks arrive.
const SHORTEST: Duration = Duration::from_secs(1);
/// Maximum pause, whatever a rate limit asks for.
const LONGEST: Duration = Duration::from_secs(5 * 60);

/// A policy in a repository.
#[derive(Debug)]
pub struct CentralPolicy {
    app: Arc<GitHubApp>,
    name: RepositoryName,
    file: RemoteFile,
    refresh: Duration,
    store: Arc<PolicyStore>,
    hasten: Notify,
    /// Id of the repository, once it is known: 0 before.
    id: AtomicU64,
}

/// What the attempts remember.
#[derive(Debug, Default)]
struct Progress {
    /// The repository, unless its last answer was that it is not there.
    target: Option<Target>,
    seen: Seen,
}

impl CentralPolicy {
    /// Creates the source, which has read nothing yet.
    pub fn new(
        app: Arc<GitHubApp>,
        (repository, path, reference): (&RepositoryName, &RepositoryPath, &GitRef),
        (refresh, stale): (Duration, Duration),
        metrics: Arc<Metrics>,
    ) -> Self {
        let hanging = refresh + TIME + HANGING;
        Self {
            app,
            name: repository.clone(),
            file: RemoteFile {
                path: path.to_string(),
                reference: Some(reference.to_string()),
                source: format!("{repository}/{path}@{reference}"),
                is_own: false,
            },
            refresh,
            store: Arc::new(PolicyStore::new(stale, hanging, metrics)),
            hasten: Notify::new(),
            id: AtomicU64::new(0),
        }
    }

    /// Returns the store with the policy.
    pub fn store(&self) -> &Arc<PolicyStore> {
        &self.store
    }

    /// Makes the next attempt come sooner, if the repository with this id is that of the policy.
    pub fn hasten(&self, repository: u64) {
        if self.id.load(Ordering::Relaxed) == repository {
            self.hasten.notify_one();
        }
    }

    /// Renews the policy for ever.
    pub async fn keep_fresh(self: Arc<Self>) {
        let mut progress = Progress::default();
        loop {
            let started = Moment::now();
            let pause = self.renew(&mut progress).await;
            tokio::time::sleep(SHORTEST).await;
            tokio::select! {
                () = tokio::time::sleep_until(started + pause) => {}
                // Not before a rate limit allows it.
                () = self.hasten.notified(), if pause <= self.refresh => {}
            }
        }
    }

    /// Renews the policy once, and returns the time until the next attempt.
    async fn renew(&self, progress: &mut Progress) -> Duration {
        // What is read later was there at this moment or later.
        let now = Instant::now();
        let budget = Budget::until(Moment::now() + TIME);
        let reading = match self.target(progress, budget).await {
            Ok(target) => {
                let seen = &mut progress.seen;
                self.file.read(&self.app, &target, seen, budget).await
            }
            Err(problem) => Reading::Failed(problem),
        };
        match reading {
            Reading::Same => self.store.confirm(now),
            Reading::New(active) => self.store.take(*active, now),
            Reading::Failed(problem) => {
                if !problem.keeps {
                    *progress = Progress::default();
                }
                let pause = problem.pause.unwrap_or(RETRY.min(self.refresh));
                self.store
                    .fail(problem.failure, problem.result, problem.keeps);
                return pause.min(LONGEST);
            }
        }
        self.refresh
    }

    /// Returns the repository. Its name is looked up once; from then on its id counts, until it is gone.
    async fn target(&self, progress: &mut Progress, budget: Budget) -> Result<Target, Problem> {
        if let Some(target) = &progress.target {
            return Ok(target.clone());
        }
        let by_name = Target {
            id: 0,
            name: self.name.clone(),
        };
        let found = self.app.find(&self.name, budget).await;
        let found = found.map_err(|error| self.file.problem(&error, &by_name))?;
        self.check_id(found.id)?;
        let name = RepositoryName::parse(&found.full_name).unwrap_or_else(|| self.name.clone());
        if !name.is_same(&self.name) {
            log::warning(
                "policy_repository_renamed",
                &[("from", &self.name), ("to", &name)],
            );
        }
        let target = Target { id: found.id, name };
        progress.target = Some(target.clone());
        Ok(target)
    }

    /// Refuses another repository than the first one that the name led to: a repository that takes over the name
    /// must not take over the policy.
    fn check_id(&self, found: u64) -> Result<(), Problem> {
        let relaxed = Ordering::Relaxed;
        let known = self.id.compare_exchange(0, found, relaxed, relaxed);
        match known {
            Err(known) if known != found => {
                let name = &self.name;
                let message = format!(
                    "the policy's repository `{name}` has the ID {found}, and had the ID {known} before: it is \
                     another one; restart the server if that is intended"
                );
                Err(Problem {
                    failure: Failure {
                        redacted: Some("the policy cannot be read".to_owned()),
                        ..Failure::new(Reason::PolicyUnreadable, message)
                    },
                    result: Refresh::Failed,
                    keeps: false,
                    pause: None,
                })
            }
            _ => Ok(()),
        }
    }
}
