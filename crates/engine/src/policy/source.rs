//! Where a policy comes from: the input `policy`, checked.
//!
//! Nothing of it can reach another endpoint or leave the workspace: every part is held against the
//! grammar of what it names before it is used.

use std::fmt;

use super::model::Format;
use crate::{RepositoryName, is_commit_sha};

/// Where the policy is read when the input names nothing else.
pub const DEFAULT_PATH: &str = ".github/repo-permissions.yml";

/// The place that the input `policy` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicySource {
    /// `PATH`: this repository at its default branch, by the REST contents API.
    DefaultBranch(RepositoryPath),
    /// `OWNER/REPO/PATH@REF`: a repository at a ref, by the REST contents API.
    Repository {
        /// `OWNER/REPO`.
        repository: RepositoryName,
        /// The file in it.
        path: RepositoryPath,
        /// A branch, a tag or a commit SHA.
        reference: GitRef,
    },
    /// `./PATH`: a file of the workspace. Refused in pull request and untrusted events, where it can be
    /// a stranger's text.
    Workspace(RepositoryPath),
    /// A text with a new line: the policy itself.
    Inline(String),
}

/// Why the input `policy` names no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSource {
    /// A text with `@` has another form.
    #[error("`{0}` is not `OWNER/REPO/PATH@REF`, as in `acme-org/policies/permissions.yml@main`")]
    Form(String),
    /// The path is not a file of a repository.
    #[error("the policy path `{path}` {problem}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// git does not allow the ref.
    #[error("`{0}` is not the name of a branch, a tag or a commit")]
    Ref(String),
    /// The ref is a pull request's.
    #[error(
        "`{0}` names a pull request, whose text anybody can write: name a branch, a tag or a commit"
    )]
    PullRequest(String),
}

impl PolicySource {
    /// Reads the input. `workspace` is the value of `GITHUB_WORKSPACE`: the runner rewrites
    /// `${{ github.workspace }}/PATH` to it, which then means the same as `./PATH`.
    ///
    /// # Errors
    /// The text has another form.
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

    /// The syntax of the policy that is found there.
    pub fn format(&self) -> Format {
        match self {
            Self::DefaultBranch(path) | Self::Workspace(path) | Self::Repository { path, .. } => {
                Format::of_path(path.as_str())
            }
            Self::Inline(text) => Format::of_text(text),
        }
    }

    /// The file's name for positions: `FILE:LINE`.
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

/// A path inside a repository: relative, without empty, `.` or `..` segments, ending in `.yml`,
/// `.yaml` or `.json`.
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

    /// The path, with `/` between its segments.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RepositoryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A branch, tag or commit SHA as git allows it (git-check-ref-format).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitRef(String);

/// What a ref can name in a repository that shares its commits with its forks, as on GitHub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// A branch or a tag, which its repository's writers set.
    BranchOrTag,
    /// A commit by its whole SHA: also one of a fork.
    Commit,
    /// A branch or a tag, or where there is none of the name, a commit by the start of its SHA: also
    /// one of a fork.
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

    /// What the ref can name, read as git reads it.
    ///
    /// Source: gitrevisions(7), `<sha1>` and `<describeOutput>`.
    pub fn named(&self) -> Named {
        if is_commit_sha(&self.0) {
            return Named::Commit;
        }
        // As long as git wants it at least.
        let is_start = |text: &str| text.len() >= 4 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let described = self.0.rsplit_once("-g").map(|(_, start)| start);
        match is_start(&self.0) || described.is_some_and(is_start) {
            true => Named::Either,
            false => Named::BranchOrTag,
        }
    }

    /// The ref.
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
        for (reference, named) in [
            ("main", Named::BranchOrTag),
            ("feature/x", Named::BranchOrTag),
            ("v1.2.3", Named::BranchOrTag),
            ("refs/heads/beef", Named::BranchOrTag),
            ("refs/pulls", Named::BranchOrTag),
            ("abc", Named::BranchOrTag),
            ("fix-great", Named::BranchOrTag),
            (sha, Named::Commit),
            (sha.strip_suffix("1").unwrap(), Named::Either),
            ("beef", Named::Either),
            ("2027", Named::Either),
            ("v1-4-gbeef", Named::Either),
            ("refs/heads/x-gBEEF", Named::Either),
        ] {
            let parsed = GitRef::parse(reference).unwrap();
            assert_eq!(parsed.named(), named, "{reference}");
        }
    }
}
