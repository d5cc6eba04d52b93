//! With whose token GitHub is asked: the job's, or a GitHub App's.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, join_all};
use jiff::Timestamp;
use secrecy::SecretString;

use super::inputs::{Place, ReportInputs};
use super::runtime::Runtime;
use super::workflow::Log;
use engine::RepositoryName;
use github::http::{Budget, Client};
use github::{Api, App, AppError};

/// The tokens of a run. Those of an App are revoked at the end.
pub struct Credentials {
    client: Client,
    api_url: String,
    repository: RepositoryName,
    job_token: Option<SecretString>,
    app: Option<App>,
    /// What a token for the job's repository may do.
    permissions: BTreeMap<&'static str, &'static str>,
    clock: fn() -> Timestamp,
    /// The App's tokens, each for one repository.
    taken: RefCell<Vec<(RepositoryName, Token)>>,
}

/// A token that is being taken, by whoever waits for it: it is taken once, and to its end, so that it
/// can be revoked.
type Token = Shared<BoxFuture<'static, Result<SecretString, Arc<str>>>>;

impl Credentials {
    /// The tokens of this step.
    pub fn new(
        client: Client,
        runtime: &Runtime,
        inputs: &ReportInputs,
        clock: fn() -> Timestamp,
    ) -> Self {
        let mut permissions = BTreeMap::from([("contents", "read")]);
        if inputs.places.contains(&Place::CheckRun) {
            permissions.insert("checks", "write");
        }
        if inputs.places.contains(&Place::Status) {
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
            taken: RefCell::default(),
        }
    }

    /// Begins to take the token that reports will need.
    pub fn warm(&self, budget: Budget) {
        if let (Some(app), true) = (&self.app, self.permissions.len() > 1) {
            drop(self.token(app, &self.repository, budget));
        }
    }

    /// The repository of the job.
    pub fn repository(&self) -> &RepositoryName {
        &self.repository
    }

    /// The API with the token that may read `repository`. An App's is for that repository alone; for
    /// another one than the job's it only reads.
    ///
    /// # Errors
    /// The App gives no token, or the client cannot be built; as a sentence for people.
    pub async fn for_policy(
        &self,
        repository: &RepositoryName,
        budget: Budget,
    ) -> Result<Api, String> {
        let Some(app) = &self.app else {
            return self.api(self.job_token.as_ref(), budget);
        };
        let token = self
            .token_within(app, repository, budget.left(), budget)
            .await;
        self.api(Some(&token.map_err(|error| error.to_string())?), budget)
    }

    /// The API with the job's own token.
    ///
    /// # Errors
    /// The client cannot be built; as a sentence for people.
    pub fn of_job(&self, budget: Budget) -> Result<Api, String> {
        self.api(self.job_token.as_ref(), budget)
    }

    /// The API with the job's own token, to begin with while the App's for the job's repository is
    /// being taken; `None` where there is nothing to wait for.
    pub fn meanwhile(&self, repository: &RepositoryName, budget: Budget) -> Option<Api> {
        let waits = self.app.is_some() && repository.is_same(&self.repository);
        let job_token = self.job_token.as_ref().filter(|_| waits)?;
        self.api(Some(job_token), budget).ok()
    }

    /// The API with the token that may report on the job's repository. An App that gives none is a
    /// warning, and the job's own token reports.
    ///
    /// # Errors
    /// The client cannot be built; as a sentence for people.
    pub async fn for_reports(&self, budget: Budget) -> Result<Api, String> {
        let Some(app) = &self.app else {
            return self.api(self.job_token.as_ref(), budget);
        };
        // Half of the time is for the reports themselves.
        let within = budget.left() / 2;
        match self
            .token_within(app, &self.repository, within, budget)
            .await
        {
            Ok(token) => self.api(Some(&token), budget),
            Err(error) => {
                Log.warning(&format!(
                    "reporting with the job's own token, since {error}"
                ));
                self.api(self.job_token.as_ref(), budget)
            }
        }
    }

    /// Ends the App's tokens; one that cannot be revoked ends by itself within the hour.
    pub async fn revoke(&self, budget: Budget) {
        let taken = self.taken.take().into_iter();
        join_all(taken.map(async |(_, token)| {
            // One that is not there by now may still come, and ends by itself.
            let Ok(Ok(token)) = tokio::time::timeout(budget.left(), token).await else {
                return;
            };
            let revoked = match self.api(Some(&token), budget) {
                Ok(api) => api
                    .revoke_installation_token()
                    .await
                    .map_err(|error| error.to_string()),
                Err(error) => Err(error),
            };
            if let Err(error) = revoked {
                Log.warning(&format!(
                    "the App's token was not revoked and ends within the hour: {error}"
                ));
            }
        }))
        .await;
    }

    /// The App's token, if it comes in time: whoever began to take it may have had more.
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
            .unwrap_or_else(|_| Err("the App's token did not come in time".into()))
    }

    /// The App's token for a repository, taken when it is first asked for.
    fn token(&self, app: &App, repository: &RepositoryName, budget: Budget) -> Token {
        let mut taken = self.taken.borrow_mut();
        if let Some((_, token)) = taken.iter().find(|(of, _)| of.is_same(repository)) {
            return token.clone();
        }
        let permissions = match repository.is_same(&self.repository) {
            true => self.permissions.clone(),
            false => BTreeMap::from([("contents", "read")]),
        };
        let ask = Ask {
            app: app.clone(),
            repository: repository.clone(),
            permissions,
            now: (self.clock)(),
        };
        let (client, api_url) = (self.client.clone(), self.api_url.clone());
        // A task of its own: whoever stops waiting for it must not leave a token behind.
        let task = tokio::spawn(async move {
            let api = |jwt: &SecretString| Api::new(client, &api_url, Some(jwt), budget);
            ask.put(api).await.map_err(|error| error.to_string().into())
        });
        let token = task
            .map(|taken| taken.unwrap_or_else(|error| Err(error.to_string().into())))
            .boxed()
            .shared();
        taken.push((repository.clone(), token.clone()));
        token
    }

    fn api(&self, token: Option<&SecretString>, budget: Budget) -> Result<Api, String> {
        Api::new(self.client.clone(), &self.api_url, token, budget)
    }
}

/// What is asked of an App: a token for one repository, limited to what is needed.
struct Ask {
    app: App,
    repository: RepositoryName,
    permissions: BTreeMap<&'static str, &'static str>,
    now: Timestamp,
}

impl Ask {
    async fn put(
        self,
        api: impl FnOnce(&SecretString) -> Result<Api, String>,
    ) -> Result<SecretString, AppError> {
        let jwt = self.app.jwt(self.now)?;
        Log.mask(&jwt);
        let api = api(&jwt).map_err(AppError::Key)?;
        let token = self
            .app
            .installation_token(&api, &self.repository, &self.permissions)
            .await?;
        Log.mask(token.secret());
        Ok(token.secret().clone())
    }
}
