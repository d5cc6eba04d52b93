//! May this job use a permission? As `check` answers it.

use analysis::check::{
    Change, CheckResult, Described, Scenario, Status, advice, pattern, shown_rules, steps,
};
use analysis::report::{Failure, context_rows, reason_page};
use analysis::suggestion::hint;
use analysis::{Inputs, PolicyRepository};
use engine::Claims;
use engine::context::EventPayload;
use engine::decision::{Decision, PermissionDecision, Reason, TracedDimension, TracedRule};
use engine::policy::quoted;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::findings::findings;
use super::policy::PolicyText;
use super::text::{given, shown};

/// The fields of the page. An empty text is a field that is left out.
#[derive(Deserialize)]
pub(super) struct Question {
    policy: PolicyText,
    /// Repository that contains the policy.
    policy_repository: String,
    own_policy: PolicyText,
    /// Keys or display names, separated by commas or new lines.
    permission: String,
    repository: String,
    workflow: String,
    branch: String,
    base: String,
    default_branch: String,
    environment: String,
    event: String,
    /// A JSON object, or lines `NAME=VALUE`.
    claims: String,
    /// The event's payload in JSON.
    payload: String,
}

pub(super) fn answer(question: &Question, now: Timestamp) -> Value {
    let repository = given(&question.policy_repository);
    let repository = repository.map_or(PolicyRepository::Unknown, PolicyRepository::Named);
    let policy = question.policy.given("policy").in_repository(repository);
    let own = given(&question.own_policy.0).map(|_| question.own_policy.given("own"));
    let scenario = question.scenario(now);
    let check = CheckResult::of(scenario.as_ref(), &policy, own.as_ref());
    let outcome = &check.outcome;
    json!({
        // What `check --format json` prints.
        "outcome": outcome,
        "message": shown(&outcome.message),
        "page": (outcome.decision != Decision::Allowed).then(|| reason_page(outcome.reason)),
        "context": outcome.context.map(|context| {
            let rows = context_rows(context).into_iter();
            rows.map(|(name, value)| json!([name, value.map(shown)])).collect::<Vec<_>>()
        }),
        "steps": steps(&check).iter().map(|step| json!({
            "name": step.name,
            "status": match step.status {
                Status::Passed => "passed",
                Status::Failed => "failed",
                Status::Skipped => "skipped",
            },
            "facts": step.facts.iter().map(|fact| shown(fact)).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "permissions": outcome.permissions.iter().map(permission).collect::<Vec<_>>(),
        "advice": advice(&check).iter().map(|one| json!({
            "permission": one.permission,
            "changes": one.changes.iter().map(change).collect::<Vec<_>>(),
            "sentence": one.sentence,
        })).collect::<Vec<_>>(),
        "findings": findings(&question.policy, None, given(&question.repository).as_deref(), now),
    })
}

impl Question {
    fn scenario(&self, now: Timestamp) -> Result<Scenario, Failure> {
        let payload = given(&self.payload).map(|text| {
            EventPayload::parse(text.as_bytes()).map_err(|error| {
                invalid(format!(
                    "the field `Payload` is not an event's payload: {error}"
                ))
            })
        });
        let described = Described {
            claims: claims(&self.claims)?,
            payload: payload.transpose()?,
            repository: given(&self.repository),
            workflow: given(&self.workflow),
            branch: given(&self.branch),
            base: given(&self.base),
            default_branch: given(&self.default_branch),
            environment: given(&self.environment),
            event: given(&self.event),
        };
        let permissions = std::slice::from_ref(&self.permission);
        Scenario::new(permissions, &described, now, Inputs::Fields)
    }
}

fn invalid(message: String) -> Failure {
    Failure::new(Reason::InputInvalid, message)
}

/// Reads the claims of a job: a JSON object, or a line `NAME=VALUE` for each.
fn claims(text: &str) -> Result<Claims, Failure> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text)
            .map_err(|error| invalid(format!("the field `Claims` is not a JSON object: {error}")));
    }
    let mut claims = Claims::default();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, value) = line
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| {
                let seen = quoted(line);
                invalid(format!(
                    "the field `Claims` has the line {seen}, expected `NAME=VALUE` or a JSON object"
                ))
            })?;
        claims.set(name.to_owned(), value.to_owned());
    }
    Ok(claims)
}

fn permission(permission: &PermissionDecision) -> Value {
    let nearest = permission.nearest.as_ref().map(|nearest| &nearest.rule);
    let rules = shown_rules(permission);
    let rules = rules.iter().map(|rule| {
        json!({
            "label": shown(&rule.rule.label()),
            "line": (!rule.rule.own_policy).then_some(rule.rule.line),
            "matched": rule.matched,
            "nearest": nearest == Some(&rule.rule),
            "dimensions": rule.dimensions.iter().map(|one| dimension(rule, one)).collect::<Vec<_>>(),
        })
    });
    json!({
        "permission": permission.permission,
        "decision": permission.decision,
        "nearest": permission.nearest.as_ref().map(|nearest| shown(&nearest.sentence)),
        "rules": rules.collect::<Vec<_>>(),
        "all": permission.trace.len(),
    })
}

fn dimension(rule: &TracedRule, dimension: &TracedDimension) -> Value {
    let any_of = dimension.any_of.iter().map(
        |one| json!({ "pattern": shown(&one.pattern), "kind": one.kind, "matched": one.matched }),
    );
    json!({
        "name": shown(&dimension.dimension),
        "pattern": shown(pattern(dimension)),
        "any_of": any_of.collect::<Vec<_>>(),
        "kind": dimension.kind,
        "value": dimension.value.as_deref().map(shown),
        "matched": dimension.matched,
        "hint": hint(rule, dimension).map(|hint| shown(&hint)),
    })
}

fn change(change: &Change) -> Value {
    let optional = |text: &Option<String>| text.as_deref().map(shown);
    json!({
        "place": change.place,
        "line": change.line,
        "what": shown(&change.what),
        "job": optional(&change.job),
        "input": optional(&change.input),
        "policy": optional(&change.policy),
    })
}
