//! `lint`: what is wrong with policies, and what their authors will hardly have meant.

mod github;
mod human;
mod json;
mod sarif;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::style::Colours;
use super::{complain, print};
use crate::policy::lint::{Finding, Level, Options, Source, lint};
use crate::policy::{Format, MAX_FILE, Position, parse_instant};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The policies
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// How the findings are printed
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
    /// The time that rules expire by, RFC 3339; now when left out
    #[arg(long, value_name = "INSTANT")]
    now: Option<String>,
}

/// How the findings are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of a GitHub Actions job.
    Github,
}

/// A policy that was read, and what was found in it.
struct Linted {
    /// The path as it was given.
    path: PathBuf,
    text: String,
    format: Format,
    findings: Vec<Finding>,
}

impl Linted {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn source(&self) -> Source<'_> {
        Source::new(&self.text, self.format)
    }
}

/// How many findings there are of each level.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
struct Summary {
    errors: usize,
    warnings: usize,
    notes: usize,
}

impl Summary {
    fn of(files: &[Linted]) -> Self {
        let count = |level| {
            let findings = files.iter().flat_map(|file| &file.findings);
            findings.filter(|finding| finding.level == level).count()
        };
        Self {
            errors: count(Level::Error),
            warnings: count(Level::Warning),
            notes: count(Level::Note),
        }
    }

    /// The last line for people.
    fn sentence(self, files: usize) -> String {
        let count = |number: usize, noun: &str| {
            let plural = if number == 1 { "" } else { "s" };
            format!("{number} {noun}{plural}")
        };
        format!(
            "{}, {}, {} in {}\n",
            count(self.errors, "error"),
            count(self.warnings, "warning"),
            count(self.notes, "note"),
            count(files, "file")
        )
    }
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    let now = match arguments
        .now
        .as_deref()
        .map(|text| (text, parse_instant(text)))
    {
        None => Timestamp::now(),
        Some((_, Some(now))) => now,
        Some((text, None)) => {
            complain(&format!(
                "--now is `{text}`, expected an instant such as `2027-01-31T12:00:00Z`"
            ));
            return 2;
        }
    };
    let mut files = Vec::new();
    let mut unreadable = false;
    for path in &arguments.files {
        match read(path, now) {
            Ok(file) => files.push(file),
            Err(error) => {
                unreadable = true;
                complain(&format!("`{}` cannot be read: {error}", path.display()));
            }
        }
    }
    let summary = Summary::of(&files);
    match arguments.format {
        OutputFormat::Human => print(&human::render(&files, summary, Colours::stdout())),
        OutputFormat::Json => print(&json::render(&files, summary)),
        OutputFormat::Sarif => print(&sarif::render(&files)),
        OutputFormat::Github => print(&github::render(&files, summary)),
    }
    match (unreadable, summary.errors) {
        (true, _) => 2,
        (false, 0) => 0,
        (false, _) => 1,
    }
}

fn read(path: &Path, now: Timestamp) -> std::io::Result<Linted> {
    let format = Format::of_path(&path.to_string_lossy());
    let invalid = |message: String| Linted {
        path: path.to_owned(),
        text: String::new(),
        format,
        findings: vec![Finding::invalid(Position::START, message)],
    };
    let bytes = match crate::read_capped(path, MAX_FILE) {
        // It is there and it is a policy that the gate refuses, unlike one that is not there.
        Err(error) if error.kind() == std::io::ErrorKind::FileTooLarge => {
            return Ok(invalid(format!("the policy is {error}")));
        }
        bytes => bytes?,
    };
    let text = match crate::text_of(bytes) {
        Ok(text) => text,
        Err(why) => return Ok(invalid(format!("the policy is {why}"))),
    };
    let options = Options {
        now: Some(now),
        workflows: workflows(path),
    };
    let findings = lint(&text, format, &options);
    Ok(Linted {
        path: path.to_owned(),
        text,
        format,
        findings,
    })
}

/// The names of the workflow files of the repository that the policy is in.
fn workflows(policy: &Path) -> Option<BTreeSet<String>> {
    let files = std::fs::read_dir(crate::workflows::above(policy)?).ok()?;
    let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    Some(names.collect())
}
