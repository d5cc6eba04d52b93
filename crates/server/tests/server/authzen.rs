//! AuthZEN's Authorization API: its form, and that it decides as forward-auth does.
//!
//! The tests of the form follow the certification scenario of the Authorization API 1.0 (levels Basic, Batch and
//! Discovery), with jobs for its users.

use serde_json::{Value, json};
use simulator::github::{Endpoint, Fault, FaultRule, TokenRecipe};
use simulator::{GitHub, Job};

use crate::support::http::{Answer, exchange};
use crate::support::schema::Schema;
use crate::support::{DEPLOY, OWNER, POLICY, Server, Stage, bearer, configuration, evaluation};

const ONE: &str = "/access/v1/evaluation";
const SEVERAL: &str = "/access/v1/evaluations";
const RECORDS: &str = include_str!("../../../../schema/repo-permissions-audit.schema.json");

/// What was decided, and why.
#[track_caller]
fn decided(answer: &Answer) -> (bool, String) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    of(&answer.json())
}

#[track_caller]
fn of(evaluated: &Value) -> (bool, String) {
    let reason = evaluated["context"]["reason"].as_str().unwrap_or_default();
    (evaluated["decision"].as_bool().unwrap(), reason.to_owned())
}

#[track_caller]
fn all_decided(answer: &Answer) -> Vec<bool> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = answer.json();
    assert_eq!(answer.get("decision"), None);
    let all = answer["evaluations"].as_array().unwrap().iter();
    all.map(|one| one["decision"].as_bool().unwrap()).collect()
}

/// The stage with a job that may deploy, and one that may not.
fn two_jobs(more: &str) -> (Stage, String, String) {
    let stage = Stage::with(POLICY, more);
    let may = stage.token(&stage.deploy());
    let may_not = stage.token(&stage.deploy().with_environment("staging"));
    (stage, may, may_not)
}

#[test]
fn an_answer_is_a_boolean_with_its_reason() {
    let (stage, may, may_not) = two_jobs("");
    let granted = stage.server.evaluate(DEPLOY, &may);
    assert_eq!(decided(&granted), (true, "granted".to_owned()));
    let context = &granted.json()["context"];
    assert_eq!(
        (&context["status"], &context["permission"]),
        (&json!(200), &json!(DEPLOY))
    );
    assert_eq!(context["rule"], json!({"line": 6, "name": null}));
    assert_eq!(context["job"]["repository"], "acme-org/infra");
    assert_eq!(context["job"]["environment"], "production");
    let denied = stage.server.evaluate(DEPLOY, &may_not);
    assert_eq!(decided(&denied), (false, "no_rule_matches".to_owned()));
    let context = &denied.json()["context"];
    assert_eq!(context["status"], 403);
    let message = "`ws:deployments:create` is denied: no rule matches this job in all of workflow, branch, environment, claims, event and expiry";
    assert_eq!(context["message"], message);
    for secret in ["nearest", "trace", "policy", "error"] {
        assert_eq!(context.get(secret), None, "{secret}");
    }
    let stranger = stage.token_with(&[("repository_owner_id", json!("99"))]);
    let stranger = stage.server.evaluate(DEPLOY, &stranger);
    assert_eq!(
        decided(&stranger),
        (false, "repository_not_found".to_owned())
    );
    assert_eq!(stranger.json()["context"].get("job"), None);
    let unknown = stage.server.evaluate("ws:nothing:create", &may);
    assert_eq!(
        decided(&unknown),
        (false, "permission_not_granted".to_owned())
    );
    for name in [
        "",
        "*",
        "Deployments Create",
        "WS:DEPLOYMENTS:CREATE",
        "ws:deployments:create ",
    ] {
        let answer = decided(&stage.server.evaluate(name, &may));
        assert_eq!(answer, (false, "input_invalid".to_owned()), "{name}");
    }
    // A stranger's and an invalid request leave no record.
    assert_eq!(stage.server.records(3).len(), 3);
}

