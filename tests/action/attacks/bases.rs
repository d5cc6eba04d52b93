//! Pull requests whose head is trusted and whose base is not.

use serde_json::json;
use simulator::Job;
use simulator::github::{Endpoint, Fault, FaultRule, Level, Repository};
use simulator::runner::PullRequest;

use super::row::{PATH, judge, judge_on, push, row};
use crate::support::{Stage, policies, repository};

/// A pull request of a branch of the repository itself.
fn pull(repository: &Repository, head: &str, base: &str) -> PullRequest {
    PullRequest::same_repository(repository, 8, head).into_base(base)
}

fn merge(head: &str, base: &str) -> Job {
    Job::pull_request(&repository(), pull(&repository(), head, base))
}

#[test]
fn a36_a_trusted_head_on_an_untrusted_base() {
    let denied = "no_rule_matches";
    let any = || merge("x", "evil");
    judge([
        // What runs is the merge: the workflow file and the code of `evil`.
        row("branch: main", merge("main", "evil"), denied),
        row("branch: main", merge("main", "main"), "granted"),
        row("branch: main", push("main"), "granted"),
        row("branch: main", push("evil"), denied),
        row(
            "branch: [main, develop]",
            merge("main", "develop"),
            "granted",
        ),
        // The rules of the own policy trust the default branch, whose writers write them.
        row("branch: feature/x", merge("feature/x", "main"), "granted"),
        row("branch: feature/x", merge("feature/x", "evil"), denied),
        row("branch: feature/x", merge("feature/x", "Main"), denied),
        // `base` names the bases, and then no other one is trusted.
        row(
            "branch: feature/x, base: evil",
            merge("feature/x", "evil"),
            "granted",
        ),
        row(
            "branch: feature/x, base: evil",
            merge("feature/x", "main"),
            denied,
        ),
        row(
            "branch: feature/x, base: evil",
            merge("feature/x", "feature/x"),
            denied,
        ),
        row(
            "branch: feature/x, base: '*'",
            merge("feature/x", "evil"),
            "granted",
        ),
        // A rule for every branch says so.
        row("workflow: deploy.yml", any(), "granted"),
        row("branch: '*'", any(), "granted"),
        row("branch: '.*', base: main", any(), denied),
        // A name that poses as a tag.
        row(
            "branch: refs/tags/v1",
            merge("refs/tags/v1", "main"),
            denied,
        ),
        row(
            "branch: refs/tags/v1, base: '*'",
            push("refs/tags/v1"),
            denied,
        ),
        row(
            "branch: refs/tags/v1",
            Job::tag_push(&repository(), "v1"),
            "granted",
        ),
        row(
            "branch: x, base: refs/tags/v1",
            merge("x", "refs/tags/v1"),
            denied,
        ),
        row(
            "branch: x, base: refs/heads/refs/tags/v1",
            merge("x", "refs/tags/v1"),
            "granted",
        ),
        // A token that names no base.
        row("branch: main", merge("main", "main"), denied).claim("base_ref", ""),
        row("branch: main, base: '*'", merge("main", "main"), "granted").claim("base_ref", ""),
    ]);
}

#[test]
fn a36_the_base_is_looked_at_where_something_is_merged() {
    let merged = |base: &str| {
        let pull = pull(&repository(), "feature/x", base);
        Job::pull_request_merged(&repository(), pull)
    };
    judge([
        row("branch: main, base: release", push("main"), "granted"),
        row("branch: main, base: release", merged("main"), "granted"),
        row(
            "branch: feature/x, base: main",
            merged("main"),
            "no_rule_matches",
        ),
        row(
            "branch: main, base: release",
            merge("main", "main"),
            "no_rule_matches",
        ),
    ]);
}

