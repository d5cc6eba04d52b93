//! Repositories, their refs and files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;
use sha1::{Digest as _, Sha1};

use crate::unique::to_hex;

/// A commit's full object name: 40 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitSha(String);

impl CommitSha {
    /// Creates a SHA without a check, because tests also need invalid ones.
    #[must_use]
    pub fn new(sha: &str) -> Self {
        Self(sha.to_owned())
    }

    /// Derives a SHA from `seed`.
    #[must_use]
    pub fn derived(seed: &str) -> Self {
        Self(to_hex(&Sha1::digest(seed.as_bytes())))
    }

    /// Returns the digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommitSha {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A repository: identity, refs, and the files of each commit.
#[derive(Debug, Clone)]
pub struct Repository {
    /// Owner's login.
    pub owner: String,
    /// Name without the owner.
    pub name: String,
    /// Numeric id, never reused.
    pub id: u64,
    /// Owner's numeric id.
    pub owner_id: u64,
    /// Whether it is private: 404 for requests without read access.
    pub private: bool,
    /// Short name of the default branch.
    pub default_branch: String,
    /// Whether it is archived: read-only, and its workflows do not run.
    pub archived: bool,
    /// Whether it is a fork.
    pub fork: bool,
    /// Id of the repository that it is a fork of.
    pub parent: Option<u64>,
    /// Former `OWNER/REPO` names, which REST redirects.
    pub former_names: Vec<String>,
    refs: BTreeMap<String, CommitSha>,
    /// Objects of annotated tags, by their full ref.
    annotated: BTreeMap<String, CommitSha>,
    trees: BTreeMap<CommitSha, BTreeMap<String, Vec<u8>>>,
    known: BTreeSet<CommitSha>,
    merge_bases: BTreeMap<(CommitSha, CommitSha), CommitSha>,
    /// By `TAG/FILE`.
    release_assets: BTreeMap<String, Vec<u8>>,
    /// By number, in the API's form.
    pull_requests: BTreeMap<u64, Value>,
}

impl Repository {
    /// Creates a public repository with the branch `main`; `full_name` is `OWNER/REPO`.
    #[must_use]
    pub fn new(full_name: &str, id: u64, owner_id: u64) -> Self {
        let (owner, name) = full_name.split_once('/').unwrap_or(("", full_name));
        Self {
            owner: owner.into(),
            name: name.into(),
            id,
            owner_id,
            private: false,
            default_branch: "main".into(),
            archived: false,
            fork: false,
            parent: None,
            former_names: Vec::new(),
            refs: BTreeMap::new(),
            annotated: BTreeMap::new(),
            trees: BTreeMap::new(),
            known: BTreeSet::new(),
            merge_bases: BTreeMap::new(),
            release_assets: BTreeMap::new(),
            pull_requests: BTreeMap::new(),
        }
        .with_branch("main")
    }

    /// Returns `OWNER/REPO`.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// Makes it private.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.private = true;
        self
    }

    /// Archives it.
    #[must_use]
    pub fn archived(mut self) -> Self {
        self.archived = true;
        self
    }

    /// Makes it a fork of the repository with the id.
    #[must_use]
    pub fn forked_from(mut self, id: u64) -> Self {
        (self.fork, self.parent) = (true, Some(id));
        self
    }

    /// Adds a file to a commit that no ref of this repository has. It belongs to a fork, and GitHub serves the
    /// commits of a fork network under the name of each of its repositories.
    #[must_use]
    pub fn with_foreign_commit(
        mut self,
        sha: &CommitSha,
        path: &str,
        content: impl Into<Vec<u8>>,
    ) -> Self {
        let tree = self.trees.entry(sha.clone()).or_default();
        tree.insert(path.to_owned(), content.into());
        self
    }

    /// Adds a former name, `OWNER/REPO`.
    #[must_use]
    pub fn with_former_name(mut self, full_name: &str) -> Self {
        self.former_names.push(full_name.into());
        self
    }

    /// Creates a branch and makes it the default branch.
    #[must_use]
    pub fn with_default_branch(mut self, branch: &str) -> Self {
        self.default_branch = branch.into();
        self.with_branch(branch)
    }

