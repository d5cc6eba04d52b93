//! Event payloads with the fields that clients use. Source: GitHub's page "Webhook events and payloads".

use serde_json::{Value, json};

use super::job::Job;
use super::pull_request::PullRequest;
use super::trigger::Trigger;
use crate::github::{CommitSha, Repository};

/// Returns the content of a job's `event.json`.
pub(super) fn payload(job: &Job, server_url: &str) -> Value {
    let repository = &job.repository;
    let sha = job.sha.as_str();
    let payload = match &job.trigger {
        Trigger::Push => json!({
            "ref": job.reference, "after": sha, "before": "0".repeat(40), "created": false, "deleted": false, "forced": false,
            "head_commit": {"id": sha, "message": "a commit"}, "commits": [], "pusher": {"name": job.actor},
        }),
        Trigger::PullRequest {
            pull,
            action,
            merged,
        } => {
            let mut request = pull_request(pull, repository, server_url);
            if *action == "closed" {
                let closed = json!({"state": "closed", "merged": merged, "merge_commit_sha": sha});
                request = merged_with(request, closed);
            }
            json!({"action": action, "number": pull.number, "pull_request": request})
        }
        Trigger::WorkflowDispatch => {
            json!({"inputs": {}, "ref": job.reference, "workflow": job.workflow_path()})
        }
        Trigger::Schedule => json!({"schedule": "0 3 * * *", "workflow": job.workflow_path()}),
        Trigger::MergeGroup { base } => json!({
            "action": "checks_requested",
            "merge_group": {"head_sha": sha, "head_ref": job.reference, "base_ref": format!("refs/heads/{base}"), "base_sha": repository.branch_sha(base).map(|sha| sha.to_string())},
        }),
        Trigger::WorkflowRun {
            head_branch,
            head_repository,
        } => json!({
            "action": "completed",
            "workflow_run": {
                "id": 99, "name": "CI", "event": "pull_request", "conclusion": "success", "head_branch": head_branch,
                "head_sha": CommitSha::derived(head_branch).as_str(), "head_repository": {"full_name": head_repository},
            },
        }),
        Trigger::Release { tag } => json!({
            "action": "published",
            "release": {"id": 7, "tag_name": tag, "target_commitish": repository.default_branch, "draft": false, "prerelease": false},
        }),
        Trigger::Deployment => json!({
            "action": "created",
            "deployment": {"id": 8, "sha": sha, "ref": sha, "environment": job.environment.as_deref().unwrap_or("production"), "task": "deploy"},
        }),
        Trigger::Given(payload) => return payload.clone(),
    };
    let of_all = json!({
        "repository": repository_payload(repository, server_url),
        "sender": {"login": job.actor, "id": job.actor_id, "type": "User"},
    });
    merged_with(payload, of_all)
}

/// Returns a pull request in the form of the API and the event.
pub(super) fn pull_request(pull: &PullRequest, repository: &Repository, server_url: &str) -> Value {
    let head_repository = pull.head_repository.as_ref().map(|head| {
        json!({
            "id": head.id, "name": head.name, "full_name": format!("{}/{}", head.owner, head.name),
            "owner": {"login": head.owner}, "fork": head.id != repository.id, "private": repository.private,
        })
    });
    let base_sha = repository
        .branch_sha(&pull.base_ref)
        .unwrap_or_else(|| CommitSha::derived(&format!("base {}", pull.base_ref)))
        .to_string();
    json!({
        "id": 1_000_000 + pull.number, "number": pull.number, "title": "a change", "state": "open", "draft": false,
        "merged": false, "author_association": "CONTRIBUTOR", "user": {"login": pull.head_owner},
        "html_url": format!("{server_url}/{}/pull/{}", repository.full_name(), pull.number),
        "head": {
            "label": format!("{}:{}", pull.head_owner, pull.head_ref), "ref": pull.head_ref, "sha": pull.head_sha.as_str(),
            "user": {"login": pull.head_owner}, "repo": head_repository,
        },
        "base": {
            "label": format!("{}:{}", repository.owner, pull.base_ref), "ref": pull.base_ref, "sha": base_sha,
            "user": {"login": repository.owner}, "repo": repository_payload(repository, server_url),
        },
    })
}

/// Returns an object with the members of another.
fn merged_with(mut object: Value, more: Value) -> Value {
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}

fn repository_payload(repository: &Repository, server_url: &str) -> Value {
    let full_name = repository.full_name();
    json!({
        "id": repository.id, "name": repository.name, "full_name": full_name, "private": repository.private,
        "owner": {"login": repository.owner, "id": repository.owner_id, "type": "Organization"},
        "html_url": format!("{server_url}/{full_name}"), "default_branch": repository.default_branch, "fork": false,
    })
}
