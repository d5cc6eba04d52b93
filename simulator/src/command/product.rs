//! Finds or builds a program.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

/// Returns the root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_path_buf)
        .unwrap_or_default()
}

/// Returns the given binary, or that of this name beside this program. In a directory of cargo's it builds it first, in
/// the same profile.
pub(crate) fn binary(name: &str, given: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    if let Some(given) = given {
        // The step runs in another directory.
        return given
            .canonicalize()
            .with_context(|| format!("{}", given.display()));
    }
    let own = std::env::current_exe().context("cannot find this program's path")?;
    let directory = own.parent().context("cannot find this program's path")?;
    let beside = directory
        .join(name)
        .with_extension(std::env::consts::EXE_EXTENSION);
    if !directory.join(".fingerprint").is_dir() {
        ensure!(
            beside.is_file(),
            "{name} does not lie beside this program, and cargo does not build here: name it with `--binary FILE`"
        );
        return Ok(beside);
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    // Without `--package`, as this program was built: the two then have each crate in common.
    build.args(["build", "--bin", name]);
    if directory.ends_with("release") {
        build.arg("--release");
    }
    if let Some(target) = directory.parent() {
        build.arg("--target-dir").arg(target);
    }
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_of_this_package(name)) {
        build.env_remove(name);
    }
    let status = build
        .current_dir(root())
        .status()
        .context("cannot start cargo")?;
    ensure!(status.success(), "cargo could not build {name}");
    Ok(beside)
}

/// Returns whether `cargo run` sets the variable for the program that it runs. Build scripts would treat it as
/// a change, so that cargo would rebuild both programs each time.
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
