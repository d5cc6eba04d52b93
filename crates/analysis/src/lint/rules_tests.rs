use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::super::tests::{found, of_rule};
use super::super::{Format, LintOptions, lint};
use engine::context::{Base, Context};
use engine::decision::{Engine, Policies, Provenance, Question, decide};
use engine::policy::{PermissionKey, Policy};

fn codes(rules: &[&str]) -> Vec<String> {
    let rules: String = rules
        .iter()
        .map(|rule| format!("  - {{{rule}}}\n"))
        .collect();
    let ours = ["unreachable", "duplicate"];
    found(&format!("version: 1\npermissions:\n{rules}"))
        .into_iter()
        .map(|finding| finding.replace(":5", ""))
        .filter(|finding| ours.iter().any(|code| finding.ends_with(code)))
        .collect()
}

#[test]
fn rules_that_are_never_needed() {
    for (first, second) in [
        ("permission: a:b", "permission: a:b, branch: main"),
        ("permission: [a:b, c:d]", "permission: c:d, branch: main"),
        (
            "permission: a:b, branch: [main, x]",
            "permission: a:b, branch: main, workflow: a.yml",
        ),
        (
            "permission: a:b, branch: 'm.*'",
            "permission: a:b, branch: [main, max]",
        ),
        (
            "permission: a:b, branch: {glob: 'f/**'}",
            "permission: a:b, branch: f/x",
        ),
        (
            "permission: a:b, branch: 'm.*'",
            "permission: a:b, branch: 'm.*', environment: x",
        ),
        (
            "permission: a:b, environment: 'P.*'",
            "permission: a:b, environment: prod",
        ),
        ("permission: a:b", "permission: a:b, events: [push]"),
        (
            "permission: a:b, events: [push, workflow_run]",
            "permission: a:b, events: [workflow_run]",
        ),
        (
            "permission: a:b, claims: {x: '1'}",
            "permission: a:b, claims: {x: '1', y: '2'}",
        ),
        (
            "permission: a:b, claims: {x: '*'}",
            "permission: a:b, branch: main",
        ),
        ("permission: a:b", "permission: a:b, expires: 2030-01-01"),
        (
            "permission: a:b, expires: 2031-01-01",
            "permission: a:b, expires: 2030-01-01",
        ),
    ] {
        assert_eq!(
            codes(&[first, second]),
            ["4 unreachable"],
            "{first} / {second}"
        );
    }
    // As sets of values.
    for (first, second) in [
        ("branch: '[a-z]+'", "branch: 'x|y'"),
        (
            "branch: {glob: 'release/**'}",
            "branch: {glob: 'release/*'}",
        ),
        ("branch: '[^x].*|x.*'", "branch: '.*'"),
        ("environment: '(prod|stag).*'", "environment: 'prod-.+'"),
        ("branch: [main, x], base: 'm.*'", "branch: main, base: main"),
    ] {
        let rules = [first, second].map(|rule| format!("permission: a:b, {rule}"));
        let found = codes(&rules.each_ref().map(String::as_str));
        assert_eq!(found, ["4 unreachable"], "{first} / {second}");
    }
    // Several together.
    for rules in [
        [
            "workflow: a.yml",
            "workflow: b.yml",
            "workflow: [a.yml, b.yml]",
        ],
        [
            "workflow: 'a.*'",
            "workflow: '[^a].*'",
            "workflow: '.+', branch: x",
        ],
        [
            "events: [push]",
            "events: [schedule]",
            "events: [schedule, push]",
        ],
        [
            "branch: a, events: [push]",
            "branch: b",
            "branch: [a, b], events: [push]",
        ],
    ] {
        let rules = rules.map(|rule| format!("permission: a:b, {rule}"));
        let rules = rules.each_ref().map(String::as_str);
        assert_eq!(codes(&rules), ["5 unreachable"], "{rules:?}");
    }
    // In several parts at once, with its base or without.
    let parts = [
        "permission: a:b, workflow: a, environment: [x, y]",
        "permission: a:b, workflow: b, environment: x",
        "permission: a:b, workflow: [b, c], environment: [y, z]",
        "permission: a:b, workflow: [a, b], environment: [x, y]",
    ];
    assert_eq!(codes(&parts), ["6 unreachable"]);
    let bases = [
        "permission: a:b, branch: main, base: x",
        "permission: a:b, branch: main, base: y",
        "permission: a:b, branch: main, base: [x, y]",
    ];
    assert_eq!(codes(&bases), ["5 unreachable"]);
    let two = [
        "permission: a:b",
        "permission: c:d",
        "permission: [a:b, c:d], branch: main",
    ];
    assert_eq!(codes(&two), ["5 unreachable"]);
}

