//! Lines of the terminal, each with a meaning that determines its colour.

use std::fmt::Write as _;

use super::layout::{GAP, length, wrap};
use crate::style::{Colours, Styled};
use analysis::matrix::view::{Block, headings, words};
use analysis::matrix::{Cell, Row};
use analysis::report::Phrase;
use analysis::report::text::{truncate, visible};

/// Maximum length of a value in characters.
const MAX_VALUE: usize = 1_024;
/// Indentation of what belongs to the line above.
pub(super) const INDENT: &str = "  ";
/// Marks at the start of a cell's lines; continuation lines align with the text after the mark.
const MARKS: [&str; 4] = ["✓ ", "? ", "✗ ", "- "];

/// Meaning of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Granted,
    Perhaps,
    Missed,
    Denied,
    Plain,
    Strong,
}

/// A line with its meaning.
pub(super) type Line = (Tone, String);
/// Lines below each other.
pub(super) type Column = Vec<Line>;

impl Tone {
    pub(super) fn style(self, line: &str, colours: Colours) -> Styled<'_> {
        match self {
            Self::Granted => colours.granted(line),
            Self::Perhaps | Self::Missed => colours.warning(line),
            Self::Denied => colours.dim(line),
            Self::Strong => colours.strong(line),
            Self::Plain => colours.plain(line),
        }
    }
}

/// Returns the environments of rows with the same cells, those with the same remarks in one line.
pub(super) fn label(group: &[&Row<'_>], block: &Block<'_, '_>) -> Column {
    let labels = headings::labels(group, block).into_iter().map(|label| {
        let names = label.rows.iter().map(|row| plain(&words::environment(row)));
        let mut line = format!("{INDENT}{}", names.collect::<Vec<_>>().join(", "));
        let remarks: Vec<_> = label.remarks.iter().map(plain).collect();
        if !remarks.is_empty() {
            let _ = write!(line, " ({})", remarks.join("; "));
        }
        (Tone::Plain, line)
    });
    labels.collect()
}

/// Returns the lines of a cell. With a separator, each grant is one line.
pub(super) fn cell_lines(row: &Row<'_>, cell: &Cell<'_>, separator: &str) -> Column {
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

/// Returns the permissions that share their grants, one a line.
pub(super) fn key_lines(keys: &[&str]) -> Column {
    let last = keys.len().saturating_sub(1);
    let lines = keys.iter().enumerate().map(|(index, key)| {
        let comma = if index < last { "," } else { "" };
        let line = format!("{INDENT}{INDENT}{}{comma}", shown(key));
        (Tone::Strong, line)
    });
    lines.collect()
}

/// Prints columns of these widths beside each other.
pub(super) fn side_by_side(columns: &[(Column, usize)], colours: Colours) -> String {
    let wrapped = |lines: &Column, width: usize| -> Column {
        let lines = lines.iter();
        lines
            .flat_map(|(tone, line)| {
                hanging(line, width)
                    .into_iter()
                    .map(move |line| (*tone, line))
            })
            .collect()
    };
    let columns: Vec<_> = columns
        .iter()
        .map(|(lines, width)| (wrapped(lines, *width), *width))
        .collect();
    let heights = columns.iter().map(|(lines, _)| lines.len());
    let mut text = String::new();
    for index in 0..heights.max().unwrap_or(0) {
        let mut blank = 0;
        for (lines, width) in &columns {
            match lines.get(index) {
                Some((tone, cell)) => {
                    let _ = write!(text, "{:blank$}{}", "", tone.style(cell, colours));
                    blank = (width + GAP).saturating_sub(length(cell));
                }
                None => blank += width + GAP,
            }
        }
        text.push('\n');
    }
    text
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

/// Renders a phrase without back quotes, because columns are narrow.
pub(super) fn plain(phrase: &Phrase<'_>) -> String {
    phrase.write(shown)
}

pub(super) fn shown(value: &str) -> String {
    truncate(&visible(value), MAX_VALUE).into_owned()
}
