//! The licences of what the program is linked from.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::LazyLock;

use regex::bytes::Regex;
use serde_json::Value;

use crate::support::directory::Directory;
use crate::support::program::{BINARY, Run};
use crate::support::root;

/// A sentence that only this licence has.
const SENTENCES: [(&str, &str); 10] = [
    ("Apache-2.0", "Apache License"),
    ("BSD-3-Clause", "Redistributions in binary form must"),
    ("BSL-1.0", "Boost Software License - Version 1.0"),
    (
        "CDLA-Permissive-2.0",
        "Community Data License Agreement - Permissive - Version 2.0",
    ),
    (
        "ISC",
        "Permission to use, copy, modify, and/or distribute this software",
    ),
    ("LGPL-2.1-or-later", "GNU LESSER GENERAL PUBLIC LICENSE"),
    (
        "LLVM-exception",
        "LLVM Exceptions to the Apache 2.0 License",
    ),
    (
        "MIT",
        "Permission is hereby granted, free of charge, to any person obtaining a copy",
    ),
    ("Unicode-3.0", "UNICODE LICENSE V3"),
    ("Unlicense", "This is free and unencumbered software"),
];

/// Name and version of a package, its SPDX expression, and the texts that its line names.
struct Entry {
    expression: String,
    texts: Vec<String>,
}

static ENTRIES: LazyLock<BTreeMap<String, Entry>> = LazyLock::new(entries);

/// The file of the script for the target that this was built for.
fn entries() -> BTreeMap<String, Entry> {
    let directory = Directory::new();
    let mut script = Command::new(root().join(".github/release/licences"));
    script
        .arg("repo-permissions")
        .arg(directory.path("LICENSE-THIRD-PARTY"))
        .arg(target());
    // Without the network: these packages are here, since the tests were built of them.
    let run = Run::of(script.env("CARGO_NET_OFFLINE", "true"));
    assert_eq!(run.code, Some(0), "{}", run.err);
    let file = directory.read("LICENSE-THIRD-PARTY");

    let rule = format!("\n{}\n", "-".repeat(80));
    let mut parts = file.split(&rule);
    let list = parts.next().unwrap();
    let texts: BTreeMap<&str, &str> = parts.map(|part| part.split_once("\n\n").unwrap()).collect();
    let (_, list) = list.split_once("\n\n").unwrap();
    let line = |line: &str| {
        let (name, rest) = line.split_once(": ").unwrap();
        let (expression, numbers) = rest.split_once(" [").unwrap();
        let numbers = numbers
            .split(' ')
            .map(|number| number.trim_matches(['[', ']']));
        let texts = numbers.map(|number| texts[&*format!("[{number}]")]);
        let entry = Entry {
            expression: expression.to_owned(),
            texts: texts.map(squeezed).collect(),
        };
        (name.to_owned(), entry)
    };
    list.lines().map(line).collect()
}

fn target() -> String {
    let run = Run::of(Command::new("rustc").args(["--print", "host-tuple"]));
    run.out.trim_end().to_owned()
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Name and version, with the SPDX expression, of what the program may be linked from: some of it only with features that
/// other packages of the workspace switch on.
fn possible() -> BTreeMap<String, String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--offline", "--locked", "--format-version", "1"]);
    cargo
        .args(["--filter-platform", &target()])
        .current_dir(root());
    let metadata = Run::of(&mut cargo).json();
    let by_id = |list: &Value| -> BTreeMap<String, Value> {
        let items = list.as_array().unwrap().iter();
        items
            .map(|item| (item["id"].as_str().unwrap().to_owned(), item.clone()))
            .collect()
    };
    let packages = by_id(&metadata["packages"]);
    let nodes = by_id(&metadata["resolve"]["nodes"]);
    let mut open = vec![metadata["resolve"]["root"].as_str().unwrap().to_owned()];
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        let targets = packages[&id]["targets"].as_array().unwrap();
        let is_macro = targets
            .iter()
            .any(|target| target["kind"][0] == "proc-macro");
        if is_macro || !seen.insert(id.clone()) {
            continue;
        }
        for dependency in nodes[&id]["deps"].as_array().unwrap() {
            let kinds = dependency["dep_kinds"].as_array().unwrap();
            if kinds.iter().any(|kind| kind["kind"].is_null()) {
                open.push(dependency["pkg"].as_str().unwrap().to_owned());
            }
        }
    }
    let foreign = seen.iter().map(|id| &packages[id]);
    foreign
        .filter(|package| !package["source"].is_null())
        .map(|package| {
            let [name, version, license] =
                ["name", "version", "license"].map(|key| package[key].as_str().unwrap());
            (format!("{name} {version}"), license.to_owned())
        })
        .collect()
}

