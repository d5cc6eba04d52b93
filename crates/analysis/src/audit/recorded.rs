//! Parses audit records.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::EnforcedBy;
use engine::Claims;
use engine::context::{Base, Context, UNKNOWN_HEAD};
use engine::decision::{Decision, Provenance, Reason};
use engine::policy::quoted;

/// Prefix of a record's `type`.
const TYPE: &str = "dev.repo-permissions.check.";

/// A check, parsed from its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Time of the decision.
    pub time: Timestamp,
    /// Permission key.
    pub permission: String,
    /// Decision.
    pub decision: Decision,
    /// Reason.
    pub reason: Reason,
    /// The granting rule.
    pub rule: Option<RecordedRule>,
    /// The job with its claims; absent without a verified token.
    pub context: Option<Context>,
    /// The policy, if it was read.
    pub policy: Option<RecordedPolicy>,
    /// The repository's own policy, if a central one delegates and the decision used it.
    pub own_policy: Option<RecordedPolicy>,
}

/// A granting rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct RecordedRule {
    /// Line of its start, from 1.
    pub line: u32,
    /// Whether it is in the repository's own policy.
    #[serde(default)]
    pub own_policy: bool,
}

/// The policy of a recorded check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct RecordedPolicy {
    /// SHA-256 of its bytes in hexadecimal.
    #[serde(default)]
    pub sha256: String,
    /// Repository of the file.
    #[serde(default)]
    pub repository: Option<String>,
    /// Git blob SHA.
    #[serde(default)]
    pub blob: Option<String>,
    /// Its path, or another source.
    #[serde(default)]
    pub source: String,
}

#[derive(Deserialize)]
struct Event {
    specversion: String,
    /// CloudEvents requires both.
    #[serde(rename = "id")]
    _id: String,
    #[serde(rename = "source")]
    _source: String,
    #[serde(rename = "type")]
    kind: String,
    time: Timestamp,
    #[serde(default)]
    subject: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    schema_version: u32,
    decision: Decision,
    reason: Reason,
    #[serde(default)]
    context: Option<Context>,
    #[serde(default)]
    claims: Option<BTreeMap<String, String>>,
    #[serde(default)]
    enforced_by: EnforcedBy,
    #[serde(default)]
    policy: Option<RecordedPolicy>,
    #[serde(default)]
    own_policy: Option<RecordedPolicy>,
    #[serde(default)]
    rule: Option<RecordedRule>,
}

/// Why a record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRecord {
    /// It does not have the shape of a record.
    #[error("it is not a record: {0}")]
    Shape(String),
    /// It is of a version that this program does not know.
    #[error(
        "it is of version {version} in CloudEvents {specversion}, this program knows version {} in 1.0",
        super::SCHEMA_VERSION
    )]
    Version {
        /// Version of the record.
        version: u32,
        /// Version of CloudEvents.
        specversion: String,
    },
    /// Its context is not that of its signed claims.
    #[error("its context has the {member} {}, and its claims say {}", named(.seen), named(.expected))]
    Context {
        /// Name of the member.
        member: &'static str,
        /// Its value.
        seen: Option<String>,
        /// The value that follows from the claims.
        expected: Option<String>,
    },
    /// Its parts contradict each other.
    #[error(
        "its type `{kind}`, decision `{}` and reason `{}` contradict each other",
        decision.as_str(),
        reason.code()
    )]
    Contradiction {
        /// Type of the event.
        kind: String,
        /// The decision.
        decision: Decision,
        /// Its reason.
        reason: Reason,
    },
}

impl Recorded {
    /// Parses a line of a log. Returns `None` for other lines, which a job's log has. Its lines start with the time.
    ///
    /// # Errors
    /// The record is malformed or of another version.
    pub fn parse(line: &str) -> Option<Result<Self, InvalidRecord>> {
        let json = line.get(line.find('{')?..)?;
        if !json.contains(TYPE) {
            return None;
        }
        let event = match serde_json::from_str::<Event>(json) {
            Ok(event) => event,
            Err(error) => return Some(Err(InvalidRecord::Shape(error.to_string()))),
        };
        Some(event.check())
    }

    /// Returns the repository that the policy's `permissions:` at the top apply to.
    pub fn provenance(&self) -> Provenance {
        let from = self
            .policy
            .as_ref()
            .and_then(|policy| policy.repository.as_ref());
        let asking = self
            .context
            .as_ref()
            .and_then(|context| context.repository.as_ref());
        match (from, asking) {
            (None, _) => Provenance::Given,
            (Some(from), Some(asking)) if from.eq_ignore_ascii_case(asking) => {
                Provenance::ThisRepository
            }
            _ => Provenance::OtherRepository,
        }
    }
}

impl Event {
    fn check(self) -> Result<Recorded, InvalidRecord> {
        let data = self.data;
        if self.specversion != "1.0" || data.schema_version != super::SCHEMA_VERSION {
            return Err(InvalidRecord::Version {
                version: data.schema_version,
                specversion: self.specversion,
            });
        }
        if self.kind.strip_prefix(TYPE) != Some(data.decision.as_str())
            || data.reason.decision() != data.decision
        {
            return Err(InvalidRecord::Contradiction {
                kind: self.kind,
                decision: data.decision,
                reason: data.reason,
            });
        }
        if let (Some(context), Some(claims)) = (&data.context, &data.claims)
            && data.enforced_by != EnforcedBy::Deployment
        {
            compare(context, claims)?;
        }
        let context = data.context.map(|context| {
            let claims = data.claims.unwrap_or_default();
            Context {
                repository_owner_id: claims.get("repository_owner_id").cloned(),
                base: match Base::of(|name| claims.get(name).map(String::as_str)) {
                    Base::None => context.base,
                    of_claims => of_claims,
                },
                claims,
                ..context
            }
        });
        Ok(Recorded {
            time: self.time,
            permission: self.subject,
            decision: data.decision,
            reason: data.reason,
            context,
            rule: data.rule,
            policy: data.policy,
            own_policy: data.own_policy,
        })
    }
}

