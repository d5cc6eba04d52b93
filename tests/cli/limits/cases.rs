//! One policy and one command each.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ::engine::policy::{MAX_FILE, MAX_RULES};

use super::texts::{HEAD, branches, failing, filled, json_rules, largest, rule, rules};
use crate::support::directory::Directory;
use crate::support::memory::measure;

/// A policy, a command, and what comes of it.
pub struct Case {
    pub name: &'static str,
    file: &'static str,
    text: String,
    /// Other files, by name.
    beside: Vec<(&'static str, String)>,
    arguments: Vec<String>,
    code: i32,
    /// A part of what it prints.
    pub says: &'static str,
    /// What it may take at most.
    megabytes: u64,
    /// Whether it takes the unoptimised program more than a second.
    pub is_heavy: bool,
}

impl Case {
    /// `check` of the permission `a:b` on the branch `main`.
    fn check(name: &'static str, file: &'static str, text: String) -> Self {
        Self::new(
            name,
            file,
            text,
            "check --permission a:b --branch main --policy",
        )
    }

    fn lint(name: &'static str, file: &'static str, text: String) -> Self {
        Self::new(name, file, text, "lint")
    }

    fn new(name: &'static str, file: &'static str, text: String, command: &str) -> Self {
        let arguments = command.split(' ').chain([file]).map(str::to_owned);
        Self {
            name,
            file,
            text,
            beside: Vec::new(),
            arguments: arguments.collect(),
            code: 0,
            says: "",
            megabytes: 64,
            is_heavy: false,
        }
    }

