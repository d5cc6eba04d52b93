//! The archives and their checksums.

use std::path::Path;
use std::process::Command;

use super::tree::{Tree, VERSION};

pub const PLATFORMS: [&str; 5] = [
    "linux-arm64",
    "linux-x64",
    "macos-arm64",
    "macos-x64",
    "windows-x64",
];

/// Where the server has a program.
pub const SERVER_PLATFORMS: [&str; 2] = ["linux-arm64", "linux-x64"];

/// The files of an archive in their order, with their modes.
fn listed(archive: &Path) -> Vec<(String, String)> {
    let mut tar = Command::new("tar");
    tar.args(["--list", "--verbose", "--numeric-owner", "--file"])
        .arg(archive);
    let listed = String::from_utf8(tar.output().unwrap().stdout).unwrap();
    let row = |line: &str| {
        let mut words = line.split_whitespace();
        let mode = words.next().unwrap().to_owned();
        (words.next_back().unwrap().to_owned(), mode)
    };
    listed.lines().map(row).collect()
}

/// What they are to be: the program, the licences, and what is below a directory of the repository.
fn expected(tree: &Tree, program: &str, directory: &str) -> Vec<(String, String)> {
    let mut files = vec![(program.to_owned(), "-rwxr-xr-x".to_owned())];
    for text in [
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "LICENSE-THIRD-PARTY",
        "README.md",
    ] {
        files.push((text.to_owned(), "-rw-r--r--".to_owned()));
    }
    let mut below = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        below.push((format!("{directory}/"), "drwxr-xr-x".to_owned()));
        for entry in std::fs::read_dir(tree.path(&directory)).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{directory}/{}", entry.file_name().into_string().unwrap());
            match entry.file_type().unwrap().is_dir() {
                true => open.push(path),
                false => below.push((path, "-rw-r--r--".to_owned())),
            }
        }
    }
    below.sort();
    files.extend(below);
    files
}

pub fn program(platform: &str) -> &'static str {
    if platform.starts_with("windows-") {
        "repo-permissions.exe"
    } else {
        "repo-permissions"
    }
}

pub fn built() -> Tree {
    let tree = Tree::ready();
    for name in ["repo-permissions", "repo-permissions-server"] {
        let file = format!("programs/licences/{name}/LICENSE-THIRD-PARTY");
        tree.edit(&file, |_| format!("all of {name}"));
    }
    for platform in PLATFORMS {
        let file = format!("programs/{platform}/{}", program(platform));
        tree.edit(&file, |_| platform.to_owned());
    }
    for platform in SERVER_PLATFORMS {
        let file = format!("programs/{platform}/repo-permissions-server");
        tree.edit(&file, |_| format!("server for {platform}"));
    }
    tree
}

#[test]
fn each_program_has_one_for_each_of_its_platforms_with_the_licences() {
    let tree = built();
    tree.run("archives", &[VERSION, "programs", "one"]).unwrap();
    let checksums = tree.read("one/checksums.txt");
    let names: Vec<&str> = checksums
        .lines()
        .map(|line| line.split_once("  ").unwrap().1)
        .collect();
    let archive = |name: &str, platform: &str| format!("{name}-{VERSION}-{platform}.tar.gz");
    let mut all = PLATFORMS
        .map(|platform| archive("repo-permissions", platform))
        .to_vec();
    all.extend(SERVER_PLATFORMS.map(|platform| archive("repo-permissions-server", platform)));
    all.sort();
    assert_eq!(names, all);
    for platform in PLATFORMS {
        let archive = archive("repo-permissions", platform);
        let files = listed(&tree.path("one").join(&archive));
        assert_eq!(
            files,
            expected(&tree, program(platform), "man"),
            "{archive}"
        );
    }
    for platform in SERVER_PLATFORMS {
        let archive = archive("repo-permissions-server", platform);
        let path = tree.path("one").join(&archive);
        assert_eq!(
            listed(&path),
            expected(&tree, "repo-permissions-server", "deploy"),
            "{archive}"
        );
        let mut tar = Command::new("tar");
        tar.args(["--extract", "--to-stdout", "--file"])
            .arg(&path)
            .arg("LICENSE-THIRD-PARTY");
        assert_eq!(
            tar.output().unwrap().stdout,
            b"all of repo-permissions-server"
        );
    }
}

#[test]
fn the_same_programs_make_the_same_archives() {
    let tree = built();
    tree.run("archives", &[VERSION, "programs", "one"]).unwrap();
    for platform in PLATFORMS {
        let file = tree.path("programs").join(platform).join(program(platform));
        std::fs::write(file, platform).unwrap();
    }
    // Times in an archive are whole seconds.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    tree.run("archives", &[VERSION, "programs", "two"]).unwrap();
    assert_eq!(
        tree.read("one/checksums.txt"),
        tree.read("two/checksums.txt")
    );
}

#[test]
fn one_that_was_not_built_is_missed() {
    let tree = built();
    std::fs::remove_file(tree.path("programs/macos-arm64/repo-permissions")).unwrap();
    let failure = tree
        .run("archives", &[VERSION, "programs", "one"])
        .unwrap_err();
    assert!(
        failure.contains("macos-arm64/repo-permissions` is missing"),
        "{failure}"
    );
    assert!(!tree.path("one/checksums.txt").exists());
}
