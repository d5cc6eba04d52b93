//! Evaluates rules on the context of a job, dimension by dimension.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;

use super::evaluator::PatternEvaluator;
use super::events::accepts_event;
use super::provenance::Provenance;
use super::trace::{DEFAULT_BRANCH, RuleRef, TracedDimension, TracedPattern, TracedRule};
use crate::context::{Base, Context};
use crate::policy::{CaseSensitivity, Format, Invalid, Patterns, Problem, Rule};

/// Pattern of a dimension that a rule leaves out.
static ANY: LazyLock<Arc<str>> = LazyLock::new(|| "*".into());

/// Values of a job, which the traces of a decision share.
pub(super) struct Job<'c> {
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
    pub(super) fn new(context: &'c Context, now: Timestamp) -> Self {
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
pub(super) fn trace_rules(
    rules: &[&Rule],
    (provenance, format): (Provenance, Format),
    job: &Job<'_>,
    evaluator: PatternEvaluator<'_>,
) -> Result<Vec<TracedRule>, Invalid> {
    let mut problems = Vec::new();
    let mut trace = Vec::with_capacity(rules.len());
    for rule in rules {
        let trusted_base = (rule.at_top && provenance.is_own_policy())
            .then_some(job.context.default_branch.as_deref())
            .flatten();
        match trace_rule(rule, format, job, trusted_base, evaluator) {
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

fn trace_rule(
    rule: &Rule,
    format: Format,
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
        format,
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
