//! The policies of a check: the one that is asked, and the repository's own, to which it may delegate.

use std::path::Path;

use analysis::lint::Source;
use analysis::report::{Failure, PolicyRecord};
use engine::decision::Reason;
use engine::encoding::text_of;
use engine::policy::{Document, Format, Invalid, MAX_FILE, quoted};

/// A policy as its file says it.
pub(super) struct PolicyText {
    /// Its path as it was given.
    pub(super) name: String,
    pub(super) text: Result<String, Failure>,
}

/// Why a check does not come to a decision.
#[derive(Clone)]
pub(super) enum Wrong {
    /// A wrong argument, or a file that cannot be read.
    Failure(Failure),
    /// What is wrong with the policy of this path.
    Policy(String, Invalid),
}

impl PolicyText {
    pub(super) fn read(path: &Path) -> Self {
        let name = path.display().to_string();
        let text = read_policy(path, &name);
        Self { name, text }
    }

    pub(super) fn parse(&self) -> Result<Document<'_>, Wrong> {
        let text = self.text.as_ref();
        let text = text.map_err(|failure| Wrong::Failure(failure.clone()))?;
        Document::parse(text, self.format()).map_err(|invalid| self.wrong(invalid))
    }

    pub(super) fn wrong(&self, invalid: Invalid) -> Wrong {
        Wrong::Policy(self.name.clone(), invalid)
    }

    pub(super) fn record(&self) -> Option<PolicyRecord> {
        let text = self.text.as_ref().ok()?;
        Some(PolicyRecord {
            source: self.name.clone(),
            sha256: analysis::sha256(text.as_bytes()),
            file: self.name.clone(),
            ..PolicyRecord::default()
        })
    }

    /// Its lines, none if it could not be read.
    pub(super) fn source(&self) -> Source<'_> {
        let text = self.text.as_deref().unwrap_or_default();
        Source::new(text, self.format())
    }

    fn format(&self) -> Format {
        Format::of_path(&self.name)
    }
}

impl Wrong {
    pub(super) fn failure(&self) -> Failure {
        match self {
            Self::Failure(failure) => failure.clone(),
            Self::Policy(name, invalid) => Failure::invalid_policy(name, invalid),
        }
    }
}

/// The text of a policy file.
pub(crate) fn read_policy(path: &Path, source: &str) -> Result<String, Failure> {
    policy_text(platform::read_capped(path, MAX_FILE), source)
}

/// The same of standard input.
pub(crate) fn read_policy_from_stdin(source: &str) -> Result<String, Failure> {
    policy_text(platform::read_stdin_capped(MAX_FILE), source)
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
