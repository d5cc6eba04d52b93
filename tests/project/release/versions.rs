//! Every place that names the version.

use std::process::Command;

use super::tree::{Tree, VERSION};
use crate::support::program::Run;
use crate::support::root;

#[test]
fn the_versions_of_this_tree_agree() {
    let run = Run::of(&mut Command::new(root().join(".github/release/version")));
    assert_eq!((run.code, &*run.err), (Some(0), ""));
    assert_eq!(run.out.trim_end(), VERSION);
}

#[test]
fn a_place_that_disagrees_is_named() {
    let digest = "sha256:".to_owned() + &"0".repeat(64);
    let image = |version: &str| {
        format!("  image: docker://ghcr.io/repo-permissions/repo-permissions@{digest} # {version}")
    };
    let own = format!("version = \"{VERSION}\"");
    let cases: [(&str, &str, String, &str); 23] = [
        (
            "Cargo.toml",
            &own,
            "version = \"9.8.7\"".into(),
            "Cargo.lock, package `simulator`,",
        ),
        (
            "Cargo.toml",
            &own,
            "version = \"1.2\"".into(),
            "`1.2`, which is not a version",
        ),
        (
            "simulator/Cargo.toml",
            "version.workspace = true",
            "version = \"9.8.7\"".into(),
            "simulator/Cargo.toml has a version of its own",
        ),
        (
            "crates/token/Cargo.toml",
            "version.workspace = true",
            "version = \"9.8.7\"".into(),
            "crates/token/Cargo.toml has a version of its own",
        ),
        (
            "Cargo.lock",
            &format!("name = \"simulator\"\n{own}"),
            "name = \"simulator\"\nversion = \"9.8.7\"".into(),
            "package `simulator`, names `9.8.7`",
        ),
        (
            "fuzz/Cargo.lock",
            &format!("name = \"repo-permissions-token\"\n{own}"),
            "name = \"repo-permissions-token\"\nversion = \"9.8.7\"".into(),
            "fuzz/Cargo.lock, package `repo-permissions-token`, names `9.8.7`",
        ),
        (
            "benches/decision/Cargo.lock",
            "name = \"repo-permissions-engine\"",
            "name = \"repo-permissions\"".into(),
            "benches/decision/Cargo.lock, package `repo-permissions-engine`, names ``",
        ),
        (
            "CHANGELOG.md",
            "## Unreleased",
            "## 9.8.7 - 2026-12-01".into(),
            "CHANGELOG.md names `9.8.7`",
        ),
        (
            "CHANGELOG.md",
            "## Unreleased",
            format!("## {VERSION} (today)"),
            "expected `## VERSION - YYYY-MM-DD`",
        ),
        (
            "action.yml",
            "  image: Dockerfile",
            image("9.8.7"),
            "action.yml names `9.8.7`",
        ),
        (
            "action.yml",
            "  image: Dockerfile",
            format!("  image: docker://ghcr.io/repo-permissions/repo-permissions:{VERSION}"),
            "action.yml has the image",
        ),
        (
            "action.yml",
            "  image: Dockerfile",
            image(VERSION).replace("ghcr.io/repo-permissions/", "ghcr.io/somebody/"),
            "action.yml has the image",
        ),
        (
            "README.md",
            "repo-permissions/repo-permissions@v0",
            "repo-permissions/repo-permissions@v9".into(),
            "README.md:",
        ),
        (
            "native/run.sh",
            "repo-permissions/native@v0",
            "repo-permissions/native@v9".into(),
            "native/run.sh:",
        ),
        (
            "setup/run.sh",
            "repo-permissions/setup@v0",
            "repo-permissions/setup@v9".into(),
            "setup/run.sh:",
        ),
        (
            "examples/policies/development.yml",
            "repo-permissions/v0/schema",
            "repo-permissions/main/schema".into(),
            "examples/policies/development.yml:1 names",
        ),
        (
            "schema/repo-permissions-tests.schema.json",
            &format!("/v{VERSION}/schema/"),
            "/v9.8.7/schema/".into(),
            "schema/repo-permissions-tests.schema.json names `9.8.7`",
        ),
        (
            "docs/install.md",
            &format!("repo-permissions:{VERSION}"),
            "repo-permissions:9.8.7".into(),
            "docs/install.md:",
        ),
        (
            "docs/install.md",
            &format!("rev: v{VERSION}"),
            "rev: v9.8.7".into(),
            "names `9.8.7`",
        ),
        (
            "docs/install.md",
            &format!("ref: v{VERSION}"),
            "ref: v9.8.7".into(),
            "names `9.8.7`",
        ),
        (
            "docs/install.md",
            &format!("version: v{VERSION}"),
            "version: v9.8.7".into(),
            "names `9.8.7`",
        ),
        (
            "pyproject.toml",
            &format!("repo-permissions=={VERSION}"),
            "repo-permissions==9.8.7".into(),
            "pyproject.toml names `9.8.7`",
        ),
        (
            "native/checksums.txt",
            "",
            format!(
                "{}  repo-permissions-9.8.7-linux-x64.tar.gz\n",
                "0".repeat(64)
            ),
            "native/checksums.txt, `repo-permissions-9.8.7-linux-x64.tar.gz`, names `9.8.7`",
        ),
    ];
    // One tree, in which each file is put back.
    let tree = Tree::copy();
    for (file, from, to, complaint) in cases {
        let before = std::fs::read_to_string(tree.path(file)).ok();
        tree.edit(file, |text| {
            assert!(text.contains(from), "{file}: {from}");
            text.replacen(from, &to, 1)
        });
        let failure = tree.run("version", &[]).expect_err(file);
        assert!(failure.contains(complaint), "{file}: {failure}");
        match before {
            Some(text) => tree.edit(file, |_| text),
            None => std::fs::remove_file(tree.path(file)).unwrap(),
        }
    }
    assert_eq!(tree.run("version", &[]).unwrap(), VERSION);
}

#[test]
fn a_release_needs_a_change_log_and_a_tree_of_main() {
    let tree = Tree::ready();
    assert_eq!(tree.run("version", &["--release"]).unwrap(), VERSION);
    let heading = format!("## {VERSION} - 2026-12-01");
    for (file, from, to, complaint) in [
        (
            "CHANGELOG.md",
            heading.as_str(),
            "## Unreleased",
            "has no heading",
        ),
        (
            "CHANGELOG.md",
            heading.as_str(),
            &format!("{heading}\n\n## 0.0.1 - 2025-01-01"),
            "says nothing of",
        ),
    ] {
        let tree = Tree::ready();
        tree.edit(file, |text| text.replacen(from, to, 1));
        let failure = tree.run("version", &["--release"]).expect_err(complaint);
        assert!(failure.contains(complaint), "{failure}");
    }
}

#[test]
fn the_notes_of_a_release_are_its_part_of_the_change_log() {
    let tree = Tree::copy();
    tree.edit("CHANGELOG.md", |_| {
        "# Changelog\n\n## Unreleased\n\n- later\n\n## 0.10.0 - 2026-12-02\n\n### Added\n\n- ten\n\n## 0.1.0-rc11 - 2026-12-01\n\n- one\n".to_owned()
    });
    assert_eq!(
        tree.run("notes", &["0.10.0"]).unwrap(),
        "### Added\n\n- ten"
    );
    assert_eq!(tree.run("notes", &["0.1.0-rc11"]).unwrap(), "- one");
    // A dot is only a dot.
    assert_eq!(tree.run("notes", &["0.1.0-rc.1"]).unwrap(), "");
    assert_eq!(tree.run("notes", &["0.1.0"]).unwrap(), "");
}
