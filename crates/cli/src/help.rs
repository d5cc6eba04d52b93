//! Text below the options in `--help`: examples, exit codes, a link to the documentation.
//!
//! `tests/project/documentation` writes the help of every command into docs/commands.md, and parses the examples.

/// Builds the text from examples, exit codes and the page of the documentation.
macro_rules! help {
    ($page:literal, [$($code:literal: $meaning:literal),*], [$($example:literal),+]) => {
        concat!(
            "Examples:\n",
            $("  repo-permissions ", $example, "\n",)+
            "\nExit codes:\n",
            $("  ", $code, "  ", $meaning, "\n",)*
            "\n", env!("CARGO_PKG_HOMEPAGE"), "/", $page
        )
    };
}

pub(super) const PROGRAM: &str = concat!(
    "`repo-permissions help COMMAND` shows a command's examples and exit codes.\n\n",
    env!("CARGO_PKG_HOMEPAGE"),
    "/introduction.html"
);
pub(super) const INIT: &str = help!(
    "init.html",
    ["0": "written", "2": "not written: a file already exists, or an input is invalid or cannot be read"],
    ["init", "init --stdout", "init --central --repository acme-org/infra --output policies/infra.yml"]
);
pub(super) const CHECK: &str = help!(
    "check.html",
    ["0": "allowed", "1": "denied", "2": "error: no decision was possible, so nothing is granted"],
    [
        "check --policy .github/repo-permissions.yml --permission ws:deployments:create \\\n    --repository acme-org/infra --workflow deploy-production.yml --branch main --environment production",
        "check --policy policy.yml --permission ws:locks:create --claims claims.json --payload event.json",
        "check --policy policy.yml --permission ws:locks:create --branch main --format json"
    ]
);
pub(super) const LINT: &str = help!(
    "lint.html",
    ["0": "no errors; with --strict, no warnings either", "1": "findings of level error or, with --strict, warning", "2": "a file cannot be read or, with --fix, cannot be changed"],
    ["lint", "lint --strict policies", "lint --fix --diff .github/repo-permissions.yml", "lint --format sarif policies/infra.yml policies/network.yml"]
);
pub(super) const TEST: &str = help!(
    "recipes.html#test-a-policy",
    ["0": "all cases pass", "1": "some cases fail, or too few rules match in a case, with --min-coverage", "2": "a file is invalid or cannot be read"],
    ["test", "test policies other.tests.yml", "test --min-coverage 90 --format junit"]
);
pub(super) const DIFF: &str = help!(
    "review.html",
    ["0": "compared", "1": "access widens, with --fail-on widen", "2": "a policy is invalid or cannot be read"],
    ["diff", "diff main", "diff v1..HEAD", "diff old.yml new.yml", "diff - .github/repo-permissions.yml --fail-on widen", "diff old.yml new.yml --replay audit.jsonl --format markdown"]
);
pub(super) const AUDIT: &str = concat!(env!("CARGO_PKG_HOMEPAGE"), "/audit.html#reading-records");
pub(super) const AUDIT_SHOW: &str = help!(
    "audit.html#reading-records",
    ["0": "done", "2": "a file cannot be read"],
    ["audit show audit.jsonl --decision denied --since 2026-11-01", "audit show audit.jsonl --repository acme-org/infra --format json"]
);
pub(super) const AUDIT_VERIFY: &str = help!(
    "audit.html#reading-records",
    ["0": "all records are correct", "1": "some are not", "2": "a file cannot be read or has no record"],
    ["audit verify audit.jsonl --policy .github/repo-permissions.yml", "audit verify audit.jsonl --git policies --strict"]
);
pub(super) const MATRIX: &str = help!(
    "matrix.html",
    ["0": "printed", "2": "an input is invalid or cannot be read"],
    ["matrix", "matrix --format html --output matrix.html", "matrix policies/central.yml --workflows . --repository acme-org/infra"]
);
pub(super) const SURVEY: &str = help!(
    "survey.html",
    ["0": "no problems", "1": "errors, warnings or invisible repositories", "2": "the survey is incomplete"],
    ["survey acme-org", "survey acme-org --policy policies/central.yml", "survey acme-org --format markdown"]
);
pub(super) const SCHEMA: &str = help!(
    "recipes.html#let-the-editor-check",
    ["0": "printed"],
    ["schema", "schema tests", "schema audit"]
);
pub(super) const COMPLETIONS: &str = help!(
    "install.html#completions",
    ["0": "printed"],
    ["completions bash", "completions zsh", "completions fish"]
);
pub(super) const MAN: &str = help!(
    "install.html#completions",
    ["0": "printed", "2": "unknown command"],
    ["man", "man audit verify"]
);
