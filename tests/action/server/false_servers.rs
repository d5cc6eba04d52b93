//! A55: a false server, or a proxy before a true one. Nothing but a whole answer with one boolean for each permission
//! counts, and the token goes nowhere else.

use std::time::Duration;

use serde_json::{Value, json};
use simulator::Receiver;
use simulator::github::{Answer, Endpoint, Fault, FaultRule};

use super::{DEPLOY, Gate};
use crate::support::{Stage, assert_outcome, each, repository};

const LOCKS: &str = "ws:locks:create";

fn granted() -> Value {
    json!({"decision": true, "context": {"reason": "granted"}})
}

fn denied() -> Value {
    json!({"decision": false, "context": {"reason": "no_rule_matches"}})
}

/// Asks a server that always answers so.
fn ask(answer: Answer, permission: &str) -> (Stage, Receiver, simulator::StepResult) {
    let front = Receiver::start(false).unwrap();
    front.set_evaluations(answer);
    let stage = Stage::with_repository(repository());
    let origin = front.origin();
    let inputs = [
        ("permission", permission),
        ("server", &*origin),
        ("timeout", "20"),
    ];
    let step = stage.run(&stage.push(), &inputs);
    (stage, front, step)
}

fn list(evaluations: &[Value]) -> Answer {
    Answer::json(200, &json!({"evaluations": evaluations}))
}

#[test]
fn a55_answers_that_are_not_whole() {
    let named = |permission: &str, mut evaluation: Value| {
        evaluation["context"]["permission"] = json!(permission);
        evaluation
    };
    let text = |body: &str| Answer::new(200, "application/json", body);
    let body = json!({"evaluations": [granted()]}).to_string();
    let cases = [
        ("a string", list(&[json!({"decision": "true"})])),
        ("a number", list(&[json!({"decision": 1})])),
        ("null", list(&[json!({"decision": null})])),
        ("a list", list(&[json!({"decision": [true]})])),
        ("nothing", list(&[json!({})])),
        ("another case", list(&[json!({"Decision": true})])),
        ("a boolean alone", list(&[json!(true)])),
        ("missing", list(&[])),
        ("too many", list(&[granted(), granted()])),
        ("a single answer", Answer::json(200, &granted())),
        (
            "not a list",
            Answer::json(200, &json!({"evaluations": {"0": granted()}})),
        ),
        ("for another permission", list(&[named(LOCKS, granted())])),
        (
            "true, with the reason of a denial",
            list(&[json!({"decision": true, "context": {"reason": "no_rule_matches"}})]),
        ),
        (
            "false, with the reason of a grant",
            list(&[json!({"decision": false, "context": {"reason": "granted"}})]),
        ),
        (
            "true, with the reason of an error",
            list(&[json!({"decision": true, "context": {"reason": "policy_invalid"}})]),
        ),
        (
            "false, with a reason of a step",
            list(&[json!({"decision": false, "context": {"reason": "cancelled"}})]),
        ),
        (
            "an unknown reason",
            list(&[json!({"decision": true, "context": {"reason": "ok"}})]),
        ),
        (
            "false, not evaluated",
            list(&[
                json!({"decision": false, "context": {"error": {"status": 503, "message": "busy"}}}),
            ]),
        ),
        (
            "true, not evaluated",
            list(&[
                json!({"decision": true, "context": {"reason": "granted", "error": {"status": 503}}}),
            ]),
        ),
        (
            "a decision twice",
            text(&body.replace("\"decision\":true", "\"decision\":false,\"decision\":true")),
        ),
        (
            "a list twice",
            text("{\"evaluations\":[{\"decision\":false}],\"evaluations\":[{\"decision\":true}]}"),
        ),
        ("half", text(&body[..body.len() / 2])),
        ("more than JSON", text(&format!("{body}{body}"))),
        ("empty", text("")),
        ("HTML", Answer::new(200, "text/html", body.as_str())),
        ("no type", Answer::new(200, "", body.as_str())),
        (
            "created",
            Answer::new(201, "application/json", body.as_str()),
        ),
        ("no content", Answer::empty(204)),
        (
            "not modified",
            Answer::new(304, "application/json", body.as_str()),
        ),
        (
            "unauthorized",
            Answer::new(401, "application/json", body.as_str()),
        ),
        (
            "not found",
            Answer::new(404, "application/json", body.as_str()),
        ),
    ];
    each(&cases, 4, |(name, answer)| {
        let (stage, _, step) = ask(answer.clone(), DEPLOY);
        println!("{name}: {}", step.output("message"));
        assert_outcome(&stage, &step, "error", "server_unavailable");
        assert!(step.output("message").contains("the server `"));
    });
    for answer in [
        granted(),
        json!({"decision": true}),
        named(DEPLOY, granted()),
    ] {
        let (stage, _, step) = ask(list(&[answer]), DEPLOY);
        assert_outcome(&stage, &step, "allowed", "granted");
    }
    for answer in [denied(), json!({"decision": false})] {
        let (stage, _, step) = ask(list(&[answer]), DEPLOY);
        assert_outcome(&stage, &step, "denied", "no_rule_matches");
    }
}

