//! The decision: pure, without I/O, clock or environment.
//!
//! Find the repository's entries, take the rules of the permission, hold each against the context,
//! explain. Only a rule that matches in every dimension grants.

mod engine;
mod installation;
mod merges;
mod owned;
mod reason;
mod trace;
mod trying;

use std::borrow::Cow;

use jiff::Timestamp;

pub use engine::Engine;
pub use installation::Installation;
pub use merges::OF_ONE_REF;
pub use merges::{Merges, merges};
pub use reason::{Decision, Reason};
pub use trace::accepts_push;
pub use trace::{
    DEFAULT_BRANCH, Nearest, PermissionDecision, RuleRef, TracedDimension, TracedPattern,
    TracedRule,
};

use trying::Trying;

use crate::context::{Base, Context};
use crate::policy::{Case, Document, Invalid, Patterns, PermissionKey, Problem, Rule};

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

/// Asked whether there is time for more.
pub type GoOn<'a> = &'a dyn Fn() -> bool;

/// Decides on each permission in turn.
///
/// # Errors
/// The policy, or a pattern that one of the decisions would have to try, is invalid.
pub fn decide<'a>(
    document: &'a Document<'a>,
    scope: Scope,
    permissions: &[PermissionKey<'_>],
    context: &'a Context,
    now: Timestamp,
) -> Result<Vec<PermissionDecision<'a>>, Invalid> {
    decide_while(document, scope, permissions, context, now, &|| true)
}

/// The same, as long as `go_on` says so: it is asked before each pattern, of which a policy can have
/// many that are slow to compile.
///
/// # Errors
/// As [`decide`], and when it was told to stop.
pub fn decide_while<'a>(
    document: &'a Document<'a>,
    scope: Scope,
    permissions: &[PermissionKey<'_>],
    context: &'a Context,
    now: Timestamp,
    go_on: GoOn<'_>,
) -> Result<Vec<PermissionDecision<'a>>, Invalid> {
    let installation = Installation::find(document, scope, context, go_on)?;
    let rules = installation.rules();
    let rules_of = |permission: &PermissionKey<'_>| {
        let rules = rules.as_ref().map_err(|reason| *reason)?.iter().copied();
        let names = |rule: &&Rule<'_>| rule.permissions.iter().any(|key| key == permission);
        Ok(rules.filter(names).collect())
    };
    decide_on_each(
        &installation,
        scope,
        permissions,
        rules_of,
        (context, now),
        Trying::once(go_on),
    )
}

/// Decides on each permission by its rules in file order, or denies for the reason that there are none.
fn decide_on_each<'a>(
    installation: &Installation<'a>,
    scope: Scope,
    permissions: &[PermissionKey<'_>],
    rules_of: impl Fn(&PermissionKey<'_>) -> Result<Vec<&'a Rule<'a>>, Reason>,
    (context, now): (&'a Context, Timestamp),
    trying: Trying<'_>,
) -> Result<Vec<PermissionDecision<'a>>, Invalid> {
    let decisions = permissions.iter().map(|permission| {
        let trace = match rules_of(permission) {
            Err(reason) => return Ok(denied(permission.to_string(), reason, Vec::new())),
            Ok(rules) => trace_rules(&rules, scope, context, now, trying)?,
        };
        let mut decision = decided(permission.to_string(), trace);
        // The policy of the repository itself has nothing to delegate.
        decision.delegated = scope != Scope::ThisRepository && installation.delegates(permission);
        Ok(decision)
    });
    decisions.collect()
}

/// A denial by a central policy that delegates the permission, together with what the repository's
/// own policy says of it: allowed if either allows.
pub fn with_own_policy<'a>(
    central: PermissionDecision<'a>,
    own: PermissionDecision<'a>,
) -> PermissionDecision<'a> {
    let mut trace = central.trace;
    trace.extend(own.trace.into_iter().map(|mut traced| {
        traced.rule.own_policy = true;
        traced
    }));
    PermissionDecision {
        delegated: true,
        ..decided(central.permission, trace)
    }
}

/// Matches every rule of the permission against the context.
fn trace_rules<'a>(
    rules: &[&'a Rule<'a>],
    scope: Scope,
    context: &'a Context,
    now: Timestamp,
    trying: Trying<'_>,
) -> Result<Vec<TracedRule<'a>>, Invalid> {
    let mut problems = Vec::new();
    let mut trace = Vec::with_capacity(rules.len());
    for rule in rules {
        let trusted_base = (rule.at_top && scope.is_own_policy())
            .then_some(context.default_branch.as_deref())
            .flatten();
        match trace_rule(rule, context, trusted_base, now, trying) {
            Ok(traced) => trace.push(traced),
            Err(problem) => problems.push(problem),
        }
        // The other rules have the same problem then.
        if !problems.is_empty() && !trying.has_time() {
            break;
        }
    }
    match Invalid::from_problems(problems) {
        Some(invalid) => Err(invalid),
        None => Ok(trace),
    }
}

