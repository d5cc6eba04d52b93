//! What a person expects of a command line: defaults from where one stands, and errors that name the way out.

use std::fs::File;

use crate::support::directory::Directory;
use crate::support::program::Run;

const POLICY: &str = "version: 1
permissions:
  - name: deploys
    permission: ws:deployments:create
    branch: main
";
const WIDER: &str = "version: 1
permissions:
  - name: deploys
    permission: ws:deployments:create
    branch: [main, develop]
";

/// A git repository on the branch `develop` with two commits of its policy, and an empty subdirectory.
fn repository() -> Directory {
    let directory = Directory::new();
    let git = |arguments: &[&str]| directory.git(arguments);
    git(&["init", "--quiet", "--initial-branch", "main"]);
    git(&[
        "remote",
        "add",
        "origin",
        "git@github.com:acme-org/infra.git",
    ]);
    for (policy, tag) in [(POLICY, "v1"), (WIDER, "v2")] {
        directory.write(".github/repo-permissions.yml", policy);
        git(&["add", "."]);
        git(&["commit", "--quiet", "--message", tag]);
        git(&["tag", tag]);
    }
    git(&["checkout", "--quiet", "-b", "develop"]);
    directory.write("a/b/README.md", "");
    directory
}

/// Runs the program in a subdirectory.
fn below(directory: &Directory, arguments: &[&str]) -> Run {
    Run::of(
        directory
            .command(arguments)
            .current_dir(directory.path("a/b")),
    )
}

fn with_input(directory: &Directory, arguments: &[&str], input: &str) -> Run {
    directory.write("input", input);
    let input = File::open(directory.path("input")).unwrap();
    Run::of(directory.command(arguments).stdin(input))
}

#[test]
fn the_policy_of_the_work_tree_is_the_default() {
    let directory = repository();
    let path = "../../.github/repo-permissions.yml";
    let lint = below(&directory, &["lint"]);
    assert_eq!(
        (lint.code, &*lint.out),
        (Some(0), "0 errors, 0 warnings, 0 notes in 1 file\n"),
        "{}",
        lint.err
    );
    let check = below(
        &directory,
        &[
            "check",
            "--permission",
            "ws:deployments:create,ws:locks:create",
        ],
    );
    assert_eq!(check.code, Some(1), "{}", check.err);
    let first: Vec<_> = check.out.lines().take(3).collect();
    assert_eq!(
        first,
        [
            "Repository   acme-org/infra (from the remote `origin`)",
            "Workflow     none",
            "Branch       develop (from HEAD)",
        ]
    );
    assert!(check.out.contains(path), "{}", check.out);
    // What an argument says wins, and the branch here says nothing about another repository.
    let check = below(
        &directory,
        &[
            "check",
            "--permission",
            "ws:deployments:create",
            "--branch",
            "main",
        ],
    );
    assert!(
        check.code == Some(0) && check.out.contains("Branch       main\n"),
        "{}",
        check.out
    );
    let check = below(
        &directory,
        &[
            "check",
            "--permission",
            "ws:deployments:create",
            "--repository",
            "acme-org/other",
        ],
    );
    assert!(
        check.out.contains("Repository   acme-org/other\n")
            && check.out.contains("Branch       none\n"),
        "{}",
        check.out
    );

    directory.write(
        ".github/workflows/a.yml",
        "on: push\njobs: {a: {environment: prod}}",
    );
    let matrix = below(
        &directory,
        &["matrix", "--output", "matrix.html", "--format", "html"],
    );
    assert_eq!((matrix.code, &*matrix.out), (Some(0), ""), "{}", matrix.err);
    assert!(
        directory
            .read("a/b/matrix.html")
            .starts_with("<!DOCTYPE html>")
    );
    let init = below(&directory, &["init"]);
    assert!(
        init.err
            .contains("`../../.github/repo-permissions.yml` already exists"),
        "{}",
        init.err
    );
}

#[test]
fn without_a_policy_the_error_names_the_way_out() {
    let directory = Directory::new().with(".git/HEAD", "ref: refs/heads/main\n");
    for (arguments, flag) in [
        (&["lint"][..], "FILE"),
        (&["matrix"], "POLICY"),
        (&["check", "--permission", "a:b"], "--policy FILE"),
    ] {
        let run = directory.run(arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}");
        let expected =
            format!("name the policy with `{flag}`, or write one with `repo-permissions init`");
        assert!(run.err.contains(&expected), "{arguments:?} {}", run.err);
        assert!(!run.err.contains("`\"\"`"), "{arguments:?} {}", run.err);
    }
}