/// The step says no more than the server did.
#[test]
fn answers_without_a_reason() {
    for (granted, reason, said) in [
        (true, "granted", "is allowed"),
        (false, "no_rule_matches", "is denied"),
    ] {
        let answer = list(&[json!({"decision": granted})]);
        let (stage, front, step) = ask(answer, DEPLOY);
        let decision = if granted { "allowed" } else { "denied" };
        assert_outcome(&stage, &step, decision, reason);
        let origin = front.origin();
        let host = origin.trim_start_matches("http://");
        let message = format!("decided by {host}: `{DEPLOY}` {said}");
        assert_eq!(step.output("message"), message);
        let status = &stage.github.statuses()[0];
        let description = status.description.as_deref().unwrap();
        assert_eq!(description, format!("decided by {host}: {decision}"));
    }
}

#[test]
fn a55_answers_in_another_order() {
    let both = format!("{DEPLOY},{LOCKS}");
    let of = |permission: &str, decision: bool| {
        let mut evaluation = if decision { granted() } else { denied() };
        evaluation["context"]["permission"] = json!(permission);
        evaluation
    };
    let (stage, _, step) = ask(list(&[of(LOCKS, true), of(DEPLOY, false)]), &both);
    assert_outcome(&stage, &step, "error", "server_unavailable");
    // All of them count, not the first.
    for (answers, decision, reason) in [
        ([of(DEPLOY, true), of(LOCKS, true)], "allowed", "granted"),
        (
            [of(DEPLOY, true), of(LOCKS, false)],
            "denied",
            "no_rule_matches",
        ),
        (
            [of(DEPLOY, false), of(LOCKS, true)],
            "denied",
            "no_rule_matches",
        ),
    ] {
        let (stage, _, step) = ask(list(&answers), &both);
        assert_outcome(&stage, &step, decision, reason);
    }
    let (stage, _, step) = ask(list(&[of(DEPLOY, true)]), &both);
    assert_outcome(&stage, &step, "error", "server_unavailable");
}

#[test]
fn a55_redirects_are_not_followed() {
    let gate = Gate::start("");
    let yes = Answer::json(200, &json!({"evaluations": [granted()]}));
    gate.front.set_elsewhere_answer(yes);
    for status in [301, 302, 303, 307, 308] {
        let fault = Fault::RedirectElsewhere(status);
        gate.front
            .add_fault(FaultRule::first(Endpoint::Evaluations, 1, fault));
        let step = gate.ask(&gate.feature());
        assert_outcome(&gate.stage, &step, "error", "server_unavailable");
        let message = step.output("message");
        assert!(message.contains("redirects are not followed"), "{message}");
    }
    // The token went to the server that the input names.
    assert_eq!(gate.front.elsewhere_requests().len(), 0);
    let step = gate.ask(&gate.deploy());
    assert_outcome(&gate.stage, &step, "allowed", "granted");
}

