//! Decides: inputs, runtime, token and policy to decisions.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use futures_util::future::join;
use jiff::Timestamp;
use tokio::time::Instant;

use super::credentials::Credentials;
use super::identity::{Identity, Job};
use super::inputs::{Authority, Inputs, ReportInputs};
use super::origin::PolicyOrigin;
use super::policy::{Loaded, PolicyLocation, load};
use super::priority::low_priority;
use super::pull_request::{DefaultBranch, RunPullRequest};
use super::report::Reporter;
use super::runtime::Runtime;
use super::server::{Answer, Server};
use analysis::audit::TokenRecord;
use analysis::report::{Detail, Failure, Outcome, PolicyRecord};
use engine::context::{Context, EventPayload};
use engine::decision::{
    DecisionError, PermissionDecision, Policies, Provenance, Question, Reason, add_own_policy,
    decide,
};
use engine::policy::source::{DEFAULT_PATH, PolicySource};
use github::http::{Budget, Client};
use platform::Variables;
use token::{Issuer, SignedContext};

/// Maximum time for all decisions, which block signals. The runner waits ten seconds.
const MAX_DECISION: Duration = Duration::from_secs(4);

/// Note on a denial that could be a grant if the default branch were known.
const NO_DEFAULT_BRANCH: &str =
    "GitHub did not return the default branch, so no rule trusts it as a base (the log says why)";

/// State of a run. It is outside the future that decides, so that reports of an error, a cancellation or a
/// timeout can use it.
#[derive(Default)]
pub(super) struct RunState {
    pub(super) context: Option<SignedContext>,
    pub(super) token: Option<TokenRecord>,
    pub(super) policy: Option<Loaded>,
    /// The repository's own policy, if a central one delegates.
    pub(super) own_policy: Option<Loaded>,
    /// Whether the decision lacks the default branch, because GitHub did not return it.
    lacks_default_branch: bool,
    /// What a server answered, if it decided.
    pub(super) answered: Option<Answered>,
}

/// The answer of a server, for reports.
pub(super) struct Answered {
    host: String,
    /// The job as the server knows it.
    context: Context,
    policy: Option<PolicyRecord>,
    detail: Detail,
}

impl RunState {
    /// Returns how much of the policy the reports show: by default all of it if their readers can also read the
    /// policy, and never more than a server says.
    pub(super) fn detail(&self, asked: Option<Detail>) -> Detail {
        let known = self.answered.as_ref().map(|answered| answered.detail);
        let detail = asked.unwrap_or_else(|| match known {
            Some(_) => Detail::Reason,
            None => self.default_detail(),
        });
        known.map_or(detail, |known| known.min(detail))
    }

    fn default_detail(&self) -> Detail {
        match self.policy.as_ref().map(|policy| policy.provenance) {
            Some(Provenance::OtherRepository) => Detail::Reason,
            _ => Detail::Full,
        }
    }

    fn context(&self) -> Option<&Context> {
        self.context.as_ref().map(SignedContext::as_context)
    }

    /// Returns the policy's `workspace:`.
    pub(super) fn workspace(&self) -> Option<&str> {
        let engine = self.policy.as_ref()?.engine.as_ref()?;
        engine.policy().workspace.as_deref()
    }

    pub(super) fn outcome(
        &self,
        decided: Result<Vec<PermissionDecision>, Failure>,
        detail: Detail,
    ) -> Outcome<'_> {
        let permissions = match decided {
            Ok(permissions) => permissions,
            Err(failure) => return self.failed(&failure, detail),
        };
        if let Some(answered) = &self.answered {
            let policy = answered.policy.clone();
            let outcome = Outcome::decided(permissions, &answered.context, policy, detail);
            return outcome.decided_by(&answered.host);
        }
        let (Some(context), Some(policy)) = (self.context(), &self.policy) else {
            return self.failed(&incomplete(), detail);
        };
        let outcome = Outcome::decided(permissions, context, policy.record.clone(), detail);
        let outcome = match self.lacks_default_branch && detail > Detail::None {
            true => outcome.noting(NO_DEFAULT_BRANCH),
            false => outcome,
        };
        Outcome {
            own_policy: record(&self.own_policy),
            ..outcome
        }
    }

    pub(super) fn failed(&self, failure: &Failure, detail: Detail) -> Outcome<'_> {
        let (context, policy) = (self.context(), record(&self.policy));
        Outcome {
            own_policy: record(&self.own_policy),
            ..Outcome::failed(failure, context, policy, detail)
        }
    }

    /// Returns whether the decisions depend on the repository's default branch.
    fn needs_default_branch(&self, decided: &[PermissionDecision]) -> bool {
        let policy = self.policy.as_ref();
        let provenance = policy.map_or(Provenance::Given, |policy| policy.provenance);
        let mut decided = decided.iter();
        decided.any(|permission| permission.depends_on_default_branch(provenance))
    }
}

