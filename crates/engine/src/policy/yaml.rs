//! YAML syntax of a policy: converts the events of granit-parser to tokens.
//!
//! A policy is plain data: it cannot contain anchors, aliases, merge keys, tags or several documents.

use std::borrow::Cow;

use granit_parser::{Event, Marker, Options, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::characters::hidden;
use super::format::Format;
use super::position::Position;
use super::problem::Problem;
use super::token::{MAX_NESTING, Scalar, ScalarKind, Syntax, Token};
use super::yaml_errors::{directive, explained, no_escape};

pub(super) struct Yaml<'a> {
    parser: Parser<'a, StrInput<'a>>,
    text: &'a str,
    /// Name of the document in messages.
    noun: &'static str,
    documents: usize,
    directive: Option<Problem>,
}

impl<'a> Yaml<'a> {
    pub(super) fn new(text: &'a str, noun: &'static str) -> Self {
        Self {
            parser: parser(text, MAX_NESTING),
            text,
            noun,
            documents: 0,
            directive: directive(text, noun),
        }
    }

    fn syntax_error(&self, error: &ScanError) -> Problem {
        let at = position(*error.marker());
        explained(error, at, self.line(at.line))
    }

    fn line(&self, number: u32) -> &'a str {
        let index = usize::try_from(number).unwrap_or(1).saturating_sub(1);
        self.text.lines().nth(index).unwrap_or_default()
    }

    /// Whether the parser adds a line feed to a block scalar that ends the file without one. libyaml adds
    /// none.
    fn ends_without_line_feed(&self, block: &str, span: &Span) -> bool {
        let is_last = span
            .byte_range()
            .is_none_or(|range| range.end >= self.text.len());
        is_last && block.ends_with('\n') && !self.text.ends_with('\n')
    }

    fn refused(&self, what: &str, at: Position) -> Problem {
        let noun = self.noun;
        Problem::new(at, format!("{what} are not allowed in a {noun}")).help("write the value out")
    }

    /// Returns the token of an event, if it has one.
    fn token(&mut self, event: Event<'a>, span: &Span) -> Result<Option<Token<'a>>, Problem> {
        let at = position(span.start);
        if event.is_alias() {
            return Err(self.refused("aliases (`*name`)", at));
        }
        if event.anchor_id().is_some() {
            // The next token shows the position of the anchor itself.
            let at = match self.parser.next_event() {
                Some(Ok((Event::Anchor(..), span))) => position(span.start),
                _ => at,
            };
            return Err(self.refused("anchors (`&name`)", at));
        }
        if event.tag().is_some() {
            let at = span.tag_start().map_or(at, position);
            return Err(self.refused("tags (`!name`)", at));
        }
        Ok(Some(match event {
            Event::DocumentStart(is_explicit, _) => {
                self.documents += 1;
                if self.documents > 1 {
                    let noun = self.noun;
                    let message =
                        format!("a second document starts here, but a {noun} is one document");
                    // Text behind `...` starts a document without a mark.
                    let mark = if is_explicit { "---" } else { "..." };
                    return Err(Problem::new(at, message).help(format!("remove the `{mark}`")));
                }
                return Ok(None);
            }
            Event::StreamEnd => Token::End,
            Event::Scalar(text, style, ..) => Token::Scalar(self.scalar(text, style, span)?),
            Event::SequenceStart(..) => Token::ListStart,
            Event::SequenceEnd => Token::ListEnd,
            Event::MappingStart(..) => Token::MappingStart,
            Event::MappingEnd => Token::MappingEnd,
            _ => return Ok(None),
        }))
    }

    // By itself it costs a cold decision on a large policy 0.8 % more instructions.
    #[inline(always)]
    fn scalar(
        &self,
        text: Cow<'a, str>,
        style: ScalarStyle,
        span: &Span,
    ) -> Result<Scalar<'a>, Problem> {
        let at = position(span.start);
        let raw = span.slice(self.text).unwrap_or_default();
        if style == ScalarStyle::DoubleQuoted
            && let Some(half) = half_of_a_character(raw)
        {
            return Err(no_escape(after(raw, half, at)));
        }
        if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded)
            && self.ends_without_line_feed(&text, span)
        {
            let message = "YAML parsers disagree on whether this text ends with a line feed";
            let problem = Problem::new(at, message);
            return Err(problem.help("end the last line of the file with one"));
        }
        let (text, kind) = match style {
            // The parser reports an absent value as `~`.
            ScalarStyle::Plain if raw.is_empty() => (Cow::Borrowed(""), ScalarKind::Null),
            ScalarStyle::Plain => {
                let kind = resolve(&text);
                (text, kind)
            }
            _ => (text, ScalarKind::Text),
        };
        let hidden = hidden(raw, at);
        Ok(Scalar { text, kind, hidden })
    }
}

