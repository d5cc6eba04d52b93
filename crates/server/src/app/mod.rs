//! The GitHub App: its secrets, and short-lived tokens that can do one thing in one repository.

mod secrets;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::OnceCell;

use crate::config::GitHubConfig;
use crate::flights::{Flights, Kept};
use engine::RepositoryName;
use github::http::{Budget, Client};
use github::{
    Api, ApiError, App, AppError, InvalidApi, Limited, Permissions, RateLimit, Repository,
};

pub use secrets::{AppSecrets, WebhookSecrets};

/// Time before a token's end at which another one replaces it.
const RENEW_BEFORE: Duration = Duration::from_secs(5 * 60);
/// Lifetime of a token whose answer does not say it (docs.github.com, "Generating an installation access token").
const LIFETIME: Duration = Duration::from_secs(60 * 60);
/// Pause after a token that could not be had.
const RETRY: Duration = Duration::from_secs(2);
/// Maximum number of kept tokens.
const MAX_TOKENS: usize = 10_000;
/// Maximum number of requests that wait for tokens: more than may wait for everything that needs one.
const WAITING: usize = 1024;
/// Maximum time for a token, which is fetched for all who wait.
const TOKEN_TIME: Duration = Duration::from_secs(10);

/// Maximum size of the payload of a delivery, sent or fetched; GitHub's own limit is 25 MB.
pub const MAX_PAYLOAD: usize = 5 << 20;
/// Maximum time for the App's id, within the ten seconds that GitHub waits for the answer to a delivery.
const ID_TIME: Duration = Duration::from_secs(5);

/// What a token can do in its repository. No token can do two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Reads policies and the repository's details.
    Contents,
    /// Reads pull requests.
    PullRequests,
    /// Reads runs of workflows.
    Actions,
    /// Reviews deployments.
    Deployments,
}

impl Access {
    fn permissions(self) -> Permissions {
        let permission = match self {
            Self::Contents => ("contents", "read"),
            Self::PullRequests => ("pull_requests", "read"),
            Self::Actions => ("actions", "read"),
            Self::Deployments => ("deployments", "write"),
        };
        Permissions::from([permission])
    }
}

/// A repository that is asked for by its id. Its name only leads to the App's installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its id.
    pub id: u64,
    /// Its name, perhaps a former one.
    pub name: RepositoryName,
}

/// Why GitHub did not answer a request of the App.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// There is no token.
    #[error("{0}")]
    Token(Arc<AppError>),
    /// The request failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The API cannot be called.
    #[error(transparent)]
    Client(#[from] InvalidApi),
    /// Too many requests wait for a token.
    #[error("too many requests wait for a token of the App")]
    Busy,
}

impl RequestError {
    /// Returns the error of the request that failed.
    pub fn api(&self) -> Option<&ApiError> {
        match self {
            Self::Token(error) => error.api(),
            Self::Api(error) => Some(error),
            Self::Client(_) | Self::Busy => None,
        }
    }

    /// Returns the rate limit that rejected the request, if one did.
    pub fn limited(&self) -> Option<Limited> {
        self.api().and_then(ApiError::limited)
    }

    /// Returns whether GitHub says that the App has no access, or that nothing is there: the next attempt would not
    /// have another result.
    pub fn is_refusal(&self) -> bool {
        if let Self::Token(error) = self
            && matches!(**error, AppError::NotInstalled { .. })
        {
            return true;
        }
        let status = self.api().and_then(ApiError::status);
        let refused = match (self, status) {
            (_, Some(StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)) => {
                true
            }
            // The installation does not have the repository or the permission.
            (Self::Token(_), Some(StatusCode::UNPROCESSABLE_ENTITY)) => true,
            _ => false,
        };
        refused && self.limited().is_none()
    }
}

/// The App, with its tokens.
pub struct GitHubApp {
    app: App,
    client: Client,
    api_url: String,
    tokens: Flights<(u64, Access), Token>,
    id: OnceCell<u64>,
}

#[derive(Clone)]
struct Token {
    result: Result<SecretString, Arc<AppError>>,
    until: Instant,
}

impl Kept for Token {
    fn is_fresh(&self) -> bool {
        Instant::now() < self.until
    }
}

/// The answer to a request, with the primary rate limit that came with it.
pub struct Answered<T> {
    /// The answer.
    pub value: T,
    /// The limit.
    pub limit: Option<RateLimit>,
}

impl std::fmt::Debug for GitHubApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GitHubApp")
            .field("client_id", &self.app.client_id())
            .field("api_url", &self.api_url)
            .finish_non_exhaustive()
    }
}

