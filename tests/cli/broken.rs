//! Policies that are broken, each in another way, as `lint` and `check` tell it.

use insta::assert_snapshot;

use crate::support::directory::Directory;

/// What is wrong, and the policy. `⏎` shows where a line ends.
const BROKEN: &[(&str, &str)] = &[
    ("nothing", ""),
    ("only a comment", "# later\n"),
    ("another kind of file", "<!DOCTYPE html>\n<html></html>\n"),
    ("a list", "- permission: a:b\n"),
    ("a line without a key", "version=1\n"),
    ("no version", "permissions: []\n"),
    ("a version as a text", "version: \"1\"\n"),
    ("a version with a letter", "version: v1\n"),
    ("a version of later", "version: 2\n"),
    ("an unknown key", "version: 1\ncolor: red\n"),
    ("a misspelt key", "version: 1\npermisions: []\n"),
    ("a key twice", "version: 1\nversion: 1\n"),
    ("a key without a value", "version: 1\npermissions:\n"),
    ("a mapping for a list", "version: 1\npermissions: {}\n"),
    (
        "a rule that is a text",
        "version: 1\npermissions: [ws:locks:create]\n",
    ),
    (
        "a rule without a permission",
        "version: 1\npermissions: [{ branch: main }]\n",
    ),
    (
        "no key of a permission",
        "version: 1\npermissions: [{ permission: Lock Create }]\n",
    ),
    (
        "an empty list of permissions",
        "version: 1\npermissions: [{ permission: [] }]\n",
    ),
    (
        "a number for a branch",
        "version: 1\npermissions: [{ permission: a:b, branch: 10 }]\n",
    ),
    (
        "a boolean for a branch",
        "version: 1\npermissions: [{ permission: a:b, branch: true }]\n",
    ),
    (
        "an empty list of branches",
        "version: 1\npermissions: [{ permission: a:b, branch: [] }]\n",
    ),
    (
        "an empty branch",
        "version: 1\npermissions: [{ permission: a:b, branch: '' }]\n",
    ),
    (
        "two kinds of one pattern",
        "version: 1\npermissions: [{ permission: a:b, branch: { glob: a, regex: b } }]\n",
    ),
    (
        "an event without a list",
        "version: 1\npermissions: [{ permission: a:b, events: push }]\n",
    ),
    (
        "no event",
        "version: 1\npermissions: [{ permission: a:b, events: [] }]\n",
    ),
    (
        "an event that is none",
        "version: 1\npermissions: [{ permission: a:b, events: [Push] }]\n",
    ),
    (
        "no claim",
        "version: 1\npermissions: [{ permission: a:b, claims: {} }]\n",
    ),
    (
        "a year",
        "version: 1\npermissions: [{ permission: a:b, expires: 2027 }]\n",
    ),
    (
        "a date with dots",
        "version: 1\npermissions: [{ permission: a:b, expires: 01.02.2027 }]\n",
    ),
    (
        "a day that is not",
        "version: 1\npermissions: [{ permission: a:b, expires: 2027-02-30 }]\n",
    ),
    (
        "a time without offset",
        "version: 1\npermissions: [{ permission: a:b, expires: \"2027-01-31T12:00:00\" }]\n",
    ),
    (
        "an entry without a name",
        "version: 1\nrepositories: [{ permissions: [] }]\n",
    ),
    (
        "entries as a mapping",
        "version: 1\nrepositories: { o/r: [] }\n",
    ),
    (
        "an id in quotes",
        "version: 1\nrepositories: [{ repository: o/r, repository_id: '7', permissions: [] }]\n",
    ),
    (
        "an id that is none",
        "version: 1\nrepositories: [{ repository: o/r, repository_id: -7, permissions: [] }]\n",
    ),
    ("an anchor", "version: 1\npermissions: &all []\n"),
    (
        "an alias",
        "version: 1\npermissions: [&a { permission: a:b }, *a]\n",
    ),
    (
        "a star without quotes",
        "version: 1\npermissions:\n  - permission: a:b\n    branch: *\n",
    ),
    ("a merge key", "version: 1\n<<: { permissions: [] }\n"),
    ("a tag", "version: 1\npermissions: !list []\n"),
    ("a second document", "version: 1\n---\nversion: 1\n"),
    ("a directive", "%YAML 1.1\n---\nversion: 1\n"),
    ("a directive without a document", "%YAML 1.2\nversion: 1\n"),
    ("a tab", "version: 1\npermissions:\n\t- permission: a:b\n"),
    (
        "a wrong indentation",
        "version: 1\npermissions:\n  - permission: a:b\n   branch: main\n",
    ),
    ("a colon without quotes", "version: 1\nworkspace: a: b\n"),
    ("an open quote", "version: 1\nworkspace: \"acme\n"),
    ("an escape that is none", "version: 1\nworkspace: \"\\d\"\n"),
    (
        "brackets without quotes",
        "version: 1\npermissions:\n  - permission: a:b\n    branch: [a-z]+\n",
    ),
    ("a sign without quotes", "version: 1\nworkspace: @acme\n"),
    (
        "a merge conflict",
        "version: 1\n<<<<<<< HEAD\nworkspace: a\n=======\nworkspace: b\n>>>>>>> main\n",
    ),
    ("a template", "{{ template }}\n"),
    ("a NUL", "version: 1\0\n"),
    (
        "too deep",
        "version: 1\npermissions: [[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]\n",
    ),
    (
        "back quotes",
        "version: 1\npermissions: [{ permission: 'a`b', branch: '`)' }]\n",
    ),
];

