//! What README and documentation show is run, read and followed, so that it stays true.
//!
//! A fence says what becomes of its block. All blocks of a page share one directory, in this order:
//!
//! - `console`: each `$ ` command is run, and prints what stands below it. A line `…` stands for any lines.
//! - `sh`: each command is run, and has to succeed or to say "denied" (exit code 1). Measurements (`benches/…`)
//!   only have to be there.
//! - `yaml`: has to be YAML. A policy has to be valid (`yaml invalid`: must not), a workflow may give the action no
//!   input that it does not have. With a comment such as `# policy.yml` as its first line it is that file.
//! - `json`: has to be JSON.
//! - none: a drawing.
//!
//! A quotation below `<!-- shows: COMMAND -->` is the Markdown that the command prints, as readers of GitHub see it.
//! `no-run` behind a language takes the block out; [`EXCEPTIONS`] has to say why. `<!-- run: COMMAND -->` on a page is
//! run at its place and not shown. `UPDATE_DOCUMENTATION=1` writes what commands print into the pages.

mod links;
mod page;
mod pictures;
mod reference;
mod run;

use std::path::{Path, PathBuf};

use page::{Page, Piece};

use crate::support::root;

/// The blocks that are not run: page, first line, why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "docs/install.md",
        "cargo install --locked --git https://github.com/repo-permissions/repo-permissions repo-permissions",
        "it builds for minutes, from a repository that a test does not reach",
    ),
    (
        "docs/install.md",
        "cargo binstall --git https://github.com/repo-permissions/repo-permissions repo-permissions",
        "there is no release yet; .ci/outside/install runs it with a release on this machine",
    ),
    (
        "docs/install.md",
        "pip install repo-permissions          # or: uv tool install repo-permissions, pipx install repo-permissions",
        "there is no release yet; .ci/outside/install runs it with a wheel of this tree",
    ),
    (
        "docs/install.md",
        "gh release download --repo repo-permissions/repo-permissions --pattern 'repo-permissions-*-linux-x64.tar.gz'",
        "there is no release yet",
    ),
    (
        "docs/install.md",
        "repo-permissions completions bash > ~/.local/share/bash-completion/completions/repo-permissions",
        "it writes to the home directory; a test of the command line runs the command",
    ),
    (
        "docs/organisation.md",
        "duckdb -c \"SET VARIABLE records = 'records/*.jsonl'\" -f queries.sql",
        "DuckDB is not here; .ci/outside/organisation runs the queries",
    ),
    (
        "README.md",
        "cargo run --bin simulator         # a GitHub and a runner on this machine: three jobs, one allowed, two denied",
        "the tests themselves; the simulator is run on the pages",
    ),
    (
        "CONTRIBUTING.md",
        "cargo look                       # the action in three jobs, against a GitHub on this machine",
        "the tests themselves",
    ),
    (
        "SECURITY.md",
        "# the image: action.yml of the release contains its digest",
        "there is no release yet",
    ),
    (
        "docs/audit.md",
        "import base64, hmac, time",
        "run by .ci/outside/receivers.py",
    ),
    (
        "docs/audit.md",
        r#"import { createHmac, timingSafeEqual } from "node:crypto";"#,
        "run by .ci/outside/receivers.py",
    ),
    (
        "docs/enforce.md",
        "cargo run --bin simulator -- server",
        "crates/server/tests/server/showcase.rs runs it",
    ),
    (
        "docs/enforce.md",
        "a job on `main`, for the environment `production`",
        "crates/server/tests/server/showcase.rs compares it",
    ),
    (
        "docs/enforce.md",
        "version: 1",
        "a configuration of the server; its own tests read one",
    ),
    (
        "docs/enforce.md",
        "repo-permissions-server --config server.yml --check",
        "the server, which its own tests start",
    ),
    (
        "docs/enforce.md",
        "permissions:",
        "a part of a job, for an API that is nowhere",
    ),
    (
        "docs/enforce.md",
        "policy:",
        "a part of a configuration; the server's own tests read one",
    ),
    (
        "docs/enforce.md",
        "deployments:",
        "a part of a configuration; the server's own tests read one",
    ),
    (
        "docs/enforce.md",
        "permissions:",
        "a part of a job, for a server that is nowhere; tests/action/server asks one",
    ),
    (
        "docs/enforce.md",
        "curl -H 'Content-Type: application/json' https://deploy.example.com/access/v1/evaluation -d '{",
        "a server that is nowhere; its own tests ask one",
    ),
    (
        "docs/enforce.md",
        "{",
        "an answer of the server, shortened; its own tests look at whole ones",
    ),
    (
        "docs/enforce.md",
        "routes:",
        "a part of a configuration; the server's own tests read one",
    ),
    (
        "docs/reasons/internal.md",
        "error (internal): repo-permissions failed because of a bug, so nothing is granted",
        "no bug is known",
    ),
    (
        "docs/review.md",
        "4 of 6 recorded checks would be decided otherwise",
        "the log of six jobs; tests/cli/diff.rs has one",
    ),
    (
        "docs/start.md",
        "git clone https://github.com/repo-permissions/repo-permissions",
        "the repository is on GitHub",
    ),
    (
        "docs/start.md",
        "git switch --create feature/login",
        "the repository is on GitHub",
    ),
    (
        "docs/survey.md",
        "$ export GITHUB_TOKEN=…",
        "an organisation; tests/cli/survey/output.rs compares it",
    ),
    (
        "docs/survey.md",
        " 1,000 repositories:  34 points of 5,000,  34 GraphQL and 1 REST requests, 0.5 s, peak memory 10.8 MB",
        "a measurement; .ci/run product repeats it",
    ),
    (
        "examples/README.md",
        "cargo run -q -- check --policy examples/policies/locked-production.yml \\",
        "cargo; the same command without it is on docs/check.md",
    ),
    (
        "examples/README.md",
        "cargo run -q -- matrix examples/policies/development.yml --workflows examples/repository",
        "cargo; docs/matrix.md runs it",
    ),
];

