//! The YAML that most policies are written in, read line by line: some ten times as fast as all of YAML.
//!
//! A text outside of it is given up, without a word about what it is: [`super::yaml`] reads it then.
//! What is read here gives the tokens that it would give, which the tests hold against each other.
//!
//! Read are block mappings and lists, one node a line; keys of letters, digits, `_`, `.` and `-`; plain
//! and quoted values without escapes; lists and mappings in brackets that end on their line; comments.
//! All of it in printable ASCII, without tabs.

use std::cmp::Ordering;
use std::collections::VecDeque;

use super::position::Position;
use super::problem::Problem;
use super::token::{MAX_NESTING, Scalar, ScalarKind, Syntax, Token};
use super::yaml::{self, resolve};

/// The longest line in bytes: its tokens are held.
const MAX_LINE: usize = 64 << 10;
/// The longest key in bytes. YAML's limit is higher.
const MAX_KEY: usize = 256;

pub(super) struct Lines<'a> {
    lines: std::str::Split<'a, char>,
    /// That of the latest line.
    number: u32,
    /// The mappings and lists that are open, the innermost last.
    levels: Vec<Level>,
    /// Whether the latest line is a key whose value comes below.
    awaits: bool,
    /// The tokens of the latest line.
    ready: VecDeque<(Token<'a>, Position)>,
}

/// An open mapping or list in block style.
#[derive(Clone, Copy)]
struct Level {
    indent: usize,
    is_list: bool,
}

impl<'a> Lines<'a> {
    /// `None` when it is plain from the characters that it is not read here.
    pub(super) fn new(text: &'a str) -> Option<Self> {
        let is_plain = text.bytes().all(|b| matches!(b, b'\n' | b' '..=b'~'));
        is_plain.then(|| Self {
            lines: text.split('\n'),
            number: 0,
            levels: Vec::new(),
            awaits: false,
            ready: VecDeque::new(),
        })
    }

    /// Reads a line. `None` gives up.
    fn line(&mut self, line: &'a str) -> Option<()> {
        let content = line.trim_start_matches(' ');
        if content.is_empty() || content.starts_with('#') {
            return Some(());
        }
        if line.len() > MAX_LINE {
            return None;
        }
        let indent = line.len() - content.len();
        let mut cursor = Cursor {
            rest: content,
            line: self.number,
            column: indent,
        };
        let (is_item, at) = (content.starts_with("- "), cursor.position());
        if is_item {
            cursor.take(1);
            cursor.skip_spaces();
        }
        self.open(indent, is_item, at, cursor.position())?;
        if is_item {
            if cursor.key_length().is_none() {
                self.value(&mut cursor)?;
                return cursor.ends();
            }
            self.start(cursor.column, false, cursor.position());
        }
        self.key(&mut cursor)?;
        if cursor.ends().is_some() {
            self.awaits = true;
            return Some(());
        }
        cursor.skip_spaces();
        self.value(&mut cursor)?;
        cursor.ends()
    }

    /// Ends what a line of this indentation ends, and starts what it is the first of. `content` is what
    /// follows the `-` of an item.
    fn open(
        &mut self,
        indent: usize,
        is_item: bool,
        at: Position,
        content: Position,
    ) -> Option<()> {
        let Some(latest) = self.levels.last() else {
            if indent != 0 || is_item {
                return None;
            }
            self.start(0, false, at);
            return Some(());
        };
        if std::mem::take(&mut self.awaits) {
            // A list may stand below its key without being indented; the other parser then says that
            // it starts at its content.
            let at = match indent.cmp(&latest.indent) {
                Ordering::Greater => at,
                Ordering::Equal if is_item => content,
                _ => return None,
            };
            self.start(indent, is_item, at);
            return Some(());
        }
        loop {
            let level = *self.levels.last()?;
            let is_over = level.indent == indent && level.is_list && !is_item;
            if level.indent > indent || is_over {
                self.levels.pop();
                self.ready.push_back((end(level.is_list), at));
            } else {
                return (level.indent == indent && level.is_list == is_item).then_some(());
            }
        }
    }

    fn start(&mut self, indent: usize, is_list: bool, at: Position) {
        self.levels.push(Level { indent, is_list });
        self.ready.push_back((start(is_list), at));
    }

    fn key(&mut self, cursor: &mut Cursor<'a>) -> Option<()> {
        let (length, at) = (cursor.key_length()?, cursor.position());
        let text = cursor.take(length);
        cursor.take(1);
        self.plain(text, at);
        Some(())
    }

    fn plain(&mut self, text: &'a str, at: Position) {
        self.scalar(text, resolve(text), at);
    }

    fn scalar(&mut self, text: &'a str, kind: ScalarKind, at: Position) {
        let text = text.into();
        self.ready
            .push_back((Token::Scalar(Scalar { text, kind }), at));
    }

    fn value(&mut self, cursor: &mut Cursor<'a>) -> Option<()> {
        match cursor.first()? {
            b'[' | b'{' => self.bracket(cursor, 1),
            quote @ (b'"' | b'\'') => self.quoted(cursor, quote),
            first if starts_plain(first) => {
                let at = cursor.position();
                let text = cursor.take(plain_length(cursor.rest)?);
                self.plain(text, at);
                Some(())
            }
            _ => None,
        }
    }

    fn quoted(&mut self, cursor: &mut Cursor<'a>, quote: u8) -> Option<()> {
        let at = cursor.position();
        cursor.take(1);
        let length = cursor.rest.bytes().position(|b| b == quote)?;
        let text = cursor.take(length);
        cursor.take(1);
        // An escape.
        if (quote == b'"' && text.contains('\\')) || cursor.first() == Some(quote) {
            return None;
        }
        self.scalar(text, ScalarKind::Text, at);
        Some(())
    }