const BROKEN_JSON: &[(&str, &str)] = &[
    ("YAML", "version: 1\n"),
    ("a comment", "{ \"version\": 1 // one\n}\n"),
    ("a comma too many", "{ \"version\": 1, }\n"),
    ("single quotes", "{ \"version\": 1, \"workspace\": 'a' }\n"),
    ("a key twice", "{ \"version\": 1, \"version\": 1 }\n"),
    (
        "a mapping for a list",
        "{ \"version\": 1, \"permissions\": {} }\n",
    ),
    ("null", "{ \"version\": 1, \"workspace\": null }\n"),
];

/// Each policy with what `lint` says, in the lines of the policy.
fn problems_of(policies: &[(&str, &str)], file: &str) -> String {
    let mut listed = String::new();
    for (what, policy) in policies {
        let directory = Directory::checkout(&[(file, policy)]);
        let run = directory.run(&["lint", file, "--format", "json"]);
        assert_eq!((run.code, &*run.err), (Some(1), ""), "{what}");
        listed.push_str(&format!("{what}\n"));
        for finding in run.json()["findings"].as_array().unwrap() {
            let text = |key: &str| finding[key].as_str().unwrap_or_default();
            if text("level") != "error" {
                continue;
            }
            let (line, column) = (&finding["line"], &finding["column"]);
            listed.push_str(&format!("  {line}:{column} {}", text("message")));
            match text("help") {
                "" => listed.push('\n'),
                help => listed.push_str(&format!(" ({help})\n")),
            }
        }
        // A check finds the same, and decides nothing.
        let run = directory.run(&[
            "check",
            "--policy",
            file,
            "--permission",
            "a:b",
            "--repository",
            "o/r",
        ]);
        assert_eq!((run.code, &*run.out), (Some(2), ""), "{what}");
        assert!(
            run.err.contains("error (policy_invalid): "),
            "{what}: {}",
            run.err
        );
        assert!(
            run.err.contains(&format!("--> {file}:")),
            "{what}: {}",
            run.err
        );
    }
    listed
}

