//! A pull request whose text exhausts what reviews it.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use simulator::runner::PullRequest;
use simulator::{Job, StepResult};

use super::row::{KEY, PATH, count};
use crate::support::{
    CASES_PATH as CASES, Stage, assert_outcome, repository, runner_through, runs_all,
};

/// The address space of a process. The review's own limit is much lower.
const MEGABYTES: u64 = 512;
const REVIEW: &str = "Repository permissions: policy review";
/// In force: denies the pull request.
const POLICY: &str =
    "version: 1\npermissions: [{ permission: ws:deployments:create, branch: main }]\n";

/// So many rules, of which a job on `main` matches none.
fn rules(count: usize) -> String {
    let mut text = "version: 1\npermissions:\n".to_owned();
    for number in 0..count {
        let _ = writeln!(
            text,
            "  - {{ permission: {KEY}, branch: b{number}, workflow: w{number}.yml, environment: e{number} }}"
        );
    }
    text
}

/// So many cases that do not hold.
fn cases(count: usize) -> String {
    let mut text = "policy: repo-permissions.yml\ntests:\n".to_owned();
    for number in 0..count {
        let _ = writeln!(
            text,
            "  - {{ name: n{number}, permission: {KEY}, context: {{ branch: main }}, expect: allowed }}"
        );
    }
    text
}

/// A step whose processes may have so much memory each, in a pull request with these files.
fn step(files: &[(&str, &str)], timeout: &str) -> (Stage, StepResult, Duration) {
    let repository = repository().with_file("main", PATH, POLICY);
    let repository = files.iter().fold(repository, |repository, (path, text)| {
        repository.with_file("feature/x", path, *text)
    });
    let mut stage = Stage::with_repository(repository);
    let limit = format!("--as={}", MEGABYTES << 20);
    stage.runner = runner_through("/usr/bin/prlimit", &[&limit]);
    let pull = PullRequest::same_repository(&stage.repository, 7, "feature/x");
    let job = Job::pull_request(&stage.repository, pull);
    let inputs = [
        ("permission", KEY),
        ("review", "true"),
        ("timeout", timeout),
    ];
    let started = Instant::now();
    let step = stage.run(&job, &inputs);
    (stage, step, started.elapsed())
}

/// The conclusion and the title of the review; all else is as without one.
fn reviewed(files: &[(&str, &str)], timeout: &str) -> (String, String) {
    let (stage, step, time) = step(files, timeout);
    assert_outcome(&stage, &step, "denied", "no_rule_matches");
    assert!(time.as_secs() <= timeout.parse().unwrap(), "{time:?}");
    let runs = stage.github.check_runs();
    let [decision, review] = runs.as_slice() else {
        panic!("{}", step.stdout);
    };
    assert_eq!(decision.conclusion.as_deref(), Some("failure"));
    assert_eq!(stage.github.statuses().len(), 1);
    assert_eq!(review.name, REVIEW);
    println!("{time:?}: {}", review.title);
    let conclusion = review.conclusion.clone().unwrap();
    (conclusion, review.title.clone())
}

#[test]
fn a41_a_policy_and_cases_that_exhaust_their_review() {
    let none = |title: &str| format!("the policy was not reviewed: {title}");
    let small = cases(2).replace("allowed", "denied");
    let within =
        |timeout, policy: &str, cases: &str| reviewed(&[(PATH, policy), (CASES, cases)], timeout);
    let of = |policy: &str, cases: &str| within("60", policy, cases);
    let (conclusion, title) = of(&rules(3), &small);
    assert_eq!(conclusion, "neutral", "{title}");
    // Their traces together would have gigabytes. The unoptimised program needs half a minute for them.
    let (conclusion, title) = within("8", &rules(5_000), &cases(2_000));
    assert_eq!(conclusion, "failure", "{title}");
    // The unoptimised program reads so many rules for half a minute.
    if runs_all() {
        let (conclusion, title) = of(&rules(35_000), &small);
        assert_eq!(conclusion, "failure", "{title}");
        assert!(
            title.starts_with(&none("the policy and its cases are too large")),
            "{title}"
        );
    }
    let (conclusion, title) = of(&rules(60_000), &small);
    assert_eq!(conclusion, "failure", "{title}");
    assert_eq!(
        title,
        none(
            "the policy, its cases and their files are larger than 4194304 bytes together, the limit of a review"
        )
    );
    count(3, 1);
}
