//! The run of the action: decide, then report, inside the time that it has.

use std::cell::{Cell, OnceCell};
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
    Decision, PermissionDecision, Reason, Scope, decide_while, with_own_policy,
};
use engine::policy::source::{DEFAULT_PATH, PolicySource};
use engine::policy::{Document, PermissionKey};
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
    let deadline = started + report_inputs.timeout;
    // A quarter of the time, 15 s at most, is kept for the reports.
    let reserve = (report_inputs.timeout / 4).min(Duration::from_secs(15));
    let (payload, payload_problem) = payload(environment);

    let client = client(environment, report_inputs.ca_bundle.as_deref());
    let audit = Audit::new(
        environment,
        &report_inputs,
        client.as_ref().map_err(|why| &**why),
        clock,
        started,
    );
    let step = Step {
        environment,
        client: client.as_ref().map_err(|why| &**why),
        payload: payload.as_ref(),
        budget: Budget::until(deadline - reserve),
        clock,
    };
    if let Some(inputs) = inputs
        .as_ref()
        .filter(|inputs| inputs.permissions.is_empty())
        && let Some(credentials) = step.to_review(&report_inputs)
    {
        if let Some(problem) = payload_problem {
            Log.warning(&problem);
        }
        let reporter = Reporter {
            environment,
            inputs: &report_inputs,
            payload: payload.as_ref(),
            detail: Detail::Full,
            credentials: Some(&credentials),
        };
        return review::alone(&reporter, &inputs.policy, clock(), deadline, cancelled()).await;
    }
    let (policy, own_policy) = (OnceCell::new(), OnceCell::new());
    let work = Work::new(&policy, &own_policy);
    let credentials = OnceCell::new();
    let deciding = async {
        let inputs = inputs.as_ref().ok_or_else(|| {
            Failure::new(Reason::InputInvalid, problems.message().unwrap_or_default())
        });
        step.decide(inputs, &report_inputs, &work, &credentials)
            .await
    };
    let decided = tokio::select! {
        biased;
        () = cancelled() => Err(cancellation()),
        decided = deciding => decided,
    };
    let detail = report_inputs
        .detail
        .unwrap_or_else(|| work.default_detail());
    let outcome = match decided {
        Ok(permissions) => work.outcome(permissions, detail),
        Err(failure) => work.failed(&failure, detail),
    }
    .redacted(detail);

    let reporter = Reporter {
        environment,
        inputs: &report_inputs,
        payload: payload.as_ref(),
        detail,
        credentials: credentials.get(),
    };
    if let (Some(problem), true) = (payload_problem, outcome.reason != Reason::RuntimeMissing) {
        Log.warning(&problem);
    }
    reporter.write_local(&outcome);
    audit.write(&outcome, work.workspace(), work.token.get());
    let until = match outcome.reason {
        Reason::Cancelled => deadline.min(Instant::now() + FAREWELL),
        _ => deadline,
    };
    let reviewed = match outcome.reason {
        Reason::Cancelled => None,
        _ => inputs.as_ref().filter(|_| report_inputs.review),
    };
    let mut sent = pin!(reporter.send(&outcome, Budget::until(until)).fuse());
    let told = join(
        tell(&reporter, sent.as_mut(), reviewed, clock, until),
        audit.deliver(until),
    );
    let told_instead = tokio::select! {
        biased;
        () = cancelled(), if outcome.reason != Reason::Cancelled => {
            // Decided, but not told everywhere, and the job is being stopped: not a success, and what was
            // told is told anew.
            let outcome = work.failed(&cancellation(), detail);
            reporter.write_local(&outcome);
            audit.write(&outcome, work.workspace(), work.token.get());
            let until = deadline.min(Instant::now() + FAREWELL);
            let sent_anew = async {
                // GitHub carries out a request that nobody waits for any more, and shows what came last: it
                // must not come after what is told anew. A third of the time is for that.
                if !sent.is_terminated() {
                    let left = until.saturating_duration_since(Instant::now());
                    _ = tokio::time::timeout(left / 3, sent).await;
                    // It may have written the address of its check run.
                    reporter.write_outputs(&outcome);
                }
                reporter.send(&outcome, Budget::until(until)).await;
            };
            let told = tell(&reporter, sent_anew, None, clock, until);
            join(told, audit.deliver(until)).await;
            Some(outcome)
        }
        _ = told => None,
    };
    let outcome = told_instead.as_ref().unwrap_or(&outcome);
    reporter.conclude(outcome);
    match outcome.decision {
        Decision::Allowed => 0,
        Decision::Denied if report_inputs.mode == Mode::Advisory => 0,
        Decision::Denied => 1,
        Decision::Error => 2,
    }
}

