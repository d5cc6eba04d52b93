//! Tokens for GitHub's API: the job's own, or a GitHub App's.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, join_all};
use jiff::Timestamp;
use secrecy::SecretString;

use super::inputs::{ReportInputs, ReportTarget};
use super::runner::Log;
use super::runtime::Runtime;
use engine::RepositoryName;
use github::http::{Budget, Client};
use github::{Api, App, AppError, InvalidApi};

/// Time that a review leaves for revoking the App's tokens.
pub(super) const REVOKE_TIME: Duration = Duration::from_secs(2);

/// The tokens of a run. The App's tokens are revoked at the end.
pub struct Credentials {
    client: Client,
    api_url: String,
    repository: RepositoryName,
    job_token: Option<SecretString>,
    app: Option<App>,
    /// Permissions of a token for the job's repository.
    permissions: BTreeMap<&'static str, &'static str>,
    clock: fn() -> Timestamp,
    /// The App's tokens, one per repository.
    tokens: RefCell<Vec<(RepositoryName, Token)>>,
}

/// A requested token, shared by all who wait for it. The request runs once and to its end, so that the token
/// can be revoked.
type Token = Shared<BoxFuture<'static, Result<SecretString, Arc<str>>>>;

impl Credentials {
    /// Creates the credentials of this step.
    pub fn new(
        client: Client,
        runtime: &Runtime,
        inputs: &ReportInputs,
        clock: fn() -> Timestamp,
    ) -> Self {
        let mut permissions = BTreeMap::from([("contents", "read")]);
        if inputs.targets.contains(&ReportTarget::CheckRun) {
            permissions.insert("checks", "write");
        }
        if inputs.targets.contains(&ReportTarget::Status) {
            permissions.insert("statuses", "write");
        }
        Self {
            client,
            api_url: runtime.api_url.clone(),
            repository: runtime.repository.clone(),
            job_token: inputs.token.clone(),
            app: inputs.app.clone(),
            permissions,
            clock,
            tokens: RefCell::default(),
        }
    }

    /// Starts to request the token for reports.
    pub fn prefetch(&self, budget: Budget) {
        if let (Some(app), true) = (&self.app, self.permissions.len() > 1) {
            drop(self.token(app, &self.repository, budget));
        }
    }

    /// Returns the repository of the job.
    pub fn repository(&self) -> &RepositoryName {
        &self.repository
    }

    /// Returns the API with a token that may read `repository`. An App's token is limited to that repository, and
    /// to reading unless it is the job's.
    ///
    /// # Errors
    /// The App provides no token, or the client cannot be built.
    pub async fn for_policy(
        &self,
        repository: &RepositoryName,
        budget: Budget,
    ) -> anyhow::Result<Api> {
        let Some(app) = &self.app else {
            return Ok(self.of_job(budget)?);
        };
        let token = self
            .token_within(app, repository, budget.left(), budget)
            .await;
        let token = token.map_err(anyhow::Error::msg)?;
        Ok(self.api(Some(&token), budget)?)
    }

    /// Returns the API with the job's own token.
    ///
    /// # Errors
    /// The client cannot be built.
    pub fn of_job(&self, budget: Budget) -> Result<Api, InvalidApi> {
        self.api(self.job_token.as_ref(), budget)
    }

    /// Returns the API with the job's own token, to use while the App's token for the job's repository is pending.
    /// Returns `None` if there is nothing to wait for.
    pub fn interim_api(&self, repository: &RepositoryName, budget: Budget) -> Option<Api> {
        let waits = self.app.is_some() && repository.is_same(&self.repository);
        let job_token = self.job_token.as_ref().filter(|_| waits)?;
        self.api(Some(job_token), budget).ok()
    }

    /// Returns the API with a token that may report on the job's repository. If the App provides none, logs a
    /// warning and uses the job's own token.
    ///
    /// # Errors
    /// The client cannot be built.
    pub async fn for_reports(&self, budget: Budget) -> Result<Api, InvalidApi> {
        let Some(app) = &self.app else {
            return self.of_job(budget);
        };
        // The reports themselves get half of the time.
        let within = budget.left() / 2;
        match self
            .token_within(app, &self.repository, within, budget)
            .await
        {
            Ok(token) => self.api(Some(&token), budget),
            Err(error) => {
                Log.warning(&format!(
                    "reporting with the job's own token, because {error}"
                ));
                self.of_job(budget)
            }
        }
    }

    /// Revokes the App's tokens. A token that cannot be revoked expires within the hour.
    pub async fn revoke(&self, budget: Budget) {
        let tokens = self.tokens.take().into_iter();
        join_all(tokens.map(async |(_, token)| {
            // A token that arrives later expires by itself.
            let Ok(Ok(token)) = tokio::time::timeout(budget.left(), token).await else {
                return;
            };
            let revoke = async {
                let api = self.api(Some(&token), budget)?;
                anyhow::Ok(api.revoke_installation_token().await?)
            };
            if let Err(error) = revoke.await {
                Log.warning(&format!(
                    "the App's token could not be revoked and expires within the hour: {error}"
                ));
            }
        }))
        .await;
    }

    /// Returns the App's token if it arrives in time. The request itself may have more time.
    async fn token_within(
        &self,
        app: &App,
        repository: &RepositoryName,
        within: Duration,
        budget: Budget,
    ) -> Result<SecretString, Arc<str>> {
        let token = self.token(app, repository, budget);
        tokio::time::timeout(within, token)
            .await
            .unwrap_or_else(|_| Err("the App's token did not arrive in time".into()))
    }

    /// Returns the App's token for a repository, and requests it on the first call.
    fn token(&self, app: &App, repository: &RepositoryName, budget: Budget) -> Token {
        let mut tokens = self.tokens.borrow_mut();
        if let Some((_, token)) = tokens.iter().find(|(of, _)| of.is_same(repository)) {
            return token.clone();
        }
        let permissions = match repository.is_same(&self.repository) {
            true => self.permissions.clone(),
            false => BTreeMap::from([("contents", "read")]),
        };
        let request = AppTokenRequest {
            app: app.clone(),
            repository: repository.clone(),
            permissions,
            now: (self.clock)(),
        };
        let (client, api_url) = (self.client.clone(), self.api_url.clone());
        // A separate task, because a caller that stops waiting must not leave a token unrevoked.
        let task = tokio::spawn(async move {
            let api = |jwt: &SecretString| Api::new(client, &api_url, Some(jwt), budget);
            request
                .send(api)
                .await
                .map_err(|error| error.to_string().into())
        });
        let token = task
            .map(|token| token.unwrap_or_else(|error| Err(error.to_string().into())))
            .boxed()
            .shared();
        tokens.push((repository.clone(), token.clone()));
        token
    }

    fn api(&self, token: Option<&SecretString>, budget: Budget) -> Result<Api, InvalidApi> {
        Api::new(self.client.clone(), &self.api_url, token, budget)
    }
}

/// Request to an App for a token for one repository, with the necessary permissions only.
struct AppTokenRequest {
    app: App,
    repository: RepositoryName,
    permissions: BTreeMap<&'static str, &'static str>,
    now: Timestamp,
}

impl AppTokenRequest {
    async fn send(
        self,
        api: impl FnOnce(&SecretString) -> Result<Api, InvalidApi>,
    ) -> Result<SecretString, AppError> {
        let jwt = self.app.jwt(self.now)?;
        Log.mask(&jwt);
        let api = api(&jwt)?;
        let token = self
            .app
            .installation_token(&api, &self.repository, &self.permissions)
            .await?;
        Log.mask(token.secret());
        Ok(token.secret().clone())
    }
}