#[test]
fn a36_the_default_branch_is_what_the_api_says() {
    let denied = "no_rule_matches";
    let develop = || repository().with_default_branch("develop");
    let into = |base: &str, head: &str| {
        let job = Job::pull_request(&develop(), pull(&develop(), head, base));
        // What earlier steps can write decides nothing.
        job.with_payload(json!({
            "pull_request": {"number": 8, "head": {"ref": head, "sha": "c".repeat(40), "repo": {"id": 123}}},
            "repository": {"id": 123, "default_branch": base},
        }))
    };
    let unreadable = |status: u16| {
        let fault = Fault::status(status, "Not here");
        row("branch: feature/x", into("develop", "feature/x"), denied)
            .fault(FaultRule::always(Endpoint::Repository, fault))
    };
    let steps = judge([
        row("branch: main", into("evil", "main"), denied),
        row("branch: main", into("main", "main"), "granted"),
        row("branch: main", into("develop", "main"), "granted"),
        row("branch: feature/x", into("develop", "feature/x"), "granted"),
        row("branch: feature/x", into("main", "feature/x"), denied),
        unreadable(403),
        unreadable(404),
        // A rule that does not need the name does not wait for it.
        row("branch: '[a-z/]*'", into("develop", "feature/x"), "granted")
            .fault(FaultRule::always(Endpoint::Repository, Fault::Stall)),
    ]);
    for step in [&steps[5], &steps[6]] {
        let said = "GitHub did not return the default branch, so no rule trusts it as a base";
        assert!(step.stdout.contains(said), "{}", step.stdout);
        assert!(step.output("message").contains(said));
        assert!(step.summary.contains(said), "{}", step.summary);
    }
    assert!(steps[0].output("message").contains("goes into `evil`"));
}

#[test]
fn a36_a_central_policy_names_its_bases() {
    let rules = |rule: &str| {
        format!(
            "version: 1\nrepositories:\n  - repository: acme-org/infra\n    delegate: [ws:deployments:create]\n    permissions: [{{ permission: ws:deployments:create, {rule} }}]\n"
        )
    };
    let policies = policies()
        .with_file("main", "trunk.yml", rules("branch: main"))
        .with_file("main", "feature.yml", rules("branch: feature/x"))
        .with_file("main", "based.yml", rules("branch: feature/x, base: main"));
    let stage = Stage::with_repository(repository());
    stage.github.add_repository(policies);
    // An administrator of the repository can make any branch the default one.
    let moved = || repository().with_default_branch("evil");
    let into = |repository: Repository, head: &str, base: &str| {
        let pull = pull(&repository, head, base);
        Job::pull_request(&repository, pull)
    };
    let denied = "no_rule_matches";
    let by = |file: &str, own: &str, job: Job, reason| {
        let own = match own {
            "" => "version: 1\npermissions: []\n",
            own => own,
        };
        row(own, job, reason).input("policy", &format!("acme-org/policies/{file}@main"))
    };
    let own = |rule: &str| {
        format!("version: 1\npermissions: [{{ permission: ws:deployments:create, {rule} }}]\n")
    };
    judge_on(
        &stage,
        [
            by("trunk.yml", "", push("main"), "granted"),
            by("trunk.yml", "", into(moved(), "main", "evil"), denied),
            by(
                "feature.yml",
                "",
                into(repository(), "feature/x", "main"),
                denied,
            ),
            by(
                "based.yml",
                "",
                into(repository(), "feature/x", "main"),
                "granted",
            ),
            by(
                "based.yml",
                "",
                into(moved(), "feature/x", "main"),
                "granted",
            ),
            by("based.yml", "", into(moved(), "feature/x", "evil"), denied),
            // What it delegates, the own policy grants as if it stood alone.
            by(
                "trunk.yml",
                &own("branch: feature/x"),
                into(repository(), "feature/x", "main"),
                "granted",
            ),
            by(
                "trunk.yml",
                &own("branch: feature/x"),
                into(repository(), "feature/x", "evil"),
                denied,
            ),
        ],
    );
    // A policy in the workflow file, and entries of the own policy: the same.
    let given = own("branch: feature/x");
    let entry = rules("branch: feature/x").replace("    delegate: [ws:deployments:create]\n", "");
    judge([
        row(&given, merge("feature/x", "main"), "granted"),
        row("version: 1\n", merge("feature/x", "main"), denied).input("policy", &given),
        row("version: 1\n", merge("feature/x", "feature/x"), "granted").input("policy", &given),
        row(&entry, merge("feature/x", "main"), denied),
    ]);
}

