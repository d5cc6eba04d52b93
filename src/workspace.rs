//! Files of the workspace, which earlier steps can change.

use std::path::{Path, PathBuf};

/// Returns the path of a file in the workspace. Links to files outside are errors.
pub(super) fn in_workspace(path: &Path, workspace: Option<&Path>) -> std::io::Result<PathBuf> {
    let workspace =
        workspace.ok_or_else(|| std::io::Error::other("`GITHUB_WORKSPACE` is missing"))?;
    let root = workspace.canonicalize()?;
    let file = root.join(path).canonicalize()?;
    if file.starts_with(&root) && file.is_file() {
        Ok(file)
    } else {
        Err(std::io::Error::other("it is not a file in the workspace"))
    }
}