#[test]
fn diff_of_three_dots_starts_at_the_merge_base() {
    let directory = Directory::new().with(".github/repo-permissions.yml", POLICY);
    let git = |arguments: &[&str]| directory.git(arguments);
    git(&["init", "--quiet", "--initial-branch", "main"]);
    let unborn = directory.run(&["diff"]);
    assert_eq!(
        (unborn.code, &*unborn.err),
        (
            Some(2),
            "error: the repository has no commit yet, so it has no `HEAD`\n"
        )
    );
    let commit = |tag: &str| {
        git(&["add", "."]);
        git(&["commit", "--quiet", "--message", tag]);
        git(&["tag", tag]);
    };
    commit("base");
    directory.write("README.md", "");
    commit("feature");
    git(&["checkout", "--quiet", "-b", "other", "base"]);
    directory.write(
        ".github/repo-permissions.yml",
        "version: 1\npermissions: []\n",
    );
    commit("narrowed");
    let widens = |range: &str| {
        let run = directory.run(&["diff", "--fail-on", "widen", range]);
        assert_eq!(run.err, "", "{range}");
        run.code == Some(1)
    };
    assert!(widens("narrowed..feature") && !widens("narrowed...feature"));
    assert!(!widens("feature..narrowed") && !widens("feature...narrowed") && !widens("feature..."));
    let file = ".github/repo-permissions.yml";
    assert!(!widens(&format!("narrowed:{file}...feature:{file}")));
    git(&["checkout", "--quiet", "--orphan", "apart"]);
    commit("apart");
    let run = directory.run(&["diff", "base...apart"]);
    assert_eq!(
        (run.code, &*run.err),
        (
            Some(2),
            "error: `base` and `apart` have no commit in common: fetch the history of both\n"
        )
    );
}

#[test]
fn diff_reads_revisions() {
    let directory = repository();
    let widened = |arguments: &[&str]| {
        let run = below(
            &directory,
            &[&["diff", "--fail-on", "widen"], arguments].concat(),
        );
        assert!(run.err.is_empty(), "{arguments:?} {}", run.err);
        run.code == Some(1)
    };
    assert!(
        widened(&["v1"]) && widened(&["v1..v2"]) && widened(&["v1", "v2"]) && widened(&["v1..."])
    );
    assert!(
        !widened(&[]) && !widened(&["v2"]) && !widened(&["v2..v1"]) && !widened(&["v2", "HEAD"])
    );
    let file = "v1:.github/repo-permissions.yml";
    assert!(widened(&[file, "../../.github/repo-permissions.yml"]));
    let human = below(&directory, &["diff", "v1..v2"]);
    assert!(
        human.out.contains("v1:.github/repo-permissions.yml"),
        "{}",
        human.out
    );
    for (name, expected) in [
        ("v9", "`v9` is neither a file nor a revision"),
        ("v1:p.yml", "the revision `v1` has no file `p.yml`"),
        ("--upload-pack=x", "unexpected argument"),
        ("v1..v9", "`v9` is neither a file nor a revision"),
        ("../p.yml", "`../p.yml` is neither a file nor a revision"),
        ("v1:a..b.yml", "the revision `v1` has no file `a..b.yml`"),
    ] {
        let run = below(&directory, &["diff", name]);
        assert!(
            run.code == Some(2) && run.err.contains(expected),
            "{name} {}",
            run.err
        );
    }
}

#[test]
fn diff_shows_the_first_policy_and_its_removal() {
    let directory = Directory::new();
    let git = |arguments: &[&str]| directory.git(arguments);
    git(&["init", "--quiet", "--initial-branch", "main"]);
    let commit = |tag: &str| {
        git(&["add", "."]);
        git(&["commit", "--quiet", "--message", tag]);
        git(&["tag", tag]);
    };
    directory.write("README.md", "");
    commit("v0");
    directory.write(".github/repo-permissions.yml", POLICY);
    let first = directory.run(&["diff", "--fail-on", "widen"]);
    assert_eq!(first.code, Some(1), "{}", first.err);
    let warned = "the revision `HEAD` has no `.github/repo-permissions.yml` or";
    assert!(first.err.contains(warned), "{}", first.err);
    commit("v1");
    let removal = directory.run(&["diff", "v1..v0"]);
    assert_eq!(removal.code, Some(0), "{}", removal.err);
    assert!(removal.out.contains("access narrows"), "{}", removal.out);
}

