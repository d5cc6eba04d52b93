//! Findings for programs.

use serde::Serialize;

use super::{Linted, Summary};
use crate::policy::lint::Level;

#[derive(Serialize)]
struct Output<'a> {
    findings: Vec<Row<'a>>,
    summary: Summary,
}

#[derive(Serialize)]
struct Row<'a> {
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
    /// What to put between `column` and `end_column`.
    fix: Option<&'a str>,
}

pub(super) fn render(files: &[Linted], summary: Summary) -> String {
    let rows = files.iter().flat_map(|file| {
        let name = file.name();
        file.findings.iter().map(move |finding| Row {
            code: finding.code,
            level: finding.level,
            file: name.clone(),
            line: finding.position.line,
            column: finding.position.column,
            end_column: finding.end_column(),
            message: &finding.message,
            help: finding.help.as_deref(),
            fix: finding.fix.as_ref().map(|fix| fix.replacement.as_str()),
        })
    });
    let output = Output {
        findings: rows.collect(),
        summary,
    };
    // Texts and numbers only: there is nothing that could fail.
    serde_json::to_string(&output).unwrap_or_default() + "\n"
}
