//! A check for people: the context, the steps, the rules, the decision, and what to change.

use std::fmt::Write as _;

use super::policy::Wrong;
use super::steps::{End, steps};
use super::{Check, explain};
use crate::diagnostic;
use crate::style::Colours;
use analysis::meant::{branch_of, file_of};
use analysis::report::text::visible;
use analysis::report::{Change, advice, changes, context_rows, reason_page};
use engine::decision::{Decision, PermissionDecision, Reason};
use engine::policy::{Kind, quoted};

pub(super) fn render(check: &Check<'_>, colours: Colours) -> String {
    let mut text = String::new();
    if let Some(context) = check.outcome.context {
        for (name, value) in context_rows(context) {
            let name = colours.dim(name);
            let _ = writeln!(text, "{name:<12} {}", visible(value.unwrap_or("none")));
        }
        text.push('\n');
    }
    write_steps(&mut text, check, colours);
    for permission in &check.outcome.permissions {
        // One without a rule says no more than its step.
        if !permission.trace.is_empty() {
            text.push_str(&explain(permission, colours));
        }
    }
    if let Some(Wrong::Policy(name, invalid)) = &check.wrong {
        for policy in check.policies().filter(|policy| policy.name == *name) {
            let (source, problems) = (policy.source(), invalid.iter());
            text.push_str(&diagnostic::render(name, &source, problems, colours));
        }
    }
    let outcome = &check.outcome;
    let decision = outcome.decision.as_str();
    let decision = match outcome.decision {
        Decision::Allowed => colours.granted(decision),
        Decision::Denied => colours.denied(decision),
        Decision::Error => colours.error(decision),
    };
    let reason = outcome.reason.code();
    let message = visible(&outcome.message);
    let _ = writeln!(text, "{decision} ({reason}): {message}");
    write_changes(&mut text, check, colours);
    if outcome.decision != Decision::Allowed {
        let page = format!("see {}", reason_page(outcome.reason));
        let _ = writeln!(text, "\n{}", colours.dim(&page));
    }
    text
}

fn write_steps(text: &mut String, check: &Check<'_>, colours: Colours) {
    let steps = steps(check);
    if steps.is_empty() {
        return;
    }
    for (index, step) in steps.iter().enumerate() {
        let (mark, name) = match step.end {
            End::Passed => (colours.granted("✓"), colours.plain(step.name)),
            End::Failed => (colours.denied("✗"), colours.strong(step.name)),
            End::Skipped => (colours.dim("–"), colours.dim(step.name)),
        };
        let number = index + 1;
        let mut facts = step.facts.iter().map(|fact| visible(fact));
        let first = facts.next().unwrap_or_default();
        let _ = writeln!(text, "{mark} {number} {name:<12}  {first}");
        for fact in facts {
            let _ = writeln!(text, "{:<18}{fact}", "");
        }
    }
    text.push('\n');
}

fn write_changes(text: &mut String, check: &Check<'_>, colours: Colours) {
    let outcome = &check.outcome;
    let denied = outcome.permissions.iter();
    let denied: Vec<_> = denied
        .filter(|permission| permission.decision != Decision::Allowed)
        .collect();
    let title = colours.strong("what to change");
    if let Some(Wrong::Policy(name, _)) = &check.wrong {
        let lint = quoted(&format!("repo-permissions lint {name}"));
        let _ = writeln!(
            text,
            "\n{title}\n  what is shown above; {} finds all of it",
            visible(&lint)
        );
    }
    if denied.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{title}");
    for permission in &denied {
        if denied.len() > 1 {
            let _ = writeln!(text, "  {}", colours.dim(&permission.permission));
        }
        let changes = of_permission(permission, check);
        for change in &changes {
            write_change(text, change, check, colours);
        }
        if changes.is_empty() {
            let advice = not_given(permission.reason, check).or(advice(permission.reason));
            let _ = writeln!(text, "  {}", advice.unwrap_or_default());
        }
    }
}

