use proptest::prelude::*;

use super::*;

fn pattern(text: &str) -> Pattern {
    Pattern {
        text: text.into(),
        kind: Kind::of(text),
        position: Position::START,
    }
}

fn matches(text: &str, value: &str) -> bool {
    pattern(text)
        .compile(CaseSensitivity::Sensitive)
        .unwrap()
        .matches(Some(value))
}

#[test]
fn what_is_written_decides_the_kind() {
    for (text, kind) in [
        ("*", Kind::Any),
        ("main", Kind::Literal),
        ("release/1.0", Kind::Literal),
        ("deploy-production.yml", Kind::Literal),
        ("a b@c,d:e#f!~%&=<>", Kind::Literal),
        ("dependabot[bot]", Kind::Literal),
        ("my-App-2[bot]", Kind::Literal),
        ("[bot]", Kind::Regex),
        ("my_app[bot]", Kind::Regex),
        ("dependabot[bot].*", Kind::Regex),
        (r"dependabot\[bot\]", Kind::Regex),
        ("**", Kind::Regex),
        ("prod.*", Kind::Regex),
        ("feature/*", Kind::Regex),
        ("a|b", Kind::Regex),
        ("^main", Kind::Regex),
    ] {
        assert_eq!(Kind::of(text), kind, "{text}");
    }
}

#[test]
fn a_pattern_matches_the_whole_value() {
    for (text, yes, no) in [
        ("main", "main", "maintenance"),
        ("main", "main", "Main"),
        ("prod.*", "production", "nonprod"),
        ("main|develop", "develop", "main-x"),
        ("main|develop", "main", "x-develop"),
        ("^main|develop$", "main", "main-x"),
        ("^(main|develop)$", "main", "main\n"),
        ("release/1.0", "release/1.0", "release/1x0"),
        (r".*\.yml$", "deploy.yml", "deploy.yaml"),
        ("(?i)MAIN", "main", "mainz"),
        ("(?x)main # the trunk", "main", "maintenance"),
        ("(?x) ma in # )", "main", "ma in"),
        ("(?m)^main$", "main", "main\nx"),
        ("a|ab", "ab", "abc"),
        ("a.b*", "a.b", "a\nb"),
    ] {
        assert!(matches(text, yes), "{text} should match {yes}");
        assert!(!matches(text, no), "{text} should not match {no:?}");
    }
}

#[test]
fn an_absent_value_matches_any_only() {
    for text in ["*", ".*", "x?", "()*", "x", "^$"] {
        let compiled = pattern(text);
        let compiled = compiled.compile(CaseSensitivity::Sensitive).unwrap();
        assert_eq!(compiled.matches(None), text == "*", "{text}");
    }
}

