//! Jobs that pose as others: by event, ref, workflow, name or actor.

use serde_json::json;
use simulator::Job;
use simulator::github::{Level, Repository, TokenRecipe};
use simulator::runner::PullRequest;

use super::row::{Row, judge, push, row};
use crate::support::repository;

fn fork() -> PullRequest {
    PullRequest::fork(&repository(), 7, "mallory/infra", 666, "main")
}

fn own(branch: &str) -> PullRequest {
    PullRequest::same_repository(&repository(), 8, branch)
}

#[test]
fn a04_pull_request_target_whose_ref_says_main() {
    let target = |pull| Job::pull_request_target(&repository(), pull);
    let run = || Job::workflow_run(&repository(), "mallory/infra", "main");
    assert_eq!(target(fork()).reference, "refs/heads/main");
    let named = "events: [pull_request_target, workflow_run]";
    judge([
        row("branch: main", push("main"), "granted"),
        row("branch: main", target(fork()), "no_rule_matches"),
        row("branch: '*'", target(fork()), "untrusted_event"),
        row(
            &format!("branch: main, {named}"),
            target(fork()),
            "no_rule_matches",
        ),
        row(
            &format!("branch: 'mallory:main', {named}"),
            target(fork()),
            "granted",
        ),
        row(
            &format!("branch: main, {named}"),
            target(own("feature/x")),
            "no_rule_matches",
        ),
        row(
            &format!("branch: feature/x, {named}"),
            target(own("feature/x")),
            "granted",
        ),
        // The ref is main, and what started it is anybody's.
        row("branch: main", run(), "untrusted_event"),
        row(
            "branch: main, events: [push, schedule]",
            run(),
            "untrusted_event",
        ),
        row(&format!("branch: main, {named}"), run(), "granted"),
    ]);
}

#[test]
fn a05_a_borrowed_reusable_workflow() {
    let (own, shared) = (
        "acme-org/infra/.github/workflows/deploy.yml@refs/heads/main",
        "acme-org/ci/.github/workflows/deploy.yml@refs/heads/main",
    );
    let rule =
        format!("workflow: deploy.yml, claims: {{ job_workflow_ref: {{ exact: '{shared}' }} }}");
    let called = |caller: &str, callee: &str, reason| {
        let mut job = push("main").with_workflow(caller);
        job.job_workflow_ref = Some(callee.to_owned());
        row(&rule, job, reason)
    };
    judge([
        called("deploy.yml", shared, "granted"),
        called("deploy.yml", own, "no_rule_matches"),
        called("evil.yml", shared, "no_rule_matches"),
        called("deploy.yml", &format!("{shared}-2"), "no_rule_matches"),
        called(
            "deploy.yml",
            &shared.replace("acme-org/ci", "mallory/ci"),
            "no_rule_matches",
        ),
    ]);
}

#[test]
fn a06_a_title_that_is_a_file_name() {
    let titled = |file: &str, title: &str| {
        let mut job = push("main").with_workflow(file);
        job.workflow_name = title.to_owned();
        job
    };
    let rule = "workflow: deploy-production.yml";
    judge([
        row(
            rule,
            titled("evil.yml", "deploy-production.yml"),
            "no_rule_matches",
        ),
        row(
            rule,
            titled("evil.yml", ".github/workflows/deploy-production.yml"),
            "no_rule_matches",
        ),
        row(rule, titled("deploy-production.yml", "anything"), "granted"),
    ]);
}

#[test]
fn a07_tags_and_pull_requests_that_pose_as_branches() {
    let rule = "branch: 'main|develop'";
    let mut rows = vec![
        row(rule, push("main"), "granted"),
        row(rule, push("main"), "granted").claim("ref_type", "tag"),
        row(
            rule,
            Job::tag_push(&repository(), "main"),
            "no_rule_matches",
        ),
        row(rule, Job::release(&repository(), "main"), "no_rule_matches"),
        row(
            "branch: refs/tags/main",
            Job::tag_push(&repository(), "main"),
            "granted",
        ),
        row(
            rule,
            Job::merge_group(&repository(), "main", 7),
            "no_rule_matches",
        ),
        row(
            rule,
            Job::pull_request(&repository(), own("feature/x")),
            "no_rule_matches",
        ),
        row(
            "branch: feature/x",
            Job::pull_request(&repository(), own("feature/x")),
            "granted",
        ),
    ];
    for git_ref in [
        "refs/pull/27/merge",
        "refs/heads/refs/heads/main",
        "refs/notes/main",
        "main/refs/heads/main",
        "refs/heads/heads/main",
        "heads/main",
        "main",
        "refs/heads/",
        "refs/tags/refs/heads/main",
        "REFS/HEADS/main",
    ] {
        let posing = row(rule, push("main"), "no_rule_matches");
        rows.push(posing.claim("ref", git_ref).claim("ref_type", "branch"));
    }
    judge(rows);
}

