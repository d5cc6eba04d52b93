//! `permissions:` of a job's token.
//!
//! Source: docs.github.com, "Workflow syntax for GitHub Actions" (`permissions`) and "Reusing workflow
//! configurations": a called workflow can keep or reduce the permissions of its caller, never extend them.

use super::yaml::Node;

/// Scope for OIDC tokens.
pub const ID_TOKEN: &str = "id-token";

/// Access to one scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccessLevel {
    /// No access.
    #[default]
    None,
    /// Read access.
    Read,
    /// Read and write access.
    Write,
}

/// A `permissions:` block. Scopes that it does not name have no access.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// `read-all` or `write-all`.
    every: AccessLevel,
    scopes: Vec<(String, AccessLevel)>,
}

impl Permissions {
    pub(super) fn read(node: &Node) -> Self {
        let scopes = node.members().map(|(scope, _, access)| {
            let access = match access.text() {
                Some("write") => AccessLevel::Write,
                Some("read") => AccessLevel::Read,
                _ => AccessLevel::None,
            };
            (scope.to_owned(), access)
        });
        Self {
            every: match node.text() {
                Some("write-all") => AccessLevel::Write,
                Some("read-all") => AccessLevel::Read,
                _ => AccessLevel::None,
            },
            scopes: scopes.collect(),
        }
    }

    /// Returns the access that the block grants to a scope, such as `contents`.
    pub fn access(&self, scope: &str) -> AccessLevel {
        let named = self.scopes.iter().find(|(name, _)| name == scope);
        named.map_or(self.every, |(_, access)| *access)
    }
}

/// Token of a job: all `permissions:` blocks that apply to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobToken<'w> {
    /// Blocks of the started workflow and of those that it calls.
    blocks: Vec<&'w Permissions>,
    limit: Limit,
}

/// Upper limit of all blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    None,
    /// The started workflow has no block, so the repository's settings apply.
    Default,
    /// The caller is unknown, and so are its permissions.
    Caller,
}

impl<'w> JobToken<'w> {
    /// Token of a job in a started workflow.
    pub(super) fn started(block: Option<&'w Permissions>) -> Self {
        Self {
            limit: block.map_or(Limit::Default, |_| Limit::None),
            blocks: block.into_iter().collect(),
        }
    }

    /// Token of a job in a workflow whose callers are unknown.
    pub(super) fn of_any_caller(block: Option<&'w Permissions>) -> Self {
        Self {
            limit: Limit::Caller,
            blocks: block.into_iter().collect(),
        }
    }

    /// Token of a job in a workflow that a job with this token calls.
    pub(super) fn called(&self, block: Option<&'w Permissions>) -> Self {
        let mut called = self.clone();
        called.blocks.extend(block);
        called
    }

    /// Returns the access to a scope; `None` if it depends on the repository's settings or on the callers.
    pub fn access(&self, scope: &str) -> Option<AccessLevel> {
        let written = self.blocks.iter().map(|block| block.access(scope)).min();
        match (self.limit, written) {
            (Limit::None, _) | (_, Some(AccessLevel::None)) => written,
            // No default of GitHub includes it.
            (Limit::Default, _) if scope == ID_TOKEN => Some(AccessLevel::None),
            _ => None,
        }
    }

    /// Whether it certainly has `id-token: write`.
    pub fn has_id_token(&self) -> bool {
        self.access(ID_TOKEN) == Some(AccessLevel::Write)
    }

    /// Whether no block applies and only the repository's settings do.
    pub fn is_default(&self) -> bool {
        self.blocks.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> Permissions {
        Permissions::read(&Node::parse(text).unwrap())
    }

    #[test]
    fn a_scope_that_a_block_does_not_name_has_no_access() {
        for (text, id_token, contents) in [
            ("{id-token: write}", AccessLevel::Write, AccessLevel::None),
            (
                "{contents: read, id-token: read}",
                AccessLevel::Read,
                AccessLevel::Read,
            ),
            ("write-all", AccessLevel::Write, AccessLevel::Write),
            ("read-all", AccessLevel::Read, AccessLevel::Read),
            ("{}", AccessLevel::None, AccessLevel::None),
            (
                "{contents: none, id-token: ''}",
                AccessLevel::None,
                AccessLevel::None,
            ),
        ] {
            let block = block(text);
            assert_eq!(block.access(ID_TOKEN), id_token, "{text}");
            assert_eq!(block.access("contents"), contents, "{text}");
        }
    }

    #[test]
    fn a_called_workflow_never_has_more_than_its_caller() {
        let (all, read, none) = (block("write-all"), block("read-all"), block("{}"));
        let caller = JobToken::started(Some(&read));
        assert_eq!(
            caller.called(Some(&all)).access(ID_TOKEN),
            Some(AccessLevel::Read)
        );
        assert_eq!(
            caller.called(None).access("checks"),
            Some(AccessLevel::Read)
        );
        assert_eq!(
            caller.called(Some(&none)).access("checks"),
            Some(AccessLevel::None)
        );

        let default = JobToken::started(None);
        assert!(default.is_default() && !default.called(Some(&all)).is_default());
        assert_eq!(
            default.called(Some(&all)).access(ID_TOKEN),
            Some(AccessLevel::None)
        );
        assert_eq!(default.access("contents"), None);

        let any = JobToken::of_any_caller(Some(&all));
        assert_eq!(any.access(ID_TOKEN), None);
        assert!(!any.has_id_token() && JobToken::started(Some(&all)).has_id_token());
        assert_eq!(
            JobToken::of_any_caller(Some(&none)).access(ID_TOKEN),
            Some(AccessLevel::None)
        );
    }
}
