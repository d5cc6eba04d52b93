//! Decides on permissions. Pure, without I/O, clock or variables.
//!
//! A decision finds the repository's entries, evaluates the rules of the permission on the context, and
//! explains the result. Only a rule that matches in every dimension grants.

mod engine;
mod evaluator;
mod merges;
mod reason;
mod repository_rules;
mod trace;

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;

pub use engine::Engine;
pub use merges::OF_ONE_REF;
pub use merges::{Merges, merges};
pub use reason::{Decision, Reason};
pub use repository_rules::RepositoryRules;
pub use trace::accepts_push;
pub use trace::{
    DEFAULT_BRANCH, Nearest, PermissionDecision, RuleRef, TracedDimension, TracedPattern,
    TracedRule,
};

use evaluator::PatternEvaluator;

use crate::context::{Base, Context};
use crate::policy::{CaseSensitivity, Invalid, Patterns, PermissionKey, Problem, Rule};

/// Events that a rule without `events:` matches: only people and Apps with write access to the repository
/// start them, and only code that these have written runs. A rule must name every other event, including those
/// that GitHub adds later.
///
/// Source: docs.github.com, "Events that trigger workflows".
pub const TRUSTED_EVENTS: [&str; 20] = [
    "push",
    "pull_request",
    "merge_group",
    "workflow_dispatch",
    "repository_dispatch",
    "schedule",
    "release",
    "create",
    "delete",
    "deployment",
    "registry_package",
    "page_build",
    "public",
    "label",
    "milestone",
    "project",
    "project_card",
    "project_column",
    "branch_protection_rule",
    "image_version",
];

/// Whether a rule without `events:` matches an event.
pub fn is_trusted_event(event: &str) -> bool {
    TRUSTED_EVENTS.contains(&event)
}

/// Origin of a policy, which determines whether `permissions:` at the top apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Provenance {
    /// The running repository itself: they apply.
    ThisRepository,
    /// Another repository: they apply if the policy has no `repositories:`. A policy with both is
    /// invalid.
    OtherRepository,
    /// The input or the workspace: they apply if the policy has no `repositories:`.
    Given,
    /// A file on the command line: as [`Provenance::Given`], but they count as the repository's own policy.
    Offline,
}

impl Provenance {
    /// Whether the rules at the top are the repository's own policy at its default branch. Everyone who can
    /// push to that branch can change these rules, so they trust it as the base of a pull request.
    fn is_own_policy(self) -> bool {
        matches!(self, Self::ThisRepository | Self::Offline)
    }
}

/// Pattern of a dimension that a rule leaves out.
static ANY: LazyLock<Arc<str>> = LazyLock::new(|| "*".into());

/// Callback that returns whether time is left.
pub type HasTime<'a> = &'a dyn Fn() -> bool;

/// Question that policies decide.
#[derive(Clone, Copy)]
pub struct Question<'q> {
    /// Requested permissions.
    pub permissions: &'q [PermissionKey],
    /// Context of the job.
    pub context: &'q Context,
    /// Time at which rules may have expired.
    pub now: Timestamp,
    /// Callback before each pattern that returns whether time is left: a policy can have many patterns that are
    /// slow to compile.
    pub has_time: HasTime<'q>,
}

impl<'q> Question<'q> {
    /// Returns a question without a time limit.
    pub fn new(permissions: &'q [PermissionKey], context: &'q Context, now: Timestamp) -> Self {
        Self {
            permissions,
            context,
            now,
            has_time: &|| true,
        }
    }
}

/// Policies that decide. `E` is the reason why the repository's own policy is unavailable.
#[derive(Clone, Debug)]
pub struct Policies<'p, E = Infallible> {
    /// Policy that decides first.
    pub policy: &'p Engine,
    /// Origin of this policy.
    pub provenance: Provenance,
    /// The repository's own policy, for permissions that the first policy denies and delegates. Its errors matter
    /// only for these.
    pub own: Option<Result<&'p Engine, E>>,
}

impl<'p> Policies<'p> {
    /// Returns a single policy.
    pub fn one(policy: &'p Engine, provenance: Provenance) -> Self {
        Self {
            policy,
            provenance,
            own: None,
        }
    }
}

/// Why there is no decision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecisionError<E = Infallible> {
    /// The policy or a needed pattern of it is invalid, or the time ran out.
    #[error("{0}")]
    Policy(Invalid),
    /// The same for the repository's own policy.
    #[error("{0}")]
    OwnPolicy(Invalid),
    /// The repository's own policy is unavailable.
    #[error("{0}")]
    OwnPolicyUnavailable(E),
}

