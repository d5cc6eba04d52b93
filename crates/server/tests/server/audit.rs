//! Audit records: those of the action, made by the server.

use std::io::Read as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use clap::Parser as _;
use serde_json::Value;

use crate::support::schema::Schema;
use crate::support::{DEPLOY, POLICY, Server, Stage, command, evaluation, wait_for};

const SCHEMA: &str = include_str!("../../../../schema/repo-permissions-audit.schema.json");

#[test]
fn records_are_valid_and_their_decisions_can_be_repeated() {
    let stage = Stage::with(POLICY, "detail: none\n");
    let token = stage.token(&stage.deploy());
    assert_eq!(stage.server.ask(DEPLOY, &token).status, 200);
    let denied = stage.token(&stage.deploy().with_environment("staging"));
    assert_eq!(stage.server.ask(DEPLOY, &denied).status, 403);
    assert_eq!(stage.server.ask("ws:nothing:create", &denied).status, 403);
    let records = stage.server.records(3);
    let schema = Schema::new(SCHEMA);
    for record in &records {
        assert!(schema.is_valid(record), "{record:#}");
        assert_eq!(record["data"]["enforced_by"], "request");
        assert_eq!(record["data"]["workspace"], "acme");
        let source = format!("{}/acme-org/infra", stage.github.server_url());
        assert_eq!(record["source"], source);
        let text = record.to_string();
        assert!(!text.contains(&token) && !text.contains(&denied), "{text}");
    }
    let [allowed, denied, unknown] = &records[..] else {
        panic!("{records:?}")
    };
    assert_eq!(allowed["data"]["rule"]["name"], "production deploys");
    assert_eq!(
        denied["data"]["nearest"]["failed"],
        serde_json::json!(["environment"])
    );
    assert_eq!(unknown["subject"], "ws:nothing:create");
    assert_eq!(
        allowed["data"]["token"]["sha256"],
        analysis::sha256(token.as_bytes())
    );
    // The tool for auditors decides each of them again.
    let log = stage.directory.path("audit.jsonl");
    std::fs::write(&log, stage.server.audit().join("\n")).unwrap();
    let policy = stage.directory.path("policy.yml");
    let verify = |policy: &std::path::Path| {
        let words = [
            "repo-permissions",
            "audit",
            "verify",
            "--strict",
            "--policy",
        ];
        let files = [policy.as_os_str(), log.as_os_str()];
        let arguments = words.into_iter().map(std::ffi::OsStr::new).chain(files);
        cli::Cli::parse_from(arguments).run()
    };
    assert_eq!(verify(&policy), 0);
    let forged = stage
        .server
        .audit()
        .join("\n")
        .replace("environment\":\"staging", "environment\":\"production");
    std::fs::write(&log, forged).unwrap();
    assert_eq!(verify(&policy), 1);
}

/// A log that nobody reads: decisions without a record are none.
#[test]
fn a_full_audit_log_denies() {
    let stage = Stage::new();
    let mut child = command(&stage.directory.path("server.yml"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let err = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut lines = std::io::BufRead::lines(err).map_while(Result::ok);
    let mut address = |key: &str| {
        let is_it = |line: &Value| line["event"] == "listening" && line["for"] == key;
        let mut parsed = lines
            .by_ref()
            .map(|line| serde_json::from_str(&line).unwrap());
        parsed.find(is_it).unwrap()["address"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (listen, admin) = (address("listen"), address("admin"));
    let ready = || {
        let request = b"GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let answer = crate::support::http::exchange(&admin, request);
        (
            answer.status,
            answer.json()["audit"].as_str().unwrap().to_owned(),
        )
    };
    let token = stage.token(&stage.deploy());
    let request = format!(
        "GET /v1/forward-auth/{DEPLOY} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    let ask = || crate::support::http::exchange(&listen, request.as_bytes());
    wait_for("the keys", || (ask().status == 200).then_some(()));
    // As fast as it goes: the queue has a thousand places.
    let until = Instant::now() + Duration::from_secs(120);
    let full = std::iter::repeat_with(ask).find(|answer| {
        assert!(Instant::now() < until, "the full log did not come");
        answer.status != 200
    });
    let answer = full.unwrap();
    assert_eq!((answer.status, answer.reason()), (503, ""));
    assert_eq!(answer.json()["type"], "about:blank");
    assert_eq!(ready(), (503, "full".to_owned()));
    // A list that finds no place for its records is not answered in part.
    let mut list = evaluation(DEPLOY, &token);
    list["evaluations"] = vec![serde_json::json!({}); 50].into();
    let list = list.to_string();
    let head = "POST /access/v1/evaluations HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json";
    let list = format!("{head}\r\nContent-Length: {}\r\n\r\n{list}", list.len());
    let answer = crate::support::http::exchange(&listen, list.as_bytes());
    assert_eq!((answer.status, answer.reason()), (503, ""));
    // Somebody reads again.
    let mut out = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        _ = out.read_to_string(&mut text);
        text
    });
    wait_for("the recovery", || (ask().status == 200).then_some(()));
    assert_eq!(ready(), (200, "current".to_owned()));
    let id = nix::unistd::Pid::from_raw(child.id().try_into().unwrap());
    nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let text = reader.join().unwrap();
    let whole = text
        .lines()
        .filter(|line| serde_json::from_str::<Value>(line).is_ok());
    assert!(whole.count() > 1000);
}

/// Without anybody who reads its records, a server can only refuse: it ends, so that a supervisor starts another one.
#[test]
fn a_log_that_nobody_can_read_ends_the_server() {
    let stage = Stage::new();
    let token = stage.token(&stage.deploy());
    let mut server = Server::start_unread(&stage.directory.path("server.yml"));
    server.wait_until_ready();
    server.close_records();
    // The record of the first request finds that out.
    wait_for("the refusal", || {
        (server.ask(DEPLOY, &token).status == 503).then_some(())
    });
    let ready = server.admin("/readyz").json();
    assert_eq!(
        (&ready["audit"], &ready["status"]),
        (&"broken".into(), &"ending".into())
    );
    let (status, _) = server.end();
    assert_eq!(status.code(), Some(2));
    for part in ["audit_broken", "the audit records cannot be written"] {
        assert!(server.said().contains(part), "{part}");
    }
}