    fn with(mut self, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    fn beside(mut self, name: &'static str, text: String) -> Self {
        self.beside.push((name, text));
        self
    }

    fn gives(mut self, code: i32, says: &'static str) -> Self {
        (self.code, self.says) = (code, says);
        self
    }

    fn within(mut self, megabytes: u64) -> Self {
        self.megabytes = megabytes;
        self
    }

    fn heavy(mut self) -> Self {
        self.is_heavy = true;
        self
    }

    /// The command's name.
    pub fn command(&self) -> &str {
        &self.arguments[0]
    }

    /// Runs it: the time, and the peak memory in kilobytes.
    pub fn run(&self, binary: &Path) -> (Duration, u64) {
        let directory = Directory::new();
        let files = self.beside.iter().map(|(name, text)| (*name, text));
        for (name, text) in files.chain([(self.file, &self.text)]) {
            directory.write(name, text);
        }
        let mut command = Command::new(binary);
        command
            .args(&self.arguments)
            .current_dir(&directory.0)
            .env_clear();
        let measured = measure(&mut command);
        let printed = [measured.output.stdout, measured.output.stderr].concat();
        let printed = String::from_utf8(printed).unwrap();
        let start: String = printed.chars().take(4_000).collect();
        let name = self.name;
        assert_eq!(
            measured.output.status.code(),
            Some(self.code),
            "{name}: {start}"
        );
        assert!(printed.contains(self.says), "{name}: {start}");
        let megabytes = measured.kilobytes / 1024;
        assert!(
            megabytes <= self.megabytes,
            "{name}: {megabytes} MB, expected at most {}",
            self.megabytes
        );
        (measured.time, measured.kilobytes)
    }
}

pub fn cases() -> Vec<Case> {
    let nested = |count: usize| {
        let (open, close) = ("[".repeat(count), "]".repeat(count));
        format!("{HEAD}- {open}{close}\n")
    };
    let json_nested = |count: usize| {
        let (open, close) = ("[".repeat(count), "]".repeat(count));
        format!(r#"{{"version":1,"permissions":[{open}{close}]}}"#)
    };
    let long_claims = |length: usize| {
        filled(
            r#"{"ref": "refs/heads/main", "sub": ""#,
            "é",
            r#""}"#,
            length,
        )
    };
    let fifty = (0..50).map(|number| format!("a:b{number}"));
    let mut many = "version: 1\npermissions:\n".to_owned();
    many += &"- permission: 1\n  branch: [{}, 1]\n  nonsense: 1\n".repeat(50_000);
    let mut cases = vec![
        Case::check("the largest policy", "largest.yml", largest())
            .with([
                "--repository",
                "acme-org/service-7",
                "--claim",
                "repository_id=8",
                "--permission",
                "ws:deployments:create",
            ])
            .gives(1, "permission_not_granted")
            .within(400)
            .heavy(),
        Case::lint("the largest policy", "largest.yml", largest())
            .gives(0, "0 errors")
            .within(600)
            .heavy(),
        Case::check("a byte more", "larger.yml", largest() + " ")
            .gives(2, "larger than 10485760 bytes, which is the limit"),
        Case::check("200,000 rules", "rules.yml", rules(MAX_RULES))
            .gives(1, "no_rule_matches")
            .within(1_000)
            .heavy(),
        Case::check(
            "200,000 rules in one line of JSON",
            "rules.json",
            json_rules(MAX_RULES),
        )
        .gives(1, "no_rule_matches")
        .within(1_000)
        .heavy(),
        Case::check("200,000 rules, as JSON", "rules.yml", rules(MAX_RULES))
            .with(["--format", "json"])
            .gives(1, "no_rule_matches")
            .within(1_500)
            .heavy(),
        Case::check("200,001 rules", "more-rules.yml", rules(MAX_RULES + 1))
            .gives(2, "more than 200000 rules, which is the limit")
            .within(400)
            .heavy(),
        Case::check(
            "200,001 rules in JSON",
            "more-rules.json",
            json_rules(MAX_RULES + 1),
        )
        .gives(2, "more than 200000 rules, which is the limit")
        .within(400)
        .heavy(),
        Case::check("nested 16 deep", "nested.yml", nested(14))
            .gives(2, "a rule is a list, expected a mapping"),
        Case::check("nested 17 deep", "deeper.yml", nested(15))
            .gives(2, "nested deeper than 16 levels, which is the limit"),
        Case::check("nested 17 deep in JSON", "deeper.json", json_nested(15))
            .gives(2, "nested deeper than 16 levels, which is the limit"),
        Case::check("10 MB of brackets", "brackets.yml", nested(5_000_000))
            .gives(2, "nested deeper than 16 levels, which is the limit"),
        Case::check(
            "10 MB of brackets in JSON",
            "brackets.json",
            json_nested(5_000_000),
        )
        .gives(2, "nested deeper than 16 levels, which is the limit"),
        Case::check(
            "the longest pattern",
            "longest.yml",
            rule("branch", &"b".repeat(1024)),
        )
        .gives(1, "no_rule_matches"),
        Case::check(
            "a longer pattern",
            "longer.yml",
            rule("branch", &"b".repeat(1025)),
        )
        .gives(2, "the pattern has 1025 bytes, the limit is 1024"),
        Case::check(
            "a pattern too large when compiled",
            "compiled.yml",
            rule("branch", r"'\d{1000}{1000}'"),
        )
        .gives(2, "is larger than 1048576 bytes when compiled"),
        Case::check(
            "one scalar of 10 MB",
            "scalar.yml",
            filled(
                &format!("{HEAD}- permission: a:b\n  branch: "),
                "x",
                "",
                MAX_FILE - 1,
            ),
        )
        .gives(2, "bytes, the limit is 1024")
        .within(128)
        .heavy(),
        Case::check(
            "a key of 10 MB",
            "key.yml",
            filled(HEAD, "x", ": 1\n", MAX_FILE),
        )
        .gives(2, "policy_invalid")
        .within(128)
        .heavy(),
        Case::check(
            "a key of 10 MB in JSON",
            "key.json",
            filled("{\"version\":1,\"", "x", "\":1}", MAX_FILE),
        )
        .gives(2, "unknown key")
        .within(128),
        Case::check(
            "a comment of 10 MB",
            "comment.yml",
            filled("version: 1\n#", "x", "\n", MAX_FILE),
        )
        .gives(1, "repository_not_found")
        .within(128),
        Case::check(
            "10 MB of empty lines",
            "lines.yml",
            filled("version: 1\n", "\n", "x", MAX_FILE),
        )
        .gives(2, "policy_invalid")
        .within(160)
        .heavy(),
        Case::check("150,000 problems", "problems.yml", many.clone())
            .gives(2, "policy_invalid")
            .within(128),
        Case::lint("150,000 problems", "problems.yml", many)
            .gives(1, "51 errors")
            .within(256),
        Case::check(
            "a list of 100,000 literals",
            "literals.yml",
            branches((0..100_000).map(|n| format!("b{n}"))),
        )
        .gives(1, "no_rule_matches")
        .within(256)
        .heavy(),
        Case::check(
            "a list of 10,000 regexes",
            "regexes.yml",
            branches((0..10_000).map(|n| format!("b{n}.*"))),
        )
        .gives(1, "no_rule_matches")
        .within(128)
        .heavy(),
        Case::check("claims of 1 MiB", "small.yml", rule("branch", "main"))
            .beside("claims.json", long_claims(1 << 20))
            .with(["--claims", "claims.json"])
            .gives(0, "granted"),
        Case::check(
            "claims of 1 MiB against a slow regex",
            "slow.yml",
            rule("claims", r"{ sub: '(a+)+$' }"),
        )
        .beside(
            "a.json",
            filled(
                r#"{"ref": "refs/heads/main", "sub": ""#,
                "a",
                r#"!"}"#,
                1 << 20,
            ),
        )
        .with(["--claims", "a.json"])
        .gives(1, "no_rule_matches"),
        Case::check("a payload of 10 MB", "small.yml", rule("branch", "main"))
            .beside("claims.json", long_claims(1_000))
            .beside(
                "payload.json",
                filled(r#"{"commits": [""#, "é", r#""]}"#, MAX_FILE),
            )
            .with(["--claims", "claims.json", "--payload", "payload.json"])
            .gives(0, "granted")
            .within(128),
        Case::new(
            "5,000 rules and 2,000 cases that do not hold",
            "failing.tests.yml",
            failing(2_000),
            "test",
        )
        .beside("policy.yml", rules(5_000))
        .gives(1, "1,950 more failed cases, not explained here")
        .heavy(),
        Case::check("50 permissions of 4,000 rules", "fifty.yml", {
            let keys: Vec<_> = fifty.clone().collect();
            let one = format!("- permission: [{}]\n  branch: b\n", keys.join(", "));
            HEAD.to_owned() + &one.repeat(4_000)
        })
        .with(["--permission"])
        .with(fifty)
        .gives(1, "permission_not_granted")
        .within(1_000)
        .heavy(),
    ];
    cases.extend(repeated());
    cases
}

/// 10 MiB of what a parser may be slow at, or keep.
fn repeated() -> impl Iterator<Item = Case> {
    [
        ("10 MB of a list in brackets", "x: [", "a,"),
        ("10 MB of members in braces", "x: {", "a: b,"),
        ("10 MB of lists in a list", "x: [", "[],"),
        ("10 MB of pairs in a list", "x: [", "a: b,"),
        ("10 MB of keys in quotes", "x: [", "\"a\": 1,"),
        ("10 MB of dashes", "x: ", "- "),
        ("10 MB of question marks", "", "? "),
        ("10 MB of colons", "x: ", ": "),
        ("10 MB of anchors", "x:\n", "- &a b\n"),
        ("10 MB of aliases", "x:\n- &a b\n", "- *a\n"),
        ("10 MB of an anchor's name", "x: &", "a"),
        ("10 MB of tags", "x:\n", "- !a b\n"),
        ("10 MB of a tag's name", "x: !", "a"),
        ("10 MB of single quotes", "x: '", "''"),
        ("10 MB of escapes", "x: \"", "\\u0041"),
        ("10 MB of halves of characters", "x: \"", "\\ud800"),
        ("10 MB of folded lines", "x: \"", "a\n  "),
        ("10 MB of lines of a block", "x: |\n", "  a\n"),
        ("10 MB of empty lines of a block", "x: >\n", "\n"),
        ("10 MB of plain lines", "x: a", "\n  a"),
        ("10 MB of comments", "", "# a\n"),
        ("10 MB of comments in brackets", "x: [", "# a\n"),
        ("10 MB of tabs", "x:", "\t"),
        ("10 MB of carriage returns", "x: y # ", "\r"),
        ("10 MB of line separators", "x: y # ", "\u{2028}"),
        ("10 MB of joiners", "x: y # ", "\u{200d}"),
        ("10 MB of joiners in a key", "? ", "\u{200d}"),
        ("10 MB of documents", "", "---\n"),
        ("10 MB of directives", "", "%YAML 1.2\n"),
    ]
    .map(|(name, head, part)| {
        Case::check(name, "repeated.yml", filled(head, part, "\n", MAX_FILE))
            .gives(2, "policy_invalid")
            .within(128)
            .heavy()
    })
    .into_iter()
}
