use serde_json::{Value, json};

use super::*;
use crate::Claims;
use crate::context::{Base, Context};
use crate::policy::{Format, PermissionKey, Policy};

const DEPLOY: &str = "ws:deployments:create";
const NOW: &str = "2027-01-15T12:00:00Z";

/// Returns a push to `main` of `acme-org/infra`, in a job without an environment.
fn job() -> Context {
    let text = |text: &str| Some(text.to_owned());
    Context {
        repository: text("acme-org/infra"),
        repository_id: text("12"),
        repository_owner_id: text("3"),
        workflow: text("deploy.yml"),
        branch: text("main"),
        environment: None,
        actor: text("octocat"),
        event: text("push"),
        claims: [("runner_environment".to_owned(), "github-hosted".to_owned())].into(),
        ..Context::default()
    }
}

fn on(branch: &str) -> Context {
    Context {
        branch: Some(branch.to_owned()),
        ..job()
    }
}

fn in_environment(environment: &str) -> Context {
    Context {
        environment: Some(environment.to_owned()),
        ..job()
    }
}

fn of_event(event: &str) -> Context {
    Context {
        event: Some(event.to_owned()),
        ..job()
    }
}

/// Returns the context of a token with these claims, besides those of every job of the repository.
fn claimed(claims: Value) -> Context {
    let mut all = json!({
        "repository": "acme-org/infra",
        "repository_id": "12",
        "repository_owner_id": "3",
        "workflow_ref": "acme-org/infra/.github/workflows/deploy.yml@refs/heads/main",
        "ref": "refs/heads/main",
        "event_name": "push",
    });
    for (name, value) in claims.as_object().unwrap() {
        all[name] = value.clone();
    }
    let claims: Claims = serde_json::from_value(all).unwrap();
    Context::of_claims(&claims, None)
}

/// Prints a decision on one line: the reason, then the granting rule or the nearest miss.
fn decided(policy: &str, provenance: Provenance, permission: &str, context: &Context) -> String {
    let engine = Engine::new(Policy::parse(policy, Format::Yaml).unwrap());
    let key = PermissionKey::parse(permission.into()).unwrap();
    let now = NOW.parse().unwrap();
    match decide(
        Policies::one(&engine, provenance),
        Question::new(&[key], context, now),
    ) {
        Err(DecisionError::Policy(invalid)) => format!("policy_invalid: {invalid}"),
        Err(other) => panic!("{other:?}"),
        Ok(decisions) => {
            let decision = &decisions[0];
            assert_eq!(decision.decision, decision.reason.decision());
            let detail = match (&decision.rule, &decision.nearest) {
                (Some(rule), None) => format!(": {}", rule.label()),
                (None, Some(nearest)) => format!(": {}", nearest.sentence),
                (None, None) => String::new(),
                both => panic!("{both:?}"),
            };
            format!("{}{detail}", decision.reason.code())
        }
    }
}

/// Returns a policy with rules for the running repository, one on each line (flow style) from line 3.
fn rules(rules: &[&str]) -> String {
    let lines: String = rules
        .iter()
        .map(|rule| format!("  - {{ permission: {DEPLOY}, {rule} }}\n"))
        .collect();
    format!("version: 1\npermissions:\n{lines}")
}

/// Prints the decision of one rule on a job.
fn rule(text: &str, context: &Context) -> String {
    decided(&rules(&[text]), Provenance::ThisRepository, DEPLOY, context)
}

fn grants(text: &str, context: &Context) -> bool {
    let decided = rule(text, context);
    assert!(!decided.starts_with("policy_invalid"), "{decided}");
    decided.starts_with("granted")
}

// ---- the reasons, in the order of the contract

#[test]
fn repository_not_found() {
    let policy = "version: 1\nrepositories:\n  - { repository: acme-org/other, permissions: [{ permission: a:b }] }\n";
    for provenance in [
        Provenance::ThisRepository,
        Provenance::OtherRepository,
        Provenance::Given,
    ] {
        assert_eq!(
            decided(policy, provenance, "a:b", &job()),
            "repository_not_found"
        );
        for empty in ["version: 1\n", "version: 1\nrepositories: []\n"] {
            assert_eq!(
                decided(empty, provenance, "a:b", &job()),
                "repository_not_found"
            );
        }
    }
    let nowhere = Context {
        repository: None,
        ..job()
    };
    assert_eq!(
        decided(policy, Provenance::Given, "a:b", &nowhere),
        "repository_not_found"
    );
}

#[test]
fn repository_id_mismatch() {
    let policy = |pins: &str| {
        format!(
            "version: 1\nrepositories:\n  - {{ repository: ACME-org/infra, {pins}, permissions: [{{ permission: a:b }}] }}\n"
        )
    };
    let say =
        |pins: &str, context: &Context| decided(&policy(pins), Provenance::Given, "a:b", context);
    let reused = "repository_id_mismatch";
    assert!(say("repository_id: 12", &job()).starts_with("granted"));
    assert!(say("repository_id: 12, owner_id: 3", &job()).starts_with("granted"));
    assert_eq!(say("repository_id: 1", &job()), reused);
    assert_eq!(say("repository_id: 120", &job()), reused);
    assert_eq!(say("owner_id: 4", &job()), reused);
    assert_eq!(say("repository_id: 12, owner_id: 4", &job()), reused);
    assert_eq!(say("repository_id: 13, owner_id: 3", &job()), reused);
    let without_ids = Context {
        repository_id: None,
        repository_owner_id: None,
        ..job()
    };
    assert_eq!(say("repository_id: 12", &without_ids), reused);
    assert_eq!(say("owner_id: 3", &without_ids), reused);
}

