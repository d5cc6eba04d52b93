//! The table as a self-contained HTML page, without external resources.
//!
//! It is also well-formed XML, so that a test can parse it. Its one script, which searches, is a constant: the
//! Content-Security-Policy allows its hash and no other script. Of images it allows those inside of the page: the icon.

mod index;
mod table;
mod text;

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use self::text::{broken, capital, coded, permission, value};
use crate::matrix::view::Page;
use crate::matrix::view::{headings, words};
use crate::matrix::{Access, Row, RowKind};
use crate::report::lint_page;
use crate::report::text::html_message;
use engine::plural::count;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// The icon of the documentation, docs/theme/favicon.svg.
const ICON: &str = include_str!("icon.svg");
/// Maximum number of files per permission in the summary.
const MAX_NAMED: usize = 4;

/// Renders the page.
pub fn render(page: &Page<'_, '_>) -> String {
    let subject = page.repository.as_deref().unwrap_or(&page.policy);
    let hash = |content: &str| STANDARD.encode(Sha256::digest(content));
    let has_index = index::is_needed(page);
    let script = match has_index {
        true => format!("script-src 'sha256-{}'; ", hash(SCRIPT)),
        false => String::new(),
    };
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; {script}style-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <meta name=\"referrer\" content=\"no-referrer\"/>\n\
         <link rel=\"icon\" type=\"image/svg+xml\" href=\"data:image/svg+xml;base64,{}\"/>\n\
         <title>Who can do what: {}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#table\">Skip to the table</a>\n<div class=\"page\">\n",
        hash(STYLE),
        STANDARD.encode(ICON.trim_end()),
        value(subject)
    );
    header(&mut text, page);
    text.push_str("<main>\n");
    glance(&mut text, page);
    table::section(&mut text, page, has_index);
    findings(&mut text, page);
    unused(&mut text, page);
    notes(&mut text, page);
    let version = env!("CARGO_PKG_VERSION");
    let _ = write!(
        text,
        "</main>\n<footer><p>Made by repo-permissions {version} from the policy and the workflow files of one checkout. \
         A branch can add other workflow files, with other events; the rules' conditions on branches and environments apply to them too.</p></footer>\n\
         </div>\n"
    );
    if has_index {
        let _ = writeln!(text, "<script>{SCRIPT}</script>");
    }
    text + "</body>\n</html>\n"
}

fn header(text: &mut String, page: &Page<'_, '_>) {
    text.push_str("<header>\n<p class=\"eyebrow\">repo-permissions</p>\n<h1>Who can do what</h1>\n<dl class=\"facts\">\n");
    for (name, fact, more) in headings::facts(page) {
        let _ = writeln!(
            text,
            "<div><dt>{}</dt><dd><code>{}</code>{more}</dd></div>",
            capital(name),
            value(&fact)
        );
    }
    text.push_str("</dl>\n<nav aria-label=\"On this page\"><ul>\n<li><a href=\"#glance\">At a glance</a></li>\n<li><a href=\"#table\">The table</a></li>\n");
    let sections = [
        ("findings", "Not enforceable", page.findings.len()),
        ("unused", "Unused rules", page.matrix.unused.len()),
        ("notes", "Notes", all_notes(page).len()),
    ];
    for (id, title, number) in sections.iter().filter(|(.., number)| *number > 0) {
        let _ = writeln!(text, "<li><a href=\"#{id}\">{title} ({number})</a></li>");
    }
    text.push_str("</ul></nav>\n</header>\n");
}

