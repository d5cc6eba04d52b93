//! Questions of AuthZEN's Authorization API: the answer is that of a plain reading of the question, in the shape that the
//! API has, and as many as there are questions.
//!
//! The first byte chooses the endpoint.

use std::sync::{LazyLock, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde_json::{Map, Value, json};

use super::stage::{self, GRANTED, RUNTIME, TOKEN, with_token};
use crate::evaluation;
use crate::routes::Family;

/// Servers that say everything and as little as possible.
static ROUTERS: LazyLock<Mutex<[Router; 2]>> = LazyLock::new(|| {
    let config = |detail| stage::configuration(Family::Forwarded, detail);
    let router = |detail| stage::router(config(detail), evaluation::routes());
    Mutex::new(["full", "none"].map(router))
});

/// Maximum size of a body, of a resource, and of a list.
const MAX_BODY: usize = 64 << 10;
const MAX_RESOURCE: usize = 4 << 10;
const MAX_EVALUATIONS: usize = 50;

pub fn run(data: &[u8]) {
    let [endpoint, rest @ ..] = data else {
        return;
    };
    let is_list = *endpoint != b'1';
    let body = with_token(rest);
    let [full, none] = ROUTERS
        .lock()
        .unwrap_or_else(|lock| lock.into_inner())
        .clone();
    let (status, answer) = RUNTIME.block_on(ask(full, is_list, body.clone()));
    // The records wait: nobody decides.
    if status == StatusCode::SERVICE_UNAVAILABLE {
        return;
    }
    let expected = expected(is_list, &body);
    match expected {
        Err(status_expected) => {
            assert_eq!(status, status_expected);
            assert_eq!(answer["status"], status.as_u16());
            assert!(answer["detail"].is_string(), "{answer}");
        }
        Ok(Expected::One(decision)) => {
            assert_eq!(status, StatusCode::OK);
            check(&answer, decision);
        }
        Ok(Expected::Several(decisions)) => {
            assert_eq!(status, StatusCode::OK);
            let answers = answer["evaluations"].as_array().expect("a list");
            assert_eq!(answer.as_object().map(Map::len), Some(1));
            assert_eq!(answers.len(), decisions.len());
            for (answer, decision) in answers.iter().zip(decisions) {
                check(answer, decision);
            }
        }
    }
    // What a server explains changes nothing.
    let (status_of_none, answer_of_none) = RUNTIME.block_on(ask(none, is_list, body));
    if status_of_none != StatusCode::SERVICE_UNAVAILABLE {
        assert_eq!(status_of_none, status);
        assert_eq!(decisions(&answer_of_none), decisions(&answer));
    }
}

async fn ask(router: Router, is_list: bool, body: Vec<u8>) -> (StatusCode, Value) {
    let target = match is_list {
        true => "/access/v1/evaluations",
        false => "/access/v1/evaluation",
    };
    let request = Request::post(target).header(CONTENT_TYPE, "application/json");
    let request = request.body(Body::from(body)).expect("a request");
    let service = TowerToHyperService::new(router);
    let response = service.call(request).await.expect("an answer");
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await;
    let body = serde_json::from_slice(&body.expect("a body")).expect("JSON");
    (status, body)
}

/// What is answered about one question: the decision, if it can be read.
type Decision = Option<bool>;

enum Expected {
    One(Decision),
    Several(Vec<Decision>),
}

/// The shape of an answer (AuthZEN 1.0, section 6.2).
fn check(answer: &Value, decision: Decision) {
    let members: Vec<_> = answer.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["context", "decision"]);
    let context = &answer["context"];
    assert!(context["message"].is_string(), "{answer}");
    assert_eq!(answer["decision"], decision.unwrap_or(false), "{answer}");
    match decision {
        None => assert_eq!(context["error"]["status"], 400, "{answer}"),
        Some(_) => assert!(context["reason"].is_string(), "{answer}"),
    }
    if decision == Some(true) {
        assert_eq!(context["reason"], "granted");
        assert_eq!(context["permission"], GRANTED);
    }
}

