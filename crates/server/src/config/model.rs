//! The values of a configuration.

use std::path::PathBuf;
use std::time::Duration;

use crate::routes::{Family, RouteTable};
use analysis::report::Detail;
use engine::RepositoryName;
use engine::policy::source::{GitRef, RepositoryPath};
use engine::policy::{Pattern, PermissionKey};
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
    /// GitHub's API, for policies and look-ups.
    pub github: Option<GitHubConfig>,
    /// Which permission the jobs of an environment need.
    pub deployments: Vec<DeploymentRule>,
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
    /// Its place.
    pub place: PolicyPlace,
    /// Maximum time until a change counts.
    pub refresh: Duration,
    /// How long the last good policy decides when it cannot be renewed.
    pub stale: Duration,
}

/// Place of the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyPlace {
    /// A file of this machine.
    File(PathBuf),
    /// A central policy in a repository.
    Repository {
        /// The repository, as it was called when the configuration was written.
        repository: RepositoryName,
        /// File in the repository.
        path: RepositoryPath,
        /// Branch, tag or commit.
        reference: GitRef,
    },
    /// A file of the repository of each job, at its default branch.
    Own {
        /// File in the repository.
        path: RepositoryPath,
        /// The permissions that it may grant.
        delegate: Vec<PermissionKey>,
    },
}

impl PolicyConfig {
    /// Returns whether it is a file of this machine.
    pub fn is_file(&self) -> bool {
        matches!(self.place, PolicyPlace::File(_))
    }
}

impl Default for PolicyConfig {
    fn default() -> Self {
        Self {
            place: PolicyPlace::File(PathBuf::new()),
            refresh: Duration::from_secs(30),
            stale: Duration::from_secs(10 * 60),
        }
    }
}

/// The permission that environments need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentRule {
    /// The environments. It compiles.
    pub environment: Pattern,
    /// The permission.
    pub permission: PermissionKey,
}

/// GitHub's API.
#[derive(Clone, Debug)]
pub struct GitHubConfig {
    /// URL of the REST API.
    pub api_url: String,
    /// The App that asks.
    pub app: AppConfig,
}

/// A GitHub App.
#[derive(Clone, Debug)]
pub struct AppConfig {
    /// Its client ID.
    pub client_id: String,
    /// PEM file with its private key.
    pub private_key_file: PathBuf,
    /// File with the secret of its webhooks; two lines while it changes.
    pub webhook_secret_file: Option<PathBuf>,
}