/// The decision that follows from the rules of the permission.
fn decided(permission: String, trace: Vec<TracedRule<'_>>) -> PermissionDecision<'_> {
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

fn denied(
    permission: String,
    reason: Reason,
    trace: Vec<TracedRule<'_>>,
) -> PermissionDecision<'_> {
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

fn trace_rule<'a>(
    rule: &'a Rule<'a>,
    context: &'a Context,
    trusted_base: Option<&'a str>,
    now: Timestamp,
    trying: Trying<'_>,
) -> Result<TracedRule<'a>, Problem> {
    let mut dimensions = vec![
        dimension(
            "workflow".into(),
            &rule.workflow,
            context.workflow.as_deref(),
            Case::Sensitive,
            trying,
        )?,
        dimension(
            "branch".into(),
            &rule.branch,
            context.branch.as_deref(),
            Case::Sensitive,
            trying,
        )?,
    ];
    dimensions.extend(base(rule, &context.base, trusted_base, trying)?);
    dimensions.push(dimension(
        "environment".into(),
        &rule.environment,
        context.environment.as_deref(),
        Case::ignored_for(context.environment.as_deref()),
        trying,
    )?);
    for (name, patterns) in &rule.claims {
        let value = context.claims.get(name.as_ref()).map(String::as_str);
        let name = Cow::Owned(format!("claims.{name}"));
        dimensions.push(traced(name, patterns, value, Case::Sensitive, trying)?);
    }
    dimensions.extend(event(rule, context));
    dimensions.extend(expiry(rule, now));
    Ok(TracedRule {
        rule: RuleRef::of(rule),
        matched: dimensions.iter().all(|dimension| dimension.matched),
        dimensions,
        repository: context.repository.as_deref().map(Cow::Borrowed),
    })
}

/// The base of a pull request, which has to be trusted as the head is, since the run merges both. A rule
/// trusts the bases that its `base` matches; without `base`, those that its `branch` matches, and
/// `trusted_base`. `None` where the run has no base that counts.
fn base<'a>(
    rule: &'a Rule<'a>,
    base: &'a Base,
    trusted_base: Option<&'a str>,
    trying: Trying<'_>,
) -> Result<Option<TracedDimension<'a>>, Problem> {
    let value = base.branch();
    let named = rule.base.as_ref();
    // Whether a policy is valid does not depend on the event.
    let named =
        named.map(|patterns| traced("base".into(), patterns, value, Case::Sensitive, trying));
    let named = named.transpose()?;
    if matches!(base, Base::None | Base::Assumed) {
        return Ok(None);
    }
    if named.is_some() {
        return Ok(named);
    }
    let by_branch = dimension("base".into(), &rule.branch, value, Case::Sensitive, trying)?;
    Ok(Some(match trusted_base {
        Some(trusted) if !by_branch.matched && value == Some(trusted) => TracedDimension {
            pattern: trusted.into(),
            kind: DEFAULT_BRANCH,
            matched: true,
            any_of: Vec::new(),
            line: None,
            ..by_branch
        },
        _ => TracedDimension {
            of_branch: true,
            ..by_branch
        },
    }))
}

fn dimension<'a>(
    name: Cow<'a, str>,
    patterns: &'a Option<Patterns<'a>>,
    value: Option<&'a str>,
    case: Case,
    trying: Trying<'_>,
) -> Result<TracedDimension<'a>, Problem> {
    match patterns {
        Some(patterns) => traced(name, patterns, value, case, trying),
        None => Ok(TracedDimension {
            dimension: name,
            pattern: "*".into(),
            kind: "any",
            value: value.map(Cow::Borrowed),
            matched: true,
            any_of: Vec::new(),
            line: None,
            gate: false,
            of_branch: false,
        }),
    }
}

fn traced<'a>(
    name: Cow<'a, str>,
    patterns: &'a Patterns<'a>,
    value: Option<&'a str>,
    case: Case,
    trying: Trying<'_>,
) -> Result<TracedDimension<'a>, Problem> {
    let mut texts = patterns.list.iter();
    let mut tried = Vec::with_capacity(patterns.list.len());
    trying.each(patterns, value, case, |matched| {
        tried.extend(texts.next().map(|pattern| TracedPattern {
            pattern: Cow::Borrowed(&*pattern.text),
            kind: pattern.kind.name(),
            matched,
        }));
    })?;
    let matched = tried.iter().any(|pattern| pattern.matched);
    let (pattern, kind) = match tried.as_slice() {
        [one] => (one.pattern.clone(), one.kind),
        several => {
            let list: Vec<_> = several.iter().map(|one| &*one.pattern).collect();
            (Cow::Owned(list.join(", ")), "list")
        }
    };
    if tried.len() == 1 {
        tried.clear();
    }
    Ok(TracedDimension {
        dimension: name,
        pattern,
        kind,
        value: value.map(Cow::Borrowed),
        matched,
        any_of: tried,
        line: Some(patterns.position.line),
        gate: false,
        of_branch: false,
    })
}

/// Whether a rule accepts an event: one that it names, or a trusted one where it names none.
pub fn accepts_event(rule: &Rule<'_>, event: Option<&str>) -> bool {
    match (&rule.events, event) {
        (Some(events), Some(event)) => events.iter().any(|name| name == event),
        (Some(_), None) => false,
        (None, event) => event.is_some_and(is_trusted_event),
    }
}

fn event<'a>(rule: &'a Rule<'a>, context: &'a Context) -> Option<TracedDimension<'a>> {
    let event = context.event.as_deref();
    let matched = accepts_event(rule, event);
    let pattern = match &rule.events {
        Some(events) => Cow::Owned(events.join(", ")),
        None if matched => return None,
        None => "".into(),
    };
    Some(TracedDimension {
        dimension: "event".into(),
        pattern,
        kind: "events",
        value: event.map(Cow::Borrowed),
        matched,
        any_of: Vec::new(),
        line: None,
        gate: true,
        of_branch: false,
    })
}

fn expiry<'a>(rule: &'a Rule<'a>, now: Timestamp) -> Option<TracedDimension<'a>> {
    let expires = rule.expires.as_ref()?;
    Some(TracedDimension {
        dimension: "expires".into(),
        pattern: Cow::Borrowed(&*expires.text),
        kind: "expiry",
        value: Some(Cow::Owned(now.to_string())),
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
