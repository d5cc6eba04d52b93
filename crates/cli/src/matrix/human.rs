//! The table for people: a table if it fits, otherwise a list.

use std::fmt::Write as _;

use super::layout::{GAP, WIDTH, widths, wrap};
use super::{Page, words};
use crate::style::{Colours, Styled};
use analysis::matrix::{Access, Cell, Row, RowKind};
use analysis::report::Phrase;
use analysis::report::text::{truncate, visible};

/// Maximum length of a value in bytes.
const MAX_VALUE: usize = 1_024;
/// Maximum width of the column of environments.
const MAX_FIRST: usize = 16;

/// Meaning of a line, which determines its colour.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tone {
    Granted,
    Perhaps,
    Missed,
    Denied,
    Plain,
    Strong,
}

/// Lines of a cell with their tones.
type Lines = Vec<(Tone, String)>;
/// Marks at the start of a cell's lines; continuation lines align with the text after the mark.
const MARKS: [&str; 4] = ["✓ ", "? ", "✗ ", "- "];

pub(super) fn render(page: &Page<'_>, colours: Colours) -> String {
    let mut text = String::new();
    for (name, value, more) in words::facts(page) {
        let name = colours.dim(name);
        let _ = writeln!(text, "{name:<11} {}{more}", shown(&value));
    }
    text.push('\n');
    let rows: Vec<_> = page
        .matrix
        .rows
        .iter()
        .map(|row| (row, cells(row)))
        .collect();
    let first = rows
        .iter()
        .flat_map(|(row, _)| label(row))
        .map(|(_, line)| length(&line));
    let first = first.max().unwrap_or(0).min(MAX_FIRST);
    let natural: Vec<_> = page
        .matrix
        .permissions
        .iter()
        .enumerate()
        .map(|(column, key)| {
            let of_cells = rows.iter().filter_map(|(_, cells)| cells.get(column));
            let lines = of_cells.flatten().map(|(_, line)| length(line));
            lines.chain([length(key)]).max().unwrap_or(0)
        })
        .collect();
    let widths = widths(first, &natural);
    match &widths {
        Some(widths) => table(&mut text, page, &rows, (first, widths), colours),
        None => list(&mut text, page, colours),
    }
    let is_table = widths.is_some();
    legend(&mut text, page, is_table, colours);
    rest(&mut text, page, colours);
    text
}

