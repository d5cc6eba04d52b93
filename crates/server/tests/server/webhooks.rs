//! Deliveries of the App's webhooks: signatures, Apps, accounts, replays.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;
use simulator::github::{Delivery, Endpoint, Fault, FaultRule, Repository};

use crate::support::api::{APP_ID, ApiStage, INFRA, POLICIES, SECRET, github, infra, write_secret};
use crate::support::http::exchange;
use crate::support::{DEPLOY, OWNER, POLICY, POLICY_PATH, Stage, wait_for};

/// A policy that the server would renew in an hour.
const HOURLY: &str =
    "policy: { repository: acme-org/policies/central.yml@main, refresh: 1h, stale: 2h }\n";
const PATH: &str = "/webhooks/github";

fn push(stage: &ApiStage, repository: &str) -> Delivery {
    let repository = stage.github.repository(repository).unwrap();
    Delivery::push(&stage.app, stage.installation, &repository, "main")
}

fn contents(stage: &ApiStage) -> usize {
    stage.github.requests_to(Endpoint::Contents).len()
}

#[test]
fn a_push_hastens_the_policy() {
    let stage = ApiStage::with(POLICY, HOURLY);
    assert_eq!(stage.ask().status, 200);
    stage.set_policy(&POLICY.replace("branch: main", "branch: other"));
    let answer = stage.deliver(&push(&stage, POLICIES));
    assert_eq!(answer.status, 202, "{answer:?}");
    let (answer, after) = stage.wait_for_answer(403);
    assert_eq!(answer.reason(), "no_rule_matches");
    assert!(after < Duration::from_secs(3), "{after:?}");
    // A push that says nothing new, or that lies, decides nothing: GitHub is asked.
    let mut lie = push(&stage, POLICIES);
    lie.body = String::from_utf8(lie.body)
        .unwrap()
        .replace("refs/heads/main", "refs/heads/evil")
        .into_bytes();
    assert_eq!(stage.deliver(&lie).status, 202);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(stage.ask().status, 403);
}

#[test]
fn a_push_hastens_the_own_policy_and_does_not_end_the_last_good_one() {
    let own = "version: 1\npermissions: [{ permission: ws:deployments:create, branch: main }]\n";
    let github = github(POLICY);
    github.edit_repository(INFRA, |infra| infra.set_file("main", POLICY_PATH, own));
    let config = "policy: { path: .github/repo-permissions.yml, delegate: [ws:deployments:create], refresh: 1h }\n";
    let stage = ApiStage::unready(github, config);
    stage.server.wait_until_ready();
    assert_eq!(stage.ask().status, 200);
    stage.set_file(INFRA, POLICY_PATH, &own.replace("main", "other"));
    assert_eq!(stage.ask().status, 200);
    assert_eq!(stage.deliver(&push(&stage, INFRA)).status, 202);
    assert_eq!(stage.ask().status, 403);
    stage.set_file(INFRA, POLICY_PATH, own);
    assert_eq!(stage.deliver(&push(&stage, INFRA)).status, 202);
    assert_eq!(stage.ask().status, 200);
    stage.github.add_fault(FaultRule::always(
        Endpoint::Contents,
        Fault::status(500, "Oops"),
    ));
    assert_eq!(stage.deliver(&push(&stage, INFRA)).status, 202);
    assert_eq!(stage.ask().status, 200);
}

/// A delivery that GitHub did not sign for this App changes nothing.
#[test]
fn forged_deliveries() {
    let stage = ApiStage::with(POLICY, HOURLY);
    let before = contents(&stage);
    let honest = push(&stage, POLICIES);
    let send = |request: &[u8]| exchange(&stage.server.address, request).status;
    let other_body = Delivery {
        body: b"{}".to_vec(),
        ..honest.clone()
    };
    let signature = honest.signature(SECRET);
    for forged in [
        honest.signature("another-secret-of-another-app"),
        honest.signature(""),
        other_body.signature(SECRET),
        String::new(),
        "sha256=".to_owned(),
        signature.replace("sha256", "sha1"),
        signature[..70].to_owned(),
        format!("{signature}, {signature}"),
        format!("{signature}\r\nX-Hub-Signature-256: {signature}"),
    ] {
        let status = send(&honest.request_with(PATH, &forged));
        assert!([400, 401].contains(&status), "{forged}: {status}");
    }
    // What anyone can send fills no log.
    let log = stage.server.log();
    assert!(!log.iter().any(|line| line["event"] == "delivery_refused"));
    let refused = "repo_permissions_deliveries_total{result=\"refused\"}";
    assert!(stage.server.metric(refused) >= 9.0);
    let text = String::from_utf8(honest.request(PATH, SECRET)).unwrap();
    for (from, to, expected) in [
        ("X-Hub-Signature-256:", "X-Hub-Signature:", 400),
        ("X-GitHub-Event: push\r\n", "", 400),
        (
            "X-GitHub-Event: push\r\n",
            "X-GitHub-Event: push\r\nX-GitHub-Event: ping\r\n",
            400,
        ),
        ("Target-Type: integration", "Target-Type: repository", 403),
        ("Target-ID: 77", "Target-ID: 78", 403),
        ("Target-ID: 77", "Target-ID: 077", 403),
        ("X-GitHub-Hook-Installation-Target-ID: 77\r\n", "", 400),
        ("application/json", "application/x-www-form-urlencoded", 400),
        ("POST", "PUT", 405),
        (PATH, "/webhooks/github/", 404),
    ] {
        assert!(text.contains(from), "{from}");
        let status = send(text.replace(from, to).as_bytes());
        assert_eq!(status, expected, "{from} → {to}");
    }
    let broken = Delivery {
        body: b"{\"repository\": 7}".to_vec(),
        ..honest.clone()
    };
    assert_eq!(send(&broken.request(PATH, SECRET)), 400);
    let large = Delivery {
        body: vec![b' '; (5 << 20) + 1],
        ..honest.clone()
    };
    assert_eq!(send(&large.request(PATH, SECRET)), 413);
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(contents(&stage), before);
    assert_eq!(send(&honest.request(PATH, SECRET)), 202);
    wait_for("the request", || (contents(&stage) > before).then_some(()));
}

