//! The file of a configuration.

use std::path::{Path, PathBuf};

use super::model::Config;
use super::values::ConfigGrammar;
use engine::encoding::text_of;
use engine::policy::{Format, Invalid, MAX_FILE};

/// Why there is no configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration `{}` cannot be read: {why}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The cause.
        why: String,
    },
    /// The file is not a configuration. Each line of the message is one problem with its position.
    #[error("{}", problems(file, invalid))]
    Invalid {
        /// The file.
        file: PathBuf,
        /// The problems.
        invalid: Invalid,
    },
}

fn problems(file: &Path, invalid: &Invalid) -> String {
    let lines = invalid.iter().map(|problem| {
        let position = problem.position;
        let help = problem.help.as_ref();
        let help = help.map(|help| format!(" ({help})")).unwrap_or_default();
        let file = file.display();
        let (line, column) = (position.line, position.column);
        format!("{file}:{line}:{column}: {}{help}", problem.message)
    });
    lines.collect::<Vec<_>>().join("\n")
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// The file cannot be read, or is not a configuration.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let unreadable = |why: String| ConfigError::Unreadable {
            file: file.to_owned(),
            why,
        };
        let bytes =
            platform::read_capped(file, MAX_FILE).map_err(|error| unreadable(error.to_string()))?;
        let text = text_of(bytes).map_err(|why| unreadable(format!("it is {why}")))?;
        let directory = file.parent().unwrap_or(Path::new(""));
        Self::parse(&text, directory).map_err(|invalid| ConfigError::Invalid {
            file: file.to_owned(),
            invalid,
        })
    }

    /// Parses a text, in YAML or JSON, whose paths start at a directory.
    ///
    /// # Errors
    /// All problems found.
    pub fn parse(text: &str, directory: &Path) -> Result<Self, Invalid> {
        let grammar = ConfigGrammar {
            directory: directory.to_owned(),
        };
        engine::policy::document::read(text, Format::of_text(text), grammar)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
