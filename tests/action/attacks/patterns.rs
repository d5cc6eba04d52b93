//! Patterns that would match more than their author means.

use std::time::Duration;

use simulator::Job;

use super::row::{KEY, Row, judge, push, row};
use crate::support::repository;

fn on(branch: &str, rule: &str, reason: &'static str) -> Row {
    row(rule, push(branch), reason)
}

fn in_environment(environment: &str, rule: &str, reason: &'static str) -> Row {
    row(rule, push("main").with_environment(environment), reason)
}

#[test]
fn a01_unanchored_alternations() {
    let mut rows = Vec::new();
    for pattern in [
        "^main|develop$",
        "main|develop",
        "^main$|^develop$",
        "(main|develop)",
        "|main|develop",
    ] {
        let rule = format!("branch: '{pattern}'");
        for branch in ["main", "develop"] {
            rows.push(on(branch, &rule, "granted"));
        }
        for branch in [
            "main-x",
            "mainevil",
            "x-develop",
            "evil/develop",
            "main|develop",
            "main\n",
            "\nmain",
        ] {
            rows.push(on(branch, &rule, "no_rule_matches"));
        }
    }
    // What would close the group that a pattern is put into.
    for pattern in ["a)|(", "main)|(?:.*", ")", "(?x)(?:main # )|.*"] {
        let rule = format!("branch: '{pattern}'");
        rows.push(on("evil", &rule, "policy_invalid"));
    }
    rows.push(on("evil", "branch: '(?x)main # )'", "no_rule_matches"));
    rows.push(on("main\nevil", "branch: '(?m)^main$'", "no_rule_matches"));
    rows.push(on("main\n", "branch: '(?s)main'", "no_rule_matches"));
    judge(rows);
}

#[test]
fn a02_unescaped_dots_and_globs_taken_for_regexes() {
    let workflow =
        |file: &str, rule: &str, reason| row(rule, push("main").with_workflow(file), reason);
    let steps = judge([
        on("release/1.0", "branch: release/1.0", "granted"),
        on("release/1x0", "branch: release/1.0", "no_rule_matches"),
        workflow("deploy.yml", "workflow: deploy.yml", "granted"),
        workflow("deployxyml", "workflow: deploy.yml", "no_rule_matches"),
        on("feature/foo", "branch: { glob: 'feature/*' }", "granted"),
        on(
            "feature/foo/bar",
            "branch: { glob: 'feature/*' }",
            "no_rule_matches",
        ),
        on("feature/foo", "branch: 'feature/*'", "no_rule_matches"),
        workflow("deploy.yml", "workflow: '*.yml'", "policy_invalid"),
        on("main", "branch: '**'", "policy_invalid"),
    ]);
    for step in &steps[7..] {
        let message = step.output("message");
        assert!(message.contains("for a glob write `{ glob: "), "{message}");
    }
}

#[test]
fn a03_missing_conditions_and_claims() {
    let only = "version: 1\npermissions: [{ permission: ws:locks:create }]\n";
    let plain = || push("main");
    judge([
        row("version: 1\n", plain(), "repository_not_found"),
        row(
            "version: 1\npermissions: []\n",
            plain(),
            "permission_not_granted",
        ),
        row(only, plain(), "permission_not_granted"),
        row("environment: '.*'", plain(), "no_rule_matches"),
        row("claims: { enterprise: '.*' }", plain(), "no_rule_matches"),
        row("claims: { enterprise: '()*' }", plain(), "no_rule_matches"),
        row("claims: { enterprise: '.*' }", plain(), "granted").claim("enterprise", "acme"),
        // A claim that has no single value matches nothing.
        row("claims: { enterprise: '.*' }", plain(), "no_rule_matches")
            .token(simulator::github::TokenRecipe::new().claim("enterprise", vec!["acme"])),
        row(
            "environment: '*', claims: { enterprise: '*' }",
            plain(),
            "granted",
        ),
    ]);
}

