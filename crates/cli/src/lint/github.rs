//! Findings as annotations of a GitHub Actions job.
//!
//! Source: docs.github.com, "Workflow commands for GitHub Actions".

use std::fmt::Write as _;

use super::file::Linted;
use super::summary::Summary;
use analysis::lint::Level;
use analysis::report::text::{command_data, command_property};

pub(super) fn render(files: &[Linted], summary: Summary) -> String {
    let mut text = String::new();
    for file in files {
        let name = file.name();
        // Annotations need paths from the root of the repository.
        let name = command_property(name.strip_prefix("./").unwrap_or(&name));
        for finding in &file.findings {
            let command = match finding.level {
                Level::Error => "error",
                Level::Warning => "warning",
                Level::Note => "notice",
            };
            let message = match &finding.help {
                Some(help) => format!("{} ({help})", finding.message),
                None => finding.message.clone(),
            };
            let _ = writeln!(
                text,
                "::{command} file={name},line={},col={},title={}::{}",
                finding.position.line,
                finding.position.column,
                command_property(finding.code),
                command_data(&message)
            );
        }
    }
    text.push_str(&summary.sentence(files.len()));
    text
}
