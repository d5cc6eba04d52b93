//! What a GraphQL query can get before it fails.

use std::collections::BTreeMap;

/// Part of a repository that a query fails to get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryFault {
    /// The repository: its organisation's single sign-on has not authorized the token.
    Saml,
    /// Its objects: the query takes too long.
    Timeout,
    /// Its objects: the query exceeds the resource limits.
    ResourceLimits,
}

/// Limits of a query.
#[derive(Debug, Default)]
pub(crate) struct Capacity {
    /// Size of the files in a response above which the query takes too long, in bytes; `None` for no limit.
    pub(crate) bytes: Option<usize>,
    /// Faults by `OWNER/REPO`.
    pub(crate) faults: BTreeMap<String, QueryFault>,
}
