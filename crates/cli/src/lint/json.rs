//! Findings for programs.

use serde::Serialize;

use super::file::Linted;
use super::summary::Summary;
use analysis::lint::FindingRow;

#[derive(Serialize)]
struct LintOutput<'a> {
    findings: Vec<FindingRow<'a>>,
    summary: Summary,
}

pub(super) fn render(files: &[Linted], summary: Summary) -> String {
    let names: Vec<_> = files.iter().map(Linted::name).collect();
    let rows = files.iter().zip(&names).flat_map(|(file, name)| {
        let findings = file.findings.iter();
        findings.map(|finding| FindingRow::of(name, finding))
    });
    let output = LintOutput {
        findings: rows.collect(),
        summary,
    };
    // Serializing strings and numbers cannot fail.
    serde_json::to_string(&output).unwrap_or_default() + "\n"
}
