//! Commit statuses with GitHub's validation: the REST page "Commit statuses".

use serde_json::{Value, json};

use super::access::Level;
use super::authorize::authorize;
use super::commit_status::CommitStatus;
use super::http::{Answer, Request};
use super::route::Route;
use super::state::State;

const MAX_DESCRIPTION_CHARACTERS: usize = 140;
const MAX_CONTEXT_CHARACTERS: usize = 255;

pub(crate) fn create(
    state: &mut State,
    route: &Route,
    request: &Request,
) -> Result<Answer, Answer> {
    let (repository, _) = authorize(
        state,
        request,
        (&route.owner, &route.repository),
        "statuses",
        Level::Write,
    )?;
    let body = request
        .json()
        .filter(Value::is_object)
        .ok_or_else(|| Answer::error(400, "Problems parsing JSON"))?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    if !repository.knows(&route.rest) {
        return Err(Answer::error(
            422,
            &format!("No commit found for SHA: {}", route.rest),
        ));
    }
    let status = CommitStatus {
        id: state.next_id(),
        repository: repository.full_name(),
        sha: route.rest.clone(),
        state: text("state").unwrap_or_default(),
        context: text("context").unwrap_or_else(|| "default".into()),
        description: text("description"),
        target_url: text("target_url"),
        request: body,
    };
    let problems = status.problems();
    if !problems.is_empty() {
        return Err(Answer::invalid(&Value::Array(problems)));
    }
    let answer = Answer::json(
        201,
        &json!({
            "id": status.id, "node_id": format!("SC_{}", status.id), "state": status.state, "context": status.context,
            "description": status.description, "target_url": status.target_url,
            "url": format!("{}/repos/{}/statuses/{}", state.api_url(), status.repository, status.sha),
        }),
    );
    state.statuses.push(status);
    Ok(answer)
}

impl CommitStatus {
    fn problems(&self) -> Vec<Value> {
        let mut problems = Vec::new();
        let mut add = |field: &str, message: &str| {
            problems.push(
                json!({"resource": "Status", "code": "custom", "field": field, "message": message}),
            )
        };
        if !["error", "failure", "pending", "success"].contains(&self.state.as_str()) {
            add("state", "state is not included in the list");
        }
        if self
            .description
            .as_ref()
            .is_some_and(|text| text.chars().count() > MAX_DESCRIPTION_CHARACTERS)
        {
            add(
                "description",
                "description is too long (maximum is 140 characters)",
            );
        }
        if self.context.chars().count() > MAX_CONTEXT_CHARACTERS {
            add("context", "context is too long (maximum is 255 characters)");
        }
        if self
            .target_url
            .as_ref()
            .is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://"))
        {
            add("target_url", "target_url must use http(s) scheme");
        }
        problems
    }
}
