//! `permissions:`: what the token of a job may do.
//!
//! Source: docs.github.com, "Workflow syntax for GitHub Actions" (`permissions`) and "Reusing workflow
//! configurations": a called workflow can keep or lower what its caller has, and never raise it.

use super::yaml::Node;

/// The scope of the OIDC token.
pub const ID_TOKEN: &str = "id-token";

/// How much of one scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Nothing.
    #[default]
    None,
    /// To read.
    Read,
    /// To read and to write.
    Write,
}

/// A `permissions:` block. Of a scope that it does not name, the job has nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// `read-all` or `write-all`.
    every: Access,
    scopes: Vec<(String, Access)>,
}

impl Permissions {
    pub(super) fn read(node: &Node) -> Self {
        let scopes = node.members().map(|(scope, _, access)| {
            let access = match access.text() {
                Some("write") => Access::Write,
                Some("read") => Access::Read,
                _ => Access::None,
            };
            (scope.to_owned(), access)
        });
        Self {
            every: match node.text() {
                Some("write-all") => Access::Write,
                Some("read-all") => Access::Read,
                _ => Access::None,
            },
            scopes: scopes.collect(),
        }
    }

    /// What it grants of a scope, such as `contents`.
    pub fn access(&self, scope: &str) -> Access {
        let named = self.scopes.iter().find(|(name, _)| name == scope);
        named.map_or(self.every, |(_, access)| *access)
    }
}

/// The token of a job: every `permissions:` block that counts for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobToken<'w> {
    /// Of the workflow that was started, and of those that it calls.
    blocks: Vec<&'w Permissions>,
    limit: Limit,
}

/// What no block can go beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    None,
    /// Nothing is given where the run starts: what the repository's settings say.
    Default,
    /// What a workflow has that is not known.
    Caller,
}

impl<'w> JobToken<'w> {
    /// Of a job in a workflow that is started.
    pub(super) fn started(block: Option<&'w Permissions>) -> Self {
        Self {
            limit: block.map_or(Limit::Default, |_| Limit::None),
            blocks: block.into_iter().collect(),
        }
    }

    /// Of a job whose workflow others call that are not known.
    pub(super) fn of_any_caller(block: Option<&'w Permissions>) -> Self {
        Self {
            limit: Limit::Caller,
            blocks: block.into_iter().collect(),
        }
    }

    /// Of a job in a workflow that a job with this token calls.
    pub(super) fn called(&self, block: Option<&'w Permissions>) -> Self {
        let mut called = self.clone();
        called.blocks.extend(block);
        called
    }

    /// What it has of a scope; `None` when only the repository's settings or its callers say.
    pub fn access(&self, scope: &str) -> Option<Access> {
        let written = self.blocks.iter().map(|block| block.access(scope)).min();
        match (self.limit, written) {
            (Limit::None, _) | (_, Some(Access::None)) => written,
            // No setting gives it.
            (Limit::Default, _) if scope == ID_TOKEN => Some(Access::None),
            _ => None,
        }
    }

    /// Whether it surely has `id-token: write`.
    pub fn has_id_token(&self) -> bool {
        self.access(ID_TOKEN) == Some(Access::Write)
    }

    /// Whether no block says anything.
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
    fn what_a_block_does_not_name_is_nothing() {
        for (text, id_token, contents) in [
            ("{id-token: write}", Access::Write, Access::None),
            (
                "{contents: read, id-token: read}",
                Access::Read,
                Access::Read,
            ),
            ("write-all", Access::Write, Access::Write),
            ("read-all", Access::Read, Access::Read),
            ("{}", Access::None, Access::None),
            ("{contents: none, id-token: ''}", Access::None, Access::None),
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
            Some(Access::Read)
        );
        assert_eq!(caller.called(None).access("checks"), Some(Access::Read));
        assert_eq!(
            caller.called(Some(&none)).access("checks"),
            Some(Access::None)
        );

        let default = JobToken::started(None);
        assert!(default.is_default() && !default.called(Some(&all)).is_default());
        assert_eq!(
            default.called(Some(&all)).access(ID_TOKEN),
            Some(Access::None)
        );
        assert_eq!(default.access("contents"), None);

        let any = JobToken::of_any_caller(Some(&all));
        assert_eq!(any.access(ID_TOKEN), None);
        assert!(!any.has_id_token() && JobToken::started(Some(&all)).has_id_token());
        assert_eq!(
            JobToken::of_any_caller(Some(&none)).access(ID_TOKEN),
            Some(Access::None)
        );
    }
}
