//! The copy as OpenTelemetry logs: what the variables say, and what a collector gets.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use simulator::github::{Answer, Endpoint, Fault, FaultRule, RecordedRequest};
use simulator::runner::Signal;
use simulator::{Job, Receiver, StepResult};

use super::{ALLOWED, DENIED, records, warnings};
use crate::support::{POLICY, Stage, WEBHOOK_SECRET as SECRET, after_steps, assert_outcome};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// A stage, and a collector.
struct Scene {
    stage: Stage,
    receiver: Receiver,
}

impl Scene {
    fn new() -> Self {
        let receiver = Receiver::start(false).unwrap();
        let stage = Stage::with_policy(POLICY);
        Self { stage, receiver }
    }

    /// A push with variables of an earlier step.
    fn job(&self, variables: &[(&str, &str)]) -> Job {
        after_steps(self.stage.push(), variables.iter().copied())
    }

    /// With the endpoint for all signals, and other variables.
    fn ask(&self, permission: &str, variables: &[(&str, &str)]) -> StepResult {
        let endpoint = self.receiver.otlp_endpoint();
        let job = self.job(&[&[(ENDPOINT, &*endpoint)], variables].concat());
        self.stage.run(&job, &[("permission", permission)])
    }

    fn only_request(&self) -> RecordedRequest {
        self.receiver.assert_nothing_unexpected();
        let mut requests = self.receiver.logs();
        assert_eq!(requests.len(), 1);
        requests.remove(0)
    }
}

/// `KeyValue`s as a map, with their values as they are in plain JSON.
fn attributes(list: &Value) -> BTreeMap<String, Value> {
    let list = list.as_array().unwrap();
    let pairs = list.iter().map(|pair| {
        let (kind, value) = pair["value"].as_object().unwrap().iter().next().unwrap();
        let value = match kind.as_str() {
            "intValue" => json!(value.as_str().unwrap().parse::<i64>().unwrap()),
            "arrayValue" => {
                let texts = value["values"].as_array().unwrap().iter();
                texts.map(|text| text["stringValue"].clone()).collect()
            }
            _ => value.clone(),
        };
        (pair["key"].as_str().unwrap().to_owned(), value)
    });
    let map: BTreeMap<_, _> = pairs.collect();
    assert_eq!(map.len(), list.len(), "a key twice in {list:?}");
    map
}

fn resource(request: &RecordedRequest) -> BTreeMap<String, Value> {
    attributes(&request.request.json().unwrap()["resourceLogs"][0]["resource"]["attributes"])
}