impl DecisionError {
    /// Returns what is wrong with the policy or, if that is at fault, with the own one.
    pub fn into_invalid(self) -> Invalid {
        match self {
            Self::Policy(invalid) | Self::OwnPolicy(invalid) => invalid,
            Self::OwnPolicyUnavailable(never) => match never {},
        }
    }
}

/// Decides on each permission with the policy and, if it denies and delegates the permission, with the
/// repository's own policy too, if there is one. A permission is allowed if either policy allows it.
///
/// ```
/// # use engine::context::Context;
/// # use engine::decision::{Decision, Engine, Policies, Provenance, Question, decide};
/// # use engine::policy::{Format, PermissionKey, Policy};
/// let text = "version: 1\npermissions: [{ permission: 'ws:locks:create', branch: main }]\n";
/// let engine = Engine::new(Policy::parse(text, Format::Yaml)?);
/// let permissions = [PermissionKey::parse("ws:locks:create".into())?];
/// let context = Context {
///     branch: Some("main".to_owned()),
///     event: Some("push".to_owned()),
///     ..Context::default()
/// };
/// let question = Question::new(&permissions, &context, jiff::Timestamp::UNIX_EPOCH);
/// let decisions = decide(Policies::one(&engine, Provenance::ThisRepository), question)?;
/// assert_eq!(decisions[0].decision, Decision::Allowed);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A policy or a needed pattern of it is invalid, or the time ran out.
pub fn decide<E>(
    policies: Policies<'_, E>,
    question: Question<'_>,
) -> Result<Vec<PermissionDecision>, DecisionError<E>> {
    let decisions = by_one(policies.policy, policies.provenance, question);
    let decisions = decisions.map_err(DecisionError::Policy)?;
    match policies.own {
        Some(own) if decisions.iter().any(PermissionDecision::is_open) => {
            let own = own.map_err(DecisionError::OwnPolicyUnavailable)?;
            add_own_policy(decisions, own, question).map_err(DecisionError::OwnPolicy)
        }
        _ => Ok(decisions),
    }
}

/// Adds the repository's own policy to the decisions of a policy on `question`. This is the second half of
/// [`decide`], for a caller that reads the own policy only if the first half leaves a decision open: the patterns of
/// the first policy are not compiled a second time.
///
/// # Errors
/// The own policy or a needed pattern of it is invalid, or the time ran out.
pub fn add_own_policy(
    mut decisions: Vec<PermissionDecision>,
    own: &Engine,
    question: Question<'_>,
) -> Result<Vec<PermissionDecision>, Invalid> {
    let asked = question.permissions.iter().zip(&decisions);
    let open: Vec<_> = asked
        .filter(|(_, decision)| decision.is_open())
        .map(|(permission, _)| permission.clone())
        .collect();
    let question = Question {
        permissions: &open,
        ..question
    };
    let of_own = by_one(own, Provenance::ThisRepository, question)?;
    let open = decisions.iter_mut().filter(|decision| decision.is_open());
    for (decision, own) in open.zip(of_own) {
        decision.add_own(own);
    }
    Ok(decisions)
}

/// Decides with one policy.
fn by_one(
    engine: &Engine,
    provenance: Provenance,
    question: Question<'_>,
) -> Result<Vec<PermissionDecision>, Invalid> {
    let evaluator = engine.evaluator(question.has_time);
    let repository_rules = engine.repository_rules(provenance, question.context, evaluator)?;
    let job = Job::new(question.context, question.now);
    let decisions = question.permissions.iter().map(|permission| {
        let trace = match engine.rules(&repository_rules, permission) {
            Err(reason) => return Ok(denied(permission.shared(), reason, Vec::new())),
            Ok(rules) => trace_rules(&rules, provenance, &job, evaluator)?,
        };
        let mut decision = decided(permission.shared(), trace);
        // The repository's own policy delegates nothing.
        decision.delegated =
            provenance != Provenance::ThisRepository && repository_rules.delegates(permission);
        Ok(decision)
    });
    decisions.collect()
}

impl PermissionDecision {
    /// Whether the repository's own policy can still allow the permission.
    pub fn is_open(&self) -> bool {
        self.decision == Decision::Denied && self.delegated
    }

    /// Replaces a denial that delegates with the decision by the rules of both policies.
    fn add_own(&mut self, own: Self) {
        let mut trace = std::mem::take(&mut self.trace);
        trace.extend(own.trace.into_iter().map(|mut traced| {
            traced.rule.own_policy = true;
            traced
        }));
        *self = Self {
            delegated: true,
            ..decided(Arc::clone(&self.permission), trace)
        };
    }
}

/// Values of a job, which the traces of a decision share.
struct Job<'c> {
    context: &'c Context,
    now: Timestamp,
    repository: Value,
    workflow: Value,
    branch: Value,
    base: Value,
    environment: Value,
    event: Value,
}

type Value = Option<Arc<str>>;

