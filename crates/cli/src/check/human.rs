//! Output of a check for people: context, steps, rules, decision, and what to change.

use std::fmt::Write as _;

use super::explain::explain;
use super::scenario::OfWorkTree;
use crate::diagnostic;
use crate::style::Colours;
use analysis::check::{Change, CheckError, CheckResult, GivenPolicy, Status, advice, steps};
use analysis::report::text::visible;
use analysis::report::{context_rows, reason_page};
use engine::decision::Decision;
use engine::policy::quoted;

pub(super) fn render(
    check: &CheckResult<'_>,
    of_work_tree: Option<&OfWorkTree>,
    colours: Colours,
) -> String {
    let mut text = String::new();
    if let Some(context) = check.outcome.context {
        for (name, value) in context_rows(context) {
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
        let policies = check.policies().filter(|policy| policy.name == *name);
        for source in policies.filter_map(GivenPolicy::source) {
            text.push_str(&diagnostic::render(name, &source, invalid.iter(), colours));
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
    let title = colours.strong("what to change");
    if let Some(CheckError::Policy(name, _)) = &check.error {
        let lint = quoted(&format!("repo-permissions lint {name}"));
        let _ = writeln!(
            text,
            "\n{title}\n  the problems shown above; {} looks for more",
            visible(&lint)
        );
    }
    let advice = advice(check);
    if advice.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{title}");
    for one in &advice {
        if advice.len() > 1 {
            let _ = writeln!(text, "  {}", colours.dim(&one.permission));
        }
        for change in &one.changes {
            write_change(text, change, colours);
        }
        if one.changes.is_empty() {
            let _ = writeln!(text, "  {}", one.sentence.as_deref().unwrap_or_default());
        }
    }
}

fn write_change(text: &mut String, change: &Change, colours: Colours) {
    let (place, what) = (colours.strong(&change.place), visible(&change.what));
    let _ = writeln!(text, "  {place}: {what}");
    for (name, what) in [
        ("in the job", &change.job),
        ("in this check", &change.input),
        ("in the policy", &change.policy),
    ] {
        if let Some(what) = what {
            let name = colours.dim(name);
            let _ = writeln!(text, "      {name:<13}  {}", visible(what));
        }
    }
}