fn record(policy: &Option<Loaded>) -> Option<PolicyRecord> {
    policy.as_ref().map(|policy| policy.record.clone())
}

fn incomplete() -> Failure {
    Failure::new(Reason::Internal, "a part of the decision is missing")
}

pub(super) struct Step<'a> {
    pub(super) variables: &'a Variables,
    pub(super) client: Result<&'a Client, &'a anyhow::Error>,
    pub(super) payload: Option<&'a EventPayload>,
    pub(super) inputs: Result<&'a Inputs, &'a Failure>,
    pub(super) report_inputs: &'a ReportInputs,
    pub(super) budget: Budget,
    pub(super) clock: fn() -> Timestamp,
}

impl<'a> Step<'a> {
    fn is_in_job(&self) -> bool {
        self.variables.get("GITHUB_ACTIONS") == Some("true")
    }

    /// Returns the policy and the credentials of a step that only reviews. Returns `None` for other steps, and if
    /// something is missing, which [`Step::decide`] then reports.
    pub(super) fn review_only_policy(&self) -> Option<(&'a PolicySource, Credentials)> {
        let inputs = self
            .inputs
            .ok()
            .filter(|inputs| inputs.permissions.is_empty())?;
        if !self.is_in_job() {
            return None;
        }
        let runtime = Runtime::read(self.variables).ok()?;
        Some((
            inputs.policy()?,
            self.credentials(self.client.ok()?, &runtime),
        ))
    }

    fn credentials(&self, client: &Client, runtime: &Runtime) -> Credentials {
        Credentials::new(client.clone(), runtime, self.report_inputs, self.clock)
    }

