//! What a server decides, and that a step reports it as its own decision.

use serde_json::{Value, json};
use simulator::github::{Endpoint, TokenRecipe};

use super::{CENTRAL, DEPLOY, Gate};
use crate::support::schema::Schema;
use crate::support::{assert_outcome, policies, records};

const RECORDS: &str = include_str!("../../../schema/repo-permissions-audit.schema.json");

#[test]
fn a_private_central_policy_needs_no_key_in_a_workflow() {
    let mut gate = Gate::start("");
    for (job, decision, reason, state) in [
        (gate.deploy(), "allowed", "granted", "success"),
        (gate.feature(), "denied", "no_rule_matches", "failure"),
    ] {
        gate.stage.github.clear_records();
        let step = gate.ask(&job);
        assert_outcome(&gate.stage, &step, decision, reason);
        let by = gate.decided_by();
        // Every place where somebody reads the decision says who decided.
        let runs = gate.stage.github.check_runs();
        let statuses = gate.stage.github.statuses();
        let record = records(&step.stdout).remove(0);
        for text in [
            step.output("message"),
            step.last_line(),
            &step.summary,
            runs[0].title.as_str(),
            &runs[0].summary,
            statuses[0].description.as_deref().unwrap(),
            record["data"]["message"].as_str().unwrap(),
            step.output("result"),
        ] {
            assert!(text.contains(&by), "{by}: {text}");
        }
        assert_eq!(runs[0].conclusion.as_deref(), Some(state));
        assert_eq!(statuses[0].state, state);
        assert_eq!(record["data"]["decided_by"], gate.front.address());
        assert_eq!(record["data"]["enforced_by"], "step");
        assert!(Schema::new(RECORDS).is_valid(&record), "{record:#}");
        assert_eq!(step.output("repository"), "acme-org/infra");
        assert_eq!(step.output("environment"), "production");
        // Neither the policy nor an App's token was asked for.
        for endpoint in [
            Endpoint::Contents,
            Endpoint::Commit,
            Endpoint::Installation,
            Endpoint::AccessToken,
        ] {
            assert_eq!(gate.stage.github.requests_to(endpoint).len(), 0);
        }
        let of_server = gate.server.record().unwrap();
        assert_eq!(of_server["data"]["reason"], reason);
        assert_eq!(
            of_server["data"]["resource"],
            json!({"type": "repository", "id": "acme-org/infra"})
        );
        assert_eq!(of_server["data"]["token"], record["data"]["token"]);
    }
    assert_eq!(gate.front.evaluations().len(), 2);
    gate.front.assert_nothing_unexpected();
}

/// The same policy, decided by the step and by a server.
#[test]
fn outputs_and_trace_are_those_of_a_decision_by_the_step() {
    let gate = Gate::start("detail: full\n");
    let elsewhere = policies().with_file("main", "central.yml", CENTRAL);
    gate.stage.github.add_repository(elsewhere);
    let policy = ("policy", "acme-org/policies/central.yml@main");
    let keys = format!("{DEPLOY}, ws:locks:create, ws:nothing:create");
    for (job, permission) in [
        (gate.deploy(), DEPLOY),
        (gate.feature(), DEPLOY),
        (gate.feature(), &*keys),
        (gate.deploy(), &*keys),
    ] {
        for detail in ["full", "reason", "none"] {
            let detail = ("detail", detail);
            let here = gate
                .stage
                .run(&job, &[("permission", permission), policy, detail]);
            let there = gate.run(&job, permission, &[detail]);
            for name in [
                "decision",
                "allowed",
                "reason",
                "repository",
                "workflow",
                "branch",
                "environment",
            ] {
                assert_eq!(there.output(name), here.output(name), "{name}");
            }
            let result = |step: &simulator::StepResult| -> Value {
                serde_json::from_str(step.output("result")).unwrap()
            };
            let (here_result, there_result) = (result(&here), result(&there));
            assert_eq!(there_result["permissions"], here_result["permissions"]);
            assert_eq!(there_result["context"], here_result["context"]);
            let line = |step: &simulator::StepResult| {
                let rule = step.output("rule").to_owned();
                rule.rsplit_once(':').map(|(_, line)| line.to_owned())
            };
            assert_eq!(line(&there), line(&here));
            // The sentences differ in who decided, and in the number of a rule.
            let message = there
                .output("message")
                .replace(&format!("{}: ", gate.decided_by()), "");
            let without_number = |text: &str| {
                text.replace("rule 1 (", "rule (")
                    .replace("rule 2 (", "rule (")
            };
            assert_eq!(message, without_number(here.output("message")));
            assert_eq!(there.exit_code(), here.exit_code());
        }
    }
}

#[test]
fn detail_is_the_smaller_one_of_step_and_server() {
    for (of_server, input, shows_pattern) in [
        ("full", Some("full"), true),
        ("full", None, false),
        ("reason", Some("full"), false),
        ("none", Some("full"), false),
    ] {
        let gate = Gate::start(&format!("detail: {of_server}\n"));
        let more: Vec<_> = input.into_iter().map(|input| ("detail", input)).collect();
        let step = gate.run(&gate.feature(), DEPLOY, &more);
        assert_outcome(&gate.stage, &step, "denied", "no_rule_matches");
        let places = format!("{}{}{}", step.stdout, step.summary, step.output("result"));
        assert_eq!(
            places.contains("production deploys"),
            shows_pattern,
            "{of_server}: {places}"
        );
    }
}

