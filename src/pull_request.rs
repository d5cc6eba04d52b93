//! Fetches the run's pull request and the default branch from GitHub's API.

use anyhow::{Context as _, bail};
use http::StatusCode;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::credentials::Credentials;
use super::priority::low_priority;
use super::runner::Log;
use super::runtime::Runtime;
use analysis::report::text::visible;
use engine::context::{EventPayload, PullRequest, pull_request_number};
use github::http::Budget;
use github::{Api, ApiError, InvalidApi};
use platform::Variables;

/// The pull request of a run, requested before the token has arrived. The responses count only if the signed
/// claims agree.
pub struct RunPullRequest<'a> {
    runtime: &'a Runtime,
    credentials: &'a Credentials,
    budget: Budget,
    /// `N` in `refs/pull/N/merge`; absent for `pull_request_target`.
    number: Option<u64>,
}

impl<'a> RunPullRequest<'a> {
    /// Returns the pull request of this run, or `None` if the run merges none.
    pub fn new(
        variables: &Variables,
        runtime: &'a Runtime,
        credentials: &'a Credentials,
        budget: Budget,
    ) -> Option<Self> {
        let number = variables.get("GITHUB_REF").and_then(pull_request_number);
        let number = number.and_then(|number| number.parse().ok());
        let is_one = number.is_some() || runtime.job.event_name == "pull_request_target";
        // A request that fails must leave time to decide without it.
        let budget = Budget::until(Instant::now() + budget.left() / 2);
        is_one.then_some(Self {
            runtime,
            credentials,
            budget,
            number,
        })
    }

    /// Returns the pull request from the API. If the job may not read it, and for `pull_request_target`, whose
    /// token has no number, returns it from the payload, which earlier steps of the job can change. After any
    /// other error, returns `None`, so that nobody gains from a failing API.
    pub async fn fetch(&self, payload: Option<&EventPayload>) -> Option<PullRequest> {
        let of_payload = || payload.and_then(|payload| payload.pull_request.clone());
        let Some(number) = self.number else {
            return of_payload();
        };
        let repository = &self.runtime.repository;
        let api = match self.api() {
            Ok(api) => api,
            Err(error) => {
                self.unknown_head(number, &error.to_string());
                return None;
            }
        };
        match api.pull_request(repository, number).await {
            Ok(found) if self.is_of_this_repository(&found) => Some(found),
            Ok(_) => {
                self.unknown_head(
                    number,
                    "GitHub answered with a pull request of another repository",
                );
                None
            }
            Err(error) if is_not_readable(&error) => of_payload(),
            Err(error) => {
                self.unknown_head(number, &error.to_string());
                None
            }
        }
    }

    /// Starts to request the default branch, which a rule may need.
    pub fn default_branch(&self) -> DefaultBranch {
        let (api, name) = (self.api(), self.runtime.repository.clone());
        let id = self.runtime.job.repository_id.clone();
        DefaultBranch(tokio::spawn(low_priority(async move {
            let found = api?.repository(&name).await?;
            if found.id.to_string() != id {
                bail!("GitHub answered with another repository");
            }
            let name = found.default_branch.filter(|name| !name.is_empty());
            name.context("GitHub's answer does not contain it")
        })))
    }

    fn api(&self) -> Result<Api, InvalidApi> {
        self.credentials.of_job(self.budget)
    }

    fn is_of_this_repository(&self, found: &PullRequest) -> bool {
        let base = found.base.as_ref().and_then(|base| base.repo.as_ref());
        let id = base.and_then(|repository| repository.id);
        id.is_some_and(|id| id.to_string() == self.runtime.job.repository_id)
    }

    fn unknown_head(&self, number: u64, why: &str) {
        Log.warning(&format!(
            "the pull request {number} of `{}` cannot be read, so its head counts as unknown: {}",
            self.runtime.repository,
            visible(why)
        ));
    }
}

/// A pending request for the name of the default branch.
pub struct DefaultBranch(JoinHandle<anyhow::Result<String>>);

impl DefaultBranch {
    /// Waits for the name. Logs a warning and returns `None` if GitHub does not return it.
    pub async fn name(self) -> Option<String> {
        let response = self.0.await.map_err(anyhow::Error::from);
        response
            .flatten()
            .inspect_err(|error| {
                Log.warning(&format!(
                    "GitHub did not return the default branch, so no rule trusts it as a base: {}",
                    visible(&error.to_string())
                ));
            })
            .ok()
    }
}

/// Returns whether the token may not read the pull request. A rate limit does not count, because earlier steps
/// can exhaust it.
fn is_not_readable(error: &ApiError) -> bool {
    let refused = matches!(
        error.status(),
        Some(StatusCode::FORBIDDEN | StatusCode::NOT_FOUND)
    );
    refused && error.limited().is_none()
}
