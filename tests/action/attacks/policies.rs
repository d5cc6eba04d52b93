//! Where the policy comes from, and who may read it.

use simulator::Job;
use simulator::github::{Endpoint, Fault, FaultRule, Repository};
use simulator::runner::PullRequest;

use super::row::{KEY, PATH, Row, count, judge, judge_on, push, row};
use crate::support::{Stage, assert_outcome, policies, repository};

const GENEROUS: &str = "version: 1\npermissions: [{ permission: ws:deployments:create }]\n";

#[test]
fn a16_a_policy_in_the_tree_that_it_judges() {
    // The branch brings a policy of its own.
    let repository = repository().with_file("feature/x", PATH, GENEROUS);
    let pull = || PullRequest::same_repository(&repository, 7, "feature/x");
    let judged = || Job::pull_request(&repository, pull());
    let target = || Job::pull_request_target(&repository, pull());
    let pushed = || Job::push(&repository, "feature/x");
    judge([
        row("branch: main", Job::push(&repository, "main"), "granted"),
        row("branch: main", judged(), "no_rule_matches"),
        row("branch: main", pushed(), "no_rule_matches"),
        row("branch: main", judged(), "input_invalid")
            .input("policy", "./.github/repo-permissions.yml"),
        row("branch: main", target(), "input_invalid")
            .input("policy", "./.github/repo-permissions.yml"),
        row("branch: main", judged(), "input_invalid")
            .input("policy", "./.github/../.github/repo-permissions.yml"),
    ]);
    // Checked out by an earlier step.
    let stage = Stage::with_policy("version: 1\npermissions: []\n");
    let runner = stage.runner.clone().workspace_file("policy.yml", GENEROUS);
    for (job, reason) in [
        (judged(), "input_invalid"),
        (target(), "input_invalid"),
        (push("main"), "granted"),
    ] {
        let inputs = [("permission", KEY), ("policy", "./policy.yml")];
        let step = runner.run(&stage.github, &job, &inputs).unwrap();
        assert_outcome(&stage, &step, super::row::decision_of(reason), reason);
    }
    count(2, 1);
}

#[test]
fn a17_owners_of_a_repository_who_promote_themselves() {
    let central = |delegate: &str| {
        let policy = format!(
            "version: 1\nrepositories: [{{ repository: acme-org/infra, {delegate} permissions: [{{ permission: ws:deployments:create, branch: release }}] }}]\n"
        );
        policies().with_file("v1", "central.yml", policy)
    };
    let given = |job: Job, reason| {
        row(GENEROUS, job, reason).input("policy", "acme-org/policies/central.yml@v1")
    };
    let stage = Stage::with_repository(repository());
    for delegate in ["", "delegate: ws:locks:create,"] {
        stage.github.add_repository(central(delegate));
        judge_on(
            &stage,
            [
                given(push("main"), "no_rule_matches"),
                given(push("release"), "granted"),
            ],
        );
    }
    stage
        .github
        .add_repository(central("delegate: ws:deployments:create,"));
    let delegated = stage.run(
        &push("main"),
        &[
            ("permission", KEY),
            ("policy", "acme-org/policies/central.yml@v1"),
        ],
    );
    assert_outcome(&stage, &delegated, "allowed", "granted");
}

