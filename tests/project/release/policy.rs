//! The policy of this repository itself, which its own action asks before a release.

use std::process::Command;

use crate::support::program::{BINARY, Run};
use crate::support::{CASES_PATH, POLICY_PATH as POLICY, root};

fn program(arguments: &[&str]) -> Run {
    Run::of(Command::new(BINARY).args(arguments).current_dir(root()))
}

#[test]
fn it_is_clean_and_its_cases_hold_and_reach_every_rule() {
    let lint = program(&["lint", POLICY, "--format", "json"]).json();
    let findings = lint["findings"].as_array().unwrap().iter();
    // Its key is its own: the note says only that it is none of the well-known ones.
    let findings: Vec<_> = findings
        .filter(|one| one["code"] != "unknown-permission")
        .collect();
    assert!(findings.is_empty(), "{findings:?}");
    let cases = program(&["test", CASES_PATH]);
    assert_eq!(cases.code, Some(0), "{}", cases.err);
    let said = cases.out;
    assert!(said.contains("1 of 1 rule matched in a case"), "{said}");
}

/// Of all jobs of all workflows here, and of those that a branch could add: the four that write what is released.
#[test]
fn only_the_jobs_of_the_release_workflow_that_write_may_release() {
    let matrix = program(&["matrix", POLICY, "--format", "json"]).json();
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
        serde_json::json!(["image", "pypi", "publish", "major"])
    );
    assert_eq!(row["environment"]["name"], "release");
    assert_eq!(row["events"], serde_json::json!(["workflow_dispatch"]));
    assert_eq!(
        row["cells"][0]["grants"][0]["branches"][0]["pattern"],
        "main"
    );
}
