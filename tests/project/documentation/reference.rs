//! What the documentation has to have: reasons, codes, inputs, outputs, commands.

use ::engine::decision::Reason;
use ::engine::policy::{CaseSensitivity, Format, Policy};
use analysis::lint::catalogue;
use clap::{CommandFactory as _, Parser as _};
use cli::Cli;
use serde_json::Value;

use super::page::{Page, Piece};
use super::{assert_none, read};
use crate::support::directory::Directory;
use crate::support::{root, yaml};

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
    let failure = regex::Regex::new(r"(?m)^(?:denied|error) \((\w+)\): ").unwrap();
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
        let (_, example) = text.split_once("\n## Example\n").unwrap_or_default();
        for shown in failure.captures_iter(example) {
            if &shown[1] != code {
                problems.push(format!("{file} shows `{}`", &shown[1]));
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
        let subcommands = command.get_subcommands();
        for sub in subcommands.filter(|sub| !sub.is_hide_set()) {
            add(sub, &path, found);
        }
    }
    let mut found = Vec::new();
    add(&Cli::command(), &[], &mut found);
    found
}

#[test]
fn every_example_of_the_help_is_a_command_line() {
    let mut examples = 0;
    for path in commands() {
        let mut command = &mut Cli::command();
        for name in &path[1..] {
            command = command.find_subcommand_mut(name).unwrap();
        }
        let help = command.render_long_help().to_string().replace("\\\n", " ");
        for line in help.lines().map(str::trim) {
            if line.starts_with(&format!("{} ", path.join(" "))) || line == path.join(" ") {
                let parsed = Cli::try_parse_from(line.split_whitespace());
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
                examples += 1;
            }
        }
    }
    assert!(examples >= 20, "{examples}");
}

/// What stands below the options, in the sections that man pages have for it.
fn with_sections(page: &str) -> String {
    let Some((page, examples)) = page.split_once(".SH EXTRA\nExamples:\n") else {
        return page.replace(".SH EXTRA\n", ".SH \"SEE ALSO\"\n");
    };
    let examples = examples
        .replace("\n\nExit codes:\n", "\n.SH \"EXIT STATUS\"\n")
        .replace("\n\nhttps://", "\n.fi\n.SH \"SEE ALSO\"\nhttps://");
    format!("{page}.SH EXAMPLES\n.nf\n{examples}")
}

/// The man pages in `man/`, one a command, from the same help. `UPDATE_DOCUMENTATION=1` writes them.
#[test]
fn the_man_pages_are_current() {
    let own = Directory::new();
    let directory = &own.path("man");
    std::fs::create_dir(directory).unwrap();
    let command = Cli::command().disable_help_subcommand(true);
    clap_mangen::generate_to(command, directory).unwrap();
    for page in std::fs::read_dir(directory).unwrap() {
        let page = page.unwrap().path();
        let text = std::fs::read_to_string(&page).unwrap();
        std::fs::write(&page, with_sections(&text)).unwrap();
    }
    let names = |directory: &std::path::Path| {
        let entries = std::fs::read_dir(directory).into_iter().flatten();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect::<std::collections::BTreeSet<_>>()
    };
    let committed = root().join("man");
    if std::env::var_os("UPDATE_DOCUMENTATION").is_some() {
        let _ = std::fs::remove_dir_all(&committed);
        std::fs::create_dir_all(&committed).unwrap();
        for name in names(directory) {
            std::fs::copy(directory.join(&name), committed.join(&name)).unwrap();
        }
    }
    assert_eq!(names(directory), names(&committed));
    for name in names(directory) {
        let page = |directory: &std::path::Path| std::fs::read_to_string(directory.join(&name));
        let is_current = page(directory).unwrap() == page(&committed).unwrap();
        assert!(is_current, "man/{name}: UPDATE_DOCUMENTATION=1 writes it");
    }
}

/// The tables of docs/patterns.md: what each pattern matches, and what not.
#[test]
fn patterns_match_what_their_page_says() {
    let text = read("docs/patterns.md");
    let mut values = 0;
    let mut dimension = None;
    for line in text.lines() {
        let cells = line.replace(r"\|", "\0");
        let cells: Vec<_> = cells
            .split('|')
            .map(|cell| cell.trim().replace('\0', "|"))
            .collect();
        let [_, pattern, yes, no, _] = cells.as_slice() else {
            continue;
        };
        let code = |cell: &str| -> Vec<String> {
            let parts = cell.split('`').skip(1).step_by(2);
            parts.map(str::to_owned).collect()
        };
        let [pattern] = <[String; 1]>::try_from(code(pattern)).unwrap_or_default();
        if let Some(name) = pattern.strip_suffix(':') {
            dimension = Some(name.to_owned());
            continue;
        }
        let Some(dimension) = &dimension else {
            continue;
        };
        let pattern = match pattern.starts_with(['"', '{', '[', '*']) && !pattern.starts_with("[^")
        {
            true => pattern,
            false => format!("'{pattern}'"),
        };
        let key = match dimension.as_str() {
            "actor" => format!("claims: {{ actor: {pattern} }}"),
            dimension => format!("{dimension}: {pattern}"),
        };
        let policy = format!("version: 1\npermissions:\n  - permission: a:b\n    {key}\n");
        let document = Policy::parse(&policy, Format::Yaml).unwrap();
        let rule = document.rules().next().unwrap();
        let patterns = match dimension.as_str() {
            "branch" => &rule.branch,
            "workflow" => &rule.workflow,
            "environment" => &rule.environment,
            _ => &rule.claims.first().map(|(_, patterns)| patterns.clone()),
        };
        for (cell, expected) in [(yes, true), (no, false)] {
            for value in code(cell) {
                let value = (value != "-").then_some(value.as_str());
                let case = match dimension.as_str() {
                    "environment" => CaseSensitivity::ignored_for(value),
                    _ => CaseSensitivity::Sensitive,
                };
                let matchers = patterns.as_ref().unwrap().compile(case).unwrap();
                let matched = matchers.iter().any(|matcher| matcher.matches(value));
                assert_eq!(matched, expected, "{dimension}: {pattern} and {value:?}");
                values += 1;
            }
        }
    }
    assert!(values > 70, "{values}");
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
