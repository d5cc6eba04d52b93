//! The differences in access between two policies.

use super::grant::Section;
use engine::policy::{Pattern, Position, Rule};

/// Differences in access between two policies.
#[derive(Clone, Debug, Default)]
pub struct Comparison<'a> {
    /// Access that only the new policy grants, in its order.
    pub added: Vec<AccessChange<'a>>,
    /// Access that only the old policy grants, in its order.
    pub removed: Vec<AccessChange<'a>>,
}

impl Comparison<'_> {
    /// Returns whether access widens, or may widen.
    pub fn widens(&self) -> bool {
        !self.added.is_empty()
    }

    /// Returns whether access stays the same.
    pub fn is_same(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

/// Access of a rule that only one of the policies grants.
#[derive(Clone, Debug)]
pub struct AccessChange<'a> {
    /// Section of the rule.
    pub section: Section<'a>,
    /// The granting rule; `None` if the entry delegates to the repository's own policy, which can then grant the
    /// permission to any job.
    pub rule: Option<&'a Rule>,
    /// The permission keys.
    pub permissions: Vec<&'a str>,
    /// The affected workflow patterns; `None` means any workflow.
    pub workflow: Option<Vec<&'a Pattern>>,
    /// The affected branch patterns, likewise.
    pub branch: Option<Vec<&'a Pattern>>,
    /// The affected patterns of pull requests' bases; `None` if the rule names none.
    pub base: Option<Vec<&'a Pattern>>,
    /// Whether the change applies to pull requests only.
    pub only_pull_requests: bool,
    /// The affected environment patterns; `None` means any or no environment.
    pub environment: Option<Vec<&'a Pattern>>,
    /// The affected events; `None` means all trusted events.
    pub events: Option<Vec<&'a str>>,
    /// Whether the other policy grants part of it.
    pub in_part: bool,
    /// A job that only this policy grants it to. `None` if the comparison was too large, so that the access may be
    /// the same.
    pub example: Option<Example>,
}

/// A job with the values that patterns match. Irrelevant values are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Example {
    /// Whether the policy is a file of the job's repository.
    pub own: bool,
    /// `OWNER/NAME`; absent if irrelevant.
    pub repository: Option<String>,
    /// The repository's id, if pinned.
    pub repository_id: Option<String>,
    /// The owner's id, if pinned.
    pub owner_id: Option<String>,
    /// The workflow file.
    pub workflow: Option<String>,
    /// The branch.
    pub branch: Option<String>,
    /// The base of its pull request; absent outside pull requests, and if irrelevant.
    pub base: Option<String>,
    /// The default branch, if it is the base.
    pub default_branch: Option<String>,
    /// The environment; also absent for a job without one.
    pub environment: Option<String>,
    /// The event.
    pub event: Option<String>,
    /// Claims by name.
    pub claims: std::collections::BTreeMap<String, String>,
    /// The time, if it is not now.
    pub time: Option<String>,
    /// Values that other grants require and this job lacks: `environment`, `claims.NAME`, a `base` in its token, or
    /// the pinned `repository_id` or `owner_id`.
    pub without: Vec<String>,
}

impl AccessChange<'_> {
    /// Returns the position of its rule, or of the delegating entry.
    pub fn position(&self) -> Position {
        match self.rule {
            Some(rule) => rule.position,
            None => self.section.position(),
        }
    }

    /// Returns whether both belong to the same rule or delegating entry.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        self.section == other.section && self.position() == other.position()
    }

    /// Returns whether both differ in the permission only.
    pub(super) fn differs_in_permission_only(&self, other: &Self) -> bool {
        self.is_of(other)
            && self.workflow == other.workflow
            && self.branch == other.branch
            && self.base == other.base
            && self.only_pull_requests == other.only_pull_requests
            && self.environment == other.environment
            && self.events == other.events
            && self.in_part == other.in_part
            && self.example == other.example
    }
}
