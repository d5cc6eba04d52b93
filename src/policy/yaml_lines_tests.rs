use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::policy::yaml::Yaml;

type Stream<'a> = Vec<(Token<'a>, Position)>;

/// All tokens; `None` if the syntax gives up. Where something ends is of no interest to the reader.
fn tokens<'a>(mut syntax: impl Syntax<'a>) -> Option<Stream<'a>> {
    let mut tokens = Vec::new();
    loop {
        let (token, at) = syntax.next().ok()?;
        let is_end = matches!(token, Token::MappingEnd | Token::ListEnd | Token::End);
        let at = if is_end { Position::START } else { at };
        let is_last = token == Token::End;
        tokens.push((token, at));
        if is_last {
            return Some(tokens);
        }
    }
}

/// Whether the text is read, and then as by the other parser.
fn is_read(text: &str) -> bool {
    let lines = Lines::new(text).and_then(tokens);
    if let Some(lines) = &lines {
        let all = tokens(Yaml::new(text, "policy"));
        assert_eq!(Some(lines), all.as_ref(), "{text}");
    }
    lines.is_some()
}

#[test]
fn what_policies_are_written_in_is_read() {
    for text in [
        "",
        "# nothing",
        "version: 1\n",
        "version: 1",
        "# a comment\n\nversion: 1 # another\n  # and one more\npermissions:\n  - permission: a:b\n",
        "a:\n- b: c\n  d:\n  - e\n  - f: g\n- b: h\nz: 1\n",
        "a:\n  -   b: c\n      d: e\n  - f\n",
        "a: [b, 'c d', \"e\", ws:locks:create, { f: g, h: [i] }]\n",
        "a: { glob: \"x/*\" } # why\n",
        "a: ^(main|develop)$\nb: feature/.*\nc: 'it''s'\n"
            .split("c:")
            .next()
            .unwrap(),
        "a: x#y\nb: http://example.org\nc: 2027-01-31\nd: true\ne: ~\n",
        "a:   b   \n",
    ] {
        assert!(is_read(text), "{text}");
    }
}

#[test]
fn what_is_not_is_given_up() {
    for text in [
        "a",
        "- a",
        " a: b",
        "a:",
        "a:\nb: c",
        "a: b\n c",
        "a: b\n  c: d",
        "a:\n  b: c\n d: e",
        "a: |\n  b",
        "a: &b c",
        "a: *b",
        "a: !b c",
        "? a\n: b",
        "---\na: b",
        "a: b\n---\nc: d",
        "a: b\n...",
        "a: 'it''s'",
        "a: \"\\t\"",
        "a: \"b",
        "a: [b",
        "a: [b\n]",
        "a: [b,]",
        "a: []",
        "a: {b}",
        "a: [b: c]",
        "a: b: c",
        "a: b:",
        "a: \"b\"c",
        "a: [b] c",
        "a: -",
        "a: - b",
        "- - a",
        "a:\tb",
        "a: b\r\n",
        "a: é",
        "a:\n  - b\n c: d",
        "a:\n  -\n",
        "a: {b: c]",
        "'a': b",
        "<<: b",
        "a: [b#c]",
        "a: [\"b\": c]",
        "a: @b",
        "a: b\n- c",
        "a:\n- b\n  c",
        "[a]: b",
        "a: [b]: c",
        "a: [b:]",
        "a: [b -]",
        "a: [b - , c]",
        "a: {b: c -}",
        "a: {b:c}",
        "a : b",
        "%YAML 1.2\n---\na: b",
    ] {
        assert!(!is_read(text), "{text:?}");
    }
}

/// Parts of lines that meet in all ways.
const PARTS: [&str; 39] = [
    " -",
    "a: ",
    "b:",
    "a",
    "- ",
    "-",
    " ",
    "  ",
    "    ",
    "\n",
    "\n",
    "\n  ",
    "\n- ",
    "\n  - ",
    "\na: ",
    "\n  a: ",
    "\nb:\n",
    "[",
    "]",
    "{",
    "}",
    ", ",
    ",",
    ":",
    "#",
    " # c",
    "'",
    "\"",
    "main",
    "^(x|y)$",
    "ws:a:b",
    "1",
    "true",
    "...",
    "---",
    "*",
    "\\",
    "~",
    "\n    c: ",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20_000) })]

    #[test]
    fn any_text_is_read_alike_or_given_up(parts in vec(select(&PARTS[..]), 1..14)) {
        is_read(&parts.concat());
        is_read(&format!("a: b\n{}", parts.concat()));
    }

    #[test]
    fn a_policy_is_read_alike_or_given_up(
        slips in vec((any::<Index>(), select(&PARTS[..]), 0_usize..3), 0..4),
    ) {
        let mut text = "version: 1\npermissions:\n  - name: 'a b' # why\n    permission: [ws:a:b, ws:c:d]\n\n    branch: ^x.*$\n    claims:\n      k: v\nrepositories:\n- repository: { glob: \"o/*\" }\n  permissions:\n  - permission: ws:a:b\n    events: [push]\n".to_owned();
        for (at, part, length) in slips {
            let at = at.index(text.len());
            let end = (at + length).min(text.len());
            text.replace_range(at..end, part);
        }
        is_read(&text);
    }
}
