//! Decides about the jobs of a run that wait for an environment, and posts the review.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Instant;

use http::StatusCode;
use jiff::Timestamp;
use tokio::sync::{Mutex, Semaphore};

use super::branch::{self, RunBranch};
use super::request::DeploymentRequest;
use crate::app::{Access, GitHubApp, RequestError, Target};
use crate::audit::AuditQueue;
use crate::check::MAX_DECISION;
use crate::config::DeploymentRule;
use crate::deciding::{Decider, Grounds, Subject};
use crate::log;
use crate::lookups::Bounds;
use crate::metrics::Metrics;
use crate::run_context::RunContext;
use analysis::audit::{Circumstances, EnforcedBy, records};
use analysis::report::text::{markdown, truncate};
use analysis::report::{Detail, Failure, Outcome};
use engine::RepositoryName;
use engine::decision::{Decision, PermissionDecision, Reason};
use engine::policy::{CaseSensitivity, PermissionKey};
use github::http::Budget;
use github::{Reviewed, Run, Verdict};

/// Maximum length of a review's comment, in characters.
const MAX_COMMENT: usize = 1024;
/// Maximum length of its sentence, before characters of Markdown are escaped.
const MAX_SENTENCE: usize = 700;
/// Maximum number of reviews at a time: GitHub limits concurrent requests that change something.
const AT_A_TIME: usize = 4;
/// Number of locks, one for the reviews of some runs and environments.
const LOCKS: u64 = 64;
/// Maximum number of attempts for a repository in a minute. A review takes four to six requests.
const PER_REPOSITORY: u32 = 150;
/// Part of the rate limit that reviews leave: a tenth of it is for policies alone.
const RESERVE: u64 = 10;

/// Reviews deployments.
#[derive(Debug)]
pub struct Deployments {
    app: Arc<GitHubApp>,
    decider: Arc<Decider>,
    rules: Vec<DeploymentRule>,
    owners: Vec<u64>,
    detail: Detail,
    /// URL of GitHub, for records.
    server: String,
    audit: AuditQueue,
    metrics: Arc<Metrics>,
    pub(super) bounds: Bounds,
    at_a_time: Semaphore,
    /// Two reviews of one run and environment must not meet.
    locks: Vec<Mutex<()>>,
}

/// How late an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// GitHub has just asked, and some of its answers can be older.
    Soon,
    /// GitHub asked ten minutes ago or more: a run that is completed now waits for nothing.
    Late,
    /// The last one after ten minutes of failed attempts: a failure is posted as a rejection.
    Last,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handled {
    /// The jobs may go on.
    Approved,
    /// The jobs fail.
    Rejected,
    /// Somebody reviewed them before.
    Already,
    /// Nothing waits for this server: the repository belongs to an account that does not count, or the run is gone or
    /// completed.
    Ignored,
}

/// Why there is no review. The jobs wait on.
#[derive(Debug, thiserror::Error)]
pub enum NotReviewed {
    /// A request failed.
    #[error("{0}")]
    Request(#[from] RequestError),
    /// GitHub has no such run in the repository, or not yet.
    #[error("GitHub has no run {0} in this repository")]
    NoRun(u64),
    /// There is no decision.
    #[error("{0}")]
    NoDecision(String),
    /// The event does not name a repository.
    #[error("the event does not name its repository")]
    NoRepository,
    /// Too many reviews wait.
    #[error("too many reviews wait")]
    Busy,
    /// GitHub was not asked, because of a bound.
    #[error(
        "this repository had {PER_REPOSITORY} reviews in this minute, or the App's rate limit is nearly used up"
    )]
    Bounded,
    /// The record of the decision cannot be kept.
    #[error("the audit record cannot be kept")]
    NoRecord,
}

impl NotReviewed {
    /// Returns whether GitHub said that there is nothing here, or no access: the next attempt has another result only if
    /// somebody changes that.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::Request(error) => error.is_refusal(),
            Self::NoRun(_) | Self::NoRepository => true,
            Self::NoDecision(_) | Self::Busy | Self::Bounded | Self::NoRecord => false,
        }
    }
}

/// The parts that decide about a deployment, for a constructor with few parameters.
#[derive(Debug)]
pub struct Parts {
    /// The App.
    pub app: Arc<GitHubApp>,
    /// What decides.
    pub decider: Arc<Decider>,
    /// Keeps records.
    pub audit: AuditQueue,
    /// Counts reviews.
    pub metrics: Arc<Metrics>,
}

