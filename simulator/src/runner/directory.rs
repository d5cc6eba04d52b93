//! The directories of a step, which live as long as its result.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::variables::Paths;
use crate::unique::{guid, hex};

/// State of the files of `GITHUB_OUTPUT`, `GITHUB_ENV`, `GITHUB_PATH`, `GITHUB_STATE` and `GITHUB_STEP_SUMMARY`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FileCommands {
    /// Empty, writable files.
    #[default]
    Usable,
    /// Their directory does not exist.
    Missing,
    /// Mode 0444, which root can still write.
    ReadOnly,
    /// Directories instead of files.
    Directories,
    /// Files that fail every write as on a full disk (`/dev/full`).
    Full,
    /// Pipes without a reader.
    Pipes,
    /// Links to writable files.
    Links,
    /// Unset variables, as with a very old runner.
    Unset,
}

/// Names of variables without `GITHUB_`, and file prefixes, from `FileCommandManager.cs`.
const FILES: [(&str, &str); 5] = [
    ("OUTPUT", "set_output_"),
    ("ENV", "set_env_"),
    ("PATH", "add_path_"),
    ("STATE", "save_state_"),
    ("STEP_SUMMARY", "step_summary_"),
];

/// A temporary directory for one step.
#[derive(Debug)]
pub(crate) struct StepDirectory {
    root: PathBuf,
    pub(crate) paths: Paths,
}

impl StepDirectory {
    pub(crate) fn create(
        parent: &Path,
        event: &str,
        workspace_files: &[(String, Vec<u8>)],
        file_commands: FileCommands,
    ) -> anyhow::Result<Self> {
        let root = parent.join(format!("simulator-{}", hex(8)));
        let mut directory = Self {
            paths: Paths {
                workspace: root.join("workspace"),
                home: root.join("home"),
                event: root.join("workflow/event.json"),
                runner_temp: root.join("runner_temp"),
                file_commands: Vec::new(),
            },
            root,
        };
        directory
            .fill(event, workspace_files)
            .context("cannot create the step's directories")?;
        directory
            .create_file_commands(file_commands)
            .context("cannot create the step's file commands")?;
        Ok(directory)
    }

    fn fill(&self, event: &str, workspace_files: &[(String, Vec<u8>)]) -> io::Result<()> {
        for name in ["workspace", "home", "workflow", "runner_temp"] {
            fs::create_dir_all(self.root.join(name))?;
        }
        fs::write(&self.paths.event, event)?;
        for (path, content) in workspace_files {
            let path = self.paths.workspace.join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, content)?;
        }
        Ok(())
    }

    fn create_file_commands(&mut self, kind: FileCommands) -> io::Result<()> {
        if kind == FileCommands::Unset {
            return Ok(());
        }
        let directory = self.root.join("file_commands");
        if kind != FileCommands::Missing {
            fs::create_dir_all(&directory)?;
        }
        let suffix = guid();
        for (name, prefix) in FILES {
            let path = directory.join(format!("{prefix}{suffix}"));
            match kind {
                FileCommands::Usable => fs::write(&path, "")?,
                FileCommands::ReadOnly => {
                    fs::write(&path, "")?;
                    fs::set_permissions(&path, fs::Permissions::from_mode(0o444))?;
                }
                FileCommands::Directories => fs::create_dir(&path)?,
                FileCommands::Full => symlink("/dev/full", &path)?,
                FileCommands::Pipes => make_pipe(&path)?,
                FileCommands::Links => {
                    let target = self.root.join(name);
                    fs::write(&target, "")?;
                    symlink(target, &path)?;
                }
                FileCommands::Missing | FileCommands::Unset => {}
            }
            self.paths.file_commands.push((name, path));
        }
        Ok(())
    }

    /// Returns the content of a file command. It is empty unless the path is a regular file or a link to one, because
    /// reading `/dev/full` never ends.
    pub(crate) fn file_command(&self, name: &str) -> Vec<u8> {
        let path = self
            .paths
            .file_commands
            .iter()
            .find(|(other, _)| *other == name)
            .map(|(_, path)| path);
        path.filter(|path| path.is_file())
            .and_then(|path| fs::read(path).ok())
            .unwrap_or_default()
    }
}

/// Runs `mkfifo`, for which the standard library has no function.
fn make_pipe(path: &Path) -> io::Result<()> {
    let made = Command::new("mkfifo").arg(path).status()?;
    match made.success() {
        true => Ok(()),
        false => Err(io::Error::other("mkfifo failed")),
    }
}

impl Drop for StepDirectory {
    fn drop(&mut self) {
        // A leftover directory does no harm.
        let _ = fs::remove_dir_all(&self.root);
    }
}