/// Lists the files that can have each permission.
fn glance(text: &mut String, page: &Page<'_, '_>) {
    text.push_str("<section aria-labelledby=\"glance\">\n<h2 id=\"glance\">At a glance</h2>\n<ul class=\"glance\">\n");
    let matrix = page.matrix;
    let all = files(matrix.rows.iter()).len();
    for (column, key) in matrix.permissions.iter().enumerate() {
        let _ = writeln!(text, "<li><h3>{}</h3><ul>", permission(key, "span"));
        let can = |row: &&Row<'_>| {
            let access = row.cells.get(column).map(|cell| row.access(cell));
            matches!(access, Some(Access::Granted | Access::Perhaps))
        };
        let files = files(matrix.rows.iter().filter(can));
        let others = matrix.rows.iter().filter(|row| row.kind == RowKind::Other);
        let others = others.filter_map(|row| row.cells.get(column));
        let others = words::others(others.flat_map(|cell| &cell.grants));
        match files.len() {
            0 if others.is_none() => {
                text.push_str("<li class=\"none\">no workflow file here</li>\n");
            }
            count if count > 1 && count == all => {
                let _ = writeln!(text, "<li>all workflow files here ({count})</li>");
            }
            count => {
                for file in files.iter().take(MAX_NAMED) {
                    let _ = writeln!(text, "<li><code>{}</code></li>", broken(file));
                }
                if count > MAX_NAMED {
                    let _ = writeln!(text, "<li>and {} more</li>", count - MAX_NAMED);
                }
            }
        }
        if let Some(others) = others {
            let _ = writeln!(text, "<li class=\"open\">{}</li>", coded(&others));
        }
        text.push_str("</ul></li>\n");
    }
    text.push_str("</ul>\n</section>\n");
}

/// Returns the distinct files of rows.
fn files<'a>(rows: impl Iterator<Item = &'a Row<'a>>) -> Vec<&'a str> {
    let mut files: Vec<&str> = rows.filter_map(|row| row.kind.file()).collect();
    files.dedup();
    files
}

/// Opens a section below the table.
fn open_section(text: &mut String, id: &str, title: &str) {
    let _ = writeln!(
        text,
        "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{title}</h2>\n<ul class=\"plain\">"
    );
}

fn findings(text: &mut String, page: &Page<'_, '_>) {
    if page.findings.is_empty() {
        return;
    }
    open_section(text, "findings", "What the policy cannot enforce");
    for (index, shared) in page.findings.iter().enumerate() {
        let finding = shared.finding;
        let link = lint_page(finding.code);
        let _ = write!(
            text,
            "<li id=\"finding-{}\"><strong><a href=\"{link}\">{}</a></strong> ",
            index + 1,
            finding.code
        );
        let places = shared
            .places
            .iter()
            .map(|(file, line)| format!("{file}:{line}"));
        let places = places.map(|place| format!("<code>{}</code>", broken(&place)));
        let places = places.collect::<Vec<_>>().join(", ");
        if shared.places.len() > MAX_NAMED {
            let places = format!("<span class=\"many\">{places}</span>");
            let summary = count(shared.places.len(), "place");
            let _ = write!(
                text,
                "<details><summary>{summary}</summary>{places}</details>"
            );
        } else {
            text.push_str(&places);
        }
        let help = finding.help.iter().map(|help| html_message(help));
        let sentences = std::iter::once(html_message(&finding.message)).chain(help);
        for sentence in sentences {
            let _ = write!(text, "<span class=\"why\">{}</span>", capital(&sentence));
        }
        text.push_str("</li>\n");
    }
    text.push_str("</ul>\n</section>\n");
}

fn unused(text: &mut String, page: &Page<'_, '_>) {
    if page.matrix.unused.is_empty() {
        return;
    }
    open_section(text, "unused", "Rules that no workflow here can use");
    for unused in &page.matrix.unused {
        let (rule, why) = (words::rule(&unused.rule), &unused.why);
        let _ = writeln!(
            text,
            "<li><strong>{}</strong> <span class=\"why\">{}</span></li>",
            capital(&coded(&rule)),
            coded(why)
        );
    }
    text.push_str("</ul>\n</section>\n");
}

fn all_notes(page: &Page<'_, '_>) -> Vec<String> {
    let called = words::only_called(page.matrix).into_iter();
    let called = called.map(|phrase| coded(&phrase));
    let notes = page.notes.iter().map(|note| html_message(note));
    called.chain(notes).collect()
}

fn notes(text: &mut String, page: &Page<'_, '_>) {
    let notes = all_notes(page);
    if notes.is_empty() {
        return;
    }
    open_section(text, "notes", "Notes");
    for note in notes {
        let _ = writeln!(text, "<li>{note}</li>");
    }
    text.push_str("</ul>\n</section>\n");
}
