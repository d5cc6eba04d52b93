//! Finding the built action.

use std::ffi::OsStr;
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
    // Without `--package`, as this program was built: the two then have each crate in common.
    build.args(["build", "--bin", "repo-permissions"]);
    if directory.ends_with("release") {
        build.arg("--release");
    }
    if let Some(target) = directory.parent() {
        build.arg("--target-dir").arg(target);
    }
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_of_this_package(name)) {
        build.env_remove(name);
    }
    let status = build.current_dir(root()).status().context("start cargo")?;
    ensure!(status.success(), "the action could not be built");
    Ok(directory.join("repo-permissions"))
}

/// Whether `cargo run` says by it what it runs. Build scripts take such a variable for a change, and both
/// programs would be built anew each time.
fn is_of_this_package(variable: &OsStr) -> bool {
    let name = variable.as_encoded_bytes();
    [&b"CARGO_PKG_"[..], b"CARGO_MANIFEST_"]
        .iter()
        .any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_action_is_not_built_anew_each_time() {
        for (name, is) in [
            ("CARGO_PKG_NAME", true),
            ("CARGO_MANIFEST_DIR", true),
            ("CARGO_HOME", false),
            ("CARGO_BUILD_JOBS", false),
            ("PATH", false),
        ] {
            assert_eq!(is_of_this_package(OsStr::new(name)), is, "{name}");
        }
    }
}
