//! Reads facts about a checkout's repository from its files; git need not be installed.
//!
//! Sources: git-scm.com, gitrepository-layout and git-config.

use std::path::{Path, PathBuf};

use url::Url;

use engine::RepositoryName;
use engine::encoding::text_of;
use platform::Variables;

/// Maximum size of git's own files in bytes.
const MAX_FILE: usize = 1 << 20;

/// The git directory of a checkout.
#[derive(Clone, Debug)]
pub(super) struct Git {
    /// Root of the work tree.
    pub(super) root: PathBuf,
    /// Contains `HEAD`.
    own: PathBuf,
    /// Contains `config` and `refs`, which worktrees share.
    common: PathBuf,
}

impl Git {
    /// Finds the git directory of the checkout that contains a path.
    pub(super) fn discover(path: &Path) -> Option<Self> {
        let path = std::path::absolute(path).ok()?;
        let mut found = path.ancestors().map(|directory| directory.join(".git"));
        let found = found.find(|git| git.exists())?;
        let root = found.parent()?.to_owned();
        let own = if found.is_dir() {
            found
        } else {
            // In a worktree or a submodule, `.git` is a file with the path.
            let text = read(&found)?;
            let target = text.strip_prefix("gitdir:")?.trim();
            root.join(target)
        };
        let common = match read(&own.join("commondir")) {
            Some(target) => own.join(target.trim()),
            None => own.clone(),
        };
        Some(Self { root, own, common })
    }

    /// Returns the repository of the remote `origin`, if it is on this host or a tenant of ghe.com.
    pub(super) fn origin(&self, host: &str) -> Option<RepositoryName> {
        let config = read(&self.common.join("config"))?;
        repository(&origin_url(&config)?, host)
    }

    /// Returns the branch that is checked out.
    pub(super) fn branch(&self) -> Option<String> {
        let head = read(&self.own.join("HEAD"))?;
        let branch = head.strip_prefix("ref: refs/heads/")?.trim();
        (!branch.is_empty()).then(|| branch.to_owned())
    }

    /// Returns the default branch: the target of `origin/HEAD`, or `master` if that is checked out.
    pub(super) fn default_branch(&self) -> Option<String> {
        let symbolic = |file: PathBuf, prefix: &str| {
            let text = read(&file)?;
            let branch = text.strip_prefix("ref: ")?.trim().strip_prefix(prefix)?;
            (!branch.is_empty()).then(|| branch.to_owned())
        };
        let remote = self.common.join("refs/remotes/origin/HEAD");
        symbolic(remote, "refs/remotes/origin/").or_else(|| {
            symbolic(self.own.join("HEAD"), "refs/heads/").filter(|branch| branch == "master")
        })
    }
}

/// Returns the host of GitHub's server: `GITHUB_SERVER_URL`, or github.com.
pub(super) fn host(variables: &Variables) -> Option<String> {
    let server = variables.get("GITHUB_SERVER_URL");
    let server = Url::parse(server.unwrap_or("https://github.com")).ok()?;
    server.host_str().map(str::to_owned)
}

fn read(file: &Path) -> Option<String> {
    text_of(platform::read_capped(file, MAX_FILE).ok()?).ok()
}

/// Returns `url` of `[remote "origin"]`.
fn origin_url(config: &str) -> Option<String> {
    let mut in_origin = false;
    for line in config.lines().map(str::trim) {
        if line.starts_with('[') {
            in_origin = line.to_ascii_lowercase().starts_with("[remote \"origin\"]");
        } else if in_origin
            && let Some((key, value)) = line.split_once('=')
            && key.trim().eq_ignore_ascii_case("url")
        {
            return Some(value.trim().trim_matches('"').to_owned());
        }
    }
    None
}

/// Parses `OWNER/NAME` from `https://HOST/OWNER/NAME.git`, `ssh://git@HOST/OWNER/NAME` or
/// `git@HOST:OWNER/NAME.git`. `HOST` may also be `TENANT.ghe.com`, or `ssh.HOST`.
///
/// Source: docs.github.com, "Using SSH over the HTTPS port" and "Network details for GHE.com".
fn repository(url: &str, host: &str) -> Option<RepositoryName> {
    let (seen, path) = match Url::parse(url) {
        Ok(url) if url.has_host() => (url.host_str()?.to_owned(), url.path().to_owned()),
        _ => {
            let (seen, path) = url.split_once(':')?;
            let seen = seen.rsplit('@').next().unwrap_or(seen);
            (seen.to_owned(), path.to_owned())
        }
    };
    let path = path.trim_matches('/');
    let name = RepositoryName::parse(path.strip_suffix(".git").unwrap_or(path))?;
    let seen = seen.to_ascii_lowercase();
    let seen = seen.strip_prefix("ssh.").unwrap_or(&seen);
    let is_tenant = seen
        .strip_suffix(".ghe.com")
        .is_some_and(|tenant| !tenant.is_empty() && !tenant.contains('.'));
    (is_tenant || seen.eq_ignore_ascii_case(host)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_to_write_a_remote() {
        for url in [
            "https://github.com/acme-org/infra",
            "https://github.com/acme-org/infra.git",
            "https://x-access-token:secret@github.com/acme-org/infra.git/",
            "ssh://git@github.com/acme-org/infra.git",
            "ssh://git@GitHub.com:22/acme-org/infra",
            "git@github.com:acme-org/infra.git",
            "github.com:acme-org/infra",
            "ssh://git@ssh.github.com:443/acme-org/infra.git",
            "https://acme.ghe.com/acme-org/infra",
            "git@acme.ghe.com:acme-org/infra.git",
            "acme@ACME.ghe.com:acme-org/infra.git",
        ] {
            let found = repository(url, "github.com").map(|name| name.to_string());
            assert_eq!(found.as_deref(), Some("acme-org/infra"), "{url}");
        }
        for url in [
            "https://gitlab.com/acme-org/infra",
            "https://github.com.evil.example/acme-org/infra",
            "https://x.acme.ghe.com/acme-org/infra",
            "https://ghe.com/acme-org/infra",
            "https://acme.ghe.com.evil.example/acme-org/infra",
            "https://github.com/acme-org/group/infra",
            "https://github.com/acme-org",
            "git@example.com:acme-org/infra",
            "/srv/git/infra.git",
            "../infra",
            "",
        ] {
            assert_eq!(repository(url, "github.com"), None, "{url}");
        }
    }

    #[test]
    fn the_url_of_origin_and_of_no_other() {
        let config = "[core]\n\turl = a\n[remote \"upstream\"]\n\turl = b\n[Remote \"origin\"]\n\tfetch = x\n\tURL = \"c\"\n\turl = d\n";
        assert_eq!(origin_url(config).as_deref(), Some("c"));
        assert_eq!(origin_url("[remote \"origins\"]\nurl = a"), None);
    }
}