/// The pages that are checked: those for users, and those for who works on the project.
fn pages() -> Vec<Page> {
    let mut files: Vec<PathBuf> = [
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "SECURITY.md",
    ]
    .map(PathBuf::from)
    .to_vec();
    files.extend(["examples/README.md", "examples/atmos-pro/README.md"].map(PathBuf::from));
    markdown_under(Path::new("docs"), &mut files);
    files.sort();
    files.into_iter().map(|file| Page::read(&file)).collect()
}

fn markdown_under(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(root().join(directory)).unwrap() {
        let entry = entry.unwrap();
        let file = directory.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            markdown_under(&file, files);
        } else if file.extension().is_some_and(|extension| extension == "md") {
            files.push(file);
        }
    }
}

fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap()
}

/// Fails with everything that is wrong, not only with the first of it.
#[track_caller]
fn assert_none(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n\n"));
}

#[test]
fn every_block_is_what_its_fence_says() {
    let pages = pages();
    let blocks = pages
        .iter()
        .flat_map(|page| &page.pieces)
        .filter(|piece| matches!(piece, Piece::Block(_)));
    assert!(blocks.count() >= 30);
    let queue = std::sync::Mutex::new(pages.iter());
    let problems = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap().next();
                    let Some(page) = next else { break };
                    let found = run::page(page);
                    problems.lock().unwrap().extend(found);
                }
            });
        }
    });
    assert_none(problems.into_inner().unwrap());
}

#[test]
fn every_block_that_is_not_run_has_a_reason() {
    let pages = pages();
    let mut skipped = Vec::new();
    for page in &pages {
        for piece in &page.pieces {
            let Piece::Block(block) = piece else { continue };
            if block.has("no-run") {
                let first = block.text.lines().next().unwrap_or_default();
                skipped.push((page.file.as_str(), first));
            }
        }
    }
    let known = EXCEPTIONS.iter().map(|(page, first, _)| (*page, *first));
    let mut known: Vec<_> = known.collect();
    skipped.sort_unstable();
    known.sort_unstable();
    assert_eq!(skipped, known);
}

#[test]
fn every_link_leads_somewhere() {
    assert_none(links::problems(&pages()));
}
