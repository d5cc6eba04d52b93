//! Checks a request: whose token it is, and whether the policy grants the permission to that job.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::answer::Answer;
use crate::audit::AuditQueue;
use crate::bearer;
use crate::config::Config;
use crate::deciding::{Decided, Decider, Subject};
use crate::keys::{FetchKeys, KeyStore, Renewed};
use analysis::audit::{Circumstances, EnforcedBy, TokenRecord, records};
use analysis::report::{Detail, Failure, Outcome};
use engine::decision::{Decision, PermissionDecision, Reason};
use engine::policy::PermissionKey;
use token::{Expected, SignedClaims, TokenInvalid, verify};

/// Maximum time of a decision, which no other request of the same thread survives.
const MAX_DECISION: Duration = Duration::from_secs(1);

/// Checks requests.
#[derive(Debug)]
pub struct Checker<F> {
    /// What counts.
    pub config: Config,
    /// The issuer's keys.
    pub keys: Arc<KeyStore<F>>,
    /// What decides.
    pub decider: Arc<Decider>,
    /// The audit records.
    pub audit: AuditQueue,
}

/// A job with a verified token, of an account that counts.
struct Job {
    claims: SignedClaims,
    token: TokenRecord,
    started: Instant,
}

impl<F: FetchKeys> Checker<F> {
    /// Decides whether a request with these headers may use a permission. A decision on a verified token has an
    /// audit record before anybody learns it.
    pub async fn check(&self, permission: &PermissionKey, headers: &HeaderMap) -> Answer {
        let started = Instant::now();
        let token = match bearer::token(headers) {
            Ok(token) => token,
            Err(answer) => return answer,
        };
        let claims = match self.verified(token).await {
            Ok(claims) => claims,
            Err(answer) => return answer,
        };
        let job = Job {
            token: TokenRecord {
                jti: claims.as_claims().text("jti").map(str::to_owned),
                sha256: analysis::sha256(token.as_bytes()),
            },
            claims,
            started,
        };
        self.decide(permission, &job).await
    }

    /// Verifies a token: signature, issuer, audience, times, age, and whose repository it is of.
    async fn verified(&self, token: &str) -> Result<SignedClaims, Answer> {
        let keys = self.keys.current().ok_or_else(no_keys)?;
        let claims = match verify(token, &keys, &self.expected()) {
            Err(error) if error.is_unknown_key() => match self.keys.renewed().await {
                Renewed::Keys(keys) => verify(token, &keys, &self.expected()),
                Renewed::Unavailable => return Err(no_keys()),
            },
            verified => verified,
        };
        let claims = claims.map_err(|error| Answer::TokenInvalid(self.described(&error)))?;
        self.check_age(&claims)?;
        self.check_owner(&claims)?;
        Ok(claims)
    }