/// GitHub looks for the files of annotations and of SARIF from the root of the repository.
#[test]
fn lint_names_files_from_the_root_for_github() {
    let directory = repository();
    directory.write(
        ".github/repo-permissions.yml",
        POLICY.replace("permission:", "permisson:"),
    );
    for (format, expected) in [
        ("github", "file=.github/repo-permissions.yml,"),
        ("sarif", "\"uri\": \".github/repo-permissions.yml\""),
    ] {
        let run = below(&directory, &["lint", "--format", format]);
        let compact = run.out.replace("\":\"", "\": \"");
        assert!(compact.contains(expected), "{}", run.out);
        assert!(!run.out.contains("../"), "{}", run.out);
    }
}

#[test]
fn results_that_cannot_be_written_are_errors() {
    let directory = Directory::new().with("policy.yml", POLICY);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let lint = Run::of(directory.command(&["schema"]).stdout(full.unwrap()));
    assert_eq!(lint.code, Some(2), "{}", lint.err);
    assert!(
        lint.err.contains("standard output cannot be written"),
        "{}",
        lint.err
    );
    // A file keeps what it had.
    directory.write("out.sarif", "old");
    let mut limited = std::process::Command::new("sh");
    let program = directory.command(&[]).get_program().to_owned();
    limited.current_dir(directory.path("."));
    limited.args([
        "-c",
        "trap '' XFSZ; ulimit -f 1; exec \"$0\" lint --format sarif --output out.sarif policy.yml",
    ]);
    let run = Run::of(limited.arg(program));
    assert_eq!(run.code, Some(2), "{}", run.err);
    assert_eq!(directory.read("out.sarif"), "old");
    let names = std::fs::read_dir(directory.path(".")).unwrap();
    let names: Vec<_> = names.map(|file| file.unwrap().file_name()).collect();
    let is_left = |name: &std::ffi::OsString| name.to_string_lossy().ends_with(".tmp");
    assert!(!names.iter().any(is_left), "{names:?}");
}

#[test]
fn lint_reads_directories_and_standard_input() {
    let directory = Directory::new();
    directory.write("policies/a.yml", POLICY);
    directory.write(
        "policies/deep/b.json",
        "{\"version\": 1, \"permissions\": [{\"permission\": \"ws:locks:create\"}]}",
    );
    directory.write(
        "policies/workflow.yml",
        "on: push\npermissions: {}\njobs: {}\n",
    );
    let run = directory.run(&["lint", "policies", "--strict"]);
    assert_eq!(run.code, Some(1), "{}", run.err);
    assert!(
        run.out.contains("--> policies/deep/b.json")
            && run.out.contains("1 warning, 0 notes in 2 files"),
        "{}",
        run.out
    );
    assert_eq!(directory.run(&["lint", "policies"]).code, Some(0));
    let run = directory.run(&[
        "lint",
        "policies",
        "--format",
        "sarif",
        "--output",
        "lint.sarif",
    ]);
    assert_eq!((run.code, &*run.out), (Some(0), ""));
    assert!(directory.read("lint.sarif").contains("\"broad-write\""));
    let run = directory.run(&["lint", "policies/deep/empty"]);
    assert_eq!(run.code, Some(2));
    std::fs::create_dir(directory.path("none")).unwrap();
    let run = directory.run(&["lint", "none"]);
    assert!(
        run.code == Some(2) && run.err.contains("`none` contains no policy"),
        "{}",
        run.err
    );

    let run = with_input(
        &directory,
        &["lint", "-"],
        "version: 1\npermissions:\n  - permission: ws:locks:create\n",
    );
    assert!(
        run.code == Some(0) && run.out.contains("--> <stdin>:3:5"),
        "{} {}",
        run.out,
        run.err
    );
    // As a file of the current directory.
    let files = Directory::with_workflows(&[("deploy.yml", "on: push\njobs: {}\n")]);
    let policy = |file: &str| {
        let rule = format!("  - {{ permission: ws:locks:create, branch: main, workflow: {file} }}");
        format!("version: 1\npermissions:\n{rule}\n")
    };
    let run = with_input(&files, &["lint", "-"], &policy("deploy.yml"));
    assert!(!run.out.contains("unknown-workflow"), "{}", run.out);
    let run = with_input(&files, &["lint", "-"], &policy("deploi.yml"));
    assert!(run.out.contains("unknown-workflow"), "{}", run.out);
    let run = with_input(
        &directory,
        &["lint", "-"],
        "{\"version\": 1, \"permissions\": []}",
    );
    assert!(
        run.out.contains("grants-nothing"),
        "{} {}",
        run.out,
        run.err
    );
    let run = with_input(&directory, &["lint", "-", "--fix"], POLICY);
    assert!(
        run.code == Some(2) && run.err.contains("--fix cannot change standard input"),
        "{}",
        run.err
    );
}

