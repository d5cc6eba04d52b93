//! Content of a valid policy.

use std::sync::Arc;

use super::format::Format;
use super::key::PermissionKey;
use super::position::Position;
use super::rule::{Patterns, Rule};

/// Maximum number of rules in one policy.
pub const MAX_RULES: usize = 200_000;

/// A policy with a valid structure. It owns its texts and shares most of them. The default policy grants nothing.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Syntax of its text.
    pub format: Format,
    /// `workspace:`, a label for audit records.
    pub workspace: Option<Arc<str>>,
    /// `permissions:` at the top, for the repository that contains the policy.
    pub permissions: Option<Box<[Rule]>>,
    /// `repositories:` with its position.
    pub repositories: Option<(Position, Box<[Entry]>)>,
}

/// Rules for one repository, or for those that a pattern matches.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Position of the entry in the file.
    pub position: Position,
    /// `repository:`, `OWNER/NAME`.
    pub repository: Patterns,
    /// `repository_id:`, which pins the repository against renaming and re-creation.
    pub repository_id: Option<u64>,
    /// `owner_id:`, which pins the owner in the same way.
    pub owner_id: Option<u64>,
    /// `delegate:`, permissions that the repository's own policy can grant too. No other policy of the
    /// repository counts.
    pub delegate: Arc<[PermissionKey]>,
    /// `permissions:`.
    pub permissions: Box<[Rule]>,
}

impl Policy {
    /// Keys of a policy.
    pub const KEYS: [&'static str; 4] = ["version", "workspace", "permissions", "repositories"];

    /// Returns all rules of the policy, in file order within each list.
    ///
    /// ```
    /// # use engine::policy::{Format, Policy};
    /// let text = r#"{ "version": 1, "permissions": [{ "permission": "ws:locks:create", "branch": "main" }] }"#;
    /// let policy = Policy::parse(text, Format::Json)?;
    /// let branches = policy.rules().filter_map(|rule| rule.branch.as_ref());
    /// let branches: Vec<_> = branches.flat_map(|branch| branch.names().into_iter().flatten()).collect();
    /// assert_eq!(branches, [&"main".into()]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        let entries = self.repositories.iter().flat_map(|(_, entries)| entries);
        let top = self.permissions.iter().flatten();
        top.chain(entries.flat_map(|entry| &entry.permissions))
    }
}

impl Entry {
    /// Keys of an entry of `repositories:`.
    pub const KEYS: [&'static str; 5] = [
        "repository",
        "repository_id",
        "owner_id",
        "delegate",
        "permissions",
    ];

    /// Whether the pinned ids match a repository with these ids. An unknown id matches no pin.
    pub fn pins_match(&self, repository_id: Option<&str>, owner_id: Option<&str>) -> bool {
        let agrees = |pin: Option<u64>, id: Option<&str>| {
            pin.is_none_or(|pin| id == Some(pin.to_string().as_str()))
        };
        agrees(self.repository_id, repository_id) && agrees(self.owner_id, owner_id)
    }
}

/// Repository and permissions of one check.
#[derive(Clone, Copy, Debug)]
pub struct PolicyQuery<'q> {
    /// Repository, `OWNER/NAME`.
    pub repository: Option<&'q str>,
    /// Requested permissions.
    pub permissions: &'q [PermissionKey],
}

impl PolicyQuery<'_> {
    pub(super) fn names(&self, permission: &str) -> bool {
        self.permissions
            .iter()
            .any(|asked| asked.as_str() == permission)
    }
}

#[cfg(test)]
mod tests {
    use super::super::format::Format;
    use super::*;

    #[test]
    fn a_pin_agrees_with_its_own_id_only() {
        const UNKNOWN: Option<&str> = None;
        for (pins, id, owner_id, agrees) in [
            ((None, None), UNKNOWN, UNKNOWN, true),
            ((None, None), Some("1"), Some("2"), true),
            ((Some(1), None), Some("1"), UNKNOWN, true),
            ((Some(1), None), UNKNOWN, Some("1"), false),
            ((Some(1), None), Some("01"), UNKNOWN, false),
            ((Some(1), None), Some("+1"), UNKNOWN, false),
            ((Some(1), None), Some("12"), UNKNOWN, false),
            ((Some(1), Some(2)), Some("1"), Some("2"), true),
            ((Some(1), Some(2)), Some("1"), UNKNOWN, false),
            ((Some(1), Some(2)), Some("2"), Some("1"), false),
        ] {
            let text = "version: 1\nrepositories: [{repository: a/b, permissions: []}]\n";
            let document = Policy::parse(text, Format::Yaml).unwrap();
            let (_, mut entries) = document.repositories.unwrap();
            (entries[0].repository_id, entries[0].owner_id) = pins;
            assert_eq!(
                entries[0].pins_match(id, owner_id),
                agrees,
                "{pins:?} {id:?} {owner_id:?}"
            );
        }
    }
}