#[test]
fn what_does_not_compile_says_why() {
    let message = |text: &str| {
        pattern(text)
            .compile(CaseSensitivity::Sensitive)
            .unwrap_err()
            .to_string()
    };
    insta::assert_snapshot!(message(""), @r#"line 1, column 1: the pattern is empty (write `"*"` for every value, or leave out the key)"#);
    insta::assert_snapshot!(message("a)|("), @"line 1, column 1: the regex `a)|(` is not valid: unopened group, at byte 1");
    insta::assert_snapshot!(message("(?!main).*"), @"line 1, column 1: the regex `(?!main).*` is not valid: look-around is not supported, at byte 0 (list what is allowed instead of excluding what is not)");
    insta::assert_snapshot!(message(r"(a)\1"), @r"line 1, column 1: the regex `(a)\1` is not valid: back-references are not supported, at byte 3 (write the alternatives out, such as `(a-a|b-b)`)");
    for regex in ["(?P<n>a)(?P=n)", r"(?<n>a)\k<n>", r"(a)\g1"] {
        let said = message(regex);
        assert!(said.contains("back-references are not supported"), "{said}");
    }
    insta::assert_snapshot!(message("*.yml"), @r#"line 1, column 1: the regex `*.yml` is not valid: repetition operator missing expression, at byte 0 (for a glob write `{ glob: "*.yml" }`; in a regex, `.*` matches any text)"#);
    insta::assert_snapshot!(message(r"\d{1000}{1000}"), @r"line 1, column 1: the regex `\d{1000}{1000}` is larger than 1048576 bytes when compiled (reduce its repetitions, or split it into a list)");
    insta::assert_snapshot!(message(&"a".repeat(1025)), @"line 1, column 1: the pattern has 1025 bytes, the limit is 1024 (split it into a list of shorter patterns)");
}

/// What stands in the help is a glob that compiles, or none.
#[test]
fn the_help_for_a_glob_is_one() {
    for (text, glob) in [
        ("*.yml", Some(r#"{ glob: "*.yml" }"#)),
        ("*é", Some(r#"{ glob: "*é" }"#)),
        ("*[bot]", None),
        (r"*\.yml", None),
        ("*.yml|*.yaml", None),
        ("?x", None),
        ("**+", None),
    ] {
        let said = pattern(text)
            .compile(CaseSensitivity::Sensitive)
            .unwrap_err()
            .to_string();
        assert_eq!(said.contains("{ glob:"), glob.is_some(), "{said}");
        assert!(
            said.contains(glob.unwrap_or("`.*` matches any text")),
            "{said}"
        );
    }
}

#[test]
fn the_login_of_an_app_is_itself_and_no_class() {
    assert!(matches("dependabot[bot]", "dependabot[bot]"));
    for other in [
        "dependabotb",
        "dependaboto",
        "Dependabot[bot]",
        "dependabot",
    ] {
        assert!(!matches("dependabot[bot]", other), "{other}");
    }
    let of = |kind: Kind, text: &str| {
        let text = text.to_owned().into();
        let position = Position::START;
        let pattern = Pattern {
            text,
            kind,
            position,
        };
        pattern
            .compile(CaseSensitivity::Sensitive)
            .map(|_| ())
            .map_err(|problem| problem.to_string())
    };
    for (kind, text) in [
        (Kind::Regex, "dependabot[bot]"),
        (Kind::Regex, ".*[bot]"),
        (Kind::Regex, "a|renovate[bot]"),
        (Kind::Regex, "x[bot]+"),
        (Kind::Regex, "x[[bot]]"),
        (Kind::Regex, "x[a[bot]]"),
        (Kind::Regex, "(?i)x[bot]"),
        (Kind::Regex, r"\\[bot]"),
        (Kind::Glob, "dependabot[bot]"),
        (Kind::Glob, "*[bot]"),
    ] {
        let said = of(kind, text).unwrap_err();
        assert!(said.contains(r"write `\[bot\]`"), "{text}: {said}");
    }
    for (kind, text) in [
        (Kind::Exact, "dependabot[bot]"),
        (Kind::Regex, r".*\[bot\]"),
        (Kind::Regex, "x[both]"),
        (Kind::Regex, "x[^bot]"),
        (Kind::Regex, "x[bot-z]"),
        (Kind::Regex, "x[tob]"),
        (Kind::Regex, r"x[\[bot\]]"),
        (Kind::Regex, "(?x)x # [bot]"),
        (Kind::Glob, r"*\[bot\]"),
        (Kind::Glob, "x[both]"),
    ] {
        assert_eq!(of(kind, text), Ok(()), "{text}");
    }
}

#[test]
fn case_is_ignored_for_ascii_values_only() {
    let fold = |text: &str, value: &str| {
        let pattern = pattern(text);
        let case = CaseSensitivity::ignored_for(Some(value));
        pattern.compile(case).unwrap().matches(Some(value))
    };
    for text in [
        "Production",
        "^production$",
        "[o-q]roduction",
        "PROD.*",
        "(prod|stag)uction",
    ] {
        assert!(fold(text, "pRoDuCtIoN"), "{text}");
    }
    // U+017F folds to `s`, U+212A to `k` under Unicode's rules.
    for text in ["staging", "^staging$", "[s]taging", "[a-z]taging"] {
        assert!(fold(text, "STAGING"), "{text}");
        assert!(!fold(text, "\u{17f}taging"), "{text}");
    }
    assert!(!fold("k", "\u{212a}") && !fold("[j-l]", "\u{212a}"));
    assert!(!fold("[^x]", "X"));
    assert!(fold("größe", "größe") && !fold("größe", "GRÖSSE") && !fold("größe", "Größe"));
}

proptest! {
    #[test]
    fn a_literal_matches_one_value(text in "[a-z./ -]{1,12}", value in "[a-z./ -]{0,12}") {
        prop_assert_eq!(Kind::of(&text), Kind::Literal);
        prop_assert_eq!(matches(&text, &value), text == value);
    }

    #[test]
    fn the_whole_value_and_nothing_else(text in r"[ab|*?().]{1,8}", value in "[ab]{0,5}") {
        let p = Pattern { text: text.clone().into(), kind: Kind::Regex, position: Position::START };
        if let Ok(compiled) = p.compile(CaseSensitivity::Sensitive) {
            // leftmost-first with an anchored tree, against a search for a match that spans all
            let plain = regex::Regex::new(&format!("^(?:{text})$")).unwrap();
            prop_assert_eq!(compiled.matches(Some(&value)), plain.is_match(&value));
        }
    }
}
