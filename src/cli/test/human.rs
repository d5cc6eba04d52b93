//! The results for people.

use std::fmt::Write as _;

use super::result::{CaseResult, Results};
use crate::cli::style::Colours;
use crate::report::text::visible;

pub(super) fn human(results: &Results, colours: Colours) -> String {
    let mut text = String::new();
    for file in results.files.iter().filter(|file| !file.cases.is_empty()) {
        let _ = writeln!(text, "{}", colours.strong(&file.file));
        for case in &file.cases {
            if case.passed {
                let _ = writeln!(text, "  {} {}", colours.granted("✓"), visible(&case.name));
            } else {
                failed(&mut text, case, colours);
            }
        }
        text.push('\n');
    }
    let summary = results.summary();
    let count = summary.passed + summary.failed;
    let noun = if count == 1 { "case" } else { "cases" };
    let numbers = [
        format!("{} passed", summary.passed),
        format!("{} failed", summary.failed),
    ];
    let [passed, failed] = &numbers;
    let failed = if summary.failed == 0 {
        colours.dim(failed)
    } else {
        colours.denied(failed)
    };
    let _ = writeln!(
        text,
        "{count} {noun}: {}, {failed}",
        colours.granted(passed)
    );
    uncovered(&mut text, results, colours);
    text
}

fn failed(text: &mut String, case: &CaseResult, colours: Colours) {
    let title = format!("{} (line {})", case.name, case.line);
    let expected = format!("- expected {}", case.expected);
    let got = format!("+ got {}", case.got());
    let _ = writeln!(text, "  {} {}", colours.denied("✗"), colours.strong(&title));
    let _ = writeln!(text, "      {}", colours.granted(&expected));
    let _ = writeln!(text, "      {}", colours.denied(&got));
    let _ = writeln!(text, "      {}", visible(&case.message));
    for line in case.trace.lines().filter(|line| !line.is_empty()) {
        let _ = writeln!(text, "      {}", colours.dim(line.trim_end()));
    }
}

fn uncovered(text: &mut String, results: &Results, colours: Colours) {
    let uncovered: Vec<_> = results.coverage.uncovered().collect();
    let rules = results.coverage.rules();
    if rules == 0 {
        return;
    }
    let matched = rules - uncovered.len();
    let _ = writeln!(text, "{matched} of {rules} rules matched in a case");
    for rule in uncovered {
        let never = colours.warning("never:");
        let _ = write!(text, "  {never} {}:{}", visible(rule.policy), rule.line);
        match rule.name {
            Some(name) => {
                let _ = writeln!(text, " `{}`", visible(name));
            }
            None => text.push('\n'),
        }
    }
}