impl<'a> Syntax<'a> for Yaml<'a> {
    const FORMAT: Format = Format::Yaml;
    type At = Position;
    const LIST: &'static str = "start each item with `- `; an empty list is `[]`";

    fn next(&mut self) -> Result<(Token<'a>, Position), Problem> {
        if let Some(problem) = self.directive.take() {
            return Err(problem);
        }
        loop {
            let Some(event) = self.parser.next_event() else {
                return Ok((Token::End, Position::START));
            };
            let (event, span) = event.map_err(|error| self.syntax_error(&error))?;
            if let Some(token) = self.token(event, &span)? {
                return Ok((token, position(span.start)));
            }
        }
    }

    fn position(&mut self, at: Position) -> Position {
        at
    }
}

/// Finds an escape for a surrogate, half of a character, in a raw text in double quotes. JSON joins two of them
/// and so do some YAML parsers, but others reject them or keep the halves.
fn half_of_a_character(raw: &str) -> Option<usize> {
    let mut rest = raw.char_indices();
    while let Some((at, c)) = rest.next() {
        if c != '\\' {
            continue;
        }
        let (_, escape) = rest.next()?;
        let digits = match escape {
            'u' => raw.get(at + 2..at + 6),
            'U' => raw.get(at + 2..at + 10),
            _ => None,
        };
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        if number.is_some_and(|number| char::from_u32(number).is_none()) {
            return Some(at);
        }
    }
    None
}

/// Returns the position after the first bytes of a text.
fn after(text: &str, bytes: usize, start: Position) -> Position {
    let before = text.get(..bytes).unwrap_or_default();
    before.chars().fold(start, Position::after)
}

/// Returns the only YAML parser, with a nesting limit for both of its styles.
pub fn parser(text: &str, max_nesting: usize) -> Parser<'_, StrInput<'_>> {
    let mut options = Options::default();
    options.emit_comments = false;
    options.emit_anchor_events = true;
    options.flow_nesting_limit = max_nesting;
    options.block_nesting_limit = max_nesting;
    Parser::new_from_str_with_options(text, options)
}