fn log_records(request: &RecordedRequest) -> Vec<Value> {
    let body = request.request.json().unwrap();
    body["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
        .as_array()
        .unwrap()
        .clone()
}

#[test]
fn all_records_in_one_request() {
    let scene = Scene::new();
    let step = scene.ask(&format!("{ALLOWED}, {DENIED}"), &[]);
    assert_outcome(&scene.stage, &step, "denied", "no_rule_matches");
    assert_eq!(warnings(&step), Vec::<&str>::new());
    let request = scene.only_request();
    assert_eq!(request.request.path, "/v1/logs");
    assert_eq!(
        request.request.header("content-type"),
        Some("application/json")
    );
    assert_eq!(request.request.header("authorization"), None);
    for token in scene.stage.github.minted_tokens() {
        assert!(!format!("{request:?}").contains(&token));
    }
    let written = records(&step.stdout);
    let sent = log_records(&request);
    assert_eq!(sent.len(), 2);
    for ((record, sent), severity) in written.iter().zip(&sent).zip([(9, "INFO"), (13, "WARN")]) {
        assert_eq!(sent["severityNumber"], severity.0);
        assert_eq!(sent["severityText"], severity.1);
        assert_eq!(sent["eventName"], "repo_permissions.check");
        assert_eq!(sent["body"]["stringValue"], record["data"]["message"]);
        let time: jiff::Timestamp = record["time"].as_str().unwrap().parse().unwrap();
        assert_eq!(sent["timeUnixNano"], time.as_nanosecond().to_string());
        let sent = attributes(&sent["attributes"]);
        assert_eq!(sent["cloudevents.event_id"], record["id"]);
        assert_eq!(sent["cloudevents.event_source"], record["source"]);
        assert_eq!(sent["cloudevents.event_type"], record["type"]);
        assert_eq!(sent["cloudevents.event_subject"], record["subject"]);
        // Every field of the record that has a value is there.
        let mut expected = 5;
        let mut open = vec![("repo_permissions".to_owned(), &record["data"])];
        while let Some((key, value)) = open.pop() {
            match value {
                Value::Null => {}
                Value::Object(members) => open.extend(
                    members
                        .iter()
                        .map(|(name, value)| (format!("{key}.{name}"), value)),
                ),
                value => {
                    assert_eq!(sent.get(&key), Some(value), "{key}");
                    expected += 1;
                }
            }
        }
        assert_eq!(sent.len(), expected);
    }
    let url = format!("{}/acme-org/infra", scene.stage.github.server_url());
    let job = scene.stage.push();
    let expected = json!({
        "service.name": "repo-permissions",
        "service.version": env!("CARGO_PKG_VERSION"),
        "cicd.pipeline.name": job.workflow_name,
        "cicd.pipeline.run.id": job.run_id.to_string(),
        "cicd.pipeline.run.url.full": format!("{url}/actions/runs/{}", job.run_id),
        "cicd.pipeline.task.name": job.job_id,
        "vcs.owner.name": "acme-org",
        "vcs.provider.name": "github",
        "vcs.ref.head.name": "main",
        "vcs.ref.head.revision": job.sha.to_string(),
        "vcs.ref.type": "branch",
        "vcs.repository.name": "infra",
        "vcs.repository.url.full": url,
    });
    assert_eq!(json!(resource(&request)), expected);
    let line = format!(
        "\nthe OpenTelemetry endpoint at `{}` accepted 2 audit records\n",
        scene.receiver.address()
    );
    assert!(step.stdout.contains(&line));
}

#[test]
fn an_error_has_its_severity() {
    let scene = Scene::new();
    let endpoint = scene.receiver.otlp_endpoint();
    let job = scene.job(&[(ENDPOINT, &endpoint)]).with_id_token(false);
    let step = scene.stage.run(&job, &[("permission", ALLOWED)]);
    assert_outcome(&scene.stage, &step, "error", "token_unavailable");
    let record = &log_records(&scene.only_request())[0];
    assert_eq!(
        (&record["severityNumber"], &record["severityText"]),
        (&json!(17), &json!("ERROR"))
    );
    assert_eq!(
        attributes(&record["attributes"])["error.type"],
        "token_unavailable"
    );
}

#[test]
fn where_it_is_sent() {
    for (path, logs_path, expected) in [
        ("/", None, Some("/v1/logs")),
        ("/base/", None, Some("/base/v1/logs")),
        ("", Some("/x/v1/logs"), Some("/x/v1/logs")),
        ("/base", Some("/v1/logs"), Some("/v1/logs")),
    ] {
        let scene = Scene::new();
        let base = format!("{}{path}", scene.receiver.otlp_endpoint());
        let logs = logs_path.map(|path| format!("{}{path}", scene.receiver.otlp_endpoint()));
        let logs = logs.as_deref().unwrap_or_default();
        let variables = [
            (ENDPOINT, &*base),
            ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", logs),
        ];
        let step = scene
            .stage
            .run(&scene.job(&variables), &[("permission", ALLOWED)]);
        assert_outcome(&scene.stage, &step, "allowed", "granted");
        let request = (expected.is_some()).then(|| scene.only_request().request.path);
        assert_eq!(request.as_deref(), expected);
    }
}

#[test]
fn what_switches_it_off() {
    for (name, value, told) in [
        ("OTEL_SDK_DISABLED", "True", false),
        ("OTEL_LOGS_EXPORTER", "none", false),
        ("OTEL_LOGS_EXPORTER", "console", false),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", true),
        ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "GRPC", true),
        (
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
            "collector:4318 hidden",
            true,
        ),
        (
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
            "ftp://hidden:hidden@localhost/v1/logs",
            true,
        ),
    ] {
        let scene = Scene::new();
        let step = scene.ask(ALLOWED, &[(name, value)]);
        assert_outcome(&scene.stage, &step, "allowed", "granted");
        assert!(scene.receiver.logs().is_empty(), "{name}");
        let warnings = warnings(&step);
        assert_eq!(warnings.len(), usize::from(told), "{warnings:?}");
        for warning in warnings {
            assert!(warning.contains(&format!("`{name}` is ")), "{warning}");
            assert!(!warning.contains("hidden"), "{warning}");
        }
    }
    for (name, value) in [
        ("OTEL_SDK_DISABLED", "1"),
        ("OTEL_LOGS_EXPORTER", "console, OTLP"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", " "),
    ] {
        let scene = Scene::new();
        let step = scene.ask(ALLOWED, &[(name, value)]);
        assert_eq!(warnings(&step), Vec::<&str>::new(), "{name}");
        scene.only_request();
    }
}

#[test]
fn headers_and_resource() {
    let scene = Scene::new();
    let variables = [
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-of-all=1"),
        (
            "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
            "api-key=hidden%20key%3D, X-Scope-OrgID = acme,content-type=text/plain,\
             content-length=1,transfer-encoding=chunked,host=evil.example,connection=close",
        ),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "service.name=lost,deployment.environment.name=prod%2Ceu,vcs.owner.name=mallory",
        ),
        ("OTEL_SERVICE_NAME", "gate"),
        (
            "TRACEPARENT",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
    ];
    let step = scene.ask(ALLOWED, &variables);
    assert_outcome(&scene.stage, &step, "allowed", "granted");
    assert_eq!(warnings(&step), Vec::<&str>::new());
    assert!(!step.stdout.contains("hidden"));
    let sent = scene.only_request();
    let request = &sent.request;
    assert_eq!(request.header("api-key"), Some("hidden key="));
    assert_eq!(request.header("x-scope-orgid"), Some("acme"));
    assert_eq!(request.header("x-of-all"), None);
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("host"), Some(&*scene.receiver.address()));
    let resource = resource(&sent);
    assert_eq!(resource["service.name"], "gate");
    assert_eq!(resource["deployment.environment.name"], "prod,eu");
    // What is known of the job is not for others to say.
    assert_eq!(resource["vcs.owner.name"], "acme-org");
    let record = &log_records(&sent)[0];
    assert_eq!(record["traceId"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(record["spanId"], "b7ad6b7169203331");
    assert_eq!(record["flags"], 1);
}

#[test]
fn a_variable_that_is_wrong_is_left_out() {
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_HEADERS", "hidden"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a b=hidden"),
        (
            "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
            "a=hidden%0D%0Ainjected: hidden",
        ),
        ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "a=hidden%FF"),
        ("OTEL_RESOURCE_ATTRIBUTES", "hidden"),
        ("OTEL_RESOURCE_ATTRIBUTES", "=hidden"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
        ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "-1"),
    ] {
        let scene = Scene::new();
        let step = scene.ask(ALLOWED, &[(name, value)]);
        assert_outcome(&scene.stage, &step, "allowed", "granted");
        let [warning] = warnings(&step)[..] else {
            panic!("{name}={value}: {}", step.stdout)
        };
        let start = format!("`{name}` is ignored: ");
        assert!(warning.starts_with(&start), "{warning}");
        assert!(!step.stdout.contains("hidden"), "{}", step.stdout);
        let request = scene.only_request();
        assert_eq!(request.request.header("injected"), None);
    }
    let scene = Scene::new();
    let variables = [
        ("TRACEPARENT", "00-none"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
    ];
    let step = scene.ask(ALLOWED, &variables);
    assert_eq!(warnings(&step), Vec::<&str>::new());
    assert_eq!(log_records(&scene.only_request())[0].get("traceId"), None);
}