#[test]
fn detail_says_how_much_of_the_policy_is_shown() {
    let (stage, may, may_not) = two_jobs("detail: full\n");
    let context = stage.server.evaluate(DEPLOY, &may_not).json()["context"].take();
    assert_eq!(context["nearest"]["failed"], json!(["environment"]));
    assert_eq!(context["trace"][0]["name"], "production deploys");
    assert_eq!(context["trace"][0]["dimensions"][2]["value"], "staging");
    let file = context["policy"]["source"].as_str().unwrap();
    assert!(file.ends_with("policy.yml"), "{file}");
    let message = context["message"].as_str().unwrap();
    assert!(
        message.contains("needs environment `production`"),
        "{message}"
    );
    let context = stage.server.evaluate(DEPLOY, &may).json()["context"].take();
    assert_eq!(
        context["rule"],
        json!({"line": 6, "name": "production deploys"})
    );
    drop(stage);
    let (stage, may, may_not) = two_jobs("detail: none\n");
    for (token, decision) in [(may, true), (may_not, false)] {
        let mut answer = stage.server.evaluate(DEPLOY, &token).json();
        assert_eq!(answer["decision"], decision);
        let context = answer["context"].as_object_mut().unwrap();
        let message = context["message"].take();
        assert!(message.as_str().unwrap().ends_with(match decision {
            true => "is allowed",
            false => "is denied",
        }));
        let names: Vec<_> = context.keys().map(String::as_str).collect();
        assert_eq!(names, ["message", "permission", "reason", "status"]);
    }
}

#[test]
fn an_invalid_token_is_denied_and_not_an_error() {
    let stage = Stage::new();
    let token = |recipe: TokenRecipe| {
        stage.github.set_token(recipe);
        stage.token(&stage.deploy())
    };
    let forged = TokenRecipe::new().signature(simulator::github::Signature::Rs256(
        simulator::github::TestKey::Attacker,
    ));
    let other = |audience| stage.github.mint_token(stage.deploy().claims(), audience);
    let valid = token(TokenRecipe::new());
    for (name, token) in [
        ("nothing", String::new()),
        ("not a token", "alice".to_owned()),
        ("a space", format!("{valid} ")),
        ("two", format!("{valid},{valid}")),
        ("too long", "a".repeat(32 * 1024 + 1)),
        ("forged", token(forged)),
        ("expired", token(TokenRecipe::new().shifted(-3600))),
        ("another audience", other("https://other.example").unwrap()),
    ] {
        let answer = stage.server.evaluate(DEPLOY, &token);
        assert_eq!(
            decided(&answer),
            (false, "token_invalid".to_owned()),
            "{name}"
        );
        assert_eq!(answer.json()["context"]["status"], 401, "{name}");
    }
    for kind in ["user", "", "GITHUB_ACTIONS_JOB", "repository"] {
        let mut request = evaluation(DEPLOY, &valid);
        request["subject"]["type"] = json!(kind);
        let answer = stage.server.post(ONE, &request.to_string(), &[]);
        assert_eq!(
            decided(&answer),
            (false, "token_unavailable".to_owned()),
            "{kind}"
        );
        let message = answer.json()["context"]["message"].take();
        assert!(
            message.as_str().unwrap().contains("github_actions_job"),
            "{message}"
        );
    }
    assert_eq!(
        decided(&stage.server.evaluate(DEPLOY, &valid)),
        (true, "granted".to_owned())
    );
    assert_eq!(stage.server.records(1).len(), 1);
}

#[test]
fn what_a_request_claims_beside_its_token_does_not_count() {
    let (stage, may, may_not) = two_jobs("");
    for (token, decision) in [(&may, true), (&may_not, false)] {
        let mut request = evaluation(DEPLOY, token);
        request["subject"]["properties"] = json!({"environment": "production", "branch": "main"});
        request["context"] = json!({"environment": "production"});
        request["resource"]["properties"] = json!({"environment": "production"});
        // The header authenticates the one who asks, if anybody looks at it.
        let headers = [bearer(&may)];
        let answer = stage.server.post(ONE, &request.to_string(), &headers);
        assert_eq!(decided(&answer).0, decision);
    }
}

#[test]
fn a_repository_has_to_be_the_tokens_own() {
    let (stage, may, _) = two_jobs("");
    let ask = |kind: &str, id: &str| {
        let mut request = evaluation(DEPLOY, &may);
        request["resource"] = json!({"type": kind, "id": id});
        stage.server.post(ONE, &request.to_string(), &[])
    };
    for id in ["acme-org/infra", "ACME-org/Infra", "123"] {
        assert_eq!(
            decided(&ask("repository", id)),
            (true, "granted".to_owned())
        );
    }
    assert!(decided(&ask("stack", "acme-org/other")).0);
    for id in ["acme-org/other", "acme-org/infra/", "infra", "124", "*", ""] {
        let answer = ask("repository", id);
        assert_eq!(
            decided(&answer),
            (false, "token_mismatch".to_owned()),
            "{id}"
        );
    }
    let records = stage.server.records(10);
    let schema = Schema::new(RECORDS);
    for record in &records {
        assert!(schema.is_valid(record), "{record:#}");
    }
    assert_eq!(
        records[0]["data"]["resource"],
        json!({"type": "repository", "id": "acme-org/infra"})
    );
    assert_eq!(records[4]["data"]["reason"], "token_mismatch");
    assert_eq!(
        records[4]["data"]["resource"],
        json!({"type": "repository", "id": "acme-org/other"})
    );
}

