//! Runs the action: decides, then reports, within its time limit.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{FusedFuture as _, join};
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::time::Instant;

use super::audit::{self, Audit};
use super::credentials::Credentials;
use super::identity::Job;
use super::inputs::{Inputs, Mode, Problems, ReportInputs, timeout};
use super::origin::PolicyOrigin;
use super::policy::{Loaded, PolicyLocation, load};
use super::priority::low_priority;
use super::pull_request::{DefaultBranch, RunPullRequest};
use super::report::{Reporter, with_link};
use super::review;
use super::runner::{Log, clear_outputs, write_outputs};
use super::runtime::{Runtime, client, payload};
use crate::audit::webhook::SECRET_PREFIX;
use analysis::audit::TokenRecord;
use analysis::report::{Detail, Failure, Outcome, PolicyRecord};
use engine::context::{Context, EventPayload};
use engine::decision::{
    Decision, DecisionError, PermissionDecision, Policies, Provenance, Question, Reason,
    add_own_policy, decide,
};
use engine::policy::source::{DEFAULT_PATH, PolicySource};
use github::http::{Budget, Client};
use platform::Variables;
use token::{Issuer, SignedContext};

/// Maximum time for reports after SIGTERM or SIGINT. The runner kills the step after ten seconds.
const SHUTDOWN_TIME: Duration = Duration::from_secs(3);
/// Time that a review leaves for revoking the App's tokens.
pub(super) const REVOKE_TIME: Duration = Duration::from_secs(2);
/// Maximum time for all decisions, which block signals. The runner waits ten seconds.
const MAX_DECISION: Duration = Duration::from_secs(4);

/// Runs the action and returns the exit code: 0 allowed or an advisory denial, 1 denied, 2 error.
///
/// `cancelled` returns a future that completes when the runner cancels the step. It is called again after that.
pub async fn run<C, F>(variables: &Variables, clock: fn() -> Timestamp, mut cancelled: C) -> u8
where
    C: FnMut() -> F,
    F: Future<Output = ()>,
{
    mask_secrets(variables);
    let started = Instant::now();
    let mut problems = Problems::default();
    let report_inputs = ReportInputs::read(variables, &mut problems);
    let inputs = Inputs::read(variables, &mut problems);
    let inputs = inputs
        .ok_or_else(|| Failure::new(Reason::InputInvalid, problems.message().unwrap_or_default()));
    let deadline = started + report_inputs.timeout;
    // The reports get a quarter of the time, at most 15 s.
    let reserve = (report_inputs.timeout / 4).min(Duration::from_secs(15));
    let (payload, payload_problem) = payload(variables);
    let client = client(variables, report_inputs.ca_bundle.as_deref());
    let client = client.as_ref();
    let step = Step {
        variables,
        client,
        payload: payload.as_ref(),
        inputs: inputs.as_ref(),
        report_inputs: &report_inputs,
        budget: Budget::until(deadline - reserve),
        clock,
    };
    if let Some((policy, credentials)) = step.review_only_policy() {
        if let Some(problem) = payload_problem {
            Log.warning(&problem);
        }
        let reporter = step.reporter(Detail::Full, Some(&credentials));
        return review::review_only(&reporter, policy, clock(), deadline, cancelled()).await;
    }
    let audit = Audit::new(variables, &report_inputs, client, clock, started);
    let (mut credentials, mut state) = (None, RunState::default());
    let decided = tokio::select! {
        biased;
        () = cancelled() => Err(cancellation()),
        decided = step.decide(&mut credentials, &mut state) => decided,
    };
    let detail = report_inputs
        .detail
        .unwrap_or_else(|| state.default_detail());
    let outcome = state.outcome(decided, detail).redacted(detail);
    if let (Some(problem), true) = (payload_problem, outcome.reason != Reason::RuntimeMissing) {
        Log.warning(&problem);
    }
    let publisher = Publisher {
        reporter: &step.reporter(detail, credentials.as_ref()),
        audit: &audit,
        state: &state,
        reviewed: inputs.as_ref().ok().filter(|_| report_inputs.review),
        clock,
        deadline,
    };
    let replacement = publisher.publish(&outcome, cancelled).await;
    let outcome = replacement.as_ref().unwrap_or(&outcome);
    publisher.reporter.conclude(outcome);
    match outcome.decision {
        Decision::Allowed => 0,
        Decision::Denied if report_inputs.mode == Mode::Advisory => 0,
        Decision::Denied => 1,
        Decision::Error => 2,
    }
}

