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
use crate::deciding::{Decided, DecidedContext, Decider, Grounds, Subject, decimal};
use crate::keys::{FetchKeys, KeyStore, Renewed};
use crate::policy::ActivePolicy;
use crate::resource::Resource;
use crate::slow::apart;
use analysis::audit::{Circumstances, EnforcedBy, TokenRecord, records};
use analysis::report::text::visible;
use analysis::report::{Detail, Failure, Outcome};
use engine::decision::{Decision, PermissionDecision, Reason};
use engine::policy::PermissionKey;
use token::{Expected, KeyError, SignedClaims, SignedContext, TokenInvalid, verify};

/// Maximum processor time of the decisions of a request or a review.
pub const MAX_DECISION: Duration = Duration::from_secs(1);

/// Number of rules in a decision whose record takes longer than other requests of the same worker should wait.
const LONG_TRACE: usize = 1000;

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
#[derive(Debug)]
pub struct Job {
    claims: SignedClaims,
    token: TokenRecord,
    started: Instant,
}

/// The answer to a check, and what explains it.
#[derive(Debug)]
pub struct Checked {
    /// The answer.
    pub answer: Answer,
    /// The decision of the policy, if there is one.
    pub explained: Option<Explained>,
}

/// A decision of the policy with all that it rests on. No answer shows more of it than the configuration allows.
#[derive(Debug)]
pub struct Explained {
    /// The decision.
    pub decision: PermissionDecision,
    /// The job.
    pub context: DecidedContext,
    /// The policy.
    pub policy: Arc<ActivePolicy>,
    /// End of the message about a denial.
    pub note: &'static str,
}

impl From<Answer> for Checked {
    fn from(answer: Answer) -> Self {
        Self {
            answer,
            explained: None,
        }
    }
}

impl<F: FetchKeys> Checker<F> {
    /// Decides whether a request with these headers may use a permission. A decision on a verified token has an
    /// audit record before anybody learns it.
    pub async fn check(&self, permission: &PermissionKey, headers: &HeaderMap) -> Answer {
        let token = match bearer::token(headers) {
            Ok(token) => token,
            Err(answer) => return answer,
        };
        let job = match self.identify(token).await {
            Ok(job) => job,
            Err(answer) => return answer,
        };
        let mut time = MAX_DECISION;
        self.decide(permission, &job, None, &mut time).await.answer
    }

    /// Returns the job of a token.
    ///
    /// # Errors
    /// The token is not valid here, its account does not count, or the keys are not available.
    pub async fn identify(&self, token: &str) -> Result<Job, Answer> {
        let started = Instant::now();
        let claims = self.verified(token).await?;
        Ok(Job {
            token: TokenRecord {
                jti: claims.as_claims().text("jti").map(str::to_owned),
                sha256: analysis::sha256(token.as_bytes()),
            },
            claims,
            started,
        })
    }