/// Returns the kind of a plain scalar in YAML 1.2's core schema (yaml.org, section 10.3.2), or `Ambiguous` if
/// YAML 1.1 disagrees (yaml.org/type).
pub(crate) fn resolve(text: &str) -> ScalarKind {
    // The first character shows that most texts are strings.
    let first = text.bytes().next();
    if first.is_some_and(|b| !(b.is_ascii_digit() || b"+-.~nNtTfFyYoO=<".contains(&b))) {
        return ScalarKind::Text;
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return ScalarKind::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => return ScalarKind::Bool,
        // YAML 1.1 also has `y` and `n`, but its parsers do not.
        "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "no" | "No" | "NO" | "off" | "Off" | "OFF"
        | "=" | "<<" => return ScalarKind::Ambiguous,
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let all =
        |digits: &str, is: fn(&char) -> bool| !digits.is_empty() && digits.chars().all(|c| is(&c));
    if all(digits, char::is_ascii_digit) {
        return ScalarKind::Integer;
    }
    let based = |prefix: &str, is: fn(&char) -> bool| {
        text.strip_prefix(prefix)
            .is_some_and(|digits| all(digits, is))
    };
    let special =
        [".inf", ".Inf", ".INF"].contains(&digits) || [".nan", ".NaN", ".NAN"].contains(&text);
    let float = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.contains(|c: char| c.is_ascii_digit())
        && digits
            .chars()
            .all(|c| c.is_ascii_digit() || ".eE+-".contains(c))
        && digits.parse::<f64>().is_ok();
    if special
        || float
        || based("0x", char::is_ascii_hexdigit)
        || based("0o", |c| ('0'..='7').contains(c))
    {
        return ScalarKind::Number;
    }
    match is_old_number(digits) || is_old_time(text) {
        true => ScalarKind::Ambiguous,
        false => ScalarKind::Text,
    }
}

/// Whether the text after a sign is a number in YAML 1.1, which has more notations: `1_000`, `0b1`, `-0x1f`,
/// and `1:30` in base 60.
fn is_old_number(digits: &str) -> bool {
    let all = |text: &str, is: fn(char) -> bool| text.chars().all(|c| c == '_' || is(c));
    for (prefix, is) in [
        ("0b", (|c| matches!(c, '0' | '1')) as fn(char) -> bool),
        ("0x", |c| c.is_ascii_hexdigit()),
    ] {
        if let Some(digits) = digits.strip_prefix(prefix) {
            return !digits.is_empty() && all(digits, is);
        }
    }
    let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let first = if whole.is_empty() { fraction } else { whole };
    let (first_part, others) = whole.split_once(':').unwrap_or((whole, "0"));
    first.starts_with(|c: char| c.is_ascii_digit())
        && all(first_part, |c| c.is_ascii_digit())
        && all(fraction, |c| c.is_ascii_digit())
        && is_digits(exponent)
        && others
            .split(':')
            .all(|part| part.len() <= 2 && is_digits(part))
}

/// Whether a text is a date in YAML 1.1, with or without a time.
fn is_old_time(text: &str) -> bool {
    let end = text.find(['T', 't', ' ', '\t']).unwrap_or(text.len());
    let (date, time) = text.split_at_checked(end).unwrap_or((text, ""));
    let mut parts = date.split('-');
    let mut is_part = |length: std::ops::RangeInclusive<usize>| {
        let part = parts.next().unwrap_or_default();
        length.contains(&part.len()) && is_digits(part)
    };
    let is_of_time = |c: char| c.is_ascii_digit() || "Tt \tZ:.+-".contains(c);
    is_part(4..=4)
        && is_part(1..=2)
        && is_part(1..=2)
        && parts.next().is_none()
        && time.chars().all(is_of_time)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Converts a position of the parser.
pub fn position(marker: Marker) -> Position {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Position {
        line: number(marker.line().max(1)),
        column: number(marker.col().saturating_add(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_resolve_by_the_core_schema() {
        for (text, kind) in [
            ("", ScalarKind::Null),
            ("~", ScalarKind::Null),
            ("null", ScalarKind::Null),
            ("true", ScalarKind::Bool),
            ("False", ScalarKind::Bool),
            ("yes", ScalarKind::Ambiguous),
            ("Off", ScalarKind::Ambiguous),
            ("yEs", ScalarKind::Text),
            ("n", ScalarKind::Text),
            ("=", ScalarKind::Ambiguous),
            ("1_000", ScalarKind::Ambiguous),
            ("-0b1", ScalarKind::Ambiguous),
            ("0x_f", ScalarKind::Ambiguous),
            ("-0x1f", ScalarKind::Ambiguous),
            ("1:20", ScalarKind::Ambiguous),
            ("-1:20.5", ScalarKind::Ambiguous),
            ("._5", ScalarKind::Text),
            (".5_0", ScalarKind::Ambiguous),
            ("1_0.5e+3", ScalarKind::Ambiguous),
            ("2027-01-31T12:00:00Z", ScalarKind::Ambiguous),
            ("2027-1-3 1:00:00 +2", ScalarKind::Ambiguous),
            ("1:a", ScalarKind::Text),
            ("1:200", ScalarKind::Text),
            ("1:2:", ScalarKind::Text),
            ("0b", ScalarKind::Text),
            ("0b2", ScalarKind::Text),
            ("1e", ScalarKind::Text),
            ("1e_1", ScalarKind::Text),
            ("2027-01-31-1", ScalarKind::Text),
            ("2027-01-31 hotfix", ScalarKind::Text),
            ("2027-main", ScalarKind::Text),
            ("0beta", ScalarKind::Text),
            ("12", ScalarKind::Integer),
            ("-3", ScalarKind::Integer),
            ("1.0", ScalarKind::Number),
            ("1e3", ScalarKind::Number),
            (".5", ScalarKind::Number),
            ("0x1F", ScalarKind::Number),
            ("0o17", ScalarKind::Number),
            ("-.inf", ScalarKind::Number),
            ("1.2.3", ScalarKind::Text),
            ("2027-01-31", ScalarKind::Ambiguous),
            ("main", ScalarKind::Text),
            (".", ScalarKind::Text),
            ("e3", ScalarKind::Text),
        ] {
            assert_eq!(resolve(text), kind, "{text:?}");
        }
    }
}