/// Publishes an outcome in all reports.
struct Publisher<'a> {
    reporter: &'a Reporter<'a>,
    audit: &'a Audit<'a>,
    state: &'a RunState,
    /// Inputs of the review, if it is enabled.
    reviewed: Option<&'a Inputs>,
    clock: fn() -> Timestamp,
    deadline: Instant,
}

impl<'a> Publisher<'a> {
    /// Publishes the outcome. If the runner cancels the step during that, publishes and returns a replacement.
    async fn publish<F: Future<Output = ()>>(
        &self,
        outcome: &Outcome<'a>,
        mut cancelled: impl FnMut() -> F,
    ) -> Option<Outcome<'a>> {
        self.write_local(outcome);
        let is_cancelled = outcome.reason == Reason::Cancelled;
        let until = match is_cancelled {
            true => self.shutdown_deadline(),
            false => self.deadline,
        };
        let reviewed = self.reviewed.filter(|_| !is_cancelled);
        let mut sending = pin!(self.reporter.send(outcome, Budget::until(until)).fuse());
        let publishing = join(
            self.publish_remote(sending.as_mut(), reviewed, until),
            self.audit.deliver(until),
        );
        tokio::select! {
            biased;
            () = cancelled(), if !is_cancelled => {}
            _ = publishing => return None,
        }
        // The outcome is not published everywhere and the job is stopping, so it must not count as a success.
        // Replace the published reports.
        let outcome = self.state.failed(&cancellation(), self.reporter.detail);
        self.write_local(&outcome);
        let until = self.shutdown_deadline();
        let resend = async {
            // GitHub also processes an abandoned request, and shows the last one to arrive. So wait for it
            // before sending the replacement, for at most a third of the time.
            if !sending.is_terminated() {
                let time_left = until.saturating_duration_since(Instant::now());
                _ = tokio::time::timeout(time_left / 3, sending).await;
                // It may have written the URL of its check run.
                self.reporter.write_outputs(&outcome);
            }
            self.reporter.send(&outcome, Budget::until(until)).await;
        };
        join(
            self.publish_remote(resend, None, until),
            self.audit.deliver(until),
        )
        .await;
        Some(outcome)
    }

    /// Writes the log, the outputs, the summary and the audit records.
    fn write_local(&self, outcome: &Outcome<'_>) {
        self.reporter.write_local(outcome);
        let state = self.state;
        self.audit
            .write(outcome, state.workspace(), state.token.as_ref());
    }

    /// Returns the deadline of reports after a cancellation.
    fn shutdown_deadline(&self) -> Instant {
        self.deadline.min(Instant::now() + SHUTDOWN_TIME)
    }

    /// Publishes over the network: first the outcome, then the review of a changed policy, which may take longer.
    async fn publish_remote(
        &self,
        sending: impl Future<Output = ()>,
        reviewed: Option<&Inputs>,
        until: Instant,
    ) {
        sending.await;
        if let Some(inputs) = reviewed {
            let budget = Budget::until(until - REVOKE_TIME);
            review::run(self.reporter, &inputs.policy, (self.clock)(), budget).await;
        }
        self.reporter.revoke(Budget::until(until)).await;
    }
}

pub(super) fn cancellation() -> Failure {
    Failure::new(
        Reason::Cancelled,
        "the step was cancelled before it finished",
    )
}

