//! The table and the list of the files that get nothing.

use std::fmt::Write as _;

use super::index;
use super::text::{broken, coded, permission};
use crate::matrix::view::Block;
use crate::matrix::view::Page;
use crate::matrix::view::{headings, words};
use crate::matrix::{Access, Cell, Grant, Row, RowKind};
use crate::report::text::html;
use crate::workflows::Environment;
use engine::plural::count;

/// Maximum number of files in a heading.
const MAX_FILES: usize = 3;
/// Maximum number of columns on paper.
const MAX_ON_PAPER: usize = 4;

pub(super) fn section(text: &mut String, page: &Page<'_, '_>, has_index: bool) {
    text.push_str(
        "<section aria-labelledby=\"heading\">\n<h2 id=\"heading\">Workflow files and their environments</h2>\n\
         <p class=\"lead\">A cell lists the branches and events from which a job of its row may use the permission.</p>\n",
    );
    legend(text, page);
    if has_index {
        index::index(text, page);
    }
    text.push_str(
        "<div class=\"scroll\" id=\"table\" role=\"region\" aria-labelledby=\"caption\" tabindex=\"0\">\n",
    );
    let class = match page.matrix.permissions.len() > MAX_ON_PAPER {
        true => " class=\"wide\"",
        false => "",
    };
    let _ = writeln!(text, "<table{class}>");
    text.push_str(
        "<caption id=\"caption\">Permissions by workflow file and environment</caption>\n<thead>\n<tr><th scope=\"col\">Environment</th>\n",
    );
    for key in &page.matrix.permissions {
        let _ = writeln!(text, "<th scope=\"col\">{}</th>", permission(key, "code"));
    }
    text.push_str("</tr>\n</thead>\n");
    for (index, block) in page.folded.blocks.iter().enumerate() {
        let _ = writeln!(text, "<tbody id=\"b{}\">", index + 1);
        heading(text, page, block);
        for group in &block.groups {
            rows(text, page, block, group);
        }
        if !block.nothing.is_empty() {
            rows_with_nothing(text, page, block);
        }
        text.push_str("</tbody>\n");
    }
    text.push_str("</table>\n</div>\n");
    files_with_nothing(text, page);
    text.push_str("</section>\n");
}

fn legend(text: &mut String, page: &Page<'_, '_>) {
    text.push_str(
        "<ul class=\"legend\"><li>✓ granted</li><li>? depends on values that only a run has</li>\
         <li>✗ a rule covers it, but does not grant it</li><li>– not granted</li>",
    );
    if !page.findings.is_empty() {
        text.push_str("<li>! the policy cannot enforce it</li>");
    }
    text.push_str("</ul>\n");
}

/// Renders the row with the files of a block, what starts them, and the codes of their findings.
fn heading(text: &mut String, page: &Page<'_, '_>, block: &Block<'_, '_>) {
    let files = headings::files(block);
    let class = match block.files.is_empty() {
        true => "words",
        false => "name",
    };
    let names = files.iter().map(|file| {
        let file = file.write(broken);
        format!("<span class=\"{class}\">{file}</span>")
    });
    let names: Vec<_> = names.collect();
    let names = match names.len() > MAX_FILES {
        true => format!(
            "<details class=\"files\"><summary>{} with the same rows</summary>{}</details>",
            count(names.len(), "file"),
            many(&names)
        ),
        false => many(&names),
    };
    let starts = headings::starts(block).map(|starts| coded(&starts));
    let starts = starts.map(|starts| format!(" <span class=\"starts\">{starts}</span>"));
    let flags = page.findings_of(block).map(|(index, shared)| {
        let (number, code) = (index + 1, shared.finding.code);
        format!(" <a class=\"flag\" href=\"#finding-{number}\">! {code}</a>")
    });
    let _ = writeln!(
        text,
        "<tr class=\"file\"><th scope=\"rowgroup\" colspan=\"{}\"><span class=\"stay\">{names}{}{}</span></th></tr>",
        page.matrix.permissions.len() + 1,
        starts.unwrap_or_default(),
        flags.collect::<String>()
    );
}

/// Renders a list in a line, each item with its own comma so that a search can hide it.
fn many(items: &[String]) -> String {
    let items = items.iter().map(|item| format!("<li>{item}</li>"));
    format!("<ul class=\"many\">{}</ul>", items.collect::<String>())
}

