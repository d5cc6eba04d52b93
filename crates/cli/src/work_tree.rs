//! The git work tree that a command runs in, and the policy in it.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};

use super::git::{Git, host};
use analysis::PolicyRepository;
use engine::RepositoryName;
use engine::policy::quoted;
use engine::policy::source::DEFAULT_PATH;
use platform::Variables;

/// Paths of a repository's own policy, in this order.
pub(super) const POLICIES: [&str; 3] = [
    DEFAULT_PATH,
    ".github/repo-permissions.yaml",
    ".github/repo-permissions.json",
];

/// Returns the path that the arguments name, or that of the work tree's own policy. `flag` is how one names it.
///
/// # Errors
/// The arguments name a directory without a policy, or none, and the work tree has none.
pub(super) fn policy_or_default(given: Option<&Path>, flag: &str) -> anyhow::Result<PathBuf> {
    match given {
        Some(path) => policy_at(path),
        None => default_policy(flag),
    }
}

/// Returns the path of a policy, which for a directory is the policy of the repository in it.
///
/// # Errors
/// The directory has no policy.
pub(super) fn policy_at(path: &Path) -> anyhow::Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let mut candidates = POLICIES.iter().map(|policy| path.join(policy));
    candidates.find(|path| path.exists()).with_context(|| {
        let directory = quoted(&path.display().to_string());
        let policy = quoted(DEFAULT_PATH);
        format!("{directory} is a directory without {policy}: name the file of the policy")
    })
}

/// Returns the path of the work tree's own policy, relative to the working directory.
fn default_policy(flag: &str) -> anyhow::Result<PathBuf> {
    let git = Git::discover(Path::new(".")).with_context(|| {
        format!(
            "this directory is not in a git work tree: name the policy with {}",
            quoted(flag)
        )
    })?;
    let mut candidates = POLICIES.iter().map(|path| git.root.join(path));
    if let Some(path) = candidates.find(|path| path.exists()) {
        return Ok(relative(&path));
    }
    let root = quoted(&git.root.display().to_string());
    let (file, flag) = (quoted(DEFAULT_PATH), quoted(flag));
    bail!(
        "the work tree {root} has no {file}: name the policy with {flag}, or write one with `repo-permissions init`"
    )
}

/// Returns the repository that contains a policy: the named one, else that of the work tree in which the file lies.
pub(super) fn policy_repository(
    named: Option<&RepositoryName>,
    policy: &Path,
    variables: &Variables,
) -> PolicyRepository {
    if let Some(named) = named {
        return PolicyRepository::Named(named.to_string());
    }
    // A link leads to the work tree of its target. A stream lies in none.
    let file = policy.canonicalize().ok().filter(|file| file.is_file());
    let git = file.and_then(|file| Git::discover(&file));
    let origin = git.and_then(|git| git.origin(&host(variables)?));
    origin.map_or(PolicyRepository::Unknown, |origin| {
        PolicyRepository::OfWorkTree(origin.to_string())
    })
}

/// Parses the value of `--policy-repository`.
pub(super) fn repository_name(text: &str) -> anyhow::Result<RepositoryName> {
    RepositoryName::parse(text).context("expected `OWNER/NAME`")
}

/// Returns a path relative to the root of the work tree, where GitHub looks for it.
pub(super) fn from_root(path: &Path) -> PathBuf {
    let root = Git::discover(Path::new(".")).map(|git| git.root);
    let (Some(root), Ok(here)) = (root, std::env::current_dir()) else {
        return path.to_owned();
    };
    let mut whole = PathBuf::new();
    for part in here.join(path).components() {
        match part {
            Component::ParentDir => _ = whole.pop(),
            part => whole.push(part),
        }
    }
    let below = whole.strip_prefix(root);
    below.map_or_else(|_| path.to_owned(), Path::to_owned)
}

/// Returns a path relative to the working directory.
pub(super) fn relative(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    relative_to(path, &here)
}

fn relative_to(path: &Path, here: &Path) -> PathBuf {
    let shared = path
        .components()
        .zip(here.components())
        .take_while(|(one, other)| one == other)
        .count();
    // On another root, nothing is relative.
    if shared == 0 {
        return path.to_owned();
    }
    let up = here.components().skip(shared).map(|_| Component::ParentDir);
    let relative: PathBuf = up.chain(path.components().skip(shared)).collect();
    match relative.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => relative,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_from_a_subdirectory() {
        for (path, here, expected) in [
            ("/a/b/c.yml", "/a/b", "c.yml"),
            ("/a/.github/p.yml", "/a/b/c", "../../.github/p.yml"),
            ("/a", "/a", "."),
            ("/x/y", "/a", "../x/y"),
        ] {
            let found = relative_to(Path::new(path), Path::new(here));
            assert_eq!(found, Path::new(expected), "{path} {here}");
        }
    }
}