/// Masks all secrets. Call it before anything else prints.
fn mask_secrets(variables: &Variables) {
    let inputs = ["token", "app-private-key", "audit-webhook-secret"];
    let tokens = ["ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_RUNTIME_TOKEN"];
    let inputs = inputs
        .iter()
        .filter_map(|name| variables.secret_input(name));
    let tokens = tokens.iter().filter_map(|name| variables.secret(name));
    // The webhook's input can contain several secrets in one line.
    let webhook = variables.input("audit-webhook-secret").unwrap_or_default();
    let webhook = webhook
        .split_whitespace()
        .filter(|secret| *secret != webhook && secret.starts_with(SECRET_PREFIX))
        .map(SecretString::from);
    for secret in inputs.chain(tokens).chain(webhook) {
        Log.mask(&secret);
    }
}

/// State of a run. It is outside the future that decides, so that reports of an error, a cancellation or a
/// timeout can use it.
#[derive(Default)]
struct RunState {
    context: Option<SignedContext>,
    token: Option<TokenRecord>,
    policy: Option<Loaded>,
    /// The repository's own policy, if a central one delegates.
    own_policy: Option<Loaded>,
}

impl RunState {
    /// Returns full detail if readers of the report can also read the policy.
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
    fn workspace(&self) -> Option<&str> {
        let engine = self.policy.as_ref()?.engine.as_ref()?;
        engine.policy().workspace.as_deref()
    }

    fn outcome(
        &self,
        decided: Result<Vec<PermissionDecision>, Failure>,
        detail: Detail,
    ) -> Outcome<'_> {
        let permissions = match decided {
            Ok(permissions) => permissions,
            Err(failure) => return self.failed(&failure, detail),
        };
        let (Some(context), Some(policy)) = (self.context(), &self.policy) else {
            return self.failed(&incomplete(), detail);
        };
        Outcome {
            own_policy: record(&self.own_policy),
            ..Outcome::decided(permissions, context, policy.record.clone(), detail)
        }
    }

    fn failed(&self, failure: &Failure, detail: Detail) -> Outcome<'_> {
        let (context, policy) = (self.context(), record(&self.policy));
        Outcome {
            own_policy: record(&self.own_policy),
            ..Outcome::failed(failure, context, policy, detail)
        }
    }

    /// Returns whether a rule would match, or fail in fewer dimensions, if the base of the pull request is the
    /// default branch. This also matters for a grant, whose trace shows the matches of every rule.
    fn needs_default_branch(&self, decided: &[PermissionDecision]) -> bool {
        let provenance = self.policy.as_ref().map(|policy| policy.provenance);
        let mut rules = decided.iter().flat_map(|permission| &permission.trace);
        rules.any(|traced| {
            let rule = &traced.rule;
            let is_own = rule.own_policy || provenance == Some(Provenance::ThisRepository);
            is_own && rule.at_top && traced.failed().any(|dimension| dimension.of_branch)
        })
    }
}

fn record(policy: &Option<Loaded>) -> Option<PolicyRecord> {
    policy.as_ref().map(|policy| policy.record.clone())
}

fn incomplete() -> Failure {
    Failure::new(Reason::Internal, "a part of the decision is missing")
}

struct Step<'a> {
    variables: &'a Variables,
    client: Result<&'a Client, &'a anyhow::Error>,
    payload: Option<&'a EventPayload>,
    inputs: Result<&'a Inputs, &'a Failure>,
    report_inputs: &'a ReportInputs,
    budget: Budget,
    clock: fn() -> Timestamp,
}

impl<'a> Step<'a> {
    fn is_in_job(&self) -> bool {
        self.variables.get("GITHUB_ACTIONS") == Some("true")
    }

    /// Returns the policy and the credentials of a step that only reviews. Returns `None` for other steps, and if
    /// something is missing, which [`Step::decide`] then reports.
    fn review_only_policy(&self) -> Option<(&'a PolicySource, Credentials)> {
        let inputs = self
            .inputs
            .ok()
            .filter(|inputs| inputs.permissions.is_empty())?;
        if !self.is_in_job() {
            return None;
        }
        let runtime = Runtime::read(self.variables).ok()?;
        Some((
            &inputs.policy,
            self.credentials(self.client.ok()?, &runtime),
        ))
    }