    /// Adds a branch with its own SHA and no files.
    #[must_use]
    pub fn with_branch(mut self, branch: &str) -> Self {
        self.ensure_ref(&format!("refs/heads/{branch}"));
        self
    }

    /// Adds a tag with its own SHA and no files.
    #[must_use]
    pub fn with_tag(mut self, tag: &str) -> Self {
        self.ensure_ref(&format!("refs/tags/{tag}"));
        self
    }

    /// Adds a file at the tip of `reference`, a branch's short name or a full ref. Creates the ref if necessary.
    #[must_use]
    pub fn with_file(mut self, reference: &str, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.set_file(reference, path, content);
        self
    }

    /// Adds a file like [`Repository::with_file`]. The tip keeps its SHA.
    pub fn set_file(&mut self, reference: &str, path: &str, content: impl Into<Vec<u8>>) {
        let full = if reference.starts_with("refs/") {
            reference.to_owned()
        } else {
            format!("refs/heads/{reference}")
        };
        let sha = self.ensure_ref(&full);
        self.trees
            .entry(sha)
            .or_default()
            .insert(path.to_owned(), content.into());
    }

    /// Adds a file to the release of a tag.
    #[must_use]
    pub fn with_release_asset(
        mut self,
        tag: &str,
        file: &str,
        content: impl Into<Vec<u8>>,
    ) -> Self {
        self.release_assets
            .insert(format!("{tag}/{file}"), content.into());
        self
    }

    pub(crate) fn release_asset(&self, tag_and_file: &str) -> Option<Vec<u8>> {
        self.release_assets.get(tag_and_file).cloned()
    }

    /// Opens or updates a pull request; `shown` is the API's response.
    pub fn set_pull_request(&mut self, number: u64, shown: Value) {
        self.pull_requests.insert(number, shown);
    }

    pub(crate) fn pull_request(&self, number: &str) -> Option<&Value> {
        self.pull_requests.get(&number.parse().ok()?)
    }

    /// Returns the SHA at the tip of a branch, or `None` if the branch does not exist.
    #[must_use]
    pub fn branch_sha(&self, branch: &str) -> Option<CommitSha> {
        self.refs.get(&format!("refs/heads/{branch}")).cloned()
    }

    /// Adds a commit, so that check runs and statuses can refer to it.
    pub fn add_commit(&mut self, sha: CommitSha) {
        self.known.insert(sha);
    }

    /// Sets the merge base of two branches to the tip of a third one. The default is the tip of the base.
    #[must_use]
    pub fn with_merge_base(mut self, base: &str, head: &str, common: &str) -> Self {
        let [base, head, common] =
            [base, head, common].map(|branch| self.ensure_ref(&format!("refs/heads/{branch}")));
        self.merge_bases.insert((base, head), common);
        self
    }

    /// Sets the merge base of two commits, which the repository then knows.
    pub fn set_merge_base(&mut self, base: &CommitSha, head: &CommitSha, common: &CommitSha) {
        for sha in [base, head, common] {
            self.known.insert(sha.clone());
        }
        let pair = (base.clone(), head.clone());
        self.merge_bases.insert(pair, common.clone());
    }

    /// Lets a branch or a tag, by its full ref, point to a commit.
    pub fn set_ref(&mut self, full: &str, sha: &CommitSha) {
        self.known.insert(sha.clone());
        self.annotated.remove(full);
        self.refs.insert(full.to_owned(), sha.clone());
    }

    /// Lets a tag, by its full ref, point to a commit by an object with a message.
    pub fn set_annotated_tag(&mut self, full: &str, sha: &CommitSha) {
        self.set_ref(full, sha);
        let object = CommitSha::derived(&format!("{full} at {sha}"));
        self.annotated.insert(full.to_owned(), object);
    }

    /// Removes a branch or a tag, by its full ref.
    pub fn remove_ref(&mut self, full: &str) {
        self.refs.remove(full);
        self.annotated.remove(full);
    }

    /// Returns the object of an annotated tag.
    pub(crate) fn tag_object(&self, full: &str) -> Option<&CommitSha> {
        self.annotated.get(full)
    }