#[test]
fn a36_pull_request_target_runs_the_branch_of_its_ref() {
    // On GitHub the default branch, since December 2025; before, and on older servers, the base.
    let target = |git_ref: &str, base: &str| {
        let pull = pull(&repository(), "feature/x", base);
        let mut job = Job::pull_request_target(&repository(), pull);
        job.reference = format!("refs/heads/{git_ref}");
        job
    };
    let rule = |base: &str| format!("branch: feature/x, events: [pull_request_target]{base}");
    let denied = "no_rule_matches";
    judge([
        row(&rule(", base: main"), target("main", "release"), "granted"),
        row(&rule(", base: release"), target("main", "release"), denied),
        row(
            &rule(", base: release"),
            target("release", "main"),
            "granted",
        ),
        row(&rule(", base: main"), target("release", "main"), denied),
        row(&rule(""), target("main", "release"), "granted"),
        row(&rule(""), target("release", "main"), denied),
        row(
            "branch: feature/x",
            target("main", "main"),
            "untrusted_event",
        ),
    ]);
}

#[test]
fn a36_a_payload_that_an_earlier_step_wrote() {
    let private = || repository().private();
    // A private repository can send write tokens to forks.
    let fork = |level: Level| {
        let pull = PullRequest::fork(&private(), 8, "mallory/infra", 666, "main");
        let job = Job::pull_request(&private(), pull).with_id_token(true);
        job.with_permission("pull-requests", level).with_payload(json!({
            "pull_request": {"number": 8, "head": {"ref": "main", "sha": "c".repeat(40), "repo": {"id": 123}}},
        }))
    };
    let own = || {
        let job = Job::pull_request(&private(), pull(&private(), "main", "main"));
        job.with_permission("pull-requests", Level::Read)
    };
    let failing = |job: Job, fault: Fault, reason| {
        row("branch: main", job, reason).fault(FaultRule::always(Endpoint::PullRequest, fault))
    };
    let denied = "no_rule_matches";
    let limited = || {
        let answer =
            simulator::github::Answer::error(403, "API rate limit exceeded for installation.");
        let answer = answer.with_header("x-ratelimit-remaining", "0");
        Fault::Answer(
            answer
                .with_header("x-ratelimit-limit", "1000")
                .with_header("x-ratelimit-reset", "1800000000"),
        )
    };
    let steps = judge([
        row("branch: main", own(), "granted"),
        row("branch: main", fork(Level::Read), denied),
        // The limit that the threat model names: without `pull-requests: read` the payload is all there is.
        row("branch: main", fork(Level::None), "granted"),
        // Nobody gains by making the API fail.
        failing(fork(Level::Read), Fault::status(500, "Oh"), denied),
        failing(fork(Level::Read), limited(), denied),
        failing(
            fork(Level::Read),
            Fault::Answer(simulator::github::Answer::json(200, &json!({}))),
            denied,
        ),
        failing(own(), limited(), denied),
        failing(
            own(),
            Fault::status(403, "Resource not accessible by integration"),
            "granted",
        ),
    ]);
    assert_eq!(steps[1].output("branch"), "mallory:main");
    assert_eq!(steps[4].output("branch"), "unknown:main");
    assert!(
        steps[4].stdout.contains("so its head counts as unknown"),
        "{}",
        steps[4].stdout
    );
}

#[test]
fn a36_the_requests_of_a_decision() {
    // Asked for in the first round, and in pull requests only.
    let requests = |rule: &str, job: Job| {
        let stage = Stage::with_repository(repository().with_file(
            "main",
            PATH,
            format!("version: 1\npermissions: [{{ permission: ws:deployments:create, {rule} }}]\n"),
        ));
        stage.run(
            &job,
            &[("permission", "ws:deployments:create"), ("report", "none")],
        );
        let count = |endpoint| stage.github.requests_to(endpoint).len();
        (count(Endpoint::Repository), count(Endpoint::PullRequest))
    };
    assert_eq!(requests("branch: main", push("main")), (0, 0));
    assert_eq!(
        requests("branch: main", Job::merge_group(&repository(), "main", 7)),
        (0, 0)
    );
    assert_eq!(
        requests("branch: feature/x", merge("feature/x", "main")),
        (1, 1)
    );
    assert_eq!(requests("branch: x", merge("feature/x", "main")), (1, 1));
}