#[test]
fn a_threshold_for_coverage() {
    let directory = Directory::new().with(
        "p.yml",
        format!("{POLICY}  - permission: ws:locks:create\n    branch: main\n"),
    );
    directory.write(
        ".github/p.tests.yml",
        "policy: ../p.yml\ntests:\n  - {name: a, permission: ws:deployments:create, context: {branch: main, event: push}, expect: allowed}\n",
    );
    for (percent, code) in [("0", 0), ("50", 0), ("51", 1), ("100", 1)] {
        let run = directory.run(&["test", "--min-coverage", percent]);
        assert_eq!(run.code, Some(code), "{percent} {} {}", run.out, run.err);
    }
    let run = directory.run(&["test", "--min-coverage", "100"]);
    assert_eq!(
        run.err,
        "error: the cases match less than 100 % of the rules (--min-coverage)\n"
    );
    assert_eq!(
        directory.run(&["test", "--min-coverage", "101"]).code,
        Some(2)
    );
}

#[test]
fn verifying_nothing_is_an_error() {
    let directory = Directory::new().with("audit.jsonl", "");
    for arguments in [
        &["audit", "verify", "audit.jsonl"][..],
        &["audit", "verify", "--strict", "audit.jsonl"],
    ] {
        let run = directory.run(arguments);
        assert_eq!(run.code, Some(2), "{}", run.out);
        assert_eq!(
            run.err,
            "error: `audit.jsonl` has no audit record, so nothing was verified\n"
        );
    }
}

#[test]
fn completions_and_man_pages() {
    let directory = Directory::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = directory.run(&["completions", shell]);
        assert!(
            run.code == Some(0) && run.out.contains("min-coverage"),
            "{shell} {}",
            run.err
        );
        assert!(!run.out.contains("review-request"), "{shell}");
    }
    let run = directory.run(&["man", "audit", "verify"]);
    assert!(
        run.code == Some(0) && run.out.contains("repo\\-permissions\\-audit\\-verify"),
        "{}",
        run.out
    );
    let run = directory.run(&["man", "nothing"]);
    assert_eq!(
        (run.code, &*run.err),
        (
            Some(2),
            "error: `nothing` is not a command: `repo-permissions help` lists them\n"
        )
    );
}

#[test]
fn outside_a_job_the_program_prints_its_help() {
    let run = Directory::new().run(&[]);
    assert_eq!((run.code, &*run.out), (Some(2), ""));
    assert!(
        run.err.contains("Usage: repo-permissions [COMMAND]") && !run.err.contains("::"),
        "{}",
        run.err
    );
}

#[test]
fn a_directory_stands_for_the_policy_in_it() {
    let directory = repository();
    directory.write("empty/x", "");
    let check = ["check", "--permission", "ws:deployments:create", "--policy"];
    let granted = directory.run(&[&check[..], &[".", "--branch", "main"]].concat());
    assert_eq!(granted.code, Some(0), "{}{}", granted.out, granted.err);
    assert!(
        granted
            .out
            .contains("`./.github/repo-permissions.yml`, sha256"),
        "{}",
        granted.out
    );
    let why = "`empty` is a directory without `.github/repo-permissions.yml`: name the file of the policy";
    let empty = [&check[..], &["empty"]].concat();
    for arguments in [
        &empty[..],
        &["matrix", "empty"],
        &["diff", "empty", "."],
        &["diff", ".", "empty"],
    ] {
        let run = directory.run(arguments);
        assert_eq!((run.code, &*run.out), (Some(2), ""), "{arguments:?}");
        assert!(run.err.contains(why), "{arguments:?} {}", run.err);
    }
    let same = directory.run(&["diff", ".", "."]);
    assert_eq!(same.code, Some(0), "{}", same.err);
}
