//! The table as a self-contained HTML page, without scripts or external resources.
//!
//! It is also well-formed XML, so that a test can parse it.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::{Page, words};
use analysis::matrix::{Access, AccessMatrix, Cell, Grant, Row, RowKind};
use analysis::report::Phrase;
use analysis::report::text::{html, html_message, truncate};
use analysis::workflows::Environment;
use engine::plural::count;
use engine::policy::KNOWN_KEYS;

const STYLE: &str = include_str!("page.css");
/// Maximum length of a value in bytes.
const MAX_VALUE: usize = 1_024;
/// Maximum length of a text without line breaks, in characters: `workflow_dispatch` is shorter.
const MAX_UNBROKEN: usize = 18;
/// Maximum number of files per permission in the summary.
const MAX_NAMED: usize = 4;

pub(super) fn render(page: &Page<'_>) -> String {
    let subject = page.repository.as_deref().unwrap_or(&page.policy);
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <meta name=\"referrer\" content=\"no-referrer\"/>\n\
         <title>Who can do what: {}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#table\">Skip to the table</a>\n<div class=\"page\">\n",
        value(subject)
    );
    header(&mut text, page);
    text.push_str("<main>\n");
    glance(&mut text, page.matrix);
    table(&mut text, page.matrix);
    unused(&mut text, page.matrix);
    notes(&mut text, page);
    let version = env!("CARGO_PKG_VERSION");
    let _ = write!(
        text,
        "</main>\n<footer><p>Made by repo-permissions {version} from the policy and the workflow files of one checkout. \
         A branch can add other workflow files, with other events; the rules' conditions on branches and environments apply to them too.</p></footer>\n\
         </div>\n</body>\n</html>\n"
    );
    text
}

fn header(text: &mut String, page: &Page<'_>) {
    text.push_str("<header>\n<p class=\"eyebrow\">repo-permissions</p>\n<h1>Who can do what</h1>\n<dl class=\"facts\">\n");
    for (name, fact, more) in words::facts(page) {
        let _ = writeln!(
            text,
            "<div><dt>{}</dt><dd><code>{}</code>{more}</dd></div>",
            capital(name),
            value(&fact)
        );
    }
    text.push_str("</dl>\n<nav aria-label=\"On this page\"><ul>\n<li><a href=\"#glance\">At a glance</a></li>\n<li><a href=\"#table\">The table</a></li>\n");
    if !page.matrix.unused.is_empty() {
        text.push_str("<li><a href=\"#unused\">Unused rules</a></li>\n");
    }
    if has_notes(page) {
        text.push_str("<li><a href=\"#notes\">Notes</a></li>\n");
    }
    text.push_str("</ul></nav>\n</header>\n");
}

