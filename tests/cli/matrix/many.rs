//! Repositories with many workflow files.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use roxmltree::Node;
use serde_json::Value;

use super::hostile::{sound_page, tree};
use super::{NOW, POLICY, checkout};
use crate::support::directory::Directory;

const RULES: &str = "version: 1
permissions:
  - permission: [ws:deployments:create, ws:instances:update]
    workflow: [\"app-.*\", apply.yml, other.yml]
    branch: main
    environment: [dev, production]
  - permission: ws:affected_stacks:create
    workflow: \"app-.*\"
    events: [pull_request]
";
const APP: &str = "
on: {push: {branches: [main]}, pull_request: {branches: [main]}}
permissions: {id-token: write}
jobs:
  plan: {if: github.event_name == 'pull_request', steps: []}
  deploy: {if: github.event_name == 'push', strategy: {matrix: {to: [dev, production]}}, environment: '${{ matrix.to }}'}
  check: {environment: checks}
";
/// A gate that cannot stop its job, and a commit that somebody chooses.
const APPLY: &str = "
on: {workflow_dispatch: {inputs: {sha: {type: string}}}}
permissions: {id-token: write}
jobs:
  apply:
    environment: production
    steps:
      - uses: actions/checkout@v4
        with: {ref: '${{ inputs.sha }}'}
      - uses: repo-permissions/repo-permissions@v0
        continue-on-error: true
        with: {permission: ws:deployments:create}
";
const CALLER: &str = "
on: push
permissions: {id-token: write}
jobs: {call: {uses: ./.github/workflows/gate.yml}}
";
/// The same in a file that another calls.
const GATE: &str = "
on: workflow_call
jobs:
  gate:
    environment: dev
    steps:
      - uses: repo-permissions/repo-permissions@v0
        continue-on-error: true
        with: {permission: ws:deployments:create}
";
const LINT: &str = "on: pull_request\njobs: {lint: {steps: []}}";

fn many(apps: usize) -> Directory {
    let directory = checkout(
        RULES,
        &[
            ("apply.yml", APPLY),
            ("gate.yml", GATE),
            ("other.yml", CALLER),
        ],
    );
    for number in 1..=apps {
        directory.write(&format!(".github/workflows/app-{number:03}.yml"), APP);
    }
    for name in ["labeler.yml", "lint.yml", "stale.yml"] {
        directory.write(&format!(".github/workflows/{name}"), LINT);
    }
    directory
}

fn matrix(directory: &Directory, arguments: &[&str]) -> String {
    directory.prints(&[&["matrix", POLICY], &NOW[..], arguments].concat())
}

#[test]
fn like_files_are_one_block_and_what_gets_nothing_is_a_line() {
    assert_snapshot!(matrix(&many(9), &[]), @"
    policy      .github/repo-permissions.yml, 2 rules
    workflows   .github/workflows, 15 files
    time        2026-11-23T12:00:00Z

    9 files with the same rows  on push, pull_request; pull requests into main
        app-001.yml, app-002.yml, app-003.yml, app-004.yml, app-005.yml, app-006.yml, app-007.yml,
        app-008.yml, app-009.yml
      no environment (only on pull_request)
      checks
        ws:affected_stacks:create   ✓ any branch on pull_request
      dev, production (only on push)
        ws:deployments:create,      ✓ main on push
        ws:instances:update
        ws:affected_stacks:create   ✗ line 7: only on pull_request

    apply.yml  on workflow_dispatch  ! dispatched-ref  ! gate-continues
      production
        ws:deployments:create,      ✓ main on workflow_dispatch
        ws:instances:update

    other.yml  on push  ! gate-continues
      dev
        ws:deployments:create,      ✓ main on push
        ws:instances:update

    any other workflow file  also files that a branch adds
      any environment
        ws:deployments:create,      ✓ main on any trusted event; pull requests into these or the default
        ws:instances:update           branch; if the file is app-.*, apply.yml or other.yml; if the
                                      environment is dev or production
        ws:affected_stacks:create   ✓ any branch on pull_request; if the file is app-.*

    nothing is granted to labeler.yml, lint.yml, stale.yml

    ✓ granted   ✗ a rule covers it, but does not grant it   ! the policy cannot enforce it

    what the policy cannot enforce
      ! dispatched-ref
        apply.yml:8
        `inputs.sha` chooses the commit that this job runs, so the branch of its token says nothing
        about this code
        help: limit who can start the workflow, and give the check the same commit as `sha:`
        https://repo-permissions.github.io/repo-permissions/lint.html#dispatched-ref
      ! gate-continues
        apply.yml:10, gate.yml:7
        the job goes on after a denial, because this step has `continue-on-error`
        help: remove it; to enforce nothing yet, write `mode: advisory`, which the check run shows
        https://repo-permissions.github.io/repo-permissions/lint.html#gate-continues

    notes
      `gate.yml` is only called by other workflows: their rows include its jobs
    ");
}

#[test]
fn every_row_is_there_on_request() {
    let (folded, all) = (matrix(&many(9), &[]), matrix(&many(9), &["--all"]));
    for file in ["app-001.yml", "app-009.yml"] {
        let row = format!("\n{file}  on push, pull_request; pull requests into main\n");
        assert!(all.contains(&row) && !folded.contains(&row), "{all}");
    }
    assert!(all.contains("\nlabeler.yml  on pull_request\n  no environment (no id-token: write)"));
    assert!(!all.contains("with the same rows") && !all.contains("other files"));
    let all = matrix(&many(9), &["--all", "--format", "markdown"]);
    assert_eq!(
        all.matches("| `app-009.yml`<br>on `push`").count(),
        1,
        "{all}"
    );
    assert!(all.contains("| `labeler.yml`<br>on `pull_request` |") && !all.contains("Nothing"));
    let all = matrix(&many(9), &["--all", "--format", "html"]);
    assert_eq!(all.matches("<tbody").count(), 9 + 2 + 3 + 1);
    assert!(!all.contains("with the same rows") && !all.contains("Nothing is granted"));
    sound_page(&all);
}

/// Columns are narrow in 100 characters, and wide enough in 150.
#[test]
fn a_wide_terminal_shows_a_table() {
    let run = many(4).run_with(
        &[("COLUMNS", "150")],
        &[&["matrix", POLICY], &NOW[..]].concat(),
    );
    let table: Vec<_> = run.out.lines().skip(3).take(24).collect();
    assert_snapshot!(table.join("\n"), @"

                                             ws:deployments:create                  ws:instances:update                    ws:affected_stacks:create
    ───────────────────────────────────────  ─────────────────────────────────────  ─────────────────────────────────────  ──────────────────────────────
    4 files with the same rows  on push, pull_request; pull requests into main
        app-001.yml, app-002.yml, app-003.yml, app-004.yml
      no environment (only on pull_request)  -                                      -                                      ✓ any branch
      checks                                                                                                                 on pull_request
      dev, production (only on push)         ✓ main                                 ✓ main                                 ✗ line 7: only on pull_request
                                               on push                                on push

    apply.yml  on workflow_dispatch  ! dispatched-ref  ! gate-continues
      production                             ✓ main                                 ✓ main                                 -
                                               on workflow_dispatch                   on workflow_dispatch

    other.yml  on push  ! gate-continues
      dev                                    ✓ main                                 ✓ main                                 -
                                               on push                                on push

    any other workflow file  also files that a branch adds
      any environment                        ✓ main                                 ✓ main                                 ✓ any branch
                                               on any trusted event                   on any trusted event                   on pull_request
                                               pull requests into these or the        pull requests into these or the        if the file is app-.*
                                               default branch                         default branch
                                               if the file is app-.*, apply.yml or    if the file is app-.*, apply.yml or
    ");
}

#[test]
fn programs_read_every_row() {
    let rows = |arguments: &[&str]| {
        let json = matrix(&many(9), &[&["--format", "json"], arguments].concat());
        let json: Value = serde_json::from_str(&json).unwrap();
        json["rows"].as_array().unwrap().len()
    };
    assert_eq!(rows(&[]), 9 * 4 + 1 + 1 + 3 + 1);
    assert_eq!(rows(&[]), rows(&["--all"]));
}

#[test]
fn markdown_folds_too() {
    assert_snapshot!(matrix(&many(4), &["--format", "markdown"]), @"
    ### Who can do what

    - policy: `.github/repo-permissions.yml`, 2 rules
    - workflows: `.github/workflows`, 10 files
    - time: `2026-11-23T12:00:00Z`

    | workflow | environment | `ws:deployments:create` | `ws:instances:update` | `ws:affected_stacks:create` |
    |---|---|---|---|---|
    | `app-001.yml`, `app-002.yml`, `app-003.yml`, `app-004.yml`<br>4 files<br>on `push`, `pull_request`; pull requests into `main` | no environment<br>*only on `pull_request`*<br>`checks` | – | – | ✓ any branch<br>on `pull_request` |
    |  | `dev`, `production`<br>*only on `push`* | ✓ `main`<br>on `push` | ✓ `main`<br>on `push` | ✗ line 7: only on `pull_request` |
    | `apply.yml`<br>on `workflow_dispatch`<br>! [`dispatched-ref`](https://repo-permissions.github.io/repo-permissions/lint.html#dispatched-ref)<br>! [`gate-continues`](https://repo-permissions.github.io/repo-permissions/lint.html#gate-continues) | `production` | ✓ `main`<br>on `workflow_dispatch` | ✓ `main`<br>on `workflow_dispatch` | – |
    | `other.yml`<br>on `push`<br>! [`gate-continues`](https://repo-permissions.github.io/repo-permissions/lint.html#gate-continues) | `dev` | ✓ `main`<br>on `push` | ✓ `main`<br>on `push` | – |
    | any other workflow file<br>also files that a branch adds | any environment | ✓ `main`<br>on any trusted event<br>pull requests into these or the default branch<br>if the file is `app-.*`, `apply.yml` or `other.yml`<br>if the environment is `dev` or `production` | ✓ `main`<br>on any trusted event<br>pull requests into these or the default branch<br>if the file is `app-.*`, `apply.yml` or `other.yml`<br>if the environment is `dev` or `production` | ✓ any branch<br>on `pull_request`<br>if the file is `app-.*` |

    Nothing is granted to 3 other files: `labeler.yml`, `lint.yml`, `stale.yml`

    #### What the policy cannot enforce

    - [`dispatched-ref`](https://repo-permissions.github.io/repo-permissions/lint.html#dispatched-ref) `apply.yml:8`: `inputs.sha` chooses the commit that this job runs, so the branch of its token says nothing about this code; limit who can start the workflow, and give the check the same commit as `sha:`
    - [`gate-continues`](https://repo-permissions.github.io/repo-permissions/lint.html#gate-continues) `apply.yml:10`, `gate.yml:7`: the job goes on after a denial, because this step has `continue-on-error`; remove it; to enforce nothing yet, write `mode: advisory`, which the check run shows

    #### Notes

    - `gate.yml` is only called by other workflows: their rows include its jobs
    ");
}

#[test]
fn the_width_of_the_terminal_is_used() {
    let directory = many(40);
    for columns in [40, 72, 100, 160, 240] {
        let arguments = [&["matrix", POLICY], &NOW[..]].concat();
        let variables = [("COLUMNS", &*columns.to_string())];
        let run = directory.run_with(&variables, &arguments);
        // Neither the facts nor the link of a finding are broken.
        let lines = run.out.lines().skip(3);
        let lines = lines.filter(|line| !line.contains("https://"));
        let longest = lines.map(|line| line.chars().count()).max().unwrap();
        let range = columns.min(160) * 3 / 4..=columns;
        assert!(range.contains(&longest), "{columns}: {}", run.out);
    }
    for wrong in ["", "wide", "-1", "0"] {
        let arguments = [&["matrix", POLICY], &NOW[..]].concat();
        let run = directory.run_with(&[("COLUMNS", wrong)], &arguments);
        assert_eq!(run.out, matrix(&directory, &[]), "{wrong}");
    }
}

/// The page of so many files has an index, and one of few has none.
#[test]
fn a_large_page_has_an_index() {
    let index = |apps| {
        let page = matrix(&many(apps), &["--format", "html"]);
        sound_page(&page);
        page.matches("id=\"index\"").count()
    };
    // Six other files, of which one is only called.
    assert_eq!((index(7), index(8)), (0, 1));
    let page = matrix(&many(9), &["--format", "html"]);
    assert!(
        page.contains("<li><a href=\"#b1\">app-001.yml</a> <span class=\"count\">3</span></li>")
    );
    assert!(page.contains("<summary>9 files with the same rows</summary>"));
    assert!(page.contains("<summary>Nothing is granted to 3 other files</summary>"));
    assert!(page.contains("<a class=\"flag\" href=\"#finding-1\">! dispatched-ref</a>"));
}

/// Files of one block have the same rows in the JSON, and each file is in one block or among those that get nothing.
#[test]
fn nothing_is_lost_in_the_fold() {
    let directory = checkout(VARIED_RULES, &[]);
    let mut number = 0;
    for events in [
        "push",
        "[push, pull_request]",
        "{pull_request: {branches: [main]}}",
        "schedule",
    ] {
        for environments in [
            &["dev"][..],
            &["dev", "production"],
            &["${{ vars.TO }}"],
            &[],
        ] {
            for token in ["id-token: write", "contents: read"] {
                for condition in ["true", "github.event_name == 'push'"] {
                    let environments = environments.iter().enumerate();
                    let jobs: String = environments
                        .map(|(job, name)| {
                            format!("  job{job}: {{if: {condition}, environment: '{name}'}}\n")
                        })
                        .collect();
                    let text = format!(
                        "on: {events}\npermissions: {{{token}}}\njobs:\n  plan: {{}}\n{jobs}"
                    );
                    for copy in 0..2 {
                        let file = format!(".github/workflows/{copy}-{number}.yml");
                        directory.write(&file, &text);
                    }
                    number += 1;
                }
            }
        }
    }
    let json: Value = serde_json::from_str(&matrix(&directory, &["--format", "json"])).unwrap();
    let mut rows: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for row in json["rows"].as_array().unwrap() {
        let mut row = row.clone();
        let file = row["workflow"].take();
        row["jobs"].take();
        if let Some(file) = file.as_str() {
            rows.entry(file.to_owned()).or_default().push(row);
        }
    }
    let page = matrix(&directory, &["--format", "html"]);
    let page = tree(&page);
    let is_block =
        |node: &Node<'_, '_>| node.has_tag_name("tbody") || node.attribute("id") == Some("nothing");
    let mut seen = Vec::new();
    let mut folded = 0;
    for block in page.descendants().filter(is_block) {
        let names = block
            .descendants()
            .filter(|node| node.attribute("class") == Some("name"));
        let names: Vec<String> = names
            .map(|name| {
                name.descendants()
                    .filter(Node::is_text)
                    .filter_map(|text| text.text())
                    .collect()
            })
            .collect();
        if block.has_tag_name("tbody") {
            assert!(
                names.iter().all(|name| rows[name] == rows[&names[0]]),
                "{names:?}"
            );
            folded += names.len().saturating_sub(1);
        } else {
            let granted = |row: &Value| row["cells"].to_string().contains(r#""granted":"yes""#);
            assert!(
                !names.iter().any(|name| rows[name].iter().any(granted)),
                "{names:?}"
            );
        }
        seen.extend(names);
    }
    seen.sort();
    assert_eq!(seen, rows.keys().cloned().collect::<Vec<_>>());
    assert!(
        folded > 20 && seen.iter().any(|name| name == "0-1.yml"),
        "{folded}"
    );
}

const VARIED_RULES: &str = "version: 1
permissions:
  - {permission: a:b, environment: dev, branch: main}
  - {permission: a:c, environment: production, events: [push], claims: {runner_environment: github-hosted}}
  - {permission: a:d, workflow: '[01]-1.*', events: [pull_request], base: main}
  - {permission: a:e, workflow: '0-2.*', expires: 2026-01-31}
";
