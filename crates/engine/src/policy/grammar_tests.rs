use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::super::position::Position;
use super::*;
use crate::policy::{CaseSensitivity, Format, MAX_FILE, MAX_NESTING};

/// Number of problems after which the reader stops.
const MAX_PROBLEMS: usize = 50;

/// Prints the first problem and the number of further ones.
fn yaml(text: &str) -> String {
    Policy::parse(text, Format::Yaml).unwrap_err().to_string()
}

fn json(text: &str) -> String {
    Policy::parse(text, Format::Json).unwrap_err().to_string()
}

/// Returns a policy with one rule, whose line 4 is `line`.
fn rule(line: &str) -> String {
    yaml(&format!(
        "version: 1\npermissions:\n  - permission: a:b\n    {line}\n"
    ))
}

/// Returns a policy with one entry, whose line 4 is `line`.
fn entry(line: &str) -> String {
    yaml(&format!(
        "version: 1\nrepositories:\n  - permissions: []\n    {line}\n"
    ))
}

/// Example of the documentation.
const EXAMPLE: &str = "\
version: 1                      # required
workspace: acme                 # optional label
permissions:
  - permission: ws:affected_stacks:create
    branch: \"^(main|develop|feature/.*)$\"
repositories:
  - repository: acme-org/infra
    repository_id: 123456789
    owner_id: 4567
    permissions:
      - name: production deploys
        permission: ws:deployments:create
        workflow: deploy-production.yml
        branch: main
        environment: production
        events: [push, workflow_dispatch]
        claims:
          runner_environment: github-hosted
        expires: 2027-01-31
  - repository: { glob: \"acme-org/service-*\" }
    permissions:
      - permission: [Locks Create, locks delete]
        branch:
          - main
          - { glob: \"release/**\" }
          - exact: a*b
          - regex: v1
";

#[test]
fn unknown_keys() {
    insta::assert_snapshot!(yaml("version: 1\npermission: []\n"), @"line 2, column 1: unknown key `permission` in the policy (did you mean `permissions`?)");
    insta::assert_snapshot!(yaml("version: 1\nrules: []\n"), @"line 2, column 1: unknown key `rules` in the policy (known keys: `version`, `workspace`, `permissions`, `repositories`)");
    insta::assert_snapshot!(rule("enviroment: production"), @"line 4, column 5: unknown key `enviroment` in a rule (did you mean `environment`?)");
    insta::assert_snapshot!(rule("Branch: main"), @"line 4, column 5: unknown key `Branch` in a rule (did you mean `branch`?)");
    insta::assert_snapshot!(rule("branches: [main]"), @"line 4, column 5: unknown key `branches` in a rule (did you mean `branch`?)");
    insta::assert_snapshot!(rule("actor: octocat"), @"line 4, column 5: unknown key `actor` in a rule (known keys: `name`, `permission`, `workflow`, `branch`, `base`, `environment`, `events`, `claims`, `expires`)");
    insta::assert_snapshot!(rule("branch: { globb: main }"), @"line 4, column 15: unknown key `globb` in `branch` (did you mean `glob`?)");
    insta::assert_snapshot!(rule("branch: { glob: main, case: false }"), @"line 4, column 27: unknown key `case` in `branch` (known keys: `exact`, `glob`, `regex`)");
    insta::assert_snapshot!(entry("repo: acme-org/infra"), @"line 4, column 5: unknown key `repo` in an entry of `repositories` (known keys: `repository`, `repository_id`, `owner_id`, `delegate`, `permissions`)");
    insta::assert_snapshot!(entry("repository-id: 1"), @"line 4, column 5: unknown key `repository-id` in an entry of `repositories` (did you mean `repository_id`?)");
    // The value of an unknown key is parsed, but not used.
    insta::assert_snapshot!(rule("deny: { branch: *main }"), @r#"line 4, column 21: not valid YAML: an invalid alias or anchor (a value that starts with `*` or `&` needs quotes: `"*"`)"#);
}

#[test]
fn duplicate_keys() {
    insta::assert_snapshot!(yaml("version: 1\nversion: 1\n"), @"line 2, column 1: duplicate key `version`, first at line 1");
    insta::assert_snapshot!(yaml("version: 1\npermissions: []\nworkspace: x\npermissions: []\n"), @"line 4, column 1: duplicate key `permissions`, first at line 2");
    insta::assert_snapshot!(rule("permission: c:d"), @"line 4, column 5: duplicate key `permission`, first at line 3");
    insta::assert_snapshot!(rule("\"permission\": c:d"), @"line 4, column 5: duplicate key `permission`, first at line 3");
    insta::assert_snapshot!(rule("claims: { sha: a, sha: b }"), @"line 4, column 23: duplicate key `sha`, first at line 4");
    insta::assert_snapshot!(rule("branch: { glob: a, glob: b }"), @"line 4, column 24: duplicate key `glob`, first at line 4");
    insta::assert_snapshot!(entry("permissions: []"), @"line 4, column 5: duplicate key `permissions`, first at line 3");
}

#[test]
fn keys_without_a_value() {
    insta::assert_snapshot!(rule("branch:"), @"line 4, column 5: `branch` has no value (give it a value or remove the key)");
    insta::assert_snapshot!(rule("branch: null"), @"line 4, column 5: `branch` has no value (give it a value or remove the key)");
    insta::assert_snapshot!(rule("branch: ~"), @"line 4, column 5: `branch` has no value (give it a value or remove the key)");
    insta::assert_snapshot!(rule("branch: # main"), @"line 4, column 5: `branch` has no value (give it a value or remove the key)");
    insta::assert_snapshot!(rule("branch: [main, ~]"), @"line 4, column 20: an element of `branch` has no value, expected a string");
    insta::assert_snapshot!(rule("branch:\n      -"), @"line 5, column 8: an element of `branch` has no value, expected a string");
    insta::assert_snapshot!(rule("branch: { glob: }"), @"line 4, column 15: `glob` has no value (give it a value or remove the key)");
    insta::assert_snapshot!(rule("claims: { sha: }"), @"line 4, column 15: `sha` has no value (give it a value or remove the key)");
    insta::assert_snapshot!(rule("events: [~]"), @"line 4, column 14: an event has no value, expected a string");
    insta::assert_snapshot!(yaml("version:\n"), @"line 1, column 1: `version` has no value (give it a value or remove the key)");
    insta::assert_snapshot!(yaml("version: 1\npermissions:\n"), @"line 2, column 1: `permissions` has no value (give it a value or remove the key)");
    insta::assert_snapshot!(yaml("version: 1\npermissions:\n  -\n"), @"line 3, column 4: a rule is empty, expected a mapping (write its keys: `name`, `permission`, `workflow`, `branch`, `base`, `environment`, `events`, `claims`, `expires`)");
    insta::assert_snapshot!(yaml("version: 1\nrepositories:\n"), @"line 2, column 1: `repositories` has no value (give it a value or remove the key)");
    insta::assert_snapshot!(entry("repository:"), @"line 4, column 5: `repository` has no value (give it a value or remove the key)");
}

#[test]
fn yaml_beyond_plain_data() {
    insta::assert_snapshot!(rule("branch: &main main"), @"line 4, column 13: anchors (`&name`) are not allowed in a policy (write the value out)");
    insta::assert_snapshot!(yaml("version: 1\npermissions: &rules []\n"), @"line 2, column 14: anchors (`&name`) are not allowed in a policy (write the value out)");
    insta::assert_snapshot!(yaml("&policy version: 1\n"), @"line 1, column 1: anchors (`&name`) are not allowed in a policy (write the value out)");
    insta::assert_snapshot!(rule("branch: *main"), @r#"line 4, column 13: not valid YAML: an invalid alias or anchor (a value that starts with `*` or `&` needs quotes: `"*"`)"#);
    insta::assert_snapshot!(rule("branch: *"), @r#"line 4, column 13: not valid YAML: an invalid alias or anchor (a value that starts with `*` or `&` needs quotes: `"*"`)"#);
    insta::assert_snapshot!(rule("branch: **"), @r#"line 4, column 13: not valid YAML: an invalid alias or anchor (a value that starts with `*` or `&` needs quotes: `"*"`)"#);
    insta::assert_snapshot!(rule("branch: [*]"), @r#"line 4, column 14: not valid YAML: an invalid alias or anchor (a value that starts with `*` or `&` needs quotes: `"*"`)"#);
    insta::assert_snapshot!(rule("workflow: *.yml"), @r#"line 4, column 15: not valid YAML: an invalid alias or anchor (a value that starts with `*` or `&` needs quotes: `"*"`)"#);
    insta::assert_snapshot!(rule("branch: &"), @r#"line 4, column 13: not valid YAML: an invalid alias or anchor (a value that starts with `*` or `&` needs quotes: `"*"`)"#);
    insta::assert_snapshot!(rule("<<: { branch: main }"), @"line 4, column 5: merge keys (`<<`) are not allowed in a policy (write the values out)");
    insta::assert_snapshot!(rule("\"<<\": { branch: main }"), @"line 4, column 5: merge keys (`<<`) are not allowed in a policy (write the values out)");
    insta::assert_snapshot!(rule("branch: !!str main"), @"line 4, column 13: tags (`!name`) are not allowed in a policy (write the value out)");
    insta::assert_snapshot!(rule("branch: !regex main"), @"line 4, column 13: tags (`!name`) are not allowed in a policy (write the value out)");
    insta::assert_snapshot!(rule("branch: ! main"), @"line 4, column 13: tags (`!name`) are not allowed in a policy (write the value out)");
    insta::assert_snapshot!(yaml("!policy\nversion: 1\n"), @"line 1, column 1: tags (`!name`) are not allowed in a policy (write the value out)");
    insta::assert_snapshot!(yaml("version: 1\n---\nversion: 1\n"), @"line 2, column 1: a second document starts here, but a policy is one document (remove the `---`)");
    insta::assert_snapshot!(yaml("version: 1\npermissions: []\n...\nversion: 1\n"), @"line 4, column 1: a second document starts here, but a policy is one document (remove the `...`)");
    insta::assert_snapshot!(yaml("---\nversion: 1\n---\n"), @"line 3, column 1: a second document starts here, but a policy is one document (remove the `---`)");
    insta::assert_snapshot!(rule("? [a, b]\n    : main"), @"line 4, column 7: a key must be a string (a value that starts with `{` needs quotes)");
    insta::assert_snapshot!(rule("? { a: b }\n    : main"), @"line 4, column 7: a key must be a string (a value that starts with `{` needs quotes)");
    insta::assert_snapshot!(rule("1: main"), @r#"line 4, column 5: the key `1` is an integer, expected a string (write it in quotes: `"1"`)"#);
    insta::assert_snapshot!(rule("true: main"), @r#"line 4, column 5: the key `true` is a boolean, expected a string (write it in quotes: `"true"`)"#);
    insta::assert_snapshot!(rule("~: main"), @"line 4, column 5: the key `~` is null, expected a string");
    insta::assert_snapshot!(rule(": main"), @"line 4, column 5: a key is empty, expected a string");
}

#[test]
fn yaml_syntax() {
    insta::assert_snapshot!(rule("\tbranch: main"), @"line 3, column 17: not valid YAML: a tab where spaces are needed (indent with spaces instead of tabs)");
    insta::assert_snapshot!(yaml("version: 1\npermissions:\n\t- permission: a:b\n"), @"line 3, column 2: not valid YAML: a tab where spaces are needed (indent with spaces instead of tabs)");
    insta::assert_snapshot!(rule("branch: \"\\d+\""), @"line 4, column 13: not valid YAML: an invalid escape in double quotes (in double quotes, a backslash starts an escape: use single quotes for a regex)");
    insta::assert_snapshot!(rule("branch: \"é\\ud83e\\udd80\""), @"line 4, column 15: not valid YAML: an invalid escape in double quotes (in double quotes, a backslash starts an escape: use single quotes for a regex)");
    insta::assert_snapshot!(rule("branch: \"\\\\ud83e\\ud83e\""), @"line 4, column 13: not valid YAML: an invalid escape in double quotes (in double quotes, a backslash starts an escape: use single quotes for a regex)");
    insta::assert_snapshot!(rule("branch: \"main"), @"line 4, column 13: not valid YAML: an unclosed quote (add the closing quote)");
    insta::assert_snapshot!(rule("branch: [main"), @"line 4, column 13: not valid YAML: an unclosed bracket, or a missing comma (a pattern with brackets needs quotes)");
    insta::assert_snapshot!(yaml("version: 1\nworkspace: |\n  acme"), @"line 3, column 3: YAML parsers disagree on whether this text ends with a line feed (end the last line of the file with one)");
    insta::assert_snapshot!(yaml("version: 1\nworkspace: >+ # x\n  acme\n  "), @"line 3, column 3: YAML parsers disagree on whether this text ends with a line feed (end the last line of the file with one)");
    insta::assert_snapshot!(rule("branch: [main]]"), @"line 4, column 19: not valid YAML: an unmatched closing bracket (a pattern with brackets needs quotes)");
    insta::assert_snapshot!(rule("branch: {main"), @"line 4, column 13: not valid YAML: an unclosed bracket, or a missing comma (a pattern with brackets needs quotes)");
    insta::assert_snapshot!(rule("branch: a: b"), @"line 4, column 14: not valid YAML: a `:` where a key is not allowed (a value that contains `: ` needs quotes; a key needs the same indentation as the keys beside it)");
    insta::assert_snapshot!(rule("branch: [a-z]+"), @"line 4, column 18: not valid YAML: text after a closing bracket (a pattern that starts with `[` or `{` needs quotes)");
    insta::assert_snapshot!(rule("branch: @main"), @"line 4, column 13: not valid YAML: a value that starts with `@` (put the value in quotes)");
    insta::assert_snapshot!(rule("branch: `main`"), @"line 4, column 13: not valid YAML: a value that starts with `` ` `` (put the value in quotes)");
    insta::assert_snapshot!(rule("branch: %main"), @"line 4, column 13: not valid YAML: a value that starts with `%` (put the value in quotes)");
    insta::assert_snapshot!(rule("branch main"), @"line 4, column 5: not valid YAML: a key without a value (write `KEY: VALUE`)");
    insta::assert_snapshot!(rule("  branch: main"), @"line 3, column 17: `a:b branch` is not a permission key (write lower-case words joined by `:`, such as `ws:deployments:create`); and 1 more problem");
    insta::assert_snapshot!(yaml("version: 1\npermissions:\n  - permission: a:b\n   branch: main\n"), @"line 4, column 4: not valid YAML: a line whose indentation differs from the lines beside it (give the keys of a mapping, and the items of a list, the same indentation)");
    // The YAML parser would stop there and miss the second key.
    insta::assert_snapshot!(yaml("version: 1\nworkspace: é\u{0}\nversion: 1\n"), @r"line 2, column 13: the policy contains the character `\u0000`, which is not printable (remove it, or write it as `\u0000` in double quotes)");
    insta::assert_snapshot!(json("{\"version\": 1}\u{0}"), @r"line 1, column 15: the policy contains the character `\u0000`, which is not printable (remove it, or write it as `\u0000` in double quotes)");
}

#[test]
fn empty_documents() {
    for text in ["", "\n", "# only a comment\n", "\u{feff}", " \n \n"] {
        assert_eq!(yaml(text), yaml(""), "{text:?}");
    }
    insta::assert_snapshot!(yaml(""), @"line 1, column 1: the policy is empty (start with `version: 1`, and `permissions:` or `repositories:`)");
    insta::assert_snapshot!(yaml("---\n"), @"line 1, column 4: the policy is empty, expected a mapping (start with `version: 1`, and `permissions:` or `repositories:`)");
    insta::assert_snapshot!(yaml("main\n"), @"line 1, column 1: the policy is a string (`main`), expected a mapping (start with `version: 1`, and `permissions:` or `repositories:`)");
    insta::assert_snapshot!(yaml("- version: 1\n"), @"line 1, column 1: the policy is a list, expected a mapping (start with `version: 1`, and `permissions:` or `repositories:`)");
    insta::assert_snapshot!(yaml("1\n"), @"line 1, column 1: the policy is an integer (`1`), expected a mapping (start with `version: 1`, and `permissions:` or `repositories:`)");
    insta::assert_snapshot!(yaml("~\n"), @"line 1, column 1: the policy is empty, expected a mapping (start with `version: 1`, and `permissions:` or `repositories:`)");
    insta::assert_snapshot!(yaml("{}\n"), @"line 1, column 1: `version` is missing (add `version: 1`)");
    insta::assert_snapshot!(yaml("<!DOCTYPE html>\n<p>404</p>\n"), @"line 1, column 1: the policy is a string (`<!DOCTYPE html> <p>404</p>`), expected a mapping (start with `version: 1`, and `permissions:` or `repositories:`)");
    insta::assert_snapshot!(json(""), @"line 1, column 1: not valid JSON: EOF while parsing a value (a JSON policy starts with `{`; a YAML file needs a name that ends with `.yml`)");
    insta::assert_snapshot!(json("null"), @"line 1, column 1: the policy is empty, expected a mapping (start with `version: 1`, and `permissions:` or `repositories:`)");
    insta::assert_snapshot!(json("[]"), @"line 1, column 1: the policy is a list, expected a mapping (start with `version: 1`, and `permissions:` or `repositories:`)");
    insta::assert_snapshot!(json("{}"), @"line 1, column 1: `version` is missing (add `version: 1`)");
    insta::assert_snapshot!(json("version: 1\n"), @"line 1, column 1: not valid JSON: expected value (a JSON policy starts with `{`; a YAML file needs a name that ends with `.yml`)");
}

#[test]
fn missing_keys() {
    insta::assert_snapshot!(yaml("permissions: []\n"), @"line 1, column 1: `version` is missing (add `version: 1`)");
    insta::assert_snapshot!(yaml("# a\n\nworkspace: x\n"), @"line 3, column 1: `version` is missing (add `version: 1`)");
    insta::assert_snapshot!(yaml("version: 1\npermissions:\n  - branch: main\n"), @"line 3, column 5: `permission` is missing (add `permission: ws:deployments:create`)");
    insta::assert_snapshot!(yaml("version: 1\npermissions:\n  - {}\n"), @"line 3, column 5: `permission` is missing (add `permission: ws:deployments:create`)");
    insta::assert_snapshot!(yaml("version: 1\nrepositories:\n  - repository: a/b\n"), @"line 3, column 5: `permissions` is missing (add `permissions: []`)");
    insta::assert_snapshot!(entry("repository_id: 1"), @"line 3, column 5: `repository` is missing (add `repository: OWNER/NAME`)");
}

#[test]
fn versions() {
    insta::assert_snapshot!(yaml("version: 2\n"), @"line 1, column 10: `version` is `2`, expected 1 (write `version: 1`, or use a later release)");
    insta::assert_snapshot!(yaml("version: \"1\"\n"), @"line 1, column 10: `version` is a string (`1`), expected an integer (write `version: 1`)");
    insta::assert_snapshot!(yaml("version: '1'\n"), @"line 1, column 10: `version` is a string (`1`), expected an integer (write `version: 1`)");
    insta::assert_snapshot!(yaml("version: 1.0\n"), @"line 1, column 10: `version` is a number (`1.0`), expected an integer (write `version: 1`)");
    insta::assert_snapshot!(yaml("version: v1\n"), @"line 1, column 10: `version` is a string (`v1`), expected an integer (write `version: 1`)");
    insta::assert_snapshot!(yaml("version: true\n"), @"line 1, column 10: `version` is a boolean (`true`), expected an integer (write `version: 1`)");
    insta::assert_snapshot!(yaml("version: [1]\n"), @"line 1, column 10: `version` is a list, expected an integer (write `version: 1`)");
    insta::assert_snapshot!(yaml("version: -1\n"), @"line 1, column 10: `version` is `-1`, expected 1 (write `version: 1`, or use a later release)");
    insta::assert_snapshot!(yaml("version: 0x1\n"), @"line 1, column 10: `version` is a number (`0x1`), expected an integer (write `version: 1`)");
}

#[test]
fn wrong_types() {
    insta::assert_snapshot!(yaml("version: 1\nworkspace: 5\n"), @r#"line 2, column 12: `workspace` is an integer (`5`), expected a string (write it in quotes: `"5"`)"#);
    insta::assert_snapshot!(yaml("version: 1\nworkspace: [acme]\n"), @"line 2, column 12: `workspace` is a list, expected a string");
    insta::assert_snapshot!(yaml("version: 1\npermissions: a:b\n"), @"line 2, column 14: `permissions` is a string (`a:b`), expected a list (start each item with `- `; an empty list is `[]`)");
    insta::assert_snapshot!(yaml("version: 1\npermissions: { permission: a:b }\n"), @"line 2, column 14: `permissions` is a mapping, expected a list (start each item with `- `; an empty list is `[]`)");
    insta::assert_snapshot!(yaml("version: 1\npermissions: [a:b]\n"), @"line 2, column 15: a rule is a string (`a:b`), expected a mapping (write its keys: `name`, `permission`, `workflow`, `branch`, `base`, `environment`, `events`, `claims`, `expires`)");
    insta::assert_snapshot!(yaml("version: 1\npermissions: [[]]\n"), @"line 2, column 15: a rule is a list, expected a mapping (write its keys: `name`, `permission`, `workflow`, `branch`, `base`, `environment`, `events`, `claims`, `expires`)");
    insta::assert_snapshot!(yaml("version: 1\npermissions: 7\n"), @"line 2, column 14: `permissions` is an integer (`7`), expected a list (start each item with `- `; an empty list is `[]`)");
    insta::assert_snapshot!(yaml("version: 1\nrepositories: { acme-org/infra: [] }\n"), @"line 2, column 15: `repositories` is a mapping, expected a list (start each item with `- `; an empty list is `[]`)");
    insta::assert_snapshot!(yaml("version: 1\nrepositories: [acme-org/infra]\n"), @"line 2, column 16: an entry of `repositories` is a string (`acme-org/infra`), expected a mapping (write its keys: `repository`, `repository_id`, `owner_id`, `delegate`, `permissions`)");
    insta::assert_snapshot!(rule("name: 7"), @r#"line 4, column 11: `name` is an integer (`7`), expected a string (write it in quotes: `"7"`)"#);
    insta::assert_snapshot!(rule("name: [x]"), @"line 4, column 11: `name` is a list, expected a string");
    insta::assert_snapshot!(rule("name: { x: y }"), @"line 4, column 11: `name` is a mapping, expected a string");
    insta::assert_snapshot!(rule("branch: 1.0"), @r#"line 4, column 13: `branch` is a number (`1.0`), expected a string (write it in quotes: `"1.0"`)"#);
    insta::assert_snapshot!(rule("branch: 7"), @r#"line 4, column 13: `branch` is an integer (`7`), expected a string (write it in quotes: `"7"`)"#);
    insta::assert_snapshot!(rule("branch: on"), @r#"line 4, column 13: `branch` is a string to some parsers only (`on`), expected a string (write it in quotes: `"on"`)"#);
    insta::assert_snapshot!(rule("environment: No"), @r#"line 4, column 18: `environment` is a string to some parsers only (`No`), expected a string (write it in quotes: `"No"`)"#);
    insta::assert_snapshot!(rule("name: 1_000"), @r#"line 4, column 11: `name` is a string to some parsers only (`1_000`), expected a string (write it in quotes: `"1_000"`)"#);
    insta::assert_snapshot!(rule("branch: [2027-01-31]"), @r#"line 4, column 14: an element of `branch` is a string to some parsers only (`2027-01-31`), expected a string (write it in quotes: `"2027-01-31"`)"#);
    insta::assert_snapshot!(rule("claims: { on: x }"), @r#"line 4, column 15: the key `on` is a string to some parsers only, expected a string (write it in quotes: `"on"`)"#);
    insta::assert_snapshot!(rule("events: [off]"), @r#"line 4, column 14: an event is a string to some parsers only (`off`), expected a string (write it in quotes: `"off"`)"#);
    insta::assert_snapshot!(rule("branch: 0o17"), @r#"line 4, column 13: `branch` is a number (`0o17`), expected a string (write it in quotes: `"0o17"`)"#);
    insta::assert_snapshot!(rule("branch: true"), @r#"line 4, column 13: `branch` is a boolean (`true`), expected a string (write it in quotes: `"true"`)"#);
    insta::assert_snapshot!(rule("branch: [main, 7]"), @r#"line 4, column 20: an element of `branch` is an integer (`7`), expected a string (write it in quotes: `"7"`)"#);
    insta::assert_snapshot!(rule("branch: [[main]]"), @"line 4, column 14: an element of `branch` is a list, expected a string");
    insta::assert_snapshot!(rule("branch: { regex: 7 }"), @r#"line 4, column 22: `regex` is an integer (`7`), expected a string (write it in quotes: `"7"`)"#);
    insta::assert_snapshot!(rule("branch: { regex: [main] }"), @"line 4, column 22: `regex` is a list, expected a string");
    insta::assert_snapshot!(rule("branch: {}"), @"line 4, column 13: a pattern must have exactly one of `exact`, `glob`, `regex` (for several patterns, write a list)");
    insta::assert_snapshot!(rule("branch: { glob: a, regex: b }"), @"line 4, column 13: a pattern must have exactly one of `exact`, `glob`, `regex` (for several patterns, write a list)");
    insta::assert_snapshot!(rule("claims: main"), @"line 4, column 13: `claims` is a string (`main`), expected a mapping");
    insta::assert_snapshot!(rule("claims: [sha]"), @"line 4, column 13: `claims` is a list, expected a mapping");
    insta::assert_snapshot!(rule("claims: {}"), @"line 4, column 5: `claims` names no claim (leave out the key, or name a claim such as `runner_environment: github-hosted`)");
    insta::assert_snapshot!(rule("claims: { run_attempt: 1 }"), @r#"line 4, column 28: the claim `run_attempt` is an integer (`1`), expected a string (write it in quotes: `"1"`)"#);
    insta::assert_snapshot!(entry("repository: 7"), @r#"line 4, column 17: `repository` is an integer (`7`), expected a string (write it in quotes: `"7"`)"#);
    insta::assert_snapshot!(entry("repository: { name: a/b }"), @"line 4, column 19: unknown key `name` in `repository` (known keys: `exact`, `glob`, `regex`)");
}

#[test]
fn ids() {
    insta::assert_snapshot!(entry("repository_id: \"123\""), @"line 4, column 20: `repository_id` is a string (`123`), expected a positive integer (write it in decimal digits, without quotes, a sign, a leading zero or an underscore)");
    insta::assert_snapshot!(entry("repository_id: 0"), @"line 4, column 20: `repository_id` is `0`, expected a positive integer (write it in decimal digits, without quotes, a sign, a leading zero or an underscore)");
    insta::assert_snapshot!(entry("repository_id: -5"), @"line 4, column 20: `repository_id` is `-5`, expected a positive integer (write it in decimal digits, without quotes, a sign, a leading zero or an underscore)");
    insta::assert_snapshot!(entry("repository_id: 0123"), @"line 4, column 20: `repository_id` is `0123`, expected a positive integer (write it in decimal digits, without quotes, a sign, a leading zero or an underscore)");
    insta::assert_snapshot!(entry("repository_id: +123"), @"line 4, column 20: `repository_id` is `+123`, expected a positive integer (write it in decimal digits, without quotes, a sign, a leading zero or an underscore)");
    insta::assert_snapshot!(entry("repository_id: 0x1F"), @"line 4, column 20: `repository_id` is `0x1F`, expected a positive integer (write it in decimal digits, without quotes, a sign, a leading zero or an underscore)");
    insta::assert_snapshot!(entry("repository_id: 1e3"), @"line 4, column 20: `repository_id` is `1e3`, expected a positive integer (write it in decimal digits, without quotes, a sign, a leading zero or an underscore)");
    insta::assert_snapshot!(entry("repository_id: 1:20"), @"line 4, column 20: `repository_id` is `1:20`, expected a positive integer (write it in decimal digits, without quotes, a sign, a leading zero or an underscore)");
    insta::assert_snapshot!(entry("repository_id: ~"), @"line 4, column 5: `repository_id` has no value (give it a value or remove the key)");
    insta::assert_snapshot!(entry("repository_id: 1.5"), @"line 4, column 20: `repository_id` is `1.5`, expected a positive integer (write it in decimal digits, without quotes, a sign, a leading zero or an underscore)");
    insta::assert_snapshot!(entry("repository_id: 1_000"), @"line 4, column 20: `repository_id` is `1_000`, expected a positive integer (write it in decimal digits, without quotes, a sign, a leading zero or an underscore)");
    insta::assert_snapshot!(entry("repository_id: 99999999999999999999"), @"line 4, column 20: `repository_id` is `99999999999999999999`, which is larger than 18446744073709551615, the limit");
    insta::assert_snapshot!(entry("repository_id: [1]"), @"line 4, column 20: `repository_id` is a list, expected an integer");
    insta::assert_snapshot!(entry("owner_id: acme-org"), @"line 4, column 15: `owner_id` is a string (`acme-org`), expected a positive integer (write it in decimal digits, without quotes, a sign, a leading zero or an underscore)");
    insta::assert_snapshot!(entry("owner_id: false"), @"line 4, column 15: `owner_id` is `false`, expected a positive integer (write it in decimal digits, without quotes, a sign, a leading zero or an underscore)");
}

#[test]
fn permission_keys() {
    let key = |text: &str| {
        yaml(&format!(
            "version: 1\npermissions:\n  - permission: {text}\n"
        ))
    };
    insta::assert_snapshot!(key("ws:deployment:Create"), @"line 3, column 17: `ws:deployment:Create` is not a permission key (did you mean `ws:deployments:create`?)");
    insta::assert_snapshot!(key("Deployment Create"), @"line 3, column 17: `Deployment Create` is not a permission key (did you mean `ws:deployments:create`?)");
    insta::assert_snapshot!(key("WS:Deployments:Create"), @"line 3, column 17: `WS:Deployments:Create` is not a permission key (did you mean `ws:deployments:create`?)");
    insta::assert_snapshot!(key("deploy"), @"line 3, column 17: `deploy` is not a permission key (write lower-case words joined by `:`, such as `ws:deployments:create`)");
    insta::assert_snapshot!(key("\"*\""), @"line 3, column 17: `*` is not a permission key (write lower-case words joined by `:`, such as `ws:deployments:create`)");
    insta::assert_snapshot!(key("\"ws:*\""), @"line 3, column 17: `ws:*` is not a permission key (write lower-case words joined by `:`, such as `ws:deployments:create`)");
    insta::assert_snapshot!(key("\"\""), @r#"line 3, column 17: `""` is not a permission key (write lower-case words joined by `:`, such as `ws:deployments:create`)"#);
    insta::assert_snapshot!(key("[]"), @"line 3, column 17: the list of permissions is empty (name one, such as `ws:deployments:create`)");
    insta::assert_snapshot!(key("[a:b, c]"), @"line 3, column 23: `c` is not a permission key (write lower-case words joined by `:`, such as `ws:deployments:create`)");
    insta::assert_snapshot!(key("[a:b, 7]"), @r#"line 3, column 23: `permission` is an integer (`7`), expected a string (write it in quotes: `"7"`)"#);
    insta::assert_snapshot!(key("7"), @r#"line 3, column 17: `permission` is an integer (`7`), expected a string (write it in quotes: `"7"`)"#);
    insta::assert_snapshot!(key("1:a:B"), @"line 3, column 17: `1:a:B` is not a permission key (write lower-case words joined by `:`, such as `ws:deployments:create`)");
    insta::assert_snapshot!(key("{ exact: a:b }"), @"line 3, column 17: `permission` is a mapping, expected a string");
    insta::assert_snapshot!(key("a:b, c:d"), @"line 3, column 17: `a:b, c:d` is not a permission key (write lower-case words joined by `:`, such as `ws:deployments:create`)");
}

#[test]
fn events() {
    insta::assert_snapshot!(rule("events: push"), @"line 4, column 13: `events` is a string (`push`), expected a list (write `[push]`)");
    insta::assert_snapshot!(rule("events: []"), @"line 4, column 5: `events` names no event (leave out the key to accept every trusted event)");
    insta::assert_snapshot!(rule("events: [\"*\"]"), @"line 4, column 14: `*` is not the name of an event (name events as in `on:`, such as `push`; patterns are not allowed here)");
    insta::assert_snapshot!(rule("events: [\"\"]"), @r#"line 4, column 14: `""` is not the name of an event (name events as in `on:`, such as `push`; patterns are not allowed here)"#);
    insta::assert_snapshot!(rule("events: [Push]"), @"line 4, column 14: `Push` is not the name of an event (name events as in `on:`, such as `push`; patterns are not allowed here)");
    insta::assert_snapshot!(rule("events: [push, 7]"), @r#"line 4, column 20: an event is an integer (`7`), expected a string (write it in quotes: `"7"`)"#);
    insta::assert_snapshot!(rule("events: { push: {} }"), @"line 4, column 13: `events` is a mapping, expected a list (start each item with `- `; an empty list is `[]`)");
    insta::assert_snapshot!(rule("events: [{ exact: push }]"), @"line 4, column 14: an event is a mapping, expected a string");
    insta::assert_snapshot!(rule("events: [pull_request_target, true]"), @r#"line 4, column 35: an event is a boolean (`true`), expected a string (write it in quotes: `"true"`)"#);
}

#[test]
fn expiry_dates() {
    insta::assert_snapshot!(rule("expires: 2027-01-31T12:00:00+25:00"), @"line 4, column 14: `expires` is `2027-01-31T12:00:00+25:00`, which is neither a date nor an instant (write `2027-01-31`, or `2027-01-31T12:00:00Z` with an offset)");
    insta::assert_snapshot!(rule("expires: -000001-01-31"), @"line 4, column 14: `expires` is `-000001-01-31`, which is neither a date nor an instant (write `2027-01-31`, or `2027-01-31T12:00:00Z` with an offset)");
    insta::assert_snapshot!(rule("expires: 2027-01-31T24:00:00Z"), @"line 4, column 14: `expires` is `2027-01-31T24:00:00Z`, which is neither a date nor an instant (write `2027-01-31`, or `2027-01-31T12:00:00Z` with an offset)");
    insta::assert_snapshot!(rule("expires: 2027-01-31T12:00:60Z"), @"line 4, column 14: `expires` is `2027-01-31T12:00:60Z`, which is neither a date nor an instant (write `2027-01-31`, or `2027-01-31T12:00:00Z` with an offset)");
    insta::assert_snapshot!(rule("expires: 2027-13-01"), @"line 4, column 14: `expires` is `2027-13-01`, which is neither a date nor an instant (this day does not exist)");
    insta::assert_snapshot!(rule("expires: yes"), @"line 4, column 14: `expires` is `yes`, which is neither a date nor an instant (write `2027-01-31`, or `2027-01-31T12:00:00Z` with an offset)");
    insta::assert_snapshot!(rule("expires: never"), @"line 4, column 14: `expires` is `never`, which is neither a date nor an instant (write `2027-01-31`, or `2027-01-31T12:00:00Z` with an offset)");
    insta::assert_snapshot!(rule("expires: 2027"), @"line 4, column 14: `expires` is `2027`, which is neither a date nor an instant (write `2027-12-31` if this is the intended date)");
    insta::assert_snapshot!(rule("expires: 2027-02-30"), @"line 4, column 14: `expires` is `2027-02-30`, which is neither a date nor an instant (this day does not exist)");
    insta::assert_snapshot!(rule("expires: 31.01.2027"), @"line 4, column 14: `expires` is `31.01.2027`, which is neither a date nor an instant (write `2027-01-31` if this is the intended date)");
    insta::assert_snapshot!(rule("expires: 2027-01-31T12:00:00"), @"line 4, column 14: `expires` is `2027-01-31T12:00:00`, which is neither a date nor an instant (write `2027-01-31T12:00:00Z` if this is the intended date)");
    insta::assert_snapshot!(rule("expires: 2027-01-31 12:00:00Z"), @"line 4, column 14: `expires` is `2027-01-31 12:00:00Z`, which is neither a date nor an instant (write `2027-01-31`, or `2027-01-31T12:00:00Z` with an offset)");
    insta::assert_snapshot!(rule("expires: \"\""), @r#"line 4, column 14: `expires` is `""`, which is neither a date nor an instant (write `2027-01-31`, or `2027-01-31T12:00:00Z` with an offset)"#);
    insta::assert_snapshot!(rule("expires: [2027-01-31]"), @"line 4, column 14: `expires` is a list, expected a date");
}

#[test]
fn limits() {
    let at_limit = format!(
        "version: 1\npermissions: []\n#{}",
        "x".repeat(MAX_FILE - 28)
    );
    assert_eq!(at_limit.len(), MAX_FILE);
    assert!(Policy::parse(&at_limit, Format::Yaml).is_ok());
    insta::assert_snapshot!(yaml(&(at_limit.clone() + "x")), @"line 1, column 1: the policy has 10485761 bytes, the limit is 10485760");
    insta::assert_snapshot!(json(&" ".repeat(MAX_FILE + 1)), @"line 1, column 1: the policy has 10485761 bytes, the limit is 10485760");

    let nested = |depth: usize| rule(&format!("x: {}{}", "[".repeat(depth), "]".repeat(depth)));
    // The policy, the list and the rule are three levels.
    insta::assert_snapshot!(nested(MAX_NESTING - 3), @"line 4, column 5: unknown key `x` in a rule (known keys: `name`, `permission`, `workflow`, `branch`, `base`, `environment`, `events`, `claims`, `expires`)");
    insta::assert_snapshot!(nested(MAX_NESTING - 2), @"line 4, column 21: nested deeper than 16 levels, which is the limit");
    insta::assert_snapshot!(yaml(&"[".repeat(100_000)), @"line 1, column 17: nested deeper than 16 levels, which is the limit");
    insta::assert_snapshot!(yaml(&"{a: ".repeat(100_000)), @"line 1, column 65: nested deeper than 16 levels, which is the limit");
    insta::assert_snapshot!(yaml(&"- ".repeat(100_000)), @"line 1, column 33: nested deeper than 16 levels, which is the limit");
    insta::assert_snapshot!(json(&"[".repeat(100_000)), @"line 1, column 17: nested deeper than 16 levels, which is the limit");
    insta::assert_snapshot!(json(&"{\"a\":".repeat(100_000)), @"line 1, column 81: nested deeper than 16 levels, which is the limit");

    let claims: String = (0..257).map(|n| format!("      c{n}: x\n")).collect();
    insta::assert_snapshot!(rule(&format!("claims:\n{claims}")), @"line 261, column 7: more than 256 keys in one mapping, which is the limit");

    // No message quotes a megabyte, and no name is compared with it.
    let long = "x".repeat(1 << 20);
    for problem in [
        yaml(&long),
        rule(&format!("name: [{long}]")),
        rule(&format!("events: [\"{long}!\"]")),
        rule(&format!("expires: {long}")),
        rule(&format!("? {long}\n    : x")),
        rule(&format!("claims: {{ ? {long} : 1 }}")),
        entry(&format!("repository_id: {}", "9".repeat(1 << 20))),
        yaml(&format!(
            "version: 1\npermissions: [{{ permission: {long} }}]"
        )),
        json(&format!("{{\"{long}\": 1}}")),
        json(&format!("{{\"{long}\": null, \"{long}\": null}}")),
    ] {
        assert!(problem.len() < 3 * 1024, "{} bytes", problem.len());
    }
}

#[test]
fn the_limit_of_rules_is_for_the_whole_file() {
    let rules =
        |count: usize| "{\"permission\":\"a:b\"},\n".repeat(count - 1) + "{\"permission\":\"a:b\"}";
    let policy = |top: usize, of_entry: usize| {
        format!(
            "{{\"version\":1,\"permissions\":[{}],\"repositories\":[{{\"repository\":\"a/b\",\"permissions\":[\n{}]}}]}}",
            rules(top),
            rules(of_entry)
        )
    };
    let text = policy(1, MAX_RULES - 1);
    let document = Policy::parse(&text, Format::Json).unwrap();
    assert_eq!(document.rules().count(), MAX_RULES);
    insta::assert_snapshot!(json(&policy(1, MAX_RULES)), @"line 200001, column 1: more than 200000 rules, which is the limit (split the policy)");
}

/// Errors inside a pattern are found when it is compiled, with their own position.
#[test]
fn limits_of_patterns() {
    let message = |line: &str| {
        let text = format!("version: 1\npermissions:\n  - permission: a:b\n    {line}\n");
        let document = Policy::parse(&text, Format::Yaml).unwrap();
        let rule = document.rules().next().unwrap();
        let compiled = rule
            .branch
            .as_ref()
            .unwrap()
            .compile(CaseSensitivity::Sensitive);
        compiled.unwrap_err().to_string()
    };
    insta::assert_snapshot!(message(&format!("branch: [main, {}]", "x".repeat(1025))), @"line 4, column 20: the pattern has 1025 bytes, the limit is 1024 (split it into a list of shorter patterns)");
    insta::assert_snapshot!(message(&format!("branch: {{ exact: {} }}", "é".repeat(513))), @"line 4, column 22: the pattern has 1026 bytes, the limit is 1024 (split it into a list of shorter patterns)");
    insta::assert_snapshot!(message(r"branch: '\d{1000}{1000}'"), @r"line 4, column 13: the regex `\d{1000}{1000}` is larger than 1048576 bytes when compiled (reduce its repetitions, or split it into a list)");
    insta::assert_snapshot!(message("branch: []"), @r#"line 4, column 13: the list of patterns is empty (write `"*"` for every value, or leave out the key)"#);
    insta::assert_snapshot!(message("branch: \"\""), @r#"line 4, column 13: the pattern is empty (write `"*"` for every value, or leave out the key)"#);
    insta::assert_snapshot!(message("branch: [main, { glob: \"!main\" }]"), @"line 4, column 28: the glob `!main` is not valid: a pattern cannot exclude, so it cannot start with `!`");
}

#[test]
fn many_problems_are_reported_together() {
    insta::assert_snapshot!(rule("branch:\n    env: x\n    expires: never"), @"line 4, column 5: `branch` has no value (give it a value or remove the key); and 2 more problems");
    let list = |count| format!("version: 1\npermissions:\n{}", "  - {}\n".repeat(count));
    let controls = |count| format!("version: 1 # {}\n", "\u{1}".repeat(count));
    for texts in [list(MAX_PROBLEMS), controls(MAX_PROBLEMS)] {
        let invalid = Policy::parse(&texts, Format::Yaml).unwrap_err();
        assert_eq!(invalid.iter().count(), MAX_PROBLEMS);
        assert!(!invalid.to_string().contains("more than"));
    }
    let last = |text: &str| {
        let invalid = Policy::parse(text, Format::Yaml).unwrap_err();
        assert_eq!(invalid.iter().count(), MAX_PROBLEMS + 1);
        invalid.iter().last().unwrap().to_string()
    };
    insta::assert_snapshot!(last(&list(80)), @"line 53, column 5: more than 50 problems, which is the limit: the rest of the file is not checked");
    insta::assert_snapshot!(last(&controls(80)), @"line 1, column 64: more than 50 problems, which is the limit: the rest of the file is not checked");
    let invalid = Policy::parse(&list(80), Format::Yaml).unwrap_err();
    let lines: Vec<u32> = invalid
        .iter()
        .map(|problem| problem.position.line)
        .collect();
    assert!(lines.is_sorted());
}

#[test]
fn positions_count_characters_and_every_kind_of_line_end() {
    insta::assert_snapshot!(yaml("\u{feff}verson: 1\n"), @"line 1, column 1: unknown key `verson` in the policy (did you mean `version`?)");
    insta::assert_snapshot!(yaml("version: 1\r\npermissions:\r\n  - permission: a:b\r\n    branh: main\r\n"), @"line 4, column 5: unknown key `branh` in a rule (did you mean `branch`?)");
    insta::assert_snapshot!(rule("claims: { größe: äöü, x: }"), @"line 4, column 27: `x` has no value (give it a value or remove the key)");
    insta::assert_snapshot!(rule("claims: { \"🦀\": \"🦀\", x: }"), @"line 4, column 25: `x` has no value (give it a value or remove the key)");
    insta::assert_snapshot!(json("\u{feff}{\"verson\": 1}"), @"line 1, column 2: unknown key `verson` in the policy (did you mean `version`?)");
    insta::assert_snapshot!(json("{\r\n  \"version\": 1,\r\n  \"x\": 2\r\n}"), @"line 3, column 3: unknown key `x` in the policy (known keys: `version`, `workspace`, `permissions`, `repositories`)");
    insta::assert_snapshot!(json("{\"version\": 1, \"workspace\": \"äö🦀\", \"x\": 2}"), @"line 1, column 36: unknown key `x` in the policy (known keys: `version`, `workspace`, `permissions`, `repositories`)");
    insta::assert_snapshot!(json("{\"version\": 1, \"workspace\": \"a\\\"b\\n\\u0041\", \"x\": 2}"), @"line 1, column 45: unknown key `x` in the policy (known keys: `version`, `workspace`, `permissions`, `repositories`)");
}

#[test]
fn json_problems() {
    insta::assert_snapshot!(json("{\"version\": 1,}"), @"line 1, column 15: not valid JSON: trailing comma (remove the comma before the closing bracket)");
    insta::assert_snapshot!(json("{\"version\": 1, \"permissions\": [{\"permission\": \"a:b\"},]}"), @"line 1, column 54: not valid JSON: trailing comma (remove the comma before the closing bracket)");
    insta::assert_snapshot!(json("{\n  \"version\": 1,\n  \"version\": 1\n}"), @"line 3, column 3: duplicate key `version`, first at line 2");
    insta::assert_snapshot!(json("{\n  \"version\": 1,\n  \"\\u0076ersion\": 1\n}"), @"line 3, column 3: duplicate key `version`, first at line 2");
    insta::assert_snapshot!(json("{\"version\": 1, \"\\u0070ermission\\u0073\\u0021\": []}"), @"line 1, column 16: unknown key `permissions!` in the policy (did you mean `permissions`?)");
    insta::assert_snapshot!(json("{\"version\": 1} // a comment"), @"line 1, column 16: not valid JSON: trailing characters (JSON has no comments)");
    insta::assert_snapshot!(json("{ /* a comment */ \"version\": 1}"), @"line 1, column 3: not valid JSON: key must be a string (JSON has no comments)");
    insta::assert_snapshot!(json("{\"version\": 1} {}"), @"line 1, column 16: not valid JSON: trailing characters");
    insta::assert_snapshot!(json("{\"version\": \"1\"}"), @"line 1, column 13: `version` is a string (`1`), expected an integer (write `version: 1`)");
    insta::assert_snapshot!(json("{\"version\": 1e0}"), @"line 1, column 13: `version` is a number (`1e0`), expected an integer (write `version: 1`)");
    insta::assert_snapshot!(json("{\"version\": 1, \"workspace\": null}"), @"line 1, column 16: `workspace` has no value (give it a value or remove the key)");
    insta::assert_snapshot!(json("{\"version\": 1, \"permissions\": [null]}"), @"line 1, column 32: a rule is empty, expected a mapping (write its keys: `name`, `permission`, `workflow`, `branch`, `base`, `environment`, `events`, `claims`, `expires`)");
    insta::assert_snapshot!(json("{\"version\": 1, \"workspace\": true}"), @r#"line 1, column 29: `workspace` is a boolean (`true`), expected a string (write it in quotes: `"true"`)"#);
    insta::assert_snapshot!(json("{\"version\": 1, \"workspace\": 01}"), @"line 1, column 30: not valid JSON: invalid number");
    insta::assert_snapshot!(json("{\"version\": 1, \"workspace\": NaN}"), @"line 1, column 29: not valid JSON: expected value");
    insta::assert_snapshot!(json("{\"version\": 1, \"workspace\": Infinity}"), @"line 1, column 29: not valid JSON: expected value");
    insta::assert_snapshot!(json("{\"version\": 1, \"workspace\": 'x'}"), @"line 1, column 29: not valid JSON: expected value (JSON allows only double quotes)");
    insta::assert_snapshot!(json("{\"version\": 1, \"workspace\": \"x"), @"line 1, column 31: not valid JSON: EOF while parsing a string");
    insta::assert_snapshot!(json("{\"version\": 1, \"workspace\": \"\\d\"}"), @"line 1, column 31: not valid JSON: invalid escape");
    insta::assert_snapshot!(json("{\"version\": 1, \"workspace\": \"\\ud800\"}"), @"line 1, column 36: not valid JSON: unexpected end of hex escape");
    insta::assert_snapshot!(json("{\"version\": 1, \"workspace\": \"a\nb\"}"), @r"line 1, column 31: not valid JSON: control character (\u0000-\u001F) found while parsing a string");
    insta::assert_snapshot!(json("{\"version\": 1"), @"line 1, column 14: not valid JSON: EOF while parsing an object");
    insta::assert_snapshot!(json("{version: 1}"), @"line 1, column 2: not valid JSON: key must be a string (write keys in double quotes; a text that starts with `{` and has no file name is JSON)");
    insta::assert_snapshot!(json("{\"version\": 1, \"repositories\": [{\"repository\": \"a/b\", \"repository_id\": \"1\", \"permissions\": []}]}"), @"line 1, column 72: `repository_id` is a string (`1`), expected a positive integer (write it in decimal digits, without quotes, a sign, a leading zero or an underscore)");
    insta::assert_snapshot!(json("{\"version\": 1, \"permissions\": [{\"permission\": \"a:b\", \"<<\": {}}]}"), @"line 1, column 54: merge keys (`<<`) are not allowed in a policy (write the values out)");
}

#[test]
fn the_example_is_valid() {
    let document = Policy::parse(EXAMPLE, Format::Yaml).unwrap();
    assert_eq!(document.workspace.as_deref(), Some("acme"));

    let [top] = document.permissions.as_deref().unwrap() else {
        panic!("one rule at the top");
    };
    let at = |line, column| Position { line, column };
    assert_eq!((top.position, top.number), (at(4, 5), 1));
    let branch = top.branch.as_ref().unwrap();
    assert_eq!(branch.position, at(5, 13));
    assert_eq!(branch.list[0].kind, Kind::Regex);
    assert_eq!(&*branch.list[0].text, "^(main|develop|feature/.*)$");
    assert!(top.workflow.is_none() && top.environment.is_none() && top.events.is_none());

    let (position, entries) = document.repositories.as_ref().unwrap();
    assert_eq!(*position, at(6, 1));
    let [infra, services] = &**entries else {
        panic!("two entries");
    };
    assert_eq!(infra.position, at(7, 5));
    assert_eq!(infra.repository.list[0].kind, Kind::Literal);
    assert_eq!(
        (infra.repository_id, infra.owner_id),
        (Some(123_456_789), Some(4567))
    );
    let rule = &infra.permissions[0];
    assert_eq!((rule.position, rule.number), (at(11, 9), 1));
    assert_eq!(rule.name.as_deref(), Some("production deploys"));
    assert_eq!(rule.permissions[0].as_str(), "ws:deployments:create");
    assert_eq!(
        &*rule.workflow.as_ref().unwrap().list[0].text,
        "deploy-production.yml"
    );
    assert_eq!(
        rule.environment.as_ref().unwrap().list[0].kind,
        Kind::Literal
    );
    assert_eq!(
        rule.events.as_deref().unwrap(),
        ["push".into(), "workflow_dispatch".into()]
    );
    assert_eq!(&*rule.claims[0].0, "runner_environment");
    assert_eq!(rule.claims[0].1.list[0].position, at(18, 31));
    let expires = rule.expires.as_ref().unwrap();
    assert_eq!(expires.last.to_string(), "2027-01-31T23:59:59.999999999Z");

    assert_eq!(services.position, at(20, 5));
    assert_eq!(services.repository.list[0].kind, Kind::Glob);
    let rule = &services.permissions[0];
    let keys: Vec<&str> = rule.permissions.iter().map(PermissionKey::as_str).collect();
    assert_eq!(keys, ["ws:locks:create", "ws:locks:delete"]);
    let list = &rule.branch.as_ref().unwrap().list;
    let seen: Vec<_> = list
        .iter()
        .map(|p| (&*p.text, p.kind, p.position.line))
        .collect();
    assert_eq!(
        seen,
        [
            ("main", Kind::Literal, 24),
            ("release/**", Kind::Glob, 25),
            ("a*b", Kind::Exact, 26),
            ("v1", Kind::Regex, 27),
        ]
    );

    let lines: Vec<u32> = document.rules().map(|rule| rule.position.line).collect();
    assert_eq!(lines, [4, 11, 22]);
}

#[test]
fn valid_policies() {
    for text in [
        "version: 1",
        "{version: 1}",
        "\"version\": 1\n",
        "--- # start\nversion: 1\n...\n",
        "%YAML 1.2\n---\nversion: 1\n",
        "\u{feff}version: 1\r\npermissions: []\r\n",
        "version: 1\npermissions: []\nrepositories: []\n",
        "# comment\n\n  \nversion: 1 # x\n",
        "version: 1\npermissions:\n- permission: a:b\n",
        "version: 1\npermissions: [{permission: a:b}, {permission: [a:b, a:b]}]\n",
        "version: 1\nworkspace: 'it''s'\n",
        "version: 1\nworkspace: \"null\"\n",
        "version: 1\nworkspace: \"yes\"\n",
        "version: 1\nworkspace: >\n  folded\n  text\n",
        "version: 1\nworkspace: >-\n  folded\n  text",
        "version: 1\npermissions:\n  - {permission: a:b, branch: \"1.0\", workflow: 'true', environment: \"~\"}\n",
        "version: 1\npermissions:\n  - {permission: a:b, expires: 2027-01-31T12:00:00+02:00}\n",
        "version: 1\npermissions:\n  - {permission: a:b, expires: \"2027-01-31\"}\n",
        "version: 1\npermissions:\n  - {permission: a:b, claims: {any_claim: [a, {glob: b*}]}}\n",
        "version: 1\nrepositories:\n  - {repository: [a/b, {regex: c/.*}], repository_id: 1, permissions: []}\n",
    ] {
        if let Err(invalid) = Policy::parse(text, Format::Yaml) {
            panic!("{invalid}\n{text}");
        }
    }
    for text in [
        " {\"version\": 1} \r\n\t",
        "\u{feff}{\"version\": 1}",
        "{\"\\u0076ersion\": 1, \"permissions\": [{\"permission\": \"Locks Create\", \"branch\": [\"\\u002a\"]}]}",
    ] {
        if let Err(invalid) = Policy::parse(text, Format::Json) {
            panic!("{invalid}\n{text}");
        }
    }
}

/// libyaml, PyYAML and npm's `yaml` parse these in the same way.
#[test]
fn brackets_over_several_lines_may_close_at_the_indentation_of_their_key() {
    for branch in [
        "[\n      \"main\",\n      develop\n    ]",
        "[\n      main,\n      develop,\n    ]",
        "[\n      'main',\n      'develop',\n    ]",
        "[\n    \"main\",\n    \"develop\",\n    ]",
        "[\n    main,\n    develop\n    ]",
        "[ # one\n      main, # two\n      # three\n      develop # four\n    ] # five",
        "[\n\n      main\n      ,\n      develop\n    ,\n    ]",
        "[\r\n      \"main\",\r\n      develop\r\n    ]\r",
        "[main,\n      develop\n    ]",
        "[\n      main, { exact: develop },\n    ]",
        "[\n      main,\n      {\n        exact: develop\n      },\n    ]",
        "[\n      main,\n      {\n        \"exact\": \"develop\",\n      }\n    ]",
    ] {
        let text = format!(
            "version: 1\npermissions:\n  - permission: a:b\n    branch: {branch}\n    name: x\n"
        );
        let document = Policy::parse(&text, Format::Yaml).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let rule = document.rules().next().unwrap();
        let list = &rule.branch.as_ref().unwrap().list;
        let texts: Vec<_> = list.iter().map(|pattern| &*pattern.text).collect();
        assert_eq!(texts, ["main", "develop"], "{text}");
        assert_eq!(rule.name.as_deref(), Some("x"), "{text}");
    }
    for text in [
        "version: 1\npermissions: [\n  { permission: a:b }\n]\n",
        "version: 1\npermissions: [\n{ permission: a:b }\n]\n",
        "version: 1\npermissions: [\n  {\n    permission: \"a:b\",\n    branch: [\n      \"main\",\n    ],\n  },\n]\n",
        "version: 1\npermissions:\n  - permission: [\n      \"a:b\",\n    ]\n",
        "version: 1\npermissions:\n- permission: [\n    a:b\n  ]\n  claims: {\n    sha: x,\n  }\n",
        "version: 1\npermissions:\n  - {\n    permission: a:b\n  }\n",
        "{\nversion: 1,\npermissions: [\n{\npermission: a:b\n}\n]\n}\n",
    ] {
        let document = Policy::parse(text, Format::Yaml).unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert_eq!(document.rules().count(), 1, "{text}");
    }
}

#[test]
fn invisible_characters_are_rejected_where_they_decide() {
    insta::assert_snapshot!(rule("branch: main\u{fe0f}"), @r"line 4, column 17: `branch` contains the character `\uFE0F`, which is invisible (remove it, or write it as `\uFE0F` in double quotes)");
    insta::assert_snapshot!(rule("branch: [a, \"ma\u{200d}in\"]"), @r"line 4, column 20: an element of `branch` contains the character `\u200D`, which is invisible (remove it, or write it as `\u200D` in double quotes)");
    insta::assert_snapshot!(rule("branch: { glob: \u{ad}x }"), @r"line 4, column 21: `glob` contains the character `\u00AD`, which is invisible (remove it, or write it as `\u00AD` in double quotes)");
    insta::assert_snapshot!(rule("branch: >-\n      a\n      b\u{3164}"), @r"line 6, column 8: `branch` contains the character `\u3164`, which is invisible (remove it, or write it as `\u3164` in double quotes)");
    insta::assert_snapshot!(rule("claims: { s\u{34f}ha: x }"), @r"line 4, column 16: the key contains the character `\u034F`, which is invisible (remove it, or write it as `\u034F` in double quotes)");
    insta::assert_snapshot!(rule("bra\u{e0041}nch: x"), @r"line 4, column 8: the key contains the character `\U000E0041`, which is invisible (remove it, or write it as `\U000E0041` in double quotes)");
    insta::assert_snapshot!(rule("events: [push\u{fe0f}]"), @r"line 4, column 18: an event contains the character `\uFE0F`, which is invisible (remove it, or write it as `\uFE0F` in double quotes)");
    insta::assert_snapshot!(entry("repository: acme\u{200c}/infra"), @r"line 4, column 21: `repository` contains the character `\u200C`, which is invisible (remove it, or write it as `\u200C` in double quotes)");
    insta::assert_snapshot!(json("{\"version\": 1, \"permissions\": [{\"permission\": \"a:b\", \"branch\":\"ö\u{fe0f}\"}]}"), @r"line 1, column 65: `branch` contains the character `\uFE0F`, which is invisible (remove it, or write it as `\uFE0F` in double quotes)");
    insta::assert_snapshot!(json("{\"version\": 1, \"permissions\": [{\"permission\": \"a:b\", \"claims\": {\"ö\u{e0041}\" : \"x\"}}]}"), @r"line 1, column 67: the key contains the character `\uDB40\uDC41`, which is invisible (remove it, or write it as `\uDB40\uDC41` in double quotes)");

    for line in [
        "name: \"👩\u{200d}🚀 ❤\u{fe0f}\" # 👩\u{200d}🚀",
        "branch: main # ❤\u{fe0f}",
        "branch: \"main\\uFE0F\\u2028\\x1b\\U000E0041\"",
        "claims: { \"s\\u200dha\": x } # \u{ad}",
        "branch: größe",
    ] {
        let text = format!(
            "version: 1\nworkspace: ❤\u{fe0f}\npermissions:\n  - permission: a:b\n    {line}\n"
        );
        let read = Policy::parse(&text, Format::Yaml);
        assert!(read.is_ok(), "{read:?}\n{text:?}");
    }
    let text = "{\"version\": 1, \"permissions\": [{\"permission\": \"a:b\", \"name\": \"❤\u{fe0f}\", \"branch\": \"\\u2028\\ufe0f\"}]}";
    assert!(Policy::parse(text, Format::Json).is_ok());
}

#[test]
fn escapes_in_json_mean_the_characters_they_stand_for() {
    let text = r#"{"version": 1, "permissions": [
        {"permission": "a\u003ab", "name": "\"\\\n\ud83e\udd80", "br\u0061nch": "\u002a", "workflow": "a\\.b"}]}"#;
    let document = Policy::parse(text, Format::Json).unwrap();
    let rule = document.rules().next().unwrap();
    assert_eq!(rule.permissions[0].as_str(), "a:b");
    assert_eq!(rule.name.as_deref(), Some("\"\\\n🦀"));
    assert_eq!(rule.branch.as_ref().unwrap().list[0].kind, Kind::Any);
    let workflow = &rule.workflow.as_ref().unwrap().list[0];
    assert_eq!((&*workflow.text, workflow.kind), (r"a\.b", Kind::Regex));
    assert_eq!((rule.position.line, rule.position.column), (2, 9));
    assert_eq!((workflow.position.line, workflow.position.column), (2, 103));
}

/// JSON text is nearly always YAML too; then both parsers report the same positions.
#[test]
fn the_two_readers_agree_on_positions() {
    let text = r#"{
  "version": 1,
  "permissions": [ { "permission": ["a:b", "c:d"], "branch": ["main", { "glob": "x/*" }] },
                   { "permission": "a:b", "environment": "prod" } ]
}"#;
    let places = |format| {
        let document = Policy::parse(text, format).unwrap();
        let rules = document.rules();
        rules
            .map(|rule| (rule.position, rule.branch.clone(), rule.environment.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(places(Format::Json), places(Format::Yaml));
}

// ---- nothing panics, and every problem has a position in the text

const EXAMPLE_JSON: &str = r#"{"version": 1, "workspace": "a\u0063me",
 "permissions": [{"permission": ["ws:locks:create", "Locks Delete"], "branch": {"glob": "a/*"}}],
 "repositories": [{"repository": "acme-org/infra", "repository_id": 12, "owner_id": 3,
  "permissions": [{"name": "x", "permission": "a:b", "events": ["push"], "expires": "2027-01-31",
   "claims": {"sha": ["a", "b"]}}]}]}"#;

fn check(text: &str) {
    for format in [Format::Yaml, Format::Json] {
        let Err(invalid) = Policy::parse(text, format) else {
            continue;
        };
        let lines = 1 + text.matches('\n').count();
        let widest = 1 + text.chars().count();
        assert!(invalid.iter().count() <= MAX_PROBLEMS + 1);
        for problem in invalid.iter() {
            let Position { line, column } = problem.position;
            assert!(
                (1..=lines + 1).contains(&(line as usize)),
                "{problem}\n{text:?}"
            );
            assert!(
                (1..=widest).contains(&(column as usize)),
                "{problem}\n{text:?}"
            );
            assert!(!problem.message.is_empty() && !problem.message.ends_with('.'));
        }
    }
}

fn fragments() -> impl Strategy<Value = String> {
    let fragment = select(
        &[
            "version: 1\n",
            "permissions:",
            "repositories:",
            "  - ",
            "- ",
            "permission: a:b",
            "\n",
            "\n    ",
            "branch: ",
            "*",
            "&a ",
            "!t ",
            "? ",
            ": ",
            "[",
            "]",
            "{",
            "}",
            ",",
            "\"",
            "'",
            "|\n",
            ">-\n",
            "\t",
            "#",
            "\\",
            "\r",
            "\u{feff}",
            "%YAML 1.2\n",
            "<<: ",
            "~",
            "1",
            "\u{0}",
            "é",
            "\u{85}",
            "\u{2028}",
            "\u{202e}",
            "\u{200d}",
            "null",
            "1e9",
            "\"version\": 1",
        ][..],
    );
    vec(fragment, 0..24).prop_map(|fragments| fragments.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_texts_never_panic(text in ".{0,60}", lines in vec(".{0,12}", 0..6)) {
        check(&text);
        check(&lines.join("\n"));
    }

    #[test]
    fn texts_of_yaml_parts_never_panic(text in fragments()) {
        check(&text);
        check(&format!("version: 1\npermissions:\n  - permission: a:b\n    {text}"));
    }

    #[test]
    fn mutated_policies_never_panic(
        json in any::<bool>(),
        edits in vec((any::<Index>(), 0..12_usize, fragments()), 1..4),
    ) {
        let mut chars: Vec<char> = if json { EXAMPLE_JSON } else { EXAMPLE }.chars().collect();
        for (place, remove, insert) in edits {
            let start = place.index(chars.len() + 1);
            let end = (start + remove).min(chars.len());
            chars.splice(start..end, insert.chars().take(3));
        }
        check(&chars.into_iter().collect::<String>());
    }

    #[test]
    fn a_policy_that_is_cut_off_never_panics(json in any::<bool>(), place in any::<Index>()) {
        let text = if json { EXAMPLE_JSON } else { EXAMPLE };
        let length = place.index(text.len() + 1);
        check(&text.chars().take(length).collect::<String>());
    }
}
