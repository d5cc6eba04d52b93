//! Fixes: small edits, and whether they are safe.

use std::ops::Range;

use engine::policy::Position;

/// An edit of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// Range of the replaced characters, with an exclusive end.
    pub range: Range<Position>,
    /// Replacement in the syntax of the file, with quotes.
    pub replacement: String,
    /// Whether the policy grants the same afterwards. Other fixes need the author's decision.
    pub is_safe: bool,
}

impl Fix {
    /// Creates an edit that needs a decision.
    pub(super) fn new(range: Range<Position>, replacement: String) -> Self {
        Self {
            range,
            replacement,
            is_safe: false,
        }
    }

    /// Creates the removal of an element that adds nothing to its list.
    pub(super) fn removal(range: Range<Position>) -> Self {
        Self::new(range, String::new()).safe()
    }

    pub(super) fn safe(self) -> Self {
        Self {
            is_safe: true,
            ..self
        }
    }
}
