//! Positions in a policy file.

use std::fmt;

/// Position in a text: line and column, both from 1, the column in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// Span of a value without its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Position of its first character, or of the quote before it.
    pub position: Position,
    /// Length in characters.
    pub length: u32,
}

impl Position {
    /// Position of the first character of a text.
    pub const START: Self = Self { line: 1, column: 1 };

    /// Returns the position after a character.
    pub(super) fn after(self, c: char) -> Self {
        match c {
            '\n' => Self {
                line: self.line.saturating_add(1),
                column: 1,
            },
            _ => Self {
                column: self.column.saturating_add(1),
                ..self
            },
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}
