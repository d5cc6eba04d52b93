//! Whether a token is this job's: its claims against the runner's own variables.

use super::claims::SignedClaims;

/// The runner's variables that a token has to agree with. Earlier steps cannot set `GITHUB_*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobVariables {
    /// `GITHUB_REPOSITORY`
    pub repository: String,
    /// `GITHUB_REPOSITORY_ID`
    pub repository_id: String,
    /// `GITHUB_RUN_ID`
    pub run_id: String,
    /// `GITHUB_RUN_ATTEMPT`
    pub run_attempt: String,
    /// `GITHUB_SHA`
    pub sha: String,
    /// `GITHUB_EVENT_NAME`
    pub event_name: String,
}

/// A claim that is another job's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the OIDC token is not this job's: its `{claim}` is {seen}, `{variable}` is `{expected}`")]
pub struct Mismatch {
    claim: &'static str,
    variable: &'static str,
    seen: String,
    expected: String,
}

impl JobVariables {
    /// Holds the claims against the variables.
    ///
    /// # Errors
    /// The first that differs or is absent.
    pub fn agree_with(&self, claims: &SignedClaims) -> Result<(), Mismatch> {
        let pairs = [
            ("repository", "GITHUB_REPOSITORY", &self.repository),
            ("repository_id", "GITHUB_REPOSITORY_ID", &self.repository_id),
            ("run_id", "GITHUB_RUN_ID", &self.run_id),
            ("run_attempt", "GITHUB_RUN_ATTEMPT", &self.run_attempt),
            ("sha", "GITHUB_SHA", &self.sha),
            ("event_name", "GITHUB_EVENT_NAME", &self.event_name),
        ];
        for (claim, variable, expected) in pairs {
            let seen = claims.as_claims().text(claim);
            let agrees = seen.is_some_and(|seen| match claim {
                // GitHub compares the names of repositories without case.
                "repository" => seen.eq_ignore_ascii_case(expected),
                _ => seen == expected,
            });
            if !agrees {
                return Err(Mismatch {
                    claim,
                    variable,
                    seen: seen.map_or_else(|| "absent".to_owned(), |seen| format!("`{seen}`")),
                    expected: expected.clone(),
                });
            }
        }
        Ok(())
    }
}
