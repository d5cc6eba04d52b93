//! Finding the built action.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_path_buf)
        .unwrap_or_default()
}

/// The binary given, or the one beside this program, built first in the same profile.
pub(crate) fn binary(given: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    if let Some(given) = given {
        // The step runs in another directory.
        return given
            .canonicalize()
            .with_context(|| format!("{}", given.display()));
    }
    let own = std::env::current_exe().context("where this program is")?;
    let directory = own.parent().context("where this program is")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args([
        "build",
        "--package",
        "repo-permissions",
        "--bin",
        "repo-permissions",
    ]);
    if directory.ends_with("release") {
        build.arg("--release");
    }
    if let Some(target) = directory.parent() {
        build.arg("--target-dir").arg(target);
    }
    let status = build.current_dir(root()).status().context("start cargo")?;
    ensure!(status.success(), "the action could not be built");
    Ok(directory.join("repo-permissions"))
}