#[test]
fn a_resource_is_in_the_record_as_it_was_sent() {
    let (stage, may, _) = two_jobs("");
    let resource = json!({"type": "stack", "id": "plat-ue1\n\u{202e}::set-output", "properties": {"a": ["é", 1]}});
    let mut request = evaluation(DEPLOY, &may);
    request["resource"] = resource.clone();
    request["resource"]["more"] = json!("is not kept");
    assert!(decided(&stage.server.post(ONE, &request.to_string(), &[])).0);
    let record = stage.server.records(1).remove(0);
    assert_eq!(record["data"]["resource"], resource);
    let line = stage.server.audit().remove(0);
    assert!(line.is_ascii() || !line.contains('\u{202e}'), "{line}");
    assert_eq!(stage.server.ask(DEPLOY, &may).status, 200);
    assert_eq!(stage.server.records(2)[1]["data"].get("resource"), None);
}

#[test]
fn a_list_is_answered_in_its_order() {
    let (stage, may, may_not) = two_jobs("");
    let request = |subject: &str, list: Value, semantic: Option<&str>| {
        let mut request = evaluation(DEPLOY, subject);
        request["evaluations"] = list;
        if let Some(semantic) = semantic {
            request["options"] = json!({"evaluations_semantic": semantic});
        }
        stage.server.post(SEVERAL, &request.to_string(), &[])
    };
    let of_may_not = json!({"subject": {"type": "github_actions_job", "id": may_not}});
    let nothing = json!({"action": {"name": "ws:nothing:create"}});
    let list =
        json!([{}, nothing, {"action": {"name": "ws:locks:create"}}, of_may_not, {"resource": 1}]);
    let answer = request(&may, list.clone(), None);
    assert_eq!(all_decided(&answer), [true, false, true, false, false]);
    let contexts: Vec<Value> = (0..5)
        .map(|index| answer.json()["evaluations"][index]["context"].take())
        .collect();
    assert_eq!(contexts[2]["permission"], "ws:locks:create");
    assert_eq!(contexts[3]["reason"], "no_rule_matches");
    assert_eq!(
        contexts[4]["error"],
        json!({"status": 400, "message": "`resource` is a number, expected an object"})
    );
    for (semantic, expected) in [
        ("execute_all", &[true, false, true, false, false][..]),
        ("deny_on_first_deny", &[true, false]),
        ("permit_on_first_permit", &[true]),
    ] {
        let answer = request(&may, list.clone(), Some(semantic));
        assert_eq!(all_decided(&answer), expected, "{semantic}");
    }
    let answer = request(
        &may_not,
        json!([{}, {"action": {"name": "ws:locks:create"}}, {}]),
        Some("permit_on_first_permit"),
    );
    assert_eq!(all_decided(&answer), [false, true]);
    // What was not evaluated has no record.
    let count = stage.server.records(4 + 4 + 2 + 1 + 2).len();
    assert_eq!(count, 13);
}

#[test]
fn a_list_needs_one_verification_for_a_token() {
    let (stage, may, _) = two_jobs("");
    let mut request = evaluation(DEPLOY, &may);
    request["evaluations"] = vec![json!({}); 50].into();
    let answer = stage.server.post(SEVERAL, &request.to_string(), &[]);
    assert_eq!(all_decided(&answer), [true; 50]);
    let records = stage.server.records(50);
    // The token is in the request once, and no record repeats it.
    assert!(
        records
            .iter()
            .all(|record| !record.to_string().contains(&may))
    );
    let mut ids: Vec<_> = records
        .iter()
        .map(|record| record["id"].to_string())
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 50);
    request["evaluations"] = vec![json!({}); 51].into();
    let answer = stage.server.post(SEVERAL, &request.to_string(), &[]);
    assert_eq!(answer.status, 400, "{answer:?}");
    let granted = stage
        .server
        .metric("repo_permissions_answers_total{status=\"200\",reason=\"granted\"}");
    assert!((granted - 50.0).abs() < 0.1, "{granted}");
}

