//! Edits of a policy's text: removes elements of lists, and quotes values.

use std::ops::Range;

use super::source::{Source, count};
use engine::policy::{Format, Position, written};

impl Source<'_> {
    /// Returns the range that removes an element of a list, with its comma or its line. Returns `None` if that would
    /// remove a comment too, or if the range is unclear.
    pub(super) fn removal(&self, at: Position, length: u32) -> Option<Range<Position>> {
        let end = Position {
            column: at.column.checked_add(length)?,
            ..at
        };
        let before = self.split(at)?.0;
        let after = self.split(end)?.1;
        let next_line = Position {
            line: at.line.checked_add(1)?,
            column: 1,
        };
        // A last line without a line end has no next line to remove up to.
        if self.format == Format::Yaml && before.trim() == "-" {
            let is_alone = after.trim().is_empty() && self.numbered(next_line.line).is_some();
            return is_alone.then_some(Position { column: 1, ..at }..next_line);
        }
        if before.trim().is_empty() && after.trim() == "," {
            return Some(Position { column: 1, ..at }..next_line);
        }
        let (sign, place) = self.sign_before(at)?;
        match sign {
            ',' => {
                let spaces = after.len() - after.trim_start().len();
                let spaces = after
                    .get(..spaces)
                    .filter(|_| after.trim_start().starts_with(','));
                let column = end.column.saturating_add(spaces.map_or(0, count));
                Some(place..Position { column, ..end })
            }
            '[' => {
                let rest = after.trim_start().strip_prefix(',')?.trim_start();
                let gone = count(after).saturating_sub(count(rest));
                let column = end.column.saturating_add(gone);
                (!rest.is_empty()).then_some(at..Position { column, ..end })
            }
            _ => None,
        }
    }

    /// Returns the last character before a position that is neither a space nor a line end, and its position.
    fn sign_before(&self, at: Position) -> Option<(char, Position)> {
        let mut place = at;
        let mut before = self.split(at)?.0;
        loop {
            let text = before.trim_end();
            if let Some(sign) = text.chars().next_back() {
                let has_comment = self.format == Format::Yaml && text.contains('#');
                let is_other_line = place.line != at.line;
                let column = count(text);
                return (!(has_comment && is_other_line))
                    .then_some((sign, Position { column, ..place }));
            }
            place.line = place.line.checked_sub(1)?;
            before = self.numbered(place.line)?;
        }
    }

    /// Writes a text as a scalar with the quotes of the value at a position. It has no quotes if that value has none
    /// and the text needs none.
    pub(super) fn quote_as(&self, at: Position, text: &str) -> String {
        match self.around(at).1.chars().next() {
            Some('\'') => written::single_quoted(text, self.format),
            Some('"') => written::double_quoted(text, self.format),
            _ => written::scalar(text, self.format),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, column: u32) -> Position {
        Position { line, column }
    }

    #[test]
    fn an_element_goes_with_its_comma_or_its_line() {
        for (text, position, value, left) in [
            ("x: [a, b]", at(1, 5), "a", Some("x: [b]")),
            ("x: [a, b]", at(1, 8), "b", Some("x: [a]")),
            ("x: [a , b , c]", at(1, 9), "b", Some("x: [a , c]")),
            ("x: [ 'a' ,b]", at(1, 6), "a", Some("x: [ b]")),
            ("x: [a]", at(1, 5), "a", None),
            ("x: [\n  a,\n  b\n]", at(2, 3), "a", Some("x: [\n  b\n]")),
            ("x: [\n  a,\n  b\n]", at(3, 3), "b", Some("x: [\n  a\n]")),
            ("x: [\n  a, # 1,\n  b\n]", at(3, 3), "b", None),
            ("x: [a, {exact: b}]", at(1, 16), "b", None),
            ("x:\n  - a\n  - b\n", at(2, 5), "a", Some("x:\n  - b\n")),
            (
                "x:\r\n  - a\r\n  - b\r\n",
                at(3, 5),
                "b",
                Some("x:\r\n  - a\r\n"),
            ),
            (
                "\u{feff}x:\n  - é # é\n  - é\n",
                at(3, 5),
                "é",
                Some("\u{feff}x:\n  - é # é\n"),
            ),
            ("x:\n  - a # why\n  - b\n", at(2, 5), "a", None),
            ("x:\n  - a\n  - b", at(3, 5), "b", None),
        ] {
            let source = Source::new(text, Format::Yaml);
            let length = source.extent(position, value).length;
            let rest = source.removal(position, length).map(|range| {
                let [start, end] = [range.start, range.end].map(|at| source.offset(at).unwrap());
                let mut rest = text.to_owned();
                rest.replace_range(start..end, "");
                rest
            });
            assert_eq!(rest.as_deref(), left, "{text:?}");
        }
    }
}
