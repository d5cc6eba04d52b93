//! The table for people: a table if it fits, otherwise a list.

use std::fmt::Write as _;

use super::layout::{Content, GAP, length, widths, wrap, wrap_parts};
use super::lines::{
    Column, INDENT, Line, Tone, cell_lines, key_lines, label, plain, shown, side_by_side,
};
use crate::style::Colours;
use analysis::matrix::view::{Block, Page, headings, words};
use analysis::matrix::{Access, Row};
use analysis::report::lint_page;
use analysis::report::text::visible;
use engine::plural::count;

/// Minimum width of the grants beside the permissions; otherwise they stand below them.
const MIN_GRANTS: usize = 40;
/// Maximum number of files in a heading.
const MAX_FILES: usize = 3;

/// Renders the page for a terminal with this number of columns.
pub(super) fn render(page: &Page<'_, '_>, columns: usize, colours: Colours) -> String {
    let mut terminal = Terminal {
        text: String::new(),
        page,
        columns,
        colours,
    };
    terminal.facts();
    let is_table = match terminal.widths() {
        Some((first, others)) => {
            terminal.table(first, &others);
            true
        }
        None => {
            terminal.list();
            false
        }
    };
    terminal.files_with_nothing();
    terminal.legend(is_table);
    terminal.findings();
    terminal.unused();
    terminal.notes();
    terminal.text
}

/// The text so far, and how to print the rest.
struct Terminal<'p, 'm, 'a> {
    text: String,
    page: &'p Page<'m, 'a>,
    columns: usize,
    colours: Colours,
}

