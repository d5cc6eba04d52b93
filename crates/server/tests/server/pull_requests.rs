//! Heads and bases of pull requests, as GitHub's API says and the token's claims sign.

use std::time::{Duration, Instant};

use serde_json::json;
use simulator::Job;
use simulator::github::{Endpoint, Fault, FaultRule, Repository};
use simulator::runner::PullRequest;

use crate::support::api::{ApiStage, BY_API, INFRA, github, infra};
use crate::support::{DEPLOY, POLICY_PATH};

const POLICY: &str = "\
version: 1
repositories:
  - repository: acme-org/infra
    delegate: [ws:locks:create]
    permissions:
      - permission: ws:deployments:create
        branch: release/next
        base: main
      - permission: ws:affected_stacks:create
        base: main
";

const STACKS: &str = "ws:affected_stacks:create";

fn stage() -> ApiStage {
    ApiStage::with(POLICY, BY_API)
}

/// The job of a pull request from a branch of the repository.
fn own(stage: &ApiStage, number: u64, branch: &str) -> Job {
    let job = Job::pull_request(
        &infra(),
        PullRequest::same_repository(&infra(), number, branch),
    );
    job.publish(&stage.github);
    job
}

/// The job of a pull request from a fork, with a token as `pull_request_target` or a future GitHub could give it.
fn fork(stage: &ApiStage, number: u64, branch: &str) -> Job {
    let pull = PullRequest::fork(&infra(), number, "mallory/infra", 666, branch);
    let job = Job::pull_request(&infra(), pull);
    job.publish(&stage.github);
    job
}

fn branch_of(stage: &ApiStage, count: usize) -> String {
    let records = stage.server.records(count);
    let context = &records[count - 1]["data"]["context"];
    context["branch"].as_str().unwrap().to_owned()
}

#[test]
fn a_head_in_the_repository_is_its_branch() {
    let stage = stage();
    let token = stage.token(&own(&stage, 7, "release/next"));
    assert_eq!(stage.server.ask(DEPLOY, &token).status, 200);
    assert_eq!(branch_of(&stage, 1), "release/next");
    let asked = stage.requests(Endpoint::PullRequest, "");
    assert_eq!(asked.len(), 1);
    let path = &asked[0].request.path;
    assert!(path.ends_with("/repositories/123/pulls/7"), "{path}");
    let tokens = stage.github.requests_to(Endpoint::AccessToken);
    assert_eq!(
        tokens.last().unwrap().request.json().unwrap(),
        json!({"repository_ids": [123], "permissions": {"pull_requests": "read"}})
    );
    // Another branch of the repository is known too, and denied.
    let token = stage.token(&own(&stage, 8, "release/old"));
    assert_eq!(stage.server.ask(DEPLOY, &token).reason(), "no_rule_matches");
    assert_eq!(branch_of(&stage, 2), "release/old");
    stage.github.assert_nothing_unexpected();
}

/// A fork can name its branch as it likes.
#[test]
fn a_fork_with_the_name_of_a_trusted_branch() {
    let stage = stage();
    let token = stage.token(&fork(&stage, 9, "release/next"));
    assert_eq!(stage.server.ask(DEPLOY, &token).reason(), "no_rule_matches");
    assert_eq!(branch_of(&stage, 1), "mallory:release/next");
    // A fork that was deleted, whose label stays.
    let pull = PullRequest::fork(&infra(), 10, "mallory/infra", 666, "release/next").deleted_head();
    let job = Job::pull_request(&infra(), pull);
    job.publish(&stage.github);
    assert_eq!(
        stage.server.ask(DEPLOY, &stage.token(&job)).reason(),
        "no_rule_matches"
    );
    // The honest twin.
    let token = stage.token(&own(&stage, 11, "release/next"));
    assert_eq!(stage.server.ask(DEPLOY, &token).status, 200);
}

