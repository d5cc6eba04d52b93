//! Copies of the audit records for an OpenTelemetry collector.

use nix::sys::signal::Signal;
use serde_json::Value;
use simulator::Receiver;
use simulator::github::{Endpoint, Fault, FaultRule};

use crate::support::{DEPLOY, Server, Stage, wait_for};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// A stage, and a second server whose copies go to a collector.
fn started(endpoint: &str) -> (Stage, Server) {
    let stage = Stage::new();
    let config = stage.directory.path("server.yml");
    let server = Server::start_with(&config, &[(ENDPOINT, endpoint)]);
    server.wait_until_ready();
    (stage, server)
}

/// The ids of the records that a collector got.
fn copied(receiver: &Receiver) -> Vec<String> {
    let bodies = receiver.logs().into_iter();
    let bodies =
        bodies.map(|request| serde_json::from_slice::<Value>(&request.request.body).unwrap());
    let id = |record: &Value| {
        let mut attributes = record["attributes"].as_array().unwrap().iter();
        let id = attributes.find(|attribute| attribute["key"] == "cloudevents.event_id");
        id.unwrap()["value"]["stringValue"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let ids = bodies.flat_map(|body| {
        let resource = &body["resourceLogs"][0];
        assert_eq!(resource["resource"]["attributes"][0]["key"], "service.name");
        let name = &resource["resource"]["attributes"][0]["value"]["stringValue"];
        assert_eq!(name, "repo-permissions-server");
        let records = resource["scopeLogs"][0]["logRecords"].as_array().unwrap();
        records.iter().map(id).collect::<Vec<_>>()
    });
    ids.collect()
}

fn ids(records: &[Value]) -> Vec<String> {
    let ids = records
        .iter()
        .map(|record| record["id"].as_str().unwrap().to_owned());
    ids.collect()
}

/// The metric of copies with a result.
fn count(server: &Server, result: &str) -> f64 {
    server.metric(&format!(
        "repo_permissions_audit_copies_total{{result=\"{result}\"}}"
    ))
}

#[test]
fn a_collector_gets_each_record_once() {
    let receiver = Receiver::start(false).unwrap();
    let (stage, mut server) = started(&receiver.otlp_endpoint());
    let token = stage.token(&stage.deploy());
    for permission in [DEPLOY, "ws:nothing:create", DEPLOY] {
        server.ask(permission, &token);
    }
    let records = server.records(3);
    wait_for("the copies", || {
        (copied(&receiver).len() == 3).then_some(())
    });
    assert_eq!(copied(&receiver), ids(&records));
    wait_for("the count", || {
        (count(&server, "sent") == 3.0).then_some(())
    });
    // Those of the last moment come too.
    server.signal(Signal::SIGTERM);
    server.logs("ending");
    server.ask(DEPLOY, &token);
    let (status, lines) = server.end();
    assert_eq!((status.code(), lines.len()), (Some(0), 4));
    assert_eq!(copied(&receiver).len(), 4);
    receiver.assert_nothing_unexpected();
    // Without the variable, nothing is sent.
    stage.server.ask(DEPLOY, &token);
    stage.server.records(1);
    assert_eq!(copied(&receiver).len(), 4);
}

#[test]
fn a_collector_that_fails_changes_no_answer() {
    let receiver = Receiver::start(false).unwrap();
    receiver.add_fault(FaultRule::always(Endpoint::Logs, Fault::status(400, "No")));
    let (stage, server) = started(&receiver.otlp_endpoint());
    let token = stage.token(&stage.deploy());
    assert_eq!(server.ask(DEPLOY, &token).status, 200);
    let why = server.logs("otlp_failing");
    assert!(
        why["why"].as_str().unwrap().starts_with("it answered 400"),
        "{why}"
    );
    wait_for("the count", || {
        (count(&server, "refused") == 1.0).then_some(())
    });
    assert_eq!(server.admin("/readyz").json()["status"], "ready");
    receiver.clear_faults();
    assert_eq!(server.ask(DEPLOY, &token).status, 200);
    server.logs("otlp_recovered");
    assert_eq!(server.records(2).len(), 2);
    wait_for("the count", || {
        (count(&server, "sent") == 1.0).then_some(())
    });
}

/// `.ci/outside/organisation` starts the collector, and looks what it got.
#[test]
#[ignore = "needs a collector: see .ci/outside/organisation"]
fn an_independent_collector_gets_each_record() {
    let variable = |name| std::env::var(name).unwrap();
    let (endpoint, file) = (variable("COLLECTOR_ENDPOINT"), variable("AUDIT_RECORDS"));
    let (stage, mut server) = started(&endpoint);
    let token = stage.token(&stage.deploy());
    for permission in [DEPLOY, "ws:nothing:create", DEPLOY] {
        server.ask(permission, &token);
    }
    server.signal(Signal::SIGTERM);
    let (status, lines) = server.end();
    assert_eq!((status.code(), lines.len()), (Some(0), 3));
    std::fs::write(file, lines.join("\n") + "\n").unwrap();
}

#[test]
fn variables_that_name_no_collector_are_a_warning() {
    let (_stage, server) = started("collector:4318");
    let why = server.logs("otlp_variable_invalid");
    assert!(
        why["why"].as_str().unwrap().contains("is not a URL"),
        "{why}"
    );
}
