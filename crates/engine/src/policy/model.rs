//! The policy document: what a valid policy says.

use std::sync::Arc;

use super::grammar::PolicyGrammar;
use super::key::PermissionKey;
use super::position::Position;
use super::problem::Invalid;
use super::reader;
use super::rule::{Patterns, Rule};

/// The largest policy file in bytes.
pub const MAX_FILE: usize = 10 << 20;
/// The most rules of one policy.
pub const MAX_RULES: usize = 200_000;

/// The syntax of a policy text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `.yml`, `.yaml`, and a policy without a file name.
    Yaml,
    /// `.json`, and a policy without a file name that starts with a brace.
    Json,
}

impl Format {
    /// The format of a file, by the ending of its name.
    pub fn of_path(path: &str) -> Self {
        if path.to_ascii_lowercase().ends_with(".json") {
            Self::Json
        } else {
            Self::Yaml
        }
    }

    /// The format of a text that has no name: JSON where its first character is a brace.
    pub fn of_text(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // What JSON takes for blank (RFC 8259, section 2).
        match text
            .trim_start_matches([' ', '\t', '\n', '\r'])
            .starts_with('{')
        {
            true => Self::Json,
            false => Self::Yaml,
        }
    }
}

/// A policy whose structure is valid. It owns its texts, most of them once. The default one grants nothing.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// `workspace:`, a label for audit records.
    pub workspace: Option<Arc<str>>,
    /// `permissions:` at the top, for the repository that the file was read from.
    pub permissions: Option<Box<[Rule]>>,
    /// `repositories:` with its position.
    pub repositories: Option<(Position, Box<[Entry]>)>,
}

/// What a policy says of one repository, or of those that a pattern names.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where it starts in the file.
    pub position: Position,
    /// `repository:`, `OWNER/NAME`.
    pub repository: Patterns,
    /// `repository_id:`, a pin against renamed or re-created repositories.
    pub repository_id: Option<u64>,
    /// `owner_id:`, likewise.
    pub owner_id: Option<u64>,
    /// `delegate:`, the permissions that the repository's own policy may grant as well. No other
    /// policy of it counts.
    pub delegate: Arc<[PermissionKey]>,
    /// `permissions:`.
    pub permissions: Box<[Rule]>,
}

impl Policy {
    /// The keys of a policy.
    pub const KEYS: [&'static str; 4] = ["version", "workspace", "permissions", "repositories"];
}

impl Entry {
    /// The keys of an entry of `repositories:`.
    pub const KEYS: [&'static str; 5] = [
        "repository",
        "repository_id",
        "owner_id",
        "delegate",
        "permissions",
    ];

    /// Whether the entry is for a repository with these ids. A pinned id that is not known does not agree.
    pub fn pins_match(&self, repository_id: Option<&str>, owner_id: Option<&str>) -> bool {
        let agrees = |pin: Option<u64>, id: Option<&str>| {
            pin.is_none_or(|pin| id == Some(pin.to_string().as_str()))
        };
        agrees(self.repository_id, repository_id) && agrees(self.owner_id, owner_id)
    }
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// Every problem that was found, at least one: a limit, a syntax error (which ends the reading),
    /// or a part that is not as the schema says.
    pub fn parse(text: &str, format: Format) -> Result<Self, Invalid> {
        reader::read(text, format, PolicyGrammar::new(None))
    }

    /// Reads a policy for one check: the whole of it is held to the same rules, and what cannot matter
    /// to the check is not kept. A decision on it is the decision on the whole.
    ///
    /// # Errors
    /// As [`Policy::parse`].
    pub fn parse_for(text: &str, format: Format, asked: &PolicyQuery<'_>) -> Result<Self, Invalid> {
        reader::read(text, format, PolicyGrammar::new(Some(asked)))
    }

    /// Reads what can be read of a policy that may be invalid. For advice only: what is wrong is
    /// missing in it.
    pub fn parse_partly(text: &str, format: Format) -> (Option<Self>, Option<Invalid>) {
        reader::read_partly(text, format, PolicyGrammar::new(None))
    }

    /// Every rule of the document, in file order within its list.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        let entries = self.repositories.iter().flat_map(|(_, entries)| entries);
        let top = self.permissions.iter().flatten();
        top.chain(entries.flat_map(|entry| &entry.permissions))
    }
}

/// What one check asks of a policy.
#[derive(Clone, Copy, Debug)]
pub struct PolicyQuery<'q> {
    /// The repository, `OWNER/NAME`.
    pub repository: Option<&'q str>,
    /// The permissions.
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