#[test]
fn yaml() {
    assert_snapshot!(problems_of(BROKEN, "policy.yml"), @r#"
    nothing
      1:1 the policy is empty (start with `version: 1`, and `permissions:` or `repositories:`)
    only a comment
      1:1 the policy is empty (start with `version: 1`, and `permissions:` or `repositories:`)
    another kind of file
      1:1 the policy is a string (`<!DOCTYPE html> <html></html>`), expected a mapping (start with `version: 1`, and `permissions:` or `repositories:`)
    a list
      1:1 the policy is a list, expected a mapping (start with `version: 1`, and `permissions:` or `repositories:`)
    a line without a key
      1:1 the policy is a string (`version=1`), expected a mapping (start with `version: 1`, and `permissions:` or `repositories:`)
    no version
      1:1 `version` is missing (add `version: 1`)
    a version as a text
      1:10 `version` is a string (`1`), expected an integer (write `version: 1`)
    a version with a letter
      1:10 `version` is a string (`v1`), expected an integer (write `version: 1`)
    a version of later
      1:10 `version` is `2`, expected 1 (write `version: 1`, or use a later release)
    an unknown key
      2:1 unknown key `color` in the policy (known keys: `version`, `workspace`, `permissions`, `repositories`)
    a misspelt key
      2:1 unknown key `permisions` in the policy (did you mean `permissions`?)
    a key twice
      2:1 duplicate key `version`, first at line 1
    a key without a value
      2:1 `permissions` has no value (give it a value or remove the key)
    a mapping for a list
      2:14 `permissions` is a mapping, expected a list (start each item with `- `; an empty list is `[]`)
    a rule that is a text
      2:15 a rule is a string (`ws:locks:create`), expected a mapping (write its keys: `name`, `permission`, `workflow`, `branch`, `base`, `environment`, `events`, `claims`, `expires`)
    a rule without a permission
      2:15 `permission` is missing (add `permission: ws:deployments:create`)
    no key of a permission
      2:29 `Lock Create` is not a permission key (did you mean `ws:locks:create`?)
    an empty list of permissions
      2:29 the list of permissions is empty (name one, such as `ws:deployments:create`)
    a number for a branch
      2:42 `branch` is an integer (`10`), expected a string (write it in quotes: `"10"`)
    a boolean for a branch
      2:42 `branch` is a boolean (`true`), expected a string (write it in quotes: `"true"`)
    an empty list of branches
      2:42 the list of patterns is empty (write `"*"` for every value, or leave out the key)
    an empty branch
      2:42 the pattern is empty (write `"*"` for every value, or leave out the key)
    two kinds of one pattern
      2:42 a pattern must have exactly one of `exact`, `glob`, `regex` (for several patterns, write a list)
    an event without a list
      2:42 `events` is a string (`push`), expected a list (write `[push]`)
    no event
      2:34 `events` names no event (leave out the key to accept every trusted event)
    an event that is none
      2:43 `Push` is not the name of an event (name events as in `on:`, such as `push`; patterns are not allowed here)
    no claim
      2:34 `claims` names no claim (leave out the key, or name a claim such as `runner_environment: github-hosted`)
    a year
      2:43 `expires` is `2027`, which is neither a date nor an instant (write `2027-12-31` if this is the intended date)
    a date with dots
      2:43 `expires` is `01.02.2027`, which is neither a date nor an instant (write `2027-02-01` if this is the intended date)
    a day that is not
      2:43 `expires` is `2027-02-30`, which is neither a date nor an instant (this day does not exist)
    a time without offset
      2:43 `expires` is `2027-01-31T12:00:00`, which is neither a date nor an instant (write `2027-01-31T12:00:00Z` if this is the intended date)
    an entry without a name
      2:16 `repository` is missing (add `repository: OWNER/NAME`)
    entries as a mapping
      2:15 `repositories` is a mapping, expected a list (start each item with `- `; an empty list is `[]`)
    an id in quotes
      2:50 `repository_id` is a string (`7`), expected a positive integer (write it in decimal digits, without quotes, a sign, a leading zero or an underscore)
    an id that is none
      2:50 `repository_id` is `-7`, expected a positive integer (write it in decimal digits, without quotes, a sign, a leading zero or an underscore)
    an anchor
      2:14 anchors (`&name`) are not allowed in a policy (write the value out)
    an alias
      2:15 anchors (`&name`) are not allowed in a policy (write the value out)
    a star without quotes
      4:13 not valid YAML: an invalid alias or anchor (a value that starts with `*` or `&` needs quotes: `"*"`)
    a merge key
      2:1 merge keys (`<<`) are not allowed in a policy (write the values out)
    a tag
      2:14 tags (`!name`) are not allowed in a policy (write the value out)
    a second document
      2:1 a second document starts here, but a policy is one document (remove the `---`)
    a directive
      1:1 the directive `%YAML 1.1` is not allowed in a policy (remove the line; a value that starts with `%` needs quotes)
    a directive without a document
      2:1 not valid YAML: text before the document (write `---` below a directive such as `%YAML 1.2`, or leave the directive out)
    a tab
      3:2 not valid YAML: a tab where spaces are needed (indent with spaces instead of tabs)
    a wrong indentation
      4:4 not valid YAML: a line whose indentation differs from the lines beside it (give the keys of a mapping, and the items of a list, the same indentation)
    a colon without quotes
      2:13 not valid YAML: a `:` where a key is not allowed (a value that contains `: ` needs quotes; a key needs the same indentation as the keys beside it)
    an open quote
      2:12 not valid YAML: an unclosed quote (add the closing quote)
    an escape that is none
      2:12 not valid YAML: an invalid escape in double quotes (in double quotes, a backslash starts an escape: use single quotes for a regex)
    brackets without quotes
      4:18 not valid YAML: text after a closing bracket (a pattern that starts with `[` or `{` needs quotes)
    a sign without quotes
      2:12 not valid YAML: a value that starts with `@` (put the value in quotes)
    a merge conflict
      2:1 an unresolved merge conflict (keep one side, and remove the lines `<<<<<<<`, `=======`, `>>>>>>>`)
    a template
      1:2 a key must be a string (a value that starts with `{` needs quotes)
    a NUL
      1:11 the policy contains the character `\u0000`, which is not printable (remove it, or write it as `\u0000` in double quotes)
    too deep
      2:30 nested deeper than 16 levels, which is the limit
    back quotes
      2:29 ``a`b`` is not a permission key (write lower-case words joined by `:`, such as `ws:deployments:create`)
      2:44 the regex `` `) `` is not valid: unopened group, at byte 1
    "#);
}

