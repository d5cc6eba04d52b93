//! A finding of the lint.

use super::catalogue::{INVALID, Level, Lint};
use super::fix::Fix;
use engine::policy::Position;

/// A finding of the lint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The stable code, one of [`super::catalogue::ALL`].
    pub code: &'static str,
    /// Level.
    pub level: Level,
    /// Message: lower-case, user text in back quotes, no full stop.
    pub message: String,
    /// Advice.
    pub help: Option<String>,
    /// Position in the file.
    pub position: Position,
    /// Number of affected characters, 0 for a point.
    pub length: u32,
    /// Edit that fixes it.
    pub fix: Option<Fix>,
}

impl Finding {
    /// Creates the finding of a text that is not a policy.
    pub fn invalid(position: Position, message: String) -> Self {
        Self::new(&INVALID, position, 0, message)
    }

    /// Returns the column after the last marked character; at least one is marked.
    pub fn end_column(&self) -> u32 {
        self.position.column.saturating_add(self.length.max(1))
    }

    /// Returns the replacement of the finding's own range. Returns `None` if the fix changes more than that.
    pub fn replacement(&self) -> Option<&str> {
        let end = Position {
            column: self.end_column(),
            ..self.position
        };
        let fix = self.fix.as_ref();
        let fix = fix.filter(|fix| fix.range == (self.position..end))?;
        Some(&fix.replacement)
    }

    pub(super) fn new(lint: &Lint, position: Position, length: u32, message: String) -> Self {
        Self {
            code: lint.code,
            level: lint.level,
            message,
            help: None,
            position,
            length,
            fix: None,
        }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn fix(mut self, fix: Option<Fix>) -> Self {
        self.fix = fix;
        self
    }
}