#[test]
fn rules_that_may_be_needed() {
    // A pull request from `a` into `b` is granted by the last one only.
    let branches = ["branch: a", "branch: b", "branch: [a, b]"];
    let branches = branches.map(|rule| format!("permission: a:b, {rule}"));
    assert_eq!(codes(&branches.each_ref().map(String::as_str)), [""; 0]);
    for (first, second) in [
        (
            "permission: a:b, branch: main, base: main",
            "permission: a:b, branch: main",
        ),
        (
            "permission: a:b, branch: main",
            "permission: a:b, branch: main, base: x",
        ),
        // An event that GitHub adds later may merge.
        (
            "permission: a:b, branch: main, base: main, events: [event_of_tomorrow]",
            "permission: a:b, branch: main, base: x, events: [event_of_tomorrow]",
        ),
        ("permission: a:b, branch: main", "permission: a:b"),
        ("permission: a:b", "permission: [a:b, c:d], branch: main"),
        (
            "permission: a:b, branch: main",
            "permission: a:b, branch: Main",
        ),
        ("permission: a:b, branch: '.*'", "permission: a:b"),
        (
            "permission: a:b, environment: '(?-i:prod)'",
            "permission: a:b, environment: prod",
        ),
        (
            "permission: a:b, environment: GRÖSSE",
            "permission: a:b, environment: größe",
        ),
        (
            "permission: a:b",
            "permission: a:b, events: [push, pull_request_target]",
        ),
        ("permission: a:b, events: [push]", "permission: a:b"),
        (
            "permission: a:b, claims: {x: '1'}",
            "permission: a:b, branch: main",
        ),
        (
            "permission: a:b, expires: 2030-01-01",
            "permission: a:b, branch: main",
        ),
        (
            "permission: a:b, expires: 2030-01-01",
            "permission: a:b, expires: 2031-01-01",
        ),
        // A rule that does not compile makes checks fail: the linter reports that, not that it is needless.
        ("permission: a:b", "permission: a:b, branch: 'a)'"),
        (
            "permission: a:b, workflow: 'a)'",
            "permission: a:b, workflow: 'a)', branch: x",
        ),
    ] {
        assert_eq!(codes(&[first, second]), [""; 0], "{first} / {second}");
    }
}

#[test]
fn rules_that_say_the_same() {
    for (first, second) in [
        (
            "permission: a:b, branch: main",
            "branch: [main], permission: [a:b], name: other",
        ),
        (
            "permission: [a:b, c:d]",
            "permission: [c:d, a:b], branch: '*'",
        ),
        (
            "permission: a:b, branch: 'a)'",
            "permission: a:b, branch: 'a)'",
        ),
        (
            "permission: a:b, expires: 2030-01-01",
            "permission: a:b, expires: 2030-01-01",
        ),
    ] {
        assert_eq!(
            codes(&[first, second]),
            ["4 duplicate"],
            "{first} / {second}"
        );
    }
    // Without `base` a rule trusts what its branch matches, which is not every base.
    for (first, second) in [
        ("branch: main", "branch: main, base: '*'"),
        ("branch: main", "branch: main, base: main"),
        ("branch: main, base: x", "branch: main, base: y"),
    ] {
        let rules = [first, second].map(|rule| format!("permission: a:b, {rule}"));
        let found = codes(&rules.each_ref().map(String::as_str));
        assert!(
            !found.iter().any(|found| found == "4 duplicate"),
            "{first} / {second}: {found:?}"
        );
    }
    for (first, second) in [
        ("branch: main", "branch: {regex: main}"),
        ("branch: [main, develop]", "branch: 'main|develop'"),
        ("workflow: '.+'", "workflow: '.*'"),
        ("environment: Prod", "environment: '[Pp]rod'"),
        ("environment: Prod", "environment: {exact: prod}"),
    ] {
        let rules = [first, second].map(|rule| format!("permission: a:b, {rule}"));
        let found = codes(&rules.each_ref().map(String::as_str));
        assert_eq!(found, ["4 duplicate"], "{first} / {second}");
    }
}