/// What goes over the network: the outcome first, then the review of a changed policy, which may take
/// longer.
async fn tell(
    reporter: &Reporter<'_>,
    sent: impl Future<Output = ()>,
    reviewed: Option<&Inputs>,
    clock: fn() -> Timestamp,
    until: Instant,
) {
    sent.await;
    if let Some(inputs) = reviewed {
        let budget = Budget::until(until - TO_REVOKE);
        review::run(reporter, &inputs.policy, clock(), budget).await;
    }
    reporter.revoke(Budget::until(until)).await;
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

/// What a run has found so far, kept outside of the futures so that a failure, a cancellation or the
/// end of time can still tell of it.
struct Work<'p> {
    context: OnceCell<SignedContext>,
    /// The same with the default branch, where a rule needs it.
    whole_context: OnceCell<SignedContext>,
    token: OnceCell<TokenRecord>,
    policy: &'p OnceCell<Loaded>,
    document: OnceCell<Document<'p>>,
    /// The repository's own policy, where a central one delegates.
    own_policy: &'p OnceCell<Loaded>,
    own_document: OnceCell<Document<'p>>,
}

impl<'p> Work<'p> {
    fn new(policy: &'p OnceCell<Loaded>, own_policy: &'p OnceCell<Loaded>) -> Self {
        Self {
            context: OnceCell::new(),
            whole_context: OnceCell::new(),
            token: OnceCell::new(),
            policy,
            document: OnceCell::new(),
            own_policy,
            own_document: OnceCell::new(),
        }
    }

    /// Full where whoever reads the report can read the policy too.
    fn default_detail(&self) -> Detail {
        match self.policy.get().map(|policy| policy.scope) {
            Some(Scope::OtherRepository) => Detail::Reason,
            _ => Detail::Full,
        }
    }

    fn context(&self) -> Option<&Context> {
        let context = self.whole_context.get().or_else(|| self.context.get());
        context.map(SignedContext::as_context)
    }

    /// The context with the default branch, once it is known; `None` where nobody asks for it or it
    /// cannot be had.
    async fn with_default_branch(
        &self,
        context: &SignedContext,
        default_branch: Option<DefaultBranch>,
    ) -> Option<&SignedContext> {
        let name = default_branch?.name().await?;
        let whole = self
            .whole_context
            .get_or_init(|| context.with_default_branch(&name));
        Some(whole)
    }

    /// The policy's `workspace:`.
    fn workspace(&self) -> Option<&str> {
        self.document.get()?.workspace.as_deref()
    }

    fn record(&self) -> Option<PolicyRecord> {
        self.policy.get().map(|policy| policy.record.clone())
    }

    fn own_record(&self) -> Option<PolicyRecord> {
        self.own_policy.get().map(|policy| policy.record.clone())
    }

    fn outcome<'a>(
        &'a self,
        permissions: Vec<PermissionDecision<'a>>,
        detail: Detail,
    ) -> Outcome<'a> {
        match (self.context(), self.record()) {
            (Some(context), Some(policy)) => Outcome {
                own_policy: self.own_record(),
                ..Outcome::decided(permissions, context, policy, detail)
            },
            _ => self.failed(&incomplete(), detail),
        }
    }

    fn failed(&self, failure: &Failure, detail: Detail) -> Outcome<'_> {
        Outcome {
            own_policy: self.own_record(),
            ..Outcome::failed(failure, self.context(), self.record(), detail)
        }
    }
}

