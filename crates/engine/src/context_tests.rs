use serde_json::json;

use super::*;

fn claims(value: serde_json::Value) -> Claims {
    serde_json::from_value(value).unwrap()
}

fn workflow_of(workflow_ref: &str) -> String {
    let claims = claims(json!({"repository": "acme/infra", "workflow_ref": workflow_ref}));
    Context::of_claims(&claims, None).workflow.unwrap()
}

#[test]
fn hostile_ref_names_do_not_change_the_workflow() {
    for (rest, file) in [
        ("deploy.yml@refs/heads/main", "deploy.yml"),
        ("deploy.yaml@refs/pull/7/merge", "deploy.yaml"),
        ("has spaces.yml@refs/heads/main", "has spaces.yml"),
        ("deploy.yml@refs/heads/misleading@branch.yml", "deploy.yml"),
        ("deploy.yml@refs/heads/x/refs/tags/v1", "deploy.yml"),
        ("deploy.yml@refs/heads/x@refs/heads/y", "deploy.yml"),
        ("deploy.yml@evil.yml@refs/heads/main", "deploy.yml@evil.yml"),
        ("deploy.yml@refs@refs/heads/main", "deploy.yml@refs"),
        (
            "deploy.yml@0123456789012345678901234567890123456789",
            "deploy.yml",
        ),
        (
            "a@b.yml@0123456789012345678901234567890123456789",
            "a@b.yml",
        ),
    ] {
        let workflow = workflow_of(&format!("acme/infra/.github/workflows/{rest}"));
        assert_eq!(workflow, file, "{rest}");
        let elsewhere = workflow_of(&format!("evil/infra/.github/workflows/{rest}"));
        assert_eq!(elsewhere, format!("evil/infra/.github/workflows/{file}"));
    }
    assert_eq!(
        workflow_of("ACME/Infra/.github/workflows/deploy.yml@refs/heads/main"),
        "deploy.yml"
    );
}

#[test]
fn a_workflow_outside_github_workflows_has_its_full_path() {
    for (workflow_ref, workflow) in [
        (
            "acme/infra/deploy.yml@refs/heads/main",
            "acme/infra/deploy.yml",
        ),
        (
            "acme/infra/.github/workflows/sub/deploy.yml@refs/heads/main",
            "acme/infra/.github/workflows/sub/deploy.yml",
        ),
        (
            "acme/infra/ci/deploy.yml@0123456789abcdef0123456789abcdef01234567",
            "acme/infra/ci/deploy.yml",
        ),
        (
            "acme/infra/ci/deploy@home.yml",
            "acme/infra/ci/deploy@home.yml",
        ),
        (
            "acme/infra/.github/workflows/deploy.yml",
            "acme/infra/.github/workflows/deploy.yml",
        ),
        (
            "acme/infra/.github/workflows/@refs/heads/main",
            "acme/infra/.github/workflows/",
        ),
    ] {
        assert_eq!(workflow_of(workflow_ref), workflow);
    }
}

fn branch_of(value: serde_json::Value, payload: Option<serde_json::Value>) -> Option<String> {
    let payload =
        payload.map(|payload| EventPayload::parse(payload.to_string().as_bytes()).unwrap());
    let pull_request = payload.and_then(|payload| payload.pull_request);
    Context::of_claims(&claims(value), pull_request.as_ref()).branch
}

fn base_of(event: &str, git_ref: &str, base_ref: &str) -> Base {
    let claims =
        json!({"event_name": event, "ref": git_ref, "head_ref": "x", "base_ref": base_ref});
    Context::of_claims(&self::claims(claims), None).base
}

