//! `test`: runs files of cases with [`analysis::cases`].

mod failure;
mod files;
mod human;
mod json;
mod junit;

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use self::files::Results;
use super::diagnostic::{self, Diagnostic};
use super::git::Git;
use super::instant::{instant, now};
use super::output::{print, print_error, report_error};
use super::style::Colours;
use super::work_tree::relative;
use analysis::cases::Coverage;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Files of cases, YAML or JSON; a directory stands for its files whose names end in .tests.yml [default:
    /// .github of the git work tree]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Also fail if cases match less than this percentage of the rules
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    min_coverage: Option<u8>,
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
    for file in &files(arguments) {
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
    let code = results.exit_code();
    let is_below = arguments
        .min_coverage
        .is_some_and(|percent| is_below(&results.coverage, percent));
    if let (0, true, Some(percent)) = (code, is_below, arguments.min_coverage) {
        report_error(&anyhow!(
            "the cases match less than {percent} % of the rules (--min-coverage)"
        ));
        return 1;
    }
    code
}

/// Returns the given files, or `.github` of the work tree.
fn files(arguments: &Arguments) -> Vec<PathBuf> {
    if !arguments.files.is_empty() {
        return arguments.files.clone();
    }
    let root = Git::discover(Path::new("."))
        .map(|git| relative(&git.root))
        .unwrap_or_default();
    let root = root.strip_prefix(".").unwrap_or(&root).to_owned();
    vec![root.join(".github")]
}

/// Whether the cases match less than a percentage of the rules.
fn is_below(coverage: &Coverage, percent: u8) -> bool {
    let rules = coverage.rules();
    let covered = rules.saturating_sub(coverage.uncovered().count());
    covered.saturating_mul(100) < rules.saturating_mul(usize::from(percent))
}
