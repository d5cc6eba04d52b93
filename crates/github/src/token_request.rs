//! Requests the job's OIDC token from the Actions runtime, and the issuer's keys.

use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderValue, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use crate::http::{Budget, Client, HttpError, Response, Retry, collect};
use token::Issuer;
use token::discovery::{self, MAX_DISCOVERY};
use token::{KeyError, KeySet, MAX_KEY_SET};
use token::{is_https_or_loopback, written_url};

/// Maximum size of the token endpoint's response in bytes.
const MAX_ANSWER: usize = 1 << 20;

/// The job's token endpoint, from the runner's variables.
#[derive(Clone, Debug)]
pub struct TokenEndpoint {
    url: Url,
    authorization: HeaderValue,
}

/// Why the token or its keys are unavailable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The runner's variables name no usable endpoint.
    #[error("{0}")]
    NoEndpoint(String),
    /// No response arrived.
    #[error("{what} cannot be reached: {why}")]
    Unreachable {
        /// The token endpoint or the issuer's keys.
        what: &'static str,
        /// The last attempt's error.
        why: HttpError,
    },
    /// The server responded with an error.
    #[error("{what} answered {answer}")]
    Refused {
        /// The token endpoint or the issuer's keys.
        what: &'static str,
        /// Status and message.
        answer: String,
    },
    /// The response does not contain a token.
    #[error("the OIDC token endpoint answered without a token: {0}")]
    NoToken(String),
}

impl TokenEndpoint {
    /// Parses `ACTIONS_ID_TOKEN_REQUEST_URL` and `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
    ///
    /// # Errors
    /// The URL is not an https URL, or the token is not a valid header value.
    pub fn new(url: &str, token: &SecretString) -> Result<Self, Unavailable> {
        let invalid = |what: &str| Unavailable::NoEndpoint(what.to_owned());
        let url = written_url(url)
            .ok_or_else(|| invalid("the variable `ACTIONS_ID_TOKEN_REQUEST_URL` is not a URL"))?;
        if !is_https_or_loopback(&url) {
            return Err(invalid(
                "the variable `ACTIONS_ID_TOKEN_REQUEST_URL` is not an https URL",
            ));
        }
        let bearer = format!("Bearer {}", token.expose_secret());
        let mut authorization = HeaderValue::from_str(&bearer).map_err(|_| {
            invalid("the variable `ACTIONS_ID_TOKEN_REQUEST_TOKEN` has characters that a header cannot carry")
        })?;
        authorization.set_sensitive(true);
        Ok(Self { url, authorization })
    }

    /// Requests a token for an audience. It keeps the URL's query, except for an audience, which it replaces.
    ///
    /// # Errors
    /// No response within the budget, an error status, or a response without a token.
    pub async fn token(
        &self,
        client: &Client,
        budget: Budget,
        audience: &str,
    ) -> Result<SecretString, Unavailable> {
        const WHAT: &str = "the OIDC token endpoint";
        let mut url = self.url.clone();
        let kept: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(name, _)| name != "audience")
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        url.query_pairs_mut()
            .clear()
            .extend_pairs(kept)
            .append_pair("audience", audience);
        let response = get(client, budget, &url, Some(&self.authorization), MAX_ANSWER)
            .await
            .map_err(|why| Unavailable::Unreachable { what: WHAT, why })?;
        if response.status != StatusCode::OK {
            return Err(Unavailable::Refused {
                what: WHAT,
                answer: response.describe(),
            });
        }
        #[derive(Deserialize)]
        struct Answer {
            value: SecretString,
        }
        let answer: Answer = serde_json::from_slice(&response.body)
            .map_err(|_| Unavailable::NoToken("expected JSON with a `value`".to_owned()))?;
        if answer.value.expose_secret().is_empty() {
            return Err(Unavailable::NoToken("its `value` is empty".to_owned()));
        }
        Ok(answer.value)
    }
}

/// Why the issuer's keys cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchKeysError {
    /// The keys could not be fetched.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The response is not a key set.
    #[error(transparent)]
    Invalid(#[from] KeyError),
}

/// Fetches the issuer's keys.
///
/// # Errors
/// No response within the budget, an error status, or a response that is not a key set.
pub async fn keys(
    client: &Client,
    budget: Budget,
    issuer: &Issuer,
) -> Result<KeySet, FetchKeysError> {
    let invalid_url = |error: url::ParseError| {
        Unavailable::NoEndpoint(format!("the issuer `{issuer}` is not a URL: {error}"))
    };
    let url = match issuer.keys_url() {
        Some(url) => Url::parse(&url).map_err(invalid_url)?,
        None => {
            const WHAT: &str = "the issuer's discovery document";
            let url = Url::parse(&issuer.discovery_url()).map_err(invalid_url)?;
            let document = fetch(client, budget, &url, MAX_DISCOVERY, WHAT).await?;
            discovery::keys_url(issuer, &document)?
        }
    };
    let json = fetch(client, budget, &url, MAX_KEY_SET, "the issuer's key set").await?;
    Ok(KeySet::parse(&json)?)
}

/// Fetches a document of the issuer. Only a complete response from the exact URL counts.
async fn fetch(
    client: &Client,
    budget: Budget,
    url: &Url,
    cap: usize,
    what: &'static str,
) -> Result<Vec<u8>, Unavailable> {
    let response = get(client, budget, url, None, cap)
        .await
        .map_err(|why| Unavailable::Unreachable { what, why })?;
    if response.status != StatusCode::OK {
        let answer = response.describe();
        return Err(Unavailable::Refused { what, answer });
    }
    Ok(response.body)
}

async fn get(
    client: &Client,
    budget: Budget,
    url: &Url,
    authorization: Option<&HeaderValue>,
    cap: usize,
) -> Result<Response, HttpError> {
    let host = client.host_and_proxy(url);
    let attempt = || async {
        let mut request = client.get(url).header(ACCEPT, "application/json");
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let response = request
            .send()
            .await
            .map_err(|error| client.failure(&error, url))?;
        collect(http::Response::from(response), cap, &host).await
    };
    budget.run(Retry::Safe, &host, attempt).await
}
