//! Reads the answer of a server. Its decisions count as a whole or not at all; its explanations are shown as far as they
//! can be read, and decide nothing.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use analysis::report::text::{truncate, visible};
use analysis::report::{Detail, PolicyRecord};
use engine::decision::{
    Decision, PermissionDecision, Reason, RuleRef, TracedDimension, TracedPattern, TracedRule,
};
use engine::policy::{Format, PermissionKey};
use engine::unique_json;

/// Maximum length of what a server says about an error, in characters.
const MAX_WORDS: usize = 500;

/// Decisions of a server.
#[derive(Clone, Debug)]
pub struct Answer {
    /// One for each permission, in order.
    pub decisions: Vec<PermissionDecision>,
    /// Which policy decided, if the server says so.
    pub policy: Option<PolicyRecord>,
    /// Branch of the job as the server knows it: it may know the head of a pull request better than the token.
    pub branch: Option<String>,
    /// How much the server explains.
    pub detail: Detail,
}

/// Why the server cannot decide: its reason and its words.
type CannotDecide = (Reason, String);

/// Reads an answer with one boolean for each permission, in order.
///
/// # Errors
/// It is another answer. The inner error is that of a server that cannot decide.
pub(super) fn read(
    body: &[u8],
    permissions: &[PermissionKey],
) -> Result<Result<Answer, CannotDecide>, String> {
    let root = unique_json(body).map_err(|error| format!("answered with invalid JSON: {error}"))?;
    let Some(list) = root.get("evaluations").and_then(Value::as_array) else {
        return Err("answered without a list of `evaluations`".to_owned());
    };
    if list.len() != permissions.len() {
        let (count, expected) = (list.len(), permissions.len());
        return Err(format!(
            "answered with {count} decisions, expected one for each of {expected} permissions"
        ));
    }
    let mut decisions = Vec::new();
    for (evaluated, permission) in list.iter().zip(permissions) {
        match decision(evaluated, permission)? {
            Ok(decision) => decisions.push(decision),
            Err(cannot) => return Ok(Err(cannot)),
        }
    }
    let context = list.first().and_then(|first| first.get("context"));
    let all_have = |member| list.iter().all(|one| one.pointer(member).is_some());
    Ok(Ok(Answer {
        decisions,
        policy: context.and_then(|context| policy(context.get("policy")?)),
        branch: context.and_then(|context| text(context.pointer("/job/branch"))),
        detail: match (all_have("/context/reason"), all_have("/context/trace")) {
            (true, true) => Detail::Full,
            (true, false) => Detail::Reason,
            (false, _) => Detail::None,
        },
    }))
}

fn decision(
    evaluated: &Value,
    permission: &PermissionKey,
) -> Result<Result<PermissionDecision, CannotDecide>, String> {
    let no_boolean = || {
        Err(format!(
            "answered for `{permission}` without a boolean `decision`"
        ))
    };
    let Some(is_granted) = evaluated.get("decision").and_then(Value::as_bool) else {
        return no_boolean();
    };
    let nothing = Value::Null;
    let context = evaluated.get("context").unwrap_or(&nothing);
    if let Some(other) = context.get("permission")
        && other != permission.as_str()
    {
        return Err(format!(
            "answered for another permission in the place of `{permission}`"
        ));
    }
    // AuthZEN has it for a question that was not evaluated. A server of ours adds the reason of its refusal.
    if let Some(error) = context.get("error")
        && (is_granted || context.get("reason").is_none())
    {
        let words = error.get("message").and_then(Value::as_str);
        let words = words.map_or_else(String::new, |words| format!(": {}", shown(words)));
        return Err(format!("answered for `{permission}` with an error{words}"));
    }
    let reason = match context.get("reason") {
        None if is_granted => Reason::Granted,
        None => Reason::NoRuleMatches,
        Some(reason) => reason
            .as_str()
            .and_then(Reason::of_code)
            .ok_or_else(|| format!("answered for `{permission}` with an unknown reason"))?,
    };
    match (is_granted, reason.decision()) {
        (true, Decision::Allowed) | (false, Decision::Denied) => {}
        (false, Decision::Error) if is_of_a_server(reason) => {
            let words = context.get("message").and_then(Value::as_str);
            let words = words.map_or_else(|| reason.code().to_owned(), shown);
            return Ok(Err((reason, words)));
        }
        _ => {
            return Err(format!(
                "answered for `{permission}` with `decision: {is_granted}` and the reason `{}`, which contradict each other",
                reason.code()
            ));
        }
    }
    let trace: Vec<_> = context
        .get("trace")
        .and_then(Value::as_array)
        .map_or_else(Vec::new, |rules| {
            rules.iter().filter_map(traced_rule).collect()
        });
    let nearest = context.get("nearest").and_then(rule);
    let nearest = nearest.filter(|_| !is_granted);
    let nearest = trace
        .iter()
        .find(|traced: &&TracedRule| Some(&traced.rule) == nearest.as_ref());
    let delegated = context.get("delegated") == Some(&Value::Bool(true));
    Ok(Ok(PermissionDecision {
        permission: permission.as_str().into(),
        decision: reason.decision(),
        reason,
        rule: context.get("rule").and_then(rule).filter(|_| is_granted),
        nearest: nearest.map(TracedRule::nearest),
        trace,
        delegated,
        by_own_policy: delegated,
    }))
}

