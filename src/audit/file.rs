//! Writes the file in the input `audit-log`.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::runner::append_atomically;
use platform::Variables;

/// Appends lines to the file, and creates it if necessary.
///
/// # Errors
/// The file is in neither of the allowed directories, or cannot be written.
pub fn append(variables: &Variables, file: &str, lines: &[String]) -> io::Result<()> {
    let path = allowed_path(variables, file)?;
    let mut text = lines.join("\n");
    text.push('\n');
    if ends_within_line(&path) {
        text.insert(0, '\n');
    }
    let mut options = OpenOptions::new();
    let options = options.create(true).append(true);
    append_atomically(options.open(path)?, &text)
}

/// Returns whether a file ends within a line. Another program may have written it.
fn ends_within_line(path: &Path) -> bool {
    let last_byte = || {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        io::Result::Ok(last)
    };
    last_byte().is_ok_and(|last| last != *b"\n")
}

/// Returns the path of a file in the workspace or in `RUNNER_TEMP`. A link is an error, because an earlier step
/// could point it at a file of the runner.
fn allowed_path(variables: &Variables, file: &str) -> io::Result<PathBuf> {
    let roots: Vec<PathBuf> = ["GITHUB_WORKSPACE", "RUNNER_TEMP"]
        .iter()
        .filter_map(|name| Path::new(variables.get(name)?).canonicalize().ok())
        .collect();
    let workspace = roots
        .first()
        .ok_or_else(|| io::Error::other("`GITHUB_WORKSPACE` is missing"))?;
    let path = workspace.join(file);
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::other("it is not a file name"))?;
    let parent = path.parent().unwrap_or(workspace).canonicalize()?;
    if !roots.iter().any(|root| parent.starts_with(root)) {
        return Err(io::Error::other(
            "it is neither in the workspace nor in `RUNNER_TEMP`",
        ));
    }
    let path = parent.join(name);
    match path.symlink_metadata() {
        Ok(metadata) if !metadata.is_file() => Err(io::Error::other("it is not a file")),
        _ => Ok(path),
    }
}
