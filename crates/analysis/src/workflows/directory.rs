//! The workflow files of a repository, by name.

use std::fmt;

use super::workflow::Workflow;
use engine::policy::{Position, Problem, quoted};

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
}
