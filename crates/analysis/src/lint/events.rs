//! Events and claims: `unknown-event`, `untrusted-event`, `unknown-claim`, `weak-claim`.

use super::catalogue::{UNKNOWN_CLAIM, UNKNOWN_EVENT, UNTRUSTED_EVENT, WEAK_CLAIM};
use super::combinations;
use super::findings::Findings;
use super::forms::Forms;
use engine::decision::{OF_ONE_REF, is_trusted_event};
use engine::policy::{Rule, nearest, quoted};

/// GitHub's documented events besides [`OF_ONE_REF`]; `dynamic` is GitHub's own.
///
/// Source: docs.github.com, "Events that trigger workflows".
const OTHER_EVENTS: [&str; 9] = [
    "deployment",
    "deployment_status",
    "dynamic",
    "pull_request",
    "pull_request_comment",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_target",
    "workflow_call",
];

/// Returns all documented events.
fn events() -> impl Iterator<Item = &'static str> {
    OF_ONE_REF.iter().chain(&OTHER_EVENTS).copied()
}

/// Documented claims. GitHub adds new ones, so lint reports only names that are similar to these.
///
/// Source: docs.github.com, "OpenID Connect reference".
const CLAIMS: &[&str] = &[
    "actor",
    "actor_id",
    "aud",
    "base_ref",
    "check_run_id",
    "enterprise",
    "enterprise_id",
    "environment",
    "environment_node_id",
    "event_name",
    "exp",
    "head_ref",
    "iat",
    "iss",
    "issuer_scope",
    "job_workflow_ref",
    "job_workflow_sha",
    "jti",
    "nbf",
    "ref",
    "ref_protected",
    "ref_type",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "repository_visibility",
    "run_attempt",
    "run_id",
    "run_number",
    "runner_environment",
    "sha",
    "sub",
    "workflow",
    "workflow_ref",
    "workflow_sha",
];

pub(super) fn check(rule: &Rule, forms: &mut Forms, findings: &mut Findings<'_>) {
    for event in rule.events.iter().flatten() {
        check_event(rule, event, findings);
        combinations::check(rule, event, forms, findings);
    }
    if rule.events.is_none() {
        combinations::check_trusted(rule, forms, findings);
    }
    for (claim, _) in &rule.claims {
        check_claim(rule, claim, findings);
    }
}

/// Whether GitHub documents an event of this name.
pub(crate) fn is_event(name: &str) -> bool {
    name != "workflow_call" && events().any(|event| event == name)
}

fn check_event(rule: &Rule, event: &str, findings: &mut Findings<'_>) {
    if is_trusted_event(event) {
        return;
    }
    if event == "workflow_call" {
        let message =
            "a called workflow has the event of its caller, never `workflow_call`".to_owned();
        let finding = findings.member(&UNKNOWN_EVENT, rule, "events", event, message);
        findings.push(finding.help("name the events of the workflows that call it"));
    } else if events().any(|known| known == event) {
        let message =
            format!("people without write access can start `{event}`, or control its content");
        let finding = findings.member(&UNTRUSTED_EVENT, rule, "events", event, message);
        findings.push(
            finding.help(
                "keep it only if the workflow neither checks out nor runs code from the event",
            ),
        );
    } else {
        let message = format!("GitHub documents no event `{event}`");
        let finding = findings.member(&UNKNOWN_EVENT, rule, "events", event, message);
        findings.push(match nearest(event, events()) {
            Some(known) => finding.help(format!("did you mean `{known}`?")),
            None => finding.help("use a name from `on:` in a workflow file"),
        });
    }
}

fn check_claim(rule: &Rule, claim: &str, findings: &mut Findings<'_>) {
    if claim == "workflow" {
        let message = "the claim `workflow` is the free text of `name:` in the file".to_owned();
        let finding = findings.member(&WEAK_CLAIM, rule, "claims", claim, message);
        findings.push(finding.help("use the rule's `workflow`, which is the file"));
    } else if !CLAIMS.contains(&claim)
        && let Some(known) = nearest(claim, CLAIMS.iter().copied()).filter(|known| known.len() > 4)
    {
        let message = format!("GitHub documents no claim {}", quoted(claim));
        let finding = findings.member(&UNKNOWN_CLAIM, rule, "claims", claim, message);
        findings.push(finding.help(format!("did you mean `{known}`?")));
    }
}
