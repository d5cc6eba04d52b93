//! The text of a policy by lines and columns, to point at what a finding is about.

use super::super::{Format, Position};

/// Beyond this length a line with other than ASCII characters is not searched: finding a column in
/// it takes as long as the line, for each finding.
const MAX_SEARCHED: usize = 1 << 16;

/// A policy's text.
#[derive(Debug)]
pub struct Source<'a> {
    lines: Vec<(&'a str, bool)>,
    format: Format,
}

/// What a value takes in the file.
pub(super) struct Span {
    /// In characters.
    pub(super) length: u32,
    /// Whether it is the whole value, with its quotes.
    pub(super) is_whole: bool,
}

impl<'a> Source<'a> {
    /// Splits the text as the reader of its format does.
    pub fn new(text: &'a str, format: Format) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = Vec::new();
        for line in text.split('\n') {
            match format {
                // YAML ends a line at a lone carriage return too (yaml.org, section 5.4).
                Format::Yaml => lines.extend(line.strip_suffix('\r').unwrap_or(line).split('\r')),
                Format::Json => lines.push(line.strip_suffix('\r').unwrap_or(line)),
            }
        }
        let lines = lines.into_iter().map(|line| (line, line.is_ascii()));
        Self {
            lines: lines.collect(),
            format,
        }
    }

    /// The line, without its end; empty when there is none of this number.
    pub fn line(&self, number: u32) -> &'a str {
        self.indexed(number).0
    }

    fn indexed(&self, number: u32) -> (&'a str, bool) {
        let index = usize::try_from(number).ok().and_then(|n| n.checked_sub(1));
        index
            .and_then(|index| self.lines.get(index))
            .copied()
            .unwrap_or(("", true))
    }

    /// What follows a place on its line.
    fn after(&self, at: Position) -> Option<(&'a str, &'a str)> {
        let (line, is_ascii) = self.indexed(at.line);
        let column = usize::try_from(at.column).ok()?.checked_sub(1)?;
        let offset = if is_ascii {
            column
        } else if line.len() > MAX_SEARCHED {
            return None;
        } else {
            line.char_indices()
                .map(|(offset, _)| offset)
                .chain([line.len()])
                .nth(column)?
        };
        line.split_at_checked(offset)
    }

    /// The characters from a place to the end of its line, without a comment; 1 in JSON, where a
    /// line may be the whole file.
    pub(super) fn rest_of_line(&self, at: Position) -> u32 {
        let Some((_, rest)) = self.after(at).filter(|_| self.format == Format::Yaml) else {
            return 1;
        };
        let rest = rest.split(" #").next().unwrap_or(rest);
        count(rest.trim_end()).max(1)
    }

    /// What the scalar of this text takes.
    pub(super) fn span(&self, at: Position, text: &str) -> Span {
        let part = Span {
            length: count(text).max(1),
            is_whole: false,
        };
        let Some((_, rest)) = self.after(at) else {
            return part;
        };
        let length = match rest.chars().next() {
            Some('"') => double_quoted(rest),
            Some('\'') => single_quoted(rest),
            _ if rest.starts_with(text) && !self.is_block(at) => Some(text.len()),
            _ => None,
        };
        match length.and_then(|length| rest.get(..length)) {
            Some(written) => Span {
                length: count(written),
                is_whole: true,
            },
            // A value of several lines: its first line is shown.
            None => Span {
                length: part.length.min(count(rest)).max(1),
                ..part
            },
        }
    }

    /// Whether the value at this place is the text of a block (`|` or `>` ends the line before it).
    fn is_block(&self, at: Position) -> bool {
        let before = self.after(at).map_or("", |(before, _)| before);
        let header = self.line(at.line.saturating_sub(1));
        let header = header.split(" #").next().unwrap_or(header);
        let sign = header.split_whitespace().next_back().unwrap_or_default();
        let mut indicators = sign.chars();
        before.trim().is_empty()
            && matches!(indicators.next(), Some('|' | '>'))
            && indicators.all(|c| matches!(c, '-' | '+' | '0'..='9'))
    }

    /// Whether the value at this place is the one of `{regex: …}`, so that no other kind of pattern
    /// can be put there.
    pub(super) fn is_explicit(&self, at: Position) -> bool {
        let Some((before, _)) = self.after(at) else {
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

    /// The place of `value` in the member `key` of the mapping that starts at `from`.
    pub(super) fn find(&self, from: Position, key: &str, value: &str) -> Option<Position> {
        let start = usize::try_from(from.line).ok()?.checked_sub(1)?;
        let mut seen = false;
        for (index, (line, _)) in self.lines.iter().enumerate().skip(start).take(1_000) {
            let mut rest = if index == start {
                self.after(from)?.1
            } else {
                line
            };
            if !seen {
                let Some(found) = rest.find(key) else {
                    continue;
                };
                seen = true;
                rest = rest.get(found.checked_add(key.len())?..)?;
            }
            if let Some(found) = rest.find(value) {
                let offset = line.len().checked_sub(rest.len())?.checked_add(found)?;
                return Some(Position {
                    line: u32::try_from(index).ok()?.checked_add(1)?,
                    column: count(line.get(..offset)?).checked_add(1)?,
                });
            }
        }
        None
    }

    /// A text as a scalar of the format.
    pub(super) fn quote(&self, text: &str) -> String {
        if self.format == Format::Json || text.chars().any(char::is_control) {
            return serde_json::Value::from(text).to_string();
        }
        // In single quotes a backslash is a backslash.
        format!("'{}'", text.replace('\'', "''"))
    }

    /// A glob as a pattern of the format.
    pub(super) fn quote_glob(&self, glob: &str) -> String {
        match self.format {
            Format::Yaml => format!("{{ glob: {} }}", self.quote(glob)),
            Format::Json => format!("{{ \"glob\": {} }}", self.quote(glob)),
        }
    }
}

fn count(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

/// The bytes of a text in double quotes, with them.
fn double_quoted(rest: &str) -> Option<usize> {
    let mut escaped = false;
    let end = rest.char_indices().skip(1).find(|(_, c)| {
        let is_end = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        is_end
    });
    end.map(|(offset, _)| offset + 1)
}

/// The bytes of a text in single quotes, with them; `''` is a quote of the text.
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
        let text = "a: main # x\nb: 'it''s'\nc: \"a\\\"b\" \nd: |\n  x\ré: ö";
        let source = Source::new(text, Format::Yaml);
        for (position, value, length, is_whole) in [
            (at(1, 4), "main", 4, true),
            (at(2, 4), "it's", 7, true),
            (at(3, 4), "a\"b", 6, true),
            (at(4, 4), "x\n", 1, false),
            (at(6, 4), "ö", 1, true),
            (at(9, 9), "x", 1, false),
        ] {
            let span = source.span(position, value);
            assert_eq!((span.length, span.is_whole), (length, is_whole), "{value}");
        }
        assert_eq!(source.rest_of_line(at(1, 1)), 7);
        assert_eq!(source.line(6), "é: ö");
        assert_eq!(source.line(0), "");
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
