//! What other installers know about the files of a release, compared with the files that a release has.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use super::archives::{PLATFORMS, SERVER_PLATFORMS, built, program};
use super::tree::VERSION;
use crate::support::program::Run;
use crate::support::{root, yaml};

const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// A platform of the release: as Go names it, and the targets of Rust that its program runs on.
struct Platform {
    name: &'static str,
    go: (&'static str, &'static str),
    targets: &'static [&'static str],
}

const KNOWN: [Platform; 5] = [
    Platform {
        name: "linux-arm64",
        go: ("linux", "arm64"),
        targets: &["aarch64-unknown-linux-gnu", "aarch64-unknown-linux-musl"],
    },
    Platform {
        name: "linux-x64",
        go: ("linux", "amd64"),
        targets: &["x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"],
    },
    Platform {
        name: "macos-arm64",
        go: ("darwin", "arm64"),
        targets: &["aarch64-apple-darwin"],
    },
    Platform {
        name: "macos-x64",
        go: ("darwin", "amd64"),
        targets: &["x86_64-apple-darwin"],
    },
    Platform {
        name: "windows-x64",
        go: ("windows", "amd64"),
        targets: &["x86_64-pc-windows-msvc"],
    },
];

/// The URLs of a release's files: what `.github/release/archives` makes of the platforms.
fn released() -> BTreeSet<String> {
    let tree = built();
    tree.run("archives", &[VERSION, "programs", "one"]).unwrap();
    let files = std::fs::read_dir(tree.path("one")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.map(|name| url(&name)).collect()
}

fn url(name: &str) -> String {
    format!("{REPOSITORY}/releases/download/v{VERSION}/{name}")
}

fn server_archive(platform: &str) -> String {
    format!("repo-permissions-server-{VERSION}-{platform}.tar.gz")
}

#[test]
fn the_page_of_the_server_says_what_a_release_has() {
    let page = std::fs::read_to_string(root().join("docs/enforce.md")).unwrap();
    for platform in SERVER_PLATFORMS {
        let archive = server_archive(platform).replace(VERSION, "VERSION");
        assert!(page.contains(&archive), "{archive}");
    }
    let workflow = std::fs::read_to_string(root().join(".github/workflows/release.yml")).unwrap();
    let image = workflow
        .lines()
        .find_map(|line| line.strip_prefix("  SERVER_IMAGE: "))
        .unwrap();
    assert!(page.contains(&format!("{image}:VERSION")), "{image}");
}

fn url_of(platform: &Platform) -> String {
    url(&format!(
        "repo-permissions-{VERSION}-{}.tar.gz",
        platform.name
    ))
}

/// Replaces each placeholder of a template; none may be left.
fn rendered(template: &str, values: &[(&str, &str)]) -> String {
    let text = values
        .iter()
        .fold(template.to_owned(), |text, (name, value)| {
            text.replace(name, value)
        });
    assert!(!text.contains('{'), "{template}: {text}");
    text
}

#[test]
fn the_table_has_every_file_of_a_release() {
    let names = KNOWN.map(|platform| platform.name);
    assert_eq!(names, PLATFORMS);
    let mut expected: BTreeSet<String> = KNOWN.iter().map(url_of).collect();
    expected.insert(url("checksums.txt"));
    // The server's own. What installs the tools takes none of them.
    expected.extend(SERVER_PLATFORMS.map(|platform| url(&server_archive(platform))));
    assert_eq!(released(), expected);
}

#[test]
fn cargo_binstall_finds_the_archive_of_each_target_and_the_program_in_it() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "metadata",
        "--no-deps",
        "--offline",
        "--format-version",
        "1",
    ]);
    let metadata = Run::of(cargo.current_dir(root())).json();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages
        .iter()
        .find(|package| package["name"] == "repo-permissions")
        .unwrap();
    let binstall = &package["metadata"]["binstall"];
    assert_eq!(package["repository"], REPOSITORY);
    // gzip over tar, as the archives are; and no build that somebody else made.
    assert_eq!(binstall["pkg-fmt"], "tgz");
    assert_eq!(
        binstall["disabled-strategies"],
        serde_json::json!(["quick-install"])
    );

    let overrides = binstall["overrides"].as_object().unwrap();
    let targets: BTreeSet<&str> = overrides.keys().map(String::as_str).collect();
    let all = KNOWN.iter().flat_map(|platform| platform.targets);
    assert_eq!(targets, all.copied().collect());
    for platform in &KNOWN {
        for target in platform.targets {
            let values = [
                ("{ repo }", REPOSITORY),
                ("{ name }", "repo-permissions"),
                ("{ version }", VERSION),
            ];
            let template = overrides[*target]["pkg-url"].as_str().unwrap();
            assert_eq!(rendered(template, &values), url_of(platform), "{target}");
        }
        let extension = if platform.name.starts_with("windows-") {
            ".exe"
        } else {
            ""
        };
        let values = [
            ("{ bin }", "repo-permissions"),
            ("{ binary-ext }", extension),
        ];
        let template = binstall["bin-dir"].as_str().unwrap();
        assert_eq!(rendered(template, &values), program(platform.name));
    }
}

