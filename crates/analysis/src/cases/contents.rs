//! Contents of a file of cases.

use std::borrow::Cow;

use jiff::Timestamp;

use super::expect::Expect;
use engine::policy::{PermissionKey, Position};

/// A text with its position in the file.
pub(super) type Located<'a> = (Cow<'a, str>, Position);

/// A claim of a token and its value.
pub(super) type Claim<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Contents of a file of cases.
#[derive(Debug)]
pub(super) struct Contents<'a> {
    /// `policy:`, a path relative to the file's directory.
    pub(super) policy: Cow<'a, str>,
    /// `own_policy:`, the repository's own policy, likewise.
    pub(super) own_policy: Option<Located<'a>>,
    /// `policy_repository:`, the repository of the policy.
    pub(super) policy_repository: Option<Cow<'a, str>>,
    /// `tests:`, at least one, in file order.
    pub(super) cases: Vec<TestCase<'a>>,
}

/// A case: a scenario and the expected result.
#[derive(Debug)]
pub(super) struct TestCase<'a> {
    /// Position in the file.
    pub(super) position: Position,
    /// `name:`, unique in the file.
    pub(super) name: Cow<'a, str>,
    /// `permission:`, at least one.
    pub(super) permissions: Vec<PermissionKey>,
    /// `context:`.
    pub(super) context: CaseContext<'a>,
    /// `claims:`, from which the context is derived as in a job.
    pub(super) claims: Vec<Claim<'a>>,
    /// `claims_file:`, a JSON file of claims.
    pub(super) claims_file: Option<Located<'a>>,
    /// `payload_file:`, a JSON file with the event's payload.
    pub(super) payload_file: Option<Located<'a>>,
    /// `now:`.
    pub(super) now: Option<Timestamp>,
    /// `expect:`.
    pub(super) expect: Expect,
}

/// Values in `context:`.
#[derive(Debug, Default)]
pub(super) struct CaseContext<'a> {
    pub(super) repository: Option<Cow<'a, str>>,
    pub(super) repository_id: Option<u64>,
    pub(super) owner_id: Option<u64>,
    pub(super) workflow: Option<Cow<'a, str>>,
    pub(super) branch: Option<Cow<'a, str>>,
    pub(super) base: Option<Cow<'a, str>>,
    pub(super) default_branch: Option<Cow<'a, str>>,
    pub(super) environment: Option<Cow<'a, str>>,
    pub(super) event: Option<Cow<'a, str>>,
    pub(super) actor: Option<Cow<'a, str>>,
    /// `claims:`, for the rules' own `claims:`. They do not affect other values.
    pub(super) claims: Vec<Claim<'a>>,
}

impl Contents<'_> {
    /// Keys of a file of cases.
    pub(super) const KEYS: [&'static str; 4] =
        ["policy", "own_policy", "policy_repository", "tests"];
}

impl TestCase<'_> {
    /// Keys of a case.
    pub(super) const KEYS: [&'static str; 8] = [
        "name",
        "permission",
        "context",
        "claims",
        "claims_file",
        "payload_file",
        "now",
        "expect",
    ];
}

impl CaseContext<'_> {
    /// Keys of a case's context.
    pub(super) const KEYS: [&'static str; 11] = [
        "repository",
        "repository_id",
        "owner_id",
        "workflow",
        "branch",
        "base",
        "default_branch",
        "environment",
        "event",
        "actor",
        "claims",
    ];
}