#[test]
fn a12_made_up_environments() {
    let mut rows = vec![in_environment(
        "production",
        "environment: production",
        "granted",
    )];
    for name in [
        "azure-",
        "production-",
        "productio",
        "production\n",
        "product\u{131}on",
        "\u{ff50}roduction",
        "%70roduction",
    ] {
        for rule in ["environment: production", "environment: 'prod(uction)?'"] {
            rows.push(in_environment(name, rule, "no_rule_matches"));
        }
    }
    judge(rows);
}

#[test]
fn a13_case_and_colons_of_environments() {
    let mut rows = vec![
        in_environment("PRODUCTION", "environment: Production", "granted"),
        in_environment("Team:Prod", "environment: 'team:prod'", "granted"),
        in_environment("team%3Aprod", "environment: 'team:prod'", "no_rule_matches"),
    ];
    // U+017F is an `s` under Unicode's rules for case, and not on GitHub.
    for pattern in [
        "staging",
        "'[s]taging'",
        "'stag.*'",
        "{ glob: 'sta*' }",
        "{ exact: staging }",
    ] {
        let rule = format!("environment: {pattern}");
        rows.push(in_environment("\u{17f}taging", &rule, "no_rule_matches"));
        rows.push(in_environment("Staging", &rule, "granted"));
    }
    // The other dimensions keep their case.
    rows.push(on("Main", "branch: main", "no_rule_matches"));
    judge(rows);
}

#[test]
fn a14_absent_environments_and_what_matches_everything() {
    let mut rows = vec![
        row("environment: '*'", push("main"), "granted"),
        row("branch: main", push("main"), "granted"),
        in_environment("x", "environment: '.*'", "granted"),
        in_environment("*", "environment: { exact: '*' }", "granted"),
        row("environment: '.*'", push("main"), "no_rule_matches").claim("environment", ""),
    ];
    for pattern in [
        "'.*'",
        "'x?'",
        "'^$'",
        "{ glob: '*' }",
        "{ glob: '**' }",
        "{ regex: '.*' }",
        "{ exact: '*' }",
        "production",
        "[production, '.*']",
    ] {
        let rule = format!("environment: {pattern}");
        rows.push(row(&rule, push("main"), "no_rule_matches"));
    }
    judge(rows);
}

#[test]
fn a19_one_bad_entry() {
    let with = |rule: &str| {
        format!(
            "version: 1\nrepositories:\n  - {{ repository: acme-org/infra, permissions: [{{ permission: ws:deployments:create }}] }}\n  - {{ repository: acme-org/other, permissions: [{{ permission: ws:locks:create, {rule} }}] }}\n"
        )
    };
    let mut rows = vec![
        row(&with("branch: main"), push("main"), "granted"),
        // A wrong pattern of another team stops that team's checks only.
        row(&with("branch: 'a)|('"), push("main"), "granted"),
    ];
    for bad in [
        "brnch: main",
        "branch:",
        "branch: &x main",
        "branch: main, branch: x",
    ] {
        rows.push(row(&with(bad), push("main"), "policy_invalid"));
    }
    judge(rows);
}

#[test]
fn a20_slow_regexes_and_giant_policies() {
    let long = "a".repeat(4000);
    let mut rows = vec![on(&long, "branch: '(a+)+'", "granted")];
    for slow in [
        "(a+)+b",
        "(a|aa)+$b",
        "(.*)*(.*)*(.*)*x",
        "(a?){200}a{200}b",
    ] {
        rows.push(on(&long, &format!("branch: '{slow}'"), "no_rule_matches"));
    }
    for large in [
        r"\d{1000}{1000}".to_owned(),
        r"((((a{100}){100}){100}){100})".to_owned(),
        r"(\w{500}){500}".to_owned(),
        "(".repeat(512) + &")".repeat(512),
        "a".repeat(1025),
    ] {
        rows.push(on("main", &format!("branch: '{large}'"), "policy_invalid"));
    }
    let nested = format!(
        "version: 1\npermissions: {}{}\n",
        "[".repeat(5000),
        "]".repeat(5000)
    );
    rows.push(row(&nested, push("main"), "policy_invalid"));
    let bomb = "version: 1\nworkspace: &a [x, x]\npermissions: [*a, *a, *a]\n";
    rows.push(row(bomb, push("main"), "policy_invalid"));
    let huge = format!("version: 1\npermissions: []\n#{}", "x".repeat(10 << 20));
    rows.push(row(&huge, push("main"), "policy_invalid"));
    // Each is below the limit of a pattern; together they take minutes, and a decision has four seconds.
    let many: String = (0..40_000)
        .map(|number| format!("\n      - '\\w{{30}}[a-z]{number}'"))
        .collect();
    let many = format!("version: 1\npermissions:\n  - permission: {KEY}\n    branch:{many}\n");
    rows.push(row(&many, push("main"), "policy_invalid"));
    let steps = judge(rows);
    for step in &steps {
        assert!(
            step.duration < Duration::from_secs(10),
            "{:?}",
            step.duration
        );
    }
    let message = steps.last().unwrap().output("message");
    assert!(message.contains("the decision took too long"), "{message}");
}

