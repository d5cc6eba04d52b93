use serde_json::{Value, json};

use super::answer;

const NOW: &str = "2026-11-30T12:00:00Z";
const POLICY: &str = "version: 1
permissions:
  - name: production deploys
    permission: ws:deployments:create
    workflow: deploy.yml
    branch: main
    environment: production
";

fn ask(question: &Value) -> Value {
    serde_json::from_str(&answer(&question.to_string())).unwrap()
}

/// The answer about a job, described by the fields that are not empty.
fn decide(policy: &str, fields: &[(&str, &str)]) -> Value {
    let mut question = json!({ "ask": "decide", "now": NOW, "policy": policy });
    for field in [
        "own_policy",
        "permission",
        "repository",
        "workflow",
        "branch",
        "base",
        "default_branch",
        "policy_repository",
        "environment",
        "event",
        "claims",
        "payload",
    ] {
        question[field] = json!("");
    }
    for (field, text) in fields {
        question[field] = json!(text);
    }
    ask(&question)
}

const JOB: [(&str, &str); 4] = [
    ("permission", "Deployments Create"),
    ("workflow", "deploy.yml"),
    ("branch", "feature/x"),
    ("environment", "production"),
];

#[test]
fn a_denial_says_what_to_change_and_names_fields() {
    let answer = decide(POLICY, &JOB);
    assert_eq!(answer["outcome"]["reason"], "no_rule_matches");
    assert_eq!(answer["outcome"]["permissions"][0]["nearest"]["line"], 3);
    let steps = answer["steps"].as_array().unwrap().iter();
    let names: Vec<_> = steps.map(|step| step["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "token",
            "context",
            "policy",
            "repository",
            "rules",
            "decision"
        ]
    );
    let change = &answer["advice"][0]["changes"][0];
    assert_eq!(change["place"], "policy.yml:6");
    assert_eq!(answer["permissions"][0]["rules"][0]["nearest"], true);
    let without = [&JOB[..2], &JOB[3..]].concat();
    let change = &decide(POLICY, &without)["advice"][0]["changes"][0];
    assert_eq!(change["input"], "the field `Branch`, if the job has one");
}

#[test]
fn claims_are_json_or_lines_and_fields_win() {
    let json = r#"{"ref":"refs/heads/other","environment":"production"}"#;
    let lines = "ref=refs/heads/other\n\n environment=production";
    for claims in [json, lines] {
        let job = [
            ("permission", "ws:deployments:create"),
            ("workflow", "deploy.yml"),
            ("claims", claims),
        ];
        let of_claims = decide(POLICY, &job);
        assert_eq!(of_claims["outcome"]["context"]["branch"], "other");
        assert_eq!(of_claims["outcome"]["decision"], "denied");
        let of_fields = decide(POLICY, &[&job[..], &[("branch", "main")]].concat());
        assert_eq!(of_fields["outcome"]["decision"], "allowed");
    }
    for (field, text) in [
        ("claims", "{"),
        ("claims", "x"),
        ("claims", "=x"),
        ("payload", "["),
        ("permission", " , "),
    ] {
        let answer = decide(POLICY, &[&JOB[..], &[(field, text)]].concat());
        assert_eq!(answer["outcome"]["reason"], "input_invalid", "{text}");
        let message = answer["message"].as_str().unwrap();
        assert!(
            message
                .to_lowercase()
                .contains(&format!("the field `{field}`")),
            "{message}"
        );
    }
}

