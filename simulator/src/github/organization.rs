//! Organisations of any size: their repositories are made when they are asked for.

use std::fmt;
use std::sync::Arc;

use super::repository::Repository;

/// A maker of repositories: what a repository of this number has.
type Make = dyn Fn(usize, Repository) -> Repository + Send + Sync;

/// An organisation whose repositories are all alike, or nearly. None of them is kept.
#[derive(Clone)]
pub struct Organization {
    login: String,
    id: u64,
    count: usize,
    make: Arc<Make>,
}

impl Organization {
    /// `count` private repositories `LOGIN/service-00000`, `LOGIN/service-00001` and so on, in the order in
    /// which they were created. `make` gives the bare repository of a number its files.
    #[must_use]
    pub fn new(
        login: &str,
        id: u64,
        count: usize,
        make: impl Fn(usize, Repository) -> Repository + Send + Sync + 'static,
    ) -> Self {
        Self {
            login: login.into(),
            id,
            count,
            make: Arc::new(make),
        }
    }

    pub(crate) fn login(&self) -> &str {
        &self.login
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The repository of a number.
    pub(crate) fn repository(&self, number: usize) -> Repository {
        let name = format!("{}/service-{number:05}", self.login);
        let id = self.id * 1_000_000 + u64::try_from(number).unwrap_or_default();
        let bare = Repository::new(&name, id, self.id).private();
        (self.make)(number, bare)
    }

    /// The repository of a name.
    pub(crate) fn find(&self, owner: &str, name: &str) -> Option<Repository> {
        if !owner.eq_ignore_ascii_case(&self.login) {
            return None;
        }
        let number = name.to_ascii_lowercase();
        let number: usize = number.strip_prefix("service-")?.parse().ok()?;
        let repository = (number < self.count).then(|| self.repository(number))?;
        repository
            .name
            .eq_ignore_ascii_case(name)
            .then_some(repository)
    }
}

impl fmt::Debug for Organization {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Organization")
            .field("login", &self.login)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}
