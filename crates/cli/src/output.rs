//! What a command writes: its result, its errors and its warnings.

use std::ffi::OsString;
use std::fs::{File, Permissions};
use std::io::{Error, ErrorKind, Result, Write as _};
use std::path::Path;
use std::sync::OnceLock;

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

/// Why a result could not be printed.
static NOT_PRINTED: OnceLock<Error> = OnceLock::new();

/// Prints a result. A closed pipe (`| head`) is not an error; any other is reported at the end, see [`not_printed`].
pub(super) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    if let Err(error) = printed
        && error.kind() != ErrorKind::BrokenPipe
    {
        // The first one says why.
        _ = NOT_PRINTED.set(error);
    }
}

/// Returns why a result could not be printed, such as on a full disk: then the command has failed.
pub(super) fn not_printed() -> Option<&'static Error> {
    NOT_PRINTED.get()
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
    write_whole(file, &render(Colours::default()))
        .with_context(|| format!("{name} cannot be written"))
}

/// Writes a file whole or not at all. What is not a regular file, such as a pipe, takes the text as it is.
fn write_whole(file: &Path, text: &str) -> Result<()> {
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => {
            replace(&file.canonicalize()?, Some(metadata.permissions()), text)
        }
        Ok(_) => std::fs::write(file, text),
        Err(_) => replace(file, None, text),
    }
}

/// Writes a file by way of a temporary one beside it.
///
/// # Errors
/// One of them cannot be written; the file is as it was then.
pub(super) fn replace(file: &Path, permissions: Option<Permissions>, text: &str) -> Result<()> {
    let mut name = OsString::from(".");
    name.push(file.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = file.with_file_name(name);
    let mut new = File::create_new(&beside)?;
    let written = permissions
        .map_or(Ok(()), |permissions| new.set_permissions(permissions))
        .and_then(|()| new.write_all(text.as_bytes()))
        .and_then(|()| new.sync_all())
        .and_then(|()| std::fs::rename(&beside, file));
    if written.is_err() {
        _ = std::fs::remove_file(&beside);
    }
    written
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
