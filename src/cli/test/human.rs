//! The results for people.

use std::fmt::Write as _;

use super::result::{CaseResult, Results};
use crate::report::text::visible;

pub(super) fn human(results: &Results) -> String {
    let mut text = String::new();
    for file in results.files.iter().filter(|file| !file.cases.is_empty()) {
        let _ = writeln!(text, "{}", visible(&file.file));
        for case in &file.cases {
            if case.passed {
                let _ = writeln!(text, "  ✓ {}", visible(&case.name));
            } else {
                failed(&mut text, case);
            }
        }
        text.push('\n');
    }
    let summary = results.summary();
    let count = summary.passed + summary.failed;
    let noun = if count == 1 { "case" } else { "cases" };
    let _ = writeln!(
        text,
        "{count} {noun}: {} passed, {} failed",
        summary.passed, summary.failed
    );
    uncovered(&mut text, results);
    text
}

fn failed(text: &mut String, case: &CaseResult) {
    let _ = writeln!(text, "  ✗ {} (line {})", visible(&case.name), case.line);
    let _ = writeln!(text, "      - expected {}", case.expected);
    let _ = writeln!(text, "      + got {}", case.got());
    let _ = writeln!(text, "      {}", visible(&case.message));
    for line in case.trace.lines().filter(|line| !line.is_empty()) {
        let _ = writeln!(text, "      {}", line.trim_end());
    }
}

fn uncovered(text: &mut String, results: &Results) {
    let uncovered: Vec<_> = results.coverage.uncovered().collect();
    let rules = results.coverage.rules();
    if rules == 0 {
        return;
    }
    let matched = rules - uncovered.len();
    let _ = writeln!(text, "{matched} of {rules} rules matched in a case");
    for rule in uncovered {
        let _ = write!(text, "  never: {}:{}", visible(rule.policy), rule.line);
        match rule.name {
            Some(name) => {
                let _ = writeln!(text, " `{}`", visible(name));
            }
            None => text.push('\n'),
        }
    }
}
