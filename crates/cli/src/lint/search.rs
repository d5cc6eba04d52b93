//! Finds the policies that the arguments of `lint` name.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::work_tree::policy_or_default;
use engine::encoding::text_of;
use engine::policy::edits;
use engine::policy::{MAX_FILE, quoted};

/// Maximum number of files and directories that a search looks at.
const MAX_ENTRIES: usize = 100_000;

/// Returns the paths of policies: files as they are, and the policies of directories. Without any, that of the
/// git work tree.
pub(super) fn policies(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    if paths.is_empty() {
        return Ok(vec![policy_or_default(None, "FILE")?]);
    }
    let mut policies = Vec::new();
    for path in paths {
        if !path.is_dir() {
            policies.push(path.clone());
            continue;
        }
        let name = quoted(&path.to_string_lossy());
        let found = search(path).with_context(|| format!("{name} cannot be read"))?;
        if found.is_empty() {
            bail!(
                "{name} contains no policy: expected a file with `version` and `permissions` or `repositories` at its top"
            );
        }
        policies.extend(found);
    }
    Ok(policies)
}

/// Returns the policies below a directory, sorted. It follows no links and skips git's own directory.
fn search(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut seen = 0_usize;
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory)? {
            let entry = entry?;
            seen += 1;
            if seen > MAX_ENTRIES {
                let message = format!("more than {MAX_ENTRIES} entries, which is the limit");
                return Err(std::io::Error::other(message));
            }
            let (path, kind) = (entry.path(), entry.file_type()?);
            if kind.is_dir() && entry.file_name() != ".git" {
                open.push(path);
            } else if kind.is_file() && is_policy(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a file is a policy: it has the keys of one at its top. A policy that is not valid is one too.
fn is_policy(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let is_candidate = matches!(extension, Some("yml" | "yaml" | "json"));
    let text = is_candidate
        .then(|| platform::read_capped(path, MAX_FILE).ok())
        .flatten();
    let text = text.and_then(|bytes| text_of(bytes).ok());
    text.is_some_and(|text| has_policy_keys(&text))
}

fn has_policy_keys(text: &str) -> bool {
    let is_json = text.trim_start().starts_with('{');
    let has = |key: &str| match is_json {
        true => text.contains(&format!("\"{key}\"")),
        false => text.lines().any(|line| {
            line.strip_prefix(key)
                .is_some_and(|rest| rest.trim_start().starts_with(':'))
        }),
    };
    let lists = ["permissions", "repositories"];
    has("version")
        && (lists.iter().any(|list| has(list)) || (!is_json && has_misspelt(text, lists)))
}

/// Whether a key at the top nearly has one of these names: a policy that is not found is not checked either.
fn has_misspelt(text: &str, names: [&str; 2]) -> bool {
    let keys = text.lines().filter_map(|line| line.split_once(':'));
    let mut keys = keys.map(|(key, _)| key.trim_end());
    keys.any(|key| names.iter().any(|name| edits(key, name).is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_keys_of_a_policy_at_the_top_count() {
        for (text, expected) in [
            ("version: 1\npermissions: []\n", true),
            ("# x\nversion : 1\nrepositories:\n", true),
            ("{\"version\": 1, \"permissions\": []}", true),
            ("name: x\non: push\npermissions: {}\n", false),
            (
                "policy: p.yml\ntests:\n  - version: 1\n    permissions: x\n",
                false,
            ),
            ("version: 1\npermisions:\n  - permission: a:b\n", true),
            ("version: 3\nservices: {}\nvolumes: {}\n", false),
            ("", false),
        ] {
            assert_eq!(has_policy_keys(text), expected, "{text}");
        }
    }
}
