//! JSON syntax, the only module that uses jiter.

use std::borrow::Cow;

use jiter::{Jiter, JsonErrorType, Peek};

use super::characters::hidden;
use super::format::Format;
use super::position::Position;
use super::problem::Problem;
use super::token::{Scalar, ScalarKind, Syntax, Token};

pub(super) struct Json<'a> {
    text: &'a str,
    jiter: Jiter<'a>,
    started: bool,
    open: Vec<Open>,
    /// First key of a mapping that has just started.
    first_key: Option<(Scalar<'a>, usize)>,
    lines: Lines<'a>,
}

/// State of an open list or mapping.
#[derive(Clone, Copy)]
enum Open {
    /// After `[`, with the first item, if any.
    FirstElement(Option<Peek>),
    Element,
    /// After `{`.
    FirstKey,
    Key,
    /// After a key.
    Value,
}

impl<'a> Json<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            jiter: Jiter::new(text.as_bytes()),
            started: false,
            open: Vec::new(),
            first_key: None,
            lines: Lines::new(text),
        }
    }

    /// Returns the scalar of the latest string, which starts at byte `start`.
    fn text(&mut self, text: Cow<'a, str>, start: usize) -> Scalar<'a> {
        let hidden = match self.lines.is_ascii {
            true => None,
            false => self.hidden(start),
        };
        Scalar {
            text,
            kind: ScalarKind::Text,
            hidden,
        }
    }

    fn hidden(&mut self, start: usize) -> Option<(char, Position)> {
        let raw = self.text.get(start..self.jiter.current_index())?;
        match raw.is_ascii() {
            true => None,
            false => hidden(raw, self.lines.position(start)),
        }
    }

    fn value(&mut self, peek: Peek) -> Result<(Token<'a>, usize), Problem> {
        let start = self.jiter.current_index();
        let scalar = |kind, text| {
            let hidden = None;
            Token::Scalar(Scalar { text, kind, hidden })
        };
        let token = match peek {
            Peek::Array => {
                let first = self.jiter.known_array().map_err(|e| self.error(&e))?;
                self.open.push(Open::FirstElement(first));
                Token::ListStart
            }
            Peek::Object => {
                let key = match self.jiter.known_object() {
                    Ok(key) => key.map(|key| key_of(self.text, start, key)),
                    Err(error) => return Err(self.error(&error)),
                };
                self.first_key = key.map(|(key, start)| (self.text(key, start), start));
                self.open.push(Open::FirstKey);
                Token::MappingStart
            }
            Peek::String => {
                let text = match self.jiter.known_str() {
                    Ok(text) => borrowed(self.text, start, text),
                    Err(error) => return Err(self.error(&error)),
                };
                Token::Scalar(self.text(text, start))
            }
            Peek::True | Peek::False => {
                let value = self.jiter.known_bool(peek).map_err(|e| self.error(&e))?;
                let text = if value { "true" } else { "false" };
                scalar(ScalarKind::Bool, Cow::Borrowed(text))
            }
            Peek::Null => {
                self.jiter.known_null().map_err(|e| self.error(&e))?;
                scalar(ScalarKind::Null, Cow::Borrowed("null"))
            }
            number => {
                let read = self.jiter.known_number_bytes(number).map(<[u8]>::len);
                let length = read.map_err(|e| self.error(&e))?;
                let text = self.text.get(start..start + length).unwrap_or_default();
                let integer = text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
                let kind = if integer {
                    ScalarKind::Integer
                } else {
                    ScalarKind::Number
                };
                scalar(kind, Cow::Borrowed(text))
            }
        };
        Ok((token, start))
    }

    fn next_key(&mut self) -> Result<Option<(Scalar<'a>, usize)>, Problem> {
        let from = self.jiter.current_index();
        let key = match self.jiter.next_key() {
            Ok(key) => key.map(|key| key_of(self.text, from, key)),
            Err(error) => return Err(self.error(&error)),
        };
        Ok(key.map(|(key, start)| (self.text(key, start), start)))
    }

    /// Ends the innermost list or mapping.
    fn end(&mut self, token: Token<'a>) -> (Token<'a>, usize) {
        self.open.pop();
        (token, self.jiter.current_index())
    }

    fn error(&self, error: &jiter::JiterError) -> Problem {
        let at = Lines::new(self.text).position(error.index);
        let problem = Problem::new(at, format!("not valid JSON: {}", error.error_type));
        let rest = self.text.get(error.index..).unwrap_or_default();
        let is_first = self.text.trim_start().len() == rest.len();
        let help = match &error.error_type {
            jiter::JiterErrorType::JsonError(JsonErrorType::TrailingComma) => {
                "remove the comma before the closing bracket"
            }
            _ if rest.starts_with(['/', '#']) => "JSON has no comments",
            jiter::JiterErrorType::JsonError(JsonErrorType::KeyMustBeAString) => {
                "write keys in double quotes; a text that starts with `{` and has no file name is JSON"
            }
            _ if rest.starts_with('\'') => "JSON allows only double quotes",
            _ if is_first => {
                "a JSON policy starts with `{`; a YAML file needs a name that ends with `.yml`"
            }
            _ => return problem,
        };
        problem.help(help)
    }
}

