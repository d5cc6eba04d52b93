//! The issuer's keys change, or cannot be had.

use serde_json::{Value, json};
use simulator::GitHub;
use simulator::github::{Endpoint, Fault, FaultRule, TestKey, TokenRecipe, short_jwk};

use crate::support::{DEPLOY, POLICY, Stage, wait_for};

#[test]
fn a_server_without_keys_is_not_ready_and_denies() {
    let github = GitHub::start().unwrap();
    github.add_fault(FaultRule::always(
        Endpoint::Keys,
        Fault::status(500, "down"),
    ));
    let stage = Stage::unready(github, POLICY, "");
    let token = stage.token(&stage.deploy());
    let answer = stage.server.ask(DEPLOY, &token);
    assert_eq!((answer.status, answer.reason()), (503, "token_unavailable"));
    assert_eq!(answer.header("retry-after"), Some("5"));
    let ready = stage.server.admin("/readyz");
    assert_eq!(
        (ready.status, ready.json()["keys"].as_str().unwrap()),
        (503, "unavailable")
    );
    let has_problems = |words: &[&str]| {
        let json = stage.server.admin("/readyz").json();
        let problem = json["problem"].as_str().unwrap_or_default();
        words
            .iter()
            .all(|word| problem.contains(word))
            .then_some(())
    };
    wait_for("the reason", || has_problems(&["500"]));
    // One of them does not hide the other.
    stage
        .directory
        .write("policy.yml", "version: 1\nversoin: 1\n");
    wait_for("both reasons", || has_problems(&["500", "`versoin`"]));
    stage.directory.write("policy.yml", POLICY);
    wait_for("the policy", || {
        (stage.server.admin("/readyz").json()["policy"] == "current").then_some(())
    });
    assert_eq!(stage.server.admin("/livez").status, 200);
    stage.github.clear_faults();
    stage.server.wait_until_ready();
    assert_eq!(stage.server.ask(DEPLOY, &token).status, 200);
}

#[test]
fn a_new_key_of_the_issuer_counts_at_once() {
    let stage = Stage::new();
    let old = stage.token(&stage.deploy());
    stage
        .github
        .set_keys(&json!({"keys": [TestKey::Attacker.jwk().unwrap()]}));
    stage
        .github
        .set_token(TokenRecipe::new().signed_by(TestKey::Attacker));
    let new = stage.token(&stage.deploy());
    assert_eq!(stage.server.ask(DEPLOY, &new).status, 200);
    // A key that left the set is refused.
    let answer = stage.server.ask(DEPLOY, &old);
    assert_eq!((answer.status, answer.reason()), (401, "token_invalid"));
}

#[test]
fn keys_that_are_of_no_use_replace_none() {
    let own = TestKey::Signing1.jwk().unwrap();
    let with = |number: &str, value: &str| {
        let mut key = own.clone();
        key[number] = json!(value);
        json!({ "keys": [key] })
    };
    // A key that verifies nothing would deny every job whose token names it.
    let useless = [
        json!({"keys": []}),
        with("n", ""),
        json!({"keys": [short_jwk(TestKey::Signing1.kid())]}),
        with("e", ""),
        with("e", "AQ"),
    ];
    std::thread::scope(|scope| {
        for keys in &useless {
            scope.spawn(move || replaces_none(keys));
        }
    });
}

/// The set arrives after the server has one, and the tokens that counted still count.
fn replaces_none(keys: &Value) {
    let stage = Stage::new();
    let token = stage.token(&stage.deploy());
    stage.github.set_keys(keys);
    stage
        .github
        .set_token(TokenRecipe::new().signed_by(TestKey::Attacker));
    let unknown = stage.token(&stage.deploy());
    // Asked, and no set came: nobody knows whether the key exists.
    for _ in 0..3 {
        let answer = stage.server.ask(DEPLOY, &unknown);
        assert_eq!((answer.status, answer.reason()), (503, "token_unavailable"));
    }
    assert_eq!(stage.server.ask(DEPLOY, &token).status, 200);
    let name = "repo_permissions_key_refreshes_total{result=\"invalid\"}";
    wait_for("the metric", || {
        (stage.server.metric(name) == 1.0).then_some(())
    });
}
