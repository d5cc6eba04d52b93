//! Doing what a page says.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use ::engine::policy::Format;
use regex::Regex;
use serde_json::Value;

use super::page::{Block, Page, Piece, Quote};
use super::read;
use crate::schema;
use crate::support::directory::Directory;
use crate::support::program::BINARY;
use crate::support::{root, yaml};

const ACTION: &str = "repo-permissions/repo-permissions";

/// What differs between two runs: the port of the simulator, times, and what is computed from them.
static VARYING: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"\d+ ms", "N ms"),
        (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
    ]
    .map(|(varying, stands)| (Regex::new(varying).unwrap(), stands))
    .to_vec()
});

/// Does what a page says, and tells what is not as it says. With `UPDATE_DOCUMENTATION` the page is made to
/// say what commands print.
pub fn page(page: &Page) -> Vec<String> {
    let mut shell = Shell::new();
    let mut problems = Vec::new();
    let mut updates = Vec::new();
    for piece in &page.pieces {
        let (line, done) = match piece {
            Piece::Run(line, command) => (*line, shell.prepare(command)),
            Piece::Block(block) => (block.line, shell.block(block, &mut updates)),
            Piece::Quote(quote) => (quote.line, shell.quote(quote, &mut updates)),
        };
        if let Err(problem) = done {
            problems.push(format!("{}:{line}: {problem}", page.file));
        }
    }
    if std::env::var_os("UPDATE_DOCUMENTATION").is_some() {
        update(page, updates);
    }
    problems
}

/// The directory of a page.
struct Shell {
    directory: Directory,
    /// The exit code of the last command.
    code: i32,
}

impl Shell {
    fn new() -> Self {
        // A repository of its own, so that no command looks for one above it.
        let directory = Directory::new().with(".git/HEAD", "ref: refs/heads/main\n");
        Self { directory, code: 0 }
    }

    fn block(&mut self, block: &Block, updates: &mut Vec<Update>) -> Result<(), String> {
        let language = block.info.first().map_or("", String::as_str);
        for word in block.info.iter().skip(1) {
            if !["no-run", "invalid"].contains(&word.as_str()) {
                return Err(format!("`{word}` behind the fence means nothing"));
            }
        }
        if block.has("no-run") {
            return Ok(());
        }
        match language {
            "console" => {
                let printed = self.console(&block.text)?;
                let (shown, got) = (comparable(&block.text), comparable(&printed));
                if !matches(&shown, &got) {
                    if !shown.lines().any(|line| line == "…") {
                        let indent = " ".repeat(block.indent);
                        updates.push(Update::new(block.line, &block.text, &indent, &printed));
                    }
                    return Err(format!("the commands print\n{}", difference(&shown, &got)));
                }
                Ok(())
            }
            "sh" => self.script(&block.text),
            "yaml" => self.yaml(block),
            "json" => {
                let parsed = serde_json::from_str::<Value>(&block.text);
                parsed.map(drop).map_err(|error| error.to_string())
            }
            "" if block.text.contains("--") => Ok(()),
            "" => Err("a fence without a language is for drawings".to_owned()),
            language => Err(format!("nothing can be done with `{language}`")),
        }
    }

    fn quote(&mut self, quote: &Quote, updates: &mut Vec<Update>) -> Result<(), String> {
        let printed = self.sh(&quote.command);
        let (shown, got) = (comparable(&quote.text), comparable(&printed));
        if shown == got {
            return Ok(());
        }
        updates.push(Update::new(
            quote.line,
            &quote.text,
            "> ",
            printed.trim_end(),
        ));
        let difference = difference(&shown, &got);
        Err(format!("`{}` prints\n{difference}", quote.command))
    }

    /// A command that is not shown.
    fn prepare(&mut self, command: &str) -> Result<(), String> {
        let printed = self.sh(command);
        match self.code {
            0 => Ok(()),
            code => Err(format!("`{command}` ends with {code}\n{printed}")),
        }
    }

    fn script(&mut self, text: &str) -> Result<(), String> {
        for command in commands(text) {
            let program = command.split_whitespace().next().unwrap_or_default();
            if program.starts_with("benches/") {
                if !root().join(program).is_file() {
                    return Err(format!("there is no {program}"));
                }
                continue;
            }
            let printed = self.sh(&command);
            if !(0..=1).contains(&self.code) {
                return Err(format!("`{command}` ends with {}\n{printed}", self.code));
            }
        }
        Ok(())
    }

