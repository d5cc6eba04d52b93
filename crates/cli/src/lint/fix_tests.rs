use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use engine::context::Context;
use engine::decision::{Decision, Engine, Policies, Provenance, Question, Reason, decide};

/// The text after `--fix`, and how many fixes there were.
fn fixed(text: &str, format: Format) -> (String, usize) {
    let options = LintOptions::default();
    let findings = lint(text, format, &options);
    match fix(text, format, &options, findings).unwrap() {
        Some(fixed) => (fixed.text, fixed.count),
        None => (text.to_owned(), 0),
    }
}

/// A rule's list as it may be written.
#[derive(Clone, Copy, Debug)]
enum Style {
    Block,
    Flow,
    Lines,
}

const BRANCHES: [&str; 12] = [
    "main",
    "^main$",
    "'main'",
    "\"main\"",
    "^(main|develop)$",
    "'feature/.*$'",
    "release/\\d+",
    "{ glob: 'feature/*' }",
    "{ exact: main }",
    "'*'",
    "^10$",
    "\"^dev\\\\w+\"",
];
const ENVIRONMENTS: [&str; 6] = ["prod", "Prod", "^prod$", "'^PROD.*'", "^ſtage$", "'*'"];
const KEYS: [&str; 4] = ["a:b", "ws:locks:create", "Locks Create", "'a:b'"];

fn list(key: &str, elements: &[&str], style: Style, comment: bool) -> String {
    let comment = if comment { " # why" } else { "" };
    let mut text = format!("    {key}:");
    match (elements, style) {
        ([one], _) => text.push_str(&format!(" {one}{comment}\n")),
        (_, Style::Flow) => text.push_str(&format!(" [{}]{comment}\n", elements.join(", "))),
        (_, Style::Block) => {
            text.push_str(&format!("{comment}\n"));
            for (index, element) in elements.iter().enumerate() {
                let comment = if index == 1 { comment } else { "" };
                let _ = writeln!(text, "      - {element}{comment}");
            }
        }
        (_, Style::Lines) => {
            let lines = elements.join(&format!(",{comment}\n      "));
            text.push_str(&format!(" [\n      {lines}\n      ]\n"));
        }
    }
    text
}

prop_compose! {
    fn rule()(
        keys in prop::collection::vec(prop::sample::select(&KEYS[..]), 1..4),
        branches in prop::collection::vec(prop::sample::select(&BRANCHES[..]), 1..5),
        environments in prop::collection::vec(prop::sample::select(&ENVIRONMENTS[..]), 0..4),
        styles in prop::array::uniform3(prop::sample::select(&[Style::Block, Style::Flow, Style::Lines][..])),
        comment in any::<bool>(),
    ) -> String {
        let [one, two, three] = styles;
        let mut text = list("permission", &keys, one, comment).replacen("    ", "  - ", 1);
        text.push_str(&list("branch", &branches, two, comment));
        if !environments.is_empty() {
            text.push_str(&list("environment", &environments, three, false));
        }
        text
    }
}

prop_compose! {
    fn policy()(
        top in prop::collection::vec(rule(), 0..4),
        entry in prop::collection::vec(rule(), 1..3),
        names in prop::collection::vec(prop::sample::select(&["o/r", "^O/r$", "'^o/.*'"][..]), 1..3),
        is_central in any::<bool>(),
        end in prop::sample::select(&["\n", "\r\n"][..]),
    ) -> String {
        let mut text = "version: 1\n".to_owned();
        let rules = if is_central {
            let _ = writeln!(text, "repositories:\n  - repository: [{}]\n    permissions:", names.join(", "));
            entry.concat().lines().map(|line| format!("    {line}\n")).collect()
        } else {
            text.push_str("permissions:\n");
            if top.is_empty() { "  []\n".to_owned() } else { top.concat() }
        };
        (text + &rules).replace('\n', end)
    }
}

/// Jobs that tell the patterns apart: repository, branch and environment.
const JOBS: [(&str, &str, Option<&str>); 12] = [
    ("o/r", "main", None),
    ("O/R", "develop", None),
    ("o/R", "feature/x", Some("prod")),
    ("o/r", "release/1", Some("PROD-EU")),
    ("o/rx", "main", Some("prod")),
    ("x/y", "main", None),
    ("o/r", "10", Some("ſtage")),
    ("o/r", "device", Some("stage")),
    ("o/r", "^main$", Some("prod")),
    ("o/r", "main", Some("Prod")),
    ("o/r", "main", Some("stage")),
    ("o/r", "main", Some("ſtage")),
];

