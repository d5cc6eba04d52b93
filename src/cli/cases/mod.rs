//! `test`: files of cases beside the policy, run by [`crate::cases`].

mod failure;
mod files;
mod human;
mod json;
mod junit;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use self::files::Results;
use super::diagnostic::{self, Diagnostic};
use super::style::Colours;
use super::{complain, print, print_error};
use crate::policy::parse_instant;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Files of cases, YAML or JSON; of a directory those whose names end in .tests.yml
    #[arg(value_name = "FILE", default_value = ".github")]
    files: Vec<PathBuf>,
    /// How the results are printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The time of cases that don't say theirs, RFC 3339; now when left out
    #[arg(long, value_name = "INSTANT")]
    now: Option<String>,
}

/// How the results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
    /// For CI systems that show tests.
    Junit,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    let now = match &arguments.now {
        None => Some(Timestamp::now()),
        Some(text) => parse_instant(text),
    };
    let Some(now) = now else {
        let text = arguments.now.as_deref().unwrap_or_default();
        complain(&format!(
            "--now is `{text}`, expected an instant such as `2027-01-31T12:00:00Z`"
        ));
        return 2;
    };
    let mut results = Results::default();
    for file in &arguments.files {
        results.add(file, now);
    }
    for error in results.errors() {
        match Diagnostic::of_file_error(error) {
            Some(diagnostic) => {
                let colours = Colours::stderr();
                print_error(&diagnostic::render_file(&error.file, [diagnostic], colours));
            }
            None => complain(&error.text()),
        }
    }
    match arguments.format {
        Format::Human => print(&human::human(&results, Colours::stdout())),
        Format::Json => print(&(json::json(&results) + "\n")),
        Format::Junit => print(&junit::junit(&results)),
    }
    results.exit_code()
}