#[test]
fn a08_hostile_names_of_refs_and_files() {
    let mut rows = Vec::new();
    for branch in [
        "x/refs/tags/v1",
        "x@deploy.yml",
        "main@refs/heads/main",
        "a/.github/workflows/deploy.yml",
        "x@refs/heads/main/.github/workflows/deploy.yml@refs/heads/main",
    ] {
        let evil = || push(branch).with_workflow("evil.yml");
        rows.push(row("workflow: evil.yml", evil(), "granted"));
        rows.push(row("workflow: deploy.yml", evil(), "no_rule_matches"));
        rows.push(row("branch: [main, v1]", evil(), "no_rule_matches"));
    }
    for file in [
        "deploy.yml@evil.yml",
        "deploy.yml@refs",
        "x@deploy.yml",
        "deploy.yml ",
    ] {
        let job = push("main").with_workflow(file);
        rows.push(row("workflow: deploy.yml", job, "no_rule_matches"));
    }
    judge(rows);
}

#[test]
fn a09_workflows_of_another_repository() {
    let of = |workflow_ref: &str| {
        let mut job = push("main");
        job.workflow_ref = Some(workflow_ref.to_owned());
        job
    };
    let mut rows = vec![row(
        "workflow: deploy.yml",
        of("Acme-Org/INFRA/.github/workflows/deploy.yml@refs/heads/main"),
        "granted",
    )];
    for elsewhere in [
        "evil/infra",
        "acme-org/infra2",
        "acme-org/other",
        "acme-org/infra/.github",
    ] {
        let path = format!("{elsewhere}/.github/workflows/deploy.yml");
        let job = || of(&format!("{path}@refs/heads/main"));
        rows.push(row("workflow: deploy.yml", job(), "no_rule_matches"));
        rows.push(row(&format!("workflow: {path}"), job(), "granted"));
    }
    // Not in the directory that workflows are started from.
    let outside = of("acme-org/infra/deploy.yml@refs/heads/main");
    rows.push(row("workflow: deploy.yml", outside, "no_rule_matches"));
    judge(rows);
}

#[test]
fn a10_a_name_that_is_used_again() {
    let pinned = "version: 1\nrepositories: [{ repository: acme-org/infra, repository_id: 123, owner_id: 4567, permissions: [{ permission: ws:deployments:create }] }]\n";
    let unpinned = &pinned.replace("repository_id: 123, owner_id: 4567, ", "");
    let of = |name, id, owner| Job::push(&Repository::new(name, id, owner), "main");
    // Given in the workflow, as every repository would be handed one central policy.
    let given =
        |policy: &str, job, reason| row("version: 1\n", job, reason).input("policy", policy);
    judge([
        given(pinned, of("acme-org/infra", 123, 4567), "granted"),
        given(pinned, of("ACME-Org/Infra", 123, 4567), "granted"),
        given(
            pinned,
            of("acme-org/infra", 124, 4567),
            "repository_id_mismatch",
        ),
        given(
            pinned,
            of("acme-org/infra", 123, 9),
            "repository_id_mismatch",
        ),
        given(pinned, of("mallory/infra", 123, 9), "repository_not_found"),
        given(
            pinned,
            of("acme-org/other", 124, 4567),
            "repository_not_found",
        ),
        given(
            unpinned,
            of("acme-org/infra2", 123, 4567),
            "repository_not_found",
        ),
    ]);
}

#[test]
fn a11_subjects_of_any_shape() {
    let rule = "branch: main, environment: production";
    let shapes = [
        "repo:acme-org/infra:environment:production",
        "repo:acme-org@4567/infra@123:ref:refs/heads/main",
        "repo:acme-org/infra:ref:refs/heads/main:environment:production",
        "repository_owner:acme-org:environment:production:ref:refs/heads/main",
        "acme-org/infra",
        "",
    ];
    let mut rows = Vec::new();
    for subject in shapes {
        let honest = push("main").with_environment("production");
        rows.push(row(rule, honest, "granted").claim("sub", subject));
        let lying = push("feature/x").with_environment("production");
        rows.push(row(rule, lying, "no_rule_matches").claim("sub", subject));
        rows.push(row(rule, push("main"), "no_rule_matches").claim("sub", subject));
    }
    let without = TokenRecipe::new().without_claim("sub");
    let honest = push("main").with_environment("production");
    rows.push(row(rule, honest, "granted").token(without));
    judge(rows);
}

