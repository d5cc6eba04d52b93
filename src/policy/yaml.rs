//! A policy's YAML, as tokens of saphyr-parser's events.
//!
//! A policy is plain data: anchors, aliases, merge keys, tags and several documents are refused.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, StrInput};

use super::position::Position;
use super::problem::Problem;
use super::token::{Scalar, ScalarKind, Syntax, Token};
use super::yaml_errors::{directive, explained};

/// How a list is written.
pub(super) const LIST: &str = "start each of its elements with `- `; a list without any is `[]`";

pub(super) struct Yaml<'a> {
    parser: Parser<'a, StrInput<'a>>,
    text: &'a str,
    /// What the document is called in messages.
    noun: &'static str,
    documents: usize,
    directive: Option<Problem>,
}

impl<'a> Yaml<'a> {
    pub(super) fn new(text: &'a str, noun: &'static str) -> Self {
        Self {
            parser: Parser::new_from_str(text),
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
}

impl<'a> Syntax<'a> for Yaml<'a> {
    const LIST: &'static str = LIST;

    fn next(&mut self) -> Result<(Token<'a>, Position), Problem> {
        if let Some(problem) = self.directive.take() {
            return Err(problem);
        }
        loop {
            let Some(event) = self.parser.next_event() else {
                return Ok((Token::End, Position::START));
            };
            let (event, span) = event.map_err(|error| self.syntax_error(&error))?;
            let at = position(span.start);
            let noun = self.noun;
            let refuse = |what: &str| {
                Problem::new(at, format!("{what} are not allowed in a {noun}"))
                    .help("write the value out")
            };
            let token = match event {
                Event::StreamStart | Event::DocumentEnd | Event::Nothing => continue,
                Event::DocumentStart(_) => {
                    self.documents += 1;
                    if self.documents > 1 {
                        return Err(Problem::new(
                            at,
                            format!("a second document starts here, a {noun} is one document"),
                        )
                        .help("remove the `---`"));
                    }
                    continue;
                }
                Event::StreamEnd => Token::End,
                Event::Alias(_) => return Err(refuse("aliases (`*name`)")),
                Event::Scalar(_, _, anchor, _)
                | Event::SequenceStart(anchor, _)
                | Event::MappingStart(anchor, _)
                    if anchor != 0 =>
                {
                    return Err(refuse("anchors (`&name`)"));
                }
                Event::Scalar(.., Some(_))
                | Event::SequenceStart(_, Some(_))
                | Event::MappingStart(_, Some(_)) => return Err(refuse("tags (`!name`)")),
                Event::Scalar(text, style, ..) => Token::Scalar(Scalar {
                    kind: match style {
                        ScalarStyle::Plain => resolve(&text),
                        _ => ScalarKind::Text,
                    },
                    text,
                }),
                Event::SequenceStart(..) => Token::ListStart,
                Event::SequenceEnd => Token::ListEnd,
                Event::MappingStart(..) => Token::MappingStart,
                Event::MappingEnd => Token::MappingEnd,
            };
            return Ok((token, at));
        }
    }
}

/// What a plain scalar is under YAML 1.2's core schema (yaml.org, section 10.3.2).
pub(super) fn resolve(text: &str) -> ScalarKind {
    // Most are none of the others, which the first character says.
    let first = text.bytes().next();
    if first.is_some_and(|b| !(b.is_ascii_digit() || b"+-.~nNtTfF".contains(&b))) {
        return ScalarKind::Text;
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return ScalarKind::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => return ScalarKind::Bool,
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
    ScalarKind::Text
}

/// The parser's place as ours.
pub(crate) fn position(marker: Marker) -> Position {
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
            ("yes", ScalarKind::Text),
            ("on", ScalarKind::Text),
            ("12", ScalarKind::Integer),
            ("-3", ScalarKind::Integer),
            ("1.0", ScalarKind::Number),
            ("1e3", ScalarKind::Number),
            (".5", ScalarKind::Number),
            ("0x1F", ScalarKind::Number),
            ("0o17", ScalarKind::Number),
            ("-.inf", ScalarKind::Number),
            ("1.2.3", ScalarKind::Text),
            ("2027-01-31", ScalarKind::Text),
            ("main", ScalarKind::Text),
            (".", ScalarKind::Text),
            ("e3", ScalarKind::Text),
        ] {
            assert_eq!(resolve(text), kind, "{text:?}");
        }
    }
}
