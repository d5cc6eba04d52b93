//! What the document reader sees of a YAML or JSON text: one stream of tokens with positions.

use std::borrow::Cow;

use super::model::Format;
use super::position::Position;
use super::problem::Problem;

/// The deepest nesting of mappings and lists.
pub const MAX_NESTING: usize = 16;

/// One step through a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Token<'a> {
    /// Start of a mapping; its keys and values follow in turns.
    MappingStart,
    /// End of the innermost mapping.
    MappingEnd,
    /// Start of a list.
    ListStart,
    /// End of the innermost list.
    ListEnd,
    /// A single value, or the key of a mapping.
    Scalar(Scalar<'a>),
    /// The end of the text; nothing follows.
    End,
}

/// A single value. Keys of mappings are scalars too.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar<'a> {
    /// Value without quotes and escapes.
    pub text: Cow<'a, str>,
    /// What the value is to a reader of YAML 1.2 or JSON.
    pub kind: ScalarKind,
    /// The first character that nobody sees, if it has one that is not written as an escape.
    pub hidden: Option<(char, Position)>,
}

/// Kind of a single value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarKind {
    /// Any text; always in quotes in JSON.
    Text,
    /// A key without a value, `null` or `~`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A whole number in decimal digits, with a sign at most.
    Integer,
    /// Any other number.
    Number,
    /// A text to YAML 1.2, and something else to YAML 1.1.
    Ambiguous,
}

impl ScalarKind {
    /// Returns the kind as messages name it, with its article.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Null => "no value",
            Self::Bool => "a boolean",
            Self::Integer => "an integer",
            Self::Number => "a number",
            Self::Ambiguous => "a text to some readers only",
        }
    }
}

/// A syntax: gives tokens until [`Token::End`]; an error ends the stream.
pub trait Syntax<'a> {
    /// Format of the text.
    const FORMAT: Format;
    /// How a list is written.
    const LIST: &'static str;
    /// Where a token stands, as the syntax knows it without counting lines.
    type At: Copy;

    /// Returns the next token and where it starts.
    fn next(&mut self) -> Result<(Token<'a>, Self::At), Problem>;

    /// Returns the line and the column of a place. It is cheap near the place that was asked for last.
    fn position(&mut self, at: Self::At) -> Position;
}

/// What is said of a value that is nested too deep.
pub fn too_deep(at: Position) -> Problem {
    let message = format!("nested deeper than {MAX_NESTING} levels, which is the limit");
    Problem::new(at, message)
}

/// A syntax with the nesting limit and one token of look-ahead.
pub(super) struct Tokens<'a, S: Syntax<'a>> {
    pub(super) syntax: S,
    depth: usize,
    peeked: Option<(Token<'a>, S::At)>,
}

impl<'a, S: Syntax<'a>> Tokens<'a, S> {
    /// Returns the tokens of a syntax that has not given any.
    pub(super) fn new(syntax: S) -> Self {
        Self {
            syntax,
            depth: 0,
            peeked: None,
        }
    }

    /// Returns the next token and leaves it in its place.
    pub(super) fn peek(&mut self) -> Result<&(Token<'a>, S::At), Problem> {
        if self.peeked.is_none() {
            self.peeked = Some(self.read()?);
        }
        let missing = || Problem::new(Position::START, "a token is missing");
        self.peeked.as_ref().ok_or_else(missing)
    }

    /// Returns the next token and passes over it.
    pub(super) fn next(&mut self) -> Result<(Token<'a>, S::At), Problem> {
        match self.peeked.take() {
            Some(token) => Ok(token),
            None => self.read(),
        }
    }

    /// Passes over one whole value.
    pub fn skip(&mut self) -> Result<(), Problem> {
        let mut open = 0_usize;
        loop {
            match self.next()?.0 {
                Token::MappingStart | Token::ListStart => open += 1,
                Token::MappingEnd | Token::ListEnd => open = open.saturating_sub(1),
                Token::Scalar(_) => {}
                Token::End => return Ok(()),
            }
            if open == 0 {
                return Ok(());
            }
        }
    }

    fn read(&mut self) -> Result<(Token<'a>, S::At), Problem> {
        let (token, at) = self.syntax.next()?;
        match token {
            Token::MappingStart | Token::ListStart => {
                self.depth += 1;
                if self.depth > MAX_NESTING {
                    return Err(too_deep(self.syntax.position(at)));
                }
            }
            Token::MappingEnd | Token::ListEnd => self.depth = self.depth.saturating_sub(1),
            Token::Scalar(_) | Token::End => {}
        }
        Ok((token, at))
    }
}
