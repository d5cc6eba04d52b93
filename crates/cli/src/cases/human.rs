//! Results of `test` for people.

use std::fmt::Write as _;

use super::failure::failure;
use super::files::{MAX_EXPLAINED, Results};
use crate::style::Colours;
use analysis::report::text::visible;
use engine::plural::{count, count_of, grouped};
use engine::policy::quoted;

/// Maximum number of unmatched rules in the output.
const MAX_UNCOVERED: usize = 20;

/// Renders the cases, the failures, the rules that no case matched, and the totals.
pub(super) fn human(results: &Results, colours: Colours) -> String {
    let mut text = String::new();
    for file in results.files.iter().filter(|file| !file.cases.is_empty()) {
        let _ = writeln!(text, "{}", colours.strong(&file.file));
        for case in &file.cases {
            let mark = if case.has_passed() {
                colours.granted("✓")
            } else {
                colours.denied("✗")
            };
            let assumed = case
                .assumed
                .map(|what| format!(" ({what} not given, assumed to be trusted)"));
            let assumed = assumed.unwrap_or_default();
            let assumed = colours.dim(&assumed);
            let _ = writeln!(text, "  {mark} {}{assumed}", visible(&case.name));
        }
        text.push('\n');
    }
    for file in &results.files {
        for case in &file.cases {
            if case.failed.is_none() {
                continue;
            }
            let mark = colours.denied("✗");
            let _ = writeln!(text, "{mark} {}", colours.strong(&case.name));
            for line in failure(file, case, colours).lines() {
                let _ = writeln!(text, "{}", format!("  {line}").trim_end());
            }
            text.push('\n');
        }
    }
    let (_, failed) = results.counts();
    if let Some(more @ 1..) = failed.checked_sub(MAX_EXPLAINED) {
        let more = count_of(more, "more failed case", "more failed cases");
        let more = format!("… and {more}, not explained here");
        let _ = writeln!(text, "{}\n", colours.dim(&more));
    }
    uncovered(&mut text, results, colours);
    totals(&mut text, results, colours);
    text
}

fn uncovered(text: &mut String, results: &Results, colours: Colours) {
    let rules = results.coverage.rules();
    if rules == 0 {
        return;
    }
    let uncovered: Vec<_> = results.coverage.uncovered().collect();
    let matched = rules - uncovered.len();
    let _ = writeln!(
        text,
        "{} of {} matched in a case",
        grouped(matched),
        count(rules, "rule")
    );
    for rule in uncovered.iter().take(MAX_UNCOVERED) {
        let never = colours.warning("never:");
        let name = match rule.name {
            Some(name) => quoted(name),
            None => rule.permissions.join(", "),
        };
        let (policy, name) = (visible(rule.policy), visible(&name));
        let _ = writeln!(text, "  {never} {policy}:{} {name}", rule.line);
    }
    if let Some(more @ 1..) = uncovered.len().checked_sub(MAX_UNCOVERED) {
        let _ = writeln!(text, "  … and {more} more");
    }
    text.push('\n');
}

fn totals(text: &mut String, results: &Results, colours: Colours) {
    let (passed, failed) = results.counts();
    let cases = count(passed + failed, "case");
    let numbers = [format!("{passed} passed"), format!("{failed} failed")];
    let [passed, shown] = &numbers;
    let shown = match failed {
        0 => colours.dim(shown),
        _ => colours.denied(shown),
    };
    let passed = colours.granted(passed);
    let _ = write!(text, "{cases}: {passed}, {shown}");
    let invalid = results.files.iter().filter(|file| !file.errors.is_empty());
    match invalid.count() {
        0 => {}
        invalid => {
            let _ = write!(text, "; {} could not be run", count(invalid, "file"));
        }
    }
    text.push('\n');
}
