//! The policies of a check: the main one, and the repository's own, to which it may delegate.

use std::path::Path;

use crate::policy_text::PolicyText;
use crate::work_tree::policy_or_default;
use analysis::report::{Failure, PolicyRecord};
use engine::decision::{Engine, Reason};
use engine::policy::{Invalid, Policy};

/// A policy that the arguments name.
pub(super) struct GivenPolicy {
    /// Its path on the command line.
    pub(super) name: String,
    pub(super) text: Result<PolicyText, Failure>,
    /// The parsed policy, if it is valid.
    pub(super) engine: Result<Engine, CheckError>,
}

/// Why a check reaches no decision.
#[derive(Clone)]
pub(super) enum CheckError {
    /// An invalid argument, or an unreadable file.
    Failure(Failure),
    /// The policy at this path is not valid.
    Policy(String, Invalid),
}

impl GivenPolicy {
    /// Reads the policy of `--policy`, or the work tree's own.
    pub(super) fn read_or_default(given: Option<&Path>) -> Self {
        match policy_or_default(given, "--policy FILE") {
            Ok(path) => Self::read(&path),
            Err(error) => {
                let failure = Failure::new(Reason::PolicyNotFound, format!("{error:#}"));
                Self {
                    name: String::new(),
                    text: Err(failure.clone()),
                    engine: Err(CheckError::Failure(failure)),
                }
            }
        }
    }

    pub(super) fn read(path: &Path) -> Self {
        let name = path.display().to_string();
        let text = PolicyText::read(path);
        let engine = match &text {
            Ok(text) => text
                .parse()
                .map(Engine::new)
                .map_err(|invalid| CheckError::Policy(name.clone(), invalid)),
            Err(failure) => Err(CheckError::Failure(failure.clone())),
        };
        Self { name, text, engine }
    }

    pub(super) fn policy(&self) -> Option<&Policy> {
        self.engine.as_ref().ok().map(Engine::policy)
    }

    pub(super) fn error(&self, invalid: Invalid) -> CheckError {
        CheckError::Policy(self.name.clone(), invalid)
    }

    pub(super) fn record(&self) -> Option<PolicyRecord> {
        let text = self.text.as_ref().ok()?;
        Some(PolicyRecord {
            source: self.name.clone(),
            sha256: analysis::sha256(text.text.as_bytes()),
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
