//! Problems of a policy: one model for the run, the linter and the reports.

use crate::plural::count;
use std::borrow::Cow;
use std::fmt;

use super::position::Position;

/// Maximum number of problems; at the next one, a reader stops.
pub(super) const MAX_PROBLEMS: usize = 50;

/// A problem that makes a policy invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Position of the problem.
    pub position: Position,
    /// Length of the value in characters; 0 for a single point.
    pub length: u32,
    /// What the parser found and what it expected; lower-case, no full stop.
    pub message: String,
    /// How to fix it.
    pub help: Option<String>,
}

impl Problem {
    /// Returns a problem at a position, without help.
    pub fn new(position: Position, message: impl Into<String>) -> Self {
        Self {
            position,
            length: 0,
            message: message.into(),
            help: None,
        }
    }

    /// Returns the problem of a text that has too many, at the first one that is not reported.
    pub(super) fn too_many(position: Position) -> Self {
        let message = format!(
            "more than {MAX_PROBLEMS} problems, which is the limit: the rest of the file is not checked"
        );
        Self::new(position, message)
    }

    /// Adds how to fix it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Sets the length to that of a text at the position.
    pub fn over(mut self, text: &str) -> Self {
        self.length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        self
    }
}

/// Quotes untrusted text for a message: in back quotes, with more of them if the text contains some, as in
/// Markdown, so its end is visible. A long text is truncated.
pub fn quoted(text: &str) -> String {
    /// Maximum length in characters; a valid pattern is quoted in full.
    const LONGEST: usize = 1024;
    let text = match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()).into(),
        None => Cow::Borrowed(text),
    };
    if text.is_empty() {
        return r#"`""`"#.to_owned();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let needs_space = longest > 0 && (text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']));
    let pad = if needs_space { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.position, self.message)?;
        if let Some(help) = &self.help {
            write!(f, " ({help})")?;
        }
        Ok(())
    }
}

/// Problems that make a policy, or the part of it that a decision needs, invalid: at least one, in file
/// order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    first: Problem,
    rest: Vec<Problem>,
}

impl Invalid {
    /// Returns `None` if there are no problems.
    pub fn from_problems(mut problems: Vec<Problem>) -> Option<Self> {
        problems.sort_by_key(|problem| problem.position);
        let mut problems = problems.into_iter();
        let first = problems.next()?;
        Some(Self {
            first,
            rest: problems.collect(),
        })
    }

    /// Moves positions after the end of the text to the end.
    pub(crate) fn not_after(mut self, end: Position) -> Self {
        for problem in std::iter::once(&mut self.first).chain(&mut self.rest) {
            problem.position = problem.position.min(end);
        }
        self
    }

    /// Returns the first problem in file order.
    pub fn first(&self) -> &Problem {
        &self.first
    }

    /// Returns all problems, in file order.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        std::iter::once(&self.first).chain(&self.rest)
    }
}

impl From<Problem> for Invalid {
    fn from(first: Problem) -> Self {
        Self {
            first,
            rest: Vec::new(),
        }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        match self.rest.len() {
            0 => Ok(()),
            more => write!(f, "; and {}", count(more, "more problem")),
        }
    }
}

impl std::error::Error for Invalid {}
