//! What GitHub asks for: the parts of the event `deployment_protection_rule` that count.

use serde::Deserialize;
use url::Url;

/// A request for a review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentRequest {
    /// Id of the repository.
    pub repository: u64,
    /// `OWNER/NAME` of the repository at the time of the event.
    pub full_name: String,
    /// Id of its account.
    pub owner: u64,
    /// Id of the run.
    pub run: u64,
    /// The environment that jobs of the run wait for.
    pub environment: String,
    /// Commit of the run, if the event names it.
    pub sha: Option<String>,
}

/// Why an event is not a request for a review.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestShapeError {
    /// The event has another shape than documented.
    #[error("the event is not as documented: {0}")]
    Shape(String),
    /// The callback's URL is not one of this GitHub's API.
    #[error(
        "`deployment_callback_url` is not `{0}/repos/OWNER/NAME/actions/runs/ID/deployment_protection_rule`"
    )]
    Callback(String),
}

#[derive(Deserialize)]
struct Event {
    action: String,
    #[serde(default)]
    environment: Option<String>,
    #[serde(default)]
    deployment_callback_url: Option<String>,
    #[serde(default)]
    sha: Option<String>,
    #[serde(default)]
    workflow_run: Option<EventRun>,
    repository: EventRepository,
}

#[derive(Deserialize)]
struct EventRun {
    id: u64,
}

#[derive(Deserialize)]
struct EventRepository {
    id: u64,
    full_name: String,
    owner: EventOwner,
}

#[derive(Deserialize)]
struct EventOwner {
    id: u64,
}

impl DeploymentRequest {
    /// Reads the body of a delivery. `api_url` is the only API whose callback counts: the run's id is taken from the
    /// callback, and its path is built again from numbers.
    ///
    /// # Errors
    /// The event is not a request for a review, or its callback leads elsewhere.
    pub fn parse(body: &[u8], api_url: &str) -> Result<Self, RequestShapeError> {
        let shape = |why: String| RequestShapeError::Shape(why);
        let event: Event =
            serde_json::from_slice(body).map_err(|error| shape(error.to_string()))?;
        if event.action != "requested" {
            return Err(shape("its action is not `requested`".to_owned()));
        }
        let environment = event.environment.filter(|name| !name.is_empty());
        let environment = environment.ok_or_else(|| shape("it names no environment".to_owned()))?;
        let callback = event.deployment_callback_url.unwrap_or_default();
        let run = run_of(&callback, api_url)
            .ok_or_else(|| RequestShapeError::Callback(api_url.to_owned()))?;
        if event.workflow_run.is_some_and(|named| named.id != run) {
            return Err(shape("it names two runs".to_owned()));
        }
        Ok(Self {
            repository: event.repository.id,
            full_name: event.repository.full_name,
            owner: event.repository.owner.id,
            run,
            environment,
            sha: event.sha.filter(|sha| !sha.is_empty()),
        })
    }
}

/// Returns the run of a callback's URL.
fn run_of(callback: &str, api_url: &str) -> Option<u64> {
    let (callback, api) = (Url::parse(callback).ok()?, Url::parse(api_url).ok()?);
    let is_plain = callback.query().is_none()
        && callback.fragment().is_none()
        && callback.username().is_empty()
        && callback.password().is_none();
    if !is_plain || callback.origin() != api.origin() {
        return None;
    }
    let path = callback
        .path()
        .strip_prefix(api.path().trim_end_matches('/'))?;
    let parts: Vec<_> = path.split('/').collect();
    let [
        "",
        "repos",
        _,
        _,
        "actions",
        "runs",
        id,
        "deployment_protection_rule",
    ] = parts.as_slice()
    else {
        return None;
    };
    let number: u64 = id.parse().ok()?;
    (number.to_string() == *id).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const API: &str = "https://api.github.com";
    const CALLBACK: &str =
        "https://api.github.com/repos/acme-org/infra/actions/runs/7/deployment_protection_rule";

    fn event(changes: Value) -> Result<DeploymentRequest, RequestShapeError> {
        let mut event = json!({
            "action": "requested", "environment": "production", "deployment_callback_url": CALLBACK,
            "sha": "a", "ref": "main", "deployment": null, "pull_requests": [],
            "repository": {"id": 123, "full_name": "acme-org/infra", "owner": {"id": 4567}},
        });
        for (name, value) in changes.as_object().unwrap() {
            event[name] = value.clone();
        }
        DeploymentRequest::parse(event.to_string().as_bytes(), API)
    }

    #[test]
    fn a_request_names_run_and_environment() {
        let request = event(json!({"workflow_run": {"id": 7}})).unwrap();
        assert_eq!(
            (request.run, request.repository, request.owner),
            (7, 123, 4567)
        );
        assert_eq!(request.environment, "production");
        let ghes = "https://ghes.example/api/v3";
        let callback = CALLBACK.replace(API, ghes);
        assert_eq!(run_of(&callback, ghes), Some(7));
    }

    #[test]
    fn what_is_not_a_request() {
        for changes in [
            json!({"action": "created"}),
            json!({"environment": ""}),
            json!({"environment": null}),
            json!({"environment": 7}),
            json!({"repository": null}),
            json!({"repository": {"id": "123"}}),
            json!({"workflow_run": {"id": 8}}),
            json!({"deployment_callback_url": null}),
        ] {
            assert!(event(changes.clone()).is_err(), "{changes}");
        }
    }

    /// The callback is data: no other host gets a request, and no other path.
    #[test]
    fn callbacks_that_lead_elsewhere() {
        for callback in [
            CALLBACK.replace("api.github.com", "api.github.com.evil.example"),
            CALLBACK.replace("https:", "http:"),
            CALLBACK.replace("api.github.com", "api.github.com:8443"),
            CALLBACK.replace("api.github.com", "evil@api.github.com"),
            CALLBACK.replace("api.github.com", "api.github.com@evil.example"),
            format!("{CALLBACK}?x"),
            format!("{CALLBACK}#x"),
            format!("{CALLBACK}/"),
            CALLBACK.replace("/7/", "/07/"),
            CALLBACK.replace("/7/", "/+7/"),
            CALLBACK.replace("/7/", "/7/../8/"),
            CALLBACK.replace("/7/", "/%37/"),
            CALLBACK.replace("/runs/", "/jobs/"),
            CALLBACK.replace("/repos/", "/api/v3/repos/"),
            "/repos/acme-org/infra/actions/runs/7/deployment_protection_rule".to_owned(),
            String::new(),
        ] {
            let parsed = event(json!({"deployment_callback_url": callback}));
            let resolved = callback.contains("/../");
            assert!(parsed.is_err() || resolved, "{callback}: {parsed:?}");
        }
    }
}