#[test]
fn what_is_invisible_is_made_visible() {
    let policy = POLICY.replace("main", r#""\u202emain""#);
    let answer = decide(&policy, &JOB).to_string();
    assert!(answer.contains(r"\\u{202e}"), "{answer}");
}

#[test]
fn an_invalid_policy_has_findings_where_they_are() {
    let policy = POLICY.replace("branch", "brunch");
    for question in [
        json!({
            "ask": "matrix", "now": NOW, "policy": policy, "repository": "", "repository_id": "", "owner_id": "",
            "policy_repository": "", "default_branch": "", "workflows": [],
        }),
        json!({ "ask": "compare", "now": NOW, "old": POLICY, "new": policy }),
    ] {
        let answer = ask(&question);
        assert!(
            answer["error"].as_str().unwrap().contains("line 6"),
            "{answer}"
        );
        assert_eq!(answer["findings"][0]["finding"]["line"], 6);
    }
    let answer = decide(&policy, &JOB);
    assert_eq!(answer["outcome"]["reason"], "policy_invalid");
    assert_eq!(answer["findings"][0]["finding"]["code"], "invalid");
}

/// The answer about a policy and one workflow file.
fn matrix(policy: &str, fields: &[(&str, &str)], workflow: (&str, &str)) -> Value {
    let mut question = json!({
        "ask": "matrix", "now": NOW, "policy": policy,
        "workflows": [{ "name": workflow.0, "text": workflow.1 }],
    });
    for field in [
        "repository",
        "repository_id",
        "owner_id",
        "default_branch",
        "policy_repository",
    ] {
        question[field] = json!("");
    }
    for (field, text) in fields {
        question[field] = json!(text);
    }
    ask(&question)
}

#[test]
fn a_matrix_is_of_the_repository_that_the_fields_name() {
    let policy = "version: 1
repositories:
  - repository: acme/infra
    repository_id: 1
    permissions: [{name: of the first, permission: ws:locks:create, branch: main}]
  - repository: acme/infra
    repository_id: 2
    permissions: [{name: of the second, permission: ws:locks:create, branch: trunk}]
";
    let workflow = "on: workflow_dispatch\njobs: {a: {permissions: {id-token: write}}}\n";
    let shown = |fields: &[_]| matrix(policy, fields, ("a.yml", workflow));
    let of = ("repository", "acme/infra");
    let error = shown(&[of])["error"].as_str().unwrap().to_owned();
    assert!(
        error.contains("choose one with the field `Repository id`"),
        "{error}"
    );
    for (id, rule, other) in [
        ("1", "of the first", "of the second"),
        (" 2 ", "of the second", "of the first"),
    ] {
        let page = shown(&[of, ("repository_id", id)])["html"].to_string();
        assert!(page.contains(rule) && !page.contains(other), "{page}");
    }
    for (field, label) in [("repository_id", "Repository id"), ("owner_id", "Owner id")] {
        let error = shown(&[of, ("repository_id", "1"), (field, "-1")])["error"].to_string();
        assert!(
            error.contains(&format!(
                "the field `{label}` is `-1`, expected a whole number"
            )),
            "{error}"
        );
    }
}

#[test]
fn a_matrix_knows_the_default_branch() {
    let policy =
        "version: 1\npermissions: [{permission: a:b, branch: main, environment: production}]\n";
    let environment = "${{ github.ref_name == 'main' && 'production' || 'staging' }}";
    let workflow = format!(
        "on: schedule\njobs: {{a: {{environment: \"{environment}\", permissions: {{id-token: write}}}}}}\n"
    );
    for (branch, has_staging) in [("main", false), ("trunk", true), ("", true)] {
        let answer = matrix(policy, &[("default_branch", branch)], ("a.yml", &workflow));
        let page = answer["html"].as_str().unwrap();
        assert!(page.contains("a.yml"), "{page}");
        assert_eq!(page.contains("staging"), has_staging, "{branch}");
    }
}

#[test]
fn a_matrix_is_a_page_without_markup_of_others() {
    let hostile = "<img src=x onerror=alert(1)>";
    let workflow = format!(
        "on: push\njobs:\n  a:\n    environment: '{hostile}'\n    permissions: {{id-token: write}}\n"
    );
    let policy = format!("version: 1\npermissions:\n  - name: '{hostile}'\n    permission: a:b\n");
    let answer = matrix(&policy, &[], (&format!("{hostile}.yml"), &workflow));
    let page = answer["html"].as_str().unwrap();
    assert!(page.contains("&lt;img"), "{page}");
    assert!(!page.contains("<img"), "{page}");
}

#[test]
fn a_comparison_says_what_widens() {
    let new = POLICY.replace("branch: main", "branch: '*'");
    let answer = ask(&json!({ "ask": "compare", "now": NOW, "old": POLICY, "new": new }));
    assert_eq!(answer["comparison"]["summary"], "access widens (1 change)");
    assert_eq!(
        answer["comparison"]["sections"][0]["changes"][0]["added"],
        true
    );
    let answer = ask(&json!({ "ask": "compare", "now": NOW, "old": "?", "new": new }));
    assert_eq!(
        (&answer["old_is_invalid"], &answer["comparison"]["widens"]),
        (&json!(true), &json!(true))
    );
}

#[test]
fn a_question_that_is_not_one_has_an_error() {
    for question in ["", "{}", r#"{"ask":"rule","now":"2026-11-30T12:00:00Z"}"#] {
        let answer: Value = serde_json::from_str(&answer(question)).unwrap();
        assert!(answer["error"].is_string(), "{question}");
    }
}
