//! Interprets workflow commands in a log by the runner's rules.
//!
//! Sources in actions/runner: `ActionCommand.cs` (both syntaxes), `ActionCommandManager.cs` (effects of
//! commands, stop-commands), `OutputManager.cs` (which lines count), `ProcessInvoker.cs` (what a line is).
//! Tests of injection can rely on these rules:
//!
//! - `::name key=value,…::data` is a command at the start of a line, after optional white space.
//! - `##[name key=value;…]data` is a command **anywhere** in a line that is not a command of the first form.
//! - A line ends at LF, CR or CRLF: a bare CR starts a new line, which can be a command.
//! - The runner reads both standard output and standard error.
//!
//! The runner compares names with .NET's culture, which ignores zero-width characters; its offsets do not, so a
//! name with these characters never matches an existing command. This module compares code points.

use std::collections::BTreeMap;

pub use super::command::Command;
use super::command::{STOP, is_registered, parse};

/// `_maxCountPerIssueType` in `ExecutionContext.cs`.
const MAX_ANNOTATIONS_PER_LEVEL: usize = 10;
/// `_maxIssueMessageLength` in `ExecutionContext.cs`, in UTF-16 units.
const MAX_MESSAGE: usize = 4096;
/// Maximum length of a stop token that the runner does not mask.
const UNMASKED_STOP_TOKEN: usize = 6;

/// An entry in the run's "Annotations".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// `error`, `warning` or `notice`.
    pub level: String,
    /// At most 4096 UTF-16 units.
    pub message: String,
    /// The valid ones among `file`, `line`, `endline`, `col`, `endcolumn` and `title`.
    pub properties: BTreeMap<String, String>,
}

/// Effects of a log.
#[derive(Debug, Clone, Default)]
pub struct Interpreted {
    /// Commands in order, including `stop-commands` and the resuming token.
    pub commands: Vec<Command>,
    /// Masked values, and each of their lines.
    pub masks: Vec<String>,
    /// Annotations, at most ten of each level.
    pub annotations: Vec<Annotation>,
    /// Outputs of `set-output`, which is deprecated but works.
    pub outputs: Vec<(String, String)>,
    /// States of `save-state`.
    pub state: Vec<(String, String)>,
    /// Commands that the runner cannot process. Each one fails the step.
    pub failures: Vec<String>,
    /// The visible log: without commands or with their rendering, and with secrets as `***`.
    pub visible: Vec<String>,
}

impl Interpreted {
    /// Returns the commands of a name.
    #[must_use]
    pub fn named(&self, name: &str) -> Vec<&Command> {
        self.commands
            .iter()
            .filter(|command| command.name == name)
            .collect()
    }

    fn show(&mut self, line: &str) {
        let masked = self
            .masks
            .iter()
            .fold(line.to_owned(), |line, mask| line.replace(mask, "***"));
        self.visible.push(masked);
    }

    fn mask(&mut self, secret: &str) {
        self.masks.push(secret.to_owned());
        let lines = secret
            .split(['\r', '\n'])
            .map(str::trim)
            .filter(|line| !line.is_empty() && *line != secret);
        self.masks.extend(lines.map(str::to_owned));
        // Replace the longest secrets first, so that a part does not reveal the rest.
        self.masks.sort_by_key(|mask| std::cmp::Reverse(mask.len()));
    }

    fn annotate(&mut self, command: &Command) {
        let count = self
            .annotations
            .iter()
            .filter(|annotation| annotation.level == command.name)
            .count();
        self.show(&format!("##[{}]{}", command.name, command.data));
        if count >= MAX_ANNOTATIONS_PER_LEVEL {
            return;
        }
        self.annotations.push(Annotation {
            level: command.name.clone(),
            message: truncate_utf16(&command.data, MAX_MESSAGE),
            properties: sensible_positions(command.properties.clone()),
        });
    }
}

