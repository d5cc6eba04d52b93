//! Tokens, their repositories and permissions.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::http::Request;
use super::repository::Repository;

/// Access level of a token for one kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// No access.
    None,
    /// Read.
    Read,
    /// Read and write.
    Write,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::None, Self::Read, Self::Write]
            .into_iter()
            .find(|level| level.name() == name)
    }
}

/// A token's permissions by the names in workflows: `contents`, `pull-requests`, `checks`, `statuses`, `metadata`. The
/// API of Apps writes them with `_`. Others are `none`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Permissions(BTreeMap<String, Level>);

impl Permissions {
    /// Returns no permissions.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Returns the permissions in the action's documentation: `contents: read`, `checks: write`, `statuses: write`.
    #[must_use]
    pub fn usual() -> Self {
        Self::none()
            .with("contents", Level::Read)
            .with("checks", Level::Write)
            .with("statuses", Level::Write)
    }

    /// Returns the permissions of a fork's pull request, whatever the workflow asks for.
    #[must_use]
    pub fn fork() -> Self {
        Self::none()
            .with("contents", Level::Read)
            .with("checks", Level::Read)
            .with("statuses", Level::Read)
    }

    /// Sets a permission.
    #[must_use]
    pub fn with(mut self, name: &str, level: Level) -> Self {
        self.0.insert(name.into(), level);
        self
    }

    /// Returns the level of a permission.
    #[must_use]
    pub fn level(&self, name: &str) -> Level {
        self.0.get(name).copied().unwrap_or(Level::None)
    }

    pub(crate) fn to_json(&self) -> Value {
        let shown = self.0.iter().filter(|(_, level)| **level != Level::None);
        Value::Object(
            shown
                .map(|(name, level)| (name.replace('-', "_"), level.name().into()))
                .collect(),
        )
    }

    /// Returns `None` for an unknown level.
    pub(crate) fn from_json(object: &Map<String, Value>) -> Option<Self> {
        object
            .iter()
            .map(|(name, level)| Some((name.replace('_', "-"), Level::parse(level.as_str()?)?)))
            .collect::<Option<_>>()
            .map(Self)
    }

    /// Returns whether `self` has at least the permissions of `other`. Every App can read metadata.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        other.0.iter().all(|(name, level)| {
            let has = match name.as_str() {
                "metadata" => Level::Read,
                name => self.level(name),
            };
            has >= *level
        })
    }
}

/// The App that owns a token, and so a check run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppIdentity {
    /// Slug, as in `https://github.com/apps/SLUG`.
    pub slug: String,
    /// Numeric id.
    pub id: u64,
}

impl AppIdentity {
    /// Returns the App of every `GITHUB_TOKEN`.
    pub(crate) fn github_actions() -> Self {
        Self {
            slug: "github-actions".into(),
            id: 15368,
        }
    }
}

/// The access that a token grants.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) app: AppIdentity,
    pub(crate) permissions: Permissions,
    /// Ids of its repositories.
    pub(crate) repositories: Vec<u64>,
    /// Logins of owners, all of whose repositories it covers.
    pub(crate) owners: Vec<String>,
    pub(crate) expires: Timestamp,
}

impl Access {
    pub(crate) fn covers(&self, repository: &Repository) -> bool {
        self.repositories.contains(&repository.id) || self.covers_owner(&repository.owner)
    }

    pub(crate) fn covers_owner(&self, login: &str) -> bool {
        let mut owners = self.owners.iter();
        owners.any(|owner| owner.eq_ignore_ascii_case(login))
    }
}

/// Returns the token of `Authorization: Bearer …` or `token …`, or `None` for an anonymous request.
pub(crate) fn credentials(request: &Request) -> Option<&str> {
    let header = request.header("authorization")?;
    let (scheme, token) = header.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token")).then_some(token)
}
