//! `repo-permissions lint --fix`: what it writes, and what it leaves.

use std::os::unix::fs::{PermissionsExt, symlink};

use insta::assert_snapshot;

use crate::support::directory::Directory;
use crate::support::program::Run;

const POLICY: &str = r#"# Who may do what.
version: 1
permissions:
  - name: development   # for all
    permission: [Affected Stacks Create, ws:affected_stacks:create]
    branch: "^(main|develop|feature/.*)$" # anchors
  - permission:
      - ws:deployments:create
    branch:
      - main
      - '^main$'
    environment: feature/*
"#;

fn lint(directory: &Directory, arguments: &[&str]) -> Run {
    directory.run(&[&["lint", "--now", "2027-01-01T00:00:00Z"], arguments].concat())
}

#[test]
fn safe_fixes_are_written_and_the_rest_is_reported() {
    let directory = Directory::checkout(&[("policy.yml", POLICY)]);
    let file = directory.0.join("policy.yml");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
    let run = lint(&directory, &["--fix", "policy.yml"]);
    assert_eq!((run.code, &*run.err), (Some(0), ""));
    assert_snapshot!(run.out, @r#"
    warning[glob-like]: the regex `feature/*` looks like a glob: its `*` repeats the character before it
      --> policy.yml:11:18
       |
    11 |     environment: feature/*
       |                  ^^^^^^^^^
       |
       = help: write `{ glob: "feature/*" }`, or the regex `"feature/[^/]*"`

    0 errors, 1 warning, 0 notes in 1 file; 4 fixed
    "#);
    assert_snapshot!(directory.read("policy.yml"), @r#"
    # Who may do what.
    version: 1
    permissions:
      - name: development   # for all
        permission: [Affected Stacks Create]
        branch: "(main|develop|feature/.*)" # anchors
      - permission:
          - ws:deployments:create
        branch:
          - 'main'
        environment: feature/*
    "#);
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    let again = lint(&directory, &["--fix", "policy.yml", "--format", "json"]).json();
    assert_eq!(again["summary"]["fixed"], 0);
}

#[test]
fn a_diff_writes_nothing() {
    let directory = Directory::checkout(&[("policy.yml", POLICY)]);
    let run = lint(&directory, &["--fix", "--diff", "policy.yml"]);
    assert_eq!((run.code, &*run.err), (Some(0), ""));
    let (diff, _) = run.out.split_once("\n\n").unwrap();
    assert_snapshot!(diff, @r#"
    --- policy.yml
    +++ policy.yml
    @@ -2,11 +2,10 @@
     version: 1
     permissions:
       - name: development   # for all
    -    permission: [Affected Stacks Create, ws:affected_stacks:create]
    -    branch: "^(main|develop|feature/.*)$" # anchors
    +    permission: [Affected Stacks Create]
    +    branch: "(main|develop|feature/.*)" # anchors
       - permission:
           - ws:deployments:create
         branch:
    -      - main
    -      - '^main$'
    +      - 'main'
         environment: feature/*
    "#);
    assert_eq!(directory.read("policy.yml"), POLICY);
    for wrong in [
        &["--diff", "policy.yml"][..],
        &["--fix", "--diff", "--format", "json", "policy.yml"],
    ] {
        let run = lint(&directory, wrong);
        assert_eq!((run.code, &*run.out), (Some(2), ""));
        assert!(run.err.contains("--"), "{}", run.err);
    }
    assert_eq!(directory.read("policy.yml"), POLICY);
}

#[test]
fn a_link_stays_one() {
    let directory = Directory::checkout(&[("real/policy.yml", POLICY)]);
    symlink("real/policy.yml", directory.0.join("link.yml")).unwrap();
    let run = lint(&directory, &["--fix", "link.yml"]);
    assert_eq!((run.code, &*run.err), (Some(0), ""));
    let link = directory.0.join("link.yml");
    assert!(std::fs::symlink_metadata(link).unwrap().is_symlink());
    assert!(!directory.read("real/policy.yml").contains("^main$"));
    let files = std::fs::read_dir(directory.0.join("real")).unwrap();
    assert_eq!(files.count(), 1, "nothing is left beside the file");
}

#[test]
fn a_file_that_cannot_be_written_is_reported() {
    let invalid = format!("{POLICY}x: 1\n");
    let files = [("policy.yml", POLICY), ("invalid.yml", &*invalid)];
    let directory = Directory::checkout(&files);
    let run = lint(&directory, &["--fix", "invalid.yml"]);
    assert_eq!(run.code, Some(2));
    assert_snapshot!(run.err, @"error: `invalid.yml` is not changed: it is not valid: correct its errors first");
    assert_eq!(directory.read("invalid.yml"), invalid);
    let file = directory.0.join("policy.yml");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o444)).unwrap();
    let run = lint(&directory, &["--fix", "policy.yml", "--format", "json"]);
    assert_eq!(run.code, Some(2));
    assert_snapshot!(run.err, @"error: `policy.yml` is not changed: it is read-only");
    // The findings are those of the unchanged file.
    let findings = run.json()["findings"].as_array().unwrap().clone();
    let lines: Vec<_> = findings
        .iter()
        .map(|one| one["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [5, 6, 10, 11, 12]);
    assert_eq!(directory.read("policy.yml"), POLICY);
}

#[test]
fn the_exit_code_is_for_what_is_left() {
    let policy =
        "version: 1\npermissions:\n  - permission: ws:locks:create\n    branch: ['*.x', ^main$]\n";
    let directory = Directory::checkout(&[("policy.yml", policy)]);
    let run = lint(&directory, &["--fix", "policy.yml"]);
    assert_eq!(run.code, Some(1), "{}", run.err);
    assert_eq!(
        directory.read("policy.yml"),
        policy.replace("^main$", "main")
    );
}
