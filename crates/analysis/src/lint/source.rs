//! The text of a policy by lines and columns, to locate findings.

use std::collections::HashMap;

use engine::policy::{Format, Position};

/// Maximum number of characters to count for a column. A JSON policy can be one long line.
const STEP: usize = 512;
/// Maximum number of lines to search for a member of a rule.
const MAX_LINES: usize = 1_000;
/// Maximum number of marked characters in a rule's line.
const MAX_MARKED: usize = 120;

/// A policy's text. It stores only the start of each line, because a text can consist of empty lines.
#[derive(Debug)]
pub struct Source<'a> {
    /// The text without a byte order mark.
    text: &'a str,
    /// Length of the byte order mark in bytes.
    mark: usize,
    /// Start of each line in bytes of `text`.
    starts: Vec<u32>,
    /// For lines of more than [`STEP`] bytes, the start of every [`STEP`]th character; empty if all characters are
    /// single bytes.
    steps: HashMap<usize, Vec<usize>>,
    pub(super) format: Format,
}

/// Extent of a value in the file.
pub(super) struct Extent {
    /// Length in characters.
    pub(super) length: u32,
    /// Whether it is the complete value with its quotes.
    pub(super) is_whole: bool,
}

impl<'a> Source<'a> {
    /// Splits a text into lines.
    pub fn new(text: &'a str, format: Format) -> Self {
        let without_mark = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut source = Self {
            text: without_mark,
            mark: text.len() - without_mark.len(),
            starts: Vec::new(),
            steps: HashMap::new(),
            format,
        };
        let mut start = 0;
        for line in without_mark.split('\n') {
            let content = line.strip_suffix('\r').unwrap_or(line);
            source.add(content, start);
            start += line.len() + 1;
        }
        source
    }

    fn add(&mut self, line: &str, start: usize) {
        if line.len() > STEP {
            let starts = line.char_indices().map(|(offset, _)| offset);
            let steps = match line.is_ascii() {
                true => Vec::new(),
                false => starts.step_by(STEP).collect(),
            };
            self.steps.insert(self.starts.len(), steps);
        }
        // Texts of 4 GiB exceed the limit of files.
        self.starts.push(u32::try_from(start).unwrap_or(u32::MAX));
    }

    /// Returns the start of a line and its text without the line end, by its index from 0.
    fn indexed(&self, index: usize) -> Option<(usize, &'a str)> {
        let start = usize::try_from(*self.starts.get(index)?).ok()?;
        let next = self.starts.get(index + 1);
        let end = match next {
            Some(next) => usize::try_from(*next).ok()?,
            None => self.text.len(),
        };
        let line = self.text.get(start..end)?;
        let line = match next {
            Some(_) => line.strip_suffix('\n').unwrap_or(line),
            None => line,
        };
        Some((start, line.strip_suffix('\r').unwrap_or(line)))
    }

    /// Returns the offset of a character in a line, both from 0, or the end of the line.
    fn offset_in(&self, index: usize, line: &str, character: usize) -> Option<usize> {
        let step = match self.steps.get(&index) {
            Some(steps) if steps.is_empty() => return Some(character),
            Some(steps) => *steps.get(character / STEP)?,
            None if line.is_ascii() => return Some(character),
            None if character < STEP => 0,
            None => return None,
        };
        let rest = line.get(step..)?;
        let mut starts = rest.char_indices().map(|(offset, _)| offset);
        let offset = match starts.nth(character % STEP) {
            Some(offset) => offset,
            None => rest.len(),
        };
        step.checked_add(offset)
    }

    /// Returns the start and text of a position's line, and the offset in the line.
    fn place(&self, at: Position) -> Option<(usize, &'a str, usize)> {
        let index = usize::try_from(at.line).ok()?.checked_sub(1)?;
        let character = usize::try_from(at.column).ok()?.checked_sub(1)?;
        let (start, line) = self.indexed(index)?;
        Some((start, line, self.offset_in(index, line, character)?))
    }

    /// Returns the offset of a position in the text. The position after the last line is the end.
    pub(super) fn offset(&self, at: Position) -> Option<usize> {
        let (start, line, offset) = self.place(at)?;
        line.get(..offset)
            .map(|before| self.mark + start + before.len())
    }

    /// Splits a line at a position. A position outside the file is at the end of its line.
    pub fn around(&self, at: Position) -> (&'a str, &'a str) {
        self.split(at).unwrap_or((self.line(at.line), ""))
    }

