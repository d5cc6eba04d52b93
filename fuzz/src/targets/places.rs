//! Whether a place is inside a text.

use ::engine::policy::Position;

/// The number of characters of each line, without its end.
pub struct Lines(Vec<usize>);

impl Lines {
    pub fn of(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self(text.split('\n').map(|line| line.chars().count()).collect())
    }

    /// The end of the text is inside too: something can be missing there.
    pub fn assert_inside(&self, at: Position) {
        let line = self.0.get(at.line as usize - 1);
        let line = line.unwrap_or_else(|| panic!("{at} is after the last line"));
        let column = at.column as usize;
        assert!(
            (1..=line + 1).contains(&column),
            "{at}: the line has {line}"
        );
    }
}
