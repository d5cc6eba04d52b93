//! The table as Markdown.

use std::fmt::Write as _;

use analysis::matrix::view::{Block, Page, headings, words};
use analysis::matrix::{Cell, Row};
use analysis::report::text::{cell, code, markdown};
use analysis::report::{Phrase, lint_page};
use engine::plural::count;

pub(super) fn render(page: &Page<'_, '_>) -> String {
    let mut text = String::from("### Who can do what\n\n");
    for (name, value, more) in headings::facts(page) {
        let _ = writeln!(text, "- {name}: {}{more}", code(&value));
    }
    table(&mut text, page);
    let [covered, others] = page.folded.files_with_nothing();
    for (files, why) in [(covered, " that rules cover"), (others, "")] {
        if !files.is_empty() {
            let number = count(files.len(), "other file");
            let names: Vec<_> = files.iter().map(|file| code(file)).collect();
            let names = names.join(", ");
            let _ = writeln!(text, "\nNothing is granted to {number}{why}: {names}");
        }
    }
    findings(&mut text, page);
    if !page.matrix.unused.is_empty() {
        text.push_str("\n#### Rules that no workflow here can use\n\n");
        for unused in &page.matrix.unused {
            let (rule, why) = (words::rule(&unused.rule), &unused.why);
            let _ = writeln!(text, "- {}: {}", rule.write(code), why.write(code));
        }
    }
    let notes = words::only_called(page.matrix).into_iter();
    let notes = notes
        .map(|phrase| phrase.write(code))
        .chain(page.notes.iter().map(|note| markdown(note)));
    let notes: Vec<_> = notes.map(|note| format!("- {note}\n")).collect();
    if !notes.is_empty() {
        let _ = write!(text, "\n#### Notes\n\n{}", notes.concat());
    }
    text
}

fn table(text: &mut String, page: &Page<'_, '_>) {
    text.push_str("\n| workflow | environment |");
    for key in &page.matrix.permissions {
        let _ = write!(text, " {} |", cell(key));
    }
    text.push_str("\n|---|---|");
    text.push_str(&"---|".repeat(page.matrix.permissions.len()));
    text.push('\n');
    for block in &page.folded.blocks {
        let mut name = Some(files_of(page, block));
        for group in &block.groups {
            let Some(row) = group.first() else {
                continue;
            };
            let environments = environments_of(group, block);
            let cells = row.cells.iter().map(|cell| cell_of(row, cell));
            line(text, name.take(), &environments, cells);
        }
        if !block.nothing.is_empty() {
            let environments = words::environments_in_short(&block.nothing).write(cell);
            let cells = page.matrix.permissions.iter().map(|_| NOTHING.to_owned());
            line(text, name.take(), &environments, cells);
        }
    }
}

/// A cell that grants nothing.
const NOTHING: &str = "–";

fn line(
    text: &mut String,
    name: Option<String>,
    environments: &str,
    cells: impl Iterator<Item = String>,
) {
    let _ = write!(text, "| {} | {environments} |", name.unwrap_or_default());
    for cell in cells {
        let _ = write!(text, " {cell} |");
    }
    text.push('\n');
}

fn files_of(page: &Page<'_, '_>, block: &Block<'_, '_>) -> String {
    let files = headings::files(block);
    let files: Vec<_> = files.iter().map(|file| file.write(cell)).collect();
    let mut parts = vec![files.join(", ")];
    if files.len() > 1 {
        parts.push(count(files.len(), "file"));
    }
    parts.extend(headings::starts(block).map(|starts| starts.write(cell)));
    let codes = page.codes(block).into_iter();
    parts.extend(codes.map(|code| format!("! [{}]({})", cell(code), lint_page(code))));
    parts.join("<br>")
}

fn environments_of(group: &[&Row<'_>], block: &Block<'_, '_>) -> String {
    let chunks = headings::labels(group, block).into_iter().map(|label| {
        let names = label.rows.iter();
        let names = names.map(|row| words::environment(row).write(cell));
        let mut text = names.collect::<Vec<_>>().join(", ");
        for remark in label.remarks {
            let _ = write!(text, "<br>*{}*", remark.write(cell));
        }
        text
    });
    chunks.collect::<Vec<_>>().join("<br>")
}

fn cell_of(row: &Row<'_>, content: &Cell<'_>) -> String {
    if content.grants.is_empty() {
        let hints = content.hints.iter();
        let hints = hints.map(|hint| format!("✗ {}", words::hint(row, hint).write(cell)));
        let hints: Vec<_> = hints.collect();
        return match hints.is_empty() {
            true => NOTHING.to_owned(),
            false => hints.join("<br>"),
        };
    }
    let grants = content.grants.iter().map(|grant| {
        let mark = if row.is_certain(grant) { "✓" } else { "?" };
        let mut phrases = vec![words::branches(grant), words::events(&grant.events)];
        phrases.extend(words::conditions(grant));
        let phrases: Vec<_> = phrases
            .iter()
            .map(|phrase: &Phrase<'_>| phrase.write(cell))
            .collect();
        format!("{mark} {}", phrases.join("<br>"))
    });
    grants.collect::<Vec<_>>().join("<br>")
}

fn findings(text: &mut String, page: &Page<'_, '_>) {
    if page.findings.is_empty() {
        return;
    }
    text.push_str("\n#### What the policy cannot enforce\n\n");
    for shared in &page.findings {
        let finding = shared.finding;
        let link = format!("[{}]({})", code(finding.code), lint_page(finding.code));
        let (places, message) = (shared.places().write(code), markdown(&finding.message));
        let _ = write!(text, "- {link} {places}: {message}");
        if let Some(help) = &finding.help {
            let _ = write!(text, "; {}", markdown(help));
        }
        text.push('\n');
    }
}
