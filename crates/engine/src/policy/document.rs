//! Reads a whole document: its size and characters first, then its tokens with a grammar.

use super::characters;
use super::format::{Format, MAX_FILE};
use super::json::Json;
use super::position::Position;
use super::problem::{Invalid, Problem};
use super::reader::{Grammar, Reader};
use super::yaml::Yaml;

/// Parses a document with its grammar.
pub fn read<'a, G: Grammar<'a>>(
    text: &'a str,
    format: Format,
    grammar: G,
) -> Result<G::Output, Invalid> {
    match read_partly(text, format, grammar) {
        (Some(document), None) => Ok(document),
        (_, Some(invalid)) => Err(invalid),
        (None, None) => {
            let message = format!("the {} could not be read", G::NOUN);
            Err(Problem::new(Position::START, message).into())
        }
    }
}

/// Parses the valid parts of a document and returns the problems of the rest. The result lacks the invalid
/// parts, so it is for advice only.
pub(super) fn read_partly<'a, G: Grammar<'a>>(
    text: &'a str,
    format: Format,
    grammar: G,
) -> (Option<G::Output>, Option<Invalid>) {
    if let Some(problem) = too_large(text, G::NOUN) {
        return (None, Some(problem.into()));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(invalid) = characters::refused(text, format, G::NOUN) {
        return (None, Some(invalid));
    }
    let (document, invalid) = match format {
        Format::Yaml => Reader::new(Yaml::new(text, G::NOUN), grammar).document(),
        Format::Json => Reader::new(Json::new(text), grammar).document(),
    };
    match invalid.as_ref().and_then(|_| merge_conflict(text)) {
        Some(conflict) => (None, Some(conflict.into())),
        // The YAML parser puts the end of a text without a final line break on a new line.
        None => (
            document,
            invalid.map(|invalid| invalid.not_after(end(text))),
        ),
    }
}

/// Returns the problem of a text that is too large.
fn too_large(text: &str, noun: &str) -> Option<Problem> {
    (text.len() > MAX_FILE).then(|| {
        let length = text.len();
        let message = format!("the {noun} has {length} bytes, the limit is {MAX_FILE}");
        Problem::new(Position::START, message)
    })
}

/// Returns the position after the last character of a text.
fn end(text: &str) -> Position {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let last = text.rsplit('\n').next().unwrap_or_default();
    Position {
        line: number(text.matches('\n').count().saturating_add(1)),
        column: number(last.chars().count().saturating_add(1)),
    }
}

/// Finds a merge conflict's marker, which causes all other problems of the text.
fn merge_conflict(text: &str) -> Option<Problem> {
    let mut lines = text.lines().enumerate();
    let (index, line) = lines.find(|(_, line)| line.starts_with("<<<<<<< "))?;
    let line_number = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
    let at = Position {
        line: line_number,
        column: 1,
    };
    let problem = Problem::new(at, "an unresolved merge conflict").over(line);
    Some(problem.help("keep one side, and remove the lines `<<<<<<<`, `=======`, `>>>>>>>`"))
}