#[test]
fn broad_writes() {
    let rule = |key: &str, rest: &str| {
        let text = format!("version: 1\npermissions:\n  - permission: {key}\n{rest}");
        found(&text)
            .iter()
            .any(|finding| finding == "3:5 broad-write")
    };
    for key in ["ws:locks:create", "ws:instances:update", "x:delete"] {
        assert!(rule(key, ""), "{key}");
        assert!(rule(
            key,
            "    branch: '*'\n    workflow: ['*']\n    environment: .*\n"
        ));
        assert!(!rule(key, "    environment: production\n"));
        assert!(!rule(key, "    claims: { workflow_ref: 'a/b/c@d' }\n"));
        assert!(rule(
            key,
            "    claims: { workflow_ref: '.*', actor: '*' }\n"
        ));
        assert!(rule(
            key,
            "    claims: { runner_environment: self-hosted }\n"
        ));
    }
    assert!(rule("[x:read, x:delete]", ""));
    assert!(!rule("x:read", ""));
}

#[test]
fn patterns_that_add_nothing() {
    assert_eq!(of_rule("branch: [main, x]"), [""; 0]);
    assert_eq!(of_rule("branch: [main, main]"), ["4:20 redundant-pattern"]);
    assert_eq!(of_rule("branch: [max, 'm.+']"), ["4:14 redundant-pattern"]);
    assert_eq!(
        of_rule("environment: [Prod, prod]"),
        ["4:25 redundant-pattern"]
    );
    let twice = "version: 1\npermissions:\n  - permission: [a:b, a:b]\n    branch: x\n";
    assert!(found(twice).contains(&"3:23 repeated-permission".to_owned()));
}

#[test]
fn a_list_too_long_to_compare_is_reported() {
    use std::fmt::Write as _;
    let mut text = String::from("version: 1\npermissions:\n");
    for index in 0..410 {
        let _ = writeln!(
            text,
            "  - {{permission: 'ws:locks:create', branch: b{index}}}"
        );
    }
    let findings = lint(&text, Format::Yaml, &LintOptions::default());
    let codes: Vec<_> = findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["not-compared"]);
    // Names are only looked up.
    let names: Vec<_> = (0..2_000).map(|index| format!("b{index}")).collect();
    assert_eq!(of_rule(&format!("branch: [{}]", names.join(", "))), [""; 0]);
}

const PATTERNS: &[&str] = &[
    "'*'",
    "a",
    "A",
    "b",
    "ab",
    "[a, b]",
    "'[ab]'",
    "'a|b'",
    "'a.*'",
    "'.*'",
    "{glob: 'a*'}",
    "{exact: 'a'}",
    "'(?-i:a)'",
    "'(?i)A'",
    "é",
    "É",
    "'^a$'",
    "'a)'",
    "'(a|b)+'",
    "'[^a].*'",
    "{glob: '**b'}",
];
const VALUES: &[Option<&str>] = &[
    None,
    Some("a"),
    Some("A"),
    Some("b"),
    Some("ab"),
    Some("aB"),
    Some("c"),
    Some("é"),
    Some("É"),
];
const EVENTS: &[&str] = &[
    "push",
    "pull_request",
    "pull_request_target",
    "workflow_run",
];
const KEYS: &[&str] = &["x:one", "x:two"];

prop_compose! {
    fn any_rule()(
        keys in subsequence(KEYS, 1..=2),
        dimensions in [
            option::of(select(PATTERNS)), option::of(select(PATTERNS)), option::of(select(PATTERNS)),
        ],
        events in option::weighted(0.3, subsequence(EVENTS, 1..=3)),
        claim in option::weighted(0.3, select(PATTERNS)),
        base in option::weighted(0.3, select(PATTERNS)),
        expires in option::weighted(0.3, select(&["2027-01-01", "2028-01-01"][..])),
    ) -> String {
        let mut parts = vec![format!("permission: ['{}']", keys.join("', '"))];
        for (name, pattern) in ["workflow", "branch", "environment"].iter().zip(dimensions) {
            parts.extend(pattern.map(|pattern| format!("{name}: {pattern}")));
        }
        parts.extend(events.map(|events| format!("events: [{}]", events.join(", "))));
        parts.extend(base.map(|pattern| format!("base: {pattern}")));
        parts.extend(claim.map(|pattern| format!("claims: {{c: {pattern}}}")));
        parts.extend(expires.map(|expires| format!("expires: {expires}")));
        format!("  - {{{}}}\n", parts.join(", "))
    }
}