#[test]
fn what_nobody_can_decide_is_503() {
    let unready = |policy: &str| {
        let stage = Stage::unready(GitHub::start().unwrap(), policy, "");
        crate::support::wait_for("the keys", || {
            (stage.server.admin("/readyz").json()["keys"] == "current").then_some(())
        });
        stage
    };
    let stage = unready("version: 2\n");
    let token = stage.token(&stage.deploy());
    let several = |stage: &Stage, token: &str, list: Value| {
        let mut request = evaluation(DEPLOY, token);
        request["evaluations"] = list;
        stage.server.post(SEVERAL, &request.to_string(), &[])
    };
    let one = stage.server.evaluate(DEPLOY, &token);
    for answer in [one, several(&stage, &token, json!([{}, {}]))] {
        assert_eq!((answer.status, answer.reason()), (503, "policy_invalid"));
        assert_eq!(answer.header("retry-after"), Some("5"));
    }
    // What can be decided without the policy is.
    let answer = several(
        &stage,
        &token,
        json!([{}, {"subject": {"type": "user", "id": "alice"}}]),
    );
    assert_eq!(all_decided(&answer), [false, false]);
    let context = answer.json()["evaluations"][0]["context"].take();
    assert_eq!(context["reason"], "policy_invalid");
    assert_eq!(context["error"]["status"], 503);
    drop(stage);
    // A pattern that is wrong concerns the permission that needs it.
    let policy = POLICY.replace(
        "branch: main\n        environment",
        "branch: '('\n        environment",
    );
    let stage = Stage::with(&policy, "");
    let token = stage.token(&stage.deploy());
    assert_eq!(stage.server.evaluate(DEPLOY, &token).status, 503);
    let answer = several(
        &stage,
        &token,
        json!([{}, {"action": {"name": "ws:locks:create"}}]),
    );
    assert_eq!(all_decided(&answer), [false, true]);
    drop(stage);
    // Without keys.
    let github = GitHub::start().unwrap();
    github.add_fault(FaultRule::always(
        Endpoint::Keys,
        Fault::status(500, "down"),
    ));
    let stage = Stage::unready(github, POLICY, "");
    let token = stage.token(&stage.deploy());
    let answer = stage.server.evaluate(DEPLOY, &token);
    assert_eq!((answer.status, answer.reason()), (503, "token_unavailable"));
}

/// The certification scenario, sections 2.2.3 to 2.6: what a request may contain, and what it has to.
#[test]
fn certification_basic() {
    let (stage, may, may_not) = two_jobs("");
    let post = |request: &Value| stage.server.post(ONE, &request.to_string(), &[]);
    let whole = evaluation(DEPLOY, &may);
    assert!(decided(&post(&whole)).0);
    assert!(!decided(&post(&evaluation(DEPLOY, &may_not))).0);
    for (pointer, value) in [
        (
            "/context",
            json!({"time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1"}),
        ),
        ("/subject/properties", json!({"department": "Sales"})),
        ("/action/properties", json!({"method": "GET"})),
        ("/resource/properties", json!({"status": "active"})),
        ("/foo", json!("bar")),
        ("/futureField", json!({"nested": true})),
    ] {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let mut request = whole.clone();
        request.pointer_mut(parent).unwrap()[name] = value;
        assert!(decided(&post(&request)).0, "{pointer}");
    }
    for pointer in [
        "/subject",
        "/action",
        "/resource",
        "/subject/type",
        "/subject/id",
        "/action/name",
        "/resource/type",
        "/resource/id",
    ] {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let mut missing = whole.clone();
        let members = missing.pointer_mut(parent).unwrap().as_object_mut();
        members.unwrap().remove(name);
        let mut wrong = whole.clone();
        wrong.pointer_mut(parent).unwrap()[name] = json!(123);
        for request in [missing, wrong] {
            let answer = post(&request);
            assert_eq!(
                (answer.status, answer.header("content-type")),
                (400, Some("application/problem+json"))
            );
            let detail = answer.json()["detail"].take();
            let name = pointer.trim_start_matches('/').replace('/', ".");
            assert!(detail.as_str().unwrap().contains(&name), "{detail}");
        }
    }
    let id = ["X-Request-ID: bfe9eb29-ab87-4ca3-be83-a1d5d8305716".to_owned()];
    let answer = stage.server.post(ONE, &whole.to_string(), &id);
    assert_eq!(
        answer.header("x-request-id"),
        Some("bfe9eb29-ab87-4ca3-be83-a1d5d8305716")
    );
    let answer = stage.server.post(ONE, "{", &id);
    assert_eq!(answer.status, 400);
    assert!(answer.header("x-request-id").is_some());
    let again: Vec<_> = (0..5).map(|_| decided(&post(&whole))).collect();
    assert!(again.iter().all(|answer| *answer == again[0]));
}

