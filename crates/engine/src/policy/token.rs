//! Tokens of a YAML or JSON text: one stream with positions, which the reader parses.

use std::borrow::Cow;

use super::format::Format;
use super::position::Position;
use super::problem::Problem;

/// Maximum nesting of mappings and lists.
pub const MAX_NESTING: usize = 16;

/// A token of a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Token<'a> {
    /// Start of a mapping; its keys and values follow alternately.
    MappingStart,
    /// End of the innermost mapping.
    MappingEnd,
    /// Start of a list.
    ListStart,
    /// End of the innermost list.
    ListEnd,
    /// A scalar, or a key of a mapping.
    Scalar(Scalar<'a>),
    /// End of the text.
    End,
}

/// A scalar value or a key of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar<'a> {
    /// Value without quotes and escapes.
    pub text: Cow<'a, str>,
    /// Kind of the value in YAML 1.2 or JSON.
    pub kind: ScalarKind,
    /// First invisible character that is not written as an escape.
    pub hidden: Option<(char, Position)>,
}

/// Kind of a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarKind {
    /// A string; always quoted in JSON.
    Text,
    /// A key without a value, `null` or `~`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A whole number in decimal digits, with a sign at most.
    Integer,
    /// Any other number.
    Number,
    /// A string in YAML 1.2, but another kind in YAML 1.1.
    Ambiguous,
}

impl ScalarKind {
    /// Returns the kind's name in messages, with its article.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Integer => "an integer",
            Self::Number => "a number",
            Self::Ambiguous => "a string to some parsers only",
        }
    }
}

/// A syntax that produces tokens until [`Token::End`]; an error ends the stream.
pub trait Syntax<'a> {
    /// Format of the text.
    const FORMAT: Format;
    /// Help for writing a list.
    const LIST: &'static str;
    /// Position of a token in the form that the syntax provides without counting lines.
    type At: Copy;

    /// Returns the next token and its start.
    fn next(&mut self) -> Result<(Token<'a>, Self::At), Problem>;

    /// Returns the line and column of a position. It is fast near the latest converted position.
    fn position(&mut self, at: Self::At) -> Position;
}

/// Returns the problem of a value that is nested too deeply.
pub fn too_deep(at: Position) -> Problem {
    let message = format!("nested deeper than {MAX_NESTING} levels, which is the limit");
    Problem::new(at, message)
}

/// Tokens of a syntax, with the nesting limit and a lookahead of one token.
pub(super) struct Tokens<'a, S: Syntax<'a>> {
    pub(super) syntax: S,
    depth: usize,
    peeked: Option<(Token<'a>, S::At)>,
}

impl<'a, S: Syntax<'a>> Tokens<'a, S> {
    /// Starts the tokens of a syntax.
    pub(super) fn new(syntax: S) -> Self {
        Self {
            syntax,
            depth: 0,
            peeked: None,
        }
    }

    /// Returns the next token without consuming it.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<&(Token<'a>, S::At), Problem> {
        if self.peeked.is_none() {
            self.peeked = Some(self.read()?);
        }
        let missing = || Problem::new(Position::START, "a token is missing");
        self.peeked.as_ref().ok_or_else(missing)
    }

    /// Returns the next token and consumes it.
    #[inline]
    pub(super) fn next(&mut self) -> Result<(Token<'a>, S::At), Problem> {
        match self.peeked.take() {
            Some(token) => Ok(token),
            None => self.read(),
        }
    }

    /// Skips one complete value.
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

    #[inline]
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
