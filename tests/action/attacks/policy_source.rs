//! A policy whose text the author of a pull request writes.

use serde_json::json;
use simulator::Job;
use simulator::github::{CommitSha, Endpoint, Fault, FaultRule, Repository};
use simulator::runner::PullRequest;

use super::row::{PATH, Row, judge_on, push, row};
use crate::support::{Stage, policies, repository};

const GENEROUS: &str = "version: 1\npermissions: [{ permission: ws:deployments:create, events: [push, pull_request, pull_request_target, workflow_run, issue_comment, event_of_tomorrow] }]\n";
/// Denies every job here.
const STRICT: &str = "branch: none";
const CENTRAL: &str = "acme-org/policies/central.yml";

/// The judged repository: its pull request brings a policy of its own.
fn judged() -> Repository {
    let files = [
        "feature/x",
        "refs/pull/7/head",
        "refs/pull/7/merge",
        "refs/tags/v1",
    ];
    let repository = repository().with_former_name("acme-org/old-infra");
    files.iter().fold(repository, |repository, git_ref| {
        repository.with_file(git_ref, PATH, GENEROUS)
    })
}

fn head() -> CommitSha {
    judged().branch_sha("feature/x").unwrap()
}

fn pull() -> PullRequest {
    PullRequest::same_repository(&judged(), 7, "feature/x")
}

fn fork() -> PullRequest {
    PullRequest::fork(&judged(), 7, "mallory/infra", 666, "main")
}

fn pull_request(pull: PullRequest) -> Job {
    Job::pull_request(&judged(), pull).with_id_token(true)
}

fn target(pull: PullRequest) -> Job {
    Job::pull_request_target(&judged(), pull)
}

fn event(name: &str) -> Job {
    let mut job = Job::push(&judged(), "main");
    job.event_name = name.to_owned();
    job
}

fn run_of(head_repository: serde_json::Value) -> Job {
    event("workflow_run")
        .with_payload(json!({"workflow_run": {"head_repository": head_repository}}))
}

fn ask(job: Job, policy: &str, reason: &'static str) -> Row {
    row(STRICT, job, reason).input("policy", policy)
}

/// A GitHub with all repositories that a policy could be read from.
fn stage() -> Stage {
    let stage = Stage::with_repository(judged());
    let policy = |name, id| Repository::new(name, id, 4567).with_file("main", PATH, GENEROUS);
    let foreign = |repository: Repository| {
        let merge = CommitSha::derived(&format!("merge of {}", head()));
        repository
            .with_foreign_commit(&head(), PATH, GENEROUS)
            .with_foreign_commit(&merge, PATH, GENEROUS)
            .with_file("refs/pull/9/head", PATH, GENEROUS)
    };
    for repository in [
        policy("mallory/infra", 666)
            .with_former_name("mallory/policies")
            .forked_from(123),
        policy("parent/infra", 669),
        policy("trent/infra", 667).forked_from(123),
        foreign(policy("upstream/infra", 668)),
        foreign(policies())
            .with_file("main", "central.yml", GENEROUS)
            .with_file("refs/tags/v1", "central.yml", GENEROUS)
            .with_file("beef", "central.yml", GENEROUS)
            .with_former_name("acme-org/rules"),
    ] {
        stage.github.add_repository(repository);
    }
    stage
}

#[test]
fn a40_a_ref_into_the_judged_repository() {
    let head = head();
    let mut rows = vec![
        ask(push("feature/x"), CENTRAL_MAIN, "granted"),
        // People who can push choose the branch, and no stranger does.
        ask(
            Job::push(&judged(), "feature/x"),
            &at("acme-org/infra", "feature/x"),
            "granted",
        ),
        ask(pull_request(pull()), PATH, "no_rule_matches"),
    ];
    let refs = [
        "feature/x",
        "heads/feature/x",
        "refs/heads/feature/x",
        "refs/pull/7/head",
        "refs/pull/7/merge",
        "pull/7/merge",
        "main",
        "refs/heads/main",
        "HEAD",
        "v1",
        "refs/tags/v1",
        "@",
        "feature/x~0",
        "feature/x^0",
        "feature/x^{commit}",
        "feature/x@{0}",
        ":/a commit",
        head.as_str(),
        &head.as_str().to_uppercase(),
        short(&head, 7),
        &format!("v1-1-g{}", short(&head, 8)),
    ];
    for git_ref in refs {
        for name in ["acme-org/infra", "Acme-Org/INFRA"] {
            rows.push(ask(
                pull_request(pull()),
                &at(name, git_ref),
                "input_invalid",
            ));
        }
    }
    // By its id, however it was called.
    for git_ref in ["feature/x", "main", "v1", head.as_str()] {
        let old = at("acme-org/old-infra", git_ref);
        rows.push(ask(pull_request(pull()), &old, "input_invalid"));
    }
    for job in [
        target(pull()),
        event("pull_request_review"),
        event("pull_request_review_comment"),
        event("pull_request_of_tomorrow"),
        event("workflow_run"),
        event("issue_comment"),
        event("event_of_tomorrow"),
        Job::pull_request_merged(&judged(), pull()),
    ] {
        let workspace = format!("./{PATH}");
        rows.push(ask(job.clone(), &workspace, "input_invalid"));
        let own = at("acme-org/infra", "feature/x");
        rows.push(ask(job, &own, "input_invalid"));
    }
    judge_on(&stage(), rows);
}

