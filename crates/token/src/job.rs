//! Compares a token's claims with the runner's variables: does the token belong to this job?

use engine::Claims;

use super::signed::SignedClaims;

/// The runner's variables that a token must match. Earlier steps cannot set `GITHUB_*`.
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
    /// `job.check_run_id`, which tells the jobs of one run apart. Only an input can pass it on. Absent on
    /// servers that do not provide it.
    pub check_run_id: Option<String>,
}

/// A claim of another job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the OIDC token belongs to another job: its `{claim}` is {seen}, `{variable}` is `{expected}`"
)]
pub struct Mismatch {
    claim: &'static str,
    variable: &'static str,
    seen: String,
    expected: String,
}

impl JobVariables {
    /// Compares verified claims with the variables.
    ///
    /// # Errors
    /// The first claim that differs or is absent.
    pub fn agree_with(&self, claims: &SignedClaims) -> Result<(), Mismatch> {
        self.compare(claims.as_claims())
    }

    /// Returns whether claims that verification rejected belong to this job.
    pub fn match_unverified(&self, claims: &Claims) -> bool {
        self.compare(claims).is_ok()
    }

    fn compare(&self, claims: &Claims) -> Result<(), Mismatch> {
        let pairs = [
            ("repository", "GITHUB_REPOSITORY", &self.repository),
            ("repository_id", "GITHUB_REPOSITORY_ID", &self.repository_id),
            ("run_id", "GITHUB_RUN_ID", &self.run_id),
            ("run_attempt", "GITHUB_RUN_ATTEMPT", &self.run_attempt),
            ("sha", "GITHUB_SHA", &self.sha),
            ("event_name", "GITHUB_EVENT_NAME", &self.event_name),
        ];
        // A token without the claim is rejected too: otherwise an attacker would use a token of a job
        // whose tokens lack it.
        let this_job = self
            .check_run_id
            .as_ref()
            .map(|id| ("check_run_id", "check-run-id", id));
        for (claim, variable, expected) in pairs.into_iter().chain(this_job) {
            let seen = claims.text(claim);
            let agrees = seen.is_some_and(|seen| match claim {
                // GitHub ignores case in repository names.
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn claims() -> Value {
        json!({
            "repository": "acme-org/infra", "repository_id": "123", "run_id": "7", "run_attempt": "1",
            "sha": "c0ffee", "event_name": "push", "check_run_id": "39",
        })
    }

    fn job() -> JobVariables {
        JobVariables {
            repository: "acme-org/infra".into(),
            repository_id: "123".into(),
            run_id: "7".into(),
            run_attempt: "1".into(),
            sha: "c0ffee".into(),
            event_name: "push".into(),
            check_run_id: Some("39".into()),
        }
    }

    fn agrees(job: &JobVariables, claims: Value) -> Result<(), Mismatch> {
        let claims = SignedClaims::new(serde_json::from_value(claims).unwrap());
        job.agree_with(&claims)
    }

    #[test]
    #[expect(clippy::print_stdout, reason = "the count is documented")]
    fn another_jobs_token() {
        let mut refused = 0;
        for (name, ours) in claims().as_object().unwrap() {
            let ours_text = ours.as_str().unwrap();
            for other in [
                json!("another"),
                json!(format!("{ours_text} ")),
                json!(format!("{ours_text}0")),
                json!(""),
                json!(7),
                json!([ours]),
                Value::Null,
            ] {
                let mut theirs = claims();
                theirs[name] = other.clone();
                let error = agrees(&job(), theirs).unwrap_err().to_string();
                assert!(
                    error.contains(&format!("its `{name}` is")),
                    "{name} {other}: {error}"
                );
                refused += 1;
            }
            let mut without = claims();
            without.as_object_mut().unwrap().remove(name);
            let error = agrees(&job(), without).unwrap_err().to_string();
            assert!(error.contains("absent"), "{error}");
            refused += 1;
        }
        println!("another job's token: {refused} refused");
        assert_eq!(agrees(&job(), claims()), Ok(()));
        let mut written = claims();
        written["repository"] = json!("Acme-Org/INFRA");
        assert_eq!(agrees(&job(), written), Ok(()));
    }

    #[test]
    fn a_server_without_ids_of_check_runs() {
        let of_server = JobVariables {
            check_run_id: None,
            ..job()
        };
        let mut without = claims();
        without.as_object_mut().unwrap().remove("check_run_id");
        assert_eq!(agrees(&of_server, without), Ok(()));
        assert_eq!(agrees(&of_server, claims()), Ok(()));
    }
}
