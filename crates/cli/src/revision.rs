//! Policies in git's history.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use super::git::Git;
use super::output::warn;
use super::policy_text::PolicyText;
use super::work_tree::POLICIES;
use engine::encoding::text_of;
use engine::policy::{Format, MAX_FILE, quoted};

/// Returns the policy of a revision that has none.
fn none(revision: &str) -> PolicyText {
    let paths = POLICIES.map(quoted).join(" or ");
    warn(&format!(
        "the revision {} has no {paths}, so it grants nothing",
        quoted(revision)
    ));
    PolicyText {
        format: Format::Yaml,
        name: revision.to_owned(),
        text: "version: 1\npermissions: []\n".to_owned(),
    }
}

/// The work tree whose history is read.
pub(super) struct History {
    root: PathBuf,
}

impl History {
    /// Finds the work tree that contains the working directory.
    pub(super) fn here() -> anyhow::Result<Self> {
        let git = Git::discover(Path::new("."))
            .context("this directory is not in a git work tree, so it has no revisions")?;
        Ok(Self { root: git.root })
    }

    /// Reads the policy of a revision: `REVISION:PATH`, or `REVISION` for the repository's own policy. Without one, it
    /// granted nothing.
    pub(super) fn policy(&self, revision: &str) -> anyhow::Result<PolicyText> {
        let (revision, path) = match revision.split_once(':') {
            Some((revision, path)) => (revision, Some(path)),
            None => (revision, None),
        };
        self.check(revision)?;
        let paths: Vec<&str> = match path {
            Some(path) => vec![path],
            None => POLICIES.to_vec(),
        };
        for path in &paths {
            let name = format!("{revision}:{path}");
            if let Some(bytes) = self.blob(&name)? {
                let text =
                    text_of(bytes).map_err(|why| anyhow::anyhow!("{} is {why}", quoted(&name)))?;
                return Ok(PolicyText {
                    format: Format::of_path(path),
                    name,
                    text,
                });
            }
        }
        match path {
            Some(path) => bail!(
                "the revision {} has no file {}",
                quoted(revision),
                quoted(path)
            ),
            None => Ok(none(revision)),
        }
    }

    /// Returns the newest commit that two revisions have in common, with the path of the first one.
    pub(super) fn merge_base(&self, one: &str, other: &str) -> anyhow::Result<String> {
        let revision = |text: &str| text.split(':').next().unwrap_or(text).to_owned();
        let (from, to) = (revision(one), revision(other));
        self.check(&from)?;
        self.check(&to)?;
        let output = self.git(&["merge-base", &from, &to])?;
        if !output.status.success() {
            bail!(
                "{} and {} have no commit in common: fetch the history of both",
                quoted(&from),
                quoted(&to)
            );
        }
        let commit = String::from_utf8_lossy(&output.stdout);
        Ok(format!(
            "{}{}",
            commit.trim(),
            one.get(from.len()..).unwrap_or_default()
        ))
    }

    /// Checks that a revision exists.
    fn check(&self, revision: &str) -> anyhow::Result<()> {
        let commit = format!("{revision}^{{commit}}");
        let output = self.git(&[
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &commit,
        ])?;
        match (output.status.success(), revision) {
            (true, _) => Ok(()),
            (false, "HEAD") => bail!("the repository has no commit yet, so it has no `HEAD`"),
            (false, _) => bail!("{} is neither a file nor a revision", quoted(revision)),
        }
    }

    /// Reads a file of a revision; `None` if it does not exist there.
    fn blob(&self, name: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let size = self.git(&["cat-file", "-s", name])?;
        if !size.status.success() {
            return Ok(None);
        }
        let bytes = String::from_utf8_lossy(&size.stdout)
            .trim()
            .parse::<usize>()
            .unwrap_or(usize::MAX);
        if bytes > MAX_FILE {
            bail!(
                "{} is larger than {MAX_FILE} bytes, which is the limit",
                quoted(name)
            );
        }
        let output = self.git(&["cat-file", "blob", name])?;
        Ok(output.status.success().then_some(output.stdout))
    }

    fn git(&self, arguments: &[&str]) -> anyhow::Result<std::process::Output> {
        let output = Command::new("git")
            .arg("-C")
            .arg(&self.root)
            .args(arguments)
            .output();
        output.context("git cannot be started, which reads revisions")
    }
}