    /// A list or mapping in brackets, with at least one element.
    fn bracket(&mut self, cursor: &mut Cursor<'a>, depth: usize) -> Option<()> {
        if depth > MAX_NESTING {
            return None;
        }
        let is_list = cursor.first()? == b'[';
        self.ready.push_back((start(is_list), cursor.position()));
        cursor.take(1);
        loop {
            cursor.skip_spaces();
            if !is_list {
                self.key(cursor)?;
                cursor.skip_spaces();
            }
            match cursor.first()? {
                b'[' | b'{' => self.bracket(cursor, depth + 1)?,
                quote @ (b'"' | b'\'') => self.quoted(cursor, quote)?,
                first if starts_plain(first) => {
                    let at = cursor.position();
                    let text = cursor.take(plain_length_in_brackets(cursor.rest)?);
                    self.plain(text, at);
                }
                _ => return None,
            }
            cursor.skip_spaces();
            let at = cursor.position();
            match (cursor.take(1), is_list) {
                (",", _) => {}
                ("]", true) | ("}", false) => {
                    self.ready.push_back((end(is_list), at));
                    return Some(());
                }
                _ => return None,
            }
        }
    }
}

impl<'a> Syntax<'a> for Lines<'a> {
    const LIST: &'static str = yaml::LIST;

    fn next(&mut self) -> Result<(Token<'a>, Position), Problem> {
        loop {
            if let Some(token) = self.ready.pop_front() {
                return Ok(token);
            }
            if let Some(line) = self.lines.next() {
                self.number = self.number.saturating_add(1);
                if self.line(line).is_none() {
                    return Err(given_up());
                }
            } else if let Some(level) = self.levels.pop() {
                if std::mem::take(&mut self.awaits) {
                    return Err(given_up());
                }
                return Ok((end(level.is_list), Position::START));
            } else {
                return Ok((Token::End, Position::START));
            }
        }
    }
}

/// Nobody is told: the text is read again.
fn given_up() -> Problem {
    Problem::new(Position::START, "not read line by line")
}

fn start<'a>(is_list: bool) -> Token<'a> {
    match is_list {
        true => Token::ListStart,
        false => Token::MappingStart,
    }
}

fn end<'a>(is_list: bool) -> Token<'a> {
    match is_list {
        true => Token::ListEnd,
        false => Token::MappingEnd,
    }
}

/// Whether a plain value may start so: with no character that means something to YAML.
fn starts_plain(first: u8) -> bool {
    first.is_ascii_alphanumeric() || b"_./^($\\+~=<".contains(&first)
}

/// The length of a plain value in block style: up to the end of the line or a comment. `None` when it
/// has a key in it.
fn plain_length(rest: &str) -> Option<usize> {
    let (mut length, mut before) = (0, b' ');
    for (index, byte) in rest.bytes().enumerate() {
        match byte {
            b'#' if before == b' ' => break,
            b' ' if before == b':' => return None,
            b' ' => {}
            _ => length = index + 1,
        }
        before = byte;
    }
    (!rest.get(..length)?.ends_with(':')).then_some(length)
}

/// The same in brackets: up to a comma or a bracket.
fn plain_length_in_brackets(rest: &str) -> Option<usize> {
    let (mut length, mut before) = (0, b' ');
    for (index, byte) in rest.bytes().enumerate() {
        match byte {
            b',' | b'[' | b']' | b'{' | b'}' => break,
            b'#' | b'"' | b'\'' => return None,
            b' ' => {}
            _ => length = index + 1,
        }
        // After a colon only a word is no value.
        if before == b':' && !(byte.is_ascii_alphanumeric() || byte == b'_') {
            return None;
        }
        before = byte;
    }
    // saphyr-parser takes a dash that stands alone there for the start of a list.
    let ends_well = before != b':' && !rest.get(..length)?.ends_with(" -");
    ends_well.then_some(length)
}

/// The rest of a line.
struct Cursor<'a> {
    rest: &'a str,
    line: u32,
    /// From 0. Every character is one byte.
    column: usize,
}

impl<'a> Cursor<'a> {
    fn position(&self) -> Position {
        Position {
            line: self.line,
            column: u32::try_from(self.column)
                .unwrap_or(u32::MAX)
                .saturating_add(1),
        }
    }

    fn first(&self) -> Option<u8> {
        self.rest.bytes().next()
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .unwrap_or((self.rest, ""));
        self.rest = rest;
        self.column += taken.len();
        taken
    }

    fn skip_spaces(&mut self) {
        let rest = self.rest.trim_start_matches(' ');
        self.column += self.rest.len() - rest.len();
        self.rest = rest;
    }

    /// The length of the key that stands here: a word with a colon that a space or the end follows.
    fn key_length(&self) -> Option<usize> {
        let bytes = self.rest.as_bytes();
        let is_word = |b: &u8| b.is_ascii_alphanumeric() || b"_.-".contains(b);
        let length = bytes.iter().position(|b| !is_word(b))?;
        let starts_well = self
            .first()
            .is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
        let is_key =
            bytes.get(length) == Some(&b':') && matches!(bytes.get(length + 1), None | Some(b' '));
        (starts_well && is_key && length <= MAX_KEY).then_some(length)
    }

    /// Nothing but spaces and a comment is left.
    fn ends(&self) -> Option<()> {
        let rest = self.rest.trim_start_matches(' ');
        let is_comment = rest.len() < self.rest.len() && rest.starts_with('#');
        (rest.is_empty() || is_comment).then_some(())
    }
}

#[cfg(test)]
#[path = "yaml_lines_tests.rs"]
mod tests;