/// The URL that an entry in Aqua's format has for a platform; none where the entry does not support it.
fn of_entry(entry: &Value, (os, arch): (&str, &str)) -> Option<String> {
    let supported = entry.get("supported_envs").and_then(Value::as_array);
    let is_of = |name: &Value| name == os || *name == *format!("{os}/{arch}");
    if !supported.is_none_or(|list| list.iter().any(is_of)) {
        return None;
    }
    let replaced = |name: &str| {
        let replacement = entry["replacements"].get(name).and_then(Value::as_str);
        replacement.map_or_else(|| name.to_owned(), str::to_owned)
    };
    let name = rendered(
        entry["asset"].as_str().unwrap(),
        &[
            ("{{trimV .Version}}", VERSION),
            ("{{.OS}}", &replaced(os)),
            ("{{.Arch}}", &replaced(arch)),
            ("{{.Format}}", entry["format"].as_str().unwrap()),
        ],
    );
    Some(url(&name))
}

/// Without these, what was replaced or built elsewhere would be installed.
fn is_verified(entry: &Value) {
    let checksum = &entry["checksum"];
    let [kind, asset, algorithm] = ["type", "asset", "algorithm"].map(|key| &checksum[key]);
    assert_eq!(
        [kind, algorithm],
        [&Value::from("github_release"), &Value::from("sha256")]
    );
    assert!(released().contains(&url(asset.as_str().unwrap())));
    let signer = entry["github_artifact_attestations"]["signer_workflow"].as_str();
    let path = signer
        .unwrap()
        .strip_prefix("repo-permissions/repo-permissions/");
    assert!(root().join(path.unwrap()).is_file(), "{signer:?}");
}

#[test]
fn the_entry_for_aqua_has_every_platform_and_verifies() {
    let text = std::fs::read_to_string(root().join("packaging/aqua.yaml")).unwrap();
    let registry = yaml::to_json(&text);
    let package = &registry["packages"][0];
    let [owner, name] = ["repo_owner", "repo_name"].map(|key| package[key].as_str().unwrap());
    assert_eq!(format!("https://github.com/{owner}/{name}"), REPOSITORY);
    let entry = &package["version_overrides"][0];
    // For every version, and written as a text: the format evaluates it.
    assert_eq!(entry["version_constraint"], "true");
    for platform in &KNOWN {
        assert_eq!(of_entry(entry, platform.go), Some(url_of(platform)));
    }
    assert_eq!(of_entry(entry, ("windows", "arm64")), None);
    is_verified(entry);
}

/// A copy of the entry, since Atmos reads checksums and attestations only there.
#[test]
fn the_configuration_of_atmos_on_the_page_says_the_same() {
    let page = std::fs::read_to_string(root().join("docs/install.md")).unwrap();
    let (_, rest) = page.split_once("```yaml\n# atmos.yaml\n").unwrap();
    let (shown, _) = rest.split_once("\n```").unwrap();
    let toolchain = &yaml::to_json(shown)["toolchain"];
    let entry = &toolchain["registries"][0]["tools"]["repo-permissions/repo-permissions"];
    // The tag of a release.
    assert_eq!(entry["version_prefix"], "v");
    for platform in &KNOWN {
        assert_eq!(of_entry(entry, platform.go), Some(url_of(platform)));
    }
    is_verified(entry);
}
