//! Rules that a policy has for a repository.

use super::evaluator::{HasTime, PatternEvaluator};
use super::provenance::Provenance;
use super::reason::Reason;
use crate::context::Context;
use crate::policy::{CaseSensitivity, Entry, Invalid, PermissionKey, Policy, Problem, Rule};

/// Parts of a policy that apply to a repository.
#[derive(Clone, Debug)]
pub struct RepositoryRules<'a> {
    /// Rules at the top, if they apply to the repository.
    pub top: Option<&'a [Rule]>,
    /// Entries that name the repository, in file order, each with whether its pinned ids match. An
    /// entry whose ids do not match does not apply.
    pub entries: Vec<(&'a Entry, bool)>,
    /// Number of each of these entries in the policy, from 0.
    numbers: Vec<u32>,
}

impl<'a> RepositoryRules<'a> {
    /// Finds the parts of a policy that apply to the repository of a context. It evaluates the pattern of
    /// every entry, even after a match.
    ///
    /// ```
    /// # use engine::context::Context;
    /// # use engine::decision::{Provenance, RepositoryRules};
    /// # use engine::policy::{Format, Policy};
    /// let text = "
    /// version: 1
    /// repositories:
    ///   - { repository: acme-org/infra, repository_id: 123, permissions: [] }
    ///   - { repository: { glob: acme-org/* }, permissions: [] }
    /// ";
    /// let policy = Policy::parse(text, Format::Yaml)?;
    /// let context = Context {
    ///     repository: Some("acme-org/infra".to_owned()),
    ///     repository_id: Some("456".to_owned()),
    ///     ..Context::default()
    /// };
    /// let rules = RepositoryRules::find(&policy, Provenance::OtherRepository, &context, &|| true)?;
    /// let applies: Vec<_> = rules.entries.iter().map(|(_, ids_match)| *ids_match).collect();
    /// assert_eq!(applies, [false, true]);
    /// # Ok::<(), engine::policy::Invalid>(())
    /// ```
    ///
    /// # Errors
    /// The pattern of an entry does not compile, or the policy belongs to another repository and has rules
    /// at the top besides `repositories`.
    pub fn find(
        policy: &'a Policy,
        provenance: Provenance,
        context: &Context,
        has_time: HasTime<'_>,
    ) -> Result<Self, Invalid> {
        let entries = policy.repositories.iter().flat_map(|(_, list)| list);
        let evaluator = PatternEvaluator {
            has_time,
            compiled: None,
        };
        Self::from_candidates(policy, (0..).zip(entries), provenance, context, evaluator)
    }

    /// Does the same for `candidates`, which must include all entries that can name the repository.
    pub(super) fn from_candidates(
        policy: &'a Policy,
        candidates: impl Iterator<Item = (u32, &'a Entry)>,
        provenance: Provenance,
        context: &Context,
        evaluator: PatternEvaluator<'_>,
    ) -> Result<Self, Invalid> {
        if let (Some(_), Some((position, _)), Provenance::OtherRepository) =
            (&policy.permissions, &policy.repositories, provenance)
        {
            let message =
                "a policy of another repository has both `permissions` and `repositories`";
            return Err(Problem::new(*position, message)
                .help("move the rules at the top into an entry of `repositories`")
                .into());
        }
        let top = policy
            .permissions
            .as_deref()
            .filter(|_| provenance == Provenance::ThisRepository || policy.repositories.is_none());
        let name = context.repository.as_deref();
        let case = CaseSensitivity::ignored_for(name);
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

    /// Whether one of the entries delegates the permission to the repository's own policy.
    pub fn delegates(&self, permission: &PermissionKey) -> bool {
        let entries = self.entries.iter().filter(|(_, agrees)| *agrees);
        let mut keys = entries.flat_map(|(entry, _)| &*entry.delegate);
        keys.any(|key| key.as_str() == permission.as_str())
    }

    /// Returns the repository's rules, in file order.
    ///
    /// # Errors
    /// The policy has no entry for the repository, or only entries with another id.
    pub fn rules(&self) -> Result<Vec<&'a Rule>, Reason> {
        let mut rules = self.lists()?.flat_map(|(_, rules)| rules).collect();
        in_file_order(&mut rules);
        Ok(rules)
    }

    /// Returns the lists of the repository's rules: number 0 for the top, the entries' numbers from 1.
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