#[test]
fn what_is_sent_again() {
    for (fault, again) in [
        (Fault::Reset, true),
        (Fault::Garbage, true),
        (Fault::too_many_requests(1), true),
        (Fault::status(502, "x"), true),
        (Fault::status(503, "x"), true),
        (Fault::status(504, "x"), true),
        (Fault::status(400, "not valid"), false),
        (Fault::status(401, "not valid"), false),
        (Fault::status(403, "not valid"), false),
        (Fault::status(500, "not valid"), false),
        (Fault::RedirectElsewhere(302), false),
        (Fault::Huge(1 << 20), false),
    ] {
        let scene = Scene::new();
        scene
            .receiver
            .add_fault(FaultRule::first(Endpoint::Logs, 2, fault.clone()));
        let step = scene.ask(ALLOWED, &[]);
        assert_outcome(&scene.stage, &step, "allowed", "granted");
        scene.receiver.assert_nothing_unexpected();
        let requests = scene.receiver.logs();
        assert_eq!(requests.len(), if again { 3 } else { 1 }, "{fault:?}");
        let ids = |request: &RecordedRequest| {
            attributes(&log_records(request)[0]["attributes"])["cloudevents.event_id"].clone()
        };
        assert!(
            requests
                .iter()
                .all(|request| ids(request) == ids(&requests[0]))
        );
        let warnings = warnings(&step);
        assert_eq!(warnings.is_empty(), again, "{fault:?}: {warnings:?}");
        if matches!(&fault, Fault::Answer(answer) if answer.status == 400) {
            assert_eq!(
                warnings[0],
                format!(
                    "the OpenTelemetry endpoint at `{}` did not accept the audit record, which is in this log: \
                     it answered 400 (not valid) to OTLP in JSON",
                    scene.receiver.address()
                )
            );
        }
    }
}

