//! The event's payload: a pull request's branch stands alone only if the payload proves that its head
//! is this repository.

use ::engine::Claims;
use ::engine::context::{Context, EventPayload};
use serde_json::{Value, json};

use crate::reference::claims::label;

const NUMBER: u64 = 7;
const BRANCH: &str = "main";
const REPOSITORY_ID: u64 = 123;

pub fn run(data: &[u8]) {
    let Ok(payload) = EventPayload::parse(data) else {
        return;
    };
    // What is passed over is not looked at: it may be no text, or a number of any size.
    let Ok(value) = serde_json::from_str::<Value>(&String::from_utf8_lossy(data)) else {
        return;
    };
    for (event, git_ref, number) in [
        (
            "pull_request",
            format!("refs/pull/{NUMBER}/merge"),
            Some(NUMBER),
        ),
        ("pull_request_target", "refs/heads/main".to_owned(), None),
    ] {
        let claims = json!({
            "event_name": event,
            "ref": git_ref,
            "head_ref": BRANCH,
            "repository_id": REPOSITORY_ID.to_string(),
        });
        let claims: Claims = serde_json::from_value(claims).expect("an object");
        let branch = Context::of_claims(&claims, payload.pull_request.as_ref()).branch;
        let branch = branch.expect("a pull request has a branch");
        // A list in the place of an object is read by its order, which `Value` has no view of.
        if !has_list(&value) {
            let number = number.map(|number| number.to_string());
            let id = REPOSITORY_ID.to_string();
            let expected = label(BRANCH, number.as_deref(), Some(&id), Some(&value));
            assert_eq!(branch, expected);
        }
        assert!(branch == BRANCH || branch.ends_with(":main"));
    }
}

/// Whether a list stands where the payload has an object.
pub fn has_list(payload: &Value) -> bool {
    let pull = &payload["pull_request"];
    let head = &pull["head"];
    let repo = &head["repo"];
    [payload, pull, head, &head["user"], repo, &repo["owner"]]
        .iter()
        .any(|value| value.is_array())
}
