//! The policies of a check: the main one, and the repository's own, to which it may delegate.

use std::path::Path;

use analysis::lint::Source;
use analysis::report::{Failure, PolicyRecord};
use engine::decision::{Engine, Reason};
use engine::encoding::text_of;
use engine::policy::{Format, Invalid, MAX_FILE, Policy, quoted};

/// The text of a policy file.
pub(super) struct PolicyText {
    /// Its path on the command line.
    pub(super) name: String,
    pub(super) text: Result<String, Failure>,
}

/// Why a check reaches no decision.
#[derive(Clone)]
pub(super) enum CheckError {
    /// An invalid argument, or an unreadable file.
    Failure(Failure),
    /// The policy at this path is not valid.
    Policy(String, Invalid),
}

impl PolicyText {
    pub(super) fn read(path: &Path) -> Self {
        let name = path.display().to_string();
        let text = read_policy(path, &name);
        Self { name, text }
    }

    pub(super) fn parse(&self) -> Result<Engine, CheckError> {
        let text = self.text.as_ref();
        let text = text.map_err(|failure| CheckError::Failure(failure.clone()))?;
        let document = Policy::parse(text, self.format());
        let document = document.map_err(|invalid| self.error(invalid))?;
        Ok(Engine::new(document))
    }

    pub(super) fn error(&self, invalid: Invalid) -> CheckError {
        CheckError::Policy(self.name.clone(), invalid)
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

    /// Returns its lines, none if the file is unreadable.
    pub(super) fn source(&self) -> Source<'_> {
        let text = self.text.as_deref().unwrap_or_default();
        Source::new(text, self.format())
    }

    fn format(&self) -> Format {
        Format::of_path(&self.name)
    }
}

impl CheckError {
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

/// Reads a policy from standard input.
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
