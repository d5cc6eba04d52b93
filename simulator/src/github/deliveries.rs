//! Deliveries that GitHub keeps: the REST page "GitHub App webhooks".

use serde_json::{Value, json};

use super::apps;
use super::delivery::Delivered;
use super::http::{Answer, Request};
use super::route::Route;
use super::state::State;

/// Lists deliveries, the newest first. The cursor names the page's first one.
pub(crate) fn list(state: &State, request: &Request) -> Result<Answer, Answer> {
    let app = apps::authenticate(state, request)?;
    let per_page = request.query_value("per_page");
    let per_page = per_page.map_or(Ok(30), |value| value.parse::<usize>());
    let per_page = per_page.map_err(|_| Answer::error(422, "Invalid per_page"))?;
    let outcome = Outcome::of(request)?;
    let own = state.deliveries.iter().rev();
    let own: Vec<_> = own
        .filter(|one| one.delivery.app_id == app.id && outcome.includes(one.status))
        .collect();
    let first = match request.query_value("cursor") {
        None => 0,
        Some(cursor) => own
            .iter()
            .position(|one| cursor_of(one) == cursor)
            .ok_or_else(|| Answer::error(400, "Invalid cursor"))?,
    };
    let rest = own.get(first..).unwrap_or_default();
    let (page, rest) = rest.split_at(rest.len().min(per_page.clamp(1, 100)));
    let page: Vec<_> = page.iter().map(|one| one.to_json()).collect();
    let answer = Answer::json(200, &page.into());
    let Some(next) = rest.first() else {
        return Ok(answer);
    };
    let pairs = request.query_pairs().into_iter();
    let query = pairs.filter(|(name, _)| name != "cursor");
    let query = query.map(|(name, value)| format!("{name}={value}&"));
    let url = format!("{}/app/hook/deliveries", state.api_url());
    let (query, next) = (query.collect::<String>(), cursor_of(next));
    Ok(answer.with_header(
        "Link",
        &format!("<{url}?{query}cursor={next}>; rel=\"next\""),
    ))
}

fn cursor_of(delivered: &Delivered) -> String {
    format!("v1_{}", delivered.id)
}

/// Which deliveries a list has: the parameter `status`, by the status of their answers.
enum Outcome {
    Any,
    Success,
    Failure,
}

impl Outcome {
    fn of(request: &Request) -> Result<Self, Answer> {
        match request.query_value("status").as_deref() {
            None => Ok(Self::Any),
            Some("success") => Ok(Self::Success),
            Some("failure") => Ok(Self::Failure),
            Some(_) => Err(Answer::error(422, "Invalid status")),
        }
    }

    fn includes(&self, status: u16) -> bool {
        match self {
            Self::Any => true,
            Self::Success => (200..=399).contains(&status),
            Self::Failure => (400..=599).contains(&status),
        }
    }
}

/// Returns a delivery with its request.
pub(crate) fn one(state: &State, route: &Route, request: &Request) -> Result<Answer, Answer> {
    let app = apps::authenticate(state, request)?;
    let mut own = state.deliveries.iter();
    let found = own.find(|one| one.id.to_string() == route.rest && one.delivery.app_id == app.id);
    let found = found.ok_or_else(|| Answer::error(404, "Not Found"))?;
    let payload: Value = serde_json::from_slice(&found.delivery.body).unwrap_or_default();
    let mut shown = found.to_json();
    if let Some(members) = shown.as_object_mut() {
        members.insert(
            "url".to_owned(),
            json!("https://gate.example/webhooks/github"),
        );
        members.insert(
            "request".to_owned(),
            json!({"headers": {}, "payload": payload}),
        );
        members.insert("response".to_owned(), json!({"headers": {}, "payload": ""}));
    }
    Ok(Answer::json(200, &shown))
}