/// Interprets the lines of a log as the runner does.
#[must_use]
pub fn interpret<'a>(lines: impl IntoIterator<Item = &'a str>) -> Interpreted {
    let mut result = Interpreted::default();
    let mut stop_token: Option<String> = None;
    for (number, line) in lines.into_iter().enumerate() {
        let Some(command) = parse(line, stop_token.as_deref()).map(|parsed| Command {
            line: number,
            ..parsed
        }) else {
            result.show(line);
            continue;
        };
        if let Some(token) = &stop_token {
            result.show(line);
            if command.name.eq_ignore_ascii_case(token) {
                stop_token = None;
                result.commands.push(command);
            }
            continue;
        }
        if command.name == STOP {
            if command.data.is_empty()
                || command.data.eq_ignore_ascii_case("pause-logging")
                || is_registered(&command.data, None)
            {
                result
                    .failures
                    .push(format!("stop-commands with the token `{}`", command.data));
                continue;
            }
            if command.data.encode_utf16().count() > UNMASKED_STOP_TOKEN {
                result.masks.push(command.data.clone());
            }
            stop_token = Some(command.data.clone());
            result.show(line);
        } else {
            execute(&mut result, &command);
        }
        result.commands.push(command);
    }
    result
}

fn execute(result: &mut Interpreted, command: &Command) {
    let name = command
        .properties
        .get("name")
        .filter(|name| !name.is_empty());
    match command.name.as_str() {
        "error" | "warning" | "notice" => result.annotate(command),
        "add-mask" if !command.data.trim().is_empty() => result.mask(&command.data),
        "debug" | "group" => result.show(&format!("##[{}]{}", command.name, command.data)),
        "endgroup" => result.show("##[endgroup]"),
        "set-output" | "save-state" => match name {
            Some(name) => {
                let pairs = if command.name == "set-output" {
                    &mut result.outputs
                } else {
                    &mut result.state
                };
                pairs.push((name.clone(), command.data.clone()));
            }
            None => result
                .failures
                .push(format!("{} without a name", command.name)),
        },
        // The runner blocks these unless ACTIONS_ALLOW_UNSECURE_COMMANDS is set.
        "set-env" | "add-path" => result
            .failures
            .push(format!("{} is disabled", command.name)),
        "echo"
            if !matches!(
                command.data.trim().to_ascii_lowercase().as_str(),
                "on" | "off"
            ) =>
        {
            result
                .failures
                .push(format!("echo with the value `{}`", command.data));
        }
        _ => {}
    }
}

/// Removes invalid positions, as `ValidateLinesAndColumns` in `ActionCommandManager.cs` does.
fn sensible_positions(mut properties: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let number = |properties: &BTreeMap<String, String>, name: &str| {
        properties
            .get(name)
            .and_then(|text| text.trim().parse::<i32>().ok())
    };
    let given_line = number(&properties, "line");
    let end_line = number(&properties, "endline");
    let column = number(&properties, "col");
    let end_column = number(&properties, "endcolumn");
    let has_column = column.is_some() || end_column.is_some();
    if end_line.is_some() && given_line.is_none() {
        copy(&mut properties, "endline", "line");
    }
    if end_column.is_some() && column.is_none() {
        copy(&mut properties, "endcolumn", "col");
    }
    let line_text = properties.get("line").cloned();
    let has_line = given_line.is_some() || end_line.is_some();
    let several_lines = end_line.is_some() && line_text.as_ref() != properties.get("endline");
    let reversed_columns = column
        .zip(end_column)
        .is_some_and(|(start, end)| end < start);
    if has_column && (!has_line || several_lines) || reversed_columns {
        properties.remove("col");
        properties.remove("endcolumn");
    }
    if given_line
        .zip(end_line)
        .is_some_and(|(start, end)| end < start)
    {
        properties.remove("line");
        properties.remove("endline");
    }
    properties
}

fn copy(properties: &mut BTreeMap<String, String>, from: &str, to: &str) {
    if let Some(value) = properties.get(from).cloned() {
        properties.insert(to.to_owned(), value);
    }
}