    /// Verifies a token: signature, issuer, audience, times, age, and whose repository it is of.
    async fn verified(&self, token: &str) -> Result<SignedClaims, Answer> {
        let keys = self.keys.current().ok_or_else(no_keys)?;
        let claims = match verify(token, &keys, &self.expected()) {
            Err(TokenInvalid::Key(KeyError::Unknown(kid))) => match self.keys.renewed(&kid).await {
                Renewed::Keys(keys) => verify(token, &keys, &self.expected()),
                Renewed::Later(after) => return Err(Answer::KeyUnknown { after }),
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
            Detail::Reason | Detail::Full => visible(&error.to_string()).into_owned(),
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
        match owner.and_then(decimal) {
            Some(owner) if self.config.owners.contains(&owner) => Ok(()),
            _ => Err(Answer::Denied {
                reason: Reason::RepositoryNotFound,
                message: "the repository belongs to an account that does not count here".to_owned(),
                permission: None,
            }),
        }
    }

    /// Decides whether a job may use a permission, within `time`, from which it takes what its decisions need. `resource`
    /// is what the permission is for, if the request says so.
    pub async fn decide(
        &self,
        permission: &PermissionKey,
        job: &Job,
        resource: Option<&Resource>,
        time: &mut Duration,
    ) -> Checked {
        let asked = Asked {
            permission,
            job,
            resource,
        };
        if let Some(resource) = resource {
            let context = job.claims.context(None);
            if resource.is_other_repository(context.as_context()) {
                return self.of_other_repository(&asked, &context).into();
            }
        }
        let subject = Subject::Job(&job.claims);
        let decided = self.decider.decide(permission, subject, time).await;
        let Decided { result, grounds } = decided;
        match (result, grounds.policy.clone()) {
            (Ok(decision), Some(policy)) if decision.trace.len() <= LONG_TRACE => {
                self.answer(&asked, decision, policy, grounds)
            }
            (Ok(decision), Some(policy)) => apart(|| {
                let started = platform::thread_time();
                let checked = self.answer(&asked, decision, policy, grounds);
                *time = time.saturating_sub(platform::thread_time().saturating_sub(started));
                checked
            }),
            (Ok(_), None) => no_decision().into(),
            (Err(failure), _) => self.failed(&asked, &failure, &grounds).into(),
        }
    }

    fn answer(
        &self,
        asked: &Asked<'_>,
        decision: PermissionDecision,
        policy: Arc<ActivePolicy>,
        grounds: Grounds,
    ) -> Checked {
        let context = grounds.context.as_context();
        let record = policy.record.clone();
        let outcome = Outcome::decided(vec![decision], context, record, Detail::Full);
        let mut full = Outcome {
            own_policy: grounds.own_record(),
            ..outcome
        };
        let is_denied = full.decision != Decision::Allowed;
        let note = if is_denied { grounds.note() } else { "" };
        full.message += note;
        if let Err(answer) = self.record(&full, asked, grounds.workspace()) {
            return answer.into();
        }
        let answer = match &context.repository {
            _ if is_denied => Answer::Denied {
                reason: full.reason,
                message: {
                    let permissions = full.permissions.clone();
                    let detail = self.config.detail;
                    let note = if detail == Detail::None { "" } else { note };
                    Outcome::decided(permissions, context, None, detail).message + note
                },
                permission: Some(asked.permission.clone()),
            },
            Some(repository) if HeaderValue::from_str(repository).is_ok() => Answer::Granted {
                repository: repository.clone(),
                rule: (self.config.detail == Detail::Full).then(|| full.rule()),
            },
            // The upstream reads this value: without it, nothing passes.
            _ => Answer::Unavailable {
                reason: Some(Reason::Internal),
                message: "the repository's name is none that a header can carry".to_owned(),
            },
        };
        let decision = full.permissions.pop();
        let explained = matches!(answer, Answer::Granted { .. } | Answer::Denied { .. });
        let explained = decision.filter(|_| explained).map(|decision| Explained {
            decision,
            context: grounds.context,
            policy,
            note,
        });
        Checked { answer, explained }
    }

    /// Denies a request about another repository than the job's.
    fn of_other_repository(&self, asked: &Asked<'_>, context: &SignedContext) -> Answer {
        let message = "the resource is another repository than the token's";
        let failure = Failure::new(Reason::TokenMismatch, message);
        let outcome = Outcome::failed(&failure, Some(context.as_context()), None, Detail::Full);
        match self.record(&outcome, asked, None) {
            Err(answer) => answer,
            Ok(()) => Answer::Denied {
                reason: failure.reason,
                message: failure.message,
                permission: Some(asked.permission.clone()),
            },
        }
    }

    fn failed(&self, asked: &Asked<'_>, failure: &Failure, grounds: &Grounds) -> Answer {
        let outcome = |detail| grounds.failed(failure, detail);
        if let Err(answer) = self.record(&outcome(Detail::Full), asked, None) {
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
        asked: &Asked<'_>,
        workspace: Option<&str>,
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
            asked: vec![asked.permission.to_string()],
            enforced_by: EnforcedBy::Request,
            workspace: workspace.map(str::to_owned),
            token: Some(asked.job.token.clone()),
            resource: asked.resource.map(Resource::to_json),
            duration_ms: u64::try_from(asked.job.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            ..Circumstances::default()
        };
        for record in records(outcome, &circumstances) {
            self.audit.add(record).map_err(|_| no_record())?;
        }
        Ok(())
    }
}

/// What a request asks for.
struct Asked<'a> {
    permission: &'a PermissionKey,
    job: &'a Job,
    resource: Option<&'a Resource>,
}

/// Returns the permission that a text names. A display name is none here: what programs write has one form.
pub(crate) fn permission_key(text: &str) -> Option<PermissionKey> {
    let key = PermissionKey::parse(text.into()).ok()?;
    (key.as_str() == text).then_some(key)
}

fn no_decision() -> Answer {
    Answer::Unavailable {
        reason: Some(Reason::Internal),
        message: "a part of the decision is missing".to_owned(),
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
