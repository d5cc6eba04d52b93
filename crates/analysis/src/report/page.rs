//! The Markdown page of a check run and of the job's summary.

use std::fmt::Write as _;

use super::documentation::reason_page;
use super::model::{Detail, Outcome, shown_rules};
use super::reasons::describe;
use super::remedy::{Remedy, remedies};
use super::text::{cell, code, markdown, truncate_page};
use crate::suggestion::suggestion;
use engine::context::{Base, Context};
use engine::decision::{Decision, PermissionDecision, TracedRule};
use engine::plural::count_of;

/// Maximum number of rules per permission.
const MAX_ROWS: usize = 50;
/// Maximum number of proposals.
const MAX_CHANGES: usize = 20;
/// Note at the end of a truncated page.
const TRUNCATED: &str = "\n\n*The page is longer than GitHub allows, and ends here; the output `result` may have more.*\n";

/// The page of a summary, at most `max` bytes.
pub fn summary(outcome: &Outcome<'_>, detail: Detail, advisory: bool, max: usize) -> String {
    let heading = format!("### {}\n\n", heading(outcome.decision, advisory));
    let page = page(outcome, detail, max.saturating_sub(heading.len()));
    heading + &page
}

/// The page without a heading, at most `max` bytes: a check run shows its title above it.
pub fn page(outcome: &Outcome<'_>, detail: Detail, max: usize) -> String {
    let mut page = String::new();
    let _ = writeln!(page, "{}.", markdown(&outcome.message));
    let advice = outcome
        .advice
        .map(|advice| format!("**What to do:** {} ", markdown(advice)))
        .unwrap_or_default();
    let (code, link) = (code(outcome.reason.code()), reason_page(outcome.reason));
    let _ = writeln!(page, "\n{advice}[More about {code}]({link})");
    if detail == Detail::Full {
        page.push_str(&remedy_list(outcome));
    }
    let _ = writeln!(page, "\n{}", facts(outcome));
    if detail == Detail::Full {
        for permission in &outcome.permissions {
            let _ = writeln!(page, "{}", trace(permission));
        }
    }
    truncate_page(page, max, TRUNCATED)
}

/// Returns the heading, such as `⛔ Denied`.
pub fn heading(decision: Decision, advisory: bool) -> &'static str {
    match decision {
        Decision::Allowed => "✅ Allowed",
        Decision::Denied if advisory => "🟡 Would be denied (advisory mode)",
        Decision::Denied => "⛔ Denied",
        Decision::Error => "❗ Could not be decided, so nothing is granted",
    }
}

/// Renders the proposals for the denied permissions.
fn remedy_list(outcome: &Outcome<'_>) -> String {
    let Some(context) = outcome.context else {
        return String::new();
    };
    let remedies = outcome
        .permissions
        .iter()
        .flat_map(|permission| remedies(permission, context));
    let mut lines: Vec<_> = remedies.map(|remedy| line(&remedy)).collect();
    lines.dedup();
    lines.truncate(MAX_CHANGES);
    if lines.is_empty() {
        return String::new();
    }
    format!("\n{}", lines.concat())
}

fn line(remedy: &Remedy) -> String {
    let (number, what) = (remedy.line, markdown(&remedy.what));
    let policy = match remedy.own_policy {
        true => "the own policy",
        false => "the policy",
    };
    let mut line = format!("- Line {number} of {policy}: {what}.");
    if let Some(job) = &remedy.job {
        let _ = write!(line, " In the job: {}.", markdown(job));
    }
    if let Some(policy) = &remedy.policy {
        let _ = write!(
            line,
            " By a reviewed change of the policy: {}.",
            markdown(policy)
        );
    }
    line + "\n"
}