/// Lists the files that can have each permission.
fn glance(text: &mut String, matrix: &AccessMatrix<'_>) {
    text.push_str("<section aria-labelledby=\"glance\">\n<h2 id=\"glance\">At a glance</h2>\n<ul class=\"glance\">\n");
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

fn table(text: &mut String, matrix: &AccessMatrix<'_>) {
    text.push_str(
        "<section aria-labelledby=\"heading\">\n<h2 id=\"heading\">Workflow files and their environments</h2>\n\
         <p class=\"lead\">A cell lists the branches and events from which a job of its row may use the permission.</p>\n\
         <ul class=\"legend\"><li>✓ granted</li><li>? depends on values that only a run has</li>\
         <li>✗ a rule covers it, but does not grant it</li><li>– not granted</li></ul>\n\
         <div class=\"scroll\" id=\"table\" role=\"region\" aria-labelledby=\"caption\" tabindex=\"0\">\n<table>\n\
         <caption id=\"caption\">Permissions by workflow file and environment</caption>\n<thead>\n<tr><th scope=\"col\">Environment</th>\n",
    );
    for key in &matrix.permissions {
        let _ = writeln!(text, "<th scope=\"col\">{}</th>", permission(key, "code"));
    }
    text.push_str("</tr>\n</thead>\n");
    let mut before = None;
    for row in &matrix.rows {
        let file = row.kind.file();
        if before != Some(file) {
            if before.is_some() {
                text.push_str("</tbody>\n");
            }
            before = Some(file);
            file_row(text, row, matrix.permissions.len() + 1);
        }
        let _ = write!(text, "<tr><th scope=\"row\">{}</th>", label(row));
        for cell in &row.cells {
            text.push_str(&cell_of(row, cell));
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody>\n</table>\n</div>\n</section>\n");
}

fn file_row(text: &mut String, row: &Row<'_>, columns: usize) {
    let (file, starts) = words::file(row);
    let class = if row.kind == RowKind::Other {
        "words"
    } else {
        "name"
    };
    let name = file.write(value);
    let starts = starts.map(|starts| format!("<span class=\"starts\">{}</span>", coded(&starts)));
    let _ = writeln!(
        text,
        "<tbody>\n<tr class=\"file\"><th scope=\"rowgroup\" colspan=\"{columns}\"><span class=\"stay\"><span class=\"{class}\">{name}</span> {}</span></th></tr>",
        starts.unwrap_or_default()
    );
}

fn label(row: &Row<'_>) -> String {
    let is_known = !matches!(
        row.kind,
        RowKind::File {
            environment: Environment::Dynamic(_),
            ..
        }
    );
    let class = if is_known {
        "environment"
    } else {
        "environment dynamic"
    };
    let mut label = format!(
        "<span class=\"{class}\">{}</span>",
        coded(&words::environment(row))
    );
    if let Some(remark) = words::remark(row) {
        let _ = write!(
            label,
            "<span class=\"aside look\">{}</span>",
            coded(&remark)
        );
    }
    if let [first, rest @ ..] = row.jobs.as_slice() {
        let more = match rest.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let _ = write!(
            label,
            "<span class=\"aside\">job <code>{}</code>{more}</span>",
            value(first)
        );
    }
    label
}

fn cell_of(row: &Row<'_>, cell: &Cell<'_>) -> String {
    let class = match row.access(cell) {
        Access::Granted => "granted",
        Access::Perhaps => "perhaps",
        Access::Missed => "missed",
        Access::Denied => {
            return "<td class=\"denied\"><span aria-hidden=\"true\">–</span><span class=\"hidden\">not granted</span></td>".to_owned();
        }
    };
    let mut text = format!("<td class=\"{class}\">");
    for grant in &cell.grants {
        let (mark, words) = match row.is_certain(grant) {
            true => ('✓', "granted: "),
            false => ('?', "perhaps granted: "),
        };
        text.push_str(&marked(mark, words, &grant_of(grant)));
    }
    if cell.grants.is_empty() {
        for hint in &cell.hints {
            text.push_str(&marked(
                '✗',
                "not granted: ",
                &coded(&words::hint(row, hint)),
            ));
        }
    }
    text + "</td>"
}

/// Renders a mark with its text alternative and the content beside it.
fn marked(mark: char, words: &str, content: &str) -> String {
    format!(
        "<div class=\"grant\"><span class=\"mark\" aria-hidden=\"true\">{mark}</span><span class=\"hidden\">{words}</span>{content}</div>"
    )
}

fn grant_of(grant: &Grant<'_>) -> String {
    let mut text = format!(
        "<span class=\"branches\">{}</span><p class=\"events\">{}</p>",
        coded(&words::branches(grant)),
        coded(&words::events(&grant.events))
    );
    for condition in words::conditions(grant) {
        let _ = write!(text, "<p class=\"condition\">{}</p>", coded(&condition));
    }
    let summary = match grant.rules.as_slice() {
        [one] => format!("rule at line {}", one.line),
        rules => count(rules.len(), "rule"),
    };
    let list = grant
        .rules
        .iter()
        .map(|rule| format!("<li>{}</li>", coded(&words::rule(rule))));
    let _ = write!(
        text,
        "<details><summary>{summary}</summary><ul>{}</ul></details>",
        list.collect::<String>()
    );
    text
}

fn unused(text: &mut String, matrix: &AccessMatrix<'_>) {
    if matrix.unused.is_empty() {
        return;
    }
    text.push_str("<section aria-labelledby=\"unused\">\n<h2 id=\"unused\">Rules that no workflow here can use</h2>\n<ul class=\"plain\">\n");
    for unused in &matrix.unused {
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

fn has_notes(page: &Page<'_>) -> bool {
    !page.notes.is_empty() || !page.matrix.only_called.is_empty()
}

fn notes(text: &mut String, page: &Page<'_>) {
    if !has_notes(page) {
        return;
    }
    text.push_str(
        "<section aria-labelledby=\"notes\">\n<h2 id=\"notes\">Notes</h2>\n<ul class=\"plain\">\n",
    );
    let called = words::only_called(page.matrix).map(|phrase| coded(&phrase));
    for note in called
        .into_iter()
        .chain(page.notes.iter().map(|note| html_message(note)))
    {
        let _ = writeln!(text, "<li>{note}</li>");
    }
    text.push_str("</ul>\n</section>\n");
}

/// Renders a key, with its display name if it is known.
fn permission(key: &str, element: &str) -> String {
    let name = KNOWN_KEYS.iter().find(|(known, _)| *known == key);
    match name {
        Some((_, name)) => format!(
            "<strong>{name}</strong> <{element} class=\"key\">{}</{element}>",
            value(key)
        ),
        None => format!("<strong>{}</strong>", broken(key)),
    }
}

/// Renders a phrase with untrusted text as code.
fn coded(phrase: &Phrase<'_>) -> String {
    phrase.write(|text| format!("<code>{}</code>", broken(text)))
}

/// Adds line break opportunities to a long text.
fn broken(text: &str) -> String {
    let text = truncate(text, MAX_VALUE);
    if text.chars().count() <= MAX_UNBROKEN {
        return html(&text);
    }
    let parts = text.split_inclusive(['/', ':', '_', '-', '|']);
    parts.map(html).collect::<Vec<_>>().join("<wbr/>")
}

fn value(text: &str) -> String {
    html(&truncate(text, MAX_VALUE))
}

/// Capitalises the first letter, unless the text starts with markup.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}
