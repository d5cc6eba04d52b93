//! The table as Markdown.

use std::fmt::Write as _;

use super::{Page, words};
use analysis::matrix::{Cell, Row};
use analysis::report::Phrase;
use analysis::report::text::{cell, code, markdown};

pub(super) fn render(page: &Page<'_>) -> String {
    let mut text = String::from("### Who can do what\n\n");
    for (name, value, more) in words::facts(page) {
        let _ = writeln!(text, "- {name}: {}{more}", code(&value));
    }
    text.push_str("\n| workflow | environment |");
    for key in &page.matrix.permissions {
        let _ = write!(text, " {} |", cell(key));
    }
    text.push_str("\n|---|---|");
    text.push_str(&"---|".repeat(page.matrix.permissions.len()));
    text.push('\n');
    let mut before = None;
    for row in &page.matrix.rows {
        let file = row.kind.file();
        let name = if before == Some(file) {
            String::new()
        } else {
            file_of(row)
        };
        before = Some(file);
        let mut environment = words::environment(row).write(cell);
        if let Some(remark) = words::remark(row) {
            let _ = write!(environment, "<br>*{}*", remark.write(cell));
        }
        let _ = write!(text, "| {name} | {environment} |");
        for cell in &row.cells {
            let _ = write!(text, " {} |", cell_of(row, cell));
        }
        text.push('\n');
    }
    if !page.matrix.unused.is_empty() {
        text.push_str("\n#### Rules that no workflow here can use\n\n");
        for unused in &page.matrix.unused {
            let (rule, why) = (words::rule(&unused.rule), &unused.why);
            let _ = writeln!(text, "- {}: {}", rule.write(code), why.write(code));
        }
    }
    let notes = words::only_called(page.matrix).map(|phrase| phrase.write(code));
    let notes = notes
        .into_iter()
        .chain(page.notes.iter().map(|note| markdown(note)));
    let notes: Vec<_> = notes.map(|note| format!("- {note}\n")).collect();
    if !notes.is_empty() {
        let _ = write!(text, "\n#### Notes\n\n{}", notes.concat());
    }
    text
}

fn file_of(row: &Row<'_>) -> String {
    let (file, starts) = words::file(row);
    match starts {
        Some(starts) => format!("{}<br>{}", file.write(cell), starts.write(cell)),
        None => file.write(cell),
    }
}

fn cell_of(row: &Row<'_>, content: &Cell<'_>) -> String {
    if content.grants.is_empty() {
        let hints = content.hints.iter();
        let hints = hints.map(|hint| format!("✗ {}", words::hint(row, hint).write(cell)));
        let hints: Vec<_> = hints.collect();
        return match hints.is_empty() {
            true => "–".to_owned(),
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
