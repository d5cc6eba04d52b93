//! `test`: files of cases beside the policy, run by [`analysis::cases`].

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
use super::instant::{instant, now};
use super::style::Colours;
use super::{print, print_error, report_error};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Files of cases, YAML or JSON; of a directory those whose names end in .tests.yml
    #[arg(value_name = "FILE", default_value = ".github")]
    files: Vec<PathBuf>,
    /// How the results are printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The time of cases that don't say theirs, RFC 3339; now when left out
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    now: Option<Timestamp>,
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
    let now = arguments.now.unwrap_or_else(now);
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
            None => report_error(&error.text()),
        }
    }
    match arguments.format {
        Format::Human => print(&human::human(&results, Colours::stdout())),
        Format::Json => print(&(json::json(&results) + "\n")),
        Format::Junit => print(&junit::junit(&results)),
    }
    results.exit_code()
}
