//! Source of a policy: the validated input `policy`.
//!
//! A source cannot address another endpoint or leave the workspace, because every part is validated with its
//! own grammar before it is used.

use std::fmt;

use super::format::Format;
use crate::{RepositoryName, is_commit_sha};

/// Path of the policy, unless the input names another one.
pub const DEFAULT_PATH: &str = ".github/repo-permissions.yml";

/// Source that the input `policy` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicySource {
    /// `PATH`: a file of this repository at its default branch, from the REST contents API.
    DefaultBranch(RepositoryPath),
    /// `OWNER/REPO/PATH@REF`: a file of a repository at a ref, from the REST contents API.
    Repository {
        /// `OWNER/REPO`.
        repository: RepositoryName,
        /// File in the repository.
        path: RepositoryPath,
        /// Branch, tag or commit SHA.
        reference: GitRef,
    },
    /// `./PATH`: a file of the workspace. It is rejected for pull request and untrusted events, where anyone can
    /// write it.
    Workspace(RepositoryPath),
    /// Text with a line break: the policy itself.
    Inline(String),
}

/// Why the input `policy` names no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSource {
    /// A text with `@` has the wrong form.
    #[error("`{0}` is not `OWNER/REPO/PATH@REF`, as in `acme-org/policies/permissions.yml@main`")]
    Form(String),
    /// The path cannot name a policy in a repository.
    #[error("the policy path `{path}` {problem}")]
    Path {
        /// Invalid path.
        path: String,
        /// Problem of the path.
        problem: &'static str,
    },
    /// Git does not allow the ref.
    #[error("`{0}` is not the name of a branch, a tag or a commit")]
    Ref(String),
    /// The ref belongs to a pull request.
    #[error(
        "`{0}` is the ref of a pull request, which anyone can write: use a branch, a tag or a commit"
    )]
    PullRequest(String),
}

impl PolicySource {
    /// Parses the input. `workspace` is the value of `GITHUB_WORKSPACE`: the runner expands
    /// `${{ github.workspace }}/PATH` with it, which then means the same as `./PATH`.
    ///
    /// ```
    /// # use engine::policy::source::PolicySource;
    /// let source = PolicySource::parse("acme-org/policies/permissions.yml@main", "/github/workspace")?;
    /// assert!(matches!(source, PolicySource::Repository { .. }));
    /// let source = PolicySource::parse("/github/workspace/policy.yml", "/github/workspace")?;
    /// assert!(matches!(source, PolicySource::Workspace(_)));
    /// assert!(PolicySource::parse("acme-org/policies/../x.yml@main", "").is_err());
    /// # Ok::<(), engine::policy::source::InvalidSource>(())
    /// ```
    ///
    /// # Errors
    /// The text is not a valid source.
    pub fn parse(input: &str, workspace: &str) -> Result<Self, InvalidSource> {
        if input.contains('\n') {
            return Ok(Self::Inline(input.to_owned()));
        }
        let in_workspace = (!workspace.is_empty())
            .then(|| input.strip_prefix(workspace)?.strip_prefix('/'))
            .flatten();
        if let Some(path) = in_workspace.or_else(|| input.strip_prefix("./")) {
            return RepositoryPath::parse(path).map(Self::Workspace);
        }
        let Some((file, reference)) = input.split_once('@') else {
            return RepositoryPath::parse(input).map(Self::DefaultBranch);
        };
        let expected = || InvalidSource::Form(input.to_owned());
        let mut parts = file.splitn(3, '/');
        let (Some(owner), Some(name), Some(path)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(expected());
        };
        Ok(Self::Repository {
            repository: RepositoryName::new(owner, name).ok_or_else(expected)?,
            path: RepositoryPath::parse(path)?,
            reference: GitRef::parse(reference)?,
        })
    }

    /// Returns the syntax of the policy.
    pub fn format(&self) -> Format {
        match self {
            Self::DefaultBranch(path) | Self::Workspace(path) | Self::Repository { path, .. } => {
                Format::of_path(path.as_str())
            }
            Self::Inline(text) => Format::of_text(text),
        }
    }

    /// Returns the name of the file for positions such as `FILE:LINE`.
    pub fn file(&self) -> &str {
        match self {
            Self::DefaultBranch(path) | Self::Workspace(path) | Self::Repository { path, .. } => {
                path.as_str()
            }
            Self::Inline(_) => "policy",
        }
    }
}

impl fmt::Display for PolicySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DefaultBranch(path) => write!(f, "{path}"),
            Self::Repository {
                repository,
                path,
                reference,
            } => {
                write!(f, "{repository}/{path}@{reference}")
            }
            Self::Workspace(path) => write!(f, "./{path}"),
            Self::Inline(_) => f.write_str("the input `policy`"),
        }
    }
}

/// Path in a repository: relative, without empty, `.` or `..` segments, with the extension `.yml`, `.yaml` or
/// `.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryPath(String);

impl RepositoryPath {
    fn parse(path: &str) -> Result<Self, InvalidSource> {
        let wrong = |problem| {
            let path = path.to_owned();
            Err(InvalidSource::Path { path, problem })
        };
        if path.is_empty() || path.starts_with('/') {
            return wrong("is not relative to the root of the repository");
        }
        if path
            .split('/')
            .any(|segment| matches!(segment, "" | "." | ".."))
        {
            return wrong("has an empty, `.` or `..` segment");
        }
        if path.chars().any(|c| c.is_control() || c == '\\') {
            return wrong("has a control character or a backslash");
        }
        let lower = path.to_ascii_lowercase();
        if ![".yml", ".yaml", ".json"]
            .iter()
            .any(|ending| lower.ends_with(ending))
        {
            return wrong("does not end in `.yml`, `.yaml` or `.json`");
        }
        Ok(Self(path.to_owned()))
    }

