//! Where audit records go: the log, and the file of the input `audit-log`.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::workflow::Log;

/// Writes the records. A file that cannot be written is a warning: the records are in the log.
pub fn write(environment: &Environment, file: Option<&str>, records: &[String]) {
    Log.group("Audit records", records.iter().cloned());
    let Some(file) = file else { return };
    let written = place(environment, file).and_then(|path| {
        let mut text = records.join("\n");
        text.push('\n');
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)?
            .write_all(text.as_bytes())
    });
    if let Err(error) = written {
        Log.warning(&format!(
            "the audit log `{file}` was not written, its records are in this log: {error}"
        ));
    }
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