/// What the record of a check says beside its outcome.
struct Recorded<'a> {
    permission: Option<&'a PermissionKey>,
    repository: String,
    workspace: Option<&'a str>,
    started: Instant,
}

impl<'a> Recorded<'a> {
    /// Of a check of a permission.
    fn of(permission: &'a PermissionKey, grounds: &'a Grounds, started: Instant) -> Self {
        let repository = grounds.context.as_context().repository.as_deref();
        Self {
            permission: Some(permission),
            repository: repository.unwrap_or_default().to_owned(),
            workspace: grounds.workspace(),
            started,
        }
    }

    /// Of a rejection that no permission led to.
    fn of_target(target: &Target, started: Instant) -> Self {
        Self {
            permission: None,
            repository: target.name.to_string(),
            workspace: None,
            started,
        }
    }
}

/// A decision about all permissions that an environment needs.
struct Review {
    verdict: Verdict,
    sentence: String,
}

impl Deployments {
    /// Creates the reviewer of a configuration.
    pub fn new(config: &crate::config::Config, parts: Parts) -> Self {
        Self {
            app: parts.app,
            decider: parts.decider,
            rules: config.deployments.clone(),
            owners: config.owners.clone(),
            detail: config.detail,
            server: config.issuer.server(),
            audit: parts.audit,
            metrics: parts.metrics,
            bounds: Bounds::new(PER_REPOSITORY, RESERVE),
            at_a_time: Semaphore::new(AT_A_TIME),
            locks: (0..LOCKS).map(|_| Mutex::new(())).collect(),
        }
    }

    /// Returns the App.
    pub fn app(&self) -> &Arc<GitHubApp> {
        &self.app
    }

    #[cfg(test)]
    pub(super) fn metrics_text(&self) -> String {
        self.metrics.text(None, None)
    }

    /// Returns whether there is a policy that decides.
    pub(super) fn has_policy(&self) -> bool {
        self.decider.policy.current().is_ok()
    }

    /// Counts a delivery whose payload nobody can read.
    pub(super) fn unreadable(&self) {
        self.metrics.delivered("unreadable");
    }

    /// Decides about a request and posts the review, each time from scratch: a replay can only repeat what is true
    /// now. At the last attempt, a failure is posted as a rejection with its reason, unless GitHub does not have the
    /// run; nothing ever turns one into an approval.
    ///
    /// # Errors
    /// There is no review: the jobs wait on.
    pub async fn handle(
        &self,
        request: &DeploymentRequest,
        budget: Budget,
        attempt: Attempt,
    ) -> Result<Handled, NotReviewed> {
        if !self.owners.contains(&request.owner) {
            return Ok(Handled::Ignored);
        }
        let name = RepositoryName::parse(&request.full_name).ok_or(NotReviewed::NoRepository)?;
        let target = Target {
            id: request.repository,
            name,
        };
        if !self.bounds.take(request.owner, request.repository) {
            self.metrics.reviewed("refused");
            return Err(NotReviewed::Bounded);
        }
        let alone = async {
            // The lock first: jobs of a matrix that wait for each other must not hold up other runs.
            let lock = match self.lock(request) {
                Some(lock) => Some(lock.lock().await),
                None => None,
            };
            (lock, self.at_a_time.acquire().await)
        };
        let alone = tokio::time::timeout(budget.left(), alone).await;
        let _alone = alone.map_err(|_| NotReviewed::Busy)?;
        let gives_up = attempt == Attempt::Last;
        let started = Instant::now();
        let review = match self.decide(request, &target, budget, attempt).await {
            Ok(Some(review)) => review,
            Ok(None) => return Ok(Handled::Ignored),
            Err(error @ NotReviewed::NoRun(_)) if gives_up => {
                self.report(request, Handled::Ignored, &error.to_string());
                return Ok(Handled::Ignored);
            }
            Err(error) if gives_up => {
                let sentence = format!("no decision was possible for ten minutes: {error}");
                let failure = Failure::new(Reason::ServerUnavailable, &*sentence);
                let outcome = Outcome::failed(&failure, None, None, Detail::Full);
                // Without a record it stays a rejection: nobody waits for ever.
                _ = self.record(&outcome, Recorded::of_target(&target, started));
                Review {
                    verdict: Verdict::Rejected,
                    sentence,
                }
            }
            Err(error) => return Err(error),
        };
        let handled = self.post(request, &target, &review, budget).await?;
        self.report(request, handled, &review.sentence);
        Ok(handled)
    }