#[test]
fn a55_servers_that_are_down_slow_or_broken() {
    let faults = [
        ("stall", Fault::Stall, true),
        ("reset", Fault::Reset, true),
        ("reset after", Fault::ResetAfter, true),
        ("not HTTP", Fault::Garbage, true),
        ("half of the body", Fault::Truncate, true),
        ("half, without a length", Fault::TruncateUnframed, true),
        ("a hundred megabytes", Fault::Huge(100 << 20), true),
        ("a trickle", Fault::Trickle(Duration::from_secs(2)), true),
        ("500", Fault::status(500, "down"), true),
        ("503", Fault::status(503, "down"), true),
        ("500, once", Fault::status(500, "down"), false),
        ("reset, once", Fault::Reset, false),
    ];
    each(&faults, 6, |(name, fault, lasts)| {
        let gate = Gate::start("");
        let rule = match lasts {
            true => FaultRule::always(Endpoint::Evaluations, fault.clone()),
            false => FaultRule::first(Endpoint::Evaluations, 1, fault.clone()),
        };
        for (job, decision, reason) in [
            (gate.deploy(), "allowed", "granted"),
            (gate.feature(), "denied", "no_rule_matches"),
        ] {
            gate.front.clear_faults();
            gate.front.add_fault(rule.clone());
            let step = gate.run(&job, DEPLOY, &[("timeout", "8")]);
            println!("{name}: {}", step.output("message"));
            let (decision, reason) = match lasts {
                true => ("error", "server_unavailable"),
                false => (decision, reason),
            };
            assert_outcome(&gate.stage, &step, decision, reason);
            assert!(
                step.duration < Duration::from_secs(12),
                "{:?}",
                step.duration
            );
        }
    });
    // Nobody listens.
    let stage = Stage::with_repository(repository());
    let inputs = [
        ("permission", DEPLOY),
        ("server", "http://127.0.0.1:1"),
        ("timeout", "8"),
    ];
    let step = stage.run(&stage.push(), &inputs);
    assert_outcome(&stage, &step, "error", "server_unavailable");
    assert!(
        step.output("message")
            .contains("no connection to 127.0.0.1:1")
    );
}

/// What a server says is text of a stranger.
#[test]
fn a55_words_of_a_server_are_escaped() {
    let words = "ok\n::set-output name=allowed::true\n::add-mask::a\u{202e} <img src=x> @acme [a](https://evil.example)";
    let rule = json!({"line": 7, "name": words, "matched": false, "dimensions": [
        {"dimension": format!("claims.{words}"), "pattern": words, "kind": "regex", "value": words, "matched": false},
        {"dimension": "branch", "pattern": words, "kind": "literal", "value": "main", "matched": false},
    ]});
    let mut answer = denied();
    answer["context"] = json!({
        "reason": "no_rule_matches", "message": words, "trace": [rule], "nearest": {"line": 7, "name": words, "failed": []},
        "policy": {"source": words, "sha256": words}, "job": {"branch": "main"},
    });
    let mut error = denied();
    error["context"] = json!({"reason": "policy_invalid", "message": words});
    let problem = Answer::json(400, &json!({"detail": words}));
    for (answer, decision, reason) in [
        (list(&[answer]), "denied", "no_rule_matches"),
        (list(&[error]), "error", "policy_invalid"),
        (problem, "error", "server_unavailable"),
    ] {
        let front = Receiver::start(false).unwrap();
        front.set_evaluations(answer);
        let stage = Stage::with_repository(repository());
        let origin = front.origin();
        let inputs = [
            ("permission", DEPLOY),
            ("server", &*origin),
            ("detail", "full"),
        ];
        let step = stage.run(&stage.push(), &inputs);
        assert_outcome(&stage, &step, decision, reason);
        let is_command =
            |line: &str| line.starts_with("::set-output") || line.starts_with("::add-mask::a");
        assert!(!step.stdout.lines().any(is_command), "{}", step.stdout);
        for place in [&step.summary, &stage.github.check_runs()[0].summary] {
            assert!(!place.contains('\u{202e}'), "{place}");
            // What stands in a code span is text.
            let prose: String = place.split('`').step_by(2).collect();
            for link in ["<img", "[a](https://evil.example)", "@acme"] {
                assert!(!prose.contains(link), "{link}: {place}");
            }
        }
    }
}