#[test]
fn the_base_of_a_merge_is_the_signed_one() {
    let branch = |name: &str| Base::Branch(name.to_owned());
    for (event, git_ref, base_ref, base) in [
        ("push", "refs/heads/main", "evil", Base::None),
        (
            "merge_group",
            "refs/heads/gh-readonly-queue/main/pr-1-abc",
            "",
            Base::None,
        ),
        // After a merge, only the base runs.
        ("pull_request", "refs/heads/main", "main", Base::None),
        ("pull_request", "refs/pull/7/merge", "main", branch("main")),
        ("pull_request", "refs/pull/7/head", "a/b", branch("a/b")),
        (
            "pull_request_review",
            "refs/pull/7/merge",
            "main",
            branch("main"),
        ),
        (
            "pull_request_review_comment",
            "refs/pull/7/merge",
            "main",
            branch("main"),
        ),
        // An unknown event fails closed.
        (
            "pull_request_of_tomorrow",
            "refs/pull/7/merge",
            "main",
            branch("main"),
        ),
        ("push", "refs/pull/7/merge", "main", branch("main")),
        ("pull_request", "refs/pull/7/merge", "", Base::Absent),
        (
            "pull_request",
            "refs/pull/7/merge",
            "refs/tags/v1",
            branch("refs/heads/refs/tags/v1"),
        ),
        (
            "pull_request_target",
            "refs/heads/main",
            "release",
            branch("main"),
        ),
        (
            "pull_request_target",
            "refs/heads/release",
            "main",
            branch("release"),
        ),
        (
            "pull_request_target",
            "refs/tags/main",
            "main",
            branch("refs/tags/main"),
        ),
        ("pull_request_target", "main", "main", Base::Absent),
        ("pull_request_target", "", "main", Base::Absent),
    ] {
        assert_eq!(
            base_of(event, git_ref, base_ref),
            base,
            "{event} {git_ref} {base_ref}"
        );
    }
}

#[test]
fn a_described_base_is_used() {
    let described = |event: &str, base: Option<&str>| {
        let mut context = Context {
            event: Some(event.to_owned()),
            ..Context::default()
        };
        context.describe(&Claims::default(), base, Some("refs/x"));
        assert_eq!(context.default_branch.as_deref(), Some("refs/heads/refs/x"));
        context.base
    };
    for event in ["pull_request", "pull_request_target", "pull_request_review"] {
        assert_eq!(described(event, None), Base::Assumed);
        assert_eq!(described(event, Some("")), Base::Absent);
        assert_eq!(
            described(event, Some("evil")),
            Base::Branch("evil".to_owned())
        );
    }
    for event in ["push", "merge_group", "issue_comment"] {
        assert_eq!(described(event, None), Base::None);
        assert_eq!(described(event, Some("evil")), Base::None);
    }
    let described = |claims: serde_json::Value, base: Option<&str>| {
        let claims = self::claims(claims);
        let mut context = Context::of_claims(&claims, None);
        context.describe(&claims, base, None);
        context.base
    };
    let of_claims = |git_ref: &str, base: Option<&str>| {
        let claims = json!({"event_name": "pull_request", "ref": git_ref, "head_ref": "x", "base_ref": "main"});
        described(claims, base)
    };
    // Claims without a base, and claims that state that there is none.
    let merge = json!({"event_name": "pull_request", "ref": "refs/pull/7/merge", "head_ref": "x"});
    assert_eq!(described(merge.clone(), None), Base::Assumed);
    let mut empty = merge;
    empty["base_ref"] = "".into();
    assert_eq!(described(empty, None), Base::Absent);
    // A flag takes precedence; a base in the claims is not assumed.
    assert_eq!(
        of_claims("refs/pull/7/merge", None),
        Base::Branch("main".to_owned())
    );
    assert_eq!(
        of_claims("refs/pull/7/merge", Some("evil")),
        Base::Branch("evil".to_owned())
    );
    assert_eq!(of_claims("refs/heads/main", None), Base::None);
}

