//! `test`: runs files of cases with [`analysis::cases`].

mod failure;
mod files;
mod human;
mod json;
mod junit;

use std::path::PathBuf;

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use self::files::Results;
use super::diagnostic::{self, Diagnostic};
use super::instant::{instant, now};
use super::output::{print, print_error, report_error};
use super::style::Colours;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Files of cases, YAML or JSON; a directory stands for its files whose names end in .tests.yml
    #[arg(value_name = "FILE", default_value = ".github")]
    files: Vec<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Time of cases that do not set their own, RFC 3339 [default: now]
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    now: Option<Timestamp>,
}

/// Output format of `test`.
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
            None => report_error(&anyhow!(error.text())),
        }
    }
    match arguments.format {
        Format::Human => print(&human::human(&results, Colours::stdout())),
        Format::Json => print(&(json::json(&results) + "\n")),
        Format::Junit => print(&junit::junit(&results)),
    }
    results.exit_code()
}
