//! What the rules of a proposal leave out.

use std::fmt;

/// Maximum number of files that a note names.
const MAX_FILES: usize = 8;

/// A reason, and the files that it concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Files, at least one.
    pub files: Vec<String>,
    /// Reason, without a full stop.
    pub reason: String,
}

/// Notes with distinct reasons, in the order of their first files.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) list: Vec<Note>,
}

impl Notes {
    pub(super) fn add(&mut self, file: &str, reason: String) {
        match self.list.iter_mut().find(|note| note.reason == reason) {
            Some(note) if note.files.iter().any(|known| known == file) => {}
            Some(note) => note.files.push(file.to_owned()),
            None => self.list.push(Note {
                files: vec![file.to_owned()],
                reason,
            }),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<_> = self
            .files
            .iter()
            .take(MAX_FILES)
            .map(String::as_str)
            .collect();
        f.write_str(&named.join(", "))?;
        match self.files.len().saturating_sub(MAX_FILES) {
            0 => {}
            more => write!(f, " and {more} more")?,
        }
        write!(f, ": {}", self.reason)
    }
}