#[test]
fn a18_look_ups_that_fail() {
    let failing = |fault: Fault, reason| {
        row("branch: main", push("main"), reason)
            .fault(FaultRule::always(Endpoint::Contents, fault))
            .input("timeout", "3")
    };
    let mut rows = vec![
        row("branch: main", push("main"), "granted"),
        failing(Fault::status(404, "Not Found"), "policy_not_found"),
        failing(Fault::Huge(20 << 20), "policy_invalid"),
    ];
    for fault in [
        Fault::status(204, ""),
        Fault::status(304, ""),
        // The policy as it is, and yet perhaps not all of it, or not as it was.
        Fault::WithStatus(201),
        Fault::WithStatus(202),
        Fault::WithStatus(203),
        Fault::WithStatus(206),
        Fault::WithStatus(226),
        Fault::status(401, "Bad credentials"),
        Fault::status(403, "Resource not accessible by integration"),
        Fault::status(451, "Repository access blocked"),
        Fault::status(500, "x"),
        Fault::Reset,
        Fault::Garbage,
        Fault::Truncate,
        Fault::Stall,
        Fault::RedirectElsewhere(301),
        Fault::RedirectElsewhere(302),
        Fault::RedirectElsewhere(307),
    ] {
        rows.push(failing(fault, "policy_unreadable"));
    }
    for status in [203, 206] {
        for endpoint in [Endpoint::Token, Endpoint::Keys] {
            let partly = row("branch: main", push("main"), "token_unavailable");
            let fault = FaultRule::always(endpoint, Fault::WithStatus(status));
            rows.push(partly.fault(fault));
        }
    }
    judge(rows);
    // One that is gone, and one that moved to a name that somebody else can take.
    let stage = Stage::with_repository(repository());
    stage.github.add_repository(
        Repository::new("acme-org/moved", 9, 4567)
            .with_former_name("acme-org/policies")
            .with_file("main", "central.yml", GENEROUS),
    );
    let central = |place: &str, reason| -> Row {
        row("branch: main", push("main"), reason).input("policy", place)
    };
    judge_on(
        &stage,
        [
            central("acme-org/gone/central.yml@main", "policy_not_found"),
            central("acme-org/moved/central.yml@v9", "policy_not_found"),
            central("acme-org/moved/other.yml@main", "policy_not_found"),
            central("acme-org/moved/central.yml@main", "granted"),
        ],
    );
}

/// What a reviewer sees beside what another parser, or this one, would see.
#[test]
fn a39_text_that_reviewers_and_parsers_see_differently() {
    let rule = |text: &str| format!("version: 1\npermissions:\n  - permission: {KEY}{text}");
    // To a reviewer a comment, to YAML 1.1 and some editors the end of one.
    let hidden_limit = |end: &str| rule(&format!(" # only from main:{end}    branch: main\n"));
    let hidden_rule = |end: &str| {
        rule(&format!(
            "\n    branch: main # as agreed{end}  - permission: {KEY}\n"
        ))
    };
    let mut rows = vec![
        row(&hidden_limit("\n"), push("main"), "granted"),
        row(&hidden_limit("\r\n"), push("main"), "granted"),
        row(&hidden_limit("\n"), push("feature/x"), "no_rule_matches"),
        row(&hidden_rule("\n"), push("feature/x"), "granted"),
        row(&hidden_rule(" "), push("feature/x"), "no_rule_matches"),
        row(&hidden_rule(" "), push("main"), "granted"),
    ];
    for end in ["\u{85}", "\u{2028}", "\u{2029}", "\r", "\r\r\n"] {
        rows.push(row(&hidden_limit(end), push("feature/x"), "policy_invalid"));
        rows.push(row(&hidden_rule(end), push("feature/x"), "policy_invalid"));
        rows.push(row(&hidden_rule(end), push("main"), "policy_invalid"));
    }
    // What is drawn in another order, or not at all.
    for (raw, escape) in [
        ("\u{202e}", "\\u202e"),
        ("\u{2066}", "\\u2066"),
        ("\u{61c}", "\\u061c"),
        ("\u{200b}", "\\u200b"),
        ("\u{2060}", "\\u2060"),
        ("\u{feff}", "\\ufeff"),
        ("\u{1b}", "\\e"),
        ("\u{8}", "\\b"),
        ("\u{7f}", "\\x7f"),
        ("\u{9b}", "\\x9b"),
        ("\0", "\\0"),
        ("\u{ffff}", "\\uffff"),
    ] {
        let in_comment = rule(&format!("\n    branch: main # {raw}\n"));
        let in_name = rule(&format!("\n    branch: main\n    name: \"{raw}\"\n"));
        let in_json = format!(
            r#"{{"version": 1, "workspace": "{raw}",
 "permissions": [{{"permission": "{KEY}"}}]}}"#
        );
        let escaped = rule(&format!("\n    branch: [main, \"{escape}\"]\n"));
        rows.push(row(&in_comment, push("main"), "policy_invalid"));
        rows.push(row(&in_name, push("main"), "policy_invalid"));
        // A variable cannot have this one.
        if raw != "\0" {
            let inline = row("branch: x", push("main"), "policy_invalid");
            rows.push(inline.input("policy", &in_json));
        }
        rows.push(row(&escaped, push("main"), "granted"));
    }
    // An emoji has such characters; a pattern that has them is not the branch that one reads.
    for hidden in ["\u{fe0f}", "\u{200d}", "\u{ad}", "\u{3164}", "\u{e0041}"] {
        let in_comment = format!("\n    branch: main # {hidden}\n    name: x{hidden}\n");
        rows.push(row(&rule(&in_comment), push("main"), "granted"));
        let in_pattern = format!("\n    branch: [main, \"main{hidden}\"]\n");
        rows.push(row(&rule(&in_pattern), push("main"), "policy_invalid"));
        let in_key = format!("\n    branch: main\n    claims: {{ actor{hidden}: \"*\" }}\n");
        rows.push(row(&rule(&in_key), push("main"), "policy_invalid"));
    }
    // The same text, another value to YAML 1.1.
    for (plain, quoted) in [("on", "\"on\""), ("1_000", "'1_000'"), ("1:30", "\"1:30\"")] {
        let branch = |text| rule(&format!("\n    branch: [main, {text}]\n"));
        rows.push(row(&branch(plain), push("main"), "policy_invalid"));
        rows.push(row(&branch(quoted), push("main"), "granted"));
    }
    let pinned = |id: &str| {
        format!(
            "version: 1\nrepositories:\n  - repository: acme-org/infra\n    repository_id: {id}\n    permissions: [{{ permission: {KEY} }}]\n"
        )
    };
    rows.push(row(&pinned("123"), push("main"), "granted"));
    for id in [
        "0123",
        "+123",
        "\"123\"",
        "0x7b",
        "0b1111011",
        "1.23e2",
        "123.0",
    ] {
        rows.push(row(&pinned(id), push("main"), "policy_invalid"));
    }
    judge(rows);
}