/// Sections 3.2 to 3.4: lists, their defaults and their errors.
#[test]
fn certification_batch() {
    let (stage, may, may_not) = two_jobs("");
    let post = |request: &Value| stage.server.post(SEVERAL, &request.to_string(), &[]);
    let (job, deploy) = (
        |token: &str| json!({"type": "github_actions_job", "id": token}),
        json!({"name": DEPLOY}),
    );
    let record = |id: &str| json!({"type": "record", "id": id});
    let answer = post(&json!({
        "subject": job(&may), "action": deploy,
        "evaluations": [{"resource": record("record-1")}, {"resource": record("record-2")}],
    }));
    assert_eq!(all_decided(&answer), [true, true]);
    let answer = post(&json!({
        "subject": job(&may_not), "resource": record("record-1"),
        "evaluations": [{"action": {"name": "ws:locks:create"}}, {"action": deploy}],
    }));
    assert_eq!(all_decided(&answer), [true, false]);
    let answer = post(&json!({"evaluations": [
        {"subject": job(&may), "action": deploy, "resource": record("record-1")},
        {"subject": job(&may_not), "action": deploy, "resource": record("record-1")},
    ]}));
    assert_eq!(all_decided(&answer), [true, false]);
    let answer = post(&json!({
        "subject": job(&may), "action": deploy, "context": {"time": "2025-06-27T18:03-07:00"},
        "evaluations": [
            {"resource": record("record-1")},
            {"resource": record("record-2"), "context": {"source": "batch-override"}},
        ],
    }));
    assert_eq!(all_decided(&answer), [true, true]);
    let answer = post(&json!({
        "subject": job(&may), "action": deploy, "resource": {"type": "record"},
        "evaluations": [{"resource": {"id": "record-1", "properties": {"status": "active"}}}, {}],
    }));
    assert_eq!(all_decided(&answer), [true, false]);
    let mut single = evaluation(DEPLOY, &may);
    assert!(decided(&post(&single)).0);
    single["evaluations"] = json!([]);
    assert!(decided(&post(&single)).0);
}

/// Section 6: the metadata.
#[test]
fn certification_discovery() {
    let stage = Stage::new();
    let target = "/.well-known/authzen-configuration";
    let answer = stage.server.send("GET", target, &[]);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(
        answer.json(),
        json!({
            "policy_decision_point": "https://deploy.acme.example",
            "access_evaluation_endpoint": "https://deploy.acme.example/access/v1/evaluation",
            "access_evaluations_endpoint": "https://deploy.acme.example/access/v1/evaluations",
        })
    );
    let github = GitHub::start().unwrap();
    let directory = crate::support::Directory::new();
    directory.write("policy.yml", POLICY);
    let text = configuration(&github, "").replace("audience: https://", "audience: urn:");
    directory.write("server.yml", text);
    let server = Server::start(&directory.path("server.yml"));
    assert_eq!(server.send("GET", target, &[]).status, 404);
}

