//! Findings for programs.

use std::ops::Range;

use serde::Serialize;

use super::file::Linted;
use super::summary::Summary;
use analysis::lint::{Fix, Level};

#[derive(Serialize)]
struct LintOutput<'a> {
    findings: Vec<FindingRow<'a>>,
    summary: Summary,
}

#[derive(Serialize)]
struct FindingRow<'a> {
    code: &'static str,
    level: Level,
    file: String,
    /// From 1.
    line: u32,
    /// In characters, from 1.
    column: u32,
    /// One past the last character.
    end_column: u32,
    message: &'a str,
    help: Option<&'a str>,
    /// Replacement for the text from `column` to `end_column`, if the fix is no more than that.
    fix: Option<&'a str>,
    /// Whether the policy grants the same after the fix.
    fix_safe: Option<bool>,
    /// The complete change.
    edit: Option<Edit<'a>>,
}

#[derive(Serialize)]
struct Edit<'a> {
    line: u32,
    column: u32,
    end_line: u32,
    /// One past the last replaced character.
    end_column: u32,
    text: &'a str,
}

impl<'a> Edit<'a> {
    fn of(fix: &'a Fix) -> Self {
        let Range { start, end } = fix.range;
        Self {
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
            text: &fix.replacement,
        }
    }
}

pub(super) fn render(files: &[Linted], summary: Summary) -> String {
    let rows = files.iter().flat_map(|file| {
        let name = file.name();
        file.findings.iter().map(move |finding| FindingRow {
            code: finding.code,
            level: finding.level,
            file: name.clone(),
            line: finding.position.line,
            column: finding.position.column,
            end_column: finding.end_column(),
            message: &finding.message,
            help: finding.help.as_deref(),
            fix: finding.replacement(),
            fix_safe: finding.fix.as_ref().map(|fix| fix.is_safe),
            edit: finding.fix.as_ref().map(Edit::of),
        })
    });
    let output = LintOutput {
        findings: rows.collect(),
        summary,
    };
    // Serializing strings and numbers cannot fail.
    serde_json::to_string(&output).unwrap_or_default() + "\n"
}
