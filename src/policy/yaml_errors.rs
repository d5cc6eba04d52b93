//! What an error of the YAML parser means to whoever wrote the line.

use saphyr_parser::ScanError;

use super::position::Position;
use super::problem::{Problem, quoted};
use super::token::too_deep;

/// An error as a problem; `line` is the line that it is at.
pub(super) fn explained(error: &ScanError, at: Position, line: &str) -> Problem {
    let info = error.info();
    let is = |part: &str| info.contains(part);
    if is("recursion limit") {
        return too_deep(at);
    }
    let (what, help) = if is("alias") || is("anchor") {
        // `branch: *` is YAML's alias sign; whoever writes it means the pattern.
        let help = "a value that starts with `*` or `&` needs quotes: `\"*\"`";
        ("an alias or an anchor that means nothing", help)
    } else if is("tab") && !is("table") {
        (
            "a tab where spaces are needed",
            "YAML is indented with spaces, here is a tab",
        )
    } else if is("unexpected character") {
        return unexpected_character(info, at);
    } else if is("unknown escape") || is("hexadecimal") || is("escape code") {
        (
            "a backslash in double quotes that is no escape of YAML",
            "in double quotes a backslash is an escape: use single quotes for a regex",
        )
    } else if is("found unexpected end of stream") {
        ("a quote that is never closed", "add the closing quote")
    } else if is("misplaced bracket") {
        (
            "a closing bracket that closes nothing",
            "a pattern with brackets needs quotes",
        )
    } else if is("mapping values are not allowed") {
        (
            "a `:` where no key can be",
            "a value that has `: ` in it needs quotes; a key has the indentation of the keys beside it",
        )
    } else if is("expect ':'") {
        ("a key without a value", "write `KEY: VALUE`")
    } else if is("',' or ") {
        (
            "a bracket that is not closed, or a missing comma",
            "a pattern with brackets needs quotes",
        )
    } else if is("expected key") && starts_with_a_bracket(line) {
        (
            "text after a closing bracket",
            "a pattern that starts with `[` or `{` needs quotes",
        )
    } else if is("expected key") || is("'-' indicator") || is("invalid indentation") {
        (
            "a line that is not indented like those beside it",
            "keys that belong together stand below each other",
        )
    } else if is("byte order mark") {
        ("a byte order mark inside of the text", "remove it")
    } else if is("<document start>") {
        (
            "text before the document",
            "write `---` below a directive such as `%YAML 1.2`, or leave the directive out",
        )
    } else if is("document") {
        (
            info,
            "a file is one document: `---` stands at most once, at its start",
        )
    } else {
        return Problem::new(at, format!("not valid YAML: {info}"));
    };
    Problem::new(at, format!("not valid YAML: {what}")).help(help)
}

/// ``unexpected character: `@'``.
fn unexpected_character(info: &str, at: Position) -> Problem {
    let seen = info.split_once('`').map_or(info, |(_, seen)| seen);
    let seen = quoted(seen.strip_suffix('\'').unwrap_or(seen));
    let message = format!("not valid YAML: a value that starts with {seen}");
    Problem::new(at, message).help("put the value in quotes")
}

/// Whether the value of the line starts a list or a mapping.
fn starts_with_a_bracket(line: &str) -> bool {
    let value = line.split_once(": ").map_or(line, |(_, value)| value);
    value.trim_start().starts_with(['[', '{'])
}

/// A line such as `%YAML 1.1` before the document: it asks to read the rest in another way than this
/// program does, which is by YAML 1.2.
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