impl<'c> Job<'c> {
    fn new(context: &'c Context, now: Timestamp) -> Self {
        let value = |value: Option<&str>| value.map(Arc::from);
        Self {
            context,
            now,
            repository: value(context.repository.as_deref()),
            workflow: value(context.workflow.as_deref()),
            branch: value(context.branch.as_deref()),
            base: value(context.base.branch()),
            environment: value(context.environment.as_deref()),
            event: value(context.event.as_deref()),
        }
    }
}

/// Evaluates every rule of the permission on the context.
fn trace_rules(
    rules: &[&Rule],
    provenance: Provenance,
    job: &Job<'_>,
    evaluator: PatternEvaluator<'_>,
) -> Result<Vec<TracedRule>, Invalid> {
    let mut problems = Vec::new();
    let mut trace = Vec::with_capacity(rules.len());
    for rule in rules {
        let trusted_base = (rule.at_top && provenance.is_own_policy())
            .then_some(job.context.default_branch.as_deref())
            .flatten();
        match trace_rule(rule, job, trusted_base, evaluator) {
            Ok(traced) => trace.push(traced),
            Err(problem) => problems.push(problem),
        }
        // The remaining rules would have the same problem.
        if !problems.is_empty() && !evaluator.has_time() {
            break;
        }
    }
    match Invalid::from_problems(problems) {
        Some(invalid) => Err(invalid),
        None => Ok(trace),
    }
}

/// Returns the decision that follows from the rules of the permission.
fn decided(permission: Arc<str>, trace: Vec<TracedRule>) -> PermissionDecision {
    if let Some(granting) = trace.iter().find(|rule| rule.matched) {
        return PermissionDecision {
            permission,
            decision: Decision::Allowed,
            reason: Reason::Granted,
            rule: Some(granting.rule.clone()),
            nearest: None,
            trace,
            delegated: false,
        };
    }
    let fits_but = |gate: &str| {
        trace.iter().any(|rule| {
            rule.failed().all(|dimension| dimension.gate)
                && rule.failed().any(|dimension| dimension.dimension == gate)
        })
    };
    let reason = if trace.is_empty() {
        Reason::PermissionNotGranted
    } else if fits_but("event") {
        Reason::UntrustedEvent
    } else if fits_but("expires") {
        Reason::Expired
    } else {
        Reason::NoRuleMatches
    };
    denied(permission, reason, trace)
}

fn denied(permission: Arc<str>, reason: Reason, trace: Vec<TracedRule>) -> PermissionDecision {
    // The nearest miss must be one that the reason describes.
    let gate = match reason {
        Reason::UntrustedEvent => Some("event"),
        Reason::Expired => Some("expires"),
        _ => None,
    };
    PermissionDecision {
        permission,
        decision: Decision::Denied,
        reason,
        rule: None,
        nearest: trace
            .iter()
            .min_by_key(|rule| rule.distance(gate))
            .map(TracedRule::nearest),
        trace,
        delegated: false,
    }
}

fn trace_rule(
    rule: &Rule,
    job: &Job<'_>,
    trusted_base: Option<&str>,
    evaluator: PatternEvaluator<'_>,
) -> Result<TracedRule, Problem> {
    // Workflow, branch, base, environment, event and expiry besides the claims.
    let mut dimensions = Vec::with_capacity(6 + rule.claims.len());
    for (name, patterns, value) in [
        ("workflow", &rule.workflow, &job.workflow),
        ("branch", &rule.branch, &job.branch),
    ] {
        let sensitive = CaseSensitivity::Sensitive;
        dimensions.push(dimension(
            name.into(),
            patterns,
            value,
            sensitive,
            evaluator,
        )?);
    }
    dimensions.extend(base(rule, job, trusted_base, evaluator)?);
    dimensions.push(dimension(
        "environment".into(),
        &rule.environment,
        &job.environment,
        CaseSensitivity::ignored_for(job.environment.as_deref()),
        evaluator,
    )?);
    for (name, patterns) in &rule.claims {
        let value = job
            .context
            .claims
            .get(&**name)
            .map(|value| Arc::from(&**value));
        let name = Cow::Owned(format!("claims.{name}"));
        dimensions.push(traced(
            name,
            patterns,
            &value,
            CaseSensitivity::Sensitive,
            evaluator,
        )?);
    }
    dimensions.extend(event(rule, job));
    dimensions.extend(expiry(rule, job.now));
    Ok(TracedRule {
        rule: RuleRef::of(rule),
        matched: dimensions.iter().all(|dimension| dimension.matched),
        dimensions,
        repository: job.repository.clone(),
    })
}

