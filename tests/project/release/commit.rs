//! The commit of a release, its tag and the major tag, with a remote as GitHub is one.

use super::tree::{Tree, VERSION};
use crate::support::directory::Directory;

const DIGEST: &str = "sha256:6a1f0c3b5d7e9f2a4c6b8d0e1f3a5c7b9d2e4f6a8b0c1d3e5f7a9b2c4d6e8f0a";

fn checksums(tree: &Tree) -> String {
    let name = format!("repo-permissions-{VERSION}-linux-x64.tar.gz");
    let file = tree.path(".git/checksums.txt");
    std::fs::write(&file, format!("{}  {name}\n", "0".repeat(64))).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn it_names_the_image_and_the_archives_and_nothing_else_changes() {
    let tree = Tree::ready();
    let main = tree.git(&["rev-parse", "main"]);
    tree.git(&["checkout", "--quiet", "--detach"]);
    let tag = tree.run("commit", &[DIGEST, &checksums(&tree)]).unwrap();
    assert_eq!(tag, format!("v{VERSION}"));

    let changed = tree.git(&["diff", "--name-status", "main", &tag]);
    assert_eq!(changed, "M\taction.yml\nA\tnative/checksums.txt");
    let line =
        format!("  image: docker://ghcr.io/repo-permissions/repo-permissions@{DIGEST} # {VERSION}");
    let action = tree.read("action.yml");
    assert!(
        action.ends_with(&format!("runs:\n  using: docker\n{line}\n")),
        "{action}"
    );
    assert_eq!(
        tree.git(&["rev-parse", "main", &format!("{tag}^")]),
        format!("{main}\n{main}")
    );
    assert_eq!(tree.run("version", &[]).unwrap(), VERSION);
}

#[test]
fn it_is_refused_when_something_is_not_right() {
    let tree = Tree::ready();
    let sums = checksums(&tree);
    let refused = |arguments: &[&str], complaint: &str| {
        let failure = tree.run("commit", arguments).expect_err(complaint);
        assert!(failure.contains(complaint), "{failure}");
    };
    refused(&["sha256:abc", &sums], "`sha256:abc` is not a digest");
    refused(&[&format!("{DIGEST}|e"), &sums], "is not a digest");

    let other = tree.path(".git/other.txt");
    std::fs::write(
        &other,
        format!(
            "{}  repo-permissions-9.8.7-linux-x64.tar.gz\n",
            "0".repeat(64)
        ),
    )
    .unwrap();
    refused(&[DIGEST, other.to_str().unwrap()], "names `9.8.7`");
    assert_eq!(tree.git(&["status", "--porcelain"]), "");

    tree.edit("README.md", |text| format!("{text}\n"));
    refused(&[DIGEST, &sums], "changes that are not committed");
    tree.git(&["checkout", "--quiet", "README.md"]);

    tree.git(&["tag", &format!("v{VERSION}")]);
    refused(&[DIGEST, &sums], "exists already: a release is made once");
    assert_eq!(tree.git(&["rev-list", "--count", "--all"]), "1");
}

#[test]
fn the_major_tag_follows_the_newest_release() {
    let tree = Tree::ready();
    let remote = Directory::new();
    remote.git(&["init", "--quiet", "--bare"]);
    let remote = remote.0.to_str().unwrap();
    tree.git(&["remote", "add", "origin", remote]);
    let release = |version: &str| {
        tree.save(version);
        tree.git(&["tag", &format!("v{version}")]);
        tree.git(&[
            "push",
            "--quiet",
            "origin",
            &format!("refs/tags/v{version}"),
        ]);
        tree.run("major", &[version]).unwrap()
    };
    let is_at = |major: &str| {
        let tags = tree.git(&["ls-remote", "--tags", "--refs", "origin"]);
        let of = |name: &str| {
            let end = format!("\trefs/tags/{name}");
            tags.lines()
                .find_map(|line| line.strip_suffix(&end))
                .map(str::to_owned)
        };
        let commit = of(major);
        let mut versions = tags.lines().filter_map(|line| line.rsplit('/').next());
        versions
            .find(|name| *name != major && commit.is_some() && of(name) == commit)
            .map(str::to_owned)
    };
    // (released, what the major tag is at then)
    for (version, at) in [
        ("1.0.0-rc.1", None),
        ("1.0.0", Some("v1.0.0")),
        ("1.9.0", Some("v1.9.0")),
        ("1.10.0", Some("v1.10.0")),
        ("1.9.1", Some("v1.10.0")),
        ("1.11.0-rc.1", Some("v1.10.0")),
    ] {
        let said = release(version);
        assert_eq!(is_at("v1").as_deref(), at, "{version}: {said}");
    }
    release("2.0.0");
    assert_eq!(is_at("v1").as_deref(), Some("v1.10.0"));
    assert_eq!(is_at("v2").as_deref(), Some("v2.0.0"));
    // What was not pushed has no major tag.
    assert!(tree.run("major", &["3.0.0"]).is_err());
    assert_eq!(is_at("v3"), None);
}