/// Returns the decision on each job, with its rule.
fn decisions(text: &str) -> Vec<(Decision, Reason, Option<u32>)> {
    let engine = Engine::new(Policy::parse(text, Format::Yaml).unwrap());
    let keys = ["a:b", "ws:locks:create"].map(|key| PermissionKey::parse(key.into()).unwrap());
    let decide = |(repository, branch, environment): (&str, &str, Option<&str>)| {
        let context = Context {
            repository: Some(repository.to_owned()),
            branch: Some(branch.to_owned()),
            environment: environment.map(str::to_owned),
            ..Context::default()
        };
        let now = Timestamp::UNIX_EPOCH;
        let decided = decide(
            Policies::one(&engine, Provenance::Given),
            Question::new(&keys, &context, now),
        )
        .unwrap();
        let decided = decided.into_iter().map(|one| {
            let rule = one.rule.map(|rule| rule.number);
            (one.decision, one.reason, rule)
        });
        decided.collect::<Vec<_>>()
    };
    JOBS.into_iter().flat_map(decide).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_decision_changes(text in policy()) {
        let (after, count) = fixed(&text, Format::Yaml);
        prop_assert_eq!(decisions(&text), decisions(&after), "{}", after);
        prop_assert_eq!(fixed(&after, Format::Yaml), (after.clone(), 0));
        prop_assert_eq!(count == 0, text == after);
        let comments = |text: &str| text.matches("# why").count();
        prop_assert_eq!(comments(&text), comments(&after));
    }
}

#[test]
fn everything_else_stays_as_it_is() {
    let text = "# head\r\nversion:   1\r\npermissions:\r\n- permission: [ a:b,  'a:b' ]   # two\r\n  branch:   \"^main$\"\r\n\r\n  # tail";
    let (after, count) = fixed(text, Format::Yaml);
    let expected = text.replace(",  'a:b'", "").replace("^main$", "main");
    assert_eq!((after, count), (expected, 2));
    let text = "{\"version\": 1, \"permissions\": [\n\t{\"permission\": [\"a:b\",\n\t\t\"a:b\"], \"branch\": \"^ma\\u0069n$\"}]}";
    let (after, count) = fixed(text, Format::Json);
    let expected = text.replace(",\n\t\t\"a:b\"", "");
    let expected = expected.replace("^ma\\u0069n$", "main");
    assert_eq!((after, count), (expected, 2));
}

#[test]
fn what_needs_a_decision_is_left() {
    for branch in [
        "feature/*",
        "refs/heads/main",
        "^release/",
        "a.b|c",
        "^a.b$",
        ".*\\\\.yml",
    ] {
        let text = format!("version: 1\npermissions:\n  - permission: a:b\n    branch: {branch}\n");
        assert_eq!(fixed(&text, Format::Yaml), (text, 0));
    }
}

#[test]
fn an_invalid_policy_is_not_touched() {
    let text = "version: 1\nx: 1\npermissions:\n  - permission: [a:b, a:b]\n    branch: ^main$\n";
    let options = LintOptions::default();
    let findings = lint(text, Format::Yaml, &options);
    let error = fix(text, Format::Yaml, &options, findings).unwrap_err();
    assert!(error.contains("not valid"), "{error}");
}

#[test]
fn what_is_not_the_same_is_noticed() {
    let same = |before: &str, after: &str| {
        let policy =
            |rule: &str| format!("version: 1\npermissions: [{{ permission: a:b, {rule} }}]");
        let (before, after) = (policy(before), policy(after));
        let parse = |text| Policy::parse(text, Format::Yaml).unwrap();
        grants_the_same(&parse(&before), &parse(&after))
    };
    for (before, after, is_same) in [
        ("branch: '^main$'", "branch: main", true),
        ("branch: [main, dev]", "branch: main|dev", true),
        ("branch: [main, dev]", "branch: main", false),
        ("branch: ma.n", "branch: main", false),
        ("branch: '.*'", "branch: '*'", false),
        ("branch: Main", "branch: main", false),
        ("environment: Main", "environment: main", true),
        ("environment: '^ſ$'", "environment: ſ", false),
        ("name: x", "name: y", false),
        ("events: [push]", "name: x", false),
        ("claims: { a: b }", "claims: { a: '^b$' }", true),
        ("claims: { a: b }", "claims: { c: b }", false),
        ("expires: 2027-01-31", "expires: 2027-02-01", false),
    ] {
        assert_eq!(same(before, after), is_same, "{before} and {after}");
    }
}
