//! The outcome of a check: its decision and the reason code.

use serde::{Deserialize, Serialize};

/// What the gate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// A rule grants the permission.
    Allowed,
    /// No rule does.
    Denied,
    /// It could not be decided, which is not a grant.
    Error,
}

impl Decision {
    /// The word in outputs and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Error => "error",
        }
    }
}

/// Why: the stable code that outputs, reports and audit records carry.
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
    /// Rules match in every dimension but do not name the event.
    UntrustedEvent,
    /// The only rules that match have expired.
    Expired,
    /// Rules exist, none matches.
    NoRuleMatches,
    /// A wrong input or argument.
    InputInvalid,
    /// Not in an Actions job, or a variable of the runner is missing.
    RuntimeMissing,
    /// No OIDC endpoint, or it stays unreachable.
    TokenUnavailable,
    /// Signature, algorithm, key, issuer, audience or time of the token.
    TokenInvalid,
    /// The token of another job.
    TokenMismatch,
    /// No policy where it should be.
    PolicyNotFound,
    /// Any other failure to read the policy.
    PolicyUnreadable,
    /// The policy is not valid.
    PolicyInvalid,
    /// The step was cancelled (SIGINT or SIGTERM) before it could decide.
    Cancelled,
    /// A bug of this program.
    Internal,
}

impl Reason {
    /// Every reason, in the order of the documentation.
    pub const ALL: [Self; 17] = [
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
        Self::Cancelled,
        Self::Internal,
    ];

    /// The code, as it is serialised.
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
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
        }
    }

    /// The decision that goes with it.
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

    /// The HTTP status that an API would answer with.
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
            assert_eq!(
                serde_json::to_value(reason.decision()).unwrap(),
                reason.decision().as_str()
            );
        }
    }
}