/// Evaluates the base of a pull request. A rule must trust it as it does the head, because the run merges both. A
/// rule trusts the bases that its `base` matches or, without `base`, those that its `branch` matches, and
/// `trusted_base`. `None` if the run has no base to check.
fn base(
    rule: &Rule,
    job: &Job<'_>,
    trusted_base: Option<&str>,
    evaluator: PatternEvaluator<'_>,
) -> Result<Option<TracedDimension>, Problem> {
    let value = &job.base;
    let named = rule.base.as_ref();
    // The validity of a policy does not depend on the event, so `base` is always evaluated.
    let named = named.map(|patterns| {
        traced(
            "base".into(),
            patterns,
            value,
            CaseSensitivity::Sensitive,
            evaluator,
        )
    });
    let named = named.transpose()?;
    if matches!(job.context.base, Base::None | Base::Assumed) {
        return Ok(None);
    }
    if named.is_some() {
        return Ok(named);
    }
    let by_branch = dimension(
        "base".into(),
        &rule.branch,
        value,
        CaseSensitivity::Sensitive,
        evaluator,
    )?;
    Ok(Some(match trusted_base {
        Some(trusted) if !by_branch.matched && value.as_deref() == Some(trusted) => {
            TracedDimension {
                pattern: trusted.into(),
                kind: DEFAULT_BRANCH,
                matched: true,
                any_of: Vec::new(),
                line: None,
                ..by_branch
            }
        }
        _ => TracedDimension {
            of_branch: true,
            ..by_branch
        },
    }))
}

fn dimension(
    name: Cow<'static, str>,
    patterns: &Option<Patterns>,
    value: &Value,
    case: CaseSensitivity,
    evaluator: PatternEvaluator<'_>,
) -> Result<TracedDimension, Problem> {
    match patterns {
        Some(patterns) => traced(name, patterns, value, case, evaluator),
        None => Ok(TracedDimension {
            dimension: name,
            pattern: Arc::clone(&ANY),
            kind: "any",
            value: value.clone(),
            matched: true,
            any_of: Vec::new(),
            line: None,
            gate: false,
            of_branch: false,
        }),
    }
}

fn traced(
    name: Cow<'static, str>,
    patterns: &Patterns,
    value: &Value,
    case: CaseSensitivity,
    evaluator: PatternEvaluator<'_>,
) -> Result<TracedDimension, Problem> {
    let mut matched = false;
    let mut any_of = Vec::new();
    let (pattern, kind) = match &*patterns.list {
        [one] => {
            evaluator.each(patterns, value.as_deref(), case, |is_match| {
                matched = is_match
            })?;
            (Arc::clone(&one.text), one.kind.name())
        }
        list => {
            let mut patterns_left = list.iter();
            evaluator.each(patterns, value.as_deref(), case, |is_match| {
                matched |= is_match;
                any_of.extend(patterns_left.next().map(|pattern| TracedPattern {
                    pattern: Arc::clone(&pattern.text),
                    kind: pattern.kind.name(),
                    matched: is_match,
                }));
            })?;
            let texts: Vec<_> = list.iter().map(|pattern| &*pattern.text).collect();
            (texts.join(", ").into(), "list")
        }
    };
    Ok(TracedDimension {
        dimension: name,
        pattern,
        kind,
        value: value.clone(),
        matched,
        any_of,
        line: Some(patterns.position.line),
        gate: false,
        of_branch: false,
    })
}

/// Whether a rule accepts an event: a named one, or any trusted one if the rule names none.
pub fn accepts_event(rule: &Rule, event: Option<&str>) -> bool {
    match (&rule.events, event) {
        (Some(events), Some(event)) => events.iter().any(|name| **name == *event),
        (Some(_), None) => false,
        (None, event) => event.is_some_and(is_trusted_event),
    }
}

fn event(rule: &Rule, job: &Job<'_>) -> Option<TracedDimension> {
    let matched = accepts_event(rule, job.event.as_deref());
    let pattern = match &rule.events {
        Some(events) => {
            let events: Vec<&str> = events.iter().map(|name| &**name).collect();
            events.join(", ").into()
        }
        None if matched => return None,
        None => "".into(),
    };
    Some(TracedDimension {
        dimension: "event".into(),
        pattern,
        kind: "events",
        value: job.event.clone(),
        matched,
        any_of: Vec::new(),
        line: None,
        gate: true,
        of_branch: false,
    })
}

fn expiry(rule: &Rule, now: Timestamp) -> Option<TracedDimension> {
    let expires = rule.expires.as_ref()?;
    Some(TracedDimension {
        dimension: "expires".into(),
        pattern: Arc::clone(&expires.text),
        kind: "expiry",
        value: Some(now.to_string().into()),
        matched: !expires.is_over(now),
        any_of: Vec::new(),
        line: None,
        gate: true,
        of_branch: false,
    })
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
