//! The decision: pure, without I/O, clock or environment.
//!
//! Find the repository's entries, take the rules of the permission, hold each against the context,
//! explain. Only a rule that matches in every dimension grants.

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

use evaluator::Evaluator;

use crate::context::{Base, Context};
use crate::policy::{Case, Invalid, Patterns, PermissionKey, Problem, Rule};

/// Events that a rule without `events:` matches: only people and Apps that can write to the repository
/// start them, and what they run is what such people wrote. A rule has to name every other event, also one
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

/// Whether a rule without `events:` matches in an event.
pub fn is_trusted_event(event: &str) -> bool {
    TRUSTED_EVENTS.contains(&event)
}

/// Where the policy was read, as far as it matters for `permissions:` at the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// From the running repository itself: they count.
    ThisRepository,
    /// From another repository: they count when the file has no `repositories:`; with both the file
    /// is invalid.
    OtherRepository,
    /// Inline or from the workspace: they count when the file has no `repositories:`.
    Given,
    /// A file on the command line: as [`Scope::Given`], and they are taken for the repository's own.
    Offline,
}

impl Scope {
    /// Whether the rules at the top are the repository's own policy at its default branch: then everybody
    /// who can write to that branch can write the rules, and they trust it as the base of a pull request.
    fn is_own_policy(self) -> bool {
        matches!(self, Self::ThisRepository | Self::Offline)
    }
}

/// The pattern of a dimension that a rule leaves out.
static ANY: LazyLock<Arc<str>> = LazyLock::new(|| "*".into());

/// Asked whether there is time for more.
pub type HasTime<'a> = &'a dyn Fn() -> bool;

/// What is asked of policies.
#[derive(Clone, Copy)]
pub struct Question<'q> {
    /// The permissions.
    pub permissions: &'q [PermissionKey],
    /// The job that asks.
    pub context: &'q Context,
    /// The time that rules expire by.
    pub now: Timestamp,
    /// Asked before each pattern whether there is time for more: a policy can have many that are slow to
    /// compile.
    pub has_time: HasTime<'q>,
}

impl<'q> Question<'q> {
    /// A question that has all the time that it takes.
    pub fn new(permissions: &'q [PermissionKey], context: &'q Context, now: Timestamp) -> Self {
        Self {
            permissions,
            context,
            now,
            has_time: &|| true,
        }
    }
}

/// The policies that decide. `E` is why the repository's own cannot be asked.
#[derive(Clone, Debug)]
pub struct Policies<'p, E = Infallible> {
    /// The one that is asked first.
    pub policy: &'p Engine,
    /// Where it was read.
    pub scope: Scope,
    /// The repository's own policy, for what the other denies and delegates. What is wrong with it matters
    /// only then.
    pub own: Option<Result<&'p Engine, E>>,
}

impl<'p> Policies<'p> {
    /// One policy alone.
    pub fn one(policy: &'p Engine, scope: Scope) -> Self {
        Self {
            policy,
            scope,
            own: None,
        }
    }
}

/// Why policies do not decide.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecisionError<E = Infallible> {
    /// The policy, or a pattern of it that has to be tried, is invalid, or there was no time.
    #[error("{0}")]
    Policy(Invalid),
    /// The same of the repository's own policy.
    #[error("{0}")]
    OwnPolicy(Invalid),
    /// The repository's own policy cannot be asked.
    #[error("{0}")]
    OwnPolicyUnavailable(E),
}

/// Decides on each permission in turn: by the policy, and where that denies and delegates, by the
/// repository's own as well, if there is one. A permission is allowed if either allows it.
///
/// ```
/// # use engine::context::Context;
/// # use engine::decision::{Decision, Engine, Policies, Question, Scope, decide};
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
/// let decisions = decide(Policies::one(&engine, Scope::ThisRepository), question)?;
/// assert_eq!(decisions[0].decision, Decision::Allowed);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A policy, or a pattern that one of the decisions would have to try, is invalid, or there was no time.
pub fn decide<E>(
    policies: Policies<'_, E>,
    question: Question<'_>,
) -> Result<Vec<PermissionDecision>, DecisionError<E>> {
    let by_policy = by_one(policies.policy, policies.scope, question);
    let mut decisions = by_policy.map_err(DecisionError::Policy)?;
    let Some(own) = policies
        .own
        .filter(|_| decisions.iter().any(PermissionDecision::is_open))
    else {
        return Ok(decisions);
    };
    let own = own.map_err(DecisionError::OwnPolicyUnavailable)?;
    for (permission, central) in question.permissions.iter().zip(&mut decisions) {
        if !central.is_open() {
            continue;
        }
        let question = Question {
            permissions: std::slice::from_ref(permission),
            ..question
        };
        let of_own =
            by_one(own, Scope::ThisRepository, question).map_err(DecisionError::OwnPolicy)?;
        for own in of_own {
            central.add_own(own);
        }
    }
    Ok(decisions)
}