    fn lock(&self, request: &DeploymentRequest) -> Option<&Mutex<()>> {
        let mut hasher = DefaultHasher::new();
        let environment = request.environment.to_ascii_lowercase();
        (request.repository, request.run, environment).hash(&mut hasher);
        let number = usize::try_from(hasher.finish() % LOCKS).unwrap_or_default();
        self.locks.get(number)
    }

    /// Decides. Returns `None` for a repository of an account that does not count, and for a run that waits for nothing.
    async fn decide(
        &self,
        request: &DeploymentRequest,
        target: &Target,
        budget: Budget,
        attempt: Attempt,
    ) -> Result<Option<Review>, NotReviewed> {
        let started = Instant::now();
        let run = self.run(request, target, budget).await?;
        let is_over = attempt != Attempt::Soon && run.status.as_deref() == Some("completed");
        if is_over || !self.owners.contains(&run.repository.owner.id) {
            return Ok(None);
        }
        let permissions = self.permissions(&request.environment)?;
        if permissions.is_empty() {
            let sentence = "no entry of `deployments` names this environment".to_owned();
            let failure = Failure::new(Reason::PermissionNotGranted, &*sentence);
            let context = RunContext::new(&run, &request.environment, None);
            let outcome = Outcome {
                decision: Decision::Denied,
                ..Outcome::failed(&failure, Some(context.as_context()), None, Detail::Full)
            };
            self.record(&outcome, Recorded::of_target(target, started))?;
            return Ok(Some(Review {
                verdict: Verdict::Rejected,
                sentence,
            }));
        }
        let branch = match &request.sha {
            Some(sha) if *sha != run.head_sha => {
                RunBranch::Unknown("the event and the run name different commits".to_owned())
            }
            _ => {
                let found = branch::find(&self.app, target, &run, budget).await?;
                self.bounds.note(request.owner, found.limit);
                found.value
            }
        };
        self.decide_on(request, &run, &branch, &permissions, started)
            .await
            .map(Some)
    }

