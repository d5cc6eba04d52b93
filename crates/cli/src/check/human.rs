//! Output of a check for people: context, steps, rules, decision, and what to change.

use std::fmt::Write as _;

use super::explain::explain;
use super::policy::CheckError;
use super::result::CheckResult;
use super::steps::{Status, steps};
use crate::diagnostic;
use crate::style::Colours;
use analysis::pattern_text::{branch_of, file_of};
use analysis::report::text::visible;
use analysis::report::{Remedy, advice, context_rows, reason_page, remedies};
use engine::decision::{Decision, PermissionDecision, Reason};
use engine::policy::{Kind, quoted};

pub(super) fn render(check: &CheckResult<'_>, colours: Colours) -> String {
    let mut text = String::new();
    if let Some(context) = check.outcome.context {
        for (name, value) in context_rows(context) {
            let of_work_tree = check.scenario.map(|scenario| &scenario.of_work_tree);
            let origin = match (name, of_work_tree) {
                ("Repository", Some(own)) if own.repository.is_some() => {
                    " (from the remote `origin`)"
                }
                ("Branch", Some(own)) if own.branch.is_some() => " (from HEAD)",
                _ => "",
            };
            let name = colours.dim(name);
            let origin = colours.dim(origin);
            let _ = writeln!(
                text,
                "{name:<12} {}{origin}",
                visible(value.unwrap_or("none"))
            );
        }
        text.push('\n');
    }
    write_steps(&mut text, check, colours);
    for permission in &check.outcome.permissions {
        // Without rules, the step already says everything.
        if !permission.trace.is_empty() {
            text.push_str(&explain(permission, colours));
        }
    }
    if let Some(CheckError::Policy(name, invalid)) = &check.error {
        let texts = check.policies().flat_map(|policy| &policy.text);
        for policy in texts.filter(|policy| policy.name == *name) {
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
    write_remedies(&mut text, check, colours);
    if outcome.decision != Decision::Allowed {
        let page = format!("see {}", reason_page(outcome.reason));
        let _ = writeln!(text, "\n{}", colours.dim(&page));
    }
    text
}

fn write_steps(text: &mut String, check: &CheckResult<'_>, colours: Colours) {
    let steps = steps(check);
    if steps.is_empty() {
        return;
    }
    for (index, step) in steps.iter().enumerate() {
        let (mark, name) = match step.status {
            Status::Passed => (colours.granted("✓"), colours.plain(step.name)),
            Status::Failed => (colours.denied("✗"), colours.strong(step.name)),
            Status::Skipped => (colours.dim("–"), colours.dim(step.name)),
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

fn write_remedies(text: &mut String, check: &CheckResult<'_>, colours: Colours) {
    let outcome = &check.outcome;
    let denied = outcome.permissions.iter();
    let denied: Vec<_> = denied
        .filter(|permission| permission.decision != Decision::Allowed)
        .collect();
    let title = colours.strong("what to change");
    if let Some(CheckError::Policy(name, _)) = &check.error {
        let lint = quoted(&format!("repo-permissions lint {name}"));
        let _ = writeln!(
            text,
            "\n{title}\n  the problems shown above; {} finds all of them",
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
        let remedies = of_permission(permission, check);
        for remedy in &remedies {
            write_remedy(text, remedy, check, colours);
        }
        if remedies.is_empty() {
            let advice = missing_input(permission.reason, check).or(advice(permission.reason));
            let _ = writeln!(text, "  {}", advice.unwrap_or_default());
        }
    }
}

fn of_permission(permission: &PermissionDecision, check: &CheckResult<'_>) -> Vec<Remedy> {
    match check.outcome.context {
        Some(context) => remedies(permission, context, &check.outcome),
        None => Vec::new(),
    }
}

/// Returns the input that this check needs to say more.
fn missing_input(reason: Reason, check: &CheckResult<'_>) -> Option<&'static str> {
    let context = check.outcome.context?;
    match reason {
        Reason::RepositoryNotFound if context.repository.is_none() => {
            Some("Name the repository: `--repository OWNER/NAME`.")
        }
        Reason::RepositoryIdMismatch if context.repository_id.is_none() => Some(
            "Give the repository's id: `--claim repository_id=ID`, and if the entry pins the owner, `--claim repository_owner_id=ID`.",
        ),
        _ => None,
    }
}

fn write_remedy(text: &mut String, remedy: &Remedy, check: &CheckResult<'_>, colours: Colours) {
    let at = format!("{}:{}", check.outcome.file(remedy.own_policy), remedy.line);
    let _ = writeln!(text, "  {}: {}", colours.strong(&at), visible(&remedy.what));
    let mut line = |name: &str, what: &str| {
        let name = colours.dim(name);
        let _ = writeln!(text, "      {name:<13}  {}", visible(what));
    };
    if let Some(job) = &remedy.job {
        line("in the job", job);
    }
    if let Some(flag) = flag(remedy, check) {
        line("in this check", &flag);
    }
    if let Some(policy) = &remedy.policy {
        line("in the policy", &format!("{policy}, by a reviewed change"));
    }
}

/// Returns the flag for a value that is missing, or that no job has in this form.
fn flag(remedy: &Remedy, check: &CheckResult<'_>) -> Option<String> {
    let context = check.outcome.context?;
    let (flag, value) = match &*remedy.dimension {
        "workflow" => ("--workflow FILE".to_owned(), &context.workflow),
        "branch" => ("--branch BRANCH".to_owned(), &context.branch),
        "environment" => ("--environment NAME".to_owned(), &context.environment),
        "event" => ("--event NAME".to_owned(), &context.event),
        "base" => {
            let base = context.base.branch()?;
            if let Some(correction) = corrected_flag("base", base, check) {
                return Some(correction);
            }
            let flag = format!("--default-branch {base}");
            let is_open = remedy.by_default_branch && context.default_branch.is_none();
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
        Some(value) => corrected_flag(&remedy.dimension, value, check),
    }
}

/// Returns the flag to use instead of a value that no job has.
fn corrected_flag(dimension: &str, value: &str, check: &CheckResult<'_>) -> Option<String> {
    let context = check.outcome.context?;
    let event = context.event.as_deref().unwrap_or_default();
    let has_payload = check.scenario.is_some_and(|scenario| scenario.has_payload);
    match dimension {
        "branch" if value.starts_with("unknown:") && event.starts_with("pull_request") => {
            let payload =
                "`--payload event.json`, the event's payload, which names the branch's owner";
            (!has_payload).then(|| payload.to_owned())
        }
        "branch" => {
            let name = branch_of(value, Kind::Literal)?;
            let flag = quoted(&format!("--branch {name}"));
            Some(format!("{flag}: name a branch without `refs/heads/`"))
        }
        "base" => {
            let name = branch_of(value.strip_prefix("refs/heads/")?, Kind::Literal)?;
            let flag = quoted(&format!("--base {name}"));
            Some(format!("{flag}: name a branch without `refs/heads/`"))
        }
        "workflow" => {
            let file = file_of(value, Kind::Literal, context.repository.as_deref())?;
            let flag = quoted(&format!("--workflow {file}"));
            Some(format!("{flag}: name a workflow by its file"))
        }
        _ => None,
    }
}
