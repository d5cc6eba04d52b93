use serde_json::json;

use super::*;

fn key(text: &str) -> PermissionKey {
    PermissionKey::parse(text.into()).unwrap()
}

fn read_one(evaluation: Value) -> Result<Result<Answer, CannotDecide>, String> {
    let body = json!({"evaluations": [evaluation]}).to_string();
    read(body.as_bytes(), &[key("a:b")])
}

#[test]
fn a_decision_is_a_boolean_that_its_reason_does_not_contradict() {
    let reason = |decision: Value, reason: &str| {
        let answer = read_one(json!({"decision": decision, "context": {"reason": reason}}));
        answer.map(|answer| answer.map(|answer| answer.decisions[0].reason))
    };
    for known in Reason::ALL {
        let granted = reason(json!(true), known.code());
        let denied = reason(json!(false), known.code());
        match known.decision() {
            Decision::Allowed => {
                assert_eq!(granted, Ok(Ok(known)));
                assert!(denied.is_err());
            }
            Decision::Denied => {
                assert!(granted.is_err());
                assert_eq!(denied, Ok(Ok(known)));
            }
            Decision::Error => {
                assert!(granted.is_err(), "{known:?}");
                let is_possible = is_of_a_server(known);
                assert_eq!(denied.is_ok(), is_possible, "{known:?}");
                assert!(!matches!(denied, Ok(Ok(_))), "{known:?}");
            }
        }
    }
    assert!(reason(json!(true), "GRANTED").is_err());
    assert!(reason(json!("true"), "granted").is_err());
}

#[test]
fn explanations_are_shown_as_far_as_they_can_be_read() {
    let rule = json!({"line": 3, "name": "deploys", "matched": false, "dimensions": [
        {"dimension": "branch", "pattern": "main", "kind": "literal", "value": "x", "matched": false},
        {"dimension": "base", "pattern": "main", "kind": "literal", "value": "y", "matched": false},
        {"dimension": "event", "pattern": "push", "kind": "events", "value": "push", "matched": true},
        {"dimension": "workflow", "pattern": "a, b", "kind": "list", "value": null, "matched": true,
            "any_of": [{"pattern": "a", "kind": "literal", "matched": true}, {"pattern": 1}]},
        {"dimension": "environment", "pattern": "*", "kind": "a kind of the future", "value": null, "matched": true},
    ]});
    let answer = read_one(json!({"decision": false, "context": {
        "reason": "no_rule_matches", "permission": "a:b", "trace": [rule, {"line": "x"}, 7],
        "nearest": {"line": 3, "name": "deploys", "failed": ["branch"]},
        "policy": {"source": "acme/policies/a.yml@main", "sha256": "00", "blob": "11"},
        "job": {"branch": "x"},
    }}));
    let answer = answer.unwrap().unwrap();
    assert_eq!(answer.detail, Detail::Full);
    assert_eq!(answer.branch.as_deref(), Some("x"));
    assert_eq!(answer.policy.unwrap().blob.as_deref(), Some("11"));
    let decision = &answer.decisions[0];
    assert_eq!(decision.trace.len(), 1);
    let dimensions = &decision.trace[0].dimensions;
    assert_eq!(dimensions.len(), 4);
    assert!(dimensions[1].of_branch && !dimensions[0].of_branch);
    assert!(dimensions[2].gate && !dimensions[0].gate);
    assert_eq!(dimensions[3].any_of.len(), 1);
    let nearest = decision.nearest.as_ref().unwrap();
    assert_eq!(nearest.failed, ["branch", "base"]);
    assert!(
        nearest
            .sentence
            .starts_with("rule (`deploys`, line 3) needs branch `main`")
    );
    let bare = read_one(json!({"decision": true, "context": {"rule": {"line": 9}, "trace": 7}}));
    let bare = bare.unwrap().unwrap();
    assert_eq!(bare.decisions[0].rule.as_ref().unwrap().line, 9);
    assert!(bare.decisions[0].trace.is_empty());
}
