//! Who the job is: its OIDC token, asked for and verified.

use jiff::Timestamp;
use reqwest::Client;
use secrecy::ExposeSecret;

use super::environment::Environment;
use super::runtime::Runtime;
use super::workflow::Log;
use crate::decision::Reason;
use crate::http::Budget;
use crate::oidc::{
    Expected, Issuer, KeysError, SignedClaims, TokenEndpoint, TokenInvalid, Unavailable, keys,
    verify,
};
use crate::report::Failure;

/// Asks for the token and the issuer's keys at once, and verifies the token.
///
/// # Errors
/// There is no token or no key set, or the token is not valid or not this job's.
pub async fn identify(
    environment: &Environment,
    runtime: &Runtime,
    issuer: &Issuer,
    audience: &str,
    client: &Client,
    budget: Budget,
    clock: fn() -> Timestamp,
) -> Result<SignedClaims, Failure> {
    let endpoint = endpoint(environment, runtime)?;
    let token = async {
        let token = endpoint.token(client, budget, audience).await;
        let token = token.map_err(|error| unavailable(&error))?;
        Log.mask(&token);
        Ok(token)
    };
    let published = async { keys(client, budget, issuer).await.map_err(keys_failure) };
    let (token, published) = tokio::try_join!(token, published)?;
    let check = |keys| {
        let expected = Expected {
            issuer,
            audience,
            now: clock(),
        };
        verify(token.expose_secret(), keys, &expected)
    };
    let claims = match check(&published) {
        // The issuer rotates its keys: once more, in case the set was an older one.
        Err(error) if error.is_unknown_key() => {
            let fresh = keys(client, budget, issuer).await.map_err(keys_failure)?;
            check(&fresh)
        }
        verified => verified,
    };
    let claims = claims.map_err(|error| invalid(&error))?;
    runtime
        .job
        .agree_with(&claims)
        .map_err(|error| Failure::new(Reason::TokenMismatch, error.to_string()))?;
    Ok(claims)
}

fn endpoint(environment: &Environment, runtime: &Runtime) -> Result<TokenEndpoint, Failure> {
    let url = environment.get("ACTIONS_ID_TOKEN_REQUEST_URL");
    let token = environment.secret("ACTIONS_ID_TOKEN_REQUEST_TOKEN");
    let (Some(url), Some(token)) = (url, token) else {
        let hint = if runtime.job.event_name.starts_with("pull_request") {
            "give the job `id-token: write`; a pull request from a fork (or by Dependabot) gets no token whatever the job asks for"
        } else {
            "give the job `id-token: write` (and its caller, if this is a reusable workflow)"
        };
        return Err(Failure::new(
            Reason::TokenUnavailable,
            format!("this job has no OIDC token endpoint: {hint}"),
        ));
    };
    TokenEndpoint::new(url, &token).map_err(|error| unavailable(&error))
}

fn unavailable(error: &Unavailable) -> Failure {
    Failure::new(Reason::TokenUnavailable, error.to_string())
}

fn keys_failure(error: KeysError) -> Failure {
    match error {
        KeysError::Unavailable(error) => unavailable(&error),
        KeysError::Invalid(error) => Failure::new(Reason::TokenInvalid, error.to_string()),
    }
}

fn invalid(error: &TokenInvalid) -> Failure {
    Failure::new(Reason::TokenInvalid, error.to_string())
}
