//! Client for GitHub's REST API. It adds to octocrab: retries only where they are safe, a size limit for
//! bodies, redirects within the host only, and encoded paths.

use std::sync::{Arc, Mutex, PoisonError};

use http::header::{ACCEPT, CONTENT_TYPE, IF_NONE_MATCH, LOCATION};
use http::{HeaderValue, Method, Request, StatusCode};
use octocrab::{OctoBody, Octocrab};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::rate_limit::{Limited, RateLimit};
use crate::http::{Budget, Client, HttpError, Response, Retry, causes, collect, host_of};
use token::{is_https_or_loopback, written_url};

/// Maximum size of a JSON response in bytes.
pub(super) const MAX_JSON: usize = 1 << 20;
/// Start of the paths that name a repository by its id.
pub(super) const BY_ID: &str = "repositories/";
/// Maximum number of redirects per request.
const MAX_REDIRECTS: usize = 3;
/// Version of the REST API in every request.
const API_VERSION: &str = "2022-11-28";

/// Characters to encode in a path segment or a query value: all but the unreserved ones of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// GitHub's REST API with one token.
#[derive(Clone)]
pub struct Api {
    octocrab: Octocrab,
    client: Client,
    base: Url,
    budget: Budget,
    /// The primary limit in the newest response.
    limit: Arc<Mutex<Option<RateLimit>>>,
}

/// Why a request to GitHub failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// No response arrived.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// GitHub responded with an error status.
    #[error("GitHub answered {answer}")]
    Status {
        /// The status.
        status: StatusCode,
        /// Status and message.
        answer: String,
        /// The rate limit that rejected the request, if one did.
        limited: Option<Limited>,
    },
    /// A redirect to another host, or too many redirects.
    #[error(
        "GitHub redirected the request to another host, away from a repository's id, or more than {MAX_REDIRECTS} times"
    )]
    Redirect,
    /// A response of another shape than documented.
    #[error("GitHub's answer is not as documented: {0}")]
    Shape(String),
}

/// Why the API cannot be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidApi {
    /// The base is not a URL whose requests the network cannot read.
    #[error("the variable `GITHUB_API_URL` is `{0}`, expected an https URL")]
    Url(String),
    /// HTTP does not allow the token in a header.
    #[error("the token has characters that a header cannot carry")]
    Token,
    /// octocrab rejects the settings.
    #[error("{0}")]
    Library(String),
}

impl ApiError {
    /// Returns the status, if a response arrived.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Returns the rate limit that rejected the request, if one did.
    pub fn limited(&self) -> Option<Limited> {
        match self {
            Self::Status { limited, .. } => *limited,
            _ => None,
        }
    }
}

impl Api {
    /// Creates a client for the API at `base` (`GITHUB_API_URL`) that authenticates with `token`.
    ///
    /// # Errors
    /// The URL or the token is not valid.
    pub fn new(
        client: Client,
        base: &str,
        token: Option<&SecretString>,
        budget: Budget,
    ) -> Result<Self, InvalidApi> {
        let invalid = || InvalidApi::Url(base.to_owned());
        let mut url = written_url(base).ok_or_else(invalid)?;
        if !is_https_or_loopback(&url) {
            return Err(invalid());
        }
        // A relative path replaces the part after the last slash.
        let path = format!("{}/", url.path().trim_end_matches('/'));
        url.set_path(&path);
        let mut builder = Octocrab::builder();
        if let Some(token) = token {
            // octocrab panics on a token that is not a valid header value.
            HeaderValue::from_str(token.expose_secret()).map_err(|_| InvalidApi::Token)?;
            builder = builder.personal_token(token.clone());
        }
        // Without the path: octocrab would put the REST API's path before GraphQL's.
        let mut host = url.clone();
        host.set_path("/");
        let base_uri: http::Uri = host.as_str().parse().map_err(|_| invalid())?;
        let octocrab = builder
            .base_uri(base_uri)
            .and_then(|builder| builder.build_with_reqwest(client.clone().into_inner()))
            .map_err(|error| InvalidApi::Library(causes(&error)))?;
        Ok(Self {
            octocrab,
            client,
            base: url,
            budget,
            limit: Arc::default(),
        })
    }

    /// Returns the same client with another budget.
    pub fn with_budget(&self, budget: Budget) -> Self {
        Self {
            budget,
            ..self.clone()
        }
    }

    /// Returns the primary rate limit in the newest response, if it had one.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        *self.limit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the host of the API, for messages.
    pub(super) fn host(&self) -> String {
        host_of(&self.base)
    }

    /// Sends a GET for `path`, which is encoded and relative to the API's base.
    pub(super) async fn get(
        &self,
        path: &str,
        accept: &str,
        cap: usize,
    ) -> Result<Response, ApiError> {
        self.get_unless(path, accept, cap, None).await
    }

    /// Sends a GET that only another version than `known` answers with a body. The response to a known version has
    /// the status 304.
    pub(super) async fn get_unless(
        &self,
        path: &str,
        accept: &str,
        cap: usize,
        known: Option<&HeaderValue>,
    ) -> Result<Response, ApiError> {
        let call = Call {
            method: Method::GET,
            accept,
            body: None,
            cap,
            known,
            is_empty: false,
        };
        self.call(path, &call, Retry::Safe).await
    }

