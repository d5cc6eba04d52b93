//! Reads the directory `.github/workflows`.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};

use analysis::workflows::{MAX_FILE, Workflows, is_workflow};
use engine::encoding::text_of;

/// Name of this action in `uses:`, without its owner.
pub(crate) const ACTION: &str = "repo-permissions";

/// Reads the workflow files in a directory: `*.yml` and `*.yaml`, as GitHub does.
///
/// # Errors
/// The directory cannot be read.
pub(crate) fn read_workflows(directory: &Path) -> std::io::Result<Workflows> {
    let mut names: Vec<_> = std::fs::read_dir(directory)?
        .filter_map(|entry| Some(entry.ok()?.file_name()))
        .filter(|name| is_workflow(&name.to_string_lossy()))
        .collect();
    names.sort_unstable();
    let texts = names.into_iter().map(|name| {
        let text = read_text(&directory.join(&name)).map_err(|error| format!("{error:#}"));
        (name.to_string_lossy().into_owned(), text)
    });
    Ok(Workflows::of_texts(texts))
}

fn read_text(file: &Path) -> anyhow::Result<String> {
    // Reading a pipe would block.
    let is_file = std::fs::metadata(file).map(|metadata| metadata.is_file());
    if is_file.is_ok_and(|is_file| !is_file) {
        bail!("it is not a file");
    }
    let bytes = platform::read_capped(file, MAX_FILE)?;
    text_of(bytes).map_err(|error| anyhow!("it is {error}"))
}

/// Returns `.github/workflows` of the repository that contains a file, from the nearest directory above it
/// that has one.
pub(crate) fn find_workflows(file: &Path) -> Option<PathBuf> {
    let file = std::path::absolute(file).ok()?;
    for directory in file.ancestors().skip(1) {
        let workflows = directory.join(".github/workflows");
        if workflows.is_dir() {
            return Some(workflows);
        }
        // The workflows of an enclosing repository do not belong to this one.
        if directory.join(".git").exists() {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_with_a_workflows_ending_are_read() {
        let directory = std::env::temp_dir().join(format!("workflows-{}", std::process::id()));
        std::fs::create_dir_all(directory.join("d.yml")).unwrap();
        for (name, text) in [
            ("b.yaml", &b"on: push\njobs: {}"[..]),
            ("a.yml", b"on: push\njobs: {}"),
            ("README.md", b"# x"),
            ("c.yml", b"\xff"),
            ("large.yml", &b"#".repeat(MAX_FILE + 1)),
        ] {
            std::fs::write(directory.join(name), text).unwrap();
        }
        let workflows = read_workflows(&directory).unwrap();
        std::fs::remove_dir_all(&directory).unwrap();
        let files: Vec<_> = workflows
            .files
            .iter()
            .map(|file| file.file.as_str())
            .collect();
        assert_eq!(files, ["a.yml", "b.yaml"]);
        let unreadable: Vec<_> = workflows
            .unreadable
            .iter()
            .map(ToString::to_string)
            .collect();
        insta::assert_snapshot!(unreadable.join("\n"), @"
        cannot read the workflow `c.yml`: it is not UTF-8 text: byte 0
        cannot read the workflow `d.yml`: it is not a file
        cannot read the workflow `large.yml`: larger than 1048576 bytes, which is the limit
        ");
        assert!(read_workflows(&directory).is_err());
    }
}
