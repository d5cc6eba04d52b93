//! A directory of its own, and the program in it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::program::{BINARY, Run};

/// A directory that nothing else writes to, removed with the value.
pub struct Directory(pub PathBuf);

impl Directory {
    /// An empty one, and the root of a work tree: no program looks for one above it.
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path).with(".git/HEAD", "")
    }

    /// The root of a repository with these files.
    pub fn checkout(files: &[(&str, &str)]) -> Self {
        let directory = Self::new();
        for (file, text) in files {
            directory.write(file, text);
        }
        directory
    }

    /// The root of a repository with these files in `.github/workflows`.
    pub fn with_workflows(files: &[(&str, &str)]) -> Self {
        let directory = Self::checkout(&[]);
        for (file, text) in files {
            directory.write(&format!(".github/workflows/{file}"), text);
        }
        directory
    }

    pub fn with(self, file: &str, text: impl AsRef<[u8]>) -> Self {
        self.write(file, text);
        self
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    pub fn write(&self, file: &str, text: impl AsRef<[u8]>) {
        let file = self.path(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    pub fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.path(file)).unwrap()
    }

    /// Whether it is there, even as a link to nothing.
    pub fn exists(&self, file: &str) -> bool {
        self.path(file).symlink_metadata().is_ok()
    }

    /// The built program in it, with none of this process's variables.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(arguments).current_dir(&self.0).env_clear();
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        Run::of(&mut self.command(arguments))
    }

    pub fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
        Run::of(self.command(arguments).envs(variables.iter().copied()))
    }

    /// What it prints; it has to succeed without a word on stderr.
    #[track_caller]
    pub fn prints(&self, arguments: &[&str]) -> String {
        let run = self.run(arguments);
        assert_eq!((run.code, &*run.err), (Some(0), ""), "{}", run.out);
        run.out
    }

    /// What git prints in it, as somebody who has no configuration.
    #[track_caller]
    pub fn git(&self, arguments: &[&str]) -> String {
        if matches!(arguments, ["init" | "clone", ..]) {
            std::fs::remove_dir_all(self.path(".git")).unwrap();
        }
        let mut git = Command::new("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@example.com"]);
        let run = Run::of(git.args(arguments).current_dir(&self.0));
        assert_eq!(run.code, Some(0), "git {arguments:?}: {}", run.err);
        run.out.trim_end().to_owned()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}