    /// Sends a POST with a JSON body.
    pub(super) async fn post<B: Serialize>(
        &self,
        path: &str,
        body: &B,
        retry: Retry,
    ) -> Result<Response, ApiError> {
        let body =
            serde_json::to_string(body).map_err(|error| ApiError::Shape(error.to_string()))?;
        self.call(path, &Call::post(body, MAX_JSON), retry).await
    }

    /// Calls an absolute URL once and returns the response whatever its status.
    pub(super) async fn send(&self, url: &Url, call: &Call<'_>) -> Result<Response, HttpError> {
        let host = self.client.host_and_proxy(url);
        let send = || self.attempt(url, call, &host);
        self.budget.run(Retry::Never, &host, send).await
    }

    /// Sends a DELETE.
    pub(super) async fn delete(&self, path: &str) -> Result<Response, ApiError> {
        let call = Call {
            method: Method::DELETE,
            accept: "application/vnd.github+json",
            body: None,
            cap: MAX_JSON,
            known: None,
            is_empty: false,
        };
        self.call(path, &call, Retry::Safe).await
    }

    pub(super) async fn call(
        &self,
        path: &str,
        call: &Call<'_>,
        retry: Retry,
    ) -> Result<Response, ApiError> {
        let mut url = self
            .base
            .join(path)
            .map_err(|error| ApiError::Shape(format!("not a path: {error}")))?;
        let host = self.client.host_and_proxy(&url);
        // A repository has one id: what answers in another place is another one.
        let redirects = match path.starts_with(BY_ID) {
            true => 0,
            false => MAX_REDIRECTS,
        };
        for _ in 0..=redirects {
            let send = || self.attempt(&url, call, &host);
            let response = self.budget.run(retry, &host, send).await?;
            if let Some(limit) = RateLimit::of(&response) {
                *self.limit.lock().unwrap_or_else(PoisonError::into_inner) = Some(limit);
            }
            if call.is_complete(response.status) {
                return Ok(response);
            }
            match call.redirect(&response, &url)? {
                Some(target) => url = target,
                None => {
                    return Err(ApiError::Status {
                        status: response.status,
                        answer: response.describe(),
                        limited: Limited::of(&response, &response.message().unwrap_or_default()),
                    });
                }
            }
        }
        Err(ApiError::Redirect)
    }

    async fn attempt(&self, url: &Url, call: &Call<'_>, host: &str) -> Result<Response, HttpError> {
        let unsendable = |why: String| HttpError::Unsendable {
            host: host.to_owned(),
            why,
        };
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(url.as_str())
            .header(ACCEPT, call.accept)
            .header("x-github-api-version", API_VERSION);
        if call.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(known) = call.known {
            request = request.header(IF_NONE_MATCH, known);
        }
        let body = call
            .body
            .clone()
            .map_or_else(OctoBody::empty, OctoBody::from);
        let request = request
            .body(body)
            .map_err(|error| unsendable(error.to_string()))?;
        let response = self.octocrab.execute(request).await.map_err(|error| {
            find_reqwest(&error).map_or_else(
                || HttpError::Transport {
                    host: host.to_owned(),
                    why: causes(&error),
                },
                |error| self.client.failure(error, url),
            )
        })?;
        collect(response, call.cap, host).await
    }
}

/// A request to send.
pub(super) struct Call<'a> {
    method: Method,
    accept: &'a str,
    body: Option<String>,
    cap: usize,
    /// Version that needs no body, for a GET.
    known: Option<&'a HeaderValue>,
    /// Whether the complete response to a POST has no body.
    is_empty: bool,
}

impl Call<'_> {
    pub(super) fn post(body: String, cap: usize) -> Self {
        Self {
            method: Method::POST,
            accept: "application/vnd.github+json",
            body: Some(body),
            cap,
            known: None,
            is_empty: false,
        }
    }

    /// Returns a POST whose complete response has no body.
    pub(super) fn without_answer(body: String) -> Self {
        Self {
            is_empty: true,
            ..Self::post(body, MAX_JSON)
        }
    }

    /// Returns whether the status promises the complete response. A body that a proxy modified (203), a part
    /// (206) or an empty body (204, and 304 unless a version is known) must not pass for it.
    ///
    /// Source: RFC 9110, section 15.3.
    fn is_complete(&self, status: StatusCode) -> bool {
        match self.method {
            Method::GET if status == StatusCode::NOT_MODIFIED => self.known.is_some(),
            Method::GET => status == StatusCode::OK,
            Method::POST if self.is_empty => status == StatusCode::NO_CONTENT,
            Method::POST => matches!(status, StatusCode::OK | StatusCode::CREATED),
            _ => status.is_success(),
        }
    }

    /// Returns the target of a redirect. The target must have the same origin, and for a POST the status must
    /// keep the method.
    fn redirect(&self, response: &Response, from: &Url) -> Result<Option<Url>, ApiError> {
        let keeps_method = match response.status.as_u16() {
            307 | 308 => true,
            301 | 302 => self.method == Method::GET,
            _ => return Ok(None),
        };
        let target = response
            .header(LOCATION.as_str())
            .and_then(|location| from.join(location).ok())
            .filter(|target| keeps_method && target.origin() == from.origin());
        target.map(Some).ok_or(ApiError::Redirect)
    }
}

fn find_reqwest<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e reqwest::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<reqwest::Error>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// Encodes a path segment or a query value.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Parses a response's JSON.
pub(super) fn json<T: DeserializeOwned>(response: &Response) -> Result<T, ApiError> {
    serde_json::from_slice(&response.body).map_err(|error| ApiError::Shape(error.to_string()))
}
