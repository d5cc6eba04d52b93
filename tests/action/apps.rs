//! A GitHub App in place of the job's own token.

use std::time::{Duration, Instant};

use crate::support::{
    APP_CLIENT_ID, POLICY, Stage, assert_outcome, policies, repository, runner_through,
};
use serde_json::json;
use simulator::Job;
use simulator::github::{
    APP_PRIVATE_KEY_PKCS1, Endpoint, Fault, FaultRule, Level, Permissions, TestKey,
};
use simulator::runner::PullRequest;

const ASK: (&str, &str) = ("permission", "ws:affected_stacks:create");
const CLIENT: (&str, &str) = ("app-client-id", APP_CLIENT_ID);

fn permissions() -> Permissions {
    Permissions::none()
        .with("contents", Level::Read)
        .with("checks", Level::Write)
        .with("statuses", Level::Write)
        .with("issues", Level::Write)
}

fn stage() -> Stage {
    let stage = Stage::with_policy(POLICY);
    let policies = policies().private().with_file(
        "main",
        "permissions.yml",
        "version: 1\nrepositories:\n  - repository: acme-org/infra\n    permissions: [{permission: ws:affected_stacks:create}]\n",
    );
    stage.github.add_repository(policies);
    stage
}

#[test]
fn reports_come_from_the_app_and_its_token_is_limited_and_revoked() {
    for key in [
        APP_PRIVATE_KEY_PKCS1.to_owned(),
        TestKey::App.private_pem().to_owned(),
        APP_PRIVATE_KEY_PKCS1.replace('\n', "\\n"),
    ] {
        let stage = stage();
        stage.install_app(&["acme-org/infra"], permissions());
        let job = stage.push().with_permissions(Permissions::none());
        let before = stage.github.live_tokens();
        let step = stage.run(&job, &[ASK, CLIENT, ("app-private-key", &key)]);
        assert_outcome(&stage, &step, "allowed", "granted");
        assert_eq!(stage.github.check_runs()[0].app.slug, "gate");
        assert_eq!(stage.github.statuses().len(), 1);
        let asked = stage.github.requests_to(Endpoint::AccessToken);
        assert_eq!(asked.len(), 1);
        assert_eq!(
            asked[0].request.json().unwrap(),
            json!({"repositories": ["infra"], "permissions": {"checks": "write", "contents": "read", "statuses": "write"}})
        );
        assert_eq!(
            stage.github.requests_to(Endpoint::RevokeToken)[0].status,
            Some(204)
        );
        // Registering the job gives one token; the App's is gone.
        assert_eq!(stage.github.live_tokens(), before + 1);
        for request in stage.github.requests() {
            if let Some(token) = request
                .request
                .header("authorization")
                .and_then(|value| value.split_once(' '))
            {
                assert!(step.places_with(token.1).is_empty());
            }
        }
        assert!(step.places_with("PRIVATE KEY").is_empty());
    }
}

#[test]
fn the_policy_is_read_while_the_apps_token_is_taken() {
    const TOKEN_TAKES: Duration = Duration::from_secs(1);
    let key = ("app-private-key", APP_PRIVATE_KEY_PKCS1);
    // What the job's own token may do, and how many requests for the policy that makes.
    for (job_permissions, requests) in [(Permissions::usual(), 1), (Permissions::none(), 2)] {
        let stage = stage();
        stage.install_app(&["acme-org/infra"], permissions());
        stage
            .github
            .edit_repository("acme-org/infra", |repository| {
                *repository = repository.clone().private();
            });
        let slow = Fault::Delay(TOKEN_TAKES);
        stage
            .github
            .add_fault(FaultRule::always(Endpoint::AccessToken, slow));
        let job = stage.push().with_permissions(job_permissions);
        let step = stage.run(&job, &[ASK, CLIENT, key]);
        assert_outcome(&stage, &step, "allowed", "granted");
        let policy = stage.github.requests_to(Endpoint::Contents);
        assert_eq!(policy.len(), requests);
        let token = stage.github.requests_to(Endpoint::AccessToken)[0].at;
        let answered = |at: Duration| at > token + TOKEN_TAKES;
        assert!(!answered(policy[0].at));
        assert_eq!(
            policy.last().map(|last| answered(last.at)),
            Some(requests == 2)
        );
        assert_eq!(stage.github.check_runs()[0].app.slug, "gate");
    }
}