    /// The block as it has to be.
    fn console(&mut self, text: &str) -> Result<String, String> {
        if !text.starts_with("$ ") {
            return Err("no command: the first line has to start with `$ `".to_owned());
        }
        let mut block = String::new();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let Some(first) = line.strip_prefix("$ ") else {
                continue;
            };
            block += &format!("{line}\n");
            let mut command = first.to_owned();
            while command.ends_with('\\') {
                let line = lines.next().ok_or("a command without an end")?;
                block += &format!("{line}\n");
                command.pop();
                command += line;
            }
            let mut printed = self.sh(&command);
            if !printed.is_empty() && !printed.ends_with('\n') {
                printed.push('\n');
            }
            block += &printed;
        }
        Ok(block)
    }

    /// What a command prints, both streams in their order.
    fn sh(&mut self, command: &str) -> String {
        if let Some(arguments) = command.trim().strip_prefix("cargo run --bin simulator") {
            return self.simulator(arguments.trim_start_matches([' ', '-']));
        }
        let binary = Path::new(BINARY).parent().unwrap();
        let script = format!("exec 2>&1\n(exit {})\n{command}", self.code);
        let output = Command::new("sh")
            .args(["-c", &script])
            .current_dir(&self.directory.0)
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", binary.display()))
            .env("ROOT", root())
            .output()
            .unwrap();
        self.code = output.status.code().unwrap_or(-1);
        String::from_utf8(output.stdout).unwrap()
    }

    fn simulator(&mut self, arguments: &str) -> String {
        let arguments = match arguments {
            "" => String::new(),
            arguments => format!("--{arguments}"),
        };
        let words = arguments.split_whitespace();
        let words = ["simulator", "--binary", BINARY].into_iter().chain(words);
        let mut printed = Vec::new();
        match simulator::command::run(words.map(OsString::from), &self.directory.0, &mut printed) {
            Ok(code) => self.code = code.into(),
            Err(error) => {
                self.code = 2;
                printed = format!("{error:#}\n").into_bytes();
            }
        }
        String::from_utf8(printed).unwrap()
    }

    fn yaml(&mut self, block: &Block) -> Result<(), String> {
        if let Some(name) = block.name() {
            self.directory.write(name, &block.text);
        }
        let policy = || schema::check(&block.text, Format::Yaml);
        let is_policy = block.text.lines().any(|line| line.starts_with("version:"));
        match (is_policy, block.has("invalid")) {
            (true, false) => policy(),
            (true, true) => match policy() {
                Ok(()) => Err("the policy is valid".to_owned()),
                Err(_) => Ok(()),
            },
            (false, true) => Err("only a policy can be `invalid`".to_owned()),
            (false, false) => workflow(&block.text),
        }
    }
}

/// The commands of a script: its lines, those that end in a backslash joined with the next.
fn commands(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let lines = joined.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

/// YAML; each step in it that uses the action gives it only inputs that it has.
fn workflow(text: &str) -> Result<(), String> {
    let value = std::panic::catch_unwind(|| yaml::to_json(text));
    let value = value.map_err(|_| "not YAML".to_owned())?;
    let action = yaml::to_json(&read("action.yml"));
    let inputs: BTreeSet<_> = action["inputs"].as_object().unwrap().keys().collect();
    let mut steps = Vec::new();
    steps_of(&value, &mut steps);
    if steps.len() != text.matches(&format!("uses: {ACTION}@")).count() {
        return Err(format!("a step with `{ACTION}` is not where it belongs"));
    }
    for step in steps {
        let with = step["with"].as_object().ok_or("a step without `with:`")?;
        if !with.contains_key("permission") {
            return Err("a step without `permission`".to_owned());
        }
        if let Some(unknown) = with.keys().find(|name| !inputs.contains(name)) {
            return Err(format!("the action has no input `{unknown}`"));
        }
    }
    Ok(())
}

fn steps_of<'v>(value: &'v Value, steps: &mut Vec<&'v Value>) {
    let uses = value.get("uses").and_then(Value::as_str);
    if uses.is_some_and(|uses| uses.starts_with(&format!("{ACTION}@"))) {
        steps.push(value);
    }
    let children: Vec<_> = match value {
        Value::Array(list) => list.iter().collect(),
        Value::Object(members) => members.values().collect(),
        _ => Vec::new(),
    };
    for child in children {
        steps_of(child, steps);
    }
}

fn comparable(text: &str) -> String {
    let text = VARYING
        .iter()
        .fold(text.to_owned(), |text, (varying, stands)| {
            varying.replace_all(&text, *stands).into_owned()
        });
    let lines = text.lines().map(|line| format!("{}\n", line.trim_end()));
    lines.collect::<String>().trim_end().to_owned()
}

/// Whether a text is as it is shown, where a line `…` stands for any lines.
fn matches(shown: &str, got: &str) -> bool {
    let shown: Vec<_> = shown.lines().collect();
    let got: Vec<_> = got.lines().collect();
    let mut from = 0;
    let parts: Vec<_> = shown.split(|line| *line == "…").collect();
    for (index, part) in parts.iter().enumerate() {
        let rest = &got[from..];
        let found = match index {
            0 => rest.starts_with(part).then_some(0),
            index if index + 1 == parts.len() => rest
                .len()
                .checked_sub(part.len())
                .filter(|at| &rest[*at..] == *part),
            _ => (0..=rest.len()).find(|at| rest[*at..].starts_with(part)),
        };
        let Some(at) = found else { return false };
        from += at + part.len();
    }
    parts.len() > 1 || from == got.len()
}

/// The lines that differ, as in a patch.
fn difference(shown: &str, got: &str) -> String {
    let diff = similar::TextDiff::from_lines(shown, got);
    diff.unified_diff()
        .context_radius(2)
        .missing_newline_hint(false)
        .header("shown", "printed")
        .to_string()
}

/// Lines of a page to be replaced.
struct Update {
    /// The number of lines before them.
    after: usize,
    count: usize,
    lines: Vec<String>,
}

impl Update {
    /// `prefix` stands before each line on the page.
    fn new(after: usize, shown: &str, prefix: &str, printed: &str) -> Self {
        let line = |line: &str| format!("{prefix}{line}").trim_end().to_owned();
        Self {
            after,
            count: shown.lines().count(),
            lines: printed.lines().map(line).collect(),
        }
    }
}

/// Puts what is printed into the page, from its end so that lines stay where they are.
fn update(page: &Page, updates: Vec<Update>) {
    let text = read(&page.file);
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    for update in updates.into_iter().rev() {
        let replaced = update.after..update.after + update.count;
        lines.splice(replaced, update.lines);
    }
    std::fs::write(root().join(&page.file), lines.join("\n") + "\n").unwrap();
}