#[test]
fn a40_a_policy_of_the_heads_repository() {
    let mut rows = vec![
        ask(target(fork()), CENTRAL_MAIN, "granted"),
        ask(target(fork().deleted_head()), CENTRAL_MAIN, "granted"),
        ask(
            run_of(json!({"id": 666, "full_name": "mallory/infra"})),
            CENTRAL_MAIN,
            "granted",
        ),
        ask(event("issue_comment"), CENTRAL_MAIN, "granted"),
    ];
    let from_fork = || {
        [
            pull_request(fork()),
            target(fork()),
            run_of(json!({"id": 666})),
            run_of(json!({"full_name": "Mallory/Infra"})),
        ]
    };
    for job in from_fork() {
        for name in ["mallory/infra", "Mallory/Infra", "mallory/policies"] {
            rows.push(ask(job.clone(), &at(name, "main"), "input_invalid"));
        }
    }
    // Whether its file is there or not.
    for file in ["missing.yml", "missing/policy.json"] {
        let policy = format!("mallory/infra/{file}@main");
        rows.push(ask(pull_request(fork()), &policy, "input_invalid"));
        let policy = format!("acme-org/policies/{file}@main");
        rows.push(ask(pull_request(fork()), &policy, "policy_not_found"));
    }
    // An event that does not say whose its head is.
    for job in [event("issue_comment"), target(pull()), target(fork())] {
        rows.push(ask(job, &at("trent/infra", "main"), "input_invalid"));
    }
    for payload in [
        json!({}),
        json!({"pull_request": {"number": 8, "head": {"ref": "main", "repo": {"id": 1}}}}),
        json!({"pull_request": {"number": 7, "head": {"ref": "main", "repo": {}}}}),
    ] {
        let job = pull_request(fork()).with_payload(payload);
        rows.push(ask(
            job.clone(),
            &at("mallory/infra", "main"),
            "input_invalid",
        ));
        rows.push(ask(job, CENTRAL_MAIN, "granted"));
    }
    // A head that is not a fork of this repository, as where this one is the fork.
    let from_parent = PullRequest::fork(&judged(), 7, "parent/infra", 669, "main");
    for job in [pull_request(from_parent.clone()), target(from_parent)] {
        rows.push(ask(job, &at("parent/infra", "main"), "input_invalid"));
    }
    judge_on(&stage(), rows);
}

#[test]
fn a40_commits_of_forks_under_another_name() {
    let (head, central) = (head(), policies());
    let merge = CommitSha::derived(&format!("merge of {head}"));
    let tip = central.branch_sha("main").unwrap();
    let mut rows = vec![];
    for git_ref in [
        "main",
        "heads/main",
        "v1",
        "refs/tags/v1",
        "refs/heads/beef",
        tip.as_str(),
    ] {
        let place = format!("{CENTRAL}@{git_ref}");
        rows.push(ask(pull_request(pull()), &place, "granted"));
    }
    rows.push(ask(
        pull_request(pull()),
        "acme-org/rules/central.yml@main",
        "granted",
    ));
    for name in ["upstream/infra", "acme-org/policies"] {
        for git_ref in [
            head.as_str(),
            merge.as_str(),
            short(&head, 39),
            short(&head, 4),
            &format!("main-g{}", short(&head, 7)),
            &format!("refs/heads/main-g{}", short(&head, 7)),
            "refs/pull/9/head",
            "pull/9/head",
        ] {
            rows.push(ask(
                pull_request(pull()),
                &at(name, git_ref),
                "input_invalid",
            ));
        }
    }
    rows.push(ask(
        pull_request(pull()),
        &format!("{CENTRAL}@beef"),
        "input_invalid",
    ));
    // Anybody can open one, whatever the event.
    let place = at("acme-org/policies", "refs/pull/9/head");
    rows.push(ask(push("main"), &place, "input_invalid"));
    judge_on(&stage(), rows);
}

#[test]
fn a40_a_repository_whose_id_cannot_be_had() {
    let mut rows = vec![ask(pull_request(pull()), CENTRAL_MAIN, "granted")];
    let lasting = |endpoint, fault| {
        let failing = ask(pull_request(pull()), CENTRAL_MAIN, "policy_unreadable");
        let failing = failing.fault(FaultRule::always(endpoint, fault));
        failing.input("timeout", "3")
    };
    for fault in [
        Fault::status(404, "Not Found"),
        Fault::status(403, "Resource not accessible by integration"),
        Fault::status(500, "x"),
        Fault::status(206, "{\"id\": 9}"),
        Fault::Reset,
        Fault::Garbage,
        Fault::Stall,
        Fault::RedirectElsewhere(301),
    ] {
        rows.push(lasting(Endpoint::Repository, fault));
    }
    // No such question outside of the events that need it.
    let pushed = ask(push("main"), CENTRAL_MAIN, "granted").fault(FaultRule::always(
        Endpoint::Repository,
        Fault::status(500, "x"),
    ));
    rows.push(pushed);
    judge_on(&stage(), rows);
}

const CENTRAL_MAIN: &str = "acme-org/policies/central.yml@main";

/// The start of a commit's SHA.
fn short(sha: &CommitSha, length: usize) -> &str {
    sha.as_str().get(..length).unwrap()
}

fn at(repository: &str, git_ref: &str) -> String {
    format!("{repository}/{PATH}@{git_ref}")
}
