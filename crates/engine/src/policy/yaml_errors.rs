//! Explains errors of the YAML parser.

use granit_parser::{ErrorKind, ScanError};

use super::position::Position;
use super::problem::{Problem, quoted};
use super::token::too_deep;

/// Converts an error to a problem; `line` is the line of the error.
pub(super) fn explained(error: &ScanError, at: Position, line: &str) -> Problem {
    let (what, help) = match error.kind() {
        ErrorKind::RecursionLimitExceeded => return too_deep(at),
        ErrorKind::UnexpectedCharacter { character } => {
            let seen = quoted(&character.to_string());
            let message = format!("not valid YAML: a value that starts with {seen}");
            return Problem::new(at, message).help("put the value in quotes");
        }
        kind => match known(kind, line) {
            Some(known) => known,
            None => return Problem::new(at, format!("not valid YAML: {}", error.info())),
        },
    };
    Problem::new(at, format!("not valid YAML: {what}")).help(help)
}

const NO_ESCAPE: (&str, &str) = (
    "an invalid escape in double quotes",
    "in double quotes, a backslash starts an escape: use single quotes for a regex",
);

/// Returns the problem of an escape that YAML does not have.
pub(super) fn no_escape(at: Position) -> Problem {
    let (what, help) = NO_ESCAPE;
    Problem::new(at, format!("not valid YAML: {what}")).help(help)
}

/// Explains frequent errors, and how to fix them.
fn known(kind: &ErrorKind, line: &str) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        // `branch: *` starts an alias, but its author means the pattern.
        ErrorKind::UnknownAnchor | ErrorKind::MissingAnchorOrAliasName => (
            "an invalid alias or anchor",
            "a value that starts with `*` or `&` needs quotes: `\"*\"`",
        ),
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar
        | ErrorKind::TabAtBlockScalarStart => (
            "a tab where spaces are needed",
            "indent with spaces instead of tabs",
        ),
        kind if is_about_an_escape(kind) => NO_ESCAPE,
        ErrorKind::UnclosedQuotedScalar => ("an unclosed quote", "add the closing quote"),
        ErrorKind::MisplacedFlowCollectionEnd | ErrorKind::MismatchedFlowCollectionEnd { .. } => (
            "an unmatched closing bracket",
            "a pattern with brackets needs quotes",
        ),
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => (
            "a `:` where a key is not allowed",
            "a value that contains `: ` needs quotes; a key needs the same indentation as the keys beside it",
        ),
        ErrorKind::SimpleKeyExpected => ("a key without a value", "write `KEY: VALUE`"),
        ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping => (
            "an unclosed bracket, or a missing comma",
            "a pattern with brackets needs quotes",
        ),
        ErrorKind::ExpectedBlockMappingKey if starts_with_a_bracket(line) => (
            "text after a closing bracket",
            "a pattern that starts with `[` or `{` needs quotes",
        ),
        ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::InvalidIndentation
        | ErrorKind::BlockSequenceEntryNotAllowed => (
            "a line whose indentation differs from the lines beside it",
            "give the keys of a mapping, and the items of a list, the same indentation",
        ),
        ErrorKind::BomInsideDocument => ("a byte order mark inside the text", "remove it"),
        ErrorKind::ExpectedDocumentStart => (
            "text before the document",
            "write `---` below a directive such as `%YAML 1.2`, or leave the directive out",
        ),
        _ => return None,
    })
}

fn is_about_an_escape(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnknownQuotedScalarEscape
            | ErrorKind::InvalidQuotedScalarHexEscape
            | ErrorKind::InvalidLowSurrogateHexEscape
            | ErrorKind::InvalidLowSurrogate
            | ErrorKind::MissingLowSurrogate
            | ErrorKind::UnpairedLowSurrogate
            | ErrorKind::InvalidUnicodeEscape
    )
}

/// Whether the value of the line starts a list or a mapping.
fn starts_with_a_bracket(line: &str) -> bool {
    let value = line.split_once(": ").map_or(line, |(_, value)| value);
    value.trim_start().starts_with(['[', '{'])
}

/// Finds a directive such as `%YAML 1.1` before the document: it requests another syntax than YAML 1.2, which this
/// program parses.
pub(super) fn directive(text: &str, noun: &str) -> Option<Problem> {
    let lines = text.lines().map(str::trim_end).enumerate();
    let mut content = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let (before, line) = content.find(|(_, line)| *line != "%YAML 1.2")?;
    if !line.starts_with('%') {
        return None;
    }
    let at = Position {
        line: u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1),
        column: 1,
    };
    let message = format!("the directive {} is not allowed in a {noun}", quoted(line));
    let problem = Problem::new(at, message).over(line);
    Some(problem.help("remove the line; a value that starts with `%` needs quotes"))
}