    async fn run(
        &self,
        request: &DeploymentRequest,
        target: &Target,
        budget: Budget,
    ) -> Result<Run, NotReviewed> {
        let ask = |api: github::Api| async move { api.run(target.id, request.run).await };
        match self.app.ask(target, Access::Actions, budget, ask).await {
            Ok(answered) => {
                self.bounds.note(request.owner, answered.limit);
                Ok(answered.value)
            }
            // Of the run itself: a token that cannot be had says nothing about it.
            Err(RequestError::Api(error)) if error.status() == Some(StatusCode::NOT_FOUND) => {
                Err(NotReviewed::NoRun(request.run))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the permissions that an environment needs: those of every entry that matches it.
    fn permissions(&self, environment: &str) -> Result<Vec<PermissionKey>, NotReviewed> {
        let case = CaseSensitivity::ignored_for(Some(environment));
        let mut permissions = Vec::new();
        for rule in &self.rules {
            let matcher = rule.environment.compile(case);
            // The configuration's grammar compiled it too.
            let matcher = matcher.map_err(|error| NotReviewed::NoDecision(error.to_string()))?;
            if matcher.matches(Some(environment)) && !permissions.contains(&rule.permission) {
                permissions.push(rule.permission.clone());
            }
        }
        Ok(permissions)
    }

    async fn decide_on(
        &self,
        request: &DeploymentRequest,
        run: &Run,
        branch: &RunBranch,
        permissions: &[PermissionKey],
        started: Instant,
    ) -> Result<Review, NotReviewed> {
        let known = match branch {
            RunBranch::Known(branch) => Some(branch.as_str()),
            RunBranch::Unknown(_) => None,
        };
        let context = RunContext::new(run, &request.environment, known);
        let mut time = MAX_DECISION;
        let mut denied = Vec::new();
        let mut granted = Vec::new();
        for permission in permissions {
            let subject = Subject::Run(&context);
            let decided = self.decider.decide(permission, subject, &mut time).await;
            let grounds = &decided.grounds;
            let decision = match (&decided.result, branch) {
                // A run whose branch is not known has nothing that a rule could match.
                (Ok(decision), RunBranch::Unknown(_)) => unknown_branch(decision),
                (Ok(decision), RunBranch::Known(_)) => decision.clone(),
                (Err(failure), _) => {
                    let outcome = grounds.failed(failure, Detail::Full);
                    self.record(&outcome, Recorded::of(permission, grounds, started))?;
                    return Err(NotReviewed::NoDecision(failure.message.clone()));
                }
            };
            // Where the missing branch decided, the record must not look like a decision of the policy.
            let by_policy = decided.result.as_ref().ok() == Some(&decision);
            let outcome = |detail| {
                let record = grounds.policy_record().unwrap_or_default();
                let context = grounds.context.as_context();
                let outcome = Outcome::decided(vec![decision.clone()], context, record, detail);
                Outcome {
                    policy: outcome.policy.filter(|_| by_policy),
                    own_policy: grounds.own_record().filter(|_| by_policy),
                    ..outcome
                }
            };
            self.record(
                &outcome(Detail::Full),
                Recorded::of(permission, grounds, started),
            )?;
            let sentence = outcome(self.detail).message;
            match decision.decision {
                Decision::Allowed => granted.push(sentence),
                _ => denied.push(format!("{sentence}{}", missing(&decision, branch))),
            }
        }
        Ok(match denied.is_empty() {
            true => Review {
                verdict: Verdict::Approved,
                sentence: granted.join("; "),
            },
            false => Review {
                verdict: Verdict::Rejected,
                sentence: denied.join("; "),
            },
        })
    }

    fn record(&self, outcome: &Outcome<'_>, recorded: Recorded<'_>) -> Result<(), NotReviewed> {
        let Recorded {
            permission,
            repository,
            workspace,
            started,
        } = recorded;
        let circumstances = Circumstances {
            source: format!("{}/{repository}", self.server),
            time: Timestamp::now().to_string(),
            id: crate::check::random_id().ok_or(NotReviewed::NoRecord)?,
            asked: permission
                .map(PermissionKey::to_string)
                .into_iter()
                .collect(),
            enforced_by: EnforcedBy::Deployment,
            workspace: workspace.map(str::to_owned),
            duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            ..Circumstances::default()
        };
        for record in records(outcome, &circumstances) {
            self.audit.add(record).map_err(|_| NotReviewed::NoRecord)?;
        }
        Ok(())
    }

    async fn post(
        &self,
        request: &DeploymentRequest,
        target: &Target,
        review: &Review,
        budget: Budget,
    ) -> Result<Handled, NotReviewed> {
        let sentence = markdown(&truncate(&review.sentence, MAX_SENTENCE));
        let comment = truncate(&sentence, MAX_COMMENT);
        let (environment, comment) = (request.environment.as_str(), &*comment);
        let ids = (target.id, request.run);
        let ask = |api: github::Api| async move {
            api.review_deployment(ids, environment, review.verdict, comment)
                .await
        };
        let posted = self
            .app
            .ask(target, Access::Deployments, budget, ask)
            .await?;
        self.bounds.note(request.owner, posted.limit);
        Ok(match (posted.value, review.verdict) {
            (Reviewed::Already, _) => Handled::Already,
            (Reviewed::Posted, Verdict::Approved) => Handled::Approved,
            (Reviewed::Posted, Verdict::Rejected) => Handled::Rejected,
        })
    }

    fn report(&self, request: &DeploymentRequest, handled: Handled, sentence: &str) {
        let result = match handled {
            Handled::Approved => "approved",
            Handled::Rejected => "rejected",
            Handled::Already => "already",
            Handled::Ignored => "ignored",
        };
        self.metrics.reviewed(result);
        log::info(
            "deployment_reviewed",
            &[
                ("repository", &request.full_name),
                ("run", &request.run),
                ("environment", &request.environment),
                ("result", &result),
                ("why", &sentence),
            ],
        );
    }
}

/// Returns the decision for a run whose branch is not known, whatever branches a rule trusts.
fn unknown_branch(decision: &PermissionDecision) -> PermissionDecision {
    let mut denied = decision.clone();
    if denied.decision == Decision::Allowed {
        denied.decision = Decision::Denied;
        denied.reason = Reason::NoRuleMatches;
        denied.rule = None;
    }
    denied
}

/// Returns what a run lacks beside a token, where a rule asks for it.
fn missing(decision: &PermissionDecision, branch: &RunBranch) -> String {
    if let RunBranch::Unknown(why) = branch {
        return format!("; the branch is not known: {why}");
    }
    let failed = decision.trace.iter().flat_map(|rule| rule.failed());
    let mut names: Vec<_> = failed
        .filter(|dimension| dimension.value.is_none())
        .filter(|dimension| dimension.dimension.starts_with("claims."))
        .map(|dimension| format!("`{}`", dimension.dimension))
        .collect();
    names.sort_unstable();
    names.dedup();
    match names.is_empty() {
        true => String::new(),
        false => format!(
            "; a deployment's run does not have {}, which only a job's token has",
            names.join(", ")
        ),
    }
}
