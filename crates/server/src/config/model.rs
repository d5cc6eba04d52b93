//! The values of a configuration.

use std::path::PathBuf;
use std::time::Duration;

use crate::routes::{Family, RouteTable};
use analysis::report::Detail;
use platform::Address;
use token::Issuer;

/// A configuration whose values are valid. Paths in it start at the directory of its file.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where proxies ask.
    pub listen: Address,
    /// Where operators ask: `/livez`, `/readyz`, `/metrics`.
    pub admin: Address,
    /// The only issuer whose tokens count.
    pub issuer: Issuer,
    /// The only audience of these tokens.
    pub audience: String,
    /// Ids of the accounts whose repositories count: GitHub's issuer signs for every repository in the world.
    pub owners: Vec<u64>,
    /// Maximum age of a token, from its `iat`.
    pub max_token_age: Duration,
    /// PEM certificates to trust in addition to the built-in roots.
    pub ca_bundle: Option<PathBuf>,
    /// How much an answer says.
    pub detail: Detail,
    /// The policy.
    pub policy: PolicyConfig,
    /// Which permission a request needs, for the endpoints whose path does not name it.
    pub routes: Option<RoutesConfig>,
}

/// Routes, and how the proxy describes a request.
#[derive(Clone, Debug)]
pub struct RoutesConfig {
    /// Where the proxy describes the original request.
    pub headers: Family,
    /// The routes.
    pub table: RouteTable,
}

/// Source of the policy.
#[derive(Clone, Debug)]
pub struct PolicyConfig {
    /// A file of this machine.
    pub file: PathBuf,
    /// Maximum time until a change counts.
    pub refresh: Duration,
    /// How long the last good policy decides when it cannot be renewed.
    pub stale: Duration,
}
