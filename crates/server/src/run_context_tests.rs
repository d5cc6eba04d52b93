use super::*;
use serde_json::{Value, json};

fn run(changes: Value) -> Run {
    let mut run = json!({
        "id": 7, "path": ".github/workflows/deploy.yml", "event": "push", "head_branch": "main", "head_sha": "a".repeat(40),
        "repository": {"id": 123, "full_name": "acme-org/infra", "owner": {"id": 4567}},
        "head_repository": {"id": 123, "full_name": "acme-org/infra", "owner": {"id": 4567}},
        "actor": {"login": "octocat", "id": 1},
    });
    for (name, value) in changes.as_object().unwrap() {
        run[name] = value.clone();
    }
    serde_json::from_value(run).unwrap()
}

fn context(changes: Value, branch: Option<&str>) -> Context {
    RunContext::new(&run(changes), "production", branch).0
}

#[test]
fn a_run_has_the_values_of_its_tokens() {
    let context = context(json!({}), Some("main"));
    assert_eq!(context.repository.as_deref(), Some("acme-org/infra"));
    assert_eq!(context.repository_id.as_deref(), Some("123"));
    assert_eq!(context.repository_owner_id.as_deref(), Some("4567"));
    assert_eq!(context.workflow.as_deref(), Some("deploy.yml"));
    assert_eq!(context.branch.as_deref(), Some("main"));
    assert_eq!(context.base, Base::None);
    assert_eq!(context.environment.as_deref(), Some("production"));
    assert_eq!(context.event.as_deref(), Some("push"));
    assert_eq!(context.actor.as_deref(), Some("octocat"));
    // What a run does not have matches nothing.
    for name in [
        "job_workflow_ref",
        "runner_environment",
        "sub",
        "workflow_ref",
        "ref_type",
    ] {
        assert!(!context.claims.contains_key(name), "{name}");
    }
    assert_eq!(context.claims["ref"], "refs/heads/main");
}

#[test]
fn a_branch_that_is_not_proved_is_absent() {
    let context = context(json!({}), None);
    assert_eq!(context.branch, None);
    assert!(!context.claims.contains_key("ref"));
}

#[test]
fn workflow_files_have_the_names_of_tokens() {
    for (path, head, workflow) in [
        (".github/workflows/a.yml", "main", "a.yml"),
        (".github/workflows/a.yml@main", "main", "a.yml"),
        (".github/workflows/a.yaml@refs/heads/main", "main", "a.yaml"),
        (".github/workflows/a.yml@feature/x", "feature/x", "a.yml"),
        // A file whose name looks like a file with a ref.
        (".github/workflows/a.yml@evil.yml", "main", "a.yml@evil.yml"),
        (
            ".github/workflows/a.yml@evil.yml@main",
            "main",
            "a.yml@evil.yml",
        ),
        // A branch whose name looks like a file: denied rather than guessed.
        (
            ".github/workflows/a.yml@evil.yml",
            "evil.yml",
            "a.yml@evil.yml",
        ),
        (".github/workflows/a.yml@other", "main", "a.yml@other"),
        (
            "other/shared/.github/workflows/a.yml@main",
            "main",
            "other/shared/.github/workflows/a.yml",
        ),
        ("acme-org/infra/.github/workflows/a.yml", "main", "a.yml"),
        (
            "dynamic/pages/pages-build-deployment",
            "main",
            "acme-org/infra/dynamic/pages/pages-build-deployment",
        ),
    ] {
        let context = context(json!({"path": path, "head_branch": head}), Some(head));
        assert_eq!(context.workflow.as_deref(), Some(workflow), "{path}");
    }
}

#[test]
fn the_head_of_a_pull_request_is_where_its_repository_is() {
    let fork = json!({"id": 666, "full_name": "mallory/infra", "owner": {"id": 6}});
    for (event, head, branch) in [
        (
            "pull_request",
            json!({"id": 123, "full_name": "acme-org/infra", "owner": {"id": 4567}}),
            "main",
        ),
        ("pull_request", fork.clone(), "mallory:main"),
        ("pull_request", Value::Null, "unknown:main"),
        ("pull_request_review", fork.clone(), "mallory:main"),
        ("pull_request_target", fork, "unknown:main"),
    ] {
        let changes = json!({"event": event, "head_repository": head});
        let context = context(changes, Some("main"));
        assert_eq!(context.branch.as_deref(), Some(branch), "{event}");
        // A run does not have its base: only a rule with any base matches.
        assert_eq!(context.base, Base::Absent);
        assert!(!context.claims.contains_key("ref"));
    }
    let context = context(json!({"event": "pull_request"}), None);
    assert_eq!((context.branch, context.base), (None, Base::Absent));
}
