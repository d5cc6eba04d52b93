//! Commands that run tests by their names: a name that no test has runs nothing, and passes.

use std::path::{Path, PathBuf};
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

/// The directories of the packages that a command is about: that of the one it names, or all of the workspace.
fn packages(name: &str) -> Vec<PathBuf> {
    match (name, name.strip_prefix("repo-permissions-")) {
        ("--workspace", _) => {
            let crates = std::fs::read_dir(root().join("crates")).unwrap();
            let crates = crates.map(|one| one.unwrap().path());
            std::iter::once(root().to_owned()).chain(crates).collect()
        }
        (_, Some(name)) => vec![root().join("crates").join(name)],
        (_, None) => vec![root().to_owned()],
    }
}

/// What is wrong with the arguments of one `cargo test`; whether they name something.
fn check(arguments: &str) -> Result<bool, String> {
    let mut words = arguments.split_whitespace().filter(|word| *word != "--");
    let (mut inside, mut package, mut filters) = (None, "", Vec::new());
    while let Some(word) = words.next().filter(|word| !["|", "||"].contains(word)) {
        match word {
            "--test" => inside = words.next().map(|name| format!("tests/{name}")),
            "--package" | "-p" => package = words.next().unwrap_or_default(),
            "--workspace" => package = word,
            "--lib" => inside = Some("src".to_owned()),
            "--format" | "--message-format" | "--target" | "--config" => _ = words.next(),
            // Flags, and what is the shell's.
            flag if flag.starts_with(['-', '>', '"', '\\']) => {}
            word => filters.push(word),
        }
    }
    let Some(inside) = inside else {
        return Ok(false);
    };
    let directories = packages(package).into_iter().map(|one| one.join(&inside));
    let directories: Vec<_> = directories
        .filter(|directory| {
            let mut roots = ["main.rs", "lib.rs"].iter();
            roots.any(|file| directory.join(file).exists())
        })
        .collect();
    if directories.is_empty() {
        return Err(format!("there is no {inside}"));
    }
    let is_known = |filter| {
        directories
            .iter()
            .any(|directory| is_there(directory, filter))
    };
    match filters.into_iter().find(|filter| !is_known(filter)) {
        Some(filter) => Err(format!("no test is `{filter}`")),
        None => Ok(true),
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
            "--workspace --test server -- proxies:: | tail".to_owned(),
            true,
        ),
        ("--workspace --lib verify:: -- --nocapture".to_owned(), true),
        ("--workspace --lib oidc::".to_owned(), false),
        ("--workspace --test other".to_owned(), false),
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