    /// Returns the path, with `/` between its segments.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RepositoryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Branch, tag or commit SHA in the form that Git allows (git-check-ref-format).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitRef(String);

/// Kind of a ref in a repository that shares its commits with its forks, as on GitHub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefKind {
    /// A branch or a tag, which users with write access set.
    BranchOrTag,
    /// A commit by its full SHA, possibly of a fork.
    Commit,
    /// A branch or a tag or, if none has this name, a commit by the start of its SHA, possibly of a fork.
    Either,
}

impl GitRef {
    fn parse(reference: &str) -> Result<Self, InvalidSource> {
        let forbidden = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
        let is_no_segment = |segment: &str| {
            segment.is_empty() || segment.starts_with('.') || segment.ends_with(".lock")
        };
        if reference == "@"
            || reference.contains(forbidden)
            || reference.split('/').any(is_no_segment)
            || ["..", "@{"].iter().any(|part| reference.contains(part))
            || reference.starts_with('-')
            || reference.ends_with('.')
        {
            return Err(InvalidSource::Ref(reference.to_owned()));
        }
        if ["pull/", "refs/pull/"]
            .iter()
            .any(|pulls| reference.starts_with(pulls))
        {
            return Err(InvalidSource::PullRequest(reference.to_owned()));
        }
        Ok(Self(reference.to_owned()))
    }

    /// Returns what the ref can name, by Git's rules.
    ///
    /// Source: gitrevisions(7), `<sha1>` and `<describeOutput>`.
    pub fn kind(&self) -> RefKind {
        if is_commit_sha(&self.0) {
            return RefKind::Commit;
        }
        // Git's minimum length of an abbreviated SHA.
        let is_start = |text: &str| text.len() >= 4 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let described = self.0.rsplit_once("-g").map(|(_, start)| start);
        match is_start(&self.0) || described.is_some_and(is_start) {
            true => RefKind::Either,
            false => RefKind::BranchOrTag,
        }
    }

    /// Returns the ref.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GitRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_places() {
        let parse = |input: &str| PolicySource::parse(input, "/github/workspace").unwrap();
        assert_eq!(parse(DEFAULT_PATH).to_string(), DEFAULT_PATH);
        assert_eq!(
            parse("acme-org/policies/a/b.json@feature/x@y").to_string(),
            "acme-org/policies/a/b.json@feature/x@y"
        );
        assert_eq!(parse("./a b.yaml").to_string(), "./a b.yaml");
        assert_eq!(parse("/github/workspace/p.yml"), parse("./p.yml"));
        assert_eq!(
            parse("version: 1\n"),
            PolicySource::Inline("version: 1\n".into())
        );
        for (text, format) in [
            ("{\n}", Format::Json),
            ("\u{feff} \n{version: 1}\n", Format::Json),
            (
                "version: 1\npermissions: [{ permission: a:b }]\n",
                Format::Yaml,
            ),
            ("# {\nversion: 1\n", Format::Yaml),
            ("\u{a0}{\n", Format::Yaml),
        ] {
            assert_eq!(parse(text).format(), format, "{text:?}");
        }
        assert_eq!(parse("./p.JSON").format(), Format::Json);
    }

    #[test]
    fn policy_path_cannot_reach_another_endpoint() {
        for input in [
            "",
            "/etc/passwd.yml",
            "../../user.yml",
            "a/../b.yml",
            "a//b.yml",
            "./",
            "./../p.yml",
            ".//p.yml",
            "p.txt",
            ".github",
            "a\\b.yml",
            "a\u{7}.yml",
            "/github/workspacep.yml",
            "o/r@main",
            "o/p.yml@main",
            "@main",
            "o/r/p.yml@",
            "o/r/../../user.yml@main",
            "../r/p.yml@main",
            "o/../p.yml@main",
            "o/./p.yml@main",
            "o%2f/r/p.yml@main",
            "o/r/p.yml@a b",
            "o/r/p.yml@a..b",
            "o/r/p.yml@main?x",
            "o/r/p.yml@-x",
            "o/r/p.yml@a~1",
            "o/r/p.yml@main^{commit}",
            "o/r/p.yml@main@{1}",
            "o/r/p.yml@@",
            "o/r/p.yml@.hidden",
            "o/r/p.yml@a/.b",
            "o/r/p.yml@a//b",
            "o/r/p.yml@a.lock",
            "o/r/p.yml@refs/pull/7/head",
            "o/r/p.yml@refs/pull/7/merge",
            "o/r/p.yml@pull/7/head",
            "o /r/p.yml@main",
        ] {
            let parsed = PolicySource::parse(input, "/github/workspace");
            assert!(parsed.is_err(), "{input:?} gave {parsed:?}");
        }
    }

    #[test]
    fn what_a_ref_can_name() {
        let sha = "0123456789abcdefABCDEF0123456789abcdef01";
        for (reference, kind) in [
            ("main", RefKind::BranchOrTag),
            ("feature/x", RefKind::BranchOrTag),
            ("v1.2.3", RefKind::BranchOrTag),
            ("refs/heads/beef", RefKind::BranchOrTag),
            ("refs/pulls", RefKind::BranchOrTag),
            ("abc", RefKind::BranchOrTag),
            ("fix-great", RefKind::BranchOrTag),
            (sha, RefKind::Commit),
            (sha.strip_suffix("1").unwrap(), RefKind::Either),
            ("beef", RefKind::Either),
            ("2027", RefKind::Either),
            ("v1-4-gbeef", RefKind::Either),
            ("refs/heads/x-gBEEF", RefKind::Either),
        ] {
            let parsed = GitRef::parse(reference).unwrap();
            assert_eq!(parsed.kind(), kind, "{reference}");
        }
    }
}
