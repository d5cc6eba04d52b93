//! Decides, and fetches the facts that a decision shows to be missing: the head of the pull request, the repository's
//! own policy, its default branch.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

use crate::app::Target;
use crate::log;
use crate::lookups::Lookups;
use crate::policy::{ActivePolicy, OwnPolicies, PolicyStore};
use crate::run_context::RunContext;
use crate::slow::{Quick, SlowLane, TooMany};
use analysis::report::{Detail, Failure, Outcome, PolicyRecord};
use engine::RepositoryName;
use engine::context::{Context, PullRequest, UNKNOWN_HEAD, pull_request_number};
use engine::decision::{
    DecisionError, PermissionDecision, Policies, Provenance, Question, Reason, decide,
};
use engine::policy::{PermissionKey, quoted};
use token::{SignedClaims, SignedContext};

/// Maximum time of a request for all facts: proxies wait five seconds for an answer.
const FACTS: Duration = Duration::from_secs(4);

/// Decides on permissions of jobs.
#[derive(Debug)]
pub struct Decider {
    /// The first policy.
    pub policy: Arc<PolicyStore>,
    /// The repositories' own policies, if the server reads them.
    pub own: Option<Arc<OwnPolicies>>,
    /// Whether each repository has to have one.
    pub own_is_required: bool,
    /// Look-ups, if there is an App.
    pub lookups: Option<Arc<Lookups>>,
    /// The decisions that take long.
    pub slow: SlowLane,
}

/// What a decision is about.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// A job, by its token.
    Job(&'a SignedClaims),
    /// The jobs of a run that wait for an environment.
    Run(&'a RunContext),
}

/// The context that decided.
#[derive(Clone, Debug)]
pub enum DecidedContext {
    /// Of a job.
    Job(SignedContext),
    /// Of a run.
    Run(RunContext),
}

impl DecidedContext {
    /// Returns the values.
    pub fn as_context(&self) -> &Context {
        match self {
            Self::Job(context) => context.as_context(),
            Self::Run(context) => context.as_context(),
        }
    }
}

/// A decision, and what it rests on.
#[derive(Debug)]
pub struct Decided {
    /// The decision, or why there is none.
    pub result: Result<PermissionDecision, Failure>,
    /// What it rests on.
    pub grounds: Grounds,
}

/// What a decision rests on.
#[derive(Debug)]
pub struct Grounds {
    /// The job or the run.
    pub context: DecidedContext,
    /// The first policy, if there is one.
    pub policy: Option<Arc<ActivePolicy>>,
    /// The repository's own policy, if it decided too.
    pub own: Option<Arc<ActivePolicy>>,
    /// Whether a decision could be another one with the head of the pull request, which could not be looked up.
    pub head_is_unknown: bool,
}

impl Grounds {
    /// Returns the end of the message about a denial.
    pub fn note(&self) -> &'static str {
        match self.head_is_unknown {
            true => {
                "; the head of the pull request is not known, because it could not be looked up now"
            }
            false => "",
        }
    }

    /// Returns the origin of the first policy.
    pub fn policy_record(&self) -> Option<PolicyRecord> {
        self.policy.as_ref().map(|policy| policy.record.clone())
    }

    /// Returns the origin of the own policy.
    pub fn own_record(&self) -> Option<PolicyRecord> {
        self.own.as_ref().map(|own| own.record.clone())
    }

    /// Returns the outcome of a check that failed. A policy that is not valid is one that it rests on.
    pub fn failed(&self, failure: &Failure, detail: Detail) -> Outcome<'_> {
        let invalid = |is_own| {
            let record = failure
                .policy
                .as_deref()
                .filter(|record| record.is_own == is_own);
            record.cloned()
        };
        let policy = self.policy_record().or_else(|| invalid(false));
        let context = Some(self.context.as_context());
        Outcome {
            own_policy: self.own_record().or_else(|| invalid(true)),
            ..Outcome::failed(failure, context, policy, detail)
        }
    }

    /// Returns the first policy's `workspace:`.
    pub fn workspace(&self) -> Option<&str> {
        self.policy.as_ref()?.engine.policy().workspace.as_deref()
    }
}

/// The repository of a job, for look-ups.
struct Place {
    target: Target,
    owner: u64,
}

impl Place {
    /// Returns the repository of a context. Look-ups ask for its id.
    fn of(context: &Context) -> Option<Self> {
        Some(Self {
            target: Target {
                id: decimal(context.repository_id.as_deref()?)?,
                name: RepositoryName::parse(context.repository.as_deref()?)?,
            },
            owner: decimal(context.repository_owner_id.as_deref()?)?,
        })
    }
}

