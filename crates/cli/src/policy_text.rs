//! The text of a policy: read from a file or from standard input, and parsed.

use std::path::Path;

use super::diagnostic;
use super::style::Colours;
use analysis::lint::Source;
use analysis::report::Failure;
use engine::decision::Reason;
use engine::encoding::text_of;
use engine::policy::{Format, Invalid, MAX_FILE, Policy, quoted};

/// Name of standard input in messages.
const STDIN: &str = "<stdin>";

/// The problems of a policy, rendered with its lines for standard error.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct InvalidPolicy(pub(super) String);

/// The text of a policy.
pub(super) struct PolicyText {
    /// Its path on the command line.
    pub(super) name: String,
    pub(super) text: String,
    pub(super) format: Format,
}

impl PolicyText {
    /// Reads a policy file.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let text = read_policy(path, &name)?;
        let format = Format::of_path(&name);
        Ok(Self { name, text, format })
    }

    /// Reads a policy file, or standard input for `-`.
    pub(super) fn read_file_or_stdin(path: &Path) -> Result<Self, Failure> {
        if path != Path::new("-") {
            return Self::read(path);
        }
        let text = policy_text(platform::read_stdin_capped(MAX_FILE), STDIN)?;
        let format = Format::of_text(&text);
        let name = STDIN.to_owned();
        Ok(Self { name, text, format })
    }

    pub(super) fn parse(&self) -> Result<Policy, Invalid> {
        Policy::parse(&self.text, self.format)
    }

    /// Returns its lines.
    pub(super) fn source(&self) -> Source<'_> {
        Source::new(&self.text, self.format)
    }

    /// Renders its problems with its lines.
    pub(super) fn invalid(&self, invalid: &Invalid) -> InvalidPolicy {
        let (source, problems) = (self.source(), invalid.iter());
        let problems = diagnostic::render(&self.name, &source, problems, Colours::stderr());
        InvalidPolicy(problems)
    }
}

/// Reads the text of a policy file. Messages call it `source`.
pub(super) fn read_policy(path: &Path, source: &str) -> Result<String, Failure> {
    policy_text(platform::read_capped(path, MAX_FILE), source)
}

fn policy_text(read: std::io::Result<Vec<u8>>, source: &str) -> Result<String, Failure> {
    let source = quoted(source);
    let bytes = read.map_err(|error| {
        let reason = match error.kind() {
            std::io::ErrorKind::NotFound => Reason::PolicyNotFound,
            std::io::ErrorKind::FileTooLarge => Reason::PolicyInvalid,
            _ => Reason::PolicyUnreadable,
        };
        let message = format!("the policy {source} cannot be read: {error}");
        Failure::new(reason, message)
    })?;
    text_of(bytes).map_err(|why| {
        let message = format!("the policy {source} is {why}");
        Failure::new(Reason::PolicyInvalid, message)
    })
}
