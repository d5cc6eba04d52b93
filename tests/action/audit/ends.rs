//! However a step ends, there is a record of it in the log and in the file.

use std::time::Duration;

use simulator::runner::{Exit, Signal};

use super::{ALLOWED, file, records};
use crate::support::{POLICY, Stage, runner_through};

const INPUTS: [(&str, &str); 2] = [("permission", ALLOWED), ("audit-log", "audit.jsonl")];

/// A step of the program that another starts and changes what it is given.
fn through(stage: &Stage, program: &str, arguments: &[&str]) -> simulator::StepResult {
    let runner = runner_through(program, arguments);
    runner.run(&stage.github, &stage.push(), &INPUTS).unwrap()
}

#[test]
fn in_a_job_without_a_variable_of_the_runner() {
    let stage = Stage::with_policy(POLICY);
    for variable in ["GITHUB_REPOSITORY", "GITHUB_SHA", "GITHUB_API_URL"] {
        let step = through(&stage, "/usr/bin/env", &["-u", variable]);
        assert_eq!(step.output("reason"), "runtime_missing");
        let written = records(&file(&step, "audit.jsonl"));
        assert_eq!(written, records(&step.stdout));
        assert_eq!(written.len(), 1);
        assert_eq!(written[0]["data"]["reason"], "runtime_missing");
        assert_eq!(written[0]["subject"], ALLOWED);
    }
    // Outside of a job there is no check, and nowhere to write to.
    let step = through(&stage, "/usr/bin/env", &["-u", "GITHUB_ACTIONS"]);
    assert_eq!(step.output("reason"), "runtime_missing");
    assert!(records(&step.stdout).is_empty());
}

/// With four files a process can start, and not wait for the network: what the program calls a bug.
#[test]
fn by_a_failure_of_the_program_itself() {
    let stage = Stage::with_policy(POLICY);
    let step = through(&stage, "/usr/bin/prlimit", &["--nofile=4:4"]);
    assert_eq!(step.exit_code(), Some(2), "{}", step.stdout);
    assert_eq!(step.output("reason"), "internal");
    let written = records(&file(&step, "audit.jsonl"));
    assert_eq!(written, records(&step.stdout));
    assert_eq!(written.len(), 1);
    assert_eq!(written[0]["data"]["reason"], "internal");
    assert_eq!(written[0]["subject"], ALLOWED);
    assert_eq!(
        written[0]["data"]["run_id"],
        stage.push().run_id.to_string()
    );
}

#[test]
fn by_a_signal_at_any_moment() {
    let github = simulator::GitHub::builder()
        .latency(Duration::from_millis(20))
        .start()
        .unwrap();
    let mut stage = Stage::with_policy(POLICY);
    github.add_repository(stage.repository.clone());
    stage.github = github;
    let mut reasons = std::collections::BTreeSet::new();
    for delay in (0..160).step_by(8) {
        let runner = stage
            .runner
            .clone()
            .signal_after(Signal::Terminate, Duration::from_millis(delay));
        let step = runner.run(&stage.github, &stage.push(), &INPUTS).unwrap();
        if step.exit == Exit::Signal(15) && step.stdout.is_empty() {
            // Before the program could listen.
            continue;
        }
        let written = records(&file(&step, "audit.jsonl"));
        assert_eq!(written, records(&step.stdout));
        let last = written.last().unwrap();
        assert_eq!(last["data"]["reason"], step.output("reason"), "{delay} ms");
        assert_eq!(last["data"]["decision"], step.output("decision"));
        assert_eq!(
            step.exit_code() == Some(0),
            step.output("decision") == "allowed"
        );
        reasons.insert(step.output("reason").to_owned());
    }
    assert!(reasons.contains("cancelled"), "{reasons:?}");
}