/// Parses a decimal number without a sign or leading zeros.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// One decision with the facts so far. Each fact is asked for once.
struct Round<'a> {
    decider: &'a Decider,
    permission: &'a PermissionKey,
    subject: Subject<'a>,
    /// Of the subject and the facts so far.
    context: DecidedContext,
    deadline: Instant,
    pull_request: Fact<PullRequest>,
    own: Fact<Arc<ActivePolicy>>,
    default_branch: Fact<String>,
}

/// A fact that is fetched when a decision needs it.
struct Fact<T> {
    is_asked: bool,
    known: Option<T>,
}

impl<T> Default for Fact<T> {
    fn default() -> Self {
        Self {
            is_asked: false,
            known: None,
        }
    }
}

impl<T> Fact<T> {
    /// Returns whether somebody has to ask for it, which counts as asked from now on.
    fn ask(&mut self) -> bool {
        !std::mem::replace(&mut self.is_asked, true)
    }

    /// Keeps it, and returns whether it is known.
    fn keep(&mut self, known: Option<T>) -> bool {
        self.known = known;
        self.known.is_some()
    }
}

impl Decider {
    /// Decides whether a job, or a run, may use a permission. `time` is the time that is left for decisions, without the time
    /// that facts take.
    pub async fn decide(
        &self,
        permission: &PermissionKey,
        subject: Subject<'_>,
        time: &mut Duration,
    ) -> Decided {
        let context = match subject {
            Subject::Job(claims) => DecidedContext::Job(claims.context(None)),
            Subject::Run(context) => DecidedContext::Run(context.clone()),
        };
        let mut round = Round {
            decider: self,
            permission,
            subject,
            context,
            deadline: Instant::now() + FACTS,
            pull_request: Fact::default(),
            own: Fact::default(),
            default_branch: Fact::default(),
        };
        let policy = match self.policy.current() {
            Ok(policy) => policy,
            Err(failure) => return round.end(Err(failure), None),
        };
        let result = round.decide(&policy, time).await;
        round.end(result, Some(policy))
    }
}