#[test]
fn a21_regexes_of_other_dialects() {
    let steps = judge([
        on("feature/x", "branch: '^(?!main$).*'", "policy_invalid"),
        on("release/x", "branch: '(?<=release/).*'", "policy_invalid"),
        on("aa", r"branch: '(a)\1'", "policy_invalid"),
        on("main", "branch: '/^main$/'", "no_rule_matches"),
        on("feature/x", "branch: 'feature/.*'", "granted"),
    ]);
    assert!(
        steps[0]
            .output("message")
            .contains("look-around is not supported")
    );
    assert!(
        steps[2]
            .output("message")
            .contains("back-references are not supported")
    );
}

#[test]
fn a33_a_second_layer_of_wildcards() {
    let mut rows = Vec::new();
    for (pattern, branch) in [
        ("ma_n", "main"),
        ("ma%n", "main"),
        ("%", "main"),
        ("_", "x"),
        ("m#n", "main"),
        ("~", "main"),
        ("!x", "main"),
    ] {
        let rule = format!("branch: '{pattern}'");
        rows.push(on(branch, &rule, "no_rule_matches"));
        rows.push(on(pattern, &rule, "granted"));
    }
    // And none in the value.
    for branch in ["*", ".*", "%", "ma.n", "main|x"] {
        rows.push(on(branch, "branch: main", "no_rule_matches"));
    }
    judge(rows);
}

#[test]
fn a35_deployments_without_a_ref() {
    let deployment = || Job::deployment(&repository());
    let steps = judge([
        row("branch: main", deployment(), "no_rule_matches"),
        row("branch: '.*'", deployment(), "no_rule_matches"),
        row("branch: { exact: '' }", deployment(), "policy_invalid"),
        row("branch: '*', workflow: deploy.yml", deployment(), "granted"),
        row(
            "branch: '.*', workflow: deploy.yml",
            push("main"),
            "granted",
        ),
    ]);
    assert_eq!(steps[3].output("branch"), "");
}

/// `dependabotb` is a login that anybody can take.
#[test]
fn a37_names_that_are_character_classes() {
    let by = |actor: &str, pattern: &str, reason| {
        let rule = format!("claims: {{ actor: {pattern} }}");
        row(&rule, push("main"), reason).claim("actor", actor)
    };
    let mut rows = Vec::new();
    for pattern in [
        "'dependabot[bot]'",
        "{ exact: 'dependabot[bot]' }",
        r"'dependabot\[bot\]'",
        r"'(dependabot|renovate)\[bot\]'",
        r"{ glob: 'dependabot\[bot\]' }",
    ] {
        rows.push(by("dependabot[bot]", pattern, "granted"));
        for actor in ["dependabotb", "dependaboto", "dependabott", "dependabot"] {
            rows.push(by(actor, pattern, "no_rule_matches"));
        }
    }
    let classes = rows.len();
    for pattern in [
        "{ regex: 'dependabot[bot]' }",
        "{ glob: 'dependabot[bot]' }",
        "'(dependabot|renovate)[bot]'",
        "'.*[bot]'",
        "[octocat, '[[bot]]']",
    ] {
        for actor in ["dependabot[bot]", "dependabotb"] {
            rows.push(by(actor, pattern, "policy_invalid"));
        }
    }
    let steps = judge(rows);
    for step in &steps[classes..] {
        let message = step.output("message");
        assert!(message.contains(r"write `\[bot\]`"), "{message}");
    }
}
