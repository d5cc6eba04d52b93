//! A checkout of a repository, and the program in it.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// A directory of its own with files in it. Without a `.git`, a test asks for it where it needs one.
pub struct Checkout(PathBuf);

pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Checkout {
    pub fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(env!("CARGO_CRATE_NAME"))
            .join(name);
        let _ = std::fs::remove_dir_all(&root);
        std::fs::create_dir_all(root.join(".git")).unwrap();
        let checkout = Self(root);
        for (file, text) in files {
            checkout.write(file, text);
        }
        checkout
    }

    /// With these files in `.github/workflows`.
    pub fn with_workflows(name: &str, files: &[(&str, &str)]) -> Self {
        let checkout = Self::new(name, &[]);
        for (file, text) in files {
            checkout.write(&format!(".github/workflows/{file}"), text);
        }
        checkout
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn write(&self, file: &str, text: impl AsRef<[u8]>) {
        let file = self.0.join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    pub fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.0.join(file)).unwrap()
    }

    pub fn exists(&self, file: &str) -> bool {
        self.0.join(file).symlink_metadata().is_ok()
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(&[], arguments)
    }

    pub fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
        let output = Command::new(env!("CARGO_BIN_EXE_repo-permissions"))
            .args(arguments)
            .current_dir(&self.0)
            .env_clear()
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        Run {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs it and gives what it prints; it has to succeed without a word on stderr.
    #[track_caller]
    pub fn prints(&self, arguments: &[&str]) -> String {
        let run = self.run(arguments);
        assert_eq!((run.code, &*run.err), (Some(0), ""), "{}", run.out);
        run.out
    }
}