/// Name and version of what the program is linked from if it is built alone.
fn alone() -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "tree",
        "--offline",
        "--locked",
        "--package",
        "repo-permissions",
    ]);
    cargo.args([
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--target",
        &target(),
    ]);
    let run = Run::of(cargo.current_dir(root()));
    assert_eq!(run.code, Some(0), "{}", run.err);
    let mut packages = BTreeSet::new();
    for line in run.out.lines() {
        let mut words = line.split(' ');
        let (name, version) = (words.next().unwrap(), words.next().unwrap());
        packages.insert(format!("{name} {}", version.trim_start_matches('v')));
    }
    packages
}

/// Name and version of the packages that the program has code of, by the places that it contains for its debugger.
fn in_the_program() -> BTreeSet<String> {
    let place = Regex::new(r"registry/src/[^/]+/([A-Za-z0-9_-]+?)-([0-9][A-Za-z0-9.+-]*)").unwrap();
    let program = std::fs::read(BINARY).unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    place
        .captures_iter(&program)
        .map(|found| format!("{} {}", text(&found[1]), text(&found[2])))
        .collect()
}

/// Returns whether the texts have the licences of an expression. `OR` binds less than `AND`; none here has brackets.
fn satisfies(expression: &str, texts: &[String]) -> bool {
    let has = |name: &str| {
        let found = SENTENCES.iter().find(|(known, _)| *known == name);
        let (_, sentence) = found.unwrap_or_else(|| panic!("unknown licence `{name}`"));
        texts.iter().any(|text| text.contains(sentence))
    };
    let expression = expression.replace('/', " OR ");
    expression.split(" OR ").any(|choice| {
        let all = choice.split(" AND ").flat_map(|one| one.split(" WITH "));
        all.map(str::trim).all(has)
    })
}

#[test]
fn every_package_of_the_program_is_named_with_its_licence_and_its_text() {
    let entries = &*ENTRIES;
    let linked = in_the_program();
    assert!(linked.len() > 100, "{}", linked.len());
    // Built with the server, as for the tests, a program has parts that only the server switches on.
    let alone = alone();
    for package in linked.intersection(&alone) {
        assert!(entries.contains_key(package), "`{package}` is not named");
    }
    assert!(linked.difference(&alone).count() < 10, "{linked:?}");
    let possible = possible();
    for (name, entry) in entries {
        if let Some(expression) = possible.get(name) {
            assert_eq!(&entry.expression, expression, "{name}");
        }
    }
    for (name, entry) in entries {
        assert!(
            satisfies(&entry.expression, &entry.texts),
            "{name}: {} {:?}",
            entry.expression,
            entry.texts
        );
    }
    // What no list of packages has.
    let others: Vec<&String> = entries
        .keys()
        .filter(|name| !possible.contains_key(*name))
        .collect();
    let own = concat!("repo-permissions ", env!("CARGO_PKG_VERSION"));
    assert_eq!(others.len(), 3, "{others:?}");
    assert!(entries.contains_key(own));
}

/// What is not shipped is not listed: tests, and what macros are made of.
#[test]
fn what_only_tests_and_macros_need_is_not_named() {
    let entries = &*ENTRIES;
    for name in ["insta", "proptest", "syn", "proc-macro2", "simulator"] {
        let named = entries
            .keys()
            .find(|entry| entry.split(' ').next() == Some(name));
        assert_eq!(named, None);
    }
}

#[test]
fn an_expression_needs_a_text_of_each_part() {
    let texts = ["Apache License".to_owned(), "UNICODE LICENSE V3".to_owned()];
    for (expression, expected) in [
        ("Apache-2.0", true),
        ("MIT", false),
        ("MIT OR Apache-2.0", true),
        ("MIT/Apache-2.0", true),
        ("Apache-2.0 AND Unicode-3.0", true),
        ("Apache-2.0 AND ISC", false),
        ("Apache-2.0 WITH LLVM-exception", false),
    ] {
        assert_eq!(satisfies(expression, &texts), expected, "{expression}");
    }
}
