//! JSON: the only module that sees jiter.

use std::borrow::Cow;

use jiter::{Jiter, JsonErrorType, Peek};

use super::characters::hidden;
use super::document::Format;
use super::position::Position;
use super::problem::Problem;
use super::token::{Scalar, ScalarKind, Syntax, Token};

pub(super) struct Json<'a> {
    text: &'a str,
    jiter: Jiter<'a>,
    started: bool,
    open: Vec<Open<'a>>,
    place: Place<'a>,
}

/// What comes next in an open list or mapping.
enum Open<'a> {
    /// Just after `[`: the first element, if any.
    FirstElement(Option<Peek>),
    Element,
    /// Just after `{`: the first key, if any.
    FirstKey(Option<(Scalar<'a>, Position)>),
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
            place: Place::new(text),
        }
    }

    fn here(&mut self) -> Position {
        self.place.of(self.jiter.current_index())
    }

    /// The text that was read last, which starts at byte `start`.
    fn text(&mut self, text: Cow<'a, str>, start: usize) -> (Scalar<'a>, Position) {
        let at = self.place.of(start);
        let raw = self.text.get(start..self.jiter.current_index());
        let scalar = Scalar {
            text,
            kind: ScalarKind::Text,
            hidden: hidden(raw.unwrap_or_default(), at),
        };
        (scalar, at)
    }

    fn value(&mut self, peek: Peek) -> Result<(Token<'a>, Position), Problem> {
        let start = self.jiter.current_index();
        let at = self.place.of(start);
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
                let key = key.map(|(key, start)| self.text(key, start));
                self.open.push(Open::FirstKey(key));
                Token::MappingStart
            }
            Peek::String => {
                let text = match self.jiter.known_str() {
                    Ok(text) => borrowed(self.text, start, text),
                    Err(error) => return Err(self.error(&error)),
                };
                Token::Scalar(self.text(text, start).0)
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
        Ok((token, at))
    }

    fn error(&self, error: &jiter::JiterError) -> Problem {
        let at = Place::new(self.text).of(error.index);
        let problem = Problem::new(at, format!("not valid JSON: {}", error.error_type));
        let rest = self.text.get(error.index..).unwrap_or_default();
        let is_first = self.text.trim_start().len() == rest.len();
        let help = match &error.error_type {
            jiter::JiterErrorType::JsonError(JsonErrorType::TrailingComma) => {
                "remove the comma before the closing bracket"
            }
            _ if rest.starts_with(['/', '#']) => "JSON has no comments",
            jiter::JiterErrorType::JsonError(JsonErrorType::KeyMustBeAString) => {
                "write keys in double quotes; what starts with `{` and has no file name is JSON"
            }
            _ if rest.starts_with('\'') => "JSON takes double quotes only",
            _ if is_first => "it starts with `{`; a file in YAML needs a name that ends in `.yml`",
            _ => return problem,
        };
        problem.help(help)
    }
}

impl<'a> Syntax<'a> for Json<'a> {
    const FORMAT: Format = Format::Json;
    const LIST: &'static str = "write it in `[` and `]`";

    fn next(&mut self) -> Result<(Token<'a>, Position), Problem> {
        match self.open.pop() {
            None if self.started => {
                self.jiter.finish().map_err(|e| self.error(&e))?;
                Ok((Token::End, self.here()))
            }
            None => {
                self.started = true;
                let peek = self.jiter.peek().map_err(|e| self.error(&e))?;
                self.value(peek)
            }
            Some(state @ (Open::FirstElement(_) | Open::Element)) => {
                let peek = match state {
                    Open::FirstElement(first) => first,
                    _ => self.jiter.array_step().map_err(|e| self.error(&e))?,
                };
                let Some(peek) = peek else {
                    return Ok((Token::ListEnd, self.here()));
                };
                self.open.push(Open::Element);
                self.value(peek)
            }
            Some(state @ (Open::FirstKey(_) | Open::Key)) => {
                let key = match state {
                    Open::FirstKey(first) => first,
                    _ => {
                        let from = self.jiter.current_index();
                        let key = match self.jiter.next_key() {
                            Ok(key) => key.map(|key| key_of(self.text, from, key)),
                            Err(error) => return Err(self.error(&error)),
                        };
                        key.map(|(key, start)| self.text(key, start))
                    }
                };
                let Some((key, at)) = key else {
                    return Ok((Token::MappingEnd, self.here()));
                };
                self.open.push(Open::Value);
                Ok((Token::Scalar(key), at))
            }
            Some(Open::Value) => {
                self.open.push(Open::Key);
                let peek = self.jiter.peek().map_err(|e| self.error(&e))?;
                self.value(peek)
            }
        }
    }
}

/// A key that jiter read, and where it starts: at the next quote at or after `from`.
fn key_of<'a>(text: &'a str, from: usize, key: &str) -> (Cow<'a, str>, usize) {
    let rest = text.as_bytes().iter().skip(from);
    let start = from + rest.take_while(|byte| **byte != b'"').count();
    (borrowed(text, start, key), start)
}

/// What jiter read of the string that starts at byte `start`: from the file itself where it has no
/// escapes.
fn borrowed<'a>(text: &'a str, start: usize, read: &str) -> Cow<'a, str> {
    match text.get(start + 1..start + 1 + read.len()) {
        Some(same) if same == read => Cow::Borrowed(same),
        _ => Cow::Owned(read.to_owned()),
    }
}

/// Lines and columns of rising byte offsets, counted once over the text.
struct Place<'a> {
    text: &'a str,
    index: usize,
    position: Position,
}

impl<'a> Place<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            index: 0,
            position: Position::START,
        }
    }

    fn of(&mut self, index: usize) -> Position {
        if index < self.index {
            *self = Self::new(self.text);
        }
        let between = self.text.get(self.index..index).unwrap_or_default();
        for c in between.chars() {
            if c == '\n' {
                self.position.line = self.position.line.saturating_add(1);
                self.position.column = 1;
            } else {
                self.position.column = self.position.column.saturating_add(1);
            }
        }
        self.index = self.index.max(index.min(self.text.len()));
        self.position
    }
}
