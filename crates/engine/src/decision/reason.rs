//! Decision of a check, and its reason.

use serde::{Deserialize, Serialize};

/// Decision of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// A rule grants the permission.
    Allowed,
    /// No rule grants the permission.
    Denied,
    /// No decision was possible, so nothing is granted.
    Error,
}

impl Decision {
    /// Returns the word in outputs and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Error => "error",
        }
    }
}

/// Reason of a decision: a stable code in outputs, reports and audit records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A rule matches in every dimension.
    Granted,
    /// The policy has no entry for this repository.
    RepositoryNotFound,
    /// An entry names the repository, but the pinned id differs.
    RepositoryIdMismatch,
    /// No rule of this repository names the permission.
    PermissionNotGranted,
    /// Rules match in every other dimension but do not name the event.
    UntrustedEvent,
    /// The only rules that match have expired.
    Expired,
    /// Rules exist, but none matches.
    NoRuleMatches,
    /// An input or argument is invalid.
    InputInvalid,
    /// The program does not run in an Actions job, or a variable of the runner is missing.
    RuntimeMissing,
    /// The job has no OIDC endpoint, or it stays unreachable.
    TokenUnavailable,
    /// Signature, algorithm, key, issuer, audience or time of the token is invalid.
    TokenInvalid,
    /// The token belongs to another job.
    TokenMismatch,
    /// The policy does not exist.
    PolicyNotFound,
    /// The policy could not be read for another reason.
    PolicyUnreadable,
    /// The policy is invalid.
    PolicyInvalid,
    /// The server that should decide is unreachable, or its answer is not whole.
    ServerUnavailable,
    /// The runner cancelled the step (SIGINT or SIGTERM) before the decision.
    Cancelled,
    /// The program has a bug.
    Internal,
}

impl Reason {
    /// All reasons, in the order of the documentation.
    pub const ALL: [Self; 18] = [
        Self::Granted,
        Self::RepositoryNotFound,
        Self::RepositoryIdMismatch,
        Self::PermissionNotGranted,
        Self::UntrustedEvent,
        Self::Expired,
        Self::NoRuleMatches,
        Self::InputInvalid,
        Self::RuntimeMissing,
        Self::TokenUnavailable,
        Self::TokenInvalid,
        Self::TokenMismatch,
        Self::PolicyNotFound,
        Self::PolicyUnreadable,
        Self::PolicyInvalid,
        Self::ServerUnavailable,
        Self::Cancelled,
        Self::Internal,
    ];

    /// Returns the serialised code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::RepositoryNotFound => "repository_not_found",
            Self::RepositoryIdMismatch => "repository_id_mismatch",
            Self::PermissionNotGranted => "permission_not_granted",
            Self::UntrustedEvent => "untrusted_event",
            Self::Expired => "expired",
            Self::NoRuleMatches => "no_rule_matches",
            Self::InputInvalid => "input_invalid",
            Self::RuntimeMissing => "runtime_missing",
            Self::TokenUnavailable => "token_unavailable",
            Self::TokenInvalid => "token_invalid",
            Self::TokenMismatch => "token_mismatch",
            Self::PolicyNotFound => "policy_not_found",
            Self::PolicyUnreadable => "policy_unreadable",
            Self::PolicyInvalid => "policy_invalid",
            Self::ServerUnavailable => "server_unavailable",
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
        }
    }

    /// Returns the reason with a code.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// Returns the decision of this reason.
    pub fn decision(self) -> Decision {
        match self {
            Self::Granted => Decision::Allowed,
            Self::RepositoryNotFound
            | Self::RepositoryIdMismatch
            | Self::PermissionNotGranted
            | Self::UntrustedEvent
            | Self::Expired
            | Self::NoRuleMatches => Decision::Denied,
            _ => Decision::Error,
        }
    }

    /// Returns the HTTP status of an API with this reason.
    pub fn status(self) -> u16 {
        match self {
            Self::TokenUnavailable | Self::TokenInvalid | Self::TokenMismatch => 401,
            Self::PolicyNotFound => 404,
            _ => match self.decision() {
                Decision::Allowed => 200,
                Decision::Denied => 403,
                Decision::Error => 500,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_what_is_serialised() {
        for reason in Reason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.code());
            assert_eq!(Reason::of_code(reason.code()), Some(reason));
            assert_eq!(
                serde_json::to_value(reason.decision()).unwrap(),
                reason.decision().as_str()
            );
        }
    }
}
