//! The directory `.github/workflows`.

use std::fmt;
use std::path::{Path, PathBuf};

use super::workflow::Workflow;
use crate::encoding::text_of;
use crate::policy::{Position, Problem, quoted};

/// The largest workflow file in bytes.
pub const MAX_FILE: usize = 1 << 20;
/// The most workflow files that are read.
pub const MAX_FILES: usize = 2_000;

/// The workflow files of a repository.
#[derive(Clone, Debug, Default)]
pub struct Workflows {
    /// By name.
    pub files: Vec<Workflow>,
    /// Those that are not understood, by name.
    pub unreadable: Vec<Unreadable>,
}

/// A workflow file that is not understood. It stops no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its name in the directory.
    pub file: String,
    /// Where the problem is, unless it is the file itself.
    pub position: Option<Position>,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, message) = (quoted(&self.file), &self.message);
        write!(f, "the workflow {file} is not understood: ")?;
        if let Some(position) = self.position {
            write!(f, "{position}: ")?;
        }
        f.write_str(message)
    }
}

impl Workflows {
    /// The workflow files in a directory: `*.yml` and `*.yaml`, as GitHub reads them.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn read(directory: &Path) -> std::io::Result<Self> {
        let mut names: Vec<_> = std::fs::read_dir(directory)?
            .filter_map(|entry| Some(entry.ok()?.file_name()))
            .filter(|name| is_workflow(&name.to_string_lossy()))
            .collect();
        names.sort_unstable();
        let texts = names.into_iter().map(|name| {
            let text = read_text(&directory.join(&name));
            (name.to_string_lossy().into_owned(), text)
        });
        Ok(Self::of_texts(texts))
    }

    /// The workflow files of these names and texts; an error is why there is no text.
    pub fn of_texts(texts: impl IntoIterator<Item = (String, Result<String, String>)>) -> Self {
        let mut workflows = Self::default();
        for (index, (file, text)) in texts.into_iter().enumerate() {
            let text = match text {
                Ok(_) if index >= MAX_FILES => {
                    Err(format!("only the first {MAX_FILES} files are read"))
                }
                text => text,
            };
            let read = match text {
                Ok(text) => Workflow::parse(&file, &text).map_err(
                    |Problem {
                         position, message, ..
                     }| (Some(position), message),
                ),
                Err(message) => Err((None, message)),
            };
            match read {
                Ok(workflow) => workflows.files.push(workflow),
                Err((position, message)) => workflows.unreadable.push(Unreadable {
                    file,
                    position,
                    message,
                }),
            }
        }
        workflows
    }

    /// The workflow file of a name.
    pub fn get(&self, file: &str) -> Option<&Workflow> {
        self.files.iter().find(|workflow| workflow.file == file)
    }
}

/// Whether GitHub reads a file of this name as a workflow.
pub fn is_workflow(name: &str) -> bool {
    [".yml", ".yaml"].iter().any(|end| name.ends_with(end))
}

fn read_text(file: &Path) -> Result<String, String> {
    // A pipe would be waited for.
    let is_file = std::fs::metadata(file).map(|metadata| metadata.is_file());
    if is_file.is_ok_and(|is_file| !is_file) {
        return Err("it is no file".to_owned());
    }
    let bytes = crate::read_capped(file, MAX_FILE).map_err(|error| error.to_string())?;
    text_of(bytes).map_err(|why| format!("it is {why}"))
}

/// `.github/workflows` of the repository that a file is in: the nearest directory above it that has
/// one.
pub fn above(file: &Path) -> Option<PathBuf> {
    let file = std::path::absolute(file).ok()?;
    for directory in file.ancestors().skip(1) {
        let workflows = directory.join(".github/workflows");
        if workflows.is_dir() {
            return Some(workflows);
        }
        // A repository without workflows says nothing about those of the one around it.
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
    fn one_broken_file_stops_no_other() {
        let text = |text: &str| Ok(text.to_owned());
        let workflows = Workflows::of_texts([
            ("a.yml".to_owned(), text("on: push\njobs:\n\t- x")),
            ("b.yml".to_owned(), Err("permission denied".to_owned())),
            ("c.yml".to_owned(), text("on: push\njobs: {}")),
        ]);
        assert_eq!(workflows.files.len(), 1);
        assert!(workflows.get("c.yml").is_some() && workflows.get("a.yml").is_none());
        let unreadable: Vec<_> = workflows
            .unreadable
            .iter()
            .map(ToString::to_string)
            .collect();
        insta::assert_snapshot!(unreadable.join("\n"), @"
        the workflow `a.yml` is not understood: line 3, column 2: not valid YAML: tabs disallowed within this context (block indentation)
        the workflow `b.yml` is not understood: permission denied
        ");
    }

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
        let workflows = Workflows::read(&directory).unwrap();
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
        the workflow `c.yml` is not understood: it is not UTF-8 text: byte 0
        the workflow `d.yml` is not understood: it is no file
        the workflow `large.yml` is not understood: larger than 1048576 bytes, which is the limit
        ");
        assert!(Workflows::read(&directory).is_err());
    }
}
