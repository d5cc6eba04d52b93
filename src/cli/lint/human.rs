//! Findings for people.

use super::{Linted, Summary};
use crate::cli::diagnostic;
use crate::cli::style::Colours;

pub(super) fn render(files: &[Linted], summary: Summary, colours: Colours) -> String {
    let findings =
        |file: &Linted| diagnostic::render(&file.name(), &file.source(), &file.findings, colours);
    let text: String = files.iter().map(findings).collect();
    text + &summary.sentence(files.len())
}