/// Decides by one policy.
fn by_one(
    engine: &Engine,
    scope: Scope,
    question: Question<'_>,
) -> Result<Vec<PermissionDecision>, Invalid> {
    let evaluator = engine.evaluator(question.has_time);
    let repository_rules = engine.repository_rules(scope, question.context, evaluator)?;
    let job = Job::new(question.context, question.now);
    let decisions = question.permissions.iter().map(|permission| {
        let trace = match engine.rules(&repository_rules, permission) {
            Err(reason) => return Ok(denied(permission.shared(), reason, Vec::new())),
            Ok(rules) => trace_rules(&rules, scope, &job, evaluator)?,
        };
        let mut decision = decided(permission.shared(), trace);
        // The policy of the repository itself has nothing to delegate.
        decision.delegated =
            scope != Scope::ThisRepository && repository_rules.delegates(permission);
        Ok(decision)
    });
    decisions.collect()
}

impl PermissionDecision {
    /// Whether the repository's own policy may still allow it.
    pub fn is_open(&self) -> bool {
        self.decision == Decision::Denied && self.delegated
    }

    /// Adds what the repository's own policy says to the denial of one that delegates to it.
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

/// A job's values as the traces of a decision share them.
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

/// Matches every rule of the permission against the context.
fn trace_rules(
    rules: &[&Rule],
    scope: Scope,
    job: &Job<'_>,
    evaluator: Evaluator<'_>,
) -> Result<Vec<TracedRule>, Invalid> {
    let mut problems = Vec::new();
    let mut trace = Vec::with_capacity(rules.len());
    for rule in rules {
        let trusted_base = (rule.at_top && scope.is_own_policy())
            .then_some(job.context.default_branch.as_deref())
            .flatten();
        match trace_rule(rule, job, trusted_base, evaluator) {
            Ok(traced) => trace.push(traced),
            Err(problem) => problems.push(problem),
        }
        // The other rules have the same problem then.
        if !problems.is_empty() && !evaluator.has_time() {
            break;
        }
    }
    match Invalid::from_problems(problems) {
        Some(invalid) => Err(invalid),
        None => Ok(trace),
    }
}

/// The decision that follows from the rules of the permission.
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
    // The nearest miss is one that the reason speaks of.
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
    evaluator: Evaluator<'_>,
) -> Result<TracedRule, Problem> {
    // Workflow, branch, base, environment, event and expiry beside the claims.
    let mut dimensions = Vec::with_capacity(6 + rule.claims.len());
    for (name, patterns, value) in [
        ("workflow", &rule.workflow, &job.workflow),
        ("branch", &rule.branch, &job.branch),
    ] {
        let sensitive = Case::Sensitive;
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
        Case::ignored_for(job.environment.as_deref()),
        evaluator,
    )?);
    for (name, patterns) in &rule.claims {
        let value = job
            .context
            .claims
            .get(&**name)
            .map(|value| Arc::from(&**value));
        let name = Cow::Owned(format!("claims.{name}"));
        dimensions.push(traced(name, patterns, &value, Case::Sensitive, evaluator)?);
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

/// The base of a pull request, which has to be trusted as the head is, since the run merges both. A rule
/// trusts the bases that its `base` matches; without `base`, those that its `branch` matches, and
/// `trusted_base`. `None` where the run has no base that counts.
fn base(
    rule: &Rule,
    job: &Job<'_>,
    trusted_base: Option<&str>,
    evaluator: Evaluator<'_>,
) -> Result<Option<TracedDimension>, Problem> {
    let value = &job.base;
    let named = rule.base.as_ref();
    // Whether a policy is valid does not depend on the event.
    let named =
        named.map(|patterns| traced("base".into(), patterns, value, Case::Sensitive, evaluator));
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
        Case::Sensitive,
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
    case: Case,
    evaluator: Evaluator<'_>,
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
    case: Case,
    evaluator: Evaluator<'_>,
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

/// Whether a rule accepts an event: one that it names, or a trusted one where it names none.
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
