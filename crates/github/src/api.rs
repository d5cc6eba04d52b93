//! One client for GitHub's REST API, over octocrab, with what octocrab leaves open closed: retries
//! only where safe, bodies with a cap, redirects within the host only, paths encoded.

use http::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Method, Request, StatusCode};
use octocrab::{OctoBody, Octocrab};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::rate_limit::Limited;
use crate::http::{Budget, Client, HttpError, Repeat, Response, causes, collect};
use token::is_protected;

/// The largest JSON answer in bytes.
pub(super) const MAX_JSON: usize = 1 << 20;
/// How many redirects of one request are followed.
const MAX_REDIRECTS: usize = 3;
/// The version of the REST API that the requests are written for.
const API_VERSION: &str = "2022-11-28";

/// What stays as it is in a path segment or a query value (RFC 3986, unreserved).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// GitHub's REST API with one identity.
#[derive(Clone)]
pub struct Api {
    octocrab: Octocrab,
    client: Client,
    base: Url,
    budget: Budget,
}

/// Why a request to GitHub failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// No answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// An answer with an error status.
    #[error("GitHub answered {answer}")]
    Status {
        /// The status.
        status: StatusCode,
        /// Status and message.
        answer: String,
        /// Whether it was one request too many.
        limited: Option<Limited>,
    },
    /// A redirect that is not followed.
    #[error("GitHub redirected to another host or in a circle, which is not followed")]
    Redirect,
    /// An answer of another shape than documented.
    #[error("GitHub's answer is not as documented: {0}")]
    Shape(String),
}

impl ApiError {
    /// The status, where there is one.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The rate limit that refused it, if one did.
    pub fn limited(&self) -> Option<Limited> {
        match self {
            Self::Status { limited, .. } => *limited,
            _ => None,
        }
    }
}

impl Api {
    /// A client for the API at `base` (`GITHUB_API_URL`), acting with `token`.
    ///
    /// # Errors
    /// The URL or the token cannot be used; as a sentence for people.
    pub fn new(
        client: Client,
        base: &str,
        token: Option<&SecretString>,
        budget: Budget,
    ) -> Result<Self, String> {
        let wrong = || format!("the variable `GITHUB_API_URL` is `{base}`, expected an https URL");
        let mut url = Url::parse(base).map_err(|_| wrong())?;
        if !is_protected(&url) {
            return Err(wrong());
        }
        // One slash at its end, so that a path can be put after it.
        let path = format!("{}/", url.path().trim_end_matches('/'));
        url.set_path(&path);
        let mut builder = Octocrab::builder();
        if let Some(token) = token {
            // octocrab panics on a token that is no header value.
            HeaderValue::from_str(token.expose_secret())
                .map_err(|_| "the token has characters that a header cannot carry".to_owned())?;
            builder = builder.personal_token(token.clone());
        }
        // Only the host: octocrab would put the path of the REST API before that of GraphQL.
        let mut host = url.clone();
        host.set_path("/");
        let base_uri: http::Uri = host.as_str().parse().map_err(|_| wrong())?;
        let octocrab = builder
            .base_uri(base_uri)
            .and_then(|builder| builder.build_with_reqwest(client.clone().into_inner()))
            .map_err(|error| causes(&error))?;
        Ok(Self {
            octocrab,
            client,
            base: url,
            budget,
        })
    }

    /// The same with other time.
    pub fn with_budget(&self, budget: Budget) -> Self {
        Self {
            budget,
            ..self.clone()
        }
    }

    /// GETs `path`, which is relative to the API's base and already encoded.
    pub(super) async fn get(
        &self,
        path: &str,
        accept: &str,
        cap: usize,
    ) -> Result<Response, ApiError> {
        let call = Call {
            method: Method::GET,
            accept,
            body: None,
            cap,
        };
        self.call(path, &call, Repeat::Safe).await
    }

    /// POSTs JSON.
    pub(super) async fn post<B: Serialize>(
        &self,
        path: &str,
        body: &B,
        repeat: Repeat,
    ) -> Result<Response, ApiError> {
        let body =
            serde_json::to_string(body).map_err(|error| ApiError::Shape(error.to_string()))?;
        self.call(path, &Call::post(body, MAX_JSON), repeat).await
    }

    /// Makes a call of a whole URL once, and gives any answer back.
    pub(super) async fn send(&self, url: &Url, call: &Call<'_>) -> Result<Response, HttpError> {
        let host = self.client.way_to(url);
        let attempt = || self.once(url, call, &host);
        self.budget.run(Repeat::Never, &host, attempt).await
    }

    /// DELETEs.
    pub(super) async fn delete(&self, path: &str) -> Result<Response, ApiError> {
        let call = Call {
            method: Method::DELETE,
            accept: "application/vnd.github+json",
            body: None,
            cap: MAX_JSON,
        };
        self.call(path, &call, Repeat::Safe).await
    }

    async fn call(
        &self,
        path: &str,
        call: &Call<'_>,
        repeat: Repeat,
    ) -> Result<Response, ApiError> {
        let mut url = self
            .base
            .join(path)
            .map_err(|error| ApiError::Shape(format!("not a path: {error}")))?;
        let host = self.client.way_to(&url);
        for _ in 0..=MAX_REDIRECTS {
            let attempt = || self.once(&url, call, &host);
            let response = self.budget.run(repeat, &host, attempt).await?;
            if call.is_whole(response.status) {
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

    async fn once(&self, url: &Url, call: &Call<'_>, host: &str) -> Result<Response, HttpError> {
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

/// A request before it is sent.
pub(super) struct Call<'a> {
    method: Method,
    accept: &'a str,
    body: Option<String>,
    cap: usize,
}

impl Call<'_> {
    pub(super) fn post(body: String, cap: usize) -> Self {
        Self {
            method: Method::POST,
            accept: "application/vnd.github+json",
            body: Some(body),
            cap,
        }
    }

    /// Whether a status promises what was asked for, whole. What a proxy made of it (203), a part of it (206)
    /// or nothing (204, 304) must not be read as all.
    ///
    /// Source: RFC 9110, section 15.3.
    fn is_whole(&self, status: StatusCode) -> bool {
        match self.method {
            Method::GET => status == StatusCode::OK,
            Method::POST => matches!(status, StatusCode::OK | StatusCode::CREATED),
            _ => status.is_success(),
        }
    }

    /// Where to go on, if the answer is a redirect: within the host only, and a POST only where the
    /// status says that it stays one.
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

/// One path segment or query value, encoded.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// The JSON of an answer.
pub(super) fn json<T: DeserializeOwned>(response: &Response) -> Result<T, ApiError> {
    serde_json::from_slice(&response.body).map_err(|error| ApiError::Shape(error.to_string()))
}
