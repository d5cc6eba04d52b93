//! Deliveries that GitHub keeps: the REST page "GitHub App webhooks".

use jiff::Timestamp;
use serde_json::{Value, json};

use super::apps;
use super::delivery::Delivery;
use super::http::{Answer, Request};
use super::route::Route;
use super::state::State;

/// A delivery with the status of its answer.
#[derive(Debug, Clone)]
pub(crate) struct Delivered {
    id: u64,
    at: Timestamp,
    status: u16,
    delivery: Delivery,
}

impl Delivered {
    pub(crate) fn new(id: u64, delivery: &Delivery, status: u16) -> Self {
        Self {
            id,
            at: Timestamp::now(),
            status,
            delivery: delivery.clone(),
        }
    }

    fn to_json(&self) -> Value {
        let body: Value = serde_json::from_slice(&self.delivery.body).unwrap_or_default();
        let number = |pointer: &str| body.pointer(pointer).cloned().unwrap_or_default();
        json!({
            "id": self.id, "guid": self.delivery.id, "delivered_at": self.at.to_string(), "redelivery": false,
            "duration": 0.1, "status": if self.status < 300 { "OK" } else { "Failed" }, "status_code": self.status,
            "event": self.delivery.event, "action": number("/action"), "installation_id": number("/installation/id"),
            "repository_id": number("/repository/id"), "throttled_at": null,
        })
    }
}

/// Lists deliveries, the newest first. The cursor is the place of the page's first one.
pub(crate) fn list(state: &State, request: &Request) -> Result<Answer, Answer> {
    let app = apps::authenticate(state, request)?;
    let number = |name: &str, default: usize| {
        let value = request.query_value(name);
        value.map_or(Some(default), |value| value.parse().ok())
    };
    let wrong = || Answer::error(400, "Invalid cursor");
    let per_page = number("per_page", 30).ok_or_else(wrong)?.min(100);
    let from = number("cursor", 0).ok_or_else(wrong)?;
    let own = state.deliveries.iter().rev();
    let own: Vec<_> = own.filter(|one| one.delivery.app_id == app.id).collect();
    let page = own.iter().skip(from).take(per_page);
    let page: Vec<_> = page.map(|one| one.to_json()).collect();
    let answer = Answer::json(200, &page.into());
    let next = from + per_page;
    if next >= own.len() {
        return Ok(answer);
    }
    let url = format!("{}/app/hook/deliveries", state.api_url());
    let link = format!("<{url}?per_page={per_page}&cursor={next}>; rel=\"next\"");
    Ok(answer.with_header("Link", &link))
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