fn facts(outcome: &Outcome<'_>) -> String {
    // Markdown's tables have a head, and an empty one is a line that GitHub draws.
    let reason = cell(outcome.reason.code());
    let mut table = format!("| Reason | {reason} ({}) |\n|---|---|\n", outcome.status);
    let mut row = |name: &str, value: String| {
        let _ = writeln!(table, "| {name} | {value} |");
    };
    if let Some(host) = &outcome.decided_by {
        row("Decided by", cell(host));
    }
    if let Some(context) = outcome.context {
        for (name, value) in context_rows(context) {
            row(name, value.map_or_else(|| "none".to_owned(), cell));
        }
    }
    let policies = [
        ("Policy", &outcome.policy),
        ("Own policy", &outcome.own_policy),
    ];
    for (name, policy) in policies {
        let Some(policy) = policy else { continue };
        let part = |(name, value): (&str, &str)| match name {
            "" => cell(value),
            "at the" => format!("{name} {value}"),
            _ => format!("{name} {}", cell(value)),
        };
        let parts: Vec<_> = policy.provenance().into_iter().map(part).collect();
        row(name, parts.join(", "));
    }
    table
}

/// Returns the context in the order of importance to readers. The base appears only if the run has one.
pub fn context_rows(context: &Context) -> Vec<(&'static str, Option<&str>)> {
    let base = match &context.base {
        Base::None => None,
        Base::Assumed => Some(Some("not given, assumed to be trusted")),
        base => Some(base.branch()),
    };
    let mut rows = vec![
        ("Repository", context.repository.as_deref()),
        ("Workflow", context.workflow.as_deref()),
        ("Branch", context.branch.as_deref()),
    ];
    rows.extend(base.map(|base| ("Base", base)));
    rows.extend([
        ("Environment", context.environment.as_deref()),
        ("Event", context.event.as_deref()),
        ("Actor", context.actor.as_deref()),
    ]);
    rows
}

fn trace(permission: &PermissionDecision) -> String {
    let mut text = format!(
        "#### {}: {}\n\n",
        code(&permission.permission),
        permission.decision.as_str()
    );
    if permission.trace.is_empty() {
        let _ = writeln!(text, "No rule to show: {}.", describe(permission.reason));
        return text;
    }
    text.push_str(
        "| | Rule | Workflow | Branch | Environment | More |\n|---|---|---|---|---|---|\n",
    );
    for rule in shown_rules(permission, MAX_ROWS) {
        text.push_str(&rule_row(rule));
    }
    if let Some(more) = permission
        .trace
        .len()
        .checked_sub(MAX_ROWS)
        .filter(|more| *more > 0)
    {
        let more = count_of(more, "more rule is", "more rules are");
        let _ = writeln!(text, "\n*{more} not shown.*");
    }
    text
}

fn rule_row(rule: &TracedRule) -> String {
    let mark = |matched: bool| if matched { "✓" } else { "✗" };
    let mut cells = [String::new(), String::new(), String::new(), String::new()];
    for dimension in &rule.dimensions {
        let column = match &*dimension.dimension {
            "workflow" => 0,
            "branch" => 1,
            "environment" => 2,
            _ => 3,
        };
        let patterns: Vec<_> = match dimension.any_of.as_slice() {
            [] => vec![cell(&dimension.pattern)],
            several => several.iter().map(|one| cell(&one.pattern)).collect(),
        };
        let what = match (column, dimension.kind) {
            (3, "events") if dimension.pattern.is_empty() => "names no `events`".to_owned(),
            (3, _) => format!("{} {}", cell(&dimension.dimension), patterns.join(" or ")),
            _ => patterns.join(" or "),
        };
        let suggestion = suggestion(rule, dimension).map(|suggestion| {
            let written = cell(&suggestion.written(rule.format));
            format!(" ({}: {written})", suggestion.how)
        });
        let what = what + &suggestion.unwrap_or_default();
        if let Some(cell) = cells.get_mut(column) {
            if !cell.is_empty() {
                cell.push_str("; ");
            }
            let _ = write!(cell, "{} {what}", mark(dimension.matched));
        }
    }
    let name = rule
        .rule
        .name
        .as_deref()
        .map(|name| format!(" {}", cell(name)));
    format!(
        "| {} | {}{}, line {}{} | {} |\n",
        if rule.matched { "✅" } else { "❌" },
        rule.rule.number,
        name.unwrap_or_default(),
        rule.rule.line,
        if rule.rule.own_policy {
            " of the own policy"
        } else {
            ""
        },
        cells.join(" | "),
    )
}
