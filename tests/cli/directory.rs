//! A directory of its own, and the program in it.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// A directory with files, the root of a repository.
pub struct Directory(pub PathBuf);

/// What the program said.
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Directory {
    pub fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&root);
        for (file, text) in files.iter().chain(&[(".git/HEAD", "")]) {
            let file = root.join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        Self(root)
    }

    /// With these files in `.github/workflows`.
    pub fn with_workflows(name: &str, files: &[(&str, &str)]) -> Self {
        let directory = Self::new(name, &[]);
        for (file, text) in files {
            directory.write(&format!(".github/workflows/{file}"), text);
        }
        directory
    }

    pub fn write(&self, file: &str, text: impl AsRef<[u8]>) {
        let file = self.0.join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    /// Whether it is there, even as a link to nothing.
    pub fn exists(&self, file: &str) -> bool {
        self.0.join(file).symlink_metadata().is_ok()
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(&[], arguments)
    }

    /// What it prints; it has to succeed without a word on stderr.
    #[track_caller]
    pub fn prints(&self, arguments: &[&str]) -> String {
        let run = self.run(arguments);
        assert_eq!((run.code, &*run.err), (Some(0), ""), "{}", run.out);
        run.out
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

    pub fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.0.join(file)).unwrap()
    }
}

impl Run {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }
}
