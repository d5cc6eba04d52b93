//! The installation: what a policy says of the running repository.

use super::{GoOn, Scope, try_each};
use crate::context::Context;
use crate::decision::Reason;
use crate::policy::{Case, Document, Entry, Invalid, PermissionKey, Problem, Rule};

/// Where a policy speaks of the running repository.
#[derive(Clone, Debug)]
pub struct Installation<'a> {
    /// The rules at the top, where they count.
    pub top: Option<&'a [Rule<'a>]>,
    /// The entries that name the repository, in file order, each with whether its pins agree. One
    /// whose pins do not is as good as none.
    pub entries: Vec<(&'a Entry<'a>, bool)>,
}

impl<'a> Installation<'a> {
    /// Finds it. Every entry's pattern is tried, also after a match.
    ///
    /// # Errors
    /// The pattern of an entry does not compile, or the file is another repository's and has rules at
    /// the top beside `repositories`.
    pub fn find(
        document: &'a Document<'a>,
        scope: Scope,
        context: &Context,
        go_on: GoOn<'_>,
    ) -> Result<Self, Invalid> {
        if let (Some(_), Some((position, _)), Scope::OtherRepository) =
            (&document.permissions, &document.repositories, scope)
        {
            let message =
                "a policy of another repository has both `permissions` and `repositories`";
            return Err(Problem::new(*position, message)
                .help("move the rules at the top into an entry of `repositories`")
                .into());
        }
        let top = document
            .permissions
            .as_deref()
            .filter(|_| scope == Scope::ThisRepository || document.repositories.is_none());
        let name = context.repository.as_deref();
        let case = Case::ignored_for(name);
        let mut entries = Vec::new();
        for entry in document.repositories.iter().flat_map(|(_, list)| list) {
            if try_each(&entry.repository, name, case, go_on)?.contains(&true) {
                entries.push((entry, pins_agree(entry, context)));
            }
        }
        Ok(Self { top, entries })
    }

    /// Whether one of the entries leaves the permission to the repository's own policy as well.
    pub fn delegates(&self, permission: &PermissionKey<'_>) -> bool {
        let entries = self.entries.iter().filter(|(_, agrees)| *agrees);
        let mut keys = entries.flat_map(|(entry, _)| &entry.delegate);
        keys.any(|key| key.as_str() == permission.as_str())
    }

    /// Its rules in file order.
    ///
    /// # Errors
    /// The policy does not speak of the repository, or only of one with another id.
    pub fn rules(&self) -> Result<Vec<&'a Rule<'a>>, Reason> {
        let mut entries = self.entries.iter().filter(|(_, agrees)| *agrees).peekable();
        if self.top.is_none() && entries.peek().is_none() {
            return Err(if self.entries.is_empty() {
                Reason::RepositoryNotFound
            } else {
                Reason::RepositoryIdMismatch
            });
        }
        let of_entries = entries.flat_map(|(entry, _)| &entry.permissions);
        let mut rules: Vec<_> = self.top.into_iter().flatten().chain(of_entries).collect();
        rules.sort_by_key(|rule| rule.position);
        Ok(rules)
    }
}

fn pins_agree(entry: &Entry<'_>, context: &Context) -> bool {
    let agrees = |pin: Option<u64>, id: &Option<String>| {
        pin.is_none_or(|pin| id.as_deref() == Some(pin.to_string().as_str()))
    };
    agrees(entry.repository_id, &context.repository_id)
        && agrees(entry.owner_id, &context.repository_owner_id)
}