fn decisions(answer: &Value) -> Vec<&Value> {
    let list = answer["evaluations"].as_array();
    let list = list.map_or(std::slice::from_ref(answer), Vec::as_slice);
    list.iter().map(|answer| &answer["decision"]).collect()
}

/// Reads a request in the plainest way, from a text in which nothing occurs twice.
fn expected(is_list: bool, body: &[u8]) -> Result<Expected, StatusCode> {
    const MALFORMED: StatusCode = StatusCode::BAD_REQUEST;
    if body.len() > MAX_BODY {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let root = engine::unique_json(body).map_err(|_| MALFORMED)?;
    let root = root.as_object().ok_or(MALFORMED)?;
    let one = |question: &Map<String, Value>| decision(question).ok_or(MALFORMED);
    if !is_list {
        return one(root).map(|decision| Expected::One(Some(decision)));
    }
    let options = match root.get("options") {
        None => &Map::new(),
        Some(options) => options.as_object().ok_or(MALFORMED)?,
    };
    let end = match options.get("evaluations_semantic") {
        None => None,
        Some(Value::String(name)) => match name.as_str() {
            "execute_all" => None,
            "deny_on_first_deny" => Some(false),
            "permit_on_first_permit" => Some(true),
            _ => return Err(MALFORMED),
        },
        Some(_) => return Err(MALFORMED),
    };
    let list = match root.get("evaluations") {
        None => &[],
        Some(list) => list.as_array().ok_or(MALFORMED)?.as_slice(),
    };
    if list.is_empty() {
        return one(root).map(|decision| Expected::One(Some(decision)));
    }
    let defaults = ["subject", "action", "resource", "context"];
    let are_objects = |name: &str| root.get(name).is_none_or(Value::is_object);
    if list.len() > MAX_EVALUATIONS
        || !list.iter().all(Value::is_object)
        || !defaults.into_iter().all(are_objects)
    {
        return Err(MALFORMED);
    }
    let mut decisions = Vec::new();
    for item in list {
        let decision = item
            .as_object()
            .and_then(|item| decision(&with_defaults(item, root)));
        decisions.push(decision);
        if end == Some(decision.unwrap_or(false)) {
            break;
        }
    }
    Ok(Expected::Several(decisions))
}

/// A question of a list: an object replaces the default one, but for the members that it has to have.
fn with_defaults(item: &Map<String, Value>, root: &Map<String, Value>) -> Map<String, Value> {
    let mut question = item.clone();
    for name in ["subject", "action", "resource"] {
        let Some(default) = root.get(name) else {
            continue;
        };
        let own = question.entry(name).or_insert_with(|| default.clone());
        for member in ["type", "id", "name"] {
            if let (Some(own), Some(value)) = (own.as_object_mut(), default.get(member)) {
                own.entry(member).or_insert_with(|| value.clone());
            }
        }
    }
    question
}

/// The decision about a whole question, or nothing if one of its members has another type.
fn decision(question: &Map<String, Value>) -> Option<bool> {
    let entity = |name: &str| {
        let entity = question.get(name)?.as_object()?;
        let properties = entity.get("properties");
        properties.is_none_or(Value::is_object).then_some(entity)
    };
    let (subject, action, resource) = (entity("subject")?, entity("action")?, entity("resource")?);
    let text =
        |entity: &Map<String, Value>, member: &str| Some(entity.get(member)?.as_str()?.to_owned());
    let [subject_type, token] = [text(subject, "type")?, text(subject, "id")?];
    let name = text(action, "name")?;
    let [kind, id] = [text(resource, "type")?, text(resource, "id")?];
    let mut repeated = json!({"type": kind, "id": id});
    if let Some(properties) = resource.get("properties") {
        repeated["properties"] = properties.clone();
    }
    if !question.get("context").is_none_or(Value::is_object)
        || repeated.to_string().len() > MAX_RESOURCE
    {
        return None;
    }
    let is_here = kind != "repository" || id == "123" || id.eq_ignore_ascii_case("acme-org/infra");
    Some(subject_type == "github_actions_job" && token == *TOKEN && name == GRANTED && is_here)
}