#[test]
fn the_branch_of_each_kind_of_ref() {
    for (event, git_ref, branch) in [
        ("push", "refs/heads/main", Some("main")),
        (
            "push",
            "refs/heads/feature/a@b.yml",
            Some("feature/a@b.yml"),
        ),
        ("push", "refs/tags/main", Some("refs/tags/main")),
        (
            "push",
            "refs/heads/refs/heads/main",
            Some("refs/heads/refs/heads/main"),
        ),
        (
            "push",
            "refs/heads/refs/tags/v1",
            Some("refs/heads/refs/tags/v1"),
        ),
        ("push", "refs/heads/", Some("refs/heads/")),
        (
            "merge_group",
            "refs/heads/gh-readonly-queue/main/pr-1-abc",
            Some("gh-readonly-queue/main/pr-1-abc"),
        ),
        ("pull_request", "refs/heads/main", Some("main")),
        ("deployment", "", None),
        (
            "pull_request_review",
            "refs/pull/7/merge",
            Some("refs/pull/7/merge"),
        ),
    ] {
        let claims =
            json!({"event_name": event, "ref": git_ref, "head_ref": "", "repository_id": "1"});
        assert_eq!(
            branch_of(claims, None).as_deref(),
            branch,
            "{event} {git_ref}"
        );
    }
    assert_eq!(branch_of(json!({"event_name": "push"}), None), None);
    // Refs in another form than GitHub's never become a bare name.
    assert_eq!(
        branch_of(json!({"event_name": "push", "ref": "main"}), None),
        None
    );
    let bare = claims(json!({"repository": "acme/infra", "workflow_ref": "deploy.yml"}));
    assert_eq!(Context::of_claims(&bare, None).workflow, None);
}

fn pull_request(number: u64, head_ref: &str, repo: serde_json::Value) -> Option<serde_json::Value> {
    Some(json!({"pull_request": {"number": number, "head": {
        "ref": head_ref, "sha": "c".repeat(40), "repo": repo, "user": {"login": "mallory"}}}}))
}

#[test]
fn fork_branch_named_main_is_not_main() {
    let fork = json!({"id": 2, "owner": {"login": "mallory"}});
    let own = json!({"id": 1, "owner": {"login": "acme"}});
    for event in ["pull_request", "pull_request_target", "pull_request_review"] {
        let git_ref = if event == "pull_request_target" {
            "refs/heads/main"
        } else {
            "refs/pull/7/merge"
        };
        let claims =
            json!({"event_name": event, "ref": git_ref, "head_ref": "main", "repository_id": "1"});
        for (payload, branch) in [
            (pull_request(7, "main", own.clone()), "main"),
            (
                Some(
                    json!({"pull_request": {"number": 7, "base": {"ref": "main"},
                    "head": {"ref": "main", "repo": {"id": 1}}}}),
                ),
                "main",
            ),
            (pull_request(7, "main", fork.clone()), "mallory:main"),
            (pull_request(7, "main", json!(null)), "mallory:main"),
            (
                pull_request(7, "main", json!({"id": 2, "owner": {"login": "a:b\n"}})),
                "unknown:main",
            ),
            (pull_request(7, "other", own.clone()), "unknown:main"),
            (Some(json!({})), "unknown:main"),
            (None, "unknown:main"),
        ] {
            assert_eq!(
                branch_of(claims.clone(), payload.clone()).as_deref(),
                Some(branch),
                "{event} {payload:?}"
            );
        }
    }
    let claims = json!({"event_name": "pull_request", "ref": "refs/pull/7/merge", "head_ref": "main", "repository_id": "1"});
    assert_eq!(
        branch_of(claims, pull_request(8, "main", own)).as_deref(),
        Some("unknown:main")
    );
    // A token without a repository id proves nothing.
    let claims =
        json!({"event_name": "pull_request", "ref": "refs/pull/7/merge", "head_ref": "main"});
    assert_eq!(
        branch_of(
            claims,
            pull_request(7, "main", json!({"owner": {"login": "acme"}}))
        )
        .as_deref(),
        Some("acme:main")
    );
}

#[test]
fn pull_request_target_is_never_its_base() {
    let claims = json!({"event_name": "pull_request_target", "ref": "refs/heads/main", "head_ref": "", "repository_id": "1"});
    assert_eq!(branch_of(claims, None), None);
}
