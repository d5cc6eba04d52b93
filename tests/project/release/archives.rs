//! The archives and their checksums.

use std::process::Command;

use super::tree::{Tree, VERSION};

pub const PLATFORMS: [&str; 5] = [
    "linux-arm64",
    "linux-x64",
    "macos-arm64",
    "macos-x64",
    "windows-x64",
];

pub fn program(platform: &str) -> &'static str {
    if platform.starts_with("windows-") {
        "repo-permissions.exe"
    } else {
        "repo-permissions"
    }
}

pub fn built() -> Tree {
    let tree = Tree::ready();
    tree.edit("programs/licences/LICENSE-THIRD-PARTY", |_| {
        "all".to_owned()
    });
    for platform in PLATFORMS {
        let file = format!("programs/{platform}/{}", program(platform));
        tree.edit(&file, |_| platform.to_owned());
    }
    tree
}

#[test]
fn each_platform_has_one_with_the_program_its_pages_and_the_licences() {
    let tree = built();
    tree.run("archives", &[VERSION, "programs", "one"]).unwrap();
    let checksums = tree.read("one/checksums.txt");
    let names: Vec<&str> = checksums
        .lines()
        .map(|line| line.split_once("  ").unwrap().1)
        .collect();
    let expected =
        PLATFORMS.map(|platform| format!("repo-permissions-{VERSION}-{platform}.tar.gz"));
    assert_eq!(names, expected);
    let pages = std::fs::read_dir(tree.path("man")).unwrap();
    let pages = pages.map(|page| page.unwrap().file_name().into_string().unwrap());
    let mut pages: Vec<String> = pages.map(|page| format!("man/{page}")).collect();
    pages.sort();
    for (name, platform) in names.iter().zip(PLATFORMS) {
        let listed = Command::new("tar")
            .args(["--list", "--verbose", "--numeric-owner", "--file"])
            .arg(tree.path("one").join(name))
            .output()
            .unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        let rows: Vec<(&str, &str)> = listed
            .lines()
            .map(|line| {
                let mut words = line.split_whitespace();
                (words.next().unwrap(), words.next_back().unwrap())
            })
            .collect();
        let texts = [
            "LICENSE-APACHE",
            "LICENSE-MIT",
            "LICENSE-THIRD-PARTY",
            "README.md",
        ];
        let mut expected = vec![("-rwxr-xr-x", program(platform))];
        expected.extend(texts.map(|text| ("-rw-r--r--", text)));
        expected.push(("drwxr-xr-x", "man/"));
        expected.extend(pages.iter().map(|page| ("-rw-r--r--", page.as_str())));
        assert_eq!(rows, expected, "{name}");
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