fn truncate_utf16(text: &str, limit: usize) -> String {
    let mut units = 0;
    text.chars()
        .take_while(|character| {
            units += character.len_utf16();
            units <= limit
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Option<(String, String)> {
        let commands = interpret([line]).commands;
        assert!(commands.len() < 2);
        commands
            .into_iter()
            .next()
            .map(|command| (command.name, command.data))
    }

    fn some(name: &str, data: &str) -> Option<(String, String)> {
        Some((name.to_owned(), data.to_owned()))
    }

    #[test]
    fn the_new_form_starts_a_line() {
        assert_eq!(one("::error::broken"), some("error", "broken"));
        assert_eq!(one(" \t ::ERROR file=a::broken"), some("error", "broken"));
        assert_eq!(one("x ::error::broken"), None);
        assert_eq!(one("::error"), None);
        assert_eq!(one("::unheard-of::x"), None);
        assert_eq!(one("::error::a%0Ab%25%0D%3A"), some("error", "a\nb%\r%3A"));
        // `%25` is last: what was escaped twice is unescaped once.
        assert_eq!(one("::error::%250A"), some("error", "%0A"));
    }

    #[test]
    fn the_old_form_is_found_anywhere() {
        assert_eq!(
            one("branch `##[set-output name=allowed]true`"),
            some("set-output", "true`")
        );
        assert_eq!(one("::nothing::##[error]x"), some("error", "x"));
        assert_eq!(one("::notice::##[error]x"), some("notice", "##[error]x"));
        assert_eq!(one("##[error x"), None);
        assert_eq!(one("##[section]##[error]x"), None);
        assert_eq!(one("##[error]a%3B%5D"), some("error", "a;]"));
    }

    #[test]
    fn properties_are_split_and_unescaped() {
        let command = interpret(["::error file=a%2Cb,line=3,title=,COL==4,x::m"])
            .commands
            .remove(0);
        let properties: Vec<(&str, &str)> = command
            .properties
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(properties, [("col", "4"), ("file", "a,b"), ("line", "3")]);
        let old = interpret(["x ##[set-output name=a%3Bb;y=z]v"]);
        assert_eq!(old.outputs, [("a;b".to_owned(), "v".to_owned())]);
    }

    #[test]
    fn stopped_commands_are_text_until_the_token() {
        let log = interpret([
            "::stop-commands::secret-token",
            "::error::a",
            "##[error]b",
            "::secret-token::",
            "::error::c",
        ]);
        let names: Vec<&str> = log
            .commands
            .iter()
            .map(|command| command.name.as_str())
            .collect();
        assert_eq!(names, ["stop-commands", "secret-token", "error"]);
        assert_eq!(log.annotations.len(), 1);
        assert_eq!(log.visible[1], "::error::a");
        assert_eq!(
            interpret(["::stop-commands::", "::error::a"])
                .annotations
                .len(),
            1
        );
        assert_eq!(interpret(["::stop-commands::error"]).failures.len(), 1);
    }

    #[test]
    fn the_old_form_resumes_too() {
        let log = interpret(["::stop-commands::token-1", "text ##[TOKEN-1]", "::error::c"]);
        assert_eq!(log.annotations.len(), 1);
    }

    #[test]
    fn masks_hide_values_and_their_lines() {
        let log = interpret([
            "before: line-a",
            "::add-mask::line-a%0Aline-b",
            "after: line-b, line-a",
            "::add-mask:: ",
        ]);
        assert_eq!(log.visible, ["before: line-a", "after: ***, ***"]);
    }

    #[test]
    fn dangerous_commands_are_refused_and_fail_the_step() {
        assert_eq!(
            interpret(["::set-env name=PATH::/evil"]).failures,
            ["set-env is disabled"]
        );
        assert_eq!(
            interpret(["::add-path::/evil"]).failures,
            ["add-path is disabled"]
        );
        assert_eq!(
            interpret(["::set-output::x"]).failures,
            ["set-output without a name"]
        );
    }

    #[test]
    fn annotations_are_few_and_short() {
        let lines = vec!["::error::x"; 12];
        assert_eq!(interpret(lines).annotations.len(), 10);
        let long = format!("::notice::{}", "é".repeat(5000));
        assert_eq!(
            interpret([long.as_str()]).annotations[0]
                .message
                .chars()
                .count(),
            4096
        );
    }

    #[test]
    fn impossible_positions_are_dropped() {
        let keys = |line: &str| {
            interpret([line]).annotations[0]
                .properties
                .keys()
                .cloned()
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(keys("::error col=3::m"), "");
        assert_eq!(keys("::error endLine=3::m"), "endline line");
        assert_eq!(keys("::error line=5,endLine=3::m"), "");
        assert_eq!(keys("::error line=3,endLine=5,col=1::m"), "endline line");
        assert_eq!(keys("::error line=3,endColumn=5::m"), "col endcolumn line");
    }
}
