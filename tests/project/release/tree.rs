//! A copy of what a release reads and writes, in a git repository of its own.

use std::path::PathBuf;
use std::process::Command;

use crate::support::directory::Directory;
use crate::support::program::Run;
use crate::support::root;

/// What the scripts look at.
const COPIED: [&str; 29] = [
    ".github/release",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "Dockerfile.prebuilt",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "action.yml",
    "benches/decision/Cargo.lock",
    "crates/analysis/Cargo.toml",
    "crates/cli/Cargo.toml",
    "crates/engine/Cargo.toml",
    "crates/github/Cargo.toml",
    "crates/platform/Cargo.toml",
    "crates/server/Cargo.toml",
    "crates/token/Cargo.toml",
    "deploy",
    "docs",
    "examples",
    "fuzz/Cargo.lock",
    "man",
    "native",
    "packaging",
    "pyproject.toml",
    "schema",
    "setup",
    "simulator/Cargo.toml",
];
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

pub struct Tree {
    directory: Directory,
}

impl Tree {
    /// As it is here, not committed.
    pub fn copy() -> Self {
        let directory = Directory::new();
        let mut copy = Command::new("cp");
        copy.args(["-R", "--parents"]).args(COPIED);
        let copied = copy.arg(directory.path("")).current_dir(root()).status();
        assert!(copied.unwrap().success());
        // The tree of a release has what a release writes; on main there is none of it.
        let tree = Self { directory };
        tree.edit("action.yml", |text| {
            let line = text.lines().find(|line| line.starts_with("  image: "));
            text.replace(line.unwrap(), "  image: Dockerfile")
        });
        let _ = std::fs::remove_file(tree.path("native/checksums.txt"));
        tree
    }

    /// Ready for the release of the version that `Cargo.toml` names, and committed.
    pub fn ready() -> Self {
        let tree = Self::copy();
        tree.edit("CHANGELOG.md", |text| {
            let heading = format!("## {VERSION} - 2026-12-01");
            if text.contains(&heading) {
                text.to_owned()
            } else {
                text.replacen("## Unreleased", &heading, 1)
            }
        });
        tree.git(&["init", "--quiet", "--initial-branch", "main"]);
        tree.git(&["add", "--all"]);
        tree.save("Prepare the release");
        tree
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path(name)
    }

    pub fn read(&self, name: &str) -> String {
        self.directory.read(name)
    }

    pub fn edit(&self, name: &str, edit: impl FnOnce(&str) -> String) {
        let text = std::fs::read_to_string(self.path(name)).unwrap_or_default();
        self.directory.write(name, edit(&text));
    }

    /// Commits everything that is tracked.
    pub fn save(&self, message: &str) {
        let commit = [
            "commit",
            "--quiet",
            "--allow-empty",
            "--all",
            "--message",
            message,
        ];
        self.git(&commit);
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        self.directory.git(arguments)
    }

    /// Runs a script of `.github/release`: what it prints, or what it says on standard error.
    pub fn run(&self, script: &str, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new(self.path(".github/release").join(script));
        let run = Run::of(command.args(arguments).current_dir(self.path("")));
        match run.code {
            Some(0) => Ok(run.out.trim_end().to_owned()),
            _ => Err(run.err.trim_end().to_owned()),
        }
    }
}
