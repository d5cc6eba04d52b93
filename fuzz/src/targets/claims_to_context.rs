//! Claims, and the payload after the first new line, to a context: as the reference derives it.

use ::engine::Claims;
use ::engine::context::{Context, EventPayload};
use serde_json::Value;

use super::event_payload::has_list;
use crate::engine;
use crate::reference::claims;

pub fn run(data: &[u8]) {
    let (claims_json, payload_json) = match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &[][..]),
    };
    let Ok(claims) = serde_json::from_slice::<Claims>(claims_json) else {
        return;
    };
    let claims_value: Value = serde_json::from_slice(claims_json).expect("what was read as JSON");
    let payload = EventPayload::parse(payload_json).ok();
    let payload_text = String::from_utf8_lossy(payload_json);
    let payload_value = serde_json::from_str::<Value>(&payload_text).ok();
    if payload.is_some() && payload_value.as_ref().is_none_or(has_list) {
        return;
    }
    let payload_value = payload_value.filter(|_| payload.is_some());
    let pull_request = payload
        .as_ref()
        .and_then(|payload| payload.pull_request.as_ref());
    let context = Context::of_claims(&claims, pull_request);
    let expected = claims::context(&claims_value, payload_value.as_ref());
    assert_eq!(context.repository, expected.repository);
    assert_eq!(context.repository_id, expected.repository_id);
    assert_eq!(context.repository_owner_id, expected.owner_id);
    assert_eq!(context.workflow, expected.workflow);
    assert_eq!(context.branch, expected.branch);
    assert_eq!(context.base, engine::base(&expected.base));
    assert_eq!(context.environment, expected.environment);
    assert_eq!(context.event, expected.event);
    assert_eq!(context.claims, expected.claims);
}
