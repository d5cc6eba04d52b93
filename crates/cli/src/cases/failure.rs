//! Explains a failed case: the expected and the actual decision, and the reason.

use std::fmt::Write as _;

use super::files::FileResult;
use crate::check::explain;
use crate::style::Colours;
use analysis::cases::{CaseResult, Expect};
use analysis::report::context_rows;
use analysis::report::text::visible;
use engine::context::{Base, Context};
use engine::plural::count;
use engine::policy::quoted;

/// Renders the explanation, without the case's name.
pub(super) fn failure(file: &FileResult, case: &CaseResult, colours: Colours) -> String {
    let mut text = String::new();
    let (line, column) = (case.position.line, case.position.column);
    let at = format!("--> {}:{line}:{column}", file.file);
    let _ = writeln!(text, "{}", colours.dim(&at));
    let expected = format!("- expected {}", expected(case.expected));
    let got = format!("+ got      {}", case.got());
    let _ = writeln!(text, "{}", colours.granted(&expected));
    let _ = writeln!(text, "{}\n", colours.denied(&got));
    let _ = writeln!(text, "{}", visible(&case.message));
    let Some(failed) = &case.failed else {
        return text;
    };
    // Of several permissions, an allowed one does not explain why the case was denied.
    let permissions = failed.permissions.iter();
    let permissions: Vec<_> = permissions
        .filter(|permission| permission.decision.decision == case.decision)
        .collect();
    for permission in permissions.iter().map(|explained| &explained.decision) {
        let nearest = permission.nearest.as_ref().map(|nearest| &nearest.rule);
        if let Some(rule) = permission.rule.as_ref().or(nearest) {
            let policy = match rule.own_policy {
                true => &file.own_policy,
                false => &file.policy,
            };
            let at = format!("--> {policy}:{}:{}", rule.line, rule.column);
            let _ = writeln!(text, "{}", colours.dim(&at));
        }
    }
    let _ = writeln!(text, "job: {}", visible(&job(&failed.context)));
    let with_rules = permissions
        .iter()
        .filter(|explained| !explained.decision.trace.is_empty());
    for explained in with_rules {
        let hidden = explained.hidden;
        text.push('\n');
        text.push_str(explain(&explained.decision, colours).trim_end());
        text.push('\n');
        if hidden > 0 {
            let more = format!("  … and {}, not shown", count(hidden, "more rule"));
            let _ = writeln!(text, "{}", colours.dim(&more));
        }
    }
    text
}

/// Returns the expected decision, with the reason if the case names one.
fn expected(expect: Expect) -> String {
    match expect {
        Expect::Decision(decision) => decision.as_str().to_owned(),
        Expect::Reason(reason) => format!("{} ({})", reason.decision().as_str(), reason.code()),
    }
}

/// Describes the job: its values, and which ones are absent.
fn job(context: &Context) -> String {
    let parts = context_rows(context)
        .into_iter()
        .filter_map(|(name, value)| {
            let name = name.to_lowercase();
            match value {
                // The value is our own phrase, not a branch.
                Some(value) if name == "base" && context.base == Base::Assumed => {
                    Some(format!("base {value}"))
                }
                Some(value) => Some(format!("{name} {}", quoted(value))),
                None if matches!(&*name, "event" | "actor") => None,
                None => Some(format!("no {name}")),
            }
        });
    parts.collect::<Vec<_>>().join(", ")
}