/// The decision and the line of the granting rule for every job of a small universe.
fn decisions(text: &str) -> Vec<String> {
    let engine = Engine::new(Policy::parse(text, Format::Yaml).unwrap());
    let mut decisions = Vec::new();
    let scopes = [Provenance::Given, Provenance::Offline];
    let events = EVENTS.iter().map(|event| Some(*event)).chain([None]);
    // Each dimension takes each value while the others hold; each event meets each time. A fault in
    // the comparison of one shows whatever the others are.
    let mut universe = Vec::new();
    for event in events {
        for now in [
            "2026-06-01T00:00:00Z",
            "2027-06-01T00:00:00Z",
            "2029-06-01T00:00:00Z",
        ] {
            universe.push((event, now, [Some("a"); 4]));
        }
    }
    for value in VALUES {
        for fixed in [Some("a"), None] {
            for index in 0..4 {
                let mut values = [fixed; 4];
                values[index] = *value;
                universe.push((Some("push"), "2026-06-01T00:00:00Z", values));
            }
        }
    }
    let mut contexts = Vec::new();
    for (event, now, [workflow, branch, environment, claim]) in universe {
        let owned = |value: Option<&str>| value.map(str::to_owned);
        let context = Context {
            repository: Some("o/r".into()),
            workflow: owned(workflow),
            branch: owned(branch),
            environment: owned(environment),
            event: owned(event),
            claims: claim
                .map(|value| ("c".to_owned(), value.to_owned()))
                .into_iter()
                .collect(),
            ..Context::default()
        };
        contexts.push((now, context));
    }
    // Each head meets each base, one of which is the default branch.
    let job = contexts[0].1.clone();
    for head in VALUES {
        for base in VALUES {
            let context = Context {
                branch: head.map(str::to_owned),
                base: base.map_or(Base::Absent, |base| Base::Branch(base.to_owned())),
                default_branch: Some("ab".to_owned()),
                event: Some("pull_request".to_owned()),
                ..job.clone()
            };
            contexts.push(("2026-06-01T00:00:00Z", context));
        }
    }
    for (now, context) in contexts {
        for (key, provenance) in KEYS
            .iter()
            .flat_map(|key| scopes.map(|provenance| (key, provenance)))
        {
            let keys = [PermissionKey::parse((*key).into()).unwrap()];
            let now = now.parse().unwrap();
            decisions.push(
                match decide(
                    Policies::one(&engine, provenance),
                    Question::new(&keys, &context, now),
                ) {
                    Ok(decided) => {
                        let line = decided[0].rule.as_ref().map(|rule| rule.line);
                        format!("{:?} {line:?}", decided[0].decision)
                    }
                    Err(_) => "invalid".to_owned(),
                },
            );
        }
    }
    decisions
}

fn removal_changes_nothing(rules: &[String]) -> Result<(), TestCaseError> {
    let text = format!("version: 1\npermissions:\n{}", rules.concat());
    let findings = lint(&text, Format::Yaml, &LintOptions::default());
    let needless = findings
        .iter()
        .filter(|finding| matches!(finding.code, "unreachable" | "duplicate"));
    for finding in needless {
        let mut fewer = rules.to_vec();
        // A comment keeps the lines of the others.
        fewer[finding.position.line as usize - 3] = "  #\n".to_owned();
        let without = format!("version: 1\npermissions:\n{}", fewer.concat());
        prop_assert!(
            decisions(&text) == decisions(&without),
            "{}\n{}",
            text,
            finding.message
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_rule_that_is_never_needed_can_be_removed(rules in vec(any_rule(), 2..6)) {
        removal_changes_nothing(&rules)?;
    }

    #[test]
    fn the_last_rule_is_needed_as_diff_says(rules in vec(any_rule(), 2..5)) {
        let text = |rules: &[String]| format!("version: 1\npermissions:\n{}", rules.concat());
        let (with, without) = (text(&rules), text(&rules[..rules.len() - 1]));
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        let [new, old] = [&with, &without].map(|text| Policy::parse(text, Format::Yaml).unwrap());
        let Ok(compared) = crate::compare::compare(&old, &new, now) else {
            return Ok(());
        };
        let options = LintOptions { now: Some(now), ..LintOptions::default() };
        let line = u32::try_from(rules.len()).unwrap() + 2;
        let findings = lint(&with, Format::Yaml, &options);
        let mut of_last = findings.iter().filter(|finding| finding.position.line == line);
        let is_needless = of_last.any(|finding| matches!(finding.code, "unreachable" | "duplicate"));
        prop_assert_eq!(is_needless, compared.is_same(), "{}", with);
    }

    #[test]
    fn so_can_one_that_differs_in_a_dimension(
        dimension in select(&["workflow", "branch", "base", "environment", "claims"][..]),
        patterns in [select(PATTERNS), select(PATTERNS)],
    ) {
        let rules = patterns.map(|pattern| match dimension {
            "claims" => format!("  - {{permission: 'x:one', claims: {{c: {pattern}}}}}\n"),
            _ => format!("  - {{permission: 'x:one', {dimension}: {pattern}}}\n"),
        });
        removal_changes_nothing(&rules)?;
    }
}