impl Terminal<'_, '_, '_> {
    fn facts(&mut self) {
        for (name, value, more) in headings::facts(self.page) {
            let name = self.colours.dim(name);
            let _ = writeln!(self.text, "{name:<11} {}{more}", shown(&value));
        }
        self.text.push('\n');
    }

    /// Returns the widths of the table's columns, or `None` if it does not fit.
    fn widths(&self) -> Option<(usize, Vec<usize>)> {
        let blocks = self.page.folded.blocks.iter();
        let labels: Vec<Line> = blocks
            .clone()
            .flat_map(|block| block.groups.iter().flat_map(|group| label(group, block)))
            .collect();
        let words = labels.iter().flat_map(|(_, line)| line.split(' '));
        let first = Content {
            natural: labels
                .iter()
                .map(|(_, line)| length(line))
                .max()
                .unwrap_or(0),
            word: words.map(length).max().unwrap_or(0) + length(INDENT),
        };
        let rows: Vec<&Row<'_>> = blocks
            .flat_map(|block| {
                block
                    .groups
                    .iter()
                    .filter_map(|group| group.first().copied())
            })
            .collect();
        let keys = self.page.matrix.permissions.iter().enumerate();
        let others = keys.map(|(column, key)| {
            let cells = rows
                .iter()
                .filter_map(|row| Some((row, row.cells.get(column)?)));
            let lines = cells.flat_map(|(row, cell)| cell_lines(row, cell, ""));
            let lines = lines.map(|(_, line)| length(&line));
            lines.chain([length(key)]).max().unwrap_or(0)
        });
        widths(self.columns, &first, &others.collect::<Vec<_>>())
    }

    fn table(&mut self, first: usize, others: &[usize]) {
        let keys = self.page.matrix.permissions.iter();
        let keys = keys.map(|key| vec![(Tone::Strong, (*key).to_owned())]);
        let widths = std::iter::once(first).chain(others.iter().copied());
        let head = std::iter::once(Vec::new()).chain(keys).zip(widths.clone());
        self.beside(&head.collect::<Vec<_>>());
        let rules: Vec<_> = widths.clone().map(|width| "─".repeat(width)).collect();
        let rules = rules.join(&" ".repeat(GAP));
        let _ = writeln!(self.text, "{}", self.colours.dim(&rules));
        for (index, block) in self.page.folded.blocks.iter().enumerate() {
            if index > 0 {
                self.text.push('\n');
            }
            self.heading(block);
            for group in &block.groups {
                let Some(row) = group.first() else {
                    continue;
                };
                let cells = row.cells.iter().map(|cell| cell_lines(row, cell, ""));
                let all = std::iter::once(label(group, block)).chain(cells);
                self.beside(&all.zip(widths.clone()).collect::<Vec<_>>());
            }
            self.rows_with_nothing(block);
        }
    }

    fn list(&mut self) {
        let keys = self.page.matrix.permissions.iter();
        let keys = keys.map(|key| length(key) + 1).max().unwrap_or(0);
        for (index, block) in self.page.folded.blocks.iter().enumerate() {
            if index > 0 {
                self.text.push('\n');
            }
            self.heading(block);
            for group in &block.groups {
                self.hanging(&label(group, block));
                if let Some(row) = group.first() {
                    self.grants(row, keys);
                }
            }
            self.rows_with_nothing(block);
        }
    }

    /// Prints the permissions of a row, and beside them who has them.
    fn grants(&mut self, row: &Row<'_>, keys: usize) {
        let mut groups: Vec<(Vec<&str>, Column)> = Vec::new();
        for (key, cell) in self.page.matrix.permissions.iter().zip(&row.cells) {
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
            let nothing = (Tone::Denied, format!("{INDENT}{INDENT}nothing is granted"));
            self.wrapped(&[nothing]);
        }
        let indent = 2 * length(INDENT);
        let beside = indent + keys + GAP;
        for (names, lines) in groups {
            if self.columns < beside + MIN_GRANTS {
                let names = format!("{INDENT}{INDENT}{}", shown(&names.join(", ")));
                self.wrapped(&[(Tone::Strong, names)]);
                let room = self.columns.saturating_sub(indent + 2);
                self.beside(&[(Vec::new(), indent), (lines, room)]);
            } else {
                let room = self.columns - beside;
                self.beside(&[(key_lines(&names), indent + keys), (lines, room)]);
            }
        }
    }

    /// Prints the files of a block, what starts them, and the codes of their findings.
    fn heading(&mut self, block: &Block<'_, '_>) {
        let files = headings::files(block);
        let names = files.iter().map(plain).collect::<Vec<_>>().join(", ");
        let is_short = files.len() <= MAX_FILES;
        let title = match is_short {
            true => names.clone(),
            false => format!("{} with the same rows", count(files.len(), "file")),
        };
        let starts = headings::starts(block).map(|starts| plain(&starts));
        let codes = self.page.codes(block).into_iter();
        let codes: Vec<_> = codes.map(|code| format!("! {code}")).collect();
        let parts = [
            (Tone::Strong, title),
            (Tone::Denied, starts.unwrap_or_default()),
            (Tone::Missed, codes.join("  ")),
        ];
        self.parts(&parts);
        if !is_short {
            let names = format!("{INDENT}{INDENT}{names}");
            self.wrapped(&[(Tone::Denied, names)]);
        }
    }

    /// Prints parts in a line, and those that do not fit below it.
    fn parts(&mut self, parts: &[Line]) {
        let mut used = 0;
        for (tone, part) in parts.iter().filter(|(_, part)| !part.is_empty()) {
            if used > 0 && used + GAP + length(part) <= self.columns {
                let _ = write!(self.text, "  {}", tone.style(part, self.colours));
                used += GAP + length(part);
                continue;
            }
            let indent = if used > 0 { INDENT } else { "" };
            for line in wrap(&format!("{indent}{part}"), self.columns) {
                if used > 0 {
                    self.text.push('\n');
                }
                let _ = write!(self.text, "{}", tone.style(&line, self.colours));
                used = length(&line);
            }
        }
        self.text.push('\n');
    }

    fn rows_with_nothing(&mut self, block: &Block<'_, '_>) {
        if block.nothing.is_empty() {
            return;
        }
        let rows = plain(&words::environments_in_short(&block.nothing));
        let mut line = format!("{INDENT}{rows}: nothing is granted");
        for hint in words::hints(&block.nothing) {
            let _ = write!(line, "; ✗ {}", plain(&hint));
        }
        self.hanging(&[(Tone::Denied, line)]);
    }

    /// Names the files that get nothing, or counts them if they do not fit in a line.
    fn files_with_nothing(&mut self) {
        let [covered, others] = self.page.folded.files_with_nothing();
        let lists = [
            (
                covered,
                ", although rules cover them; `--all` shows why",
                "",
            ),
            (others, "", "; `--all` shows them"),
        ];
        let lists = lists.iter().filter(|(files, ..)| !files.is_empty());
        for (index, (files, why, more)) in lists.enumerate() {
            if index == 0 {
                self.text.push('\n');
            }
            let names: Vec<_> = files.iter().map(|file| shown(file)).collect();
            let names = format!("nothing is granted to {}{why}", names.join(", "));
            let number = count(files.len(), "other file");
            let line = match length(&names) <= self.columns {
                true => names,
                false => format!("nothing is granted to {number}{why}{more}"),
            };
            self.wrapped(&[(Tone::Denied, line)]);
        }
    }

    /// Explains the marks in use.
    fn legend(&mut self, is_table: bool) {
        let used = |access: Access| {
            let mut blocks = self.page.folded.blocks.iter();
            let has = |row: &Row<'_>| row.cells.iter().any(|cell| row.access(cell) == access);
            blocks.any(|block| block.groups.iter().flatten().any(|row| has(row)))
        };
        let marks = [
            (used(Access::Granted), "✓ granted"),
            (
                used(Access::Perhaps),
                "? depends on values that only a run has",
            ),
            (
                used(Access::Missed),
                "✗ a rule covers it, but does not grant it",
            ),
            // The list omits permissions that are not granted.
            (used(Access::Denied) && is_table, "- not granted"),
            (
                !self.page.findings.is_empty(),
                "! the policy cannot enforce it",
            ),
        ];
        let marks: Vec<_> = marks
            .iter()
            .filter(|(is_used, _)| *is_used)
            .map(|(_, words)| *words)
            .collect();
        if marks.is_empty() {
            return;
        }
        self.text.push('\n');
        for line in wrap_parts(&marks, self.columns) {
            let _ = writeln!(self.text, "{}", self.colours.dim(&line));
        }
    }

    fn findings(&mut self) {
        if self.page.findings.is_empty() {
            return;
        }
        let heading = "what the policy cannot enforce";
        let _ = writeln!(self.text, "\n{}", self.colours.warning(heading));
        for shared in &self.page.findings {
            let code = self.colours.warning(shared.finding.code);
            let _ = writeln!(self.text, "{INDENT}! {code}");
            self.prose(4, &plain(&shared.places()));
            self.prose(4, &shared.finding.message);
            if let Some(help) = &shared.finding.help {
                self.prose(4, &format!("help: {help}"));
            }
            let _ = writeln!(
                self.text,
                "    {}",
                self.colours.dim(&lint_page(shared.finding.code))
            );
        }
    }

    fn unused(&mut self) {
        if self.page.matrix.unused.is_empty() {
            return;
        }
        let heading = "rules that no workflow here can use";
        let _ = writeln!(self.text, "\n{}", self.colours.warning(heading));
        for unused in &self.page.matrix.unused {
            let (rule, why) = (words::rule(&unused.rule).plain(), unused.why.plain());
            self.prose(2, &format!("{rule}: {why}"));
        }
    }

    fn notes(&mut self) {
        let called = words::only_called(self.page.matrix).into_iter();
        let called = called.map(|called| called.plain());
        let notes = called.chain(self.page.notes.iter().cloned());
        for (index, note) in notes.enumerate() {
            if index == 0 {
                let _ = writeln!(self.text, "\n{}", self.colours.strong("notes"));
            }
            self.prose(2, &note);
        }
    }

    fn prose(&mut self, indent: usize, text: &str) {
        let line = format!("{:indent$}{}", "", visible(text));
        self.wrapped(&[(Tone::Plain, line)]);
    }

    fn wrapped(&mut self, lines: &[Line]) {
        for (tone, line) in lines {
            for line in wrap(line, self.columns) {
                let _ = writeln!(self.text, "{}", tone.style(&line, self.colours));
            }
        }
    }

    /// Prints lines whose continuations are indented more.
    fn hanging(&mut self, lines: &[Line]) {
        for (tone, line) in lines {
            for (index, line) in wrap(line, self.columns.saturating_sub(2))
                .iter()
                .enumerate()
            {
                let indent = if index > 0 { INDENT } else { "" };
                let line = format!("{indent}{line}");
                let _ = writeln!(self.text, "{}", tone.style(&line, self.colours));
            }
        }
    }

    fn beside(&mut self, columns: &[(Column, usize)]) {
        self.text.push_str(&side_by_side(columns, self.colours));
    }
}
