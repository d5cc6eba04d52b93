//! What GitHub's API says of the pull request that a run is about, and of its repository.

use http::StatusCode;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::credentials::Credentials;
use super::order::behind;
use super::runtime::Runtime;
use super::workflow::Log;
use analysis::report::text::visible;
use engine::context::{EventPayload, PullRequest, pull_request_number};
use github::http::Budget;
use github::{Api, ApiError};
use platform::Environment;

/// The pull request of a run, before its token is there. Whatever is asked for here counts only if the
/// signed claims agree with it.
pub struct OfRun<'a> {
    runtime: &'a Runtime,
    credentials: &'a Credentials,
    budget: Budget,
    /// `N` of `refs/pull/N/merge`; absent in `pull_request_target`.
    number: Option<u64>,
}

impl<'a> OfRun<'a> {
    /// The pull request of this run; `None` where a run merges none.
    pub fn new(
        environment: &Environment,
        runtime: &'a Runtime,
        credentials: &'a Credentials,
        budget: Budget,
    ) -> Option<Self> {
        let number = environment.get("GITHUB_REF").and_then(pull_request_number);
        let number = number.and_then(|number| number.parse().ok());
        let is_one = number.is_some() || runtime.job.event_name == "pull_request_target";
        // A look-up that fails must leave time to decide without it.
        let budget = Budget::until(Instant::now() + budget.left() / 2);
        is_one.then_some(Self {
            runtime,
            credentials,
            budget,
            number,
        })
    }

    /// The pull request as the API knows it. Where the job may not read it, and in
    /// `pull_request_target`, whose token signs no number: as the payload describes it, which the
    /// job's earlier steps can change. Where the API fails in another way: `None`, so that nobody
    /// gains by making it fail.
    pub async fn described(&self, payload: Option<&EventPayload>) -> Option<PullRequest> {
        let of_payload = || payload.and_then(|payload| payload.pull_request.clone());
        let Some(number) = self.number else {
            return of_payload();
        };
        let repository = &self.runtime.repository;
        let asked = match self.api() {
            Ok(api) => api.pull_request(repository, number).await,
            Err(why) => Err(ApiError::Shape(why)),
        };
        match asked {
            Ok(found) if self.is_of_this_repository(&found) => Some(found),
            Ok(_) => {
                self.unknown_head(number, "GitHub answered with one of another repository");
                None
            }
            Err(error) if is_not_readable(&error) => of_payload(),
            Err(error) => {
                self.unknown_head(number, &error.to_string());
                None
            }
        }
    }

    /// Begins to ask for the default branch: a rule may need it.
    pub fn default_branch(&self) -> DefaultBranch {
        let (api, name) = (self.api(), self.runtime.repository.clone());
        let id = self.runtime.job.repository_id.clone();
        DefaultBranch(tokio::spawn(behind(async move {
            let about = api?.about(&name).await.map_err(|error| error.to_string())?;
            if about.id.to_string() != id {
                return Err("GitHub answered with another repository".to_owned());
            }
            let name = about.default_branch.filter(|name| !name.is_empty());
            name.ok_or_else(|| "GitHub's answer does not name it".to_owned())
        })))
    }

    fn api(&self) -> Result<Api, String> {
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

/// The name of the default branch, which is on its way.
pub struct DefaultBranch(JoinHandle<Result<String, String>>);

impl DefaultBranch {
    /// Waits for it; `None`, with a warning, if GitHub does not answer with it.
    pub async fn name(self) -> Option<String> {
        let asked = self.0.await.map_err(|error| error.to_string());
        asked
            .and_then(|asked| asked)
            .inspect_err(|why| {
                Log.warning(&format!(
                    "GitHub does not say which branch is the default one, so no rule trusts it as a base: {}",
                    visible(why)
                ));
            })
            .ok()
    }
}

/// Whether the token may not read the pull request. A rate limit is another thing: earlier steps can
/// exhaust it.
fn is_not_readable(error: &ApiError) -> bool {
    let refused = matches!(
        error.status(),
        Some(StatusCode::FORBIDDEN | StatusCode::NOT_FOUND)
    );
    refused && error.limited().is_none()
}