    fn expected(&self) -> Expected<'_> {
        Expected {
            issuer: &self.config.issuer,
            audience: &self.config.audience,
            now: Timestamp::now(),
        }
    }

    /// Returns the message about a token. The claims of one that is signed by the issuer are those of the sender.
    fn described(&self, error: &TokenInvalid) -> String {
        match self.config.detail {
            Detail::None => "the OIDC token is not valid here".to_owned(),
            Detail::Reason | Detail::Full => error.to_string(),
        }
    }

    fn check_age(&self, claims: &SignedClaims) -> Result<(), Answer> {
        let issued = claims.as_claims().seconds("iat");
        let issued = issued.and_then(|second| Timestamp::from_second(second).ok());
        let age = issued.map(|issued| Timestamp::now().duration_since(issued));
        let limit = SignedDuration::try_from(self.config.max_token_age).unwrap_or_default();
        match age {
            Some(age) if age <= limit => Ok(()),
            _ => Err(Answer::TokenInvalid(format!(
                "the OIDC token is older than {} s: request a new one",
                limit.as_secs()
            ))),
        }
    }

    /// Denies the tokens of strangers, before any policy, look-up or record: the issuer signs for every
    /// repository in the world, with any audience.
    fn check_owner(&self, claims: &SignedClaims) -> Result<(), Answer> {
        let owner = claims.as_claims().text("repository_owner_id");
        let owners = &self.config.owners;
        match owner {
            Some(owner) if owners.iter().any(|id| id.to_string() == owner) => Ok(()),
            _ => Err(Answer::Denied {
                reason: Reason::RepositoryNotFound,
                message: "the repository belongs to an account that does not count here".to_owned(),
                permission: None,
            }),
        }
    }

    async fn decide(&self, permission: &PermissionKey, job: &Job) -> Answer {
        let mut time = MAX_DECISION;
        let subject = Subject::Job(&job.claims);
        let decided = self.decider.decide(permission, subject, &mut time).await;
        match &decided.result {
            Ok(decision) => self.answer(permission, job, decision, &decided),
            Err(failure) => self.failed(permission, job, failure, &decided),
        }
    }

    fn answer(
        &self,
        permission: &PermissionKey,
        job: &Job,
        decision: &PermissionDecision,
        decided: &Decided,
    ) -> Answer {
        let context_values = decided.context.as_context();
        let outcome = |detail| {
            let record = decided.policy_record().unwrap_or_default();
            Outcome {
                own_policy: decided.own_record(),
                ..Outcome::decided(vec![decision.clone()], context_values, record, detail)
            }
        };
        let full = outcome(Detail::Full);
        if let Err(answer) = self.record(&full, permission, decided.workspace(), job) {
            return answer;
        }
        if full.decision != Decision::Allowed {
            return Answer::Denied {
                reason: full.reason,
                message: outcome(self.config.detail).message,
                permission: Some(permission.clone()),
            };
        }
        // The upstream reads this value: without it, nothing passes.
        match context_values.repository.clone() {
            Some(repository) if HeaderValue::from_str(&repository).is_ok() => Answer::Granted {
                repository,
                rule: (self.config.detail == Detail::Full).then(|| full.rule()),
            },
            _ => Answer::Unavailable {
                reason: Some(Reason::Internal),
                message: "the repository's name is none that a header can carry".to_owned(),
            },
        }
    }

    fn failed(
        &self,
        permission: &PermissionKey,
        job: &Job,
        failure: &Failure,
        decided: &Decided,
    ) -> Answer {
        let context = Some(decided.context.as_context());
        let outcome = |detail| Outcome {
            own_policy: decided.own_record(),
            ..Outcome::failed(failure, context, decided.policy_record(), detail)
        };
        if let Err(answer) = self.record(&outcome(Detail::Full), permission, None, job) {
            return answer;
        }
        let message = match self.config.detail {
            Detail::None => "the policy cannot be used now".to_owned(),
            detail => outcome(detail).message,
        };
        Answer::Unavailable {
            reason: Some(failure.reason),
            message,
        }
    }

    /// Keeps the record of a check. A check that leaves no record has no other answer than 503.
    fn record(
        &self,
        outcome: &Outcome<'_>,
        permission: &PermissionKey,
        workspace: Option<&str>,
        job: &Job,
    ) -> Result<(), Answer> {
        let repository = outcome
            .context
            .and_then(|context| context.repository.as_deref());
        let circumstances = Circumstances {
            source: format!(
                "{}/{}",
                self.config.issuer.server(),
                repository.unwrap_or_default()
            ),
            time: Timestamp::now().to_string(),
            id: random_id().ok_or_else(no_record)?,
            asked: vec![permission.to_string()],
            enforced_by: EnforcedBy::Request,
            workspace: workspace.map(str::to_owned),
            token: Some(job.token.clone()),
            duration_ms: u64::try_from(job.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            ..Circumstances::default()
        };
        for record in records(outcome, &circumstances) {
            self.audit.add(&record).map_err(|_| no_record())?;
        }
        Ok(())
    }
}

fn no_keys() -> Answer {
    Answer::Unavailable {
        reason: Some(Reason::TokenUnavailable),
        message: "the issuer's keys are not available: the token cannot be verified now".to_owned(),
    }
}

fn no_record() -> Answer {
    Answer::Unavailable {
        reason: None,
        message: "the audit record cannot be kept: without it, nothing is decided".to_owned(),
    }
}

/// Returns 32 random hexadecimal digits.
pub(crate) fn random_id() -> Option<String> {
    let mut random = [0_u8; 16];
    SystemRandom::new().fill(&mut random).ok()?;
    Some(engine::hex(&random))
}
