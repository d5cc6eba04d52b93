//! Organisations of any size, whose repositories are generated on demand.

use std::fmt;
use std::sync::Arc;

use super::repository::Repository;

/// Generates the repository of a number.
type Make = dyn Fn(usize, Repository) -> Repository + Send + Sync;

/// An organisation of similar repositories, none of which is stored.
#[derive(Clone)]
pub struct Organization {
    login: String,
    id: u64,
    count: usize,
    make: Arc<Make>,
}

impl Organization {
    /// Creates an organisation with `count` private repositories `LOGIN/service-00000`, `LOGIN/service-00001` and so
    /// on, in order of creation. `make` adds the files to the bare repository of a number.
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

    /// Returns the repository of a number.
    pub(crate) fn repository(&self, number: usize) -> Repository {
        let name = format!("{}/service-{number:05}", self.login);
        let id = self.id * 1_000_000 + u64::try_from(number).unwrap_or_default();
        let bare = Repository::new(&name, id, self.id).private();
        (self.make)(number, bare)
    }

    /// Returns the repository of a name.
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