#[test]
fn what_a_decision_does_not_need_is_not_asked() {
    let stage = stage();
    let token = stage.token(&fork(&stage, 12, "x"));
    assert_eq!(stage.server.ask(STACKS, &token).status, 200);
    assert_eq!(stage.server.ask("ws:instances:create", &token).status, 403);
    // A base that the rule does not trust: no head could change that.
    let pull = PullRequest::same_repository(&infra(), 13, "release/next").into_base("evil");
    let job = Job::pull_request(&infra(), pull);
    job.publish(&stage.github);
    assert_eq!(stage.server.ask(DEPLOY, &stage.token(&job)).status, 403);
    let token = stage.token(&Job::push(&infra(), "release/next"));
    assert_eq!(stage.server.ask(DEPLOY, &token).status, 200);
    assert!(stage.requests(Endpoint::PullRequest, "").is_empty());
}

/// An answer that does not arrive, or is about something else, leaves the head unknown: nobody gains from it.
#[test]
fn a_look_up_that_fails_leaves_the_head_unknown() {
    let stage = stage();
    let honest = |number: u64| {
        let pull = PullRequest::same_repository(&infra(), number, "release/next");
        let job = Job::pull_request(&infra(), pull);
        job.publish(&stage.github);
        stage.token(&job)
    };
    let pull = |number: u64, repository: u64, head: &str| {
        let repo = |id: u64| json!({"id": id, "full_name": "acme-org/infra", "owner": {"login": "acme-org"}});
        let body = json!({"number": number, "head": {"ref": head, "repo": repo(123)}, "base": {"ref": "main", "repo": repo(repository)}});
        Fault::Answer(simulator::github::Answer::json(200, &body))
    };
    let mut number = 100;
    for fault in [
        Fault::status(404, "Not Found"),
        Fault::status(403, "No"),
        Fault::status(401, "No"),
        Fault::status(500, "Oops"),
        Fault::too_many_requests(60),
        Fault::Reset,
        Fault::Garbage,
        Fault::Truncate,
        Fault::RedirectElsewhere(302),
        Fault::Redirect(301, "/api/v3/repositories/124/pulls/1".to_owned()),
        Fault::Answer(simulator::github::Answer::json(200, &json!({}))),
        Fault::Answer(simulator::github::Answer::json(200, &json!([]))),
        // Another repository's, another number's, another head's.
        pull(111, 124, "release/next"),
        pull(999, 123, "release/next"),
        pull(113, 123, "main"),
    ] {
        let named = format!("{fault:?}");
        stage
            .github
            .add_fault(FaultRule::always(Endpoint::PullRequest, fault));
        let token = honest(number);
        let answer = stage.server.ask(DEPLOY, &token);
        assert_eq!(answer.reason(), "no_rule_matches", "{named}");
        let detail = answer.json()["detail"].to_string();
        assert!(detail.contains("could not be looked up now"), "{detail}");
        let records = stage.server.records(1);
        let branch = &records.last().unwrap()["data"]["context"]["branch"];
        assert_eq!(branch, "unknown:release/next", "{named}");
        stage.github.clear_faults();
        number += 1;
    }
    assert_eq!(stage.server.ask(DEPLOY, &honest(number)).status, 200);
    assert!(stage.github.elsewhere_requests().is_empty());
}

