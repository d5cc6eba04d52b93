//! The records of many steps, for what an organisation does with them: `.ci/outside/organisation`.

use std::fmt::Write as _;
use std::path::PathBuf;

use simulator::github::TokenRecipe;
use simulator::runner::PullRequest;
use simulator::{Job, StepResult};

use super::{ALLOWED, DENIED, file};
use crate::support::{POLICY, Stage};

/// A step that keeps its records in a file, and sends them to a collector.
fn asked(stage: &Stage, job: Job, inputs: &[(&str, &str)]) -> StepResult {
    let endpoint = std::env::var("COLLECTOR_ENDPOINT").unwrap();
    let job = job.with_earlier_env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint);
    stage.run(&job, &[inputs, &[("audit-log", "audit.jsonl")]].concat())
}

#[test]
#[ignore = "needs a collector: .ci/outside/organisation starts one"]
fn records_of_an_organisation() {
    let mut records = String::new();
    let mut keep = |step: &StepResult, decision: &str| {
        assert_eq!(step.output("decision"), decision, "{}", step.stdout);
        write!(records, "{}", file(step, "audit.jsonl")).unwrap();
    };
    for _ in 0..3 {
        let stage = Stage::with_policy(POLICY);
        keep(
            &asked(&stage, stage.push(), &[("permission", ALLOWED)]),
            "allowed",
        );
    }
    for mode in ["enforce", "enforce", "advisory"] {
        let stage = Stage::with_policy(POLICY);
        let step = asked(
            &stage,
            stage.push(),
            &[("permission", DENIED), ("mode", mode)],
        );
        keep(&step, "denied");
    }
    let stage = Stage::with_policy(POLICY);
    let pull = PullRequest::same_repository(&stage.repository, 7, "feature/x");
    let job = Job::pull_request(&stage.repository, pull);
    keep(&asked(&stage, job, &[("permission", ALLOWED)]), "denied");
    let stage = Stage::with_policy(POLICY);
    let several = format!("{ALLOWED},{DENIED}");
    keep(
        &asked(&stage, stage.push(), &[("permission", &several)]),
        "denied",
    );
    let stage = Stage::with_policy(POLICY);
    stage
        .github
        .set_token(TokenRecipe::new().claim("iss", "https://evil.example"));
    keep(
        &asked(&stage, stage.push(), &[("permission", ALLOWED)]),
        "error",
    );
    let to = PathBuf::from(std::env::var_os("AUDIT_RECORDS").unwrap());
    std::fs::write(to, records).unwrap();
}
