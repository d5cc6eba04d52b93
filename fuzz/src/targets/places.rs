//! Whether a place is inside a text.

use repo_permissions::policy::{Format, Position};

/// The number of characters of each line, without its end.
pub struct Lines(Vec<usize>);

impl Lines {
    pub fn of(text: &str, format: Format) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let text = match format {
            // A lone carriage return ends a line too.
            Format::Yaml => text.replace("\r\n", "\n").replace('\r', "\n"),
            Format::Json => text.to_owned(),
        };
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
