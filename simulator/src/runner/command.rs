//! A workflow command in a line of a log. `commands.rs` has the rules and their sources.

use std::collections::BTreeMap;

/// The runner's commands. Only plugins have `internal-set-repo-path`.
const COMMANDS: [&str; 14] = [
    "add-mask",
    "add-matcher",
    "add-path",
    "debug",
    "echo",
    "endgroup",
    "error",
    "group",
    "notice",
    "remove-matcher",
    "save-state",
    "set-env",
    "set-output",
    "warning",
];
pub(super) const STOP: &str = "stop-commands";

const V1_ESCAPES: [(&str, &str); 5] = [
    ("%3B", ";"),
    ("%0D", "\r"),
    ("%0A", "\n"),
    ("%5D", "]"),
    ("%25", "%"),
];
const DATA_ESCAPES: [(&str, &str); 3] = [("%0D", "\r"), ("%0A", "\n"), ("%25", "%")];
const PROPERTY_ESCAPES: [(&str, &str); 5] = [
    ("%0D", "\r"),
    ("%0A", "\n"),
    ("%3A", ":"),
    ("%2C", ","),
    ("%25", "%"),
];

/// A workflow command that the runner executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Lower-case.
    pub name: String,
    /// Properties with lower-case names and unescaped values, without empty ones.
    pub properties: BTreeMap<String, String>,
    /// Unescaped.
    pub data: String,
    /// Whether it has the old `##[…]` form.
    pub old_form: bool,
    /// Its line in the log, from 0.
    pub line: usize,
}

/// Parses the command in a line, executed or not.
pub(super) fn parse(line: &str, stop_token: Option<&str>) -> Option<Command> {
    parse_v2(line, stop_token).or_else(|| parse_v1(line, stop_token))
}

fn parse_v2(line: &str, stop_token: Option<&str>) -> Option<Command> {
    let rest = line.trim_start().strip_prefix("::")?;
    let (info, data) = rest.split_once("::")?;
    let (name, properties) = split_info(info);
    is_registered(name, stop_token).then(|| Command {
        name: name.to_ascii_lowercase(),
        properties: properties
            .map(|text| parse_properties(text.trim(), ',', &PROPERTY_ESCAPES))
            .unwrap_or_default(),
        data: unescape(data, &DATA_ESCAPES),
        old_form: false,
        line: 0,
    })
}

fn parse_v1(line: &str, stop_token: Option<&str>) -> Option<Command> {
    let (_, rest) = line.split_once("##[")?;
    let (info, data) = rest.split_once(']')?;
    let (name, properties) = split_info(info);
    is_registered(name, stop_token).then(|| Command {
        name: name.to_ascii_lowercase(),
        properties: properties
            .map(|text| parse_properties(text, ';', &V1_ESCAPES))
            .unwrap_or_default(),
        data: unescape(data, &V1_ESCAPES),
        old_form: true,
        line: 0,
    })
}

fn split_info(info: &str) -> (&str, Option<&str>) {
    match info.split_once(' ') {
        Some((name, properties)) => (name, Some(properties)),
        None => (info, None),
    }
}

pub(super) fn is_registered(name: &str, stop_token: Option<&str>) -> bool {
    name.eq_ignore_ascii_case(STOP)
        || COMMANDS
            .iter()
            .any(|command| command.eq_ignore_ascii_case(name))
        || stop_token.is_some_and(|token| token.eq_ignore_ascii_case(name))
}

/// Parses properties with .NET's `Split`, a count of two and no empty entries: it skips separators before the name
/// and before the value.
fn parse_properties(
    text: &str,
    separator: char,
    escapes: &[(&str, &str)],
) -> BTreeMap<String, String> {
    text.split(separator)
        .filter_map(|pair| {
            let (name, value) = pair.trim_start_matches('=').split_once('=')?;
            let value = value.trim_start_matches('=');
            (!value.is_empty()).then(|| (name.to_ascii_lowercase(), unescape(value, escapes)))
        })
        .collect()
}

/// Applies one replacement after the other, `%25` last, as the runner does.
fn unescape(text: &str, escapes: &[(&str, &str)]) -> String {
    escapes
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
