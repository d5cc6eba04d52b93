//! Identifies the job: requests and verifies its OIDC token.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::priority::low_priority;
use super::runner::Log;
use super::runtime::Runtime;
use analysis::audit::TokenRecord;
use analysis::report::Failure;
use engine::decision::Reason;
use github::http::{Budget, Client};
use github::{FetchKeysError, TokenEndpoint, Unavailable, keys};
use platform::Variables;
use token::{Expected, Issuer, KeyError, KeySet, SignedClaims, TokenInvalid, verify};

/// Advice for a job that may not request a token.
const OF_PERMISSION: &str = "Give the job `permissions:` with `id-token: write`. Pull requests from forks get no token: run the gate on `push` or `merge_group` instead.";
/// Advice for a token of another issuer.
const OF_ISSUER: &str = "Nothing was granted. Correct the input `issuer` as the message says; if the job never has a token of that issuer, look for a step or a proxy that replaces the token.";

/// The values that identify a token of this job.
pub struct Job<'a> {
    /// Contain the token endpoint.
    pub variables: &'a Variables,
    /// The values that the token must match.
    pub runtime: &'a Runtime,
    /// The expected issuer.
    pub issuer: &'a Issuer,
    /// The expected audience.
    pub audience: &'a str,
    /// Returns the current time.
    pub clock: fn() -> Timestamp,
}

/// A job whose token was verified.
#[derive(Debug)]
pub struct Identity {
    /// The claims of the token.
    pub claims: SignedClaims,
    /// What identifies the token in records.
    pub record: TokenRecord,
    /// The token.
    pub token: SecretString,
}

impl Job<'_> {
    /// Requests the token and the issuer's keys concurrently, the token first, and verifies the token.
    ///
    /// # Errors
    /// The token or the key set is unavailable, or the token is invalid or belongs to another job.
    pub async fn identify(&self, client: &Client, budget: Budget) -> Result<Identity, Failure> {
        let endpoint = endpoint(self.variables, self.runtime)?;
        let token = async {
            let token = endpoint.token(client, budget, self.audience).await;
            let token = token.map_err(|error| unavailable(&error))?;
            Log.mask(&token);
            Ok(token)
        };
        let key_set = async {
            keys(client, budget, self.issuer)
                .await
                .map_err(keys_failure)
        };
        let (token, key_set) = tokio::try_join!(biased; token, low_priority(key_set))?;
        let claims = match self.check(&token, &key_set) {
            // The issuer rotates its keys, and the set may be outdated: fetch it once more.
            Err(error) if error.is_unknown_key() => {
                let fresh = keys(client, budget, self.issuer)
                    .await
                    .map_err(keys_failure)?;
                self.check(&token, &fresh)
            }
            verified => verified,
        };
        let claims = claims.map_err(|error| {
            let message = format!("{error}{}", self.advice(&error));
            let failure = Failure::new(Reason::TokenInvalid, message);
            match error {
                TokenInvalid::Issuer { .. } => failure.advising(OF_ISSUER),
                _ => failure,
            }
        })?;
        self.runtime
            .job
            .agree_with(&claims)
            .map_err(|error| Failure::new(Reason::TokenMismatch, error.to_string()))?;
        if self.runtime.lends_tokens(claims.as_claims()) {
            Log.warning(
                "the input `check-run-id` is empty, and the OIDC token has `check_run_id`: any job of this run could \
                 lend its token to this one; leave the input out, or set it to `${{ job.check_run_id }}`",
            );
        }
        let record = TokenRecord {
            jti: claims.as_claims().text("jti").map(str::to_owned),
            sha256: analysis::sha256(token.expose_secret().as_bytes()),
        };
        Ok(Identity {
            claims,
            record,
            token,
        })
    }

    /// Returns advice for a token of another issuer. It names an issuer only if a key of the expected issuer
    /// signed the token for this job, and the issuers differ in the enterprise slug only. Otherwise an earlier
    /// step could inject any token to make somebody trust its issuer.
    fn advice(&self, error: &TokenInvalid) -> String {
        const INPUT: &str = "if the enterprise has its own issuer, name it in the input `issuer`";
        match error {
            TokenInvalid::Issuer { claims, .. } => {
                let issuer = claims
                    .text("iss")
                    .filter(|_| self.runtime.job.match_unverified(claims));
                match issuer.and_then(|issuer| self.issuer.sibling(issuer)) {
                    Some(issuer) if issuer == Issuer::of_server(&self.runtime.server) => {
                        "; leave the input `issuer` out".to_owned()
                    }
                    Some(issuer) => format!("; set the input `issuer` to `{issuer}`"),
                    None => format!("; {INPUT}"),
                }
            }
            TokenInvalid::Key(KeyError::Unknown(_)) => {
                format!(" (`{}` publishes other keys; {INPUT})", self.issuer)
            }
            _ => String::new(),
        }
    }

    fn check(&self, token: &SecretString, keys: &KeySet) -> Result<SignedClaims, TokenInvalid> {
        let expected = Expected {
            issuer: self.issuer,
            audience: self.audience,
            now: (self.clock)(),
        };
        verify(token.expose_secret(), keys, &expected)
    }
}

fn endpoint(variables: &Variables, runtime: &Runtime) -> Result<TokenEndpoint, Failure> {
    let url = variables.get("ACTIONS_ID_TOKEN_REQUEST_URL");
    let token = variables.secret("ACTIONS_ID_TOKEN_REQUEST_TOKEN");
    let (Some(url), Some(token)) = (url, token) else {
        let hint = if runtime.job.event_name.starts_with("pull_request") {
            "give the job `id-token: write`; a pull request from a fork gets no token whatever the job asks for, and one by Dependabot may get none"
        } else {
            "give the job `id-token: write` (and its caller, if this is a reusable workflow)"
        };
        return Err(Failure::new(
            Reason::TokenUnavailable,
            format!("this job has no OIDC token endpoint: {hint}"),
        )
        .advising(OF_PERMISSION));
    };
    TokenEndpoint::new(url, &token).map_err(|error| unavailable(&error))
}

fn unavailable(error: &Unavailable) -> Failure {
    Failure::new(Reason::TokenUnavailable, error.to_string())
}

fn keys_failure(error: FetchKeysError) -> Failure {
    match error {
        FetchKeysError::Unavailable(error) => unavailable(&error),
        FetchKeysError::Invalid(error) => Failure::new(Reason::TokenInvalid, error.to_string()),
    }
}