impl GitHubApp {
    /// Creates the App.
    pub fn new(config: &GitHubConfig, app: App, client: Client) -> Self {
        Self {
            app,
            client,
            api_url: config.api_url.clone(),
            tokens: Flights::new(MAX_TOKENS, WAITING),
            id: OnceCell::new(),
        }
    }

    /// Returns the App's id, which the deliveries of its webhooks name.
    ///
    /// # Errors
    /// GitHub was not asked before, and does not answer now.
    pub async fn id(&self) -> Result<u64, RequestError> {
        let ask = || async {
            let budget = Budget::until(tokio::time::Instant::now() + ID_TIME);
            let failed = |error| RequestError::Token(Arc::new(error));
            self.app.id(&self.as_app(budget)?).await.map_err(failed)
        };
        self.id.get_or_try_init(ask).await.copied()
    }

    /// Makes requests about a repository with a token for it. A token that GitHub no longer accepts is replaced once.
    ///
    /// # Errors
    /// There is no token, or the requests failed.
    pub async fn ask<T, F>(
        self: &Arc<Self>,
        target: &Target,
        access: Access,
        budget: Budget,
        requests: impl Fn(Api) -> F,
    ) -> Result<Answered<T>, RequestError>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        let mut again = true;
        loop {
            let token = self.token(target, access).await?;
            let api = self.api(&token, budget)?;
            match requests(api.clone()).await {
                Err(error) if again && error.status() == Some(StatusCode::UNAUTHORIZED) => {
                    self.tokens.forget(&(target.id, access));
                    again = false;
                }
                answer => {
                    let limit = api.rate_limit();
                    return Ok(answer.map(|value| Answered { value, limit })?);
                }
            }
        }
    }

    /// Returns a repository that is known by its name only.
    ///
    /// # Errors
    /// There is no token, or the request failed.
    pub async fn find(
        &self,
        name: &RepositoryName,
        budget: Budget,
    ) -> Result<Repository, RequestError> {
        let failed = |error| RequestError::Token(Arc::new(error));
        let api = self.as_app(budget)?;
        let token = self.app.metadata_token(&api, name).await.map_err(failed)?;
        Ok(self.api(token.secret(), budget)?.repository(name).await?)
    }

    async fn token(
        self: &Arc<Self>,
        target: &Target,
        access: Access,
    ) -> Result<SecretString, RequestError> {
        let (app, target_of) = (Arc::clone(self), target.clone());
        let fetch = move |_| async move { app.new_token(&target_of, access).await };
        let token = self.tokens.get((target.id, access), fetch).await;
        let token = token.ok_or(RequestError::Busy)?;
        token.result.map_err(RequestError::Token)
    }

    async fn new_token(&self, target: &Target, access: Access) -> Token {
        let budget = Budget::until(tokio::time::Instant::now() + TOKEN_TIME);
        let (name, id) = (&target.name, target.id);
        let created = async {
            let api = self.signed_in(budget)?;
            let permissions = access.permissions();
            self.app
                .installation_token_by_id(&api, (name, id), &permissions)
                .await
        };
        let now = Instant::now();
        match created.await {
            Ok(token) => Token {
                until: now + lifetime(token.expires_at()).saturating_sub(RENEW_BEFORE),
                result: Ok(token.secret().clone()),
            },
            Err(error) => Token {
                result: Err(Arc::new(error)),
                until: Instant::now() + RETRY,
            },
        }
    }

    /// Returns the API as the App itself.
    ///
    /// # Errors
    /// The App's JWT cannot be signed, or the client cannot be built.
    pub fn as_app(&self, budget: Budget) -> Result<Api, RequestError> {
        let api = self.signed_in(budget);
        api.map_err(|error| RequestError::Token(Arc::new(error)))
    }

    fn signed_in(&self, budget: Budget) -> Result<Api, AppError> {
        let jwt = self.app.jwt(Timestamp::now())?;
        Ok(self.api(&jwt, budget)?)
    }

    fn api(&self, token: &SecretString, budget: Budget) -> Result<Api, InvalidApi> {
        Api::new(self.client.clone(), &self.api_url, Some(token), budget)
    }
}

/// Returns how long a token lasts. A clock that is wrong must not make it last longer than GitHub's tokens do.
fn lifetime(expires_at: Option<Timestamp>) -> Duration {
    let left = expires_at.map(|end| end.duration_since(Timestamp::now()));
    match left.map(Duration::try_from) {
        Some(Ok(left)) => left.min(LIFETIME),
        Some(Err(_)) => Duration::ZERO,
        None => LIFETIME,
    }
}