/// Whether a rule would match, or fail on less, if the base of the pull request is the default branch. In
/// a grant too: its trace says of every rule what matches.
fn needs_default_branch(decided: &[PermissionDecision<'_>]) -> bool {
    let mut rules = decided.iter().flat_map(|permission| &permission.trace);
    rules.any(|rule| rule.rule.at_top && rule.failed().any(|dimension| dimension.of_branch))
}

fn incomplete() -> Failure {
    Failure::new(Reason::Internal, "a part of the decision is missing")
}

/// What a policy is asked about.
struct Question<'w, 'q> {
    context: &'w SignedContext,
    default_branch: Option<DefaultBranch>,
    /// How long deciding may still take.
    left: &'q Cell<Duration>,
}

struct Step<'a> {
    environment: &'a Environment,
    client: Result<&'a Client, &'a str>,
    payload: Option<&'a EventPayload>,
    budget: Budget,
    clock: fn() -> Timestamp,
}

impl Step<'_> {
    /// The tokens of a step that only reviews; `None` where [`Step::decide`] says what is missing.
    fn to_review(&self, inputs: &ReportInputs) -> Option<Credentials> {
        if self.environment.get("GITHUB_ACTIONS") != Some("true") {
            return None;
        }
        let runtime = Runtime::read(self.environment).ok()?;
        let client = self.client.ok()?.clone();
        Some(Credentials::new(client, &runtime, inputs, self.clock))
    }

    /// Inputs, runtime, token, policy, decision: the first that fails is the reason.
    async fn decide<'w>(
        &self,
        inputs: Result<&Inputs, Failure>,
        report_inputs: &ReportInputs,
        work: &'w Work<'_>,
        credentials: &OnceCell<Credentials>,
    ) -> Result<Vec<PermissionDecision<'w>>, Failure> {
        if self.environment.get("GITHUB_ACTIONS") != Some("true") {
            let message = "this is not a GitHub Actions job (`GITHUB_ACTIONS` is not `true`); elsewhere it is a tool: `repo-permissions help`";
            return Err(Failure::new(Reason::RuntimeMissing, message));
        }
        let runtime = Runtime::read(self.environment)
            .map_err(|message| Failure::new(Reason::RuntimeMissing, message));
        if let (Ok(runtime), Ok(client)) = (&runtime, self.client) {
            let taken = Credentials::new(client.clone(), runtime, report_inputs, self.clock);
            taken.warm(self.budget);
            _ = credentials.set(taken);
        }
        let inputs = inputs?;
        let runtime = runtime?;
        let client = self
            .client
            .map_err(|message| Failure::new(Reason::InputInvalid, message))?;
        let credentials = credentials.get().ok_or_else(incomplete)?;
        if inputs.permissions.is_empty() {
            return Err(incomplete());
        }
        let issuer = inputs
            .issuer
            .clone()
            .unwrap_or_else(|| Issuer::of_server(&runtime.server));
        let pull_request = OfRun::new(self.environment, &runtime, credentials, self.budget);
        let identity = async {
            let job = Job {
                environment: self.environment,
                runtime: &runtime,
                issuer: &issuer,
                audience: &inputs.audience,
                clock: self.clock,
            };
            let described = async {
                Ok(match &pull_request {
                    Some(pull_request) => pull_request.described(self.payload).await,
                    None => None,
                })
            };
            let identified = job.identify(client, self.budget);
            let ((claims, token), pull_request) =
                tokio::try_join!(biased; identified, behind(described))?;
            _ = work.token.set(token);
            let context = claims.context(pull_request.as_ref());
            Ok(work.context.get_or_init(|| context))
        };
        let is_own = matches!(inputs.policy, PolicySource::DefaultBranch(_));
        let default_branch = pull_request
            .as_ref()
            .filter(|_| is_own)
            .map(OfRun::default_branch);
        // A token that is not valid ends the run at once; a policy that cannot be read waits for the
        // token, which comes first.
        let policy = async { Ok(self.policy(inputs, &runtime, work, credentials).await) };
        let (context, policy) = tokio::try_join!(biased; identity, behind(policy))?;
        let (loaded, document) = policy?;
        let left = Cell::new(MAX_DECISION);
        let question = Question {
            context,
            default_branch,
            left: &left,
        };
        let asked = &inputs.permissions;
        let decided = self
            .decide_by(loaded, document, asked, question, work)
            .await?;
        let is_open = |permission: &PermissionDecision<'_>| {
            permission.decision == Decision::Denied && permission.delegated
        };
        if !decided.iter().any(is_open) {
            return Ok(decided);
        }
        let default_branch = pull_request.as_ref().map(OfRun::default_branch);
        let own = self.own_policy(&runtime, &inputs.permissions, work, credentials);
        let Some((own, document)) = own.await? else {
            return Ok(decided);
        };
        let open = asked.iter().zip(&decided);
        let open = open.filter(|(_, central)| is_open(central));
        let open: Vec<_> = open.map(|(permission, _)| permission.clone()).collect();
        let question = Question {
            context,
            default_branch,
            left: &left,
        };
        let of_own = self.decide_by(own, document, &open, question, work).await?;
        let mut of_own = of_own.into_iter();
        let decided = decided.into_iter().map(|central| match is_open(&central) {
            true => of_own
                .next()
                .map(|own| with_own_policy(central, own))
                .ok_or_else(incomplete),
            false => Ok(central),
        });
        decided.collect()
    }

    /// Decides; once more with the default branch, if a rule needs that.
    async fn decide_by<'w>(
        &self,
        loaded: &Loaded,
        document: &'w Document<'w>,
        permissions: &[PermissionKey<'_>],
        question: Question<'w, '_>,
        work: &'w Work<'_>,
    ) -> Result<Vec<PermissionDecision<'w>>, Failure> {
        let Question {
            context,
            default_branch,
            left,
        } = question;
        let decide = |context: &'w SignedContext| {
            let context = context.as_context();
            let started = Instant::now();
            let until = started + self.budget.left().min(left.get());
            let (now, go_on) = ((self.clock)(), || Instant::now() < until);
            let decided = decide_while(document, loaded.scope, permissions, context, now, &go_on);
            left.set(left.get().saturating_sub(started.elapsed()));
            decided.map_err(|invalid| Failure::invalid_policy(&loaded.record.file, &invalid))
        };
        let decided = decide(context)?;
        if loaded.scope != Scope::ThisRepository || !needs_default_branch(&decided) {
            return Ok(decided);
        }
        match work.with_default_branch(context, default_branch).await {
            Some(context) => decide(context),
            None => Ok(decided),
        }
    }

    /// The repository's own policy, to which a central one delegates; `None` when there is none. It
    /// can only add: what cannot be read is an error, not a denial, but never a grant.
    async fn own_policy<'w, 'p>(
        &self,
        runtime: &Runtime,
        permissions: &[PermissionKey<'_>],
        work: &'w Work<'p>,
        credentials: &Credentials,
    ) -> Result<Option<(&'p Loaded, &'w Document<'p>)>, Failure> {
        let source = PolicySource::parse(DEFAULT_PATH, "")
            .map_err(|error| Failure::new(Reason::Internal, error))?;
        let place = Place {
            source: &source,
            this: &runtime.repository,
            workspace: None,
        };
        let loaded = match load(&place, credentials, self.budget).await {
            Err(failure) if failure.reason == Reason::PolicyNotFound => return Ok(None),
            loaded => loaded?,
        };
        let loaded = work.own_policy.get_or_init(|| loaded);
        let document = loaded.document(&runtime.repository, permissions)?;
        Ok(Some((loaded, work.own_document.get_or_init(|| document))))
    }

    async fn policy<'w, 'p>(
        &self,
        inputs: &Inputs,
        runtime: &Runtime,
        work: &'w Work<'p>,
        credentials: &Credentials,
    ) -> Result<(&'p Loaded, &'w Document<'p>), Failure> {
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
        let loaded = work.policy.get_or_init(|| loaded);
        // The token is still awaited. It has to name this repository, or nothing is decided.
        let document = loaded.document(&runtime.repository, &inputs.permissions)?;
        Ok((loaded, work.document.get_or_init(|| document)))
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
