//! The results for people.

use std::fmt::Write as _;

use super::files::Results;
use crate::cases::{CaseResult, Failed};
use crate::cli::check::explain;
use crate::cli::style::Colours;
use crate::report::text::visible;

pub(super) fn human(results: &Results, colours: Colours) -> String {
    let mut text = String::new();
    for file in results.files.iter().filter(|file| !file.cases.is_empty()) {
        let _ = writeln!(text, "{}", colours.strong(&file.file));
        for case in &file.cases {
            match &case.failed {
                None => {
                    let mark = colours.granted("✓");
                    let _ = writeln!(text, "  {mark} {}", visible(&case.name));
                }
                Some(failure) => failed(&mut text, case, failure, colours),
            }
        }
        text.push('\n');
    }
    let (passed, failed) = results.counts();
    let count = passed + failed;
    let noun = if count == 1 { "case" } else { "cases" };
    let shown = format!("{failed} failed");
    let shown = match failed {
        0 => colours.dim(&shown),
        _ => colours.denied(&shown),
    };
    let passed = format!("{passed} passed");
    let _ = writeln!(
        text,
        "{count} {noun}: {}, {shown}",
        colours.granted(&passed)
    );
    uncovered(&mut text, results, colours);
    text
}

fn failed(text: &mut String, case: &CaseResult, failed: &Failed, colours: Colours) {
    let title = format!("{} (line {})", case.name, case.position.line);
    let expected = format!("- expected {}", case.expected.as_str());
    let got = format!("+ got {}", case.got());
    let _ = writeln!(text, "  {} {}", colours.denied("✗"), colours.strong(&title));
    let _ = writeln!(text, "      {}", colours.granted(&expected));
    let _ = writeln!(text, "      {}", colours.denied(&got));
    let _ = writeln!(text, "      {}", visible(&case.message));
    let trace: String = failed.permissions.iter().map(explain).collect();
    for line in trace.lines().filter(|line| !line.is_empty()) {
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
