//! Organisations of thousands of repositories, over TLS: points, requests, time, memory.

use std::time::Duration;

use simulator::GitHub;
use simulator::github::{Organization, RateLimits};

use super::stage::{ALL, SHA, Stage};
use crate::support::memory::measure;
use crate::support::program::Run;

const POLICY: &str = "\
version: 1
repositories:
  - repository: { glob: acme-org/service-* }
    owner_id: 7
    permissions:
      - permission: ws:deployments:create
  - repository: acme-org/gone
    permissions: []
";

/// A workflow as people write them, of about three kilobytes.
fn build() -> String {
    let step = "      - name: Build and test one of the parts\n        run: |\n          make build\n          make test\n";
    format!(
        "name: Build\non: [push, pull_request]\npermissions: {{contents: read}}\njobs:\n  build:\n    runs-on: ubuntu-24.04\n    steps:\n{}",
        step.repeat(26)
    )
}

fn deploy(number: usize) -> String {
    // Every hundredth has no permissions.
    let permissions = if number.is_multiple_of(100) { "" } else { ALL };
    format!(
        "name: Deploy\non: push\n{permissions}\njobs:\n  deploy:\n    environment: production\n    steps:\n      - uses: acme-org/repo-permissions@{SHA}\n        with:\n          permission: ws:deployments:create\n          policy: acme-org/policies/policy.yml@main\n      - run: make deploy\n"
    )
}

/// Everyone has four workflow files, and every fifth asks.
fn organization(count: usize) -> Organization {
    let build = build();
    Organization::new("acme-org", 7, count, move |number, repository| {
        let repository =
            ["build", "lint", "nightly", "release"]
                .iter()
                .fold(repository, |repository, name| {
                    repository.with_file(
                        "main",
                        &format!(".github/workflows/{name}.yml"),
                        build.clone(),
                    )
                });
        match number % 5 {
            0 => repository.with_file("main", ".github/workflows/deploy.yml", deploy(number)),
            _ => repository,
        }
    })
}

/// What a survey took.
struct Surveyed {
    stage: Stage,
    run: Run,
    time: Duration,
    /// In kilobytes.
    peak: u64,
}

fn survey(count: usize) -> Surveyed {
    let stage = Stage::on(GitHub::builder().tls(true));
    stage.github.set_rate_limits(RateLimits::default());
    stage.github.add_organization(organization(count));
    stage.write("policy.yml", POLICY);
    let mut command = stage.command("--policy policy.yml --format json");
    let measured = measure(&mut command);
    let run = Run::from(measured.output);
    assert_eq!((run.code, &*run.err), (Some(1), ""));
    let summary = &run.json()["summary"];
    let number = |key: &str| summary[key].as_u64().unwrap() as usize;
    assert_eq!(number("repositories"), count);
    assert_eq!(number("with_action"), count.div_ceil(5));
    assert_eq!(number("with_entry"), count);
    assert_eq!(summary["findings"]["missing-id-token"], count.div_ceil(100));
    assert_eq!(summary["findings"]["gone"], 1);
    let pages = count.div_ceil(30) as u64;
    assert_eq!(summary["cost"]["points"], pages);
    assert_eq!(stage.github.used(), (pages, 1));
    stage.github.assert_nothing_unexpected();
    Surveyed {
        stage,
        run,
        time: measured.time,
        peak: measured.kilobytes,
    }
}

#[test]
fn hundreds_of_repositories_cost_a_few_points() {
    survey(600);
}

#[test]
#[ignore = "takes a minute: `cargo test --test cli survey:: -- --ignored --nocapture`, and `.ci/run product`"]
fn ten_thousand_repositories_within_the_limit_in_little_memory() {
    let mut peaks = Vec::new();
    for count in [1_000, 10_000] {
        let survey = survey(count);
        let (points, rest) = survey.stage.github.used();
        let requests = survey.stage.github.requests().len();
        peaks.push(survey.peak);
        eprintln!(
            "{count} repositories: {points} points of 5,000 and {rest} REST requests, {requests} requests, {:.1} s, peak memory {:.1} MB, result {:.1} MB",
            survey.time.as_secs_f64(),
            survey.peak as f64 / 1024.0,
            survey.run.out.len() as f64 / 1e6,
        );
        assert!(points < 5_000);
        // Something was measured.
        assert!(survey.peak > 1_024);
    }
    let (few, many) = (peaks[0], peaks[1]);
    // Less than a kilobyte for each repository that has an entry.
    assert!(
        many < few + 9_000,
        "ten times as many repositories need {many} KB, not {few}"
    );
}