#[test]
fn another_entry_may_name_the_repository_without_the_wrong_pin() {
    let policy = "version: 1\nrepositories:
  - { repository: acme-org/infra, repository_id: 99, permissions: [{ permission: a:b }] }
  - { repository: { glob: acme-org/* }, permissions: [{ permission: a:b, branch: main }] }
";
    insta::assert_snapshot!(decided(policy, Provenance::Given, "a:b", &job()), @"granted: rule 1 (line 4)");
    insta::assert_snapshot!(decided(policy, Provenance::Given, "a:b", &on("x")), @"no_rule_matches: rule 1 (line 4) needs branch `main`; this job has `x`");
}

#[test]
fn permission_not_granted() {
    assert_eq!(
        decided(
            &rules(&["branch: main"]),
            Provenance::ThisRepository,
            "ws:locks:create",
            &job()
        ),
        "permission_not_granted"
    );
    for policy in [
        "version: 1\npermissions: []\n",
        "version: 1\nrepositories: [{ repository: acme-org/infra, permissions: [] }]\n",
    ] {
        let seen = decided(policy, Provenance::ThisRepository, DEPLOY, &job());
        assert_eq!(seen, "permission_not_granted");
    }
    // Keys match exactly, not as prefixes or patterns.
    for other in [
        "ws:deployments:create_all",
        "ws:deployments",
        "x:ws:deployments:create",
    ] {
        let policy = format!("version: 1\npermissions: [{{ permission: {other} }}]\n");
        let seen = decided(&policy, Provenance::ThisRepository, DEPLOY, &job());
        assert_eq!(seen, "permission_not_granted");
    }
}

#[test]
fn untrusted_event() {
    insta::assert_snapshot!(rule("branch: main", &of_event("pull_request_target")), @"untrusted_event: rule 1 (line 3) does not name this event in `events:`, which an untrusted event needs; this job has event `pull_request_target`");
    insta::assert_snapshot!(rule("branch: main", &of_event("workflow_run")), @"untrusted_event: rule 1 (line 3) does not name this event in `events:`, which an untrusted event needs; this job has event `workflow_run`");
    insta::assert_snapshot!(rule("events: [push, merge_group]", &of_event("pull_request_target")), @"untrusted_event: rule 1 (line 3) is limited to the events `push`, `merge_group`; this job has event `pull_request_target`");
    insta::assert_snapshot!(rule("events: [workflow_dispatch]", &job()), @"untrusted_event: rule 1 (line 3) is limited to the events `workflow_dispatch`; this job has event `push`");
    insta::assert_snapshot!(rule("branch: main, events: [pull_request_target]", &of_event("pull_request_target")), @"granted: rule 1 (line 3)");
    insta::assert_snapshot!(rule("branch: main, events: [pull_request_target]", &of_event("workflow_run")), @"untrusted_event: rule 1 (line 3) is limited to the events `pull_request_target`; this job has event `workflow_run`");
    // A rule that fails in another dimension reports that first.
    insta::assert_snapshot!(rule("branch: develop", &of_event("workflow_run")), @"no_rule_matches: rule 1 (line 3) needs branch `develop` and does not name this event in `events:`, which an untrusted event needs; this job has branch `main` and event `workflow_run`");
    for event in TRUSTED_EVENTS {
        assert!(grants("branch: main", &of_event(event)), "{event}");
    }
    // Users without write access or their Apps can start these events, or control their content.
    for event in [
        "pull_request_target",
        "workflow_run",
        "issue_comment",
        "issues",
        "discussion",
        "discussion_comment",
        "commit_comment",
        "fork",
        "watch",
        "gollum",
        "pull_request_review",
        "pull_request_review_comment",
        "check_run",
        "check_suite",
        "status",
        "deployment_status",
        "member",
        "made_up",
        "PUSH",
        "push ",
        "",
    ] {
        assert!(!grants("branch: main", &of_event(event)), "{event}");
    }
    assert!(grants(
        "events: [issue_comment]",
        &of_event("issue_comment")
    ));
    let absent = Context {
        event: None,
        ..job()
    };
    assert!(!grants("branch: main", &absent));
}

/// Returns a pull request of `head` into `base`, in a repository whose default branch is `main`.
fn pull_request(head: &str, base: &str) -> Context {
    Context {
        branch: Some(head.to_owned()),
        base: Base::Branch(base.to_owned()),
        default_branch: Some("main".to_owned()),
        event: Some("pull_request".to_owned()),
        ..job()
    }
}

#[test]
fn a_base_must_be_trusted_like_the_head() {
    let of = |text: &str, head: &str, base: &str| rule(text, &pull_request(head, base));
    insta::assert_snapshot!(of("branch: main", "main", "evil"), @"no_rule_matches: rule 1 (line 3) needs a base that its `branch` matches, or `base: evil`; this job goes into `evil`");
    insta::assert_snapshot!(of("branch: main", "evil", "main"), @"no_rule_matches: rule 1 (line 3) needs branch `main`; this job has `evil`");
    insta::assert_snapshot!(of("branch: main, base: release", "main", "main"), @"no_rule_matches: rule 1 (line 3) needs base `release`; this job goes into `main`");
    insta::assert_snapshot!(of("branch: main, base: [release, { glob: 'v*' }]", "evil", "main"), @"no_rule_matches: rule 1 (line 3) needs branch `main` and base `release` or `v*`; this job has branch `evil` and goes into `main`");
    insta::assert_snapshot!(of("branch: feature/x, environment: production", "feature/x", "a b"), @"no_rule_matches: rule 1 (line 3) needs a base that its `branch` matches, or `base: a b` and environment `production`; this job has no environment and goes into `a b`");
    for (text, head, base, granted) in [
        // Without `base`, the rule trusts what `branch` matches, and the default branch.
        ("branch: main", "main", "main", true),
        ("branch: feature/x", "feature/x", "main", true),
        ("branch: feature/x", "feature/x", "feature/x", true),
        ("branch: feature/x", "feature/x", "develop", false),
        ("branch: [feature/x, develop]", "feature/x", "develop", true),
        ("branch: '*'", "x", "evil", true),
        ("workflow: deploy.yml", "x", "evil", true),
        // With `base`, it trusts nothing else, not even the default branch.
        (
            "branch: feature/x, base: develop",
            "feature/x",
            "develop",
            true,
        ),
        (
            "branch: feature/x, base: develop",
            "feature/x",
            "main",
            false,
        ),
        (
            "branch: feature/x, base: develop",
            "feature/x",
            "feature/x",
            false,
        ),
        ("branch: feature/x, base: '*'", "feature/x", "evil", true),
        ("branch: feature/x, base: Main", "feature/x", "main", false),
        ("base: main", "x", "main", true),
        ("base: main", "x", "evil", false),
    ] {
        assert_eq!(
            grants(text, &pull_request(head, base)),
            granted,
            "{text}: {head} into {base}"
        );
    }
    let with = |base: Base, default_branch: Option<&str>| Context {
        base,
        default_branch: default_branch.map(str::to_owned),
        ..pull_request("feature/x", "main")
    };
    // The name of the default branch is unknown.
    assert!(!grants(
        "branch: feature/x",
        &with(Base::Branch("main".into()), None)
    ));
    // If the token names no base, only a pattern that matches every value does.
    for (text, granted) in [
        ("branch: feature/x", false),
        ("branch: feature/x, base: '*'", true),
        ("branch: feature/x, base: '.*'", false),
        ("branch: '*'", true),
        ("workflow: deploy.yml", true),
    ] {
        assert_eq!(
            grants(text, &with(Base::Absent, Some("main"))),
            granted,
            "{text}"
        );
    }
    // Nothing is merged, or the question has no base.
    for base in [Base::None, Base::Assumed] {
        assert!(grants(
            "branch: feature/x, base: develop",
            &with(base, None)
        ));
    }
    insta::assert_snapshot!(rule("branch: feature/x", &with(Base::Absent, Some("main"))), @"no_rule_matches: rule 1 (line 3) needs a base that its `branch` matches; this job goes into a base that its token does not name");
}

#[test]
fn the_default_branch_helps_the_rules_of_the_own_policy_only() {
    let top = rules(&["branch: feature/x"]);
    let entry = "version: 1\nrepositories:\n  - { repository: acme-org/infra, permissions: [{ permission: ws:deployments:create, branch: feature/x }] }\n";
    let job = pull_request("feature/x", "main");
    for (policy, provenance, granted) in [
        (&*top, Provenance::ThisRepository, true),
        (&*top, Provenance::Offline, true),
        (&*top, Provenance::Given, false),
        (&*top, Provenance::OtherRepository, false),
        (entry, Provenance::ThisRepository, false),
        (entry, Provenance::Offline, false),
        (entry, Provenance::Given, false),
        (entry, Provenance::OtherRepository, false),
    ] {
        let decided = decided(policy, provenance, DEPLOY, &job);
        assert_eq!(
            decided.starts_with("granted"),
            granted,
            "{provenance:?} {decided}"
        );
    }
}

#[test]
fn an_invalid_base_stops_a_check_for_every_event() {
    let policy = rules(&["branch: main", "base: '(['"]);
    for job in [job(), pull_request("main", "main")] {
        let decided = decided(&policy, Provenance::ThisRepository, DEPLOY, &job);
        assert!(decided.starts_with("policy_invalid"), "{decided}");
    }
}

#[test]
fn the_trace_shows_what_decided_on_the_base() {
    let shown = |text: &str, head: &str, base: &str| {
        let text = rules(&[text]);
        let engine = Engine::new(Policy::parse(&text, Format::Yaml).unwrap());
        let key = PermissionKey::parse(DEPLOY.into()).unwrap();
        let context = pull_request(head, base);
        let decided = decide(
            Policies::one(&engine, Provenance::ThisRepository),
            Question::new(&[key], &context, NOW.parse().unwrap()),
        );
        let decided = decided.unwrap();
        let base = decided[0].trace[0]
            .dimensions
            .iter()
            .find(|one| one.dimension == "base");
        serde_json::to_string(base.unwrap()).unwrap()
    };
    insta::assert_snapshot!(shown("branch: x, base: develop", "x", "develop"), @r#"{"dimension":"base","pattern":"develop","kind":"literal","value":"develop","matched":true}"#);
    insta::assert_snapshot!(shown("branch: '(x|y)'", "x", "y"), @r#"{"dimension":"base","pattern":"(x|y)","kind":"regex","value":"y","matched":true}"#);
    insta::assert_snapshot!(shown("branch: x", "x", "main"), @r#"{"dimension":"base","pattern":"main","kind":"default_branch","value":"main","matched":true}"#);
    insta::assert_snapshot!(shown("branch: [x, y]", "x", "evil"), @r#"{"dimension":"base","pattern":"x, y","kind":"list","value":"evil","matched":false,"any_of":[{"pattern":"x","kind":"literal","matched":false},{"pattern":"y","kind":"literal","matched":false}]}"#);
    insta::assert_snapshot!(shown("workflow: deploy.yml", "x", "evil"), @r#"{"dimension":"base","pattern":"*","kind":"any","value":"evil","matched":true}"#);
}

#[test]
fn expired() {
    insta::assert_snapshot!(rule("expires: 2027-01-14", &job()), @"expired: rule 1 (line 3) expired on 2027-01-14");
    insta::assert_snapshot!(rule("name: trial, expires: 2027-01-15T11:59:59Z", &job()), @"expired: rule 1 (`trial`, line 3) expired on 2027-01-15T11:59:59Z");
    insta::assert_snapshot!(rule("expires: 2027-01-15", &job()), @"granted: rule 1 (line 3)");
    insta::assert_snapshot!(rule("expires: 2027-01-15T12:00:00Z", &job()), @"granted: rule 1 (line 3)");
    insta::assert_snapshot!(rule("branch: develop, expires: 2020-01-01", &job()), @"no_rule_matches: rule 1 (line 3) needs branch `develop` and expired on 2020-01-01; this job has branch `main`");
    // A rule that fails in both fits neither reason.
    insta::assert_snapshot!(rule("events: [schedule], expires: 2020-01-01", &job()), @"no_rule_matches: rule 1 (line 3) is limited to the events `schedule` and expired on 2020-01-01; this job has event `push`");
    // The event has priority over the expiry.
    let both = rules(&["expires: 2020-01-01", "events: [schedule]"]);
    insta::assert_snapshot!(decided(&both, Provenance::ThisRepository, DEPLOY, &job()), @"untrusted_event: rule 2 (line 4) is limited to the events `schedule`; this job has event `push`");
    let beside = |other: &str| {
        let rules = rules(&["events: [schedule], expires: 2020-01-01", other]);
        decided(&rules, Provenance::ThisRepository, DEPLOY, &job())
    };
    insta::assert_snapshot!(beside("expires: 2020-01-02"), @"expired: rule 2 (line 4) expired on 2020-01-02");
    insta::assert_snapshot!(beside("events: [release]"), @"untrusted_event: rule 2 (line 4) is limited to the events `release`; this job has event `push`");
    insta::assert_snapshot!(beside("branch: develop, expires: 2020-01-02"), @"no_rule_matches: rule 1 (line 3) is limited to the events `schedule` and expired on 2020-01-01; this job has event `push`");
    insta::assert_snapshot!(beside("branch: develop"), @"no_rule_matches: rule 2 (line 4) needs branch `develop`; this job has `main`");
    // An expired rule does not affect another one.
    let other = rules(&["expires: 2020-01-01", "branch: main"]);
    insta::assert_snapshot!(decided(&other, Provenance::ThisRepository, DEPLOY, &job()), @"granted: rule 2 (line 4)");
}

#[test]
fn no_rule_matches_and_the_nearest_miss_says_why() {
    insta::assert_snapshot!(rule("environment: production", &job()), @"no_rule_matches: rule 1 (line 3) needs environment `production`; this job has none");
    insta::assert_snapshot!(rule("name: production deploys, environment: production", &job()), @"no_rule_matches: rule 1 (`production deploys`, line 3) needs environment `production`; this job has none");
    insta::assert_snapshot!(rule("environment: production", &in_environment("staging")), @"no_rule_matches: rule 1 (line 3) needs environment `production`; this job has `staging`");
    insta::assert_snapshot!(rule("branch: ^(main|develop)$", &on("feature/x")), @"no_rule_matches: rule 1 (line 3) needs branch `^(main|develop)$`; this job has `feature/x`");
    insta::assert_snapshot!(rule("branch: [main, { glob: release/* }]", &on("x")), @"no_rule_matches: rule 1 (line 3) needs branch `main` or `release/*`; this job has `x`");
    insta::assert_snapshot!(rule("workflow: ci.yml, branch: main", &job()), @"no_rule_matches: rule 1 (line 3) needs workflow `ci.yml`; this job has `deploy.yml`");
    insta::assert_snapshot!(rule("workflow: ci.yml, branch: develop, environment: production", &job()), @"no_rule_matches: rule 1 (line 3) needs workflow `ci.yml`, branch `develop` and environment `production`; this job has workflow `deploy.yml`, branch `main` and no environment");
    insta::assert_snapshot!(rule("claims: { runner_environment: self-hosted }", &job()), @"no_rule_matches: rule 1 (line 3) needs claim `runner_environment` `self-hosted`; this job has `github-hosted`");
    insta::assert_snapshot!(rule("claims: { job_workflow_ref: \"x.*\" }", &job()), @"no_rule_matches: rule 1 (line 3) needs claim `job_workflow_ref` `x.*`; this job has none");
    insta::assert_snapshot!(rule("branch: develop, events: [schedule], expires: 2020-01-01", &job()), @"no_rule_matches: rule 1 (line 3) needs branch `develop`, is limited to the events `schedule` and expired on 2020-01-01; this job has branch `main` and event `push`");
    // The nearest miss has the fewest failures; the first of several.
    let several = rules(&[
        "workflow: ci.yml, branch: develop",
        "branch: develop",
        "environment: production",
        "workflow: x.yml, environment: production",
    ]);
    insta::assert_snapshot!(decided(&several, Provenance::ThisRepository, DEPLOY, &job()), @"no_rule_matches: rule 2 (line 4) needs branch `develop`; this job has `main`");
    // Event and expiry count as the other dimensions do.
    let limited = rules(&[
        "branch: develop, events: [schedule], expires: 2020-01-01",
        "branch: develop, environment: production",
    ]);
    insta::assert_snapshot!(decided(&limited, Provenance::ThisRepository, DEPLOY, &job()), @"no_rule_matches: rule 2 (line 4) needs branch `develop` and environment `production`; this job has branch `main` and no environment");
}

#[test]
fn a_denial_by_a_json_policy_prints_json() {
    let policy = r#"{"version": 1, "permissions": [{"permission": "a:b", "branch": "x"}]}"#;
    let context = Context {
        base: Base::Branch("evil".to_owned()),
        event: Some("pull_request".to_owned()),
        ..on("x")
    };
    let key = [PermissionKey::parse("a:b".into()).unwrap()];
    let question = Question::new(&key, &context, NOW.parse().unwrap());
    for (format, line) in [
        (Format::Json, "`\"base\": \"evil\"`"),
        (Format::Yaml, "`base: evil`"),
    ] {
        let engine = Engine::new(Policy::parse(policy, format).unwrap());
        let decided = decide(Policies::one(&engine, Provenance::Given), question).unwrap();
        let sentence = &decided[0].nearest.as_ref().unwrap().sentence;
        let expected = format!(
            "rule 1 (line 1) needs a base that its `branch` matches, or {line}; this job goes into `evil`"
        );
        assert_eq!(*sentence, expected);
    }
}

#[test]
fn granted_by_the_first_matching_rule_in_file_order() {
    let policy = rules(&["branch: develop", "name: second", "branch: main"]);
    insta::assert_snapshot!(decided(&policy, Provenance::ThisRepository, DEPLOY, &job()), @"granted: rule 2 (`second`, line 4)");
    // `permissions` below `repositories`, and two entries for one repository.
    let policy = "version: 1
repositories:
  - repository: other/x
    permissions: [{ permission: a:b }]
  - repository: acme-org/infra
    permissions:
      - { permission: a:b, branch: develop }
      - { permission: a:b, name: by the entry }
  - repository: { glob: acme-org/* }
    permissions: [{ permission: a:b, name: by the glob }]
permissions:
  - { permission: a:b, name: at the top }
";
    insta::assert_snapshot!(decided(policy, Provenance::ThisRepository, "a:b", &job()), @"granted: rule 2 (`by the entry`, line 8)");
    let service = Context {
        repository: Some("acme-org/service".into()),
        ..job()
    };
    insta::assert_snapshot!(decided(policy, Provenance::ThisRepository, "a:b", &service), @"granted: rule 1 (`by the glob`, line 10)");
    let third = Context {
        repository: Some("third/x".into()),
        ..job()
    };
    insta::assert_snapshot!(decided(policy, Provenance::ThisRepository, "a:b", &third), @"granted: rule 1 (`at the top`, line 12)");
    insta::assert_snapshot!(decided(policy, Provenance::Given, "a:b", &third), @"repository_not_found");
}

// ---- provenance

#[test]
fn provenance_determines_whether_rules_at_the_top_apply() {
    let top = "version: 1\npermissions: [{ permission: a:b }]\n";
    let both = "version: 1\npermissions: [{ permission: a:b }]\nrepositories: [{ repository: other/x, permissions: [] }]\n";
    let none = "version: 1\npermissions: [{ permission: a:b }]\nrepositories: []\n";
    for (policy, provenance, expected) in [
        (top, Provenance::ThisRepository, "granted: rule 1 (line 2)"),
        (top, Provenance::OtherRepository, "granted: rule 1 (line 2)"),
        (top, Provenance::Given, "granted: rule 1 (line 2)"),
        (both, Provenance::ThisRepository, "granted: rule 1 (line 2)"),
        (both, Provenance::Given, "repository_not_found"),
        (none, Provenance::ThisRepository, "granted: rule 1 (line 2)"),
        (none, Provenance::Given, "repository_not_found"),
    ] {
        assert_eq!(
            decided(policy, provenance, "a:b", &job()),
            expected,
            "{provenance:?}\n{policy}"
        );
    }
    for policy in [both, none] {
        assert_eq!(
            decided(policy, Provenance::OtherRepository, "a:b", &job()),
            decided(both, Provenance::OtherRepository, "a:b", &job()),
        );
    }
    insta::assert_snapshot!(decided(both, Provenance::OtherRepository, "a:b", &job()), @"policy_invalid: line 3, column 1: a policy of another repository has both `permissions` and `repositories` (move the rules at the top into an entry of `repositories`)");
}

// ---- dimensions

#[test]
fn repository_and_environment_ignore_case_and_the_others_do_not() {
    for pattern in [
        "PRODUCTION",
        "{ exact: Production }",
        "{ glob: \"PROD*\" }",
        "\"Prod.*\"",
        "\"[N-Q]roduction\"",
    ] {
        let text = format!("environment: {pattern}");
        assert!(grants(&text, &in_environment("production")), "{pattern}");
        assert!(grants(&text, &in_environment("pRODUCTION")), "{pattern}");
    }
    for (pattern, yes) in [
        ("Main", false),
        ("{ glob: \"MAI*\" }", false),
        ("\"M.*\"", false),
        ("\"(?i)M.*\"", true),
    ] {
        assert_eq!(
            grants(&format!("branch: {pattern}"), &job()),
            yes,
            "{pattern}"
        );
    }
    assert!(!grants("workflow: Deploy.yml", &job()));
    assert!(!grants(
        "claims: { runner_environment: GitHub-Hosted }",
        &job()
    ));
    assert!(!grants(
        "claims: { Runner_Environment: github-hosted }",
        &job()
    ));
    let policy = "version: 1\nrepositories: [{ repository: Acme-ORG/Infra, permissions: [{ permission: a:b }] }]\n";
    assert!(decided(policy, Provenance::Given, "a:b", &job()).starts_with("granted"));
}

#[test]
fn lists_match_when_any_pattern_does() {
    assert!(grants("branch: [develop, main]", &job()));
    assert!(grants(
        "branch: [{ glob: feature/** }, { regex: m.*n }]",
        &job()
    ));
    assert!(!grants("branch: [develop, mai, main2]", &job()));
    assert!(grants("environment: [production, \"*\"]", &job()));
    let policy = format!("version: 1\npermissions: [{{ permission: [a:b, {DEPLOY}] }}]\n");
    for permission in ["a:b", DEPLOY] {
        assert_eq!(
            decided(&policy, Provenance::Given, permission, &job()),
            "granted: rule 1 (line 2)"
        );
    }
    insta::assert_snapshot!(rule("branch: []", &job()), @r#"policy_invalid: line 3, column 50: the list of patterns is empty (write `"*"` for every value, or leave out the key)"#);
}

#[test]
fn claims_are_further_dimensions() {
    let context =
        claimed(json!({"run_attempt": "2", "n": 7, "b": true, "list": ["x"], "none": null}));
    assert!(grants(
        "claims: { run_attempt: \"2\", n: \"7\", b: \"true\" }",
        &context
    ));
    assert!(!grants(
        "claims: { run_attempt: \"2\", n: \"8\" }",
        &context
    ));
    for absent in ["list", "none", "missing"] {
        assert!(
            !grants(&format!("claims: {{ {absent}: \".*\" }}"), &context),
            "{absent}"
        );
        assert!(
            grants(&format!("claims: {{ {absent}: \"*\" }}"), &context),
            "{absent}"
        );
    }
}

#[test]
fn the_trace_shows_every_rule_and_dimension() {
    let policy = rules(&[
        "branch: [main, { glob: x* }], environment: prod, claims: { runner_environment: github-hosted }",
        "events: [push], expires: 2027-02-01",
    ]);
    let engine = Engine::new(Policy::parse(&policy, Format::Yaml).unwrap());
    let key = PermissionKey::parse(DEPLOY.into()).unwrap();
    let context = job();
    let decisions = decide(
        Policies::one(&engine, Provenance::Given),
        Question::new(&[key], &context, NOW.parse().unwrap()),
    )
    .unwrap();
    let mut text = String::new();
    for rule in &decisions[0].trace {
        text += &format!("{} matched: {}\n", rule.rule.label(), rule.matched);
        for d in &rule.dimensions {
            let (name, value) = (&d.dimension, d.value.as_deref());
            text += &format!(
                "  {name} {} `{}` {value:?} {}\n",
                d.kind, d.pattern, d.matched
            );
        }
    }
    insta::assert_snapshot!(text, @r#"
    rule 1 (line 3) matched: false
      workflow any `*` Some("deploy.yml") true
      branch list `main, x*` Some("main") true
      environment literal `prod` None false
      claims.runner_environment literal `github-hosted` Some("github-hosted") true
    rule 2 (line 4) matched: true
      workflow any `*` Some("deploy.yml") true
      branch any `*` Some("main") true
      environment any `*` None true
      event events `push` Some("push") true
      expires expiry `2027-02-01` Some("2027-01-15T12:00:00Z") true
    "#);
}

// ---- several permissions, and invalid patterns

#[test]
fn each_permission_has_its_own_decision() {
    let policy = "version: 1\npermissions:
  - { permission: a:a, branch: (main|x) }
  - { permission: a:b, branch: develop }
  - { permission: a:c, expires: 2020-01-01 }
";
    let engine = Engine::new(Policy::parse(policy, Format::Yaml).unwrap());
    let keys =
        ["a:d", "a:c", "a:b", "a:a", "a:a"].map(|key| PermissionKey::parse(key.into()).unwrap());
    let context = job();
    let decisions = decide(
        Policies::one(&engine, Provenance::Given),
        Question::new(&keys, &context, NOW.parse().unwrap()),
    )
    .unwrap();
    let seen: Vec<_> = decisions
        .iter()
        .map(|d| (&*d.permission, d.reason))
        .collect();
    assert_eq!(
        seen,
        [
            ("a:d", Reason::PermissionNotGranted),
            ("a:c", Reason::Expired),
            ("a:b", Reason::NoRuleMatches),
            ("a:a", Reason::Granted),
            ("a:a", Reason::Granted),
        ]
    );
    assert!(
        decide(
            Policies::one(&engine, Provenance::Given),
            Question::new(&[], &context, NOW.parse().unwrap())
        )
        .unwrap()
        .is_empty()
    );
}

/// The action reads the repository's own policy only if a decision is open, and all decisions share one time.
#[test]
fn adding_the_own_policy_tries_no_pattern_of_the_first_again() {
    let central = "version: 1\nrepositories:
  - repository: acme-org/infra
    delegate: [a:a, a:b]
    permissions:
      - { permission: a:a, branch: develop, environment: 'x.*', workflow: y.* }
      - { permission: a:c, branch: main }
";
    let own = "version: 1\npermissions:
  - { permission: a:a, branch: (main|x) }
  - { permission: a:b, branch: develop }
  - { permission: a:c, branch: develop }
";
    let engine = |text| Engine::new(Policy::parse(text, Format::Yaml).unwrap());
    let (central, own) = (engine(central), engine(own));
    let keys = ["a:c", "a:b", "a:a"].map(|key| PermissionKey::parse(key.into()).unwrap());
    let context = job();
    let tried = std::cell::Cell::new(0);
    let question = Question {
        has_time: &|| {
            tried.set(tried.get() + 1);
            true
        },
        ..Question::new(&keys, &context, NOW.parse().unwrap())
    };
    let first = decide(
        Policies::one(&central, Provenance::OtherRepository),
        question,
    )
    .unwrap();
    let reasons = |decisions: &[PermissionDecision]| {
        let reasons = decisions.iter().map(|decision| decision.reason);
        reasons.collect::<Vec<_>>()
    };
    let (not_granted, no_match) = (Reason::PermissionNotGranted, Reason::NoRuleMatches);
    assert_eq!(reasons(&first), [Reason::Granted, not_granted, no_match]);
    tried.set(0);
    let both = add_own_policy(first, &own, question).unwrap();
    // The two patterns of the rules for the open permissions.
    assert_eq!(tried.get(), 2);
    assert_eq!(reasons(&both), [Reason::Granted, no_match, Reason::Granted]);
    let policies = Policies {
        policy: &central,
        provenance: Provenance::OtherRepository,
        own: Some(Ok::<_, std::convert::Infallible>(&own)),
    };
    assert_eq!(decide(policies, question).unwrap(), both);
}

#[test]
fn an_invalid_pattern_stops_only_the_checks_that_need_it() {
    let policy = "version: 1\nrepositories:
  - repository: acme-org/infra
    permissions:
      - { permission: a:a }
      - { permission: a:a, branch: \"a)|(\" }
      - { permission: a:b }
      - { permission: a:c, environment: \"[\", claims: { sha: \"(\" } }
      - { permission: a:c, workflow: \"*.yml\" }
  - repository: acme-org/other
    permissions:
      - { permission: a:b, branch: \"(\" }
";
    let say = |permission: &str| decided(policy, Provenance::Given, permission, &job());
    // An earlier rule matches, but validity does not depend on the order.
    insta::assert_snapshot!(say("a:a"), @"policy_invalid: line 6, column 36: the regex `a)|(` is not valid: unopened group, at byte 1");
    insta::assert_snapshot!(say("a:b"), @"granted: rule 3 (line 7)");
    insta::assert_snapshot!(say("a:c"), @"policy_invalid: line 8, column 41: the regex `[` is not valid: unclosed character class, at byte 0; and 1 more problem");
    insta::assert_snapshot!(say("a:d"), @"permission_not_granted");
    let other = Context {
        repository: Some("acme-org/other".into()),
        ..job()
    };
    insta::assert_snapshot!(decided(policy, Provenance::Given, "a:a", &other), @"permission_not_granted");
    insta::assert_snapshot!(decided(policy, Provenance::Given, "a:b", &other), @"policy_invalid: line 12, column 36: the regex `(` is not valid: unclosed group, at byte 0");
}

#[test]
fn an_invalid_repository_pattern_stops_every_check() {
    let policy = "version: 1\npermissions: [{ permission: a:b }]\nrepositories:
  - { repository: acme-org/infra, permissions: [{ permission: a:b }] }
  - { repository: [other/x, \"acme-org/(\"], permissions: [] }
";
    insta::assert_snapshot!(decided(policy, Provenance::ThisRepository, "a:b", &job()), @"policy_invalid: line 5, column 29: the regex `acme-org/(` is not valid: unclosed group, at byte 9");
    insta::assert_snapshot!(decided(policy, Provenance::Given, "x:y", &job()), @"policy_invalid: line 5, column 29: the regex `acme-org/(` is not valid: unclosed group, at byte 9");
}

#[test]
fn an_invalid_pattern_of_an_entry_with_other_pins_is_not_compiled() {
    let policy = "version: 1\nrepositories:
  - { repository: acme-org/infra, repository_id: 99, permissions: [{ permission: a:b, branch: \"(\" }] }
";
    assert_eq!(
        decided(policy, Provenance::Given, "a:b", &job()),
        "repository_id_mismatch"
    );
}

// ---- Atmos Pro's own examples

const ATMOS: &str = r#"version: 1
permissions:
  - name: development
    permission: ws:instances:create
    branch: "^(main|develop|feature/.*)$"
  - permission: Affected Stacks Create
    workflow: "*"
    branch: main
    environment: "*"
  - permission: Deployments Create
    workflow: deploy-production.yml
    branch: main
    environment: production
  - permission: [Locks Create, Locks Delete]
    workflow: "*"
    branch: main
    environment: "*"
"#;

#[test]
fn atmos_pro_examples() {
    let granted = |permission: &str, context: &Context| {
        let decided = decided(ATMOS, Provenance::ThisRepository, permission, context);
        decided.starts_with("granted")
    };
    for branch in ["main", "develop", "feature/x", "feature/x/y", "feature/"] {
        assert!(granted("Instances Create", &on(branch)), "{branch}");
    }
    for branch in [
        "main2",
        "xmain",
        "develop/x",
        "feature",
        "features/x",
        "refs/tags/main",
        "mallory:main",
    ] {
        assert!(!granted("ws:instances:create", &on(branch)), "{branch}");
    }
    for permission in [
        "ws:affected_stacks:create",
        "ws:locks:create",
        "ws:locks:delete",
    ] {
        assert!(granted(permission, &job()));
        assert!(granted(permission, &in_environment("anything")));
        assert!(!granted(permission, &on("develop")));
    }
    let deploy = Context {
        workflow: Some("deploy-production.yml".into()),
        ..in_environment("production")
    };
    assert!(granted(DEPLOY, &deploy));
    assert!(!granted(
        DEPLOY,
        &Context {
            environment: None,
            ..deploy.clone()
        }
    ));
    assert!(!granted(
        DEPLOY,
        &Context {
            branch: Some("develop".into()),
            ..deploy.clone()
        }
    ));
    assert!(!granted(
        DEPLOY,
        &Context {
            workflow: Some("deploy-productionxyml".into()),
            ..deploy.clone()
        }
    ));
    assert!(!granted("ws:instances:update", &deploy));
    let staging = Context {
        environment: Some("staging".into()),
        ..deploy
    };
    insta::assert_snapshot!(decided(ATMOS, Provenance::ThisRepository, DEPLOY, &staging), @"no_rule_matches: rule 3 (line 10) needs environment `production`; this job has `staging`");
    insta::assert_snapshot!(decided(ATMOS, Provenance::ThisRepository, DEPLOY, &job()), @"no_rule_matches: rule 3 (line 10) needs workflow `deploy-production.yml` and environment `production`; this job has workflow `deploy.yml` and no environment");
}

#[test]
fn letters_beyond_ascii_keep_their_case() {
    // U+212A, the Kelvin sign, equals `k` under Unicode's rules, but not in GitHub's names.
    let policy = "version: 1\nrepositories: [{ repository: [acme/kit, 'acme/[k]it'], permissions: [{ permission: a:b }] }]\n";
    let of = |repository: &str| Context {
        repository: Some(repository.to_owned()),
        ..job()
    };
    for (repository, reason) in [
        ("acme/\u{212a}it", "repository_not_found"),
        ("acme/KIT", "granted: rule 1 (line 2)"),
    ] {
        let decided = decided(policy, Provenance::Given, "a:b", &of(repository));
        assert_eq!(decided, reason, "{repository}");
    }
}