#[test]
fn each_permission_has_its_own_decision() {
    let gate = Gate::start("");
    let keys = "ws:locks:create, Deployments Create\nws:nothing:create";
    let step = gate.run(&gate.deploy(), keys, &[]);
    assert_outcome(&gate.stage, &step, "denied", "permission_not_granted");
    let result: Value = serde_json::from_str(step.output("result")).unwrap();
    let decisions: Vec<_> = (0..3)
        .map(|index| result["permissions"][index]["decision"].as_str().unwrap())
        .collect();
    assert_eq!(decisions, ["allowed", "allowed", "denied"]);
    let states = gate.stage.github.statuses().into_iter();
    let mut states: Vec<_> = states
        .map(|status| (status.context, status.state))
        .collect();
    states.sort();
    assert_eq!(
        states.iter().map(|(_, state)| &**state).collect::<Vec<_>>(),
        ["success", "success", "failure"]
    );
    // One request, so that the server verifies the token once.
    assert_eq!(gate.front.evaluations().len(), 1);
    let records = records(&step.stdout);
    assert_eq!(records.len(), 3);
    assert!(
        records
            .iter()
            .all(|record| record["data"]["decided_by"] == gate.front.address())
    );
}

#[test]
fn an_advisory_denial_succeeds() {
    let gate = Gate::start("");
    let step = gate.run(&gate.feature(), DEPLOY, &[("mode", "advisory")]);
    assert_eq!(
        (step.output("decision"), step.exit_code()),
        ("denied", Some(0))
    );
    let run = gate.stage.github.check_runs().remove(0);
    assert_eq!(run.conclusion.as_deref(), Some("neutral"));
}

#[test]
fn a_server_that_cannot_decide_is_an_error_in_any_mode() {
    let broken = CENTRAL.replace(
        "branch: main\n        environment",
        "branch: '('\n        environment",
    );
    let gate = Gate::with(&broken, "", false);
    let advisory = ("mode", "advisory");
    // Nothing can be decided: 503.
    let step = gate.run(&gate.deploy(), DEPLOY, &[advisory, ("timeout", "12")]);
    assert_outcome(&gate.stage, &step, "error", "server_unavailable");
    let message = step.output("message");
    assert!(
        message.contains("answered 503 (the policy is not valid at"),
        "{message}"
    );
    // A part cannot be decided: the answer says which and why.
    let both = format!("ws:locks:create,{DEPLOY}");
    let step = gate.run(&gate.deploy(), &both, &[advisory]);
    assert_outcome(&gate.stage, &step, "error", "policy_invalid");
    let step = gate.run(&gate.deploy(), "ws:locks:create", &[]);
    assert_outcome(&gate.stage, &step, "allowed", "granted");
    // An account that does not count there.
    let text = gate.directory.read("server.yml");
    let text = text.replace("owners: [4567]", "owners: [4568]");
    gate.directory.write("server.yml", text);
    let other = simulator::gateway::ServerProcess::start(
        super::server_binary(),
        &gate.directory.path("server.yml"),
    );
    let other = other.unwrap();
    gate.front.ask_server(&other.address);
    let step = gate.run(&gate.deploy(), "ws:locks:create", &[]);
    assert_outcome(&gate.stage, &step, "denied", "repository_not_found");
}

#[test]
fn a_token_of_another_job_is_not_sent() {
    let gate = Gate::start("");
    for recipe in [
        TokenRecipe::new().claim("run_id", "999"),
        TokenRecipe::new().claim("repository", "acme-org/other"),
    ] {
        gate.stage.github.set_token(recipe);
        let step = gate.ask(&gate.deploy());
        assert_outcome(&gate.stage, &step, "error", "token_mismatch");
    }
    assert_eq!(gate.front.evaluations().len(), 0);
    gate.stage.github.set_token(TokenRecipe::new());
    let step = gate.ask(&gate.deploy());
    assert_outcome(&gate.stage, &step, "allowed", "granted");
}

#[test]
fn the_token_is_for_the_server_and_travels_with_tls() {
    let gate = Gate::with(CENTRAL, "", true);
    let step = gate.ask(&gate.deploy());
    assert_outcome(&gate.stage, &step, "allowed", "granted");
    assert!(gate.front.origin().starts_with("https://localhost:"));
    let question = gate.front.evaluations().remove(0).request;
    assert_eq!(question.header("authorization"), None);
    // Another audience than the server's is refused there.
    let other = ("audience", "https://other.example");
    let step = gate.run(&gate.deploy(), DEPLOY, &[other]);
    assert_outcome(&gate.stage, &step, "error", "token_invalid");
    assert!(step.output("message").contains(&gate.decided_by()));
    // Without the authority's certificate nothing is sent.
    let asked = gate.front.evaluations().len();
    let untrusting = crate::support::runner();
    let origin = gate.front.origin();
    let inputs = [
        ("permission", DEPLOY),
        ("server", &*origin),
        ("timeout", "8"),
    ];
    let step = untrusting
        .run(&gate.stage.github, &gate.deploy(), &inputs)
        .unwrap();
    assert_outcome(&gate.stage, &step, "error", "server_unavailable");
    let message = step.output("message");
    assert!(message.contains("certificate of localhost:"), "{message}");
    assert_eq!(gate.front.evaluations().len(), asked);
}