#[test]
fn requests_that_can_be_read_in_two_ways_are_refused() {
    let (stage, may, may_not) = two_jobs("");
    let whole = evaluation(DEPLOY, &may).to_string();
    let subject =
        |token: &str| format!("\"subject\":{{\"id\":\"{token}\",\"type\":\"github_actions_job\"}}");
    let honest = |body: &str| decided(&stage.server.post(ONE, body, &[])).0;
    assert!(honest(&whole));
    let twice = whole.replace(
        &subject(&may),
        &format!("{},{}", subject(&may_not), subject(&may)),
    );
    let id_twice = whole.replace(
        &format!("\"id\":\"{may}\""),
        &format!("\"id\":\"{may_not}\",\"id\":\"{may}\""),
    );
    let escaped = whole.replace(
        "\"action\"",
        "\"action\":{\"name\":\"a:b\"},\"\\u0061ction\"",
    );
    for (name, body) in [
        ("a subject twice", twice),
        ("an id twice", id_twice),
        ("an action twice, escaped", escaped),
        ("a second document", format!("{whole}{whole}")),
        ("a byte order mark", format!("\u{feff}{whole}")),
        ("nothing", String::new()),
        ("a list", format!("[{whole}]")),
        ("a form", "subject=alice".to_owned()),
        ("half", whole[..whole.len() - 1].to_owned()),
        ("deep", "[".repeat(30_000)),
    ] {
        assert_ne!(body, whole, "{name}");
        for target in [ONE, SEVERAL] {
            let answer = stage.server.post(target, &body, &[]);
            assert_eq!(answer.status, 400, "{name}: {answer:?}");
        }
    }
    let large = format!("{whole}{}", " ".repeat(64 << 10));
    assert_eq!(stage.server.post(ONE, &large, &[]).status, 413);
    let send = |head: &str, body: &str| {
        let request = format!(
            "{head}\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        exchange(&stage.server.address, request.as_bytes())
    };
    for kind in [
        "",
        "\r\nContent-Type: text/plain",
        "\r\nContent-Type: application/jsonp",
        "\r\nContent-Type: application/x-www-form-urlencoded",
        "\r\nContent-Type: application/json\r\nContent-Type: text/plain",
    ] {
        let answer = send(&format!("POST {ONE} HTTP/1.1{kind}"), &whole);
        assert_eq!(answer.status, 400, "{kind}");
    }
    let json = "\r\nContent-Type: Application/JSON; charset=utf-8";
    assert!(decided(&send(&format!("POST {ONE} HTTP/1.1{json}"), &whole)).0);
    for method in ["GET", "PUT", "OPTIONS", "DELETE"] {
        let answer = send(&format!("{method} {ONE} HTTP/1.1{json}"), &whole);
        assert_eq!(answer.status, 405, "{method}");
    }
    for target in [
        "/access/v1/evaluation/",
        "/access/v1/search/subject",
        "/access/v1",
    ] {
        let answer = stage.server.post(target, &whole, &[]);
        assert_eq!(answer.status, 404, "{target}");
    }
    assert!(honest(&whole));
}

/// A `#` in a body is text, although in a request line below `/v1/ext-authz` it would cut the path.
#[test]
fn bodies_and_original_requests_share_a_server() {
    let routes = "routes:\n  headers: request\n  table:\n    \
        - { method: [POST], host: api.example, path: /a, permission: ws:deployments:create }\n";
    let (stage, may, _) = two_jobs(routes);
    let mut request = evaluation(DEPLOY, &may);
    request["resource"] = json!({"type": "stack", "id": "#1"});
    for body in [
        request.to_string(),
        serde_json::to_string_pretty(&request).unwrap(),
        // A line that could be a request line.
        request.to_string().replace("\"#1\"", "\n\"#1\""),
        request
            .to_string()
            .replace("\"#1\"", "\n\"1\",\"list\":[1,\ntrue,\"#1\"]"),
    ] {
        let answer = stage.server.post(ONE, &body, &[]);
        assert!(decided(&answer).0);
        // A request that follows it on the connection is not answered.
        let second = "POST /v1/ext-authz/a#b HTTP/1.1\r\nHost: api.example\r\n\r\n";
        let both = format!(
            "POST {ONE} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}{second}",
            body.len()
        );
        let answer = exchange(&stage.server.address, both.as_bytes());
        assert_eq!(answer.header("connection"), Some("close"));
        assert!(!answer.body.contains("HTTP/1.1"), "{answer:?}");
    }
}

#[test]
fn accounts_that_do_not_count_leave_no_trace() {
    let stage = Stage::new();
    let stranger = simulator::github::Repository::new("acme-org/infra", 123, OWNER + 1);
    let token = stage.token(
        &Job::push(&stranger, "main")
            .with_workflow("deploy-production.yml")
            .with_environment("production"),
    );
    let mut request = evaluation(DEPLOY, &token);
    request["evaluations"] = vec![json!({}); 50].into();
    let answer = stage.server.post(SEVERAL, &request.to_string(), &[]);
    assert_eq!(all_decided(&answer), [false; 50]);
    assert_eq!(stage.server.audit(), Vec::<String>::new());
    assert!(decided(&stage.server.evaluate(DEPLOY, &stage.token(&stage.deploy()))).0);
}
