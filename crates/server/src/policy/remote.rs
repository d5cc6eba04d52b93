//! A policy in a repository, read again with conditional requests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::held::Held;
use super::parse::ActivePolicy;
use crate::app::{Access, GitHubApp, RequestError, Target};
use crate::metrics::Refresh;
use analysis::report::{Failure, PolicyRecord};
use engine::decision::Reason;
use engine::policy::MAX_FILE;
use github::http::{Budget, HttpError};
use github::{Api, ApiError, Etag, File, Limited, unreadable_policy};
use jiff::Timestamp;

/// A file of a repository.
#[derive(Clone, Debug)]
pub(super) struct RemoteFile {
    /// Path in the repository.
    pub(super) path: String,
    /// Branch, tag or commit; `None` for the default branch.
    pub(super) reference: Option<String>,
    /// The policy as the configuration names it.
    pub(super) source: String,
    /// Whether it is a repository's own policy.
    pub(super) is_own: bool,
}

/// What the reader remembers of the text that it read last, valid or not.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    tag: Option<Etag>,
    /// SHA-256 of the text; empty if it has to be read.
    sha256: String,
    /// Size of the text in bytes.
    pub(super) size: usize,
    /// What is wrong with the text.
    invalid: Option<Failure>,
}

/// Result of an attempt to read the file.
#[derive(Debug)]
pub(super) enum Reading {
    /// The source has the policy that was read before.
    Same,
    /// The source has another policy.
    New(Box<ActivePolicy>),
    /// The source has no policy for now.
    Failed(Problem),
}

/// A problem of the source.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) failure: Failure,
    pub(super) result: Refresh,
    /// Whether the last good policy decides on for a while.
    pub(super) keeps: bool,
    /// Pause that GitHub asks for.
    pub(super) pause: Option<Duration>,
}

impl RemoteFile {
    /// Reads the file unless it is the text that was read before.
    pub(super) async fn read(
        &self,
        app: &Arc<GitHubApp>,
        target: &Target,
        seen: &mut Seen,
        budget: Budget,
    ) -> Reading {
        let known = seen.tag.as_ref();
        let ask = |api: Api| self.fetch(api, target.id, known);
        let answered = app.ask(target, Access::Contents, budget, ask).await;
        match answered.map(|answered| answered.value) {
            Ok(None) => again(seen),
            Ok(Some((file, tag, commit))) => {
                let sha256 = analysis::sha256(&file.bytes);
                seen.tag = tag;
                if sha256 == seen.sha256 {
                    return again(seen);
                }
                (seen.size, seen.sha256) = (file.bytes.len(), sha256);
                let parsed = self.parse(target, file, commit, seen.sha256.clone()).await;
                seen.invalid = parsed.as_ref().err().cloned();
                match parsed {
                    Ok(active) => Reading::New(Box::new(active)),
                    Err(failure) => Reading::Failed(invalid(failure)),
                }
            }
            Err(error) => {
                let problem = self.problem(&error, target);
                if !problem.keeps {
                    *seen = Seen::default();
                }
                Reading::Failed(problem)
            }
        }
    }

    /// Fetches the file, and the commit for the audit record.
    async fn fetch(
        &self,
        api: Api,
        id: u64,
        known: Option<&Etag>,
    ) -> Result<Option<(File, Option<Etag>, Option<String>)>, ApiError> {
        let reference = self.reference.as_deref();
        let found = api.file_unless(id, &self.path, reference, MAX_FILE, known);
        let Some((file, tag)) = found.await? else {
            return Ok(None);
        };
        let commit = api.commit(id, reference.unwrap_or("HEAD")).await.ok();
        Ok(Some((file, tag, commit)))
    }

    /// Parses a text, which can take longer than other requests of the thread should wait.
    async fn parse(
        &self,
        target: &Target,
        file: File,
        commit: Option<String>,
        sha256: String,
    ) -> Result<ActivePolicy, Failure> {
        let record = PolicyRecord {
            source: self.source.clone(),
            sha256,
            repository: Some(target.name.to_string()),
            reference: self.reference.clone(),
            commit,
            blob: Some(file.blob),
            file: self.path.clone(),
            is_own: self.is_own,
        };
        let (bytes, is_own) = (file.bytes, self.is_own);
        let parsed = tokio::task::spawn_blocking(move || match is_own {
            true => ActivePolicy::own(bytes, record),
            false => ActivePolicy::central(bytes, record).inspect(ActivePolicy::warn_of_patterns),
        });
        let panicked = |_| Failure::new(Reason::Internal, "the policy could not be parsed");
        parsed.await.map_err(panicked).flatten()
    }

    /// Returns the problem of a failed request. What GitHub refuses ends the policy at once: somebody withdrew it, or
    /// the App's access to it.
    pub(super) fn problem(&self, error: &RequestError, target: &Target) -> Problem {
        let (reason, message) = match error {
            RequestError::Api(error) => unreadable_policy(error, &target.name, &self.source),
            error => (
                Reason::PolicyUnreadable,
                format!(
                    "the policy `{}` of `{}` cannot be read: {error}",
                    self.source, target.name
                ),
            ),
        };
        let is_too_large = matches!(
            error.api(),
            Some(ApiError::Http(HttpError::TooLarge { .. }))
        );
        Problem {
            failure: Failure {
                redacted: Some("the policy cannot be read".to_owned()),
                ..Failure::new(reason, message)
            },
            result: if is_too_large {
                Refresh::Invalid
            } else {
                Refresh::Failed
            },
            keeps: !error.is_refusal(),
            pause: error.limited().and_then(pause),
        }
    }
}

/// Returns the result for a text that was read before.
fn again(seen: &Seen) -> Reading {
    match &seen.invalid {
        None => Reading::Same,
        Some(failure) => Reading::Failed(invalid(failure.clone())),
    }
}

fn invalid(failure: Failure) -> Problem {
    Problem {
        failure,
        result: Refresh::Invalid,
        keeps: true,
        pause: None,
    }
}

/// Returns the pause that a rate limit asks for.
fn pause(limited: Limited) -> Option<Duration> {
    match limited {
        Limited::For(pause) => pause,
        Limited::Until(time) => Duration::try_from(time.duration_since(Timestamp::now())).ok(),
    }
}

impl Held {
    /// Returns the state after a reading.
    pub(super) fn after(&self, reading: Reading, now: Instant) -> Self {
        match reading {
            Reading::Same => self.confirmed(now),
            Reading::New(active) => Self::taken(*active, now),
            Reading::Failed(problem) => self.failed(problem.failure, problem.keeps),
        }
    }
}