#[test]
fn a15_re_runs_and_actors() {
    let by = |id, attempt| {
        let mut job = push("main");
        (job.actor_id, job.run_attempt) = (id, attempt);
        job
    };
    let first = "claims: { run_attempt: '1' }";
    let octocat = "claims: { actor_id: '583231' }";
    judge([
        row(first, by(583_231, 1), "granted"),
        row(first, by(583_231, 2), "no_rule_matches"),
        // Logins can be given up and taken; ids cannot.
        row(octocat, by(583_231, 1), "granted"),
        row(octocat, by(666, 1), "no_rule_matches"),
    ]);
}

#[test]
fn a38_events_that_strangers_start() {
    let by = |event: &str| {
        let mut job = push("main");
        job.event_name = event.to_owned();
        job
    };
    let mut rows = Vec::new();
    for event in [
        "issue_comment",
        "issues",
        "discussion",
        "discussion_comment",
        "commit_comment",
        "fork",
        "watch",
        "gollum",
        "pull_request_review",
        "pull_request_review_comment",
        "check_run",
        "check_suite",
        "status",
        "deployment_status",
        "member",
        // An event that GitHub adds later, and names that only look like a trusted one.
        "made_up",
        "Push",
        "pushed",
    ] {
        let is_name = event != "Push";
        rows.push(row("branch: main", by(event), "untrusted_event"));
        rows.push(row(
            "branch: main, events: [push]",
            by(event),
            "untrusted_event",
        ));
        if is_name {
            let named = format!("branch: main, events: [push, {event}]");
            rows.push(row(&named, by(event), "granted"));
        }
    }
    for event in [
        "push",
        "workflow_dispatch",
        "schedule",
        "release",
        "deployment",
        "repository_dispatch",
    ] {
        rows.push(row("branch: main", by(event), "granted"));
    }
    // A token without an event is not this job's.
    rows.push(row("branch: main", push("main"), "token_mismatch").claim("event_name", ""));
    // A stranger's review of a pull request between the repository's own branches.
    let review = || {
        let mut job = Job::pull_request(&repository(), own("feature/x"));
        job.event_name = "pull_request_review".to_owned();
        job.actor = "stranger".to_owned();
        job
    };
    rows.push(row("branch: feature/x", review(), "untrusted_event"));
    rows.push(row(
        "branch: feature/x, events: [pull_request_review]",
        review(),
        "granted",
    ));
    judge(rows);
}

#[test]
fn a34_pull_requests_from_forks() {
    let public = || Job::pull_request(&repository(), fork());
    // A private repository's setting can send tokens to forks.
    let sent = |pull| {
        Job::pull_request(&repository(), pull)
            .with_id_token(true)
            .with_permission("checks", Level::Write)
            .with_permission("statuses", Level::Write)
    };
    let unproven = |payload: serde_json::Value| sent(fork()).with_payload(payload);
    let head = |number: u64, git_ref: &str, repository: serde_json::Value| json!({"pull_request": {"number": number, "head": {"ref": git_ref, "sha": "0".repeat(40), "repo": repository}}});
    let rows: Vec<Row> = [
        (Job::pull_request(&repository(), own("main")), "granted"),
        (push("main"), "granted"),
        (public(), "token_unavailable"),
        (sent(fork()), "no_rule_matches"),
        (sent(fork().deleted_head()), "no_rule_matches"),
        (unproven(json!({})), "no_rule_matches"),
        (unproven(head(7, "main", json!(null))), "no_rule_matches"),
        (
            unproven(head(7, "main", json!({"id": 666}))),
            "no_rule_matches",
        ),
        (
            unproven(head(9, "main", json!({"id": 123}))),
            "no_rule_matches",
        ),
        (
            unproven(head(7, "x", json!({"id": 123}))),
            "no_rule_matches",
        ),
    ]
    .map(|(job, reason)| row("branch: main", job, reason))
    .into();
    let steps = judge(rows);
    assert!(steps[2].output("message").contains("fork"));
    assert!(
        steps[2].stdout.contains("checks: write"),
        "{}",
        steps[2].stdout
    );
    assert_eq!(steps[3].output("branch"), "mallory:main");
}
