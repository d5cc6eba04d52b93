//! Reports that others forge or that say too much, and what a step cannot hold.

use simulator::github::{APP_PRIVATE_KEY_PKCS1, Level, Permissions};

use super::row::{KEY, count, judge, push, row};
use crate::support::{APP_CLIENT_ID, Stage, assert_outcome};

const POLICY: &str =
    "version: 1\npermissions: [{ permission: ws:deployments:create, branch: main }]\n";

#[test]
fn a29_forged_statuses_and_check_runs() {
    let stage = Stage::with_policy(POLICY);
    // Another workflow has set a green status and check run of the same name on the same commit.
    let mut forger = push("feature/x");
    forger.sha = push("main").sha;
    let step = stage.run(&forger, &[("permission", KEY), ("mode", "advisory")]);
    assert_eq!(step.exit_code(), Some(0));
    assert_eq!(stage.github.statuses()[0].state, "success");
    // They are never read: the gate decides by the token and the policy.
    let mut job = push("feature/x");
    job.sha = forger.sha.clone();
    let step = stage.run(&job, &[("permission", KEY)]);
    assert_outcome(&stage, &step, "denied", "no_rule_matches");
    let statuses = stage.github.statuses();
    assert_eq!(statuses[0].context, statuses[1].context);
    assert_eq!(statuses[1].state, "failure");
    // What a workflow can set is by GitHub Actions; the App's own can be required.
    stage.install_app(
        &["acme-org/infra"],
        Permissions::none()
            .with("contents", Level::Read)
            .with("checks", Level::Write)
            .with("statuses", Level::Write),
    );
    let app = [
        ("permission", KEY),
        ("app-client-id", APP_CLIENT_ID),
        ("app-private-key", APP_PRIVATE_KEY_PKCS1),
    ];
    let step = stage.run(&push("main"), &app);
    assert_outcome(&stage, &step, "allowed", "granted");
    let apps: Vec<_> = stage
        .github
        .check_runs()
        .into_iter()
        .map(|run| run.app.slug)
        .collect();
    assert_eq!(apps, ["github-actions", "github-actions", "gate"]);
    count(1, 1);
}

#[test]
fn a30_a_denial_that_is_let_pass() {
    let stage = Stage::with_policy(POLICY);
    // `continue-on-error` and `mode: advisory` let the job go on; what is below can still ask.
    for mode in ["enforce", "advisory"] {
        let inputs = [("permission", KEY), ("mode", mode)];
        let step = stage.run(&push("feature/x"), &inputs);
        assert_eq!(
            (step.output("decision"), step.output("allowed")),
            ("denied", "false")
        );
    }
    let inputs = [
        ("permission", KEY),
        ("mode", "advisory"),
        ("policy", "gone.yml"),
    ];
    let step = stage.run(&push("feature/x"), &inputs);
    assert_outcome(&stage, &step, "error", "policy_not_found");
    let step = stage.ask(&push("main"), KEY);
    assert_outcome(&stage, &step, "allowed", "granted");
    count(3, 1);
}

/// A denial that reads "needs `main`; this job has `main`" teaches people to widen the rule.
#[test]
fn a31_values_that_look_alike() {
    let unseen = [
        '\u{fe0f}',
        '\u{34f}',
        '\u{3164}',
        '\u{2800}',
        '\u{e0100}',
        '\u{200b}',
        '\u{2060}',
    ];
    let mut rows = vec![row("branch: main", push("main"), "granted")];
    for c in unseen {
        rows.push(row(
            "branch: main",
            push(&format!("main{c}")),
            "no_rule_matches",
        ));
    }
    for (step, c) in judge(rows).iter().skip(1).zip(unseen) {
        let said = format!("this job has `main{}`", c.escape_unicode());
        assert!(step.output("message").ends_with(&said), "{}", step.stdout);
        for shown in [&step.stdout, &step.summary] {
            assert!(!shown.contains(c), "{shown}");
        }
        // Programs get the value as it is.
        assert_eq!(step.output("branch"), format!("main{c}"));
    }
}

/// The table of all places and payloads is `tests/action/injection.rs`.
#[test]
fn a31_a_branch_that_is_a_command() {
    let mut rows = vec![row("branch: main", push("main"), "granted")];
    for branch in [
        "x\n::set-output name=allowed::true",
        "x ##[set-output name=allowed;]true",
        "x\nallowed=true",
        "`</code><h1>@acme-org/admins",
    ] {
        rows.push(row("branch: main", push(branch), "no_rule_matches"));
    }
    for step in judge(rows).iter().skip(1) {
        assert_eq!(step.output("allowed"), "false");
        assert!(
            step.commands()
                .iter()
                .all(|command| command.name != "set-output")
        );
        assert!(!step.summary.contains("<h1>") || step.summary.contains("`"));
    }
}