impl Round<'_> {
    /// Decides again as long as a decision shows that a fact is missing, and the fact can be had.
    async fn decide(
        &mut self,
        policy: &ActivePolicy,
        time: &mut Duration,
    ) -> Result<PermissionDecision, Failure> {
        loop {
            let mut decision = self.decide_once(policy, time).await?;
            let is_known = (decision.depends_on_head() && self.find_head().await)
                || (decision.is_open() && self.find_own().await?)
                || (decision.depends_on_default_branch(Provenance::Given)
                    && self.find_default_branch().await);
            if !is_known {
                if self.decider.own.is_none() {
                    // No own policy was asked: the message must not say that one denies.
                    decision.delegated = false;
                }
                return Ok(decision);
            }
        }
    }

    /// Decides with the facts so far.
    async fn decide_once(
        &self,
        policy: &ActivePolicy,
        time: &mut Duration,
    ) -> Result<PermissionDecision, Failure> {
        let slow = &self.decider.slow;
        let repository = self.context.as_context().repository_id.as_deref();
        let repository = repository.unwrap_or_default();
        let too_many = |error: TooMany| Failure::new(Reason::PolicyUnreadable, error.to_string());
        if time.is_zero() {
            return Err(self.too_long(policy));
        }
        let turn = slow.pass(repository).await.map_err(too_many)?;
        let quick = Quick::start();
        if let Some(decision) = self.attempt(policy, &|| quick.has_time()) {
            return decision;
        }
        let turn = match turn {
            Some(turn) => turn,
            None => slow.enter(repository).await.map_err(too_many)?,
        };
        // The processor time of the thread, so that a decision does not depend on what else the machine does.
        let (decision, took) = slow
            .run(&turn, || {
                let started = platform::thread_time();
                let took = || platform::thread_time().saturating_sub(started);
                (self.attempt(policy, &|| took() < *time), took())
            })
            .await;
        *time = time.saturating_sub(took);
        if let Some(own) = &self.decider.own {
            own.trim();
        }
        decision.unwrap_or_else(|| Err(self.too_long(policy)))
    }

    fn too_long(&self, policy: &ActivePolicy) -> Failure {
        let policy = self.own.known.as_deref().unwrap_or(policy);
        let context = self.context.as_context();
        let repository = context.repository.as_deref().unwrap_or_default();
        let file = &policy.record.file;
        log::warning(
            "decision_too_long",
            &[("repository", &repository), ("policy", file)],
        );
        let message = format!(
            "the decision by the policy {} took too long: it has too many patterns for this job, or too large ones \
             (write fewer or simpler patterns)",
            quoted(file)
        );
        Failure::new(Reason::PolicyInvalid, message)
    }

    /// Decides with the facts so far, without I/O. Returns `None` if the time is over.
    fn attempt(
        &self,
        policy: &ActivePolicy,
        has_time: &dyn Fn() -> bool,
    ) -> Option<Result<PermissionDecision, Failure>> {
        let is_over = Cell::new(false);
        let question = Question {
            permissions: std::slice::from_ref(self.permission),
            context: self.context.as_context(),
            now: Timestamp::now(),
            has_time: &|| {
                is_over.set(!has_time());
                !is_over.get()
            },
        };
        let own = self.own.known.as_deref();
        let policies = Policies {
            policy: &policy.engine,
            provenance: Provenance::Given,
            own: own.map(|own| Ok(&own.engine)),
        };
        let decided = decide(policies, question).map_err(|error| match (error, own) {
            (DecisionError::OwnPolicy(invalid), Some(own)) => {
                Failure::invalid_policy(&own.record.file, &invalid)
            }
            (error, _) => {
                Failure::invalid_policy(&policy.record.file, &DecisionError::into_invalid(error))
            }
        });
        let missing = || Failure::new(Reason::Internal, "a part of the decision is missing");
        let decision = decided.and_then(|mut decided| decided.pop().ok_or_else(missing));
        (!is_over.get()).then_some(decision)
    }

    /// Takes a new fact about a job into its context.
    fn describe(&mut self, claims: &SignedClaims) {
        let context = claims.context(self.pull_request.known.as_ref());
        self.context = DecidedContext::Job(match &self.default_branch.known {
            Some(name) => context.with_default_branch(name),
            None => context,
        });
    }

    /// Looks the pull request up, whose head is in one repository or another. Without an answer, the head stays
    /// unknown.
    async fn find_head(&mut self) -> bool {
        // A run names the repository of its head itself.
        let Subject::Job(claims) = self.subject else {
            return false;
        };
        let text = |name| claims.as_claims().text(name);
        let event = text("event_name").unwrap_or_default();
        let number = text("ref").and_then(pull_request_number);
        let number = number.and_then(decimal);
        let (Some(lookups), Some(number)) = (&self.decider.lookups, number) else {
            return false;
        };
        let Some(place) = Place::of(self.context.as_context()) else {
            return false;
        };
        if !event.starts_with("pull_request") || !self.pull_request.ask() {
            return false;
        }
        let found = lookups.pull_request(&place.target, place.owner, number);
        let found = timeout_at(self.deadline, found).await;
        let is_known = self.pull_request.keep(found.ok().flatten());
        self.describe(claims);
        is_known
    }

    /// Reads the repository's own policy. It need not exist, unless the configuration says so. It can only add
    /// grants: an unreadable one is an error and not a denial, but never a grant.
    async fn find_own(&mut self) -> Result<bool, Failure> {
        let Some(policies) = &self.decider.own else {
            return Ok(false);
        };
        if !self.own.ask() {
            return Ok(false);
        }
        let unreadable = |why| Failure::new(Reason::PolicyUnreadable, why);
        let Some(place) = Place::of(self.context.as_context()) else {
            return Err(unreadable("the token does not name its repository"));
        };
        let found = timeout_at(self.deadline, policies.of(&place.target)).await;
        match found {
            Ok(Ok(policy)) => Ok(self.own.keep(Some(policy))),
            Ok(Err(failure))
                if failure.reason == Reason::PolicyNotFound && !self.decider.own_is_required =>
            {
                Ok(false)
            }
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(unreadable(
                "the repository's own policy did not arrive in time",
            )),
        }
    }

    /// Looks the default branch up. Without an answer, no rule trusts it as a base.
    async fn find_default_branch(&mut self) -> bool {
        // A run does not have its base, so nothing can trust it.
        let (Some(lookups), Subject::Job(claims)) = (&self.decider.lookups, self.subject) else {
            return false;
        };
        let Some(place) = Place::of(self.context.as_context()) else {
            return false;
        };
        if !self.default_branch.ask() {
            return false;
        }
        let found = lookups.default_branch(&place.target, place.owner);
        let found = timeout_at(self.deadline, found).await;
        let is_known = self.default_branch.keep(found.ok().flatten());
        self.describe(claims);
        is_known
    }

    fn end(
        self,
        result: Result<PermissionDecision, Failure>,
        policy: Option<Arc<ActivePolicy>>,
    ) -> Decided {
        let branch = self.context.as_context().branch.as_deref();
        let is_unknown = branch.is_some_and(|branch| branch.starts_with(UNKNOWN_HEAD));
        Decided {
            result,
            grounds: Grounds {
                head_is_unknown: self.pull_request.is_asked && is_unknown,
                context: self.context,
                policy,
                own: self.own.known,
            },
        }
    }
}
