//! What a command writes: its result, its errors and its warnings.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use clap::ValueEnum;

use super::style::Colours;
use analysis::report::text::visible;
use engine::policy::quoted;

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

/// Prints a result, or writes it to a file, which has no colours.
///
/// # Errors
/// The file cannot be written.
pub(super) fn write(
    file: Option<&Path>,
    render: impl FnOnce(Colours) -> String,
) -> anyhow::Result<()> {
    let Some(file) = file else {
        print(&render(Colours::stdout()));
        return Ok(());
    };
    let name = quoted(&file.display().to_string());
    std::fs::write(file, render(Colours::default()))
        .with_context(|| format!("{name} cannot be written"))
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
