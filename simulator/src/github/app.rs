//! GitHub Apps and their installations.

use super::access::Permissions;
use super::keys::TestKey;

/// A registered GitHub App.
#[derive(Debug, Clone)]
pub struct App {
    /// Slug, as in `https://github.com/apps/SLUG`.
    pub slug: String,
    /// Numeric id.
    pub id: u64,
    /// `Iv23li…`.
    pub client_id: String,
    /// Key that signs the App's JWTs.
    pub key: TestKey,
}

impl App {
    /// Creates an App with the key [`TestKey::App`].
    #[must_use]
    pub fn new(slug: &str, id: u64, client_id: &str) -> Self {
        Self {
            slug: slug.into(),
            id,
            client_id: client_id.into(),
            key: TestKey::App,
        }
    }
}

/// An installation of an App on repositories of one owner.
#[derive(Debug, Clone)]
pub(crate) struct Installation {
    pub(crate) id: u64,
    pub(crate) app_id: u64,
    pub(crate) repositories: Vec<u64>,
    pub(crate) permissions: Permissions,
}
