//! The installation: what a policy says of the running repository.

use super::evaluator::Evaluator;
use super::{HasTime, Scope};
use crate::context::Context;
use crate::decision::Reason;
use crate::policy::{Case, Entry, Invalid, PermissionKey, Policy, Problem, Rule};

/// Where a policy speaks of the running repository.
#[derive(Clone, Debug)]
pub struct RepositoryRules<'a> {
    /// The rules at the top, where they count.
    pub top: Option<&'a [Rule]>,
    /// The entries that name the repository, in file order, each with whether its pins agree. One
    /// whose pins do not is as good as none.
    pub entries: Vec<(&'a Entry, bool)>,
    /// The number of each in the policy, from 0.
    numbers: Vec<u32>,
}

impl<'a> RepositoryRules<'a> {
    /// Finds it. Every entry's pattern is tried, also after a match.
    ///
    /// # Errors
    /// The pattern of an entry does not compile, or the file is another repository's and has rules at
    /// the top beside `repositories`.
    pub fn find(
        document: &'a Policy,
        scope: Scope,
        context: &Context,
        has_time: HasTime<'_>,
    ) -> Result<Self, Invalid> {
        let entries = document.repositories.iter().flat_map(|(_, list)| list);
        let evaluator = Evaluator {
            has_time,
            compiled: None,
        };
        Self::among(document, (0..).zip(entries), scope, context, evaluator)
    }

    /// The same, of entries that are all that may name the repository.
    pub(super) fn among(
        document: &'a Policy,
        candidates: impl Iterator<Item = (u32, &'a Entry)>,
        scope: Scope,
        context: &Context,
        evaluator: Evaluator<'_>,
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
        let id = context.repository_id.as_deref();
        let owner_id = context.repository_owner_id.as_deref();
        let (mut entries, mut numbers) = (Vec::new(), Vec::new());
        for (number, entry) in candidates {
            let mut names_it = false;
            evaluator.each(&entry.repository, name, case, |matched| names_it |= matched)?;
            if names_it {
                entries.push((entry, entry.pins_match(id, owner_id)));
                numbers.push(number);
            }
        }
        Ok(Self {
            top,
            entries,
            numbers,
        })
    }

    /// Whether one of the entries leaves the permission to the repository's own policy as well.
    pub fn delegates(&self, permission: &PermissionKey) -> bool {
        let entries = self.entries.iter().filter(|(_, agrees)| *agrees);
        let mut keys = entries.flat_map(|(entry, _)| &*entry.delegate);
        keys.any(|key| key.as_str() == permission.as_str())
    }

    /// Its rules in file order.
    ///
    /// # Errors
    /// The policy does not speak of the repository, or only of one with another id.
    pub fn rules(&self) -> Result<Vec<&'a Rule>, Reason> {
        let mut rules = self.lists()?.flat_map(|(_, rules)| rules).collect();
        in_file_order(&mut rules);
        Ok(rules)
    }

    /// The lists of its rules: that at the top by 0, those of entries by their number from 1.
    pub(super) fn lists(&self) -> Result<impl Iterator<Item = (u32, &'a [Rule])> + '_, Reason> {
        let entries = self.entries.iter().zip(&self.numbers);
        let mut entries = entries.filter(|((_, agrees), _)| *agrees).peekable();
        if self.top.is_none() && entries.peek().is_none() {
            return Err(if self.entries.is_empty() {
                Reason::RepositoryNotFound
            } else {
                Reason::RepositoryIdMismatch
            });
        }
        let of_entries = entries.map(|((entry, _), number)| (number + 1, &*entry.permissions));
        Ok(self.top.map(|top| (0, top)).into_iter().chain(of_entries))
    }
}

pub(super) fn in_file_order(rules: &mut Vec<&Rule>) {
    rules.sort_by_key(|rule| rule.position);
}
