//! What a command writes: its result, its errors and its warnings.

use std::io::Write as _;

use clap::ValueEnum;

use super::style::Colours;
use analysis::report::text::visible;

/// Output format of a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
}

/// Prints a result. A closed pipe (`| head`) is not an error.
pub(super) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    _ = out.write_all(text.as_bytes());
    _ = out.flush();
}

/// Prints to standard error.
pub(super) fn print_error(text: &str) {
    _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Prints an error with its causes in one line.
pub(super) fn report_error(error: &anyhow::Error) {
    let word = Colours::stderr().error("error:").to_string();
    print_error(&format!("{word} {}\n", visible(&format!("{error:#}"))));
}

/// Prints a warning in one line.
pub(super) fn warn(message: &str) {
    let word = Colours::stderr().warning("warning:").to_string();
    print_error(&format!("{word} {}\n", visible(message)));
}
