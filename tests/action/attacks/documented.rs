//! `docs/threat-model.md` and the tests name the same attacks.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::support::root;

/// The last attack that concerns this project.
const LAST: usize = 42;
/// Attacks that nothing in a job can answer: the table says so in words.
const DOCUMENTED_ONLY: [&str; 0] = [];

#[test]
fn the_threat_model_and_the_tests_name_the_same_attacks() {
    let root = root();
    let page = std::fs::read_to_string(root.join("docs/threat-model.md")).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| is_attack(line)).collect();
    let numbers: Vec<String> = rows.iter().map(|row| number(row)).collect();
    let all: Vec<String> = (1..=LAST).map(|number| format!("A{number}")).collect();
    assert_eq!(numbers, all, "one row for each attack, in order");
    let mut named = BTreeSet::new();
    for row in rows {
        let prefix = format!("a{:0>2}_", number(row).trim_start_matches('A'));
        let tests: Vec<&str> = tests_in(row).collect();
        let only_documented = DOCUMENTED_ONLY.contains(&number(row).as_str());
        assert_eq!(tests.is_empty(), only_documented, "{row}");
        for test in tests {
            assert!(test.starts_with(&prefix), "`{test}` in the row {row}");
            named.insert(test.to_owned());
        }
    }
    // Earlier steps, gates that stop nothing, and the server have tables of their own.
    let server = std::fs::read_to_string(root.join("docs/enforce.md")).unwrap();
    named.extend(
        page.lines()
            .chain(server.lines())
            .flat_map(tests_in)
            .filter(|test| has_own_table(test))
            .map(str::to_owned),
    );
    assert_eq!(named, tests(root), "left: the page, right: the tests");
}

fn is_attack(line: &str) -> bool {
    let digits = line
        .strip_prefix("| A")
        .and_then(|rest| rest.split_once(' '));
    digits.is_some_and(|(digits, _)| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn number(row: &str) -> String {
    row.split('|').nth(1).unwrap().trim().to_owned()
}

/// The code spans of a line that are names of these tests.
fn tests_in(line: &str) -> impl Iterator<Item = &str> {
    line.split('`')
        .skip(1)
        .step_by(2)
        .filter(|span| is_test(span))
}

fn is_test(name: &str) -> bool {
    let is_name = name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let digits = name.strip_prefix('a').and_then(|rest| rest.split_once('_'));
    let is_attack = digits.is_some_and(|(digits, _)| digits.parse::<u8>().is_ok());
    is_name && (is_attack || has_own_table(name))
}

fn has_own_table(name: &str) -> bool {
    let digits = name.strip_prefix('a').and_then(|rest| rest.split_once('_'));
    let number = digits.and_then(|(digits, _)| digits.parse::<usize>().ok());
    number.is_some_and(|number| number > LAST)
        || name.starts_with("step_")
        || name.starts_with("gate_")
}

/// The test functions of the project that are named after an attack.
fn tests(root: &Path) -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    let mut directories = vec![root.join("crates"), root.join("src"), root.join("tests")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                tests.extend(functions(&std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    tests
}

fn functions(source: &str) -> impl Iterator<Item = String> {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let is_attribute =
        |line: &&str| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
    let attributes = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| is_attribute(line));
    let names = attributes.filter_map(|(at, _)| {
        // Other attributes can stand between.
        let mut after = lines.iter().skip(at + 1);
        let function = after.find(|line| !line.starts_with("#["))?;
        let function = function.strip_prefix("async ").unwrap_or(function);
        function.strip_prefix("fn ")?.split('(').next()
    });
    let names: Vec<String> = names
        .filter(|name| is_test(name))
        .map(str::to_owned)
        .collect();
    names.into_iter()
}
