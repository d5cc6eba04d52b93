//! Page of a review.

use std::fmt::Write as _;

use super::reviewed::Reviewed;
use crate::cases::Coverage;
use crate::lint::Level;
use crate::report::access;
use crate::report::access::sentence_case;
use crate::report::check::Conclusion;
use crate::report::text::{cell, code, markdown, truncate_page};
use engine::plural::{count, grouped};

/// Maximum number of findings, and of cases, on the page.
const MAX_ROWS: usize = 50;
const TRUNCATED: &str = "\n\n*The page is longer than GitHub allows.*\n";

pub(super) fn page(reviewed: &Reviewed<'_>, max: usize) -> String {
    let mut page = String::new();
    let heading = match reviewed.conclusion() {
        Conclusion::Success => "✅ The review found no problem",
        Conclusion::Neutral if reviewed.material.new.is_none() => "⚠️ The policy is removed",
        Conclusion::Neutral => "⚠️ The change widens access",
        Conclusion::Failure => "⛔ The review found errors",
    };
    let _ = writeln!(
        page,
        "### {heading}\n\n{}.\n",
        sentence_case(&markdown(&reviewed.summary()))
    );
    let _ = writeln!(
        page,
        "This is a review of {} as the pull request changes it. The policy of the default branch stays in force \
        until the pull request is merged.\n",
        code(&reviewed.material.path)
    );
    page.push_str(&access(reviewed));
    page.push_str(&findings(reviewed));
    page.push_str(&cases(reviewed));
    truncate_page(page, max, TRUNCATED)
}

fn access(reviewed: &Reviewed<'_>) -> String {
    let Some(comparison) = reviewed.comparison else {
        return "#### Access\n\nNot compared, because the policy is invalid: every check with it would end in an \
                error.\n\n"
            .to_owned();
    };
    let mut text = "#### Access\n\n".to_owned();
    if reviewed.material.old.is_none() {
        text.push_str("The policy is new.\n\n");
    }
    match comparison.is_same() {
        true => text.push_str("The change neither adds nor removes access.\n"),
        false => text.push_str(access::changes(comparison).trim_start()),
    }
    text.push('\n');
    text
}

fn findings(reviewed: &Reviewed<'_>) -> String {
    let shown: Vec<_> = reviewed.shown_findings().take(MAX_ROWS).collect();
    let more = reviewed.findings.len() - shown.len();
    if reviewed.material.new.is_none() {
        return String::new();
    }
    let mut text = "#### Lint\n\n".to_owned();
    if shown.is_empty() {
        text.push_str("No findings on the changed lines.\n");
    } else {
        text.push_str("| | Line | Finding | What to do |\n|---|---|---|---|\n");
    }
    for finding in shown {
        let mark = match finding.level {
            Level::Error => "❌ error",
            Level::Warning => "⚠️ warning",
            Level::Note => "ℹ️ note",
        };
        let _ = writeln!(
            text,
            "| {mark} | {} | {} ({}) | {} |",
            finding.position.line,
            in_table(&finding.message),
            code(finding.code),
            finding.help.as_deref().map(in_table).unwrap_or_default()
        );
    }
    if more > 0 {
        let _ = writeln!(
            text,
            "\n{more} more on other lines; `repo-permissions lint` shows all.",
        );
    }
    text.push('\n');
    text
}

/// Formats prose that contains text in back quotes for a table cell.
fn in_table(message: &str) -> String {
    markdown(message).replace('|', "\\|")
}

fn cases(reviewed: &Reviewed<'_>) -> String {
    let Some(cases) = reviewed.cases else {
        return String::new();
    };
    let mut text = "#### Tests\n\n".to_owned();
    for error in cases.errors.iter().take(MAX_ROWS) {
        let _ = writeln!(text, "- ❌ {}", markdown(&error.text()));
    }
    let failed: Vec<_> = cases.failed().collect();
    if !failed.is_empty() {
        if !cases.errors.is_empty() {
            text.push('\n');
        }
        text.push_str("| Case | Location | Expected | Got | Why |\n|---|---|---|---|---|\n");
    }
    for (path, result) in failed.iter().take(MAX_ROWS) {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            cell(&result.name),
            cell(&format!("{path}:{}", result.position.line)),
            cell(result.expected.as_str()),
            cell(&result.got()),
            in_table(&result.message)
        );
    }
    match (cases.results.len(), failed.len()) {
        (0, _) if cases.errors.is_empty() => {
            text.push_str(
                "The repository has no test cases for the policy: add a file `*.tests.yml` beside it that states what it \
                should allow and deny.\n",
            );
        }
        (0, _) => {}
        (all, failed) => {
            let pass = match all - failed {
                1 => "passes",
                _ => "pass",
            };
            let _ = writeln!(
                text,
                "\n{} of {} {pass}.",
                grouped(all - failed),
                count(all, "case")
            );
        }
    }
    text.push_str(&coverage(&cases.coverage));
    text
}

fn coverage(coverage: &Coverage) -> String {
    let lines: Vec<_> = coverage
        .uncovered()
        .map(|rule| rule.line.to_string())
        .collect();
    if lines.is_empty() {
        return String::new();
    }
    let mut shown = lines.clone();
    shown.truncate(MAX_ROWS);
    format!(
        "\nNo case matches {} of {}: line {}{}.\n",
        grouped(lines.len()),
        count(coverage.rules(), "rule"),
        shown.join(", "),
        if lines.len() > shown.len() {
            ", …"
        } else {
            ""
        }
    )
}
