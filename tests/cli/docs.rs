//! What the documentation shows is what the program prints.

use super::directory::Directory;

const README: &str = include_str!("../../README.md");

/// The lines between `start` and the end of its block, without indentation.
fn block<'t>(text: &'t str, start: &str) -> &'t str {
    let from = text.find(start).unwrap();
    let block = &text[from..];
    &block[..block.find("```").unwrap()]
}

#[test]
fn the_readme_shows_a_real_check() {
    let policy = block(README, "   version: 1\n");
    let policy: Vec<_> = policy
        .lines()
        .map(|line| line.get(3..).unwrap_or_default())
        .collect();
    let policy = policy.join("\n");
    let file = ".github/repo-permissions.yml";
    let directory = Directory::new("docs-readme", &[(file, policy.trim_end())]);
    let command = block(README, "cargo run -- check ").replace("\\\n", " ");
    let arguments: Vec<_> = command.split_whitespace().skip(3).collect();
    assert_eq!(arguments[..3], ["check", "--policy", file]);
    let run = directory.run(&arguments);
    let hash = |text: &str| {
        let (before, after) = text.split_once("sha256 ").unwrap();
        format!("{before}{}", after.get(16..).unwrap())
    };
    assert_eq!(
        hash(block(README, "Repository   acme-org/infra")),
        hash(&run.out)
    );
}
