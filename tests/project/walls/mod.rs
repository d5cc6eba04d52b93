//! The walls between the crates, and the order of the files inside each.

mod circles;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::support::root;

/// Each package of the workspace, and those of the others that it may name in its `Cargo.toml`.
const MAY_NAME: [(&str, &[&str]); 10] = [
    (
        "repo-permissions",
        &["analysis", "cli", "engine", "github", "platform", "token"],
    ),
    ("repo-permissions-analysis", &["engine"]),
    (
        "repo-permissions-cli",
        &["analysis", "engine", "github", "platform"],
    ),
    ("repo-permissions-engine", &[]),
    ("repo-permissions-github", &["engine", "token"]),
    ("repo-permissions-platform", &[]),
    ("repo-permissions-playground", &["analysis", "engine"]),
    (
        "repo-permissions-server",
        &["analysis", "engine", "github", "platform", "token"],
    ),
    ("repo-permissions-token", &["engine"]),
    ("simulator", &[]),
];

/// What opens a connection, in whole or in part.
const NETWORK: [&str; 10] = [
    "http",
    "hyper",
    "hyper-util",
    "octocrab",
    "reqwest",
    "rustls",
    "socket2",
    "tokio",
    "tower",
    "webpki-roots",
];
/// What signs, verifies or encrypts.
const CRYPTOGRAPHY: [&str; 3] = ["jsonwebtoken", "ring", "rsa"];

fn cargo(arguments: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(arguments)
        .args(["--locked", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

/// What each package of the workspace names in its `Cargo.toml` for its code, not for its tests.
fn named() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = cargo(&["metadata", "--format-version=1", "--no-deps"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let named = packages.map(|package| {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let of_code = dependencies.filter(|one| one["kind"].is_null());
        let names = of_code.map(|one| text(&one["name"])).collect();
        (text(&package["name"]), names)
    });
    named.collect()
}

/// Everything that a package is linked with, built alone for this machine.
fn linked(package: &str) -> BTreeSet<String> {
    let tree = cargo(&[
        "tree",
        "--edges=normal",
        "--prefix=none",
        "--format={p}",
        "--package",
        package,
    ]);
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    names.map(str::to_owned).collect()
}

#[test]
fn each_crate_names_only_the_crates_that_it_may() {
    let mut named = named();
    let own: BTreeSet<String> = named.keys().cloned().collect();
    let expected = MAY_NAME.map(|(package, others)| {
        let others = others.iter().map(|name| format!("repo-permissions-{name}"));
        (package.to_owned(), others.collect::<BTreeSet<_>>())
    });
    for names in named.values_mut() {
        names.retain(|name| own.contains(name));
    }
    assert_eq!(named, BTreeMap::from(expected));
}

#[test]
fn what_decides_is_linked_with_no_network_and_no_cryptography() {
    for package in [
        "repo-permissions-engine",
        "repo-permissions-analysis",
        "repo-permissions-playground",
    ] {
        let linked = linked(package);
        assert!(linked.contains("regex-automata"), "{linked:?}");
        for other in NETWORK.iter().chain(&CRYPTOGRAPHY) {
            assert!(!linked.contains(*other), "{package} is linked with {other}");
        }
    }
}

#[test]
fn what_verifies_is_linked_with_no_network() {
    let linked = linked("repo-permissions-token");
    assert!(linked.contains("ring"), "{linked:?}");
    for other in NETWORK {
        assert!(!linked.contains(other), "the token is linked with {other}");
    }
}

/// The tools never verify: they reach cryptography through GitHub's TLS only.
#[test]
fn the_tools_name_no_cryptography() {
    let named = &named()["repo-permissions-cli"];
    for other in CRYPTOGRAPHY
        .iter()
        .chain(&["rustls", "reqwest", "octocrab"])
    {
        assert!(!named.contains(*other), "the tools name {other}");
    }
}

/// The action grows by nothing that only the server needs, and the server has no tool in it.
#[test]
fn the_action_and_the_server_are_apart() {
    let (action, server) = (
        linked("repo-permissions"),
        linked("repo-permissions-server"),
    );
    for only_of_the_server in [
        "repo-permissions-server",
        "axum",
        "prometheus-client",
        "tower-http",
    ] {
        assert!(server.contains(only_of_the_server), "{only_of_the_server}");
    }
    for other in ["repo-permissions-server", "axum", "prometheus-client"] {
        assert!(!action.contains(other), "the action is linked with {other}");
    }
    for other in ["repo-permissions", "repo-permissions-cli"] {
        assert!(!server.contains(other), "the server is linked with {other}");
    }
}

#[test]
fn only_the_entry_point_of_the_action_names_the_tools() {
    let name = regex::Regex::new(r"\bcli::|\buse cli\b|\bextern crate cli\b").unwrap();
    let naming = source::files("src").into_iter().filter(|file| {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        name.is_match(&source::code(&text))
    });
    assert_eq!(naming.collect::<Vec<_>>(), ["src/main.rs"]);
}

/// What a crate takes from outside its own directory, such as the schemas, is in the builds of the images. cargo notices
/// which file of a crate is missing there; of these it knows only where it saw them last.
#[test]
fn the_images_are_built_with_all_that_the_crates_include() {
    let include = regex::Regex::new(r#"include_(?:str|bytes)!\("(?:\.\./)+(\w+)/"#).unwrap();
    let files = source::files("src")
        .into_iter()
        .chain(source::files("crates"));
    let mut included = BTreeSet::new();
    // No image contains fuzz targets.
    for file in files.filter(|file| !file.contains("tests") && !file.contains("fuzzing")) {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        included.extend(include.captures_iter(code).map(|found| found[1].to_owned()));
    }
    assert_eq!(included, BTreeSet::from(["schema".to_owned()]));
    for dockerfile in ["Dockerfile", "Dockerfile.server"] {
        let text = std::fs::read_to_string(root().join(dockerfile)).unwrap();
        for directory in &included {
            assert!(
                text.contains(&format!("\nCOPY {directory} {directory}\n")),
                "{dockerfile}: {directory}"
            );
        }
    }
}
