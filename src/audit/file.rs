//! The file of the input `audit-log`.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use crate::workflow::append_whole;
use platform::Environment;

/// Appends lines to the file, which may not be there yet.
///
/// # Errors
/// It is in another place than steps share, or cannot be written.
pub fn append(environment: &Environment, file: &str, lines: &[String]) -> io::Result<()> {
    let mut text = lines.join("\n");
    text.push('\n');
    let mut options = OpenOptions::new();
    let options = options.create(true).append(true);
    append_whole(options.open(place(environment, file)?)?, &text)
}

/// A file in the workspace or in `RUNNER_TEMP`; no link, since an earlier step could point it at
/// another file of the runner's.
fn place(environment: &Environment, file: &str) -> io::Result<PathBuf> {
    let roots: Vec<PathBuf> = ["GITHUB_WORKSPACE", "RUNNER_TEMP"]
        .iter()
        .filter_map(|name| Path::new(environment.get(name)?).canonicalize().ok())
        .collect();
    let workspace = roots
        .first()
        .ok_or_else(|| io::Error::other("`GITHUB_WORKSPACE` is missing"))?;
    let path = workspace.join(file);
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::other("it is not the name of a file"))?;
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