#[test]
fn a_private_central_policy_is_read_with_the_app() {
    let stage = stage();
    stage.install_app(&["acme-org/infra", "acme-org/policies"], permissions());
    let central = ("policy", "acme-org/policies/permissions.yml@main");
    let step = stage.run(&stage.push(), &[ASK, central]);
    assert_outcome(&stage, &step, "error", "policy_not_found");
    let step = stage.run(
        &stage.push(),
        &[
            ASK,
            central,
            CLIENT,
            ("app-private-key", APP_PRIVATE_KEY_PKCS1),
        ],
    );
    assert_outcome(&stage, &step, "allowed", "granted");
    // One token for each repository, and the other one's only reads.
    let asked = stage.github.requests_to(Endpoint::AccessToken);
    let mut asked: Vec<_> = asked
        .iter()
        .map(|asked| asked.request.json().unwrap())
        .map(|asked| {
            (
                asked["repositories"][0].to_string(),
                asked["permissions"].clone(),
            )
        })
        .collect();
    asked.sort_by(|a, b| a.0.cmp(&b.0));
    let write = json!({"checks": "write", "contents": "read", "statuses": "write"});
    assert_eq!(
        asked,
        [
            ("\"infra\"".to_owned(), write),
            ("\"policies\"".to_owned(), json!({"contents": "read"}))
        ]
    );
    assert_eq!(stage.github.requests_to(Endpoint::RevokeToken).len(), 2);
}

#[test]
fn an_app_that_is_not_installed() {
    let stage = stage();
    stage.install_app(&["acme-org/policies"], permissions());
    let step = stage.run(
        &stage.push(),
        &[ASK, CLIENT, ("app-private-key", APP_PRIVATE_KEY_PKCS1)],
    );
    assert_outcome(&stage, &step, "error", "policy_unreadable");
    assert!(
        step.output("message")
            .contains("the App `Iv23liGATE` is not installed on acme-org/infra")
    );
    assert!(step.summary.contains("Install the App"), "{}", step.summary);
    // The job's own token still reports it.
    assert_eq!(
        stage.github.check_runs()[0].conclusion.as_deref(),
        Some("failure")
    );
    // A policy that needs no reading is decided on all the same.
    let inline = (
        "policy",
        "version: 1\npermissions:\n  - permission: ws:affected_stacks:create\n",
    );
    let step = stage.run(
        &stage.push(),
        &[
            ASK,
            inline,
            CLIENT,
            ("app-private-key", APP_PRIVATE_KEY_PKCS1),
        ],
    );
    assert_outcome(&stage, &step, "allowed", "granted");
    assert!(step.stdout.contains("reporting with the job's own token"));
}

#[test]
fn private_keys_that_are_none() {
    let stage = stage();
    let wrong_key = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----";
    for key in ["", "secret words instead of a key", wrong_key] {
        let step = stage.run(&stage.push(), &[ASK, CLIENT, ("app-private-key", key)]);
        assert_outcome(&stage, &step, "error", "input_invalid");
        assert!(step.places_with("secret words instead of a key").is_empty());
    }
}

/// The key is valid, and GitHub has not answered: the messages must name what is wrong.
#[test]
fn a_url_that_is_not_https_is_named_as_the_cause() {
    let stage = stage();
    let runner = runner_through("/usr/bin/env", &["GITHUB_API_URL=ftp://x"]);
    let job = Job::pull_request(
        &repository(),
        PullRequest::same_repository(&repository(), 7, "feature/x"),
    );
    let key = ("app-private-key", APP_PRIVATE_KEY_PKCS1);
    let step = runner.run(&stage.github, &job, &[ASK, CLIENT, key]);
    let step = step.unwrap();
    const CAUSE: &str = "the variable `GITHUB_API_URL` is `ftp://x`, expected an https URL";
    for message in [
        "cannot be read, so its head counts as unknown: ",
        "reporting with the job's own token, because ",
        "no check run and no status: ",
    ] {
        let line = format!("{message}{CAUSE}");
        assert!(step.stdout.contains(&line), "{line}\n{}", step.stdout);
    }
    assert!(
        step.output("message").ends_with(CAUSE),
        "{}",
        step.output("message")
    );
}

#[test]
fn a_token_that_does_not_come_holds_nothing_up() {
    let stage = stage();
    stage.install_app(&["acme-org/infra"], permissions());
    stage
        .github
        .add_fault(FaultRule::always(Endpoint::AccessToken, Fault::Stall));
    let inline = (
        "policy",
        "version: 1\npermissions:\n  - permission: ws:affected_stacks:create\n",
    );
    let key = ("app-private-key", APP_PRIVATE_KEY_PKCS1);
    let started = Instant::now();
    let step = stage.run(&stage.push(), &[ASK, inline, CLIENT, key, ("timeout", "4")]);
    // The step still decides, and reports with the job's own token.
    assert_outcome(&stage, &step, "allowed", "granted");
    assert!(step.stdout.contains("reporting with the job's own token"));
    assert_eq!(stage.github.check_runs().len(), 1);
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
}
