//! Findings for people.

use super::file::Linted;
use super::summary::Summary;
use crate::diagnostic;
use crate::style::Colours;

pub(super) fn render(files: &[Linted], summary: Summary, colours: Colours) -> String {
    let findings =
        |file: &Linted| diagnostic::render(&file.name(), &file.source(), &file.findings, colours);
    let text: String = files.iter().map(findings).collect();
    let sentence = summary.sentence(files.len());
    let findings = files.iter().flat_map(|file| &file.findings);
    let fixes = findings.filter_map(|finding| finding.fix.as_ref());
    match fixes.filter(|fix| fix.is_safe).count() {
        0 => text + &sentence,
        count => format!("{text}{}; `--fix` can fix {count}\n", sentence.trim_end()),
    }
}
