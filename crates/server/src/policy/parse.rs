//! Texts to policies.

use crate::log;
use analysis::report::{Failure, PolicyRecord};
use engine::decision::{Engine, Reason};
use engine::encoding::text_of;
use engine::policy::{Format, Invalid, PermissionKey, Policy, Position, Problem};

/// A policy in use.
#[derive(Debug)]
pub struct ActivePolicy {
    /// The policy, ready for decisions.
    pub engine: Engine,
    /// Its origin, for audit records.
    pub record: PolicyRecord,
}

impl ActivePolicy {
    /// Parses the bytes of a central policy. `record` describes their origin.
    ///
    /// # Errors
    /// They are not a policy, or one with rules that would apply to every repository.
    pub(super) fn central(bytes: Vec<u8>, record: PolicyRecord) -> Result<Self, Failure> {
        Self::parse(bytes, record, central)
    }

    /// Parses the bytes of a repository's own policy.
    ///
    /// # Errors
    /// They are not a policy.
    pub(super) fn own(bytes: Vec<u8>, record: PolicyRecord) -> Result<Self, Failure> {
        Self::parse(bytes, record, Ok)
    }

    /// Returns the central policy that leaves these permissions to each repository's own, and grants nothing.
    ///
    /// # Errors
    /// None, for keys that are valid.
    pub(super) fn delegating(keys: &[PermissionKey]) -> Result<Self, Failure> {
        let keys: Vec<_> = keys.iter().map(|key| format!("'{key}'")).collect();
        let text = format!(
            "version: 1\nrepositories:\n  - repository: '*'\n    delegate: [{}]\n    permissions: []\n",
            keys.join(", ")
        );
        let record = PolicyRecord {
            source: "policy.delegate".to_owned(),
            file: "policy.delegate".to_owned(),
            sha256: analysis::sha256(text.as_bytes()),
            ..PolicyRecord::default()
        };
        Self::central(text.into_bytes(), record)
    }

    fn parse(
        bytes: Vec<u8>,
        record: PolicyRecord,
        check: impl FnOnce(Policy) -> Result<Policy, Invalid>,
    ) -> Result<Self, Failure> {
        let file = &record.file;
        let text = text_of(bytes).map_err(|why| {
            Failure::new(
                Reason::PolicyInvalid,
                format!("the policy `{file}` is {why}"),
            )
        })?;
        let policy = Policy::parse(&text, Format::of_path(file))
            .and_then(check)
            .map_err(|invalid| Failure::invalid_policy(file, &invalid))?;
        Ok(Self {
            engine: Engine::new(policy),
            record,
        })
    }

    /// Returns whether it leaves a permission to the repositories' own policies.
    pub fn delegates(&self) -> bool {
        let policy = self.engine.policy();
        let mut entries = policy.repositories.iter().flat_map(|(_, entries)| entries);
        entries.any(|entry| !entry.delegate.is_empty())
    }

    /// Logs that it is in use.
    pub(super) fn announce(&self) {
        let none = String::new();
        let record = &self.record;
        log::info(
            "policy_in_use",
            &[
                ("source", &record.source),
                ("sha256", &record.sha256),
                ("commit", record.commit.as_ref().unwrap_or(&none)),
            ],
        );
    }
}

/// Accepts a central policy: one that names the repositories that it applies to.
fn central(policy: Policy) -> Result<Policy, Invalid> {
    let Some(rules) = &policy.permissions else {
        return Ok(policy);
    };
    let first = rules.first();
    let at = first.map_or(Position::START, |rule| rule.position);
    let message = "`permissions:` at the top of a central policy would apply to every repository";
    let problem = Problem::new(at, message);
    Err(problem
        .help("write the rules under `repositories:`, each with the repository that it applies to")
        .into())
}
