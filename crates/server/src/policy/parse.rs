//! Texts to policies.

use std::time::{Duration, Instant};

use crate::log;
use analysis::compare::patterns_compile;
use analysis::report::{Failure, PolicyRecord};
use engine::decision::{Engine, Reason};
use engine::encoding::text_of;
use engine::policy::{CaseSensitivity, Format, Invalid, PermissionKey, Policy, Position, Problem};

/// Maximum time to look for invalid patterns.
const COMPILING: Duration = Duration::from_secs(5);
/// Maximum memory for the compiled patterns of a repository's own policy, in bytes: there can be thousands of them.
const OWN_CACHE: u64 = 4 << 20;

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
    /// They are not a policy, or one with rules that would apply to every repository, or one that no check could use.
    pub(super) fn central(bytes: Vec<u8>, record: PolicyRecord) -> Result<Self, Failure> {
        Self::parse(bytes, record, central)
    }

    /// Parses the bytes of a repository's own policy.
    ///
    /// # Errors
    /// They are not a policy.
    pub(super) fn own(bytes: Vec<u8>, record: PolicyRecord) -> Result<Self, Failure> {
        let policy = Self::parse(bytes, record, Ok)?;
        Ok(Self {
            engine: policy.engine.with_cache(OWN_CACHE),
            ..policy
        })
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
        });
        let policy = text.and_then(|text| {
            Policy::parse(&text, Format::of_path(file))
                .and_then(check)
                .map_err(|invalid| Failure::invalid_policy(file, &invalid))
        });
        match policy {
            Ok(policy) => Ok(Self {
                engine: Engine::new(policy),
                record,
            }),
            Err(failure) => Err(Failure {
                policy: Some(Box::new(record)),
                ..failure
            }),
        }
    }

    /// Compiles all patterns: a check that needs an invalid one is an error.
    ///
    /// # Errors
    /// Patterns are not valid.
    pub(super) fn check_patterns(&self) -> Result<(), Failure> {
        let started = Instant::now();
        let checked = patterns_compile(self.engine.policy(), &|| started.elapsed() < COMPILING);
        checked.map_err(|invalid| Failure::invalid_policy(&self.record.file, &invalid))
    }

    /// Returns whether it leaves a permission to the repositories' own policies.
    pub fn delegates(&self) -> bool {
        let policy = self.engine.policy();
        let mut entries = policy.repositories.iter().flat_map(|(_, entries)| entries);
        entries.any(|entry| !entry.delegate.is_empty())
    }

    /// Logs that patterns in it are not valid, if some are. That takes up to five seconds.
    pub(super) fn warn_of_patterns(&self) {
        if let Err(why) = self.check_patterns() {
            let file = &self.record.file;
            log::warning(
                "policy_pattern_invalid",
                &[("policy", file), ("why", &why.message)],
            );
        }
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

/// Accepts a central policy: one that names the repositories that it applies to. Every check needs these patterns.
fn central(policy: Policy) -> Result<Policy, Invalid> {
    let entries = policy.repositories.iter().flat_map(|(_, entries)| entries);
    for entry in entries {
        entry.repository.compile(CaseSensitivity::Sensitive)?;
    }
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
