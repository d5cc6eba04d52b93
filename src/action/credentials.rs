//! With whose token GitHub is asked: the job's, or a GitHub App's.

use std::cell::RefCell;
use std::collections::BTreeMap;

use jiff::Timestamp;
use reqwest::Client;
use secrecy::SecretString;

use super::inputs::{Place, ReportInputs};
use super::runtime::Runtime;
use super::workflow::Log;
use crate::github::{Api, App, AppError, RepositoryName};
use crate::http::Budget;

/// The tokens of a run. Those of an App are taken when they are first needed, and revoked at the end.
pub struct Credentials {
    client: Client,
    api_url: String,
    repository: RepositoryName,
    job_token: Option<SecretString>,
    app: Option<App>,
    permissions: BTreeMap<&'static str, &'static str>,
    clock: fn() -> Timestamp,
    taken: RefCell<Vec<Taken>>,
}

/// A token of the App's installation for one owner.
struct Taken {
    owner: String,
    token: SecretString,
}

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

    /// The repository of the job.
    pub fn repository(&self) -> &RepositoryName {
        &self.repository
    }

    /// The API with the token that may read `repository`.
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
        // One token for both where one installation has both.
        let own = repository
            .owner()
            .eq_ignore_ascii_case(self.repository.owner());
        let token = if own {
            let mut names = vec![self.repository.name()];
            if !repository.is_same(&self.repository) {
                names.push(repository.name());
            }
            self.take(app, &self.repository, &names, &self.permissions, budget)
                .await
        } else {
            let read = BTreeMap::from([("contents", "read")]);
            self.take(app, repository, &[repository.name()], &read, budget)
                .await
        };
        self.api(Some(&token.map_err(|error| error.to_string())?), budget)
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
        let owner = self.repository.owner();
        let known = self
            .taken
            .borrow()
            .iter()
            .find(|taken| taken.owner == owner)
            .map(|taken| taken.token.clone());
        let token = match known {
            Some(token) => Ok(token),
            None => {
                let names = [self.repository.name()];
                self.take(app, &self.repository, &names, &self.permissions, budget)
                    .await
            }
        };
        match token {
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
        let taken = self.taken.take();
        for Taken { token, .. } in taken {
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
        }
    }

    async fn take(
        &self,
        app: &App,
        repository: &RepositoryName,
        names: &[&str],
        permissions: &BTreeMap<&'static str, &'static str>,
        budget: Budget,
    ) -> Result<SecretString, AppError> {
        let jwt = app.jwt((self.clock)())?;
        Log.mask(&jwt);
        let api = self.api(Some(&jwt), budget).map_err(AppError::Key)?;
        let token = app
            .installation_token(&api, repository, names, permissions)
            .await?;
        Log.mask(token.secret());
        self.taken.borrow_mut().push(Taken {
            owner: repository.owner().to_owned(),
            token: token.secret().clone(),
        });
        Ok(token.secret().clone())
    }

    fn api(&self, token: Option<&SecretString>, budget: Budget) -> Result<Api, String> {
        Api::new(self.client.clone(), &self.api_url, token, budget)
    }
}
