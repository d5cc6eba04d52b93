//! Asking the Actions runtime for the job's OIDC token, and the issuer for its keys.

use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderValue, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use crate::http::{Budget, Client, HttpError, Repeat, Response, collect};
use token::Issuer;
use token::discovery::{self, MAX_DOCUMENT};
use token::is_protected;
use token::{KeySet, MAX_KEYS, NoKey};

/// The largest answer of the token endpoint in bytes.
const MAX_ANSWER: usize = 1 << 20;

/// The token endpoint of the job, as the runner announces it.
#[derive(Clone, Debug)]
pub struct TokenEndpoint {
    url: Url,
    authorization: HeaderValue,
}

/// Why there is no token, or no keys to verify it with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The job may not ask for one.
    #[error("{0}")]
    NoEndpoint(String),
    /// It cannot be reached.
    #[error("{what} cannot be reached: {why}")]
    Unreachable {
        /// The token endpoint or the issuer's keys.
        what: &'static str,
        /// The last attempt's error.
        why: HttpError,
    },
    /// It answers with an error.
    #[error("{what} answered {answer}")]
    Refused {
        /// The token endpoint or the issuer's keys.
        what: &'static str,
        /// Status and message.
        answer: String,
    },
    /// It answers with something else than a token.
    #[error("the OIDC token endpoint answered without a token: {0}")]
    NoToken(String),
}

impl TokenEndpoint {
    /// Reads `ACTIONS_ID_TOKEN_REQUEST_URL` and `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
    ///
    /// # Errors
    /// The URL is not an https URL, or the token cannot be sent in a header.
    pub fn new(url: &str, token: &SecretString) -> Result<Self, Unavailable> {
        let wrong = |what: &str| Unavailable::NoEndpoint(what.to_owned());
        let url = Url::parse(url)
            .map_err(|_| wrong("the variable `ACTIONS_ID_TOKEN_REQUEST_URL` is not a URL"))?;
        if !is_protected(&url) {
            return Err(wrong(
                "the variable `ACTIONS_ID_TOKEN_REQUEST_URL` is not an https URL",
            ));
        }
        let bearer = format!("Bearer {}", token.expose_secret());
        let mut authorization = HeaderValue::from_str(&bearer).map_err(|_| {
            wrong("the variable `ACTIONS_ID_TOKEN_REQUEST_TOKEN` has characters that a header cannot carry")
        })?;
        authorization.set_sensitive(true);
        Ok(Self { url, authorization })
    }

    /// Asks for a token of the audience. The URL's own query is kept; an audience in it is replaced.
    ///
    /// # Errors
    /// No answer within the budget, an error, or no token in the answer.
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
pub enum KeysError {
    /// They cannot be had.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// What came is no key set.
    #[error(transparent)]
    Invalid(#[from] NoKey),
}

/// Fetches the issuer's keys.
///
/// # Errors
/// No answer within the budget, an error, or no key set.
pub async fn keys(client: &Client, budget: Budget, issuer: &Issuer) -> Result<KeySet, KeysError> {
    let is_no_url = |error: url::ParseError| {
        Unavailable::NoEndpoint(format!("the issuer `{issuer}` is not a URL: {error}"))
    };
    let url = match issuer.keys_url() {
        Some(url) => Url::parse(&url).map_err(is_no_url)?,
        None => {
            const WHAT: &str = "the issuer's discovery document";
            let url = Url::parse(&issuer.discovery_url()).map_err(is_no_url)?;
            let document = published(client, budget, &url, MAX_DOCUMENT, WHAT).await?;
            discovery::keys_url(issuer, &document)?
        }
    };
    let json = published(client, budget, &url, MAX_KEYS, "the issuer's key set").await?;
    Ok(KeySet::parse(&json)?)
}

/// A document that the issuer publishes: nothing but a whole answer from that URL is one.
async fn published(
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
    let host = client.way_to(url);
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
    budget.run(Repeat::Safe, &host, attempt).await
}