    /// Returns a line without its end, or an empty text for an unknown number.
    fn line(&self, number: u32) -> &'a str {
        self.numbered(number).unwrap_or_default()
    }

    /// Returns a line by its number from 1, without its end.
    pub(super) fn numbered(&self, number: u32) -> Option<&'a str> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.indexed(index).map(|(_, line)| line)
    }

    pub(super) fn split(&self, at: Position) -> Option<(&'a str, &'a str)> {
        let (_, line, offset) = self.place(at)?;
        line.split_at_checked(offset)
    }

    /// Returns the number of characters from a position to the end of its line, without a comment. Returns 1 for JSON,
    /// where a line can be the whole file.
    pub(super) fn rest_of_line(&self, at: Position) -> u32 {
        let Some((_, rest)) = self.split(at).filter(|_| self.format == Format::Yaml) else {
            return 1;
        };
        let rest: String = rest.chars().take(MAX_MARKED).collect();
        let rest = rest.split(" #").next().unwrap_or(&rest);
        count(rest.trim_end()).max(1)
    }

    /// Returns the number of characters to mark for a value, whose length excludes its quotes. A point stays a point.
    pub fn marked(&self, at: Position, length: u32) -> u32 {
        let rest = self.around(at).1;
        let quoted = match rest.chars().next() {
            Some('"') => double_quoted(rest),
            Some('\'') => single_quoted(rest),
            _ => None,
        };
        let written = quoted.and_then(|quoted| rest.get(..quoted)).map(count);
        match length {
            0 => 0,
            length => length.max(written.unwrap_or_default()),
        }
    }

    /// Returns the extent of a scalar with this text.
    pub(super) fn extent(&self, at: Position, text: &str) -> Extent {
        let part = Extent {
            length: count(text).max(1),
            is_whole: false,
        };
        let Some((_, rest)) = self.split(at) else {
            return part;
        };
        let length = match rest.chars().next() {
            Some('"') => double_quoted(rest),
            Some('\'') => single_quoted(rest),
            _ if rest.starts_with(text) && !self.is_block(at) => Some(text.len()),
            _ => None,
        };
        match length.and_then(|length| rest.get(..length)) {
            Some(written) => Extent {
                length: count(written),
                is_whole: true,
            },
            // A value of several lines: mark its first line.
            None => Extent {
                length: count(&rest.chars().take(text.len()).collect::<String>()).max(1),
                ..part
            },
        }
    }

    /// Returns whether the value at a position is a block scalar (`|` or `>` ends the line before it).
    fn is_block(&self, at: Position) -> bool {
        if !self.around(at).0.trim().is_empty() {
            return false;
        }
        let header = self.line(at.line.saturating_sub(1));
        let header = header.split(" #").next().unwrap_or(header);
        let sign = header.split_whitespace().next_back().unwrap_or_default();
        let mut indicators = sign.chars();
        matches!(indicators.next(), Some('|' | '>'))
            && indicators.all(|c| matches!(c, '-' | '+' | '0'..='9'))
    }

    /// Returns whether the value at a position is that of `{regex: …}`, so that another kind of pattern cannot replace
    /// it.
    pub(super) fn is_explicit(&self, at: Position) -> bool {
        let Some((before, _)) = self.split(at) else {
            return true;
        };
        let before = if before.trim().is_empty() {
            self.line(at.line.saturating_sub(1))
        } else {
            before
        };
        let key = before.trim_end().strip_suffix(':').map(str::trim_end);
        key.is_some_and(|key| key.trim_end_matches(['"', '\'']).ends_with("regex"))
    }

    /// Finds `value` in the member `key` of the mapping that starts at `from`.
    pub(super) fn find(&self, from: Position, key: &str, value: &str) -> Option<Position> {
        let start = usize::try_from(from.line).ok()?.checked_sub(1)?;
        let mut seen = false;
        for index in (start..self.starts.len()).take(MAX_LINES) {
            let (mut column, text) = if index == start {
                (from.column, self.split(from)?.1)
            } else {
                (1, self.indexed(index)?.1)
            };
            let mut rest = text;
            if !seen {
                let Some((_, after)) = rest.split_once(key) else {
                    continue;
                };
                seen = true;
                rest = after;
            }
            if let Some((_, after)) = rest.split_once(value) {
                let end = text.len().checked_sub(after.len())?;
                let before = text.get(..end.checked_sub(value.len())?)?;
                column = column.checked_add(count(before))?;
                return Some(Position {
                    line: u32::try_from(index).ok()?.checked_add(1)?,
                    column,
                });
            }
        }
        None
    }
}

