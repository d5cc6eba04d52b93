//! The policies of a check: the main one, and the repository's own, to which it may delegate.

use crate::PolicyRepository;
use crate::lint::Source;
use crate::report::{Failure, PolicyRecord};
use engine::decision::Engine;
use engine::policy::{Format, Invalid, Policy};

/// A policy that somebody gives.
#[derive(Debug)]
pub struct GivenPolicy {
    /// Its name in messages, whose ending says the format.
    pub name: String,
    /// The repository that contains it.
    pub repository: PolicyRepository,
    text: Result<String, Failure>,
    /// The parsed policy, if it is valid.
    pub(super) engine: Result<Engine, CheckError>,
}

/// Why a check reaches no decision.
#[derive(Clone, Debug)]
pub enum CheckError {
    /// A value is not valid, or a policy cannot be read.
    Failure(Failure),
    /// The policy of this name is not valid.
    Policy(String, Invalid),
}

impl GivenPolicy {
    /// Parses the text of a policy, if it could be read. Nobody knows the repository that contains it.
    pub fn new(name: String, text: Result<String, Failure>) -> Self {
        let engine = match &text {
            Ok(text) => Policy::parse(text, Format::of_path(&name))
                .map(Engine::new)
                .map_err(|invalid| CheckError::Policy(name.clone(), invalid)),
            Err(failure) => Err(CheckError::Failure(failure.clone())),
        };
        Self {
            name,
            repository: PolicyRepository::Unknown,
            text,
            engine,
        }
    }

    /// Returns the policy as the file of a repository.
    #[must_use]
    pub fn in_repository(self, repository: PolicyRepository) -> Self {
        Self { repository, ..self }
    }

    /// Returns its lines, if it could be read.
    pub fn source(&self) -> Option<Source<'_>> {
        let text = self.text.as_ref().ok()?;
        Some(Source::new(text, Format::of_path(&self.name)))
    }

    pub(super) fn policy(&self) -> Option<&Policy> {
        self.engine.as_ref().ok().map(Engine::policy)
    }

    pub(super) fn error(&self, invalid: Invalid) -> CheckError {
        CheckError::Policy(self.name.clone(), invalid)
    }

    /// Returns the SHA-256 of its text in hexadecimal.
    pub(super) fn sha256(&self) -> Option<String> {
        let text = self.text.as_ref().ok()?;
        Some(crate::sha256(text.as_bytes()))
    }

    pub(super) fn record(&self) -> Option<PolicyRecord> {
        Some(PolicyRecord {
            source: self.name.clone(),
            sha256: self.sha256()?,
            file: self.name.clone(),
            ..PolicyRecord::default()
        })
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
