//! Expected results of cases.

use engine::decision::{Decision, Reason};

/// Expected result of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Allowed or denied, for any reason.
    Decision(Decision),
    /// This reason, which implies the decision.
    Reason(Reason),
}

impl Expect {
    /// Reasons that are possible without a job.
    const REASONS: [Reason; 8] = [
        Reason::Granted,
        Reason::RepositoryNotFound,
        Reason::RepositoryIdMismatch,
        Reason::PermissionNotGranted,
        Reason::UntrustedEvent,
        Reason::Expired,
        Reason::NoRuleMatches,
        Reason::PolicyInvalid,
    ];
    const DECISIONS: [Decision; 2] = [Decision::Allowed, Decision::Denied];

    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut decisions = Self::DECISIONS.into_iter();
        let mut reasons = Self::REASONS.into_iter();
        let decision = decisions.find(|decision| decision.as_str() == text);
        decision.map(Self::Decision).or_else(|| {
            reasons
                .find(|reason| reason.code() == text)
                .map(Self::Reason)
        })
    }

    /// Returns all texts that [`Expect::parse`] accepts.
    pub(super) fn all() -> impl Iterator<Item = &'static str> {
        let decisions = Self::DECISIONS.iter().map(|decision| decision.as_str());
        decisions.chain(Self::REASONS.iter().map(|reason| reason.code()))
    }

    pub(super) fn help() -> String {
        let all: Vec<_> = Self::all().collect();
        format!("write one of `{}`", all.join("`, `"))
    }

    /// Returns the text in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decision(decision) => decision.as_str(),
            Self::Reason(reason) => reason.code(),
        }
    }

    pub(super) fn is_met(self, decision: Decision, reason: Reason) -> bool {
        match self {
            Self::Decision(expected) => expected == decision,
            Self::Reason(expected) => expected == reason,
        }
    }
}
