//! The run of the action: decide, then report, inside the time that it has.

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
use super::order::behind;
use super::origin::Origin;
use super::policy::{Loaded, Place, load};
use super::pull_request::{DefaultBranch, OfRun};
use super::report::{Reporter, with_page};
use super::review;
use super::runtime::{Runtime, client, payload};
use super::workflow::{Log, take_outputs_back, write_outputs};
use crate::audit::webhook::SECRET_PREFIX;
use analysis::audit::TokenRecord;
use analysis::report::{Detail, Failure, Outcome, PolicyRecord};
use engine::context::{Context, EventPayload};
use engine::decision::{
    Decision, PermissionDecision, Policies, Question, Reason, Scope, Undecided, decide,
};
use engine::policy::source::{DEFAULT_PATH, PolicySource};
use github::http::{Budget, Client};
use platform::Environment;
use token::{Issuer, SignedContext};

/// How long reports may take after SIGTERM or SIGINT. The runner kills after ten seconds.
const FAREWELL: Duration = Duration::from_secs(3);
/// How much time a review leaves for the end of the App's tokens.
pub(super) const TO_REVOKE: Duration = Duration::from_secs(2);
/// How long deciding may take in all: it does not look at signals, and the runner waits ten seconds.
const MAX_DECISION: Duration = Duration::from_secs(4);

/// Runs the action and gives the exit code: 0 allowed or an advisory denial, 1 denied, 2 error.
///
/// `cancelled` completes when the runner cancels the step; it is asked again after it did.
pub async fn run<C, F>(environment: &Environment, clock: fn() -> Timestamp, mut cancelled: C) -> u8
where
    C: FnMut() -> F,
    F: Future<Output = ()>,
{
    mask_secrets(environment);
    let started = Instant::now();
    let mut problems = Problems::default();
    let report_inputs = ReportInputs::read(environment, &mut problems);
    let inputs = Inputs::read(environment, &mut problems);
    let inputs = inputs
        .ok_or_else(|| Failure::new(Reason::InputInvalid, problems.message().unwrap_or_default()));
    let deadline = started + report_inputs.timeout;
    // A quarter of the time, 15 s at most, is kept for the reports.
    let reserve = (report_inputs.timeout / 4).min(Duration::from_secs(15));
    let (payload, payload_problem) = payload(environment);
    let client = client(environment, report_inputs.ca_bundle.as_deref());
    let client = client.as_ref().map_err(|why| &**why);
    let step = Step {
        environment,
        client,
        payload: payload.as_ref(),
        inputs: inputs.as_ref(),
        report_inputs: &report_inputs,
        budget: Budget::until(deadline - reserve),
        clock,
    };
    if let Some((policy, credentials)) = step.to_review() {
        if let Some(problem) = payload_problem {
            Log.warning(&problem);
        }
        let reporter = step.reporter(Detail::Full, Some(&credentials));
        return review::alone(&reporter, policy, clock(), deadline, cancelled()).await;
    }
    let audit = Audit::new(environment, &report_inputs, client, clock, started);
    let (mut credentials, mut found) = (None, Found::default());
    let decided = tokio::select! {
        biased;
        () = cancelled() => Err(cancellation()),
        decided = step.decide(&mut credentials, &mut found) => decided,
    };
    let detail = report_inputs
        .detail
        .unwrap_or_else(|| found.default_detail());
    let outcome = found.outcome(decided, detail).redacted(detail);
    if let (Some(problem), true) = (payload_problem, outcome.reason != Reason::RuntimeMissing) {
        Log.warning(&problem);
    }
    let telling = Telling {
        reporter: &step.reporter(detail, credentials.as_ref()),
        audit: &audit,
        found: &found,
        reviewed: inputs.as_ref().ok().filter(|_| report_inputs.review),
        clock,
        deadline,
    };
    let told_instead = telling.tell(&outcome, cancelled).await;
    let outcome = told_instead.as_ref().unwrap_or(&outcome);
    telling.reporter.conclude(outcome);
    match outcome.decision {
        Decision::Allowed => 0,
        Decision::Denied if report_inputs.mode == Mode::Advisory => 0,
        Decision::Denied => 1,
        Decision::Error => 2,
    }
}

/// How an outcome is told in every place.
struct Telling<'a> {
    reporter: &'a Reporter<'a>,
    audit: &'a Audit<'a>,
    found: &'a Found,
    /// What is reviewed afterwards, if that is wanted.
    reviewed: Option<&'a Inputs>,
    clock: fn() -> Timestamp,
    deadline: Instant,
}

