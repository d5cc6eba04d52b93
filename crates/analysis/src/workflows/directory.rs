//! Workflow files of a repository, by name.

use std::fmt;

use super::workflow::Workflow;
use engine::policy::{Position, Problem, quoted};

/// Maximum size of a workflow file, in bytes.
pub const MAX_FILE: usize = 1 << 20;
/// Maximum number of workflow files.
pub const MAX_FILES: usize = 2_000;

/// Workflow files of a repository.
#[derive(Clone, Debug, Default)]
pub struct Workflows {
    /// Parsed files, sorted by name.
    pub files: Vec<Workflow>,
    /// Files that cannot be read or parsed, sorted by name.
    pub unreadable: Vec<Unreadable>,
}

/// A workflow file that cannot be read or parsed; it does not affect the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Name of the file in the directory.
    pub file: String,
    /// Position of the problem, unless it is the file itself.
    pub position: Option<Position>,
    /// Description of the problem.
    pub message: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, message) = (quoted(&self.file), &self.message);
        write!(f, "cannot read the workflow {file}: ")?;
        if let Some(position) = self.position {
            write!(f, "{position}: ")?;
        }
        f.write_str(message)
    }
}

impl Workflows {
    /// Parses workflow files from their names and texts; an error says why a file has no text.
    pub fn of_texts(texts: impl IntoIterator<Item = (String, Result<String, String>)>) -> Self {
        let mut workflows = Self::default();
        for (index, (file, text)) in texts.into_iter().enumerate() {
            let text = match text {
                Ok(_) if index >= MAX_FILES => Err(format!(
                    "more than {MAX_FILES} workflow files, which is the limit"
                )),
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

    /// Returns the workflow file with this name.
    pub fn get(&self, file: &str) -> Option<&Workflow> {
        self.files.iter().find(|workflow| workflow.file == file)
    }
}

/// Whether GitHub treats a file with this name as a workflow.
pub fn is_workflow(name: &str) -> bool {
    [".yml", ".yaml"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_file_does_not_affect_others() {
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
        cannot read the workflow `a.yml`: line 3, column 2: not valid YAML: tabs disallowed within this context (block indentation)
        cannot read the workflow `b.yml`: permission denied
        ");
    }
}