    /// Returns the name of the annotated tag with this object, and its commit.
    pub(crate) fn annotated_tag(&self, object: &str) -> Option<(&str, &CommitSha)> {
        let mut tags = self.annotated.iter();
        let (full, _) = tags.find(|(_, sha)| sha.as_str() == object)?;
        Some((full.strip_prefix("refs/tags/")?, self.refs.get(full)?))
    }

    pub(crate) fn reference(&self, full: &str) -> Option<&CommitSha> {
        self.refs.get(full)
    }

    pub(crate) fn merge_base(&self, base: &CommitSha, head: &CommitSha) -> CommitSha {
        let known = self.merge_bases.get(&(base.clone(), head.clone()));
        known.unwrap_or(base).clone()
    }

    pub(crate) fn knows(&self, sha: &str) -> bool {
        let sha = CommitSha::new(sha);
        self.known.contains(&sha) || self.trees.contains_key(&sha)
    }

    /// Resolves a `ref` as GitHub does: a full ref, a branch, a tag or a SHA. `HEAD` and no ref mean the default
    /// branch.
    pub(crate) fn resolve(&self, reference: Option<&str>) -> Option<CommitSha> {
        let Some(reference) = reference.filter(|reference| !matches!(*reference, "" | "HEAD"))
        else {
            return self.branch_sha(&self.default_branch);
        };
        let named = [
            reference.to_owned(),
            format!("refs/{reference}"),
            format!("refs/heads/{reference}"),
            format!("refs/tags/{reference}"),
        ];
        named
            .iter()
            .find_map(|name| self.refs.get(name).cloned())
            .or_else(|| self.knows(reference).then(|| CommitSha::new(reference)))
            .or_else(|| self.abbreviated(reference))
    }

    /// Returns the commit of an abbreviated SHA, alone or at the end of a name by `git describe`.
    fn abbreviated(&self, reference: &str) -> Option<CommitSha> {
        let start = reference
            .rsplit_once("-g")
            .map_or(reference, |(_, start)| start);
        let is_start = start.len() >= 4 && start.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut commits = self.trees.keys().filter(|sha| sha.0.starts_with(start));
        commits.next().filter(|_| is_start).cloned()
    }

    /// Returns the files of a commit; none for a commit of [`Repository::add_commit`].
    pub(crate) fn tree(&self, sha: &CommitSha) -> BTreeMap<String, Vec<u8>> {
        self.trees.get(sha).cloned().unwrap_or_default()
    }

    fn ensure_ref(&mut self, full: &str) -> CommitSha {
        let seed = format!("{} {full}", self.full_name());
        let sha = self
            .refs
            .entry(full.to_owned())
            .or_insert_with(|| CommitSha::derived(&seed))
            .clone();
        self.trees.entry(sha.clone()).or_default();
        sha
    }
}

/// Returns git's object name of a file: SHA-1 over `blob LENGTH\0` and the content.
#[must_use]
pub fn blob_sha(content: &[u8]) -> String {
    let mut hash = Sha1::new();
    hash.update(format!("blob {}\0", content.len()));
    hash.update(content);
    to_hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_named_as_git_names_it() {
        // `printf 'hello\n' | git hash-object --stdin`
        assert_eq!(
            blob_sha(b"hello\n"),
            "ce013625030ba8dba906f756967f9e9ca394464a"
        );
    }

    #[test]
    fn refs_resolve_as_on_github() {
        let repository = Repository::new("o/r", 1, 2)
            .with_branch("x")
            .with_tag("x")
            .with_tag("v1");
        assert_eq!(repository.resolve(None), repository.branch_sha("main"));
        assert_eq!(
            repository.resolve(Some("HEAD")),
            repository.branch_sha("main")
        );
        assert_eq!(repository.resolve(Some("x")), repository.branch_sha("x"));
        assert_ne!(
            repository.resolve(Some("refs/tags/x")),
            repository.branch_sha("x")
        );
        assert_eq!(
            repository.resolve(Some("tags/v1")),
            repository.resolve(Some("v1"))
        );
        assert_eq!(repository.resolve(Some("none")), None);
        let sha = repository.branch_sha("x").unwrap();
        assert_eq!(repository.resolve(Some(sha.as_str())), Some(sha));
    }
}