#[test]
fn a_partial_success_is_reported_and_not_sent_again() {
    for (answer, told) in [
        (
            json!({"partialSuccess": {"rejectedLogRecords": "1", "errorMessage": "too old"}}),
            Some("1 of 2"),
        ),
        (
            json!({"partialSuccess": {"rejectedLogRecords": 7, "errorMessage": "too old"}}),
            Some("2 of 2"),
        ),
        (json!({"partialSuccess": {"errorMessage": "too old"}}), None),
    ] {
        let scene = Scene::new();
        let fault = Fault::Answer(Answer::json(200, &answer));
        scene
            .receiver
            .add_fault(FaultRule::always(Endpoint::Logs, fault));
        let step = scene.ask(&format!("{ALLOWED}, {DENIED}"), &[]);
        assert_outcome(&scene.stage, &step, "denied", "no_rule_matches");
        scene.only_request();
        assert!(step.stdout.contains("too old"), "{}", step.stdout);
        match (told, &warnings(&step)[..]) {
            (Some(count), [warning]) => assert!(warning.contains(count), "{warning}"),
            (None, []) => {}
            (_, warnings) => panic!("{warnings:?}"),
        }
    }
}

#[test]
fn a_collector_that_never_answers_holds_the_step_up_by_its_timeout() {
    let scene = Scene::new();
    scene
        .receiver
        .add_fault(FaultRule::always(Endpoint::Logs, Fault::Stall));
    let step = scene.ask(ALLOWED, &[("OTEL_EXPORTER_OTLP_TIMEOUT", "1500")]);
    assert_outcome(&scene.stage, &step, "allowed", "granted");
    assert_eq!(warnings(&step).len(), 1);
    let took = step.duration.as_secs_f64();
    assert!((1.5..2.4).contains(&took), "{took}");
}

/// Two receivers, of which one fails, and both at the end of a step that is cancelled.
#[test]
fn each_receiver_is_on_its_own() {
    for (endpoint, failing) in [
        (Endpoint::Webhook, "the webhook at"),
        (Endpoint::Logs, "the OpenTelemetry endpoint at"),
    ] {
        let scene = Scene::new();
        scene
            .receiver
            .add_fault(FaultRule::always(endpoint, Fault::status(404, "x")));
        let url = scene.receiver.webhook_url("x");
        let job = scene.job(&[(ENDPOINT, &scene.receiver.otlp_endpoint())]);
        let inputs = [
            ("permission", ALLOWED),
            ("audit-webhook", &url),
            ("audit-webhook-secret", SECRET),
        ];
        let step = scene.stage.run(&job, &inputs);
        assert_outcome(&scene.stage, &step, "allowed", "granted");
        let [warning] = warnings(&step)[..] else {
            panic!("{}", step.stdout)
        };
        assert!(warning.starts_with(failing), "{warning}");
        let status = |requests: Vec<RecordedRequest>| requests[0].status.unwrap();
        let statuses = (
            status(scene.receiver.webhooks()),
            status(scene.receiver.logs()),
        );
        assert_eq!(
            statuses,
            if endpoint == Endpoint::Webhook {
                (404, 200)
            } else {
                (204, 404)
            }
        );
    }
    let scene = Scene::new();
    scene
        .stage
        .github
        .add_fault(FaultRule::always(Endpoint::Contents, Fault::Stall));
    let runner = scene.stage.runner.clone();
    let runner = runner.signal_after(Signal::Terminate, Duration::from_millis(700));
    let url = scene.receiver.webhook_url("x");
    let job = scene.job(&[(ENDPOINT, &scene.receiver.otlp_endpoint())]);
    let inputs = [
        ("permission", ALLOWED),
        ("audit-webhook", &url),
        ("audit-webhook-secret", SECRET),
    ];
    let step = runner.run(&scene.stage.github, &job, &inputs).unwrap();
    assert_outcome(&scene.stage, &step, "error", "cancelled");
    assert_eq!(
        (scene.receiver.webhooks().len(), scene.receiver.logs().len()),
        (1, 1)
    );
}
