//! What the documentation has to have: reasons, codes, inputs, outputs, commands.

use clap::CommandFactory as _;
use repo_permissions::cli::Cli;
use repo_permissions::decision::Reason;
use repo_permissions::policy::lint::catalogue;
use serde_json::Value;

use super::page::{Page, Piece};
use super::{assert_none, read, root, yaml};

fn page(file: &str) -> Page {
    Page::read(std::path::Path::new(file))
}

#[test]
fn every_reason_has_a_page_and_every_page_a_reason() {
    let mut files: Vec<_> = std::fs::read_dir(root().join("docs/reasons"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut expected: Vec<_> = Reason::ALL
        .iter()
        .map(|reason| format!("{}.md", reason.code()))
        .collect();
    files.sort();
    expected.sort();
    assert_eq!(files, expected);
    let mut problems = Vec::new();
    for reason in Reason::ALL {
        let (code, decision) = (reason.code(), reason.decision().as_str());
        let file = format!("docs/reasons/{code}.md");
        let text = read(&file);
        for part in [
            format!("# `{code}`\n"),
            format!("{decision} ({code}): "),
            "## What happened\n".to_owned(),
            "## What to do\n".to_owned(),
        ] {
            if !text.contains(&part) {
                problems.push(format!("{file} has no {part:?}"));
            }
        }
        for index in ["README.md", "docs/reasons.md"] {
            if !read(index).contains(&format!("`{code}`")) {
                problems.push(format!("{index} does not name `{code}`"));
            }
        }
    }
    assert_none(problems);
}

#[test]
fn every_code_of_the_lint_has_its_part() {
    let page = page("docs/lint.md");
    let without = catalogue::ALL
        .iter()
        .filter(|lint| !page.anchors.iter().any(|anchor| anchor == lint.code));
    let without = without.map(|lint| lint.code);
    assert_eq!(without.collect::<Vec<_>>(), Vec::<&str>::new());
}

/// The names in the first column, and the second where it is code alone.
fn table<'p>(page: &'p Page, names: &[String]) -> Vec<(String, Option<&'p str>)> {
    let mut found = Vec::new();
    for row in &page.rows {
        let of_row = row[0].split(", ").map(|name| name.trim_matches('`'));
        for name in of_row.filter(|name| names.iter().any(|known| known == name)) {
            let default = row[1].strip_prefix('`').and_then(|d| d.strip_suffix('`'));
            found.push((name.to_owned(), default.filter(|d| !d.contains('`'))));
        }
    }
    found
}

#[test]
fn the_readme_has_the_inputs_and_outputs_of_the_action() {
    let readme = page("README.md");
    let action = yaml::to_json(&read("action.yml"));
    let of_action = |part: &str| -> Vec<(String, Option<String>)> {
        let members = action[part].as_object().unwrap();
        let default = |one: &Value| match &one["default"] {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        members
            .iter()
            .map(|(name, one)| (name.clone(), default(one)))
            .collect()
    };
    for part in ["inputs", "outputs"] {
        let mut declared = of_action(part);
        let names: Vec<_> = declared.iter().map(|(name, _)| name.clone()).collect();
        let mut shown = table(&readme, &names);
        shown.sort();
        declared.sort();
        // A name can be both an input and an output; each has a row.
        let shown_names: Vec<_> = shown.iter().map(|(name, _)| name).collect();
        for (name, default) in &declared {
            assert!(shown_names.contains(&name), "{part}: `{name}`");
            if let Some(default) = default {
                let rows = shown.iter().filter(|(one, _)| one == name);
                let defaults: Vec<_> = rows.filter_map(|(_, default)| *default).collect();
                assert!(defaults.contains(&default.as_str()), "`{name}`: {default}");
            }
        }
    }
}

/// `repo-permissions`, `repo-permissions check`, and so on.
fn commands() -> Vec<Vec<String>> {
    fn add(command: &clap::Command, path: &[String], found: &mut Vec<Vec<String>>) {
        let mut path = path.to_vec();
        path.push(command.get_name().to_owned());
        found.push(path.clone());
        for sub in command.get_subcommands() {
            add(sub, &path, found);
        }
    }
    let mut found = Vec::new();
    add(&Cli::command(), &[], &mut found);
    found
}

#[test]
fn every_command_is_documented() {
    let page = page("docs/commands.md");
    let mut shown = Vec::new();
    for piece in &page.pieces {
        if let Piece::Block(block) = piece {
            let first = block.text.lines().next().unwrap_or_default();
            shown.push(first.to_owned());
        }
    }
    let expected = commands()
        .into_iter()
        .map(|path| format!("$ {} --help", path.join(" ")));
    assert_eq!(shown, expected.collect::<Vec<_>>());
}