/// Compares a context with the one of its claims, as far as these alone determine it.
fn compare(context: &Context, claims: &BTreeMap<String, String>) -> Result<(), InvalidRecord> {
    let mut signed = Claims::default();
    for (name, value) in claims {
        signed.set(name.clone(), value.clone());
    }
    let of_claims = Context::of_claims(&signed, None);
    // Of a pull request, GitHub says where the head is.
    let has_head = of_claims
        .branch
        .as_deref()
        .is_some_and(|branch| branch.starts_with(UNKNOWN_HEAD));
    let members = [
        ("repository", &context.repository, &of_claims.repository),
        (
            "repository_id",
            &context.repository_id,
            &of_claims.repository_id,
        ),
        ("workflow", &context.workflow, &of_claims.workflow),
        ("environment", &context.environment, &of_claims.environment),
        ("actor", &context.actor, &of_claims.actor),
        ("event", &context.event, &of_claims.event),
        (
            "branch",
            &context.branch,
            if has_head {
                &context.branch
            } else {
                &of_claims.branch
            },
        ),
    ];
    for (member, seen, expected) in members {
        if seen != expected {
            return Err(InvalidRecord::Context {
                member,
                seen: seen.clone(),
                expected: expected.clone(),
            });
        }
    }
    Ok(())
}

fn named(value: &Option<String>) -> String {
    value.as_deref().map_or_else(|| "none".to_owned(), quoted)
}

#[cfg(test)]
mod tests {
    use super::super::{Circumstances, records};
    use super::*;
    use crate::report::{Detail, Outcome, PolicyRecord};
    use engine::Claims;
    use engine::decision::{Engine, Policies, Question, decide};
    use engine::policy::{Format, PermissionKey, Policy};

    /// The record of a check by a policy of `acme/infra`.
    fn record(policy: &str, claims: &str) -> (Context, String) {
        let claims: Claims = serde_json::from_str(claims).unwrap();
        let context = Context::of_claims(&claims, None);
        let engine = Engine::new(Policy::parse(policy, Format::Yaml).unwrap());
        let key = PermissionKey::parse("a:b".into()).unwrap();
        let now = Timestamp::UNIX_EPOCH;
        let decided = decide(
            Policies::one(&engine, Provenance::ThisRepository),
            Question::new(&[key], &context, now),
        )
        .unwrap();
        let policy = PolicyRecord {
            repository: Some("ACME/infra".to_owned()),
            sha256: crate::sha256(policy.as_bytes()),
            ..PolicyRecord::default()
        };
        let outcome = Outcome::decided(decided, &context, policy, Detail::Full);
        let circumstances = Circumstances {
            time: "2026-06-01T00:00:00Z".to_owned(),
            ..Circumstances::default()
        };
        let record = records(&outcome, &circumstances).remove(0).into_line();
        (context, record)
    }

    #[test]
    fn what_was_written_is_read_back() {
        let claims = r#"{"repository": "acme/infra", "repository_id": "5", "repository_owner_id": "7",
            "ref": "refs/heads/main", "event_name": "push", "runner_environment": "self-hosted", "exp": 5}"#;
        let policy = "version: 1\npermissions:\n  - { permission: a:b, branch: release }\n";
        let (context, record) = record(policy, claims);
        for line in [record.clone(), format!("2026-06-01T00:00:00.1Z {record}\r")] {
            let read = Recorded::parse(&line).unwrap().unwrap();
            assert_eq!(read.context.as_ref(), Some(&context));
            assert_eq!(read.permission, "a:b");
            assert_eq!(read.reason, Reason::NoRuleMatches);
            assert_eq!(read.provenance(), Provenance::ThisRepository);
            assert_eq!(
                read.policy.unwrap().sha256,
                crate::sha256(policy.as_bytes())
            );
        }
        for line in ["", "##[group]Audit", "{}", r#"{"type":"com.example"}"#] {
            assert_eq!(Recorded::parse(line), None, "{line}");
        }
        for (from, to) in [
            ("\"decision\":\"denied\"", "\"decision\":\"allowed\""),
            ("check.denied", "check.allowed"),
            ("\"schema_version\":1", "\"schema_version\":2"),
            ("\"specversion\":\"1.0\"", "\"specversion\":\"0.3\""),
            ("no_rule_matches", "granted"),
            ("2026-06-01T", "yesterday"),
            // What the signed claims say is not what the context says.
            (
                "\"ref\":\"refs/heads/main\"",
                "\"ref\":\"refs/heads/release\"",
            ),
            ("\"branch\":\"main\"", "\"branch\":\"release\""),
            ("\"event\":\"push\"", "\"event\":\"release\""),
            ("\"id\":", "\"number\":"),
            ("}", ""),
        ] {
            assert!(record.contains(from), "{from} in {record}");
            let read = Recorded::parse(&record.replace(from, to)).unwrap();
            assert!(read.is_err(), "{from}: {read:?}");
        }
    }
}