pub(super) fn count(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

/// Returns the length in bytes of a double-quoted text, including the quotes.
fn double_quoted(rest: &str) -> Option<usize> {
    let mut escaped = false;
    let end = rest.char_indices().skip(1).find(|(_, c)| {
        let is_end = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        is_end
    });
    end.map(|(offset, _)| offset + 1)
}

/// Returns the length in bytes of a single-quoted text, including the quotes; `''` is an escaped quote.
fn single_quoted(rest: &str) -> Option<usize> {
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((offset, c)) = chars.next() {
        if c == '\'' && chars.next_if(|(_, next)| *next == '\'').is_none() {
            return Some(offset + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, column: u32) -> Position {
        Position { line, column }
    }

    #[test]
    fn a_value_is_taken_with_its_quotes() {
        let text = "a: main # x\nb: 'it''s'\nc: \"a\\\"b\" \nd: |\n  x\né: ö";
        let source = Source::new(text, Format::Yaml);
        for (position, value, length, is_whole) in [
            (at(1, 4), "main", 4, true),
            (at(2, 4), "it's", 7, true),
            (at(3, 4), "a\"b", 6, true),
            (at(4, 4), "x\n", 1, false),
            (at(6, 4), "ö", 1, true),
            (at(9, 9), "x", 1, false),
        ] {
            let extent = source.extent(position, value);
            assert_eq!(
                (extent.length, extent.is_whole),
                (length, is_whole),
                "{value}"
            );
        }
        for (position, length, marked) in [
            (at(1, 4), 4, 4),
            (at(2, 4), 4, 7),
            (at(3, 4), 3, 6),
            (at(3, 4), 0, 0),
            (at(3, 1), 1, 1),
            (at(9, 9), 1, 1),
        ] {
            assert_eq!(source.marked(position, length), marked, "{position}");
        }
        assert_eq!(source.rest_of_line(at(1, 1)), 7);
        assert_eq!(source.line(6), "é: ö");
        assert_eq!(source.line(0), "");
    }

    #[test]
    fn a_column_of_a_long_line_is_a_character() {
        let text = "äx".repeat(2 * STEP);
        let source = Source::new(&text, Format::Json);
        for column in [1, 2, 511, 512, 513, 514, 1_025, 2_048] {
            let (before, after) = source.around(at(1, column));
            assert_eq!(count(before), column - 1);
            assert!(after.starts_with(['ä', 'x']));
        }
        assert_eq!(source.around(at(1, 2_049)).1, "");
        assert_eq!(source.around(at(1, 9_999)), (text.as_str(), ""));
        assert_eq!(source.around(at(2, 1)), ("", ""));
    }

    #[test]
    fn lines_end_with_a_line_feed() {
        let text = "\u{feff}a\r\nb\n\nd\r\n";
        let source = Source::new(text, Format::Yaml);
        let lines: Vec<_> = (1..).map_while(|number| source.numbered(number)).collect();
        assert_eq!(lines, ["a", "b", "", "d", ""]);
        for (position, offset) in [(at(1, 1), 3), (at(2, 1), 6), (at(4, 2), 10)] {
            assert_eq!(source.offset(position), Some(offset), "{position}");
        }
    }

    #[test]
    fn a_member_is_found_by_key_and_value() {
        let text = "- name: x\n  permission:\n    - a:b\n    - ü # c:d\n";
        let source = Source::new(text, Format::Yaml);
        assert_eq!(source.find(at(1, 3), "permission", "a:b"), Some(at(3, 7)));
        assert_eq!(source.find(at(1, 3), "permission", "c:d"), Some(at(4, 11)));
        assert_eq!(source.find(at(1, 3), "permission", "e:f"), None);
        assert_eq!(source.find(at(9, 3), "permission", "a:b"), None);
    }

    #[test]
    fn an_explicit_regex_is_recognised() {
        let text = "a: {regex: x}\nb: x\nc: {\"regex\": x}\nd:\n  regex:\n    x\n";
        let source = Source::new(text, Format::Yaml);
        for (position, explicit) in [
            (at(1, 12), true),
            (at(2, 4), false),
            (at(3, 14), true),
            (at(6, 5), true),
        ] {
            assert_eq!(source.is_explicit(position), explicit, "{position}");
        }
    }
}
