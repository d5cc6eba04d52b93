//! What is wrong with a policy: one model for the run, the lint and the reports.

use crate::plural::count;
use std::borrow::Cow;
use std::fmt;

use super::position::Position;

/// One thing that makes a policy invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands.
    pub position: Position,
    /// How many characters the value has, 0 where it is a point.
    pub length: u32,
    /// What was seen and what was expected; lower-case, no full stop.
    pub message: String,
    /// What to do about it.
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

    /// Adds what to do about it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Marks the length of a text that starts at the position.
    pub fn over(mut self, text: &str) -> Self {
        self.length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        self
    }
}

/// A text from outside as messages quote it: in back quotes, of which there are more where it has
/// some itself, as in Markdown, so that one sees where it ends; a long one by its start.
pub fn quoted(text: &str) -> String {
    /// In characters; a pattern that is not too long is quoted whole.
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

/// Why a policy, or the part of it that a decision needs, is invalid: at least one [`Problem`], in
/// file order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    first: Problem,
    rest: Vec<Problem>,
}

impl Invalid {
    /// `None` when nothing is wrong.
    pub fn from_problems(mut problems: Vec<Problem>) -> Option<Self> {
        problems.sort_by_key(|problem| problem.position);
        let mut problems = problems.into_iter();
        let first = problems.next()?;
        Some(Self {
            first,
            rest: problems.collect(),
        })
    }

    /// The same with no place after the end of the text.
    pub(crate) fn not_after(mut self, end: Position) -> Self {
        for problem in std::iter::once(&mut self.first).chain(&mut self.rest) {
            problem.position = problem.position.min(end);
        }
        self
    }

    /// The first problem in file order.
    pub fn first(&self) -> &Problem {
        &self.first
    }

    /// All problems, in file order.
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