#[test]
fn json() {
    assert_snapshot!(problems_of(BROKEN_JSON, "policy.json"), @r"
    YAML
      1:1 not valid JSON: expected value (a JSON policy starts with `{`; a YAML file needs a name that ends with `.yml`)
    a comment
      1:16 not valid JSON: expected `,` or `}` (JSON has no comments)
    a comma too many
      1:17 not valid JSON: trailing comma (remove the comma before the closing bracket)
    single quotes
      1:30 not valid JSON: expected value (JSON allows only double quotes)
    a key twice
      1:17 duplicate key `version`, first at line 1
    a mapping for a list
      1:32 `permissions` is a mapping, expected a list (write it in `[` and `]`)
    null
      1:17 `workspace` has no value (give it a value or remove the key)
    ");
}

#[test]
fn limits() {
    let large = format!("version: 1\n# {}\n", "x".repeat(10 << 20));
    let long = format!(
        "version: 1\npermissions: [{{permission: a:b, branch: {}}}]\n",
        "a".repeat(1_025)
    );
    let wide = "version: 1\npermissions: [{permission: a:b, branch: '\\pL{500}'}]\n";
    let files = [
        ("large.yml", &*large),
        ("long.yml", &*long),
        ("wide.yml", wide),
    ];
    let directory = Directory::checkout(&files);
    let mut listed = String::new();
    for (file, _) in files {
        let run = directory.run(&["lint", file, "--format", "github"]);
        assert_eq!((run.code, &*run.err), (Some(1), ""), "{file}");
        let errors = run.out.lines().filter(|line| line.starts_with("::error"));
        errors.for_each(|line| listed.push_str(&format!("{line}\n")));
    }
    std::fs::write(directory.0.join("utf16.yml"), b"\xff\xfev\0").unwrap();
    std::fs::write(directory.0.join("latin1.yml"), b"version: 1 # \xe9\n").unwrap();
    for file in ["utf16.yml", "latin1.yml"] {
        let run = directory.run(&["lint", file, "--format", "github"]);
        listed.push_str(run.out.lines().next().unwrap());
        listed.push('\n');
    }
    assert_snapshot!(listed, @r"
    ::error file=large.yml,line=1,col=1,title=invalid::the policy is larger than 10485760 bytes, which is the limit
    ::error file=long.yml,line=2,col=41,title=pattern-invalid::the pattern has 1025 bytes, the limit is 1024 (split it into a list of shorter patterns)
    ::error file=wide.yml,line=2,col=41,title=pattern-invalid::the regex `\pL{500}` is larger than 1048576 bytes when compiled (reduce its repetitions, or split it into a list)
    ::error file=utf16.yml,line=1,col=1,title=invalid::the policy is UTF-16, save it as UTF-8
    ::error file=latin1.yml,line=1,col=1,title=invalid::the policy is not UTF-8 text: byte 13
    ");
}
