//! Validated names on GitHub.

use std::fmt;

/// Name of a repository, `OWNER/NAME`, in GitHub's characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryName {
    owner: String,
    name: String,
}

impl RepositoryName {
    /// Returns a name, or `None` if GitHub does not allow a part: letters, digits, `-`, `_` (and `.` in a
    /// repository's name, but neither `.` nor `..` alone).
    pub fn new(owner: &str, name: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        let owner_ok = !owner.is_empty() && owner.len() <= 100 && owner.bytes().all(plain);
        let name_ok = !matches!(name, "" | "." | "..")
            && name.len() <= 100
            && name.bytes().all(|b| plain(b) || b == b'.');
        (owner_ok && name_ok).then(|| Self {
            owner: owner.to_owned(),
            name: name.to_owned(),
        })
    }

    /// Parses `OWNER/NAME`.
    ///
    /// ```
    /// # use engine::RepositoryName;
    /// let name = RepositoryName::parse("acme-org/infra").unwrap();
    /// assert_eq!((name.owner(), name.name()), ("acme-org", "infra"));
    /// assert_eq!(RepositoryName::parse("acme-org/.."), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let (owner, name) = text.split_once('/')?;
        Self::new(owner, name)
    }

    /// Returns the owner.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Returns the name without its owner.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether both name the same repository; GitHub ignores case.
    pub fn is_same(&self, other: &Self) -> bool {
        self.owner.eq_ignore_ascii_case(&other.owner) && self.name.eq_ignore_ascii_case(&other.name)
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

/// Whether a text is a full commit SHA: 40 hexadecimal digits, or 64 in a SHA-256 repository.
pub fn is_commit_sha(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}
