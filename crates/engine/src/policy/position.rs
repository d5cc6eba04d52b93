//! Where something stands in a policy file.

use std::fmt;

/// A place in a text: line and column, both counted from 1, the column in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

/// Where a value stands, without its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its first character, or the quote before it.
    pub position: Position,
    /// How many characters it has.
    pub length: u32,
}

impl Position {
    /// The first character of a text.
    pub const START: Self = Self { line: 1, column: 1 };

    /// The place after a character.
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