impl<'a> Telling<'a> {
    /// Tells the outcome; gives the one that was told instead, where the step was cancelled meanwhile.
    async fn tell<F: Future<Output = ()>>(
        &self,
        outcome: &Outcome<'a>,
        mut cancelled: impl FnMut() -> F,
    ) -> Option<Outcome<'a>> {
        self.write_local(outcome);
        let is_cancelled = outcome.reason == Reason::Cancelled;
        let until = match is_cancelled {
            true => self.farewell(),
            false => self.deadline,
        };
        let reviewed = self.reviewed.filter(|_| !is_cancelled);
        let mut sent = pin!(self.reporter.send(outcome, Budget::until(until)).fuse());
        let told = join(
            self.over_network(sent.as_mut(), reviewed, until),
            self.audit.deliver(until),
        );
        tokio::select! {
            biased;
            () = cancelled(), if !is_cancelled => {}
            _ = told => return None,
        }
        // Decided, but not told everywhere, and the job is being stopped: not a success, and what was told is
        // told again.
        let outcome = self.found.failed(&cancellation(), self.reporter.detail);
        self.write_local(&outcome);
        let until = self.farewell();
        let sent_again = async {
            // GitHub carries out a request that nobody waits for any more, and shows what came last: it must
            // not come after what is told again. A third of the time is for that.
            if !sent.is_terminated() {
                let left = until.saturating_duration_since(Instant::now());
                _ = tokio::time::timeout(left / 3, sent).await;
                // It may have written the address of its check run.
                self.reporter.write_outputs(&outcome);
            }
            self.reporter.send(&outcome, Budget::until(until)).await;
        };
        join(
            self.over_network(sent_again, None, until),
            self.audit.deliver(until),
        )
        .await;
        Some(outcome)
    }

    /// The log, the outputs, the summary and the audit record.
    fn write_local(&self, outcome: &Outcome<'_>) {
        self.reporter.write_local(outcome);
        let found = self.found;
        self.audit
            .write(outcome, found.workspace(), found.token.as_ref());
    }

    /// The end of what is told after a cancellation.
    fn farewell(&self) -> Instant {
        self.deadline.min(Instant::now() + FAREWELL)
    }

    /// What goes over the network: the outcome first, then the review of a changed policy, which may take
    /// longer.
    async fn over_network(
        &self,
        sent: impl Future<Output = ()>,
        reviewed: Option<&Inputs>,
        until: Instant,
    ) {
        sent.await;
        if let Some(inputs) = reviewed {
            let budget = Budget::until(until - TO_REVOKE);
            review::run(self.reporter, &inputs.policy, (self.clock)(), budget).await;
        }
        self.reporter.revoke(Budget::until(until)).await;
    }
}

pub(super) fn cancellation() -> Failure {
    Failure::new(
        Reason::Cancelled,
        "the step was cancelled before it was done",
    )
}

/// Before anything else is printed or done.
fn mask_secrets(environment: &Environment) {
    let inputs = ["token", "app-private-key", "audit-webhook-secret"];
    let variables = ["ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_RUNTIME_TOKEN"];
    let inputs = inputs
        .iter()
        .filter_map(|name| environment.secret_input(name));
    let variables = variables.iter().filter_map(|name| environment.secret(name));
    // Of those of the webhook several can stand in one line.
    let webhook = environment
        .input("audit-webhook-secret")
        .unwrap_or_default();
    let webhook = webhook
        .split_whitespace()
        .filter(|secret| *secret != webhook && secret.starts_with(SECRET_PREFIX))
        .map(SecretString::from);
    for secret in inputs.chain(variables).chain(webhook) {
        Log.mask(&secret);
    }
}

/// What a run has found so far, kept outside of the future that decides, so that a failure, a cancellation or
/// the end of time can still be reported with it.
#[derive(Default)]
struct Found {
    context: Option<SignedContext>,
    token: Option<TokenRecord>,
    policy: Option<Loaded>,
    /// The repository's own policy, where a central one delegates.
    own_policy: Option<Loaded>,
}

impl Found {
    /// Full where whoever reads the report can read the policy too.
    fn default_detail(&self) -> Detail {
        match self.policy.as_ref().map(|policy| policy.scope) {
            Some(Scope::OtherRepository) => Detail::Reason,
            _ => Detail::Full,
        }
    }

    fn context(&self) -> Option<&Context> {
        self.context.as_ref().map(SignedContext::as_context)
    }

