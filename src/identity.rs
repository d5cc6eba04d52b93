//! Who the job is: its OIDC token, asked for and verified.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::order::behind;
use super::runtime::Runtime;
use super::workflow::Log;
use analysis::audit::TokenRecord;
use analysis::report::Failure;
use engine::decision::Reason;
use github::http::{Budget, Client};
use github::{KeysError, TokenEndpoint, Unavailable, keys};
use platform::Environment;
use token::{Expected, Issuer, KeySet, NoKey, SignedClaims, TokenInvalid, verify};

/// What a token of this job has to be.
pub struct Job<'a> {
    /// Where the token is asked for.
    pub environment: &'a Environment,
    /// What it has to agree with.
    pub runtime: &'a Runtime,
    /// Who has to have issued it.
    pub issuer: &'a Issuer,
    /// For whom.
    pub audience: &'a str,
    /// When.
    pub clock: fn() -> Timestamp,
}

impl Job<'_> {
    /// Asks for the token and the issuer's keys at once, for the token first, and verifies it.
    ///
    /// # Errors
    /// There is no token or no key set, or the token is not valid or not this job's.
    pub async fn identify(
        &self,
        client: &Client,
        budget: Budget,
    ) -> Result<(SignedClaims, TokenRecord), Failure> {
        let endpoint = endpoint(self.environment, self.runtime)?;
        let token = async {
            let token = endpoint.token(client, budget, self.audience).await;
            let token = token.map_err(|error| unavailable(&error))?;
            Log.mask(&token);
            Ok(token)
        };
        let published = async {
            keys(client, budget, self.issuer)
                .await
                .map_err(keys_failure)
        };
        let (token, published) = tokio::try_join!(biased; token, behind(published))?;
        let claims = match self.check(&token, &published) {
            // The issuer rotates its keys: once more, in case the set was an older one.
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
            Failure::new(Reason::TokenInvalid, message)
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
        Ok((claims, record))
    }

    /// What to do about a token of another issuer. The value is only that of a token that a key of the
    /// expected issuer signed for this very job, and differs from it in the enterprise slug alone: an
    /// earlier step could have any other token handed over, to have its issuer trusted.
    fn advice(&self, error: &TokenInvalid) -> String {
        const INPUT: &str = "the input `issuer` names the issuer of an enterprise that has its own";
        match error {
            TokenInvalid::Issuer { claims, .. } => {
                let issuer = claims
                    .text("iss")
                    .filter(|_| self.runtime.job.are_in(claims));
                match issuer.and_then(|issuer| self.issuer.sibling(issuer)) {
                    Some(issuer) if issuer == Issuer::of_server(&self.runtime.server) => {
                        "; leave the input `issuer` out".to_owned()
                    }
                    Some(issuer) => format!("; set the input `issuer` to `{issuer}`"),
                    None => format!("; {INPUT}"),
                }
            }
            TokenInvalid::Key(NoKey::Unknown(_)) => {
                format!(" (it was looked for at `{}`; {INPUT})", self.issuer)
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

fn endpoint(environment: &Environment, runtime: &Runtime) -> Result<TokenEndpoint, Failure> {
    let url = environment.get("ACTIONS_ID_TOKEN_REQUEST_URL");
    let token = environment.secret("ACTIONS_ID_TOKEN_REQUEST_TOKEN");
    let (Some(url), Some(token)) = (url, token) else {
        let hint = if runtime.job.event_name.starts_with("pull_request") {
            "give the job `id-token: write`; a pull request from a fork gets no token whatever the job asks for, and one by Dependabot may get none"
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