#[test]
fn a_slow_look_up_does_not_hold_the_answer() {
    let stage = stage();
    stage
        .github
        .add_fault(FaultRule::always(Endpoint::PullRequest, Fault::Stall));
    let token = stage.token(&own(&stage, 20, "release/next"));
    let started = std::time::Instant::now();
    assert_eq!(stage.server.ask(DEPLOY, &token).reason(), "no_rule_matches");
    assert!(
        started.elapsed() < Duration::from_millis(4800),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(branch_of(&stage, 1), "unknown:release/next");
}

/// The token of `pull_request_target` has no number, so nothing proves where its head is.
#[test]
fn the_head_of_pull_request_target_is_unknown() {
    let stage = stage();
    let pull = PullRequest::same_repository(&infra(), 21, "release/next");
    let job = Job::pull_request_target(&infra(), pull);
    job.publish(&stage.github);
    let answer = stage.server.ask(DEPLOY, &stage.token(&job));
    assert_eq!(answer.status, 403);
    assert_eq!(branch_of(&stage, 1), "unknown:release/next");
    assert!(stage.requests(Endpoint::PullRequest, "").is_empty());
}

/// The own policy's rules at the top trust the default branch as a base, which GitHub names.
#[test]
fn the_default_branch_is_looked_up_where_the_own_policy_needs_it() {
    let stage = stage();
    let rules = "version: 1\npermissions:\n  - permission: ws:locks:create\n    branch: { glob: 'feature/*' }\n";
    stage.set_file(INFRA, POLICY_PATH, rules);
    let token = stage.token(&own(&stage, 30, "feature/x"));
    assert_eq!(stage.server.ask("ws:locks:create", &token).status, 200);
    let pull = PullRequest::same_repository(&infra(), 31, "feature/x").into_base("evil");
    let job = Job::pull_request(&infra(), pull);
    job.publish(&stage.github);
    assert_eq!(
        stage
            .server
            .ask("ws:locks:create", &stage.token(&job))
            .status,
        403
    );
    // Another repository's answer counts for nothing.
    let other = ApiStage::with(POLICY, BY_API);
    other.set_file(INFRA, POLICY_PATH, rules);
    let answer =
        json!({"id": 124, "full_name": INFRA, "owner": {"id": 1}, "default_branch": "main"});
    let answer = Fault::Answer(simulator::github::Answer::json(200, &answer));
    other
        .github
        .add_fault(FaultRule::always(Endpoint::RepositoryById, answer));
    let token = other.token(&own(&other, 30, "feature/x"));
    assert_eq!(other.server.ask("ws:locks:create", &token).status, 403);
}

#[test]
fn many_requests_make_one_look_up() {
    let stage = stage();
    let delay = Fault::Delay(Duration::from_millis(500));
    stage
        .github
        .add_fault(FaultRule::always(Endpoint::PullRequest, delay));
    let token = stage.token(&own(&stage, 40, "release/next"));
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..20)
            .map(|_| scope.spawn(|| stage.server.ask(DEPLOY, &token).status))
            .collect();
        for one in asking {
            assert_eq!(one.join().unwrap(), 200);
        }
    });
    assert_eq!(stage.requests(Endpoint::PullRequest, "").len(), 1);
}

/// A53: a repository with many pull requests uses up neither the App's rate limit nor the look-ups of others.
#[test]
fn a53_look_ups_of_one_repository_are_bounded() {
    let github = github(POLICY);
    let web = Repository::new("acme-org/web", 125, crate::support::OWNER).private();
    github.add_repository(web);
    let stage = ApiStage::unready(github, BY_API);
    stage.server.wait_until_ready();
    let mut granted = 0;
    let started = Instant::now();
    for number in 1000..1080 {
        let token = stage.token(&own(&stage, number, "release/next"));
        granted += usize::from(stage.server.ask(DEPLOY, &token).status == 200);
    }
    // One comes back each second.
    let back = usize::try_from(started.elapsed().as_secs()).unwrap();
    assert!((60..=61 + back).contains(&granted), "{granted}");
    assert_eq!(stage.requests(Endpoint::PullRequest, "").len(), granted);
    let refused = stage
        .server
        .metric("repo_permissions_lookups_total{result=\"refused\"}");
    assert!(refused >= (80 - granted) as f64, "{refused}");
    // The policy is renewed as before.
    stage.wait_for_status("ready");
    // A token of a stranger costs nothing.
    let before = stage.github.requests().len();
    let job = own(&stage, 2000, "release/next");
    let token = stage.token_with(&job, &[("repository_owner_id", json!("666"))]);
    assert_eq!(
        stage.server.ask(DEPLOY, &token).reason(),
        "repository_not_found"
    );
    let requests = stage.github.requests();
    let asked = requests[before..].iter();
    assert_eq!(
        asked
            .filter(|request| request.endpoint == Endpoint::PullRequest)
            .count(),
        0
    );
}

/// Half of the installation's rate limit is for policies.
#[test]
fn a53_look_ups_leave_the_rate_limit_to_the_policy() {
    let stage = stage();
    stage.github.set_rate_limits(simulator::github::RateLimits {
        core: 20,
        ..simulator::github::RateLimits::default()
    });
    for number in 1000..1040 {
        let token = stage.token(&own(&stage, number, "release/next"));
        _ = stage.server.ask(DEPLOY, &token);
    }
    let asked = stage.requests(Endpoint::PullRequest, "").len();
    assert!((8..=11).contains(&asked), "{asked}");
    stage.wait_for_status("ready");
}
