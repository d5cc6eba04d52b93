//! Commands that run tests by their names: a name that no test has runs nothing, and passes.

use std::path::Path;
use std::process::Command;

use regex::Regex;

use crate::support::root;

/// The files with commands, as git knows them.
fn files() -> Vec<String> {
    let listed = Command::new("git")
        .args([
            "ls-files", "--", "*.md", "*.rs", "*.toml", "*.yml", ".ci", ".github", "benches",
            "fuzz",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let files = listed
        .lines()
        .filter(|file| !file.starts_with("fuzz/corpus/"));
    files.map(str::to_owned).collect()
}

/// Whether a module or a test has this path below a directory.
fn is_there(directory: &Path, path: &str) -> bool {
    let (mut at, mut file) = (directory.to_owned(), None);
    for name in path.trim_end_matches("::").split("::") {
        let candidates = [at.join(format!("{name}.rs")), at.join(name).join("mod.rs")];
        if let Some(found) = candidates.into_iter().find(|file| file.exists()) {
            at.push(name);
            file = Some(found);
        } else {
            let text = file.and_then(|file| std::fs::read_to_string(file).ok());
            let function = format!(r"#\[test\]\n(?:#.*\n)*fn {name}\(");
            return text.is_some_and(|text| Regex::new(&function).unwrap().is_match(&text));
        }
    }
    true
}

/// What is wrong with the arguments of one `cargo test`; whether they name something.
fn check(arguments: &str) -> Result<bool, String> {
    let mut words = arguments.split_whitespace().filter(|word| *word != "--");
    let (mut directory, mut package, mut filter) = (None, "", None);
    while let Some(word) = words.next().filter(|word| *word != "||") {
        match word {
            "--test" => {
                let tests = match package.strip_prefix("repo-permissions-") {
                    Some(name) => root().join("crates").join(name).join("tests"),
                    None => root().join("tests"),
                };
                directory = words.next().map(|name| tests.join(name));
            }
            "--package" | "-p" => package = words.next().unwrap_or_default(),
            "--lib" => {
                let name = package.strip_prefix("repo-permissions-");
                let sources = name.map_or("src".to_owned(), |name| format!("crates/{name}/src"));
                directory = Some(root().join(sources));
            }
            "--format" | "--target" | "--config" => _ = words.next(),
            flag if flag.starts_with(['-', '>', '"']) => {}
            word => filter = Some(word),
        }
    }
    let Some(directory) = directory else {
        return Ok(false);
    };
    if !["main.rs", "lib.rs"]
        .iter()
        .any(|file| directory.join(file).exists())
    {
        return Err(format!("there is no {}", directory.display()));
    }
    match filter {
        Some(filter) if !is_there(&directory, filter) => Err(format!("no test is `{filter}`")),
        _ => Ok(true),
    }
}

#[test]
fn every_test_that_a_command_names_is_there() {
    let command = Regex::new(r"cargo (?:insta )?test\b([^`\n#]*)").unwrap();
    let (mut named, mut problems) = (0, Vec::new());
    for file in files() {
        let text = std::fs::read_to_string(root().join(&file)).unwrap_or_default();
        for found in command.captures_iter(&text) {
            match check(&found[1]) {
                Ok(is_named) => named += usize::from(is_named),
                Err(problem) => problems.push(format!("{file}: `{}`: {problem}", &found[0])),
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(named >= 15, "{named}");
}

#[test]
fn a_name_that_no_test_has_is_seen() {
    let own = "every_test_that_a_command_names_is_there";
    for (arguments, is_right) in [
        (
            format!("--locked --test project commands::{own} -- --exact"),
            true,
        ),
        (format!("--test project -- --exact commands::{own}"), true),
        ("--test project commands::".to_owned(), true),
        ("--test project commands::files".to_owned(), false),
        ("--test project other::".to_owned(), false),
        ("--test other".to_owned(), false),
        (
            "--package repo-permissions-server --test server proxies::".to_owned(),
            true,
        ),
        (
            "--package repo-permissions-server --test project".to_owned(),
            false,
        ),
        (
            "--package repo-permissions-token --lib verify::".to_owned(),
            true,
        ),
        (
            "--package repo-permissions-token --lib oidc::".to_owned(),
            false,
        ),
    ] {
        assert_eq!(check(&arguments).is_ok(), is_right, "{arguments}");
    }
}