    pub(super) fn reporter<'r>(
        &self,
        detail: Detail,
        credentials: Option<&'r Credentials>,
    ) -> Reporter<'r>
    where
        'a: 'r,
    {
        Reporter {
            variables: self.variables,
            inputs: self.report_inputs,
            payload: self.payload,
            detail,
            credentials,
            summary_start: Cell::default(),
            unwritable: RefCell::default(),
        }
    }

    /// Checks inputs, runtime, token and policy, and decides. The first failure is the reason.
    pub(super) async fn decide(
        &self,
        credentials: &mut Option<Credentials>,
        state: &mut RunState,
    ) -> Result<Vec<PermissionDecision>, Failure> {
        if !self.is_in_job() {
            let message = "this is not a GitHub Actions job (`GITHUB_ACTIONS` is not `true`); for the command line tools see `repo-permissions help`";
            return Err(Failure::new(Reason::RuntimeMissing, message));
        }
        let runtime = Runtime::read(self.variables)
            .map_err(|error| Failure::new(Reason::RuntimeMissing, error.to_string()));
        if let (Ok(runtime), Ok(client)) = (&runtime, self.client) {
            let credentials = credentials.insert(self.credentials(client, runtime));
            credentials.prefetch(self.budget);
        }
        let inputs = self.inputs.map_err(Failure::clone)?;
        let runtime = runtime?;
        let client = self
            .client
            .map_err(|error| Failure::new(Reason::InputInvalid, format!("{error:#}")))?;
        if inputs.permissions.is_empty() {
            return Err(incomplete());
        }
        let credentials = credentials.as_ref().ok_or_else(incomplete)?;
        let policy = match &inputs.authority {
            Authority::Policy(policy) => policy,
            Authority::Server(server) => {
                return self.ask(client, inputs, &runtime, server, state).await;
            }
        };
        let (context, token) = (&mut state.context, &mut state.token);
        let pull_request = RunPullRequest::new(self.variables, &runtime, credentials, self.budget);
        let identity = self.identify(client, inputs, &runtime, pull_request.as_ref());
        let identity = async {
            let (job, identity) = identity.await?;
            (*context, *token) = (Some(job), Some(identity.record));
            Ok(())
        };
        let is_own = matches!(policy, PolicySource::DefaultBranch(_));
        let default_branch = pull_request
            .as_ref()
            .filter(|_| is_own)
            .map(RunPullRequest::default_branch);
        // An invalid token ends the run immediately. An unreadable policy waits for the token, which comes
        // first in the order of reasons.
        let read = async {
            Ok(self
                .policy((policy, inputs), &runtime, credentials, &mut state.policy)
                .await)
        };
        let ((), read) = tokio::try_join!(biased; identity, low_priority(read))?;
        read?;
        let pull_request = pull_request.as_ref();
        self.decide_with_policies(
            inputs,
            (&runtime, credentials),
            pull_request,
            default_branch,
            state,
        )
        .await
    }

    /// Identifies the job, and lets a server decide.
    async fn ask(
        &self,
        client: &Client,
        inputs: &Inputs,
        runtime: &Runtime,
        server: &Server,
        state: &mut RunState,
    ) -> Result<Vec<PermissionDecision>, Failure> {
        let (signed, identity) = self.identify(client, inputs, runtime, None).await?;
        let context = state.context.insert(signed).as_context().clone();
        state.token = Some(identity.record);
        let (repository, permissions) = (&runtime.repository, &inputs.permissions);
        let answer = server.ask(
            client,
            self.budget,
            &identity.token,
            repository,
            permissions,
        );
        let Answer {
            decisions,
            policy,
            branch,
            detail,
        } = answer.await?;
        state.answered = Some(Answered {
            host: server.host(),
            context: Context {
                branch: branch.or(context.branch),
                ..context
            },
            policy,
            detail,
        });
        Ok(decisions)
    }

    /// Identifies the job by its token and returns its context.
    async fn identify(
        &self,
        client: &Client,
        inputs: &Inputs,
        runtime: &Runtime,
        pull_request: Option<&RunPullRequest<'_>>,
    ) -> Result<(SignedContext, Identity), Failure> {
        let issuer = inputs.issuer.clone();
        let issuer = issuer.unwrap_or_else(|| Issuer::of_server(&runtime.server));
        let job = Job {
            variables: self.variables,
            runtime,
            issuer: &issuer,
            audience: &inputs.audience,
            clock: self.clock,
        };
        let fetched = async {
            Ok(match pull_request {
                Some(pull_request) => pull_request.fetch(self.payload).await,
                None => None,
            })
        };
        let identified = job.identify(client, self.budget);
        let (identity, pull_request) = tokio::try_join!(biased; identified, low_priority(fetched))?;
        let context = identity.claims.context(pull_request.as_ref());
        Ok((context, identity))
    }

    /// Decides with the policy, and with the facts that a decision shows to be missing: the repository's own policy,
    /// then its default branch, which only rules of the own policy trust.
    async fn decide_with_policies(
        &self,
        inputs: &Inputs,
        (runtime, credentials): (&Runtime, &Credentials),
        pull_request: Option<&RunPullRequest<'_>>,
        mut default_branch: Option<DefaultBranch>,
        state: &mut RunState,
    ) -> Result<Vec<PermissionDecision>, Failure> {
        let mut time_left = MAX_DECISION;
        let first = self.decide_once(inputs, state, None, &mut time_left)?;
        let is_delegated = first.iter().any(PermissionDecision::is_open);
        let central = is_delegated.then_some(&*first);
        let mut second = None;
        if central.is_some() {
            default_branch = pull_request.map(RunPullRequest::default_branch);
            let own = &mut state.own_policy;
            self.own_policy(inputs, runtime, credentials, own).await?;
            if state.own_policy.is_none() {
                return Ok(first);
            }
            second = Some(self.decide_once(inputs, state, central, &mut time_left)?);
        }
        if !state.needs_default_branch(second.as_ref().unwrap_or(&first)) {
            return Ok(second.unwrap_or(first));
        }
        let name = match default_branch {
            Some(default_branch) => {
                let name = default_branch.name().await;
                state.lacks_default_branch = name.is_none();
                name
            }
            None => None,
        };
        let (Some(name), Some(context)) = (name, &mut state.context) else {
            return Ok(second.unwrap_or(first));
        };
        *context = context.with_default_branch(&name);
        self.decide_once(inputs, state, central, &mut time_left)
    }

    /// Decides with the current state: with the policy, or with the own policy on what `central` leaves open.
    /// `time_left` is the remaining time for decisions.
    fn decide_once(
        &self,
        inputs: &Inputs,
        state: &RunState,
        central: Option<&[PermissionDecision]>,
        time_left: &mut Duration,
    ) -> Result<Vec<PermissionDecision>, Failure> {
        let policy = match central {
            None => &state.policy,
            Some(_) => &state.own_policy,
        };
        let (Some(context), Some(policy)) = (state.context(), policy) else {
            return Err(incomplete());
        };
        let engine = policy.engine.as_ref().ok_or_else(incomplete)?;
        let started = Instant::now();
        let until = started + self.budget.left().min(*time_left);
        let question = Question {
            permissions: &inputs.permissions,
            context,
            now: (self.clock)(),
            has_time: &|| Instant::now() < until,
        };
        let decided = match central {
            None => decide(Policies::one(engine, policy.provenance), question)
                .map_err(DecisionError::into_invalid),
            Some(central) => add_own_policy(central.to_vec(), engine, question),
        };
        *time_left = time_left.saturating_sub(started.elapsed());
        decided.map_err(|invalid| Failure::invalid_policy(&policy.record.file, &invalid))
    }

    /// Reads the repository's own policy, to which a central one delegates. It need not exist. It can only add
    /// grants: an unreadable one is an error and not a denial, but never a grant.
    async fn own_policy(
        &self,
        inputs: &Inputs,
        runtime: &Runtime,
        credentials: &Credentials,
        policy: &mut Option<Loaded>,
    ) -> Result<(), Failure> {
        let source = PolicySource::parse(DEFAULT_PATH, "")
            .map_err(|error| Failure::new(Reason::Internal, error.to_string()))?;
        let location = PolicyLocation {
            source: &source,
            this: &runtime.repository,
            workspace: None,
        };
        match load(&location, credentials, self.budget).await {
            Err(failure) if failure.reason == Reason::PolicyNotFound => Ok(()),
            loaded => {
                let loaded = policy.insert(loaded?);
                loaded.parse(&runtime.repository, &inputs.permissions)
            }
        }
    }

    /// Reads the policy.
    async fn policy(
        &self,
        (source, inputs): (&PolicySource, &Inputs),
        runtime: &Runtime,
        credentials: &Credentials,
        policy: &mut Option<Loaded>,
    ) -> Result<(), Failure> {
        let location = PolicyLocation {
            source,
            this: &runtime.repository,
            workspace: runtime.workspace.as_deref(),
        };
        let origin = PolicyOrigin {
            event: &runtime.job.event_name,
            git_ref: self.variables.get("GITHUB_REF").unwrap_or_default(),
            this: &runtime.job.repository_id,
            payload: self.payload,
        };
        let (loaded, checked) = join(
            load(&location, credentials, self.budget),
            origin.check(source, credentials, self.budget),
        )
        .await;
        // A source that may not decide is an invalid input, whether the file is there or not. What could not be found out
        // about it matters only for a file that is there.
        if let Err(failure) = &checked
            && failure.reason == Reason::InputInvalid
        {
            return checked;
        }
        let loaded = loaded?;
        checked?;
        // The token is still pending. Unless it names this repository, there is no decision.
        let loaded = policy.insert(loaded);
        loaded.parse(&runtime.repository, &inputs.permissions)
    }
}