#[test]
fn a32_a_private_policy_in_the_messages() {
    let secrets = [
        "payments freeze",
        "release-2027",
        "acme-org/*",
        "hush",
        "secret.yml",
    ];
    let policy = "version: 1\nrepositories:\n  - repository: { glob: 'acme-org/*' }\n    permissions:\n      - { name: payments freeze, permission: ws:deployments:create, branch: release-2027, workflow: secret.yml, claims: { hush: x } }\n      - { permission: ws:locks:create, branch: main }\n";
    let stage = Stage::with_policy("version: 1\n");
    let central = policies();
    for broken in [policy.to_owned(), format!("{policy}hush: release-2027\n")] {
        stage
            .github
            .add_repository(central.clone().with_file("v1", "p.yml", broken));
        let inputs = [
            ("permission", KEY),
            ("policy", "acme-org/policies/p.yml@v1"),
        ];
        let step = stage.run(&push("main"), &inputs);
        assert_ne!(step.output("decision"), "allowed");
        for secret in secrets {
            // An unknown key of a policy that is not valid is said by its position.
            assert!(!step.stdout.contains(secret), "{secret} in {}", step.stdout);
            assert_eq!(step.places_with(secret), Vec::<&str>::new());
            for run in stage.github.check_runs() {
                assert!(
                    !format!("{:?}", run.requests).contains(secret),
                    "{secret} in {run:?}"
                );
            }
            for status in stage.github.statuses() {
                assert!(!status.request.to_string().contains(secret), "{secret}");
            }
        }
        stage.github.clear_records();
    }
    // Who says so sees it.
    stage
        .github
        .add_repository(central.with_file("v1", "p.yml", policy));
    let inputs = [
        ("permission", KEY),
        ("policy", "acme-org/policies/p.yml@v1"),
        ("detail", "full"),
    ];
    let step = stage.run(&push("main"), &inputs);
    assert_outcome(&stage, &step, "denied", "no_rule_matches");
    assert!(step.output("message").contains("payments freeze"));
    let granted = stage.run(
        &push("main"),
        &[
            ("permission", "ws:locks:create"),
            ("policy", "acme-org/policies/p.yml@v1"),
        ],
    );
    assert_outcome(&stage, &granted, "allowed", "granted");
    count(2, 1);
}
