//! The policy of this repository itself, which its own action asks before a release.

use std::process::{Command, Output};

use serde_json::Value;

use super::tree::root;

const POLICY: &str = ".github/repo-permissions.yml";

fn program(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_repo-permissions"))
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn it_is_clean_and_its_cases_hold_and_reach_every_rule() {
    let lint = json(&program(&["lint", POLICY, "--format", "json"]));
    let findings = lint["findings"].as_array().unwrap().iter();
    // Its key is its own: the note says only that it is none of the well-known ones.
    let findings: Vec<_> = findings
        .filter(|one| one["code"] != "unknown-permission")
        .collect();
    assert!(findings.is_empty(), "{findings:?}");
    let cases = program(&["test", ".github/repo-permissions.tests.yml"]);
    assert!(cases.status.success(), "{cases:?}");
    let said = String::from_utf8(cases.stdout).unwrap();
    assert!(said.contains("1 of 1 rule matched in a case"), "{said}");
}

/// Of all jobs of all workflows here, and of those that a branch could add: the three that write what is released.
#[test]
fn only_the_jobs_of_the_release_workflow_that_write_may_release() {
    let matrix = json(&program(&["matrix", POLICY, "--format", "json"]));
    assert_eq!(
        matrix["permissions"],
        serde_json::json!(["repo:releases:create"])
    );
    let rows = matrix["rows"].as_array().unwrap().iter();
    let granted: Vec<_> = rows
        .filter(|row| row["cells"][0]["granted"] != "no")
        .collect();
    let [row] = granted.as_slice() else {
        panic!("{granted:?}");
    };
    assert_eq!(row["workflow"], "release.yml");
    assert_eq!(
        row["jobs"],
        serde_json::json!(["image", "publish", "major"])
    );
    assert_eq!(row["environment"]["name"], "release");
    assert_eq!(row["events"], serde_json::json!(["workflow_dispatch"]));
    assert_eq!(
        row["cells"][0]["grants"][0]["branches"][0]["pattern"],
        "main"
    );
}
