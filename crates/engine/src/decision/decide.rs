//! Decides on permissions by policies.

use std::convert::Infallible;
use std::sync::Arc;

use jiff::Timestamp;

use super::engine::Engine;
use super::evaluator::HasTime;
use super::matching::{Job, trace_rules};
use super::provenance::Provenance;
use super::reason::{Decision, Reason};
use super::trace::{PermissionDecision, TracedRule};
use crate::context::Context;
use crate::policy::{Invalid, PermissionKey};

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
    let format = engine.policy().format;
    let decisions = question.permissions.iter().map(|permission| {
        let trace = match engine.rules(&repository_rules, permission) {
            Err(reason) => return Ok(denied(permission.shared(), reason, Vec::new())),
            Ok(rules) => trace_rules(&rules, (provenance, format), &job, evaluator)?,
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

    /// Whether the decision or its reason could be another one for another head of the pull request: a rule that its
    /// branch alone decides.
    pub fn depends_on_head(&self) -> bool {
        self.trace.iter().any(|traced| {
            let mut dimensions = traced.dimensions.iter();
            dimensions.any(|one| one.dimension == "branch" && one.kind != "any")
                && traced
                    .failed()
                    .all(|failed| failed.gate || failed.dimension == "branch")
        })
    }

    /// Whether a rule would match, or fail in fewer dimensions, if the base of the pull request is the default branch,
    /// which only the own policy's rules at the top trust. This also matters for a grant, whose trace shows the matches
    /// of every rule. `provenance` is that of the first policy.
    pub fn depends_on_default_branch(&self, provenance: Provenance) -> bool {
        self.trace.iter().any(|traced| {
            let rule = &traced.rule;
            let is_own = rule.own_policy || provenance == Provenance::ThisRepository;
            is_own && rule.at_top && traced.failed().any(|dimension| dimension.of_branch)
        })
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
            by_own_policy: true,
            ..decided(Arc::clone(&self.permission), trace)
        };
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
            by_own_policy: false,
        };
    }
    let fits_but = |gate: &str| trace.iter().any(|rule| rule.fails_only(gate));
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
            .min_by_key(|rule| {
                let is_other = gate.is_some_and(|gate| !rule.fails_only(gate));
                (rule.failed().count(), is_other)
            })
            .map(TracedRule::nearest),
        trace,
        delegated: false,
        by_own_policy: false,
    }
}