fn table(
    text: &mut String,
    page: &Page<'_>,
    rows: &[(&Row<'_>, Vec<Lines>)],
    (first, widths): (usize, &[usize]),
    colours: Colours,
) {
    let keys = page.matrix.permissions.iter();
    let head: Vec<_> = keys
        .map(|key| vec![(Tone::Strong, (*key).to_owned())])
        .collect();
    line_of_cells(text, &Vec::new(), &head, (first, widths), colours);
    let rules = std::iter::once(&first).chain(widths);
    let rules: Vec<_> = rules.map(|width| "─".repeat(*width)).collect();
    let _ = writeln!(text, "{}", colours.dim(&rules.join(&" ".repeat(GAP))));
    let mut before = None;
    for (row, cells) in rows {
        let file = row.kind.file();
        if before != Some(file) {
            if before.is_some() {
                text.push('\n');
            }
            text.push_str(&file_line(row, colours));
            before = Some(file);
        }
        line_of_cells(text, &label(row), cells, (first, widths), colours);
    }
}

/// Prints the cells of a row side by side.
fn line_of_cells(
    text: &mut String,
    label: &Lines,
    cells: &[Lines],
    (first, widths): (usize, &[usize]),
    colours: Colours,
) {
    let wrapped = |lines: &Lines, width: usize| -> Lines {
        let lines = lines.iter();
        lines
            .flat_map(|(tone, line)| {
                hanging(line, width)
                    .into_iter()
                    .map(move |line| (*tone, line))
            })
            .collect()
    };
    let all = std::iter::once((label, first)).chain(cells.iter().zip(widths.iter().copied()));
    let columns: Vec<_> = all
        .map(|(lines, width)| (wrapped(lines, width), width))
        .collect();
    let height = columns
        .iter()
        .map(|(lines, _)| lines.len())
        .max()
        .unwrap_or(0);
    for index in 0..height {
        let mut line = String::new();
        let mut blank = 0;
        for (lines, width) in &columns {
            match lines.get(index) {
                Some((tone, cell)) => {
                    let _ = write!(line, "{:blank$}{}", "", styled(*tone, cell, colours));
                    blank = (width + GAP).saturating_sub(length(cell));
                }
                None => blank += width + GAP,
            }
        }
        let _ = writeln!(text, "{line}");
    }
}

fn list(text: &mut String, page: &Page<'_>, colours: Colours) {
    let mut before = None;
    for row in &page.matrix.rows {
        let file = row.kind.file();
        if before != Some(file) {
            if before.is_some() {
                text.push('\n');
            }
            text.push_str(&file_line(row, colours));
            before = Some(file);
        }
        for (tone, line) in label(row) {
            let _ = writeln!(text, "{}", styled(tone, &line, colours));
        }
        let mut groups: Vec<(Vec<&str>, Lines)> = Vec::new();
        for (key, cell) in page.matrix.permissions.iter().zip(&row.cells) {
            if row.access(cell) == Access::Denied {
                continue;
            }
            let lines = cell_lines(row, cell, "; ");
            match groups.iter_mut().find(|(_, known)| *known == lines) {
                Some((keys, _)) => keys.push(key),
                None => groups.push((vec![key], lines)),
            }
        }
        if groups.is_empty() {
            let _ = writeln!(text, "    {}", colours.dim("nothing is granted"));
        }
        for (keys, lines) in groups {
            for line in wrap(&format!("    {}", shown(&keys.join(", "))), WIDTH) {
                let _ = writeln!(text, "{}", colours.strong(&line));
            }
            for (tone, line) in lines {
                for line in hanging(&line, WIDTH - 6) {
                    let _ = writeln!(text, "      {}", styled(tone, &line, colours));
                }
            }
        }
    }
}

fn file_line(row: &Row<'_>, colours: Colours) -> String {
    let (file, starts) = words::file(row);
    let file = plain(&file);
    match starts {
        Some(starts) => {
            let starts = plain(&starts);
            format!("{}  {}\n", colours.strong(&file), colours.dim(&starts))
        }
        None => format!("{}\n", colours.strong(&file)),
    }
}

fn label(row: &Row<'_>) -> Lines {
    if !matches!(row.kind, RowKind::File { .. }) {
        // The column is narrow.
        return vec![(Tone::Plain, "  any".to_owned())];
    }
    let mut lines = vec![(
        Tone::Plain,
        format!("  {}", plain(&words::environment(row))),
    )];
    if let Some(remark) = words::remark(row) {
        lines.push((Tone::Denied, format!("  {}", plain(&remark))));
    }
    lines
}

fn cells(row: &Row<'_>) -> Vec<Lines> {
    let cells = row.cells.iter();
    cells.map(|cell| cell_lines(row, cell, "")).collect()
}

/// Returns the lines of a cell. With a separator, each grant is one line.
fn cell_lines(row: &Row<'_>, cell: &Cell<'_>, separator: &str) -> Lines {
    if cell.grants.is_empty() && cell.hints.is_empty() {
        return vec![(Tone::Denied, "-".to_owned())];
    }
    let mut lines = Vec::new();
    if cell.grants.is_empty() {
        let hints = cell.hints.iter().map(|hint| plain(&words::hint(row, hint)));
        lines.extend(hints.map(|hint| (Tone::Missed, format!("✗ {hint}"))));
    }
    for grant in &cell.grants {
        let (tone, mark) = match row.is_certain(grant) {
            true => (Tone::Granted, '✓'),
            false => (Tone::Perhaps, '?'),
        };
        let branches = plain(&words::branches(grant));
        let events = plain(&words::events(&grant.events));
        let conditions = words::conditions(grant);
        let conditions = conditions.iter().map(plain);
        if separator.is_empty() {
            lines.push((tone, format!("{mark} {branches}")));
            let more = std::iter::once(events).chain(conditions);
            lines.extend(more.map(|line| (Tone::Plain, format!("  {line}"))));
        } else {
            let mut line = format!("{mark} {branches} {events}");
            conditions.for_each(|condition| line.extend([separator, condition.as_str()]));
            lines.push((tone, line));
        }
    }
    lines
}

/// Explains the marks in use.
fn legend(text: &mut String, page: &Page<'_>, is_table: bool, colours: Colours) {
    let used = |access: Access| {
        let mut rows = page.matrix.rows.iter();
        rows.any(|row| row.cells.iter().any(|cell| row.access(cell) == access))
    };
    let legend = [
        (Access::Granted, "✓ granted"),
        (Access::Perhaps, "? depends on values that only a run has"),
        (Access::Missed, "✗ a rule covers it, but does not grant it"),
        (Access::Denied, "- not granted"),
    ];
    let legend = legend.iter().filter(|(access, _)| {
        // The list form omits permissions that are not granted.
        used(*access) && (is_table || *access != Access::Denied)
    });
    let legend: Vec<_> = legend.map(|(_, words)| *words).collect();
    let _ = writeln!(text, "\n{}", colours.dim(&legend.join("   ")));
}

/// Prints the sections below the table.
fn rest(text: &mut String, page: &Page<'_>, colours: Colours) {
    if !page.matrix.unused.is_empty() {
        let heading = "rules that no workflow here can use";
        let _ = writeln!(text, "\n{}", colours.warning(heading));
        for unused in &page.matrix.unused {
            let line = format!(
                "  {}: {}",
                words::rule(&unused.rule).plain(),
                unused.why.plain()
            );
            wrapped(text, &line);
        }
    }
    if !page.matrix.only_called.is_empty() || !page.notes.is_empty() {
        let _ = writeln!(text, "\n{}", colours.strong("notes"));
    }
    if let Some(called) = words::only_called(page.matrix) {
        wrapped(text, &format!("  {}", called.plain()));
    }
    for note in &page.notes {
        wrapped(text, &format!("  {note}"));
    }
}

fn wrapped(text: &mut String, line: &str) {
    for line in wrap(&visible(line), WIDTH) {
        let _ = writeln!(text, "{line}");
    }
}

/// Wraps a cell's line with a hanging indent.
fn hanging(line: &str, width: usize) -> Vec<String> {
    let Some(mark) = MARKS.iter().find(|mark| line.starts_with(**mark)) else {
        return wrap(line, width);
    };
    let indent = " ".repeat(length(mark));
    let rest = line.strip_prefix(mark).unwrap_or_default();
    let mut lines = wrap(&format!("{indent}{rest}"), width);
    if let Some(first) = lines.first_mut() {
        *first = first.replacen(&indent, mark, 1);
    }
    lines
}

fn styled(tone: Tone, line: &str, colours: Colours) -> Styled<'_> {
    match tone {
        Tone::Granted => colours.granted(line),
        Tone::Perhaps | Tone::Missed => colours.warning(line),
        Tone::Denied => colours.dim(line),
        Tone::Strong => colours.strong(line),
        Tone::Plain => colours.plain(line),
    }
}

/// Renders a phrase without back quotes, because the table is narrow.
fn plain(phrase: &Phrase<'_>) -> String {
    phrase.write(shown)
}

fn shown(value: &str) -> String {
    truncate(&visible(value), MAX_VALUE).into_owned()
}

fn length(text: &str) -> usize {
    text.chars().count()
}
