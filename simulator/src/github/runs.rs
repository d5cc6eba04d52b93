//! Runs, git refs and reviews: the REST pages "Workflow runs" and "Git references".

use serde_json::{Value, json};

use super::access::Level;
use super::authorize::authorize;
use super::http::{Answer, Request};
use super::repository::Repository;
use super::route::Route;
use super::run::{PostedReview, Run};
use super::state::State;

/// Maximum length of a comment.
const MAX_COMMENT: usize = 1024;

pub(crate) fn git_ref(state: &State, route: &Route, request: &Request) -> Result<Answer, Answer> {
    let (repository, _) = authorize(state, request, route.name(), "contents", Level::Read)?;
    let full = format!("refs/{}", route.rest);
    let sha = repository.reference(&full);
    let sha = sha.ok_or_else(|| Answer::error(404, "Not Found"))?;
    let url = format!("{}/repos/{}/git", state.api_url(), repository.full_name());
    let object = match repository.tag_object(&full) {
        Some(tag) => {
            json!({"type": "tag", "sha": tag.as_str(), "url": format!("{url}/tags/{tag}")})
        }
        None => {
            json!({"type": "commit", "sha": sha.as_str(), "url": format!("{url}/commits/{sha}")})
        }
    };
    Ok(Answer::json(
        200,
        &json!({
            "ref": full, "node_id": "MDM6UmVm", "url": format!("{url}/{full}"), "object": object,
        }),
    ))
}

/// Returns the object of an annotated tag.
pub(crate) fn git_tag(state: &State, route: &Route, request: &Request) -> Result<Answer, Answer> {
    let (repository, _) = authorize(state, request, route.name(), "contents", Level::Read)?;
    let found = repository.annotated_tag(&route.rest);
    let (tag, sha) = found.ok_or_else(|| Answer::error(404, "Not Found"))?;
    let url = format!("{}/repos/{}/git", state.api_url(), repository.full_name());
    Ok(Answer::json(
        200,
        &json!({
            "node_id": "MDM6VGFn", "tag": tag, "sha": route.rest, "url": format!("{url}/tags/{}", route.rest),
            "message": tag, "object": {"type": "commit", "sha": sha.as_str(), "url": format!("{url}/commits/{sha}")},
        }),
    ))
}

pub(crate) fn run(state: &State, route: &Route, request: &Request) -> Result<Answer, Answer> {
    let (repository, _) = authorize(state, request, route.name(), "actions", Level::Read)?;
    let found = find(state, &repository, &route.rest)?;
    let full_name = repository.full_name();
    let url = format!(
        "{}/repos/{full_name}/actions/runs/{}",
        state.api_url(),
        found.id
    );
    let short = |name: &str, id: u64, owner_id: u64| {
        let owner = name.split('/').next().unwrap_or_default();
        json!({"id": id, "full_name": name, "owner": {"login": owner, "id": owner_id}})
    };
    let head = found.head_repository.as_ref();
    let head = head.map(|(name, id)| {
        let is_own = *id == repository.id;
        short(name, *id, if is_own { repository.owner_id } else { 666 })
    });
    let (status, conclusion) = match found.is_completed {
        true => ("completed", json!("success")),
        false => ("waiting", Value::Null),
    };
    Ok(Answer::json(
        200,
        &json!({
            "id": found.id, "name": "a title that its author writes", "path": found.path, "event": found.event,
            "head_branch": found.head_branch, "head_sha": found.head_sha.as_str(), "run_attempt": 1, "run_number": 7,
            "status": status, "conclusion": conclusion, "url": url, "pull_requests": [],
            "actor": {"login": found.actor, "id": 1}, "triggering_actor": {"login": found.actor, "id": 1},
            "repository": short(&full_name, repository.id, repository.owner_id), "head_repository": head,
        }),
    ))
}

/// Posts a review, for every job of the run that waits for the environment now.
pub(crate) fn review(
    state: &mut State,
    route: &Route,
    request: &Request,
) -> Result<Answer, Answer> {
    let (repository, _) = authorize(state, request, route.name(), "deployments", Level::Write)?;
    let id = find(state, &repository, &route.rest)?.id;
    let body = request.json().unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let (Some(environment), Some(verdict)) = (text("environment_name"), text("state")) else {
        return Err(Answer::error(422, "Invalid request."));
    };
    let comment = text("comment").unwrap_or_default();
    if !["approved", "rejected"].contains(&verdict) || comment.chars().count() > MAX_COMMENT {
        return Err(Answer::error(422, "Invalid request."));
    }
    let review = PostedReview {
        run: id,
        environment: environment.to_owned(),
        state: verdict.to_owned(),
        comment: comment.to_owned(),
    };
    let is_waiting = |name: &String| name.eq_ignore_ascii_case(environment);
    let mut runs = state.runs.iter_mut();
    let run = runs.find(|run| run.id == id);
    let run = run.filter(|run| run.waiting.iter().any(is_waiting));
    let run = run
        .ok_or_else(|| Answer::error(422, "No pending deployment requests to approve or reject"))?;
    run.waiting.retain(|name| !is_waiting(name));
    state.reviews.push(review);
    Ok(Answer::empty(204))
}

fn find<'s>(state: &'s State, repository: &Repository, id: &str) -> Result<&'s Run, Answer> {
    let mut runs = state.runs.iter();
    let found = runs.find(|run| run.repository == repository.id && run.id.to_string() == id);
    found.ok_or_else(|| Answer::error(404, "Not Found"))
}