    /// The policy's `workspace:`.
    fn workspace(&self) -> Option<&str> {
        let engine = self.policy.as_ref()?.engine.as_ref()?;
        engine.document().workspace.as_deref()
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

    /// Whether a rule would match, or fail on less, if the base of the pull request is the default branch. In
    /// a grant too: its trace says of every rule what matches.
    fn needs_default_branch(&self, decided: &[PermissionDecision]) -> bool {
        let scope = self.policy.as_ref().map(|policy| policy.scope);
        let mut rules = decided.iter().flat_map(|permission| &permission.trace);
        rules.any(|traced| {
            let rule = &traced.rule;
            let is_own = rule.own_policy || scope == Some(Scope::ThisRepository);
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
    environment: &'a Environment,
    client: Result<&'a Client, &'a str>,
    payload: Option<&'a EventPayload>,
    inputs: Result<&'a Inputs, &'a Failure>,
    report_inputs: &'a ReportInputs,
    budget: Budget,
    clock: fn() -> Timestamp,
}

impl<'a> Step<'a> {
    fn is_in_job(&self) -> bool {
        self.environment.get("GITHUB_ACTIONS") == Some("true")
    }

    /// The policy and the tokens of a step that only reviews; `None` where [`Step::decide`] says what is
    /// missing.
    fn to_review(&self) -> Option<(&'a PolicySource, Credentials)> {
        let inputs = self
            .inputs
            .ok()
            .filter(|inputs| inputs.permissions.is_empty())?;
        if !self.is_in_job() {
            return None;
        }
        let runtime = Runtime::read(self.environment).ok()?;
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
            environment: self.environment,
            inputs: self.report_inputs,
            payload: self.payload,
            detail,
            credentials,
        }
    }

    /// Inputs, runtime, token, policy, decision: the first that fails is the reason.
    async fn decide(
        &self,
        credentials: &mut Option<Credentials>,
        found: &mut Found,
    ) -> Result<Vec<PermissionDecision>, Failure> {
        if !self.is_in_job() {
            let message = "this is not a GitHub Actions job (`GITHUB_ACTIONS` is not `true`); elsewhere it is a tool: `repo-permissions help`";
            return Err(Failure::new(Reason::RuntimeMissing, message));
        }
        let runtime = Runtime::read(self.environment)
            .map_err(|message| Failure::new(Reason::RuntimeMissing, message));
        if let (Ok(runtime), Ok(client)) = (&runtime, self.client) {
            let taken = credentials.insert(self.credentials(client, runtime));
            taken.warm(self.budget);
        }
        let inputs = self.inputs.map_err(Failure::clone)?;
        let runtime = runtime?;
        let client = self
            .client
            .map_err(|message| Failure::new(Reason::InputInvalid, message))?;
        if inputs.permissions.is_empty() {
            return Err(incomplete());
        }
        let credentials = credentials.as_ref().ok_or_else(incomplete)?;
        let (context, token) = (&mut found.context, &mut found.token);
        let pull_request = OfRun::new(self.environment, &runtime, credentials, self.budget);
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
            .map(OfRun::default_branch);
        // A token that is not valid ends the run at once; a policy that cannot be read waits for the
        // token, which comes first.
        let read = async {
            Ok(self
                .policy(inputs, &runtime, credentials, &mut found.policy)
                .await)
        };
        let ((), read) = tokio::try_join!(biased; identity, behind(read))?;
        read?;
        let pull_request = pull_request.as_ref();
        self.by_policies(
            inputs,
            (&runtime, credentials),
            pull_request,
            default_branch,
            found,
        )
        .await
    }

    /// The job's context, from its token.
    async fn identify(
        &self,
        client: &Client,
        inputs: &Inputs,
        runtime: &Runtime,
        pull_request: Option<&OfRun<'_>>,
    ) -> Result<(SignedContext, TokenRecord), Failure> {
        let issuer = inputs.issuer.clone();
        let issuer = issuer.unwrap_or_else(|| Issuer::of_server(&runtime.server));
        let job = Job {
            environment: self.environment,
            runtime,
            issuer: &issuer,
            audience: &inputs.audience,
            clock: self.clock,
        };
        let described = async {
            Ok(match pull_request {
                Some(pull_request) => pull_request.described(self.payload).await,
                None => None,
            })
        };
        let identified = job.identify(client, self.budget);
        let ((claims, token), pull_request) =
            tokio::try_join!(biased; identified, behind(described))?;
        Ok((claims.context(pull_request.as_ref()), token))
    }

    /// Decides, and again with what a decision shows to be missing: the repository's own policy, then its
    /// default branch.
    async fn by_policies(
        &self,
        inputs: &Inputs,
        (runtime, credentials): (&Runtime, &Credentials),
        pull_request: Option<&OfRun<'_>>,
        mut default_branch: Option<DefaultBranch>,
        found: &mut Found,
    ) -> Result<Vec<PermissionDecision>, Failure> {
        let mut left = MAX_DECISION;
        let mut decided = self.decide_now(inputs, found, &mut left)?;
        if decided.iter().any(PermissionDecision::is_open) {
            default_branch = pull_request.map(OfRun::default_branch);
            let own = &mut found.own_policy;
            self.own_policy(inputs, runtime, credentials, own).await?;
            if found.own_policy.is_none() {
                return Ok(decided);
            }
            decided = self.decide_now(inputs, found, &mut left)?;
        }
        if !found.needs_default_branch(&decided) {
            return Ok(decided);
        }
        let name = match default_branch {
            Some(default_branch) => default_branch.name().await,
            None => None,
        };
        let (Some(name), Some(context)) = (name, &mut found.context) else {
            return Ok(decided);
        };
        *context = context.with_default_branch(&name);
        self.decide_now(inputs, found, &mut left)
    }

    /// Decides by what is found; `left` is how long deciding may still take.
    fn decide_now(
        &self,
        inputs: &Inputs,
        found: &Found,
        left: &mut Duration,
    ) -> Result<Vec<PermissionDecision>, Failure> {
        let (Some(context), Some(policy)) = (found.context(), &found.policy) else {
            return Err(incomplete());
        };
        let own = found.own_policy.as_ref();
        let policies = Policies {
            policy: policy.engine.as_ref().ok_or_else(incomplete)?,
            scope: policy.scope,
            own: own.map(|own| own.engine.as_ref().ok_or_else(incomplete)),
        };
        let started = Instant::now();
        let until = started + self.budget.left().min(*left);
        let question = Question {
            permissions: &inputs.permissions,
            context,
            now: (self.clock)(),
            go_on: &|| Instant::now() < until,
        };
        let decided = decide(policies, question);
        *left = left.saturating_sub(started.elapsed());
        decided.map_err(|undecided| {
            let (record, invalid) = match (undecided, own) {
                (Undecided::NoOwnPolicy(failure), _) => return failure,
                (Undecided::OwnPolicy(invalid), Some(own)) => (&own.record, invalid),
                (Undecided::Policy(invalid) | Undecided::OwnPolicy(invalid), _) => {
                    (&policy.record, invalid)
                }
            };
            Failure::invalid_policy(&record.file, &invalid)
        })
    }

    /// Reads the repository's own policy, to which a central one delegates; there may be none. It can only
    /// add: what cannot be read is an error, not a denial, but never a grant.
    async fn own_policy(
        &self,
        inputs: &Inputs,
        runtime: &Runtime,
        credentials: &Credentials,
        policy: &mut Option<Loaded>,
    ) -> Result<(), Failure> {
        let source = PolicySource::parse(DEFAULT_PATH, "")
            .map_err(|error| Failure::new(Reason::Internal, error))?;
        let place = Place {
            source: &source,
            this: &runtime.repository,
            workspace: None,
        };
        match load(&place, credentials, self.budget).await {
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
        let place = Place {
            source: &inputs.policy,
            this: &runtime.repository,
            workspace: runtime.workspace.as_deref(),
        };
        let origin = Origin {
            event: &runtime.job.event_name,
            git_ref: self.environment.get("GITHUB_REF").unwrap_or_default(),
            this: &runtime.job.repository_id,
            payload: self.payload,
        };
        let (loaded, checked) = join(
            load(&place, credentials, self.budget),
            origin.check(&inputs.policy, credentials, self.budget),
        )
        .await;
        let loaded = loaded?;
        checked?;
        // The token is still awaited. It has to name this repository, or nothing is decided.
        let loaded = policy.insert(loaded);
        loaded.parse(&runtime.repository, &inputs.permissions)
    }
}

/// Says in the outputs that the program failed by a bug: for the panic hook, which has nothing else.
pub fn write_internal_error(environment: &Environment, clock: fn() -> Timestamp, cause: &str) {
    let message = "repo-permissions failed by a bug of its own, so nothing is granted";
    write_internal_outputs(environment, message);
    // A panic's text can hold anything; as a line of the log it is no command.
    Log.line(cause);
    let failure = Failure::new(Reason::Internal, message);
    let outcome = Outcome::failed(&failure, None, None, Detail::None);
    Log.annotate("error", "repo-permissions", &with_page(&outcome));
    if environment.get("GITHUB_ACTIONS").is_some() {
        audit::write_failure(environment, &outcome, clock());
    }
}

/// Only the outputs of such an error: for a log that takes nothing.
pub fn write_internal_outputs(environment: &Environment, message: &str) {
    let outputs = [
        ("decision", "error"),
        ("allowed", "false"),
        ("reason", Reason::Internal.code()),
        ("message", message),
    ];
    if let Some(path) = environment.get("GITHUB_OUTPUT") {
        // Those of a decision that was not told everywhere: `result` would still say `allowed`.
        take_outputs_back(path);
        _ = write_outputs(path, outputs).inspect_err(|_| take_outputs_back(path));
    }
}

/// The time that the input `timeout` gives to the whole run.
pub fn time_limit(environment: &Environment) -> Duration {
    timeout(environment.input("timeout"), &mut Problems::default())
}