    fn credentials(&self, client: &Client, runtime: &Runtime) -> Credentials {
        Credentials::new(client.clone(), runtime, self.report_inputs, self.clock)
    }

    fn reporter<'r>(&self, detail: Detail, credentials: Option<&'r Credentials>) -> Reporter<'r>
    where
        'a: 'r,
    {
        Reporter {
            variables: self.variables,
            inputs: self.report_inputs,
            payload: self.payload,
            detail,
            credentials,
        }
    }

    /// Checks inputs, runtime, token and policy, and decides. The first failure is the reason.
    async fn decide(
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
        let (context, token) = (&mut state.context, &mut state.token);
        let pull_request = RunPullRequest::new(self.variables, &runtime, credentials, self.budget);
        let identity = self.identify(client, inputs, &runtime, pull_request.as_ref());
        let identity = async {
            let (job, record) = identity.await?;
            (*context, *token) = (Some(job), Some(record));
            Ok(())
        };
        let is_own = matches!(inputs.policy, PolicySource::DefaultBranch(_));
        let default_branch = pull_request
            .as_ref()
            .filter(|_| is_own)
            .map(RunPullRequest::default_branch);
        // An invalid token ends the run immediately. An unreadable policy waits for the token, which comes
        // first in the order of reasons.
        let read = async {
            Ok(self
                .policy(inputs, &runtime, credentials, &mut state.policy)
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

    /// Identifies the job by its token and returns its context.
    async fn identify(
        &self,
        client: &Client,
        inputs: &Inputs,
        runtime: &Runtime,
        pull_request: Option<&RunPullRequest<'_>>,
    ) -> Result<(SignedContext, TokenRecord), Failure> {
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
        let ((claims, token), pull_request) =
            tokio::try_join!(biased; identified, low_priority(fetched))?;
        Ok((claims.context(pull_request.as_ref()), token))
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
            Some(default_branch) => default_branch.name().await,
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
        inputs: &Inputs,
        runtime: &Runtime,
        credentials: &Credentials,
        policy: &mut Option<Loaded>,
    ) -> Result<(), Failure> {
        let location = PolicyLocation {
            source: &inputs.policy,
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
            origin.check(&inputs.policy, credentials, self.budget),
        )
        .await;
        let loaded = loaded?;
        checked?;
        // The token is still pending. Unless it names this repository, there is no decision.
        let loaded = policy.insert(loaded);
        loaded.parse(&runtime.repository, &inputs.permissions)
    }
}

/// Reports an internal error in the outputs, the log and the audit record, for the panic hook.
pub fn write_internal_error(variables: &Variables, clock: fn() -> Timestamp, cause: &str) {
    let message = "repo-permissions failed because of a bug, so nothing is granted";
    write_internal_outputs(variables, message);
    // A panic's text can contain anything. As a log line, it cannot be a command.
    Log.line(cause);
    let failure = Failure::new(Reason::Internal, message);
    let outcome = Outcome::failed(&failure, None, None, Detail::None);
    Log.annotate("error", "repo-permissions", &with_link(&outcome));
    if variables.get("GITHUB_ACTIONS").is_some() {
        audit::write_failure(variables, &outcome, clock());
    }
}

/// Writes only the outputs of an internal error, for a log that blocks.
pub fn write_internal_outputs(variables: &Variables, message: &str) {
    let outputs = [
        ("decision", "error"),
        ("allowed", "false"),
        ("reason", Reason::Internal.code()),
        ("message", message),
    ];
    if let Some(path) = variables.get("GITHUB_OUTPUT") {
        // Remove the outputs of a decision that was not published everywhere, whose `result` could be `allowed`.
        clear_outputs(path);
        _ = write_outputs(path, outputs).inspect_err(|_| clear_outputs(path));
    }
}

/// Returns the time limit of the whole run, from the input `timeout`.
pub fn time_limit(variables: &Variables) -> Duration {
    timeout(variables.input("timeout"), &mut Problems::default())
}