fn of_permission(permission: &PermissionDecision, check: &Check<'_>) -> Vec<Change> {
    match check.outcome.context {
        Some(context) => changes(permission, context, &check.outcome),
        None => Vec::new(),
    }
}

/// What to tell this check before it can say more.
fn not_given(reason: Reason, check: &Check<'_>) -> Option<&'static str> {
    let context = check.outcome.context?;
    match reason {
        Reason::RepositoryNotFound if context.repository.is_none() => {
            Some("Say which repository asks: `--repository OWNER/NAME`.")
        }
        Reason::RepositoryIdMismatch if context.repository_id.is_none() => Some(
            "Say which id the repository has: `--claim repository_id=ID`, and where the owner is pinned `--claim repository_owner_id=ID`.",
        ),
        _ => None,
    }
}

fn write_change(text: &mut String, change: &Change, check: &Check<'_>, colours: Colours) {
    let at = format!("{}:{}", check.outcome.file(change.own_policy), change.line);
    let _ = writeln!(text, "  {}: {}", colours.strong(&at), visible(&change.what));
    let mut line = |name: &str, what: &str| {
        let name = colours.dim(name);
        let _ = writeln!(text, "      {name:<13}  {}", visible(what));
    };
    if let Some(job) = &change.job {
        line("in the job", job);
    }
    if let Some(flag) = flag(change, check) {
        line("in this check", &flag);
    }
    if let Some(policy) = &change.policy {
        line("in the policy", &format!("{policy}, by a reviewed change"));
    }
}

/// How to give a value that this check was not given, or not as a job has it.
fn flag(change: &Change, check: &Check<'_>) -> Option<String> {
    let context = check.outcome.context?;
    let (flag, value) = match &*change.dimension {
        "workflow" => ("--workflow FILE".to_owned(), &context.workflow),
        "branch" => ("--branch BRANCH".to_owned(), &context.branch),
        "environment" => ("--environment NAME".to_owned(), &context.environment),
        "event" => ("--event NAME".to_owned(), &context.event),
        "base" => {
            let base = context.base.branch()?;
            if let Some(otherwise) = written_otherwise("base", base, check) {
                return Some(otherwise);
            }
            let flag = format!("--default-branch {base}");
            let is_open = change.by_default_branch && context.default_branch.is_none();
            return is_open.then(|| format!("{}, if that is the default branch", quoted(&flag)));
        }
        claim => {
            let claim = claim.strip_prefix("claims.")?;
            let value = context.claims.get(claim);
            return value
                .is_none()
                .then(|| quoted(&format!("--claim {claim}=VALUE")));
        }
    };
    match value {
        None => Some(format!("{}, if the job has one", quoted(&flag))),
        Some(value) => written_otherwise(&change.dimension, value, check),
    }
}

/// What to give instead of a value that no job has.
fn written_otherwise(dimension: &str, value: &str, check: &Check<'_>) -> Option<String> {
    let context = check.outcome.context?;
    let event = context.event.as_deref().unwrap_or_default();
    let has_payload = check.question.is_some_and(|question| question.has_payload);
    match dimension {
        "branch" if value.starts_with("unknown:") && event.starts_with("pull_request") => {
            let give = "`--payload event.json`, the event's payload, which says whose branch it is";
            (!has_payload).then(|| give.to_owned())
        }
        "branch" => {
            let name = branch_of(value, Kind::Literal)?;
            let flag = quoted(&format!("--branch {name}"));
            Some(format!("{flag}: a branch is named without `refs/heads/`"))
        }
        "base" => {
            let name = branch_of(value.strip_prefix("refs/heads/")?, Kind::Literal)?;
            let flag = quoted(&format!("--base {name}"));
            Some(format!("{flag}: a branch is named without `refs/heads/`"))
        }
        "workflow" => {
            let file = file_of(value, Kind::Literal, context.repository.as_deref())?;
            let flag = quoted(&format!("--workflow {file}"));
            Some(format!("{flag}: a workflow is named by its file"))
        }
        _ => None,
    }
}
