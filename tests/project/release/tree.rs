//! A copy of what a release reads and writes, in a git repository of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

/// What the scripts look at.
const COPIED: [&str; 23] = [
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
    "crates/token/Cargo.toml",
    "docs",
    "examples",
    "fuzz/Cargo.lock",
    "man",
    "native",
    "simulator/Cargo.toml",
];
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A temporary directory, gone with it.
pub struct Directory(pub PathBuf);

impl Directory {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("repo-permissions-release-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub struct Tree {
    directory: Directory,
}

impl Tree {
    /// As it is here, not committed.
    pub fn copy() -> Self {
        let directory = Directory::new();
        for name in COPIED {
            let to = directory.0.join(name);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            let mut copy = Command::new("cp");
            let copied = copy.arg("-R").arg(root().join(name)).arg(to).status();
            assert!(copied.unwrap().success(), "{name}");
        }
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
        self.directory.0.join(name)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn edit(&self, name: &str, edit: impl FnOnce(&str) -> String) {
        let text = std::fs::read_to_string(self.path(name)).unwrap_or_default();
        std::fs::write(self.path(name), edit(&text)).unwrap();
    }

    /// Commits everything that is tracked.
    pub fn save(&self, message: &str) {
        self.git(&[
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@example.com",
            "commit",
            "--quiet",
            "--allow-empty",
            "--all",
            "--message",
            message,
        ]);
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(self.path(""))
            .output()
            .unwrap();
        said(&output).unwrap_or_else(|failure| panic!("git {arguments:?}: {failure}"))
    }

    /// Runs a script of `.github/release`: what it prints, or what it says on standard error.
    pub fn run(&self, script: &str, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new(self.path(".github/release").join(script))
            .args(arguments)
            .current_dir(self.path(""))
            .output()
            .unwrap();
        said(&output)
    }
}

fn said(output: &Output) -> Result<String, String> {
    let text = |bytes: &[u8]| {
        String::from_utf8(bytes.to_vec())
            .unwrap()
            .trim_end()
            .to_owned()
    };
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