/// Deliveries of other accounts and repositories, and events that the server does not know, are nothing to it.
#[test]
fn deliveries_of_other_accounts_and_repositories() {
    let stage = ApiStage::with(POLICY, HOURLY);
    let before = contents(&stage);
    let push_of = |repository: &Repository| {
        Delivery::push(&stage.app, stage.installation, repository, "main")
    };
    let strangers = Repository::new(POLICIES, 900, 666);
    let others = Repository::new("acme-org/other", 901, OWNER);
    for delivery in [
        push_of(&strangers),
        push_of(&others),
        push_of(&infra()),
        Delivery::new(&stage.app, "push", &json!({})),
        Delivery::new(&stage.app, "star", &json!({"repository": null})),
        Delivery::new(
            &stage.app,
            "ping",
            &json!({"zen": "Keep it simple", "hook": {"app_id": APP_ID}}),
        ),
    ] {
        let answer = stage.deliver(&delivery);
        assert_eq!(answer.status, 202, "{delivery:?} {answer:?}");
    }
    for body in [json!({}), json!({"repository": null})] {
        let delivery = Delivery::new(&stage.app, "deployment_protection_rule", &body);
        assert_eq!(stage.deliver(&delivery).status, 400, "{delivery:?}");
    }
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(contents(&stage), before);
}

/// The same delivery a hundred times costs GitHub a few requests, and changes nothing.
#[test]
fn replayed_deliveries() {
    let stage = ApiStage::with(POLICY, HOURLY);
    let before = contents(&stage);
    let delivery = push(&stage, POLICIES);
    for _ in 0..100 {
        assert_eq!(stage.deliver(&delivery).status, 202);
    }
    std::thread::sleep(Duration::from_millis(2500));
    let asked = contents(&stage) - before;
    assert!((1..=6).contains(&asked), "{asked}");
    assert_eq!(stage.ask().status, 200);
    assert_eq!(stage.github.requests_to(Endpoint::App).len(), 1);
}

/// Where request lines are those of original requests, a `#` in one ends the connection; one in a body does not.
#[test]
fn deliveries_beside_routes_of_original_requests() {
    let routes =
        "routes:\n  headers: request\n  table: [{ method: GET, path: /a, permission: 'a:b' }]\n";
    let stage = ApiStage::with(POLICY, &format!("{HOURLY}{routes}"));
    let delivery = push(&stage, POLICIES);
    assert!(delivery.body.contains(&b'#'));
    assert_eq!(stage.deliver(&delivery).status, 202);
}

#[test]
fn two_secrets_count_while_they_change() {
    let stage = ApiStage::with(POLICY, HOURLY);
    write_secret(
        &stage.directory,
        "secret",
        &format!("{SECRET}\nthe-next-secret-of-this-app\n"),
    );
    let server = crate::support::Server::start(&stage.directory.path("server.yml"));
    server.wait_until_ready();
    let delivery = push(&stage, POLICIES);
    for (secret, status) in [
        (SECRET, 202),
        ("the-next-secret-of-this-app", 202),
        ("", 401),
        ("the-next-secret-of-this-app\n", 401),
    ] {
        let answer = exchange(&server.address, &delivery.request(PATH, secret));
        assert_eq!(answer.status, status, "{secret:?}");
    }
}

#[test]
fn without_a_secret_there_are_no_webhooks() {
    let stage = Stage::new();
    let app = simulator::github::App::new("gate", APP_ID, "Iv23liGATE");
    let delivery = Delivery::push(&app, 1, &stage.repository, "main");
    let answer = exchange(&stage.server.address, &delivery.request(PATH, SECRET));
    assert_eq!(answer.status, 404);
    let token = stage.token(&stage.deploy());
    assert_eq!(stage.server.ask(DEPLOY, &token).status, 200);
}

/// Strangers who begin deliveries and do not go on.
#[test]
fn a53_strangers_keep_no_delivery_out() {
    let stage = ApiStage::with(POLICY, HOURLY);
    let digits = "0".repeat(64);
    let heads = [
        "Content-Length: 1000\r\n".to_owned(),
        format!(
            "Content-Length: 1000\r\nX-GitHub-Event: push\r\nX-Hub-Signature-256: sha256={digits}\r\n"
        ),
    ];
    let strangers: Vec<_> = heads
        .iter()
        .cycle()
        .take(100)
        .map(|head| {
            let mut stream = TcpStream::connect(&stage.server.address).unwrap();
            let head = format!("POST {PATH} HTTP/1.1\r\nHost: a\r\n{head}\r\n");
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    assert_eq!(stage.deliver(&push(&stage, POLICIES)).status, 202);
    drop(strangers);
}