/// Returns words of a server, as far as a sentence can show them.
pub(super) fn shown(words: &str) -> String {
    truncate(&visible(words), MAX_WORDS).into_owned()
}

/// Returns whether a server can have this error. The others are those of a step.
fn is_of_a_server(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::InputInvalid
            | Reason::TokenUnavailable
            | Reason::TokenInvalid
            | Reason::TokenMismatch
            | Reason::PolicyNotFound
            | Reason::PolicyUnreadable
            | Reason::PolicyInvalid
            | Reason::Internal
    )
}

fn text(value: Option<&Value>) -> Option<String> {
    value?.as_str().map(str::to_owned)
}

fn policy(value: &Value) -> Option<PolicyRecord> {
    let member = |name| text(value.get(name));
    let source = member("source")?;
    Some(PolicyRecord {
        file: source.clone(),
        source,
        sha256: member("sha256")?,
        repository: member("repository"),
        reference: member("ref"),
        commit: member("commit"),
        blob: member("blob"),
        is_own: false,
    })
}

fn rule(value: &Value) -> Option<RuleRef> {
    Some(RuleRef {
        line: line(value)?,
        column: 1,
        name: text(value.get("name")).map(Arc::from),
        // The answer does not say it.
        number: 0,
        at_top: false,
        own_policy: value.get("own_policy") == Some(&Value::Bool(true)),
    })
}

fn line(value: &Value) -> Option<u32> {
    value.get("line")?.as_u64()?.try_into().ok()
}

fn traced_rule(value: &Value) -> Option<TracedRule> {
    let dimensions = value.get("dimensions")?.as_array()?;
    let mut dimensions: Vec<_> = dimensions.iter().filter_map(traced_dimension).collect();
    // A base that the rule's `branch` decides has its pattern.
    let branch = dimensions.iter().find(|one| one.dimension == "branch");
    let branch = branch.map(|branch| Arc::clone(&branch.pattern));
    for dimension in &mut dimensions {
        dimension.of_branch =
            dimension.dimension == "base" && Some(&dimension.pattern) == branch.as_ref();
    }
    Some(TracedRule {
        rule: rule(value)?,
        matched: value.get("matched")?.as_bool()?,
        dimensions,
        repository: None,
        format: Format::Yaml,
    })
}

fn traced_dimension(value: &Value) -> Option<TracedDimension> {
    let dimension = text(value.get("dimension")).filter(|name| is_dimension(name))?;
    let any_of = value.get("any_of").and_then(Value::as_array);
    Some(TracedDimension {
        gate: dimension == "event" || dimension == "expires",
        dimension: Cow::Owned(dimension),
        pattern: text(value.get("pattern"))?.into(),
        kind: kind(value)?,
        value: text(value.get("value")).map(Arc::from),
        matched: value.get("matched")?.as_bool()?,
        any_of: any_of.map_or_else(Vec::new, |list| {
            list.iter().filter_map(traced_pattern).collect()
        }),
        line: None,
        of_branch: false,
    })
}

/// Whether sentences can have the name: that of a claim is quoted in them.
fn is_dimension(name: &str) -> bool {
    const NAMES: [&str; 6] = [
        "workflow",
        "branch",
        "base",
        "environment",
        "event",
        "expires",
    ];
    NAMES.contains(&name) || name.starts_with("claims.")
}

fn traced_pattern(value: &Value) -> Option<TracedPattern> {
    Some(TracedPattern {
        pattern: text(value.get("pattern"))?.into(),
        kind: kind(value)?,
        matched: value.get("matched")?.as_bool()?,
    })
}

fn kind(value: &Value) -> Option<&'static str> {
    const KINDS: [&str; 9] = [
        "any",
        "literal",
        "regex",
        "exact",
        "glob",
        "list",
        "default_branch",
        "events",
        "expiry",
    ];
    let kind = value.get("kind")?.as_str()?;
    KINDS.into_iter().find(|known| *known == kind)
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