impl<'a> Syntax<'a> for Json<'a> {
    const FORMAT: Format = Format::Json;
    const LIST: &'static str = "write it in `[` and `]`";
    /// Byte offset.
    type At = usize;

    fn next(&mut self) -> Result<(Token<'a>, usize), Problem> {
        let Some(state) = self.open.last_mut() else {
            if self.started {
                self.jiter.finish().map_err(|e| self.error(&e))?;
                return Ok((Token::End, self.jiter.current_index()));
            }
            self.started = true;
            let peek = self.jiter.peek().map_err(|e| self.error(&e))?;
            return self.value(peek);
        };
        match *state {
            Open::FirstElement(_) | Open::Element => {
                let first = std::mem::replace(state, Open::Element);
                let peek = match first {
                    Open::FirstElement(first) => first,
                    _ => self.jiter.array_step().map_err(|e| self.error(&e))?,
                };
                match peek {
                    Some(peek) => self.value(peek),
                    None => Ok(self.end(Token::ListEnd)),
                }
            }
            Open::FirstKey | Open::Key => {
                let first = std::mem::replace(state, Open::Value);
                let key = match first {
                    Open::FirstKey => self.first_key.take(),
                    _ => self.next_key()?,
                };
                match key {
                    Some((key, at)) => Ok((Token::Scalar(key), at)),
                    None => Ok(self.end(Token::MappingEnd)),
                }
            }
            Open::Value => {
                *state = Open::Key;
                let peek = self.jiter.peek().map_err(|e| self.error(&e))?;
                self.value(peek)
            }
        }
    }

    fn position(&mut self, at: usize) -> Position {
        self.lines.position(at)
    }
}

/// Returns a key that jiter parsed and its start: the next quote at or after `from`.
fn key_of<'a>(text: &'a str, from: usize, key: &str) -> (Cow<'a, str>, usize) {
    let rest = text.as_bytes().iter().skip(from);
    let start = from + rest.take_while(|byte| **byte != b'"').count();
    (borrowed(text, start, key), start)
}

/// Returns the text of the string at byte `start`, borrowed from the file if the string contains no
/// escapes.
fn borrowed<'a>(text: &'a str, start: usize, read: &str) -> Cow<'a, str> {
    match text.get(start + 1..start + 1 + read.len()) {
        Some(same) if same == read => Cow::Borrowed(same),
        _ => Cow::Owned(read.to_owned()),
    }
}

/// Converts byte offsets to lines and columns, counting from the latest converted offset.
struct Lines<'a> {
    text: &'a str,
    is_ascii: bool,
    index: usize,
    position: Position,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            is_ascii: text.is_ascii(),
            index: 0,
            position: Position::START,
        }
    }

    fn position(&mut self, index: usize) -> Position {
        if index != self.index {
            let index = index.min(self.text.len());
            self.position = self.counted(index);
            self.index = index;
        }
        self.position
    }

    fn counted(&self, index: usize) -> Position {
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let characters = |text: &str| match self.is_ascii {
            true => number(text.len()),
            false => number(text.chars().count()),
        };
        let is_forward = index > self.index;
        let between = match is_forward {
            true => self.index..index,
            false => index..self.index,
        };
        let between = self.text.get(between).unwrap_or_default();
        let lines = match between.contains('\n') {
            true => number(between.matches('\n').count()),
            false => 0,
        };
        let Position { line, column } = self.position;
        let line = match is_forward {
            true => line.saturating_add(lines),
            false => line.saturating_sub(lines),
        };
        let column = match (lines, is_forward) {
            (0, true) => column.saturating_add(characters(between)),
            (0, false) => column.saturating_sub(characters(between)),
            _ => {
                let before = self.text.get(..index).unwrap_or_default();
                let start = before.rsplit('\n').next().unwrap_or_default();
                characters(start).saturating_add(1)
            }
        };
        Position { line, column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_the_same_whatever_was_asked_for_before() {
        for text in ["", "a\nb\n\nc", "é\n🦀x\n\nlé", "one line"] {
            let places = || {
                text.char_indices()
                    .map(|(index, _)| index)
                    .chain([text.len()])
            };
            let counted = |index: usize| {
                let before = text.get(..index).unwrap();
                before.chars().fold(Position::START, Position::after)
            };
            for first in places() {
                for second in places() {
                    let mut lines = Lines::new(text);
                    assert_eq!(lines.position(first), counted(first), "{text:?} {first}");
                    assert_eq!(lines.position(second), counted(second), "{text:?} {second}");
                }
            }
        }
    }
}