fn rows(text: &mut String, page: &Page<'_, '_>, block: &Block<'_, '_>, group: &[&Row<'_>]) {
    let Some(row) = group.first() else {
        return;
    };
    let _ = write!(text, "<tr><th scope=\"row\">{}</th>", labels(block, group));
    let mut cells = row.cells.iter();
    if cells.all(|cell| row.access(cell) == Access::Denied) {
        not_granted(text, page, &[]);
    } else {
        for (key, cell) in page.matrix.permissions.iter().zip(&row.cells) {
            text.push_str(&cell_of(row, key, cell));
        }
    }
    text.push_str("</tr>\n");
}

fn rows_with_nothing(text: &mut String, page: &Page<'_, '_>, block: &Block<'_, '_>) {
    let list = coded(&words::environments(&block.nothing));
    let list = match words::short_environments(&block.nothing) {
        Some(_) => format!("<span class=\"environment\">{list}</span>"),
        None => format!(
            "<details><summary>{}</summary><span class=\"environment\">{list}</span></details>",
            count(block.nothing.len(), "environment")
        ),
    };
    let _ = write!(text, "<tr class=\"nothing\"><th scope=\"row\">{list}</th>");
    not_granted(text, page, &block.nothing);
    text.push_str("</tr>\n");
}

/// Renders one cell for a whole row.
fn not_granted(text: &mut String, page: &Page<'_, '_>, rows: &[&Row<'_>]) {
    let columns = page.matrix.permissions.len();
    if columns == 0 {
        return;
    }
    let _ = write!(
        text,
        "<td class=\"denied\" colspan=\"{columns}\"><span aria-hidden=\"true\">– </span>not granted{}</td>",
        hints(rows)
    );
}

/// Renders why the rules that cover rows do not grant.
fn hints(rows: &[&Row<'_>]) -> String {
    let hints = words::hints(rows).into_iter();
    hints
        .map(|hint| format!("<span class=\"aside look\">✗ {}</span>", coded(&hint)))
        .collect()
}

fn files_with_nothing(text: &mut String, page: &Page<'_, '_>) {
    let files = page.folded.files_with_nothing().concat().len();
    if files == 0 {
        return;
    }
    let _ = writeln!(
        text,
        "<details class=\"nothing\" id=\"nothing\"><summary>Nothing is granted to {}</summary><ul>",
        count(files, "other file")
    );
    let blocks = page.folded.nothing.iter();
    let files = blocks.flat_map(|block| block.files.iter().map(move |file| (*file, block)));
    let mut files: Vec<_> = files.collect();
    files.sort_unstable_by_key(|(file, _)| *file);
    for (file, block) in files {
        let _ = write!(text, "<li><span class=\"name\">{}</span>", broken(file));
        if let Some(starts) = headings::starts(block) {
            let _ = write!(text, " <span class=\"starts\">{}</span>", coded(&starts));
        }
        let environments = coded(&words::environments(&block.nothing));
        let _ = writeln!(
            text,
            " <span class=\"starts\">{environments}</span>{}</li>",
            hints(&block.nothing)
        );
    }
    text.push_str("</ul></details>\n");
}

/// Renders the environments of a row, those with the same remarks and jobs together.
fn labels(block: &Block<'_, '_>, group: &[&Row<'_>]) -> String {
    let mut text = String::new();
    for label in headings::labels(group, block) {
        for rows in label.rows.chunk_by(|row, next| row.jobs == next.jobs) {
            let _ = write!(text, "<div class=\"label\">{}", environments(rows));
            for remark in &label.remarks {
                let remark = coded(remark);
                let _ = write!(text, "<span class=\"aside look\">{remark}</span>");
            }
            let jobs = rows.first().filter(|_| block.has_same_jobs);
            if let Some([first, rest @ ..]) = jobs.map(|row| row.jobs.as_slice()) {
                let more = match rest.len() {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                let first = broken(first);
                let _ = write!(
                    text,
                    "<span class=\"aside\">job <code>{first}</code>{more}</span>"
                );
            }
            text.push_str("</div>");
        }
    }
    text
}

fn environments(rows: &[&Row<'_>]) -> String {
    let names = rows.iter().map(|row| {
        let is_dynamic = matches!(
            row.kind,
            RowKind::File {
                environment: Environment::Dynamic(_),
                ..
            }
        );
        let class = if is_dynamic {
            "environment dynamic"
        } else {
            "environment"
        };
        let name = coded(&words::environment(row));
        format!("<span class=\"{class}\">{name}</span>")
    });
    names.collect::<Vec<_>>().join(", ")
}

fn cell_of(row: &Row<'_>, key: &str, cell: &Cell<'_>) -> String {
    let class = match row.access(cell) {
        Access::Granted => "granted",
        Access::Perhaps => "perhaps",
        Access::Missed => "missed",
        Access::Denied => {
            return "<td class=\"denied one\"><span aria-hidden=\"true\">–</span><span class=\"hidden\">not granted</span></td>".to_owned();
        }
    };
    let mut text = format!("<td class=\"{class}\" data-key=\"{}\">", html(key));
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
        "<details class=\"rules\"><summary>{summary}</summary><ul>{}</ul></details>",
        list.collect::<String>()
    );
    text
}
