use super::super::tests::{found, of_rule};
use super::super::{Format, LintOptions, apply_safe, lint};

fn codes(pattern: &str) -> Vec<String> {
    let found = of_rule(&format!("branch: {pattern}"));
    found
        .iter()
        .map(|finding| finding.split(' ').nth(1).unwrap().to_owned())
        .collect()
}

/// The branch with every fix put in place, also those that need a decision.
fn fixed(branch: &str) -> String {
    let text = format!(
        "version: 1\npermissions:\n  - permission: ws:locks:create\n    branch: {branch}\n"
    );
    let mut findings = lint(&text, Format::Yaml, &LintOptions::default());
    for fix in findings
        .iter_mut()
        .filter_map(|finding| finding.fix.as_mut())
    {
        fix.is_safe = true;
    }
    let (text, _) = apply_safe(&text, Format::Yaml, &findings);
    assert!(
        !found(&text).iter().any(|f| f.contains("invalid")),
        "{text}"
    );
    text.lines().nth(3).unwrap().trim().to_owned()
}

#[test]
fn how_patterns_are_written() {
    for (pattern, expected) in [
        ("main", &[][..]),
        ("prod.*", &[]),
        ("'release/\\d+'", &[]),
        ("v1.0", &[]),
        ("feature/*", &["glob-like"]),
        ("{ regex: feature/* }", &["glob-like"]),
        ("{ glob: feature/* }", &[]),
        ("'*.yml'", &["pattern-invalid"]),
        ("''", &["pattern-invalid"]),
        ("[]", &["pattern-invalid"]),
        ("'a)|('", &["pattern-invalid"]),
        ("'.*\\\\.yml'", &["double-backslash"]),
        ("\".*\\\\.yml\"", &[]),
        ("'[\\\\]x'", &[]),
        ("^(main|develop)$", &["redundant-anchor"]),
        ("^main$", &["redundant-anchor"]),
        ("^release/.*", &["redundant-anchor"]),
        ("^main|develop$", &["redundant-anchor"]),
        ("^release/1.0$", &["unescaped-dot"]),
        ("'v\\d+.\\d+'", &["unescaped-dot"]),
        ("v1.[0-9]+", &["unescaped-dot"]),
        ("deploy.(yml|yaml)", &["unescaped-dot"]),
        ("deploy.(?:yml|yaml)", &["unescaped-dot"]),
        ("'v\\d+\\.\\d+'", &[]),
        ("main.[^/]+", &[]),
        ("release/.[0-9]+", &[]),
        ("release/.(a|b)", &[]),
        ("main.(?i:x)", &[]),
        ("^release/", &["half-anchored"]),
        // An anchor that is repeated, or inside of the text, is not that of the whole text.
        ("^*$", &["never-matches"]),
        ("^+$", &["never-matches"]),
        ("(^main)$", &[]),
        ("'(?x)^main$'", &[]),
        ("'\\.yml$'", &["half-anchored"]),
        ("'.*\\.yml$'", &["redundant-anchor"]),
        ("'release/1\\.0|1.1'", &["unescaped-dot"]),
        ("^*", &["never-matches"]),
        ("^?main", &[]),
        ("release+x", &["not-itself"]),
        ("^release+x$", &["not-itself"]),
        ("{ regex: release+x }", &[]),
        ("{ exact: release+x }", &[]),
        ("'x[bot]|y'", &["pattern-invalid"]),
        ("'{ glob: x[bot] }'", &["pattern-invalid"]),
        ("'cost\\$'", &[]),
    ] {
        assert_eq!(codes(pattern), expected, "{pattern}");
    }
}

#[test]
fn fixes_can_be_put_in_place() {
    for (branch, expected) in [
        ("feature/* # all", "branch: { glob: \"feature/*\" } # all"),
        ("\"feature/*\"", "branch: { glob: \"feature/*\" }"),
        ("[main, '*-x', ^a$]", "branch: [main, { glob: \"*-x\" }, a]"),
        ("'.*\\\\.yml$'", "branch: '.*\\.yml'"),
        ("^(main|develop)$", "branch: (main|develop)"),
        ("'^it''s$'", "branch: 'it''s'"),
        ("a.b|c", "branch: a\\.b|c"),
        ("'v\\d+.\\d+'", "branch: 'v\\d+\\.\\d+'"),
        ("v1.[0-9]+|x.y", "branch: 'v1\\.[0-9]+|x\\.y'"),
        ("refs/heads/main", "branch: main"),
        ("'^refs/heads/main$'", "branch: 'main'"),
        ("refs/heads/feature/*", "branch: { glob: \"feature/*\" }"),
        ("refs/heads/*", "branch: { glob: \"*\" }"),
        ("{ glob: 'refs/heads/x/*' }", "branch: { glob: 'x/*' }"),
        ("{ exact: refs/heads/x }", "branch: { exact: x }"),
        ("release-v1+x", "branch: { exact: \"release-v1+x\" }"),
        ("^release/1.0$", "branch: release/1\\.0"),
        ("\"^main$\"", "branch: \"main\""),
        ("^10$", "branch: \"10\""),
        ("^true$", "branch: \"true\""),
        // Nothing to replace: inside an explicit regex, over several lines, or wider than before.
        ("{ regex: feature/* }", "branch: { regex: feature/* }"),
        ("^release/", "branch: ^release/"),
        (">-\n      feature/*", "branch: >-"),
    ] {
        assert_eq!(fixed(branch), expected);
    }
}

#[test]
fn every_pattern_is_compiled() {
    let rule = "workflow: 'a)'\nbranch: [b, 'c)']\nenvironment: 'd)'\nclaims: { sub: 'e)' }";
    let expected = ["4:15", "5:17", "6:18", "7:20"].map(|at| format!("{at} pattern-invalid"));
    assert_eq!(of_rule(rule), expected);
}

#[test]
fn a_regex_too_large_without_case_is_found() {
    // A check of an environment folds the case, which makes some regexes larger.
    let size = |n: usize| format!("environment: '[\\pL\\pN]{{{n}}}'");
    let largest = (1..200).find(|n| !of_rule(&size(*n)).is_empty());
    assert!(largest.is_some());
}
