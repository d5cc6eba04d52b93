//! `repo-permissions test`, by the whole program.

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::directory::Directory;
use crate::support::program::Run;

const POLICY: &str = "\
version: 1
repositories:
  - repository: acme-org/infra
    repository_id: 123
    permissions:
      - name: production deploys
        permission: ws:deployments:create
        workflow: deploy.yml
        branch: main
        environment: production
      - permission: [ws:locks:create, ws:locks:delete]
        branch: main
        expires: 2027-01-31
      - name: broken
        permission: ws:instances:create
        branch: a)|(
";

/// A directory with a policy and a file of cases.
struct Cases(Directory);

impl Cases {
    fn new() -> Self {
        Self(Directory::new().with("policy.yml", POLICY))
    }

    fn with(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        Self(self.0.with(name, text))
    }

    /// `cases.yml` for the policy, with these tests.
    fn with_cases(self, tests: &str) -> Self {
        self.with("cases.yml", format!("policy: policy.yml\ntests:\n{tests}"))
    }

    fn test(&self, arguments: &[&str]) -> Run {
        self.0.run(&[&["test"], arguments].concat())
    }

    /// What is wrong with `cases.yml`.
    fn invalid(&self) -> String {
        let run = self.test(&["cases.yml"]);
        assert_eq!(run.code, Some(2), "{}", run.out);
        assert_eq!(
            run.out,
            "0 cases: 0 passed, 0 failed; 1 file could not be run\n"
        );
        run.err
    }
}

const PASSING: &str = "
  - name: main deploys
    permission: ws:deployments:create
    context: { repository: acme-org/infra, repository_id: 123, workflow: deploy.yml, branch: main, environment: production }
    expect: granted
  - name: a feature branch does not
    permission: ws:deployments:create
    context: { repository: acme-org/infra, repository_id: 123, workflow: deploy.yml, branch: feature/x, environment: production }
    expect: denied
  - name: a re-created repository does not
    permission: ws:deployments:create
    context: { repository: acme-org/infra, repository_id: 124 }
    expect: repository_id_mismatch
";

/// Expects what the policy does not do.
const FAILING: &str = "
  - name: a job without environment deploys
    permission: ws:deployments:create
    context: { repository: acme-org/infra, repository_id: 123, workflow: deploy.yml, branch: main }
    expect: allowed
  - name: main cannot deploy <&\"'\\e
    permission: ws:deployments:create
    context: { repository: acme-org/infra, repository_id: 123, workflow: deploy.yml, branch: main, environment: production }
    expect: no_rule_matches
";

#[test]
fn all_hold() {
    let run = Cases::new().with_cases(PASSING).test(&["cases.yml"]);
    assert_eq!((run.code, &*run.err), (Some(0), ""));
    assert_snapshot!(run.out, @r"
    cases.yml
      ✓ main deploys
      ✓ a feature branch does not
      ✓ a re-created repository does not

    1 of 3 rules matched in a case
      never: policy.yml:11 ws:locks:create, ws:locks:delete
      never: policy.yml:14 `broken`

    3 cases: 3 passed, 0 failed
    ");
}

#[test]
fn some_do_not_hold() {
    let run = Cases::new()
        .with_cases(&format!("{PASSING}{FAILING}"))
        .test(&["cases.yml"]);
    assert_eq!((run.code, &*run.err), (Some(1), ""));
    assert_snapshot!(run.out, @r#"
    cases.yml
      ✓ main deploys
      ✓ a feature branch does not
      ✓ a re-created repository does not
      ✗ a job without environment deploys
      ✗ main cannot deploy <&"'\e

    ✗ a job without environment deploys
      --> cases.yml:17:5
      - expected allowed
      + got      denied (no_rule_matches)

      `ws:deployments:create` is denied: rule 1 (`production deploys`, line 6) needs environment `production`; this job has none
      --> policy.yml:6:9
      job: repository `acme-org/infra`, workflow `deploy.yml`, branch `main`, no environment, event `push`

      ws:deployments:create: denied
                           policy      kind     this job
        ✗ rule 1 (`production deploys`, line 6)
            ✓ workflow     deploy.yml  literal  deploy.yml
            ✓ branch       main        literal  main
            ✗ environment  production  literal  none

    ✗ main cannot deploy <&"'\e
      --> cases.yml:21:5
      - expected denied (no_rule_matches)
      + got      allowed (granted)

      `ws:deployments:create` is allowed: rule 1 (`production deploys`, line 6) matches
      --> policy.yml:6:9
      job: repository `acme-org/infra`, workflow `deploy.yml`, branch `main`, environment `production`, event `push`

      ws:deployments:create: allowed
                           policy      kind     this job
        ✓ rule 1 (`production deploys`, line 6)
            ✓ workflow     deploy.yml  literal  deploy.yml
            ✓ branch       main        literal  main
            ✓ environment  production  literal  production

    1 of 3 rules matched in a case
      never: policy.yml:11 ws:locks:create, ws:locks:delete
      never: policy.yml:14 `broken`

    5 cases: 3 passed, 2 failed
    "#);
}

#[test]
fn several_files_share_the_coverage() {
    let locks = "policy: ../several/policy.yml
tests:
  - name: locks
    permission: [Locks Create, ws:locks:delete]
    context: { repository: Acme-Org/Infra, repository_id: 123, branch: main }
    now: 2027-01-31T12:00:00Z
    expect: allowed
  - name: locks later
    permission: Locks Create
    context: { repository: acme-org/infra, repository_id: 123, branch: main }
    expect: expired
";
    let directory = Cases::new().with_cases(PASSING);
    let name = directory.0.0.file_name().unwrap().to_str().unwrap();
    let locks = locks.replace("several", name);
    let directory = directory.with("locks.yml", locks);
    let run = directory.test(&["cases.yml", "locks.yml", "--now", "2027-02-01T00:00:00Z"]);
    assert_eq!((run.code, &*run.err), (Some(0), ""));
    assert_snapshot!(run.out, @r"
    cases.yml
      ✓ main deploys
      ✓ a feature branch does not
      ✓ a re-created repository does not

    locks.yml
      ✓ locks
      ✓ locks later

    2 of 3 rules matched in a case
      never: policy.yml:14 `broken`

    5 cases: 5 passed, 0 failed
    ");
}

#[test]
fn a_failure_in_a_large_policy_shows_the_rules_that_tell_why() {
    let mut policy = "version: 1\npermissions:\n".to_owned();
    for number in 1..=30 {
        policy +=
            &format!("  - {{ permission: a:b, workflow: w{number}.yml, branch: b{number} }}\n");
    }
    policy += "  - { permission: a:b, branch: main, events: [push], expires: 2020-01-01 }\n";
    policy += "  - { permission: c:d, environment: { glob: 'prod-*' } }\n";
    let tests = "
  - name: both
    permission: [a:b, c:d, e:f]
    context: { repository: o/r, branch: main, workflow: w7.yml, environment: prod-eu, event: issues, actor: me }
    expect: allowed
  - name: one
    permission: c:d
    context: { repository: o/r, environment: prod-eu }
    expect: policy_invalid
";
    let directory = Cases::new().with("policy.yml", policy);
    let run = directory
        .with_cases(tests)
        .test(&["cases.yml", "--now=2026-01-01T00:00:00Z"]);
    assert_eq!((run.code, &*run.err), (Some(1), ""));
    assert_snapshot!(run.out, @"
    cases.yml
      ✗ both
      ✗ one

    ✗ both
      --> cases.yml:4:5
      - expected allowed
      + got      denied (no_rule_matches)

      `a:b` is denied: rule 7 (line 9) needs branch `b7` and does not name this event in `events:`, which an untrusted event needs; this job has branch `main` and event `issues`; `c:d` is denied: rule 32 (line 34) does not name this event in `events:`, which an untrusted event needs; this job has event `issues`; `e:f` is denied: no rule of `o/r` names it
      --> policy.yml:9:5
      --> policy.yml:34:5
      job: repository `o/r`, workflow `w7.yml`, branch `main`, environment `prod-eu`, event `issues`, actor `me`

      a:b: denied
                           policy      kind     this job
        ✗ rule 1 (line 3)
            ✗ workflow     w1.yml      literal  w7.yml
            ✗ branch       b1          literal  main
            ✓ environment  *           any      prod-eu
            ✗ event        not named   events   issues
        ✗ rule 2 (line 4)
            ✗ workflow     w2.yml      literal  w7.yml
            ✗ branch       b2          literal  main
            ✓ environment  *           any      prod-eu
            ✗ event        not named   events   issues
        ✗ rule 3 (line 5)
            ✗ workflow     w3.yml      literal  w7.yml
            ✗ branch       b3          literal  main
            ✓ environment  *           any      prod-eu
            ✗ event        not named   events   issues
        ✗ rule 7 (line 9)  ← nearest miss
            ✓ workflow     w7.yml      literal  w7.yml
            ✗ branch       b7          literal  main
            ✓ environment  *           any      prod-eu
            ✗ event        not named   events   issues
        ✗ rule 31 (line 33)
            ✓ workflow     *           any      w7.yml
            ✓ branch       main        literal  main
            ✓ environment  *           any      prod-eu
            ✗ event        push        events   issues
            ✗ expires      2020-01-01  expiry   2026-01-01T00:00:00Z
        … and 26 more rules, not shown

      c:d: denied
                           policy     kind    this job
        ✗ rule 32 (line 34)
            ✓ workflow     *          any     w7.yml
            ✓ branch       *          any     main
            ✓ environment  prod-*     glob    prod-eu
            ✗ event        not named  events  issues

    ✗ one
      --> cases.yml:8:5
      - expected error (policy_invalid)
      + got      allowed (granted)

      `c:d` is allowed: rule 32 (line 34) matches
      --> policy.yml:34:5
      job: repository `o/r`, no workflow, no branch, environment `prod-eu`, event `push`

      c:d: allowed
                           policy  kind  this job
        ✓ rule 32 (line 34)
            ✓ workflow     *       any   none
            ✓ branch       *       any   none
            ✓ environment  prod-*  glob  prod-eu

    1 of 32 rules matched in a case
      never: policy.yml:3 a:b
      never: policy.yml:4 a:b
      never: policy.yml:5 a:b
      never: policy.yml:6 a:b
      never: policy.yml:7 a:b
      never: policy.yml:8 a:b
      never: policy.yml:9 a:b
      never: policy.yml:10 a:b
      never: policy.yml:11 a:b
      never: policy.yml:12 a:b
      never: policy.yml:13 a:b
      never: policy.yml:14 a:b
      never: policy.yml:15 a:b
      never: policy.yml:16 a:b
      never: policy.yml:17 a:b
      never: policy.yml:18 a:b
      never: policy.yml:19 a:b
      never: policy.yml:20 a:b
      never: policy.yml:21 a:b
      never: policy.yml:22 a:b
      … and 11 more

    2 cases: 0 passed, 2 failed
    ");
}

#[test]
fn the_cases_of_a_directory_are_those_beside_its_policies() {
    let directory = Cases::new().with_cases(FAILING);
    directory.0.write(".github/policy.yml", POLICY);
    let run = directory.test(&[".github"]);
    assert_eq!(run.code, Some(2));
    assert_snapshot!(run.err, @"error: .github: the directory has no file of cases: expected a name ending in `.tests.yml`, `.tests.yaml`, `.tests.json`");
    let cases = format!("policy: policy.yml\ntests:\n{PASSING}");
    directory.0.write(".github/policy.tests.yml", cases);
    let cases = r#"{"policy": "policy.yml", "tests": [{"name": "nothing", "permission": "a:b",
        "context": {"repository": "a/b"}, "expect": "repository_not_found"}]}"#;
    directory.0.write(".github/other.tests.json", cases);
    let run = directory.test(&[]);
    assert_eq!((run.code, &*run.err), (Some(0), ""));
    assert_snapshot!(run.out, @r"
    .github/other.tests.json
      ✓ nothing

    .github/policy.tests.yml
      ✓ main deploys
      ✓ a feature branch does not
      ✓ a re-created repository does not

    1 of 3 rules matched in a case
      never: .github/policy.yml:11 ws:locks:create, ws:locks:delete
      never: .github/policy.yml:14 `broken`

    4 cases: 4 passed, 0 failed
    ");
    assert_eq!(directory.test(&[".github"]).out, run.out);
}

#[test]
fn a_policy_may_delegate_to_the_own_one() {
    let central = "version: 1
repositories:
  - repository: acme-org/infra
    delegate: ws:locks:create
    permissions:
      - permission: ws:locks:create
        branch: release
";
    let own = "version: 1
permissions:
  - name: ours
    permission: [ws:locks:create, ws:locks:delete]
    branch: main
";
    let tests = "policy: central.yml
own_policy: own/own.yml
tests:
  - name: the own policy may lock
    permission: ws:locks:create
    context: { repository: acme-org/infra, branch: main }
    expect: allowed
  - name: and do nothing else
    permission: ws:locks:delete
    context: { repository: acme-org/infra, branch: main }
    expect: permission_not_granted
  - name: neither does
    permission: ws:locks:create
    context: { repository: acme-org/infra, branch: develop }
    expect: allowed
";
    let directory = Cases::new()
        .with("central.yml", central)
        .with("cases.yml", tests);
    assert_snapshot!(directory.invalid(), @r"
    error: `own_policy` `own/own.yml` cannot be read: No such file or directory (os error 2)
     --> cases.yml:2:13
      |
    2 | own_policy: own/own.yml
      |             ^^^^^^^^^^^
    ");
    let directory = directory.with("own/own.yml", own);
    let run = directory.test(&["cases.yml"]);
    assert_eq!((run.code, &*run.err), (Some(1), ""));
    assert_snapshot!(run.out, @"
    cases.yml
      ✓ the own policy may lock
      ✓ and do nothing else
      ✗ neither does

    ✗ neither does
      --> cases.yml:12:5
      - expected allowed
      + got      denied (no_rule_matches)

      `ws:locks:create` is denied: rule 1 (line 6) needs branch `release`; this job has `develop`
      --> central.yml:6:9
      job: repository `acme-org/infra`, no workflow, branch `develop`, no environment, event `push`

      ws:locks:create: denied
                           policy   kind     this job
        ✗ rule 1 (line 6)  ← nearest miss
            ✓ workflow     *        any      none
            ✗ branch       release  literal  develop
            ✓ environment  *        any      none
        ✗ rule 1 (`ours`, line 3 of the repository's own policy)
            ✓ workflow     *        any      none
            ✗ branch       main     literal  develop
            ✓ environment  *        any      none

    0 of 1 rule matched in a case
      never: central.yml:6 ws:locks:create

    3 cases: 2 passed, 1 failed
    ");
    let run = directory
        .with("own/own.yml", "version: 2\n")
        .test(&["cases.yml"]);
    assert_eq!((run.code, &*run.err), (Some(2), ""));
    assert!(run.out.contains("the policy `own/own.yml` is not valid"));
    assert!(run.out.contains("3 cases: 1 passed, 2 failed"));
}

#[test]
fn json() {
    let directory = Cases::new().with_cases(FAILING);
    let run = directory.test(&["cases.yml", "--format", "json"]);
    assert_eq!((run.code, &*run.err), (Some(1), ""));
    let json: Value = run.json();
    assert_snapshot!(serde_json::to_string_pretty(&json).unwrap(), @r#"
    {
      "cases": [
        {
          "decision": "denied",
          "expected": "allowed",
          "file": "cases.yml",
          "line": 4,
          "message": "`ws:deployments:create` is denied: rule 1 (`production deploys`, line 6) needs environment `production`; this job has none",
          "name": "a job without environment deploys",
          "passed": false,
          "reason": "no_rule_matches"
        },
        {
          "decision": "allowed",
          "expected": "no_rule_matches",
          "file": "cases.yml",
          "line": 8,
          "message": "`ws:deployments:create` is allowed: rule 1 (`production deploys`, line 6) matches",
          "name": "main cannot deploy <&\"'\\e",
          "passed": false,
          "reason": "granted"
        }
      ],
      "errors": [],
      "summary": {
        "failed": 2,
        "passed": 0
      },
      "uncovered": [
        {
          "line": 11,
          "name": null,
          "permissions": [
            "ws:locks:create",
            "ws:locks:delete"
          ],
          "policy": "policy.yml"
        },
        {
          "line": 14,
          "name": "broken",
          "permissions": [
            "ws:instances:create"
          ],
          "policy": "policy.yml"
        }
      ]
    }
    "#);
}

#[test]
fn json_names_what_is_invalid() {
    let directory = Cases::new().with_cases("  - nam: x\n");
    let run = directory.test(&["cases.yml", "missing.yml", "--format", "json"]);
    assert_eq!(run.code, Some(2));
    let json: Value = run.json();
    assert_eq!(json["cases"], Value::Array(Vec::new()));
    assert_snapshot!(serde_json::to_string_pretty(&json["errors"]).unwrap(), @r#"
    [
      {
        "column": 5,
        "file": "cases.yml",
        "help": "did you mean `name`?",
        "line": 3,
        "message": "unknown key `nam` in a case"
      },
      {
        "column": null,
        "file": "missing.yml",
        "help": null,
        "line": null,
        "message": "the file cannot be read: No such file or directory (os error 2)"
      }
    ]
    "#);
}

#[test]
fn junit_is_xml_whatever_the_names_are() {
    let name = "]]>&amp;<x y=\"'🦀";
    let escapes = r#""\e[31m\0\n\t\ufffe\N\L""#;
    let tests = format!(
        "
  - name: '{}'
    permission: a:b
    context: {{ repository: acme-org/infra, repository_id: 123 }}
    expect: permission_not_granted
  - name: {escapes}
    permission: ws:deployments:create
    context: {{ repository: acme-org/infra, repository_id: 123, branch: {escapes} }}
    expect: allowed
  - name: undecided
    permission: ws:instances:create
    context: {{ repository: acme-org/infra, repository_id: 123 }}
    expect: denied
",
        name.replace('\'', "''")
    );
    let directory = Cases::new().with_cases(&tests);
    let run = directory.test(&["--format=junit", "cases.yml", "missing.yml"]);
    assert_eq!(run.code, Some(2));
    let xml = roxmltree::Document::parse(&run.out).unwrap();
    let root = xml.root_element();
    let counts = |node: roxmltree::Node<'_, '_>| {
        ["tests", "failures", "errors"].map(|name| node.attribute(name).unwrap().to_owned())
    };
    assert_eq!(counts(root), ["4", "1", "2"]);
    let suites: Vec<_> = root.children().filter(|node| node.is_element()).collect();
    assert_eq!(counts(suites[0]), ["3", "1", "1"]);
    assert_eq!(counts(suites[1]), ["1", "0", "1"]);
    let cases: Vec<_> = suites[0]
        .children()
        .filter(|node| node.has_tag_name("testcase"))
        .collect();
    assert_eq!(cases[0].attribute("name"), Some(name));
    assert_eq!(cases[0].attribute("line"), Some("4"));
    assert!(cases[0].first_element_child().is_none());
    assert_eq!(
        cases[1].attribute("name"),
        Some("\\u{1b}[31m\\u{0}\n\t\\u{fffe}\\u{85}\u{2028}")
    );
    let failure = cases[1].first_element_child().unwrap();
    assert!(failure.has_tag_name("failure"));
    assert_eq!(
        failure.attribute("message"),
        Some("expected allowed, got denied (no_rule_matches)")
    );
    assert!(failure.text().unwrap().contains("✗ environment"));
    let error = cases[2].first_element_child().unwrap();
    assert!(error.has_tag_name("error"));
    assert_eq!(error.attribute("type"), Some("policy_invalid"));
}

#[test]
fn a_case_may_be_about_an_invalid_policy() {
    let broken = "
  - name: the slip stays where it is
    permission: ws:instances:create
    context: { repository: acme-org/infra, repository_id: 123 }
    expect: EXPECT
";
    let directory = Cases::new();
    let run = |cases: Cases, expect| {
        cases
            .with_cases(&broken.replace("EXPECT", expect))
            .test(&["cases.yml"])
    };
    assert_eq!(run(directory, "policy_invalid").code, Some(0));
    let undecided = run(Cases::new(), "denied");
    assert_eq!(undecided.code, Some(2));
    assert_snapshot!(undecided.out, @"
    cases.yml
      ✗ the slip stays where it is

    ✗ the slip stays where it is
      --> cases.yml:4:5
      - expected denied
      + got      error (policy_invalid)

      the policy `policy.yml` is not valid: line 16, column 17: the regex `a)|(` is not valid: unopened group, at byte 1
      job: repository `acme-org/infra`, no workflow, no branch, no environment, event `push`

    0 of 3 rules matched in a case
      never: policy.yml:6 `production deploys`
      never: policy.yml:11 ws:locks:create, ws:locks:delete
      never: policy.yml:14 `broken`

    1 case: 0 passed, 1 failed
    ");

    let invalid = || Cases::new().with("policy.yml", "version: 2\nx: 1\n");
    assert_eq!(run(invalid(), "policy_invalid").code, Some(0));
    let unexpected = run(invalid(), "denied");
    assert_eq!(unexpected.code, Some(2));
    assert_snapshot!(unexpected.err, @r"
    error: `version` is `2`, expected 1
     --> policy.yml:1:10
      |
    1 | version: 2
      |          ^
      |
      = help: write `version: 1`, or use a later release

    error: unknown key `x` in the policy
     --> policy.yml:2:1
      |
    2 | x: 1
      | ^
      |
      = help: known keys: `version`, `workspace`, `permissions`, `repositories`
    ");
}

#[test]
fn the_context_can_come_from_claims() {
    let tests = r#"
  - name: from the claims of a token
    permission: ws:deployments:create
    claims_file: claims.json
    expect: allowed
  - name: single claims win
    permission: ws:deployments:create
    claims_file: claims.json
    claims: { ref: refs/tags/main }
    expect: denied
  - name: the context wins over both
    permission: ws:deployments:create
    claims_file: claims.json
    claims: { ref: refs/tags/main, repository_id: 7 }
    context: { branch: main, repository_id: 123 }
    expect: allowed
  - name: an unproven pull request
    permission: ws:deployments:create
    claims_file: claims.json
    claims: { ref: refs/pull/7/merge, head_ref: main, event_name: pull_request }
    expect: denied
  - name: a pull request that the payload proves
    permission: ws:deployments:create
    claims_file: claims.json
    claims: { ref: refs/pull/7/merge, head_ref: main, event_name: pull_request }
    payload_file: event.json
    expect: allowed
"#;
    let claims = r#"{"repository": "acme-org/infra", "repository_id": "123", "ref": "refs/heads/main",
        "workflow_ref": "acme-org/infra/.github/workflows/deploy.yml@refs/heads/main",
        "environment": "production", "event_name": "push"}"#;
    let event = r#"{"pull_request": {"number": 7, "head": {"ref": "main", "sha": "x", "repo": {"id": 123}}}}"#;
    let directory = Cases::new()
        .with("claims.json", claims)
        .with("event.json", event)
        .with_cases(tests);
    let run = directory.test(&["cases.yml"]);
    assert_eq!(run.code, Some(0), "{}{}", run.out, run.err);

    let directory = directory.with("claims.json", "[]").with("event.json", "{");
    assert_snapshot!(directory.invalid(), @r"
    error: `claims_file` `claims.json` is not a JSON object: invalid type: sequence, expected a map at line 1 column 0
     --> cases.yml:6:18
      |
    6 |     claims_file: claims.json
      |                  ^^^^^^^^^^^

    error: `claims_file` `claims.json` is not a JSON object: invalid type: sequence, expected a map at line 1 column 0
      --> cases.yml:10:18
       |
    10 |     claims_file: claims.json
       |                  ^^^^^^^^^^^

    error: `claims_file` `claims.json` is not a JSON object: invalid type: sequence, expected a map at line 1 column 0
      --> cases.yml:15:18
       |
    15 |     claims_file: claims.json
       |                  ^^^^^^^^^^^

    error: `claims_file` `claims.json` is not a JSON object: invalid type: sequence, expected a map at line 1 column 0
      --> cases.yml:21:18
       |
    21 |     claims_file: claims.json
       |                  ^^^^^^^^^^^

    error: `claims_file` `claims.json` is not a JSON object: invalid type: sequence, expected a map at line 1 column 0
      --> cases.yml:26:18
       |
    26 |     claims_file: claims.json
       |                  ^^^^^^^^^^^
    ");
}

#[test]
fn cases_of_pull_requests_name_a_base() {
    let policy = "version: 1
permissions:
  - permission: a:b
    branch: feature/x
    events: [pull_request]
  - permission: c:d
    branch: feature/x
    base: develop
";
    let case = |name: &str, permission: &str, more: &str, expect: &str| {
        format!(
            "  - {{ name: {name}, permission: {permission}, context: {{ branch: feature/x, event: pull_request{more} }}, expect: {expect} }}\n"
        )
    };
    let cases = [
        case("into an unreviewed branch", "a:b", ", base: evil", "no_rule_matches"),
        case("into a branch of the same name", "a:b", ", base: feature/x", "allowed"),
        case("into the default branch", "a:b", ", base: main, default_branch: main", "allowed"),
        case("into a branch that was the default one", "a:b", ", base: main, default_branch: trunk", "denied"),
        case("into what base names", "c:d", ", base: develop", "allowed"),
        case("into the default branch that base does not name", "c:d", ", base: main, default_branch: main", "denied"),
        case("without a base", "c:d", "", "allowed"),
        "  - { name: a push, permission: c:d, context: { branch: feature/x, base: evil }, expect: allowed }\n".to_owned(),
    ];
    let directory = Cases::new().with("policy.yml", policy);
    let directory = directory.with_cases(&cases.concat());
    let run = directory.test(&["cases.yml"]);
    assert_eq!(run.code, Some(0), "{}", run.out);
    assert_snapshot!(run.out, @"
    cases.yml
      ✓ into an unreviewed branch
      ✓ into a branch of the same name
      ✓ into the default branch
      ✓ into a branch that was the default one
      ✓ into what base names
      ✓ into the default branch that base does not name
      ✓ without a base (base not given, assumed to be trusted)
      ✓ a push

    2 of 2 rules matched in a case

    8 cases: 8 passed, 0 failed
    ");
    let json: Value = directory.test(&["cases.yml", "--format", "json"]).json();
    let assumed: Vec<_> = json["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| case["assumed"].is_string())
        .collect();
    assert_eq!(assumed.iter().filter(|assumed| **assumed).count(), 1);
    assert!(assumed[6]);
}

#[test]
fn rules_at_the_top_count_where_the_policy_lies() {
    let policy = format!("{POLICY}permissions:\n  - permission: a:b\n");
    let own = "
tests:
  - name: its own repository
    permission: a:b
    context: { repository: ACME-org/policies }
    expect: EXPECT
";
    let run = |head: &str, expect: &str| {
        let cases = format!(
            "policy: policy.yml\n{head}{}",
            own.replace("EXPECT", expect)
        );
        Cases::new()
            .with("policy.yml", &policy)
            .with("cases.yml", cases)
            .test(&["cases.yml"])
    };
    for (head, expect) in [
        ("policy_repository: acme-org/policies", "allowed"),
        ("", "repository_not_found"),
        ("policy_repository: acme-org/other", "policy_invalid"),
    ] {
        let run = run(head, expect);
        assert_eq!(run.code, Some(0), "{head}\n{}{}", run.out, run.err);
    }
}

#[test]
fn invalid_files() {
    let invalid = |text: &str| Cases::new().with("cases.yml", text).invalid();
    assert_snapshot!(invalid(""), @r"
    error: the file of cases is empty
     --> cases.yml:1:1
      |
    1 |
      | ^
      |
      = help: start with `policy: FILE` and `tests:`
    ");
    assert_snapshot!(invalid("policy: policy.yml\ntests: []\n"), @r"
    error: `tests` has no case
     --> cases.yml:2:1
      |
    2 | tests: []
      | ^
    ");
    assert_snapshot!(invalid("version: 1\n"), @r"
    error: unknown key `version` in the file of cases
     --> cases.yml:1:1
      |
    1 | version: 1
      | ^^^^^^^
      |
      = help: known keys: `policy`, `own_policy`, `policy_repository`, `tests`
    ");
    assert_snapshot!(invalid("tests: &a\n  - *a\n"), @r"
    error: anchors (`&name`) are not allowed in a file of cases
     --> cases.yml:1:8
      |
    1 | tests: &a
      |        ^
      |
      = help: write the value out
    ");
    assert_snapshot!(invalid("policy: no.yml\ntests:\n  - {name: x, permission: a:b, context: {}, expect: denied}\n"), @"error: no.yml: the policy `no.yml` cannot be read: No such file or directory (os error 2)");
    let text = "\
policy: policy.yml
policy: policy.yml
tests:
  - name: x
    permission: Lock Create
    context: { repository: infra, repository_id: '1', branch: '', environment: 1, workflows: x, claims: {} }
    expect: allow
  - name: x
    permission: []
    now: tomorrow
    claims: { a: true, b: [c], c: null }
    expect: token_invalid
  - name: x
    permission: a:b
    payload_file: event.json
    context: {}
    expect: denied
  - {}
  - text
";
    assert_snapshot!(invalid(text), @r#"
    error: duplicate key `policy`, first at line 1
     --> cases.yml:2:1
      |
    2 | policy: policy.yml
      | ^^^^^^

    error: `Lock Create` is not a permission key
     --> cases.yml:5:17
      |
    5 |     permission: Lock Create
      |                 ^^^^^^^^^^^
      |
      = help: did you mean `ws:locks:create`?

    error: `infra` is not a repository
     --> cases.yml:6:28
      |
    6 |     context: { repository: infra, repository_id: '1', branch: '', environment: 1, workflows:…
      |                            ^^^^^
      |
      = help: write `OWNER/NAME`

    error: `repository_id` is a string (`1`), expected a positive integer
     --> cases.yml:6:50
      |
    6 |     context: { repository: infra, repository_id: '1', branch: '', environment: 1, workflows: x, claims: {} }
      |                                                  ^^^
      |
      = help: write it in decimal digits, without quotes, a sign, a leading zero or an underscore

    error: `branch` is empty
     --> cases.yml:6:63
      |
    6 | …  context: { repository: infra, repository_id: '1', branch: '', environment: 1, workflows: x, claims: {} }
      |                                                              ^
      |
      = help: give it a value or leave the key out

    error: `environment` is an integer (`1`), expected a string
     --> cases.yml:6:80
      |
    6 | …sitory: infra, repository_id: '1', branch: '', environment: 1, workflows: x, claims: {} }
      |                                                              ^
      |
      = help: write it in quotes: `"1"`

    error: unknown key `workflows` in `context`
     --> cases.yml:6:83
      |
    6 | …ory: infra, repository_id: '1', branch: '', environment: 1, workflows: x, claims: {} }
      |                                                              ^^^^^^^^^
      |
      = help: did you mean `workflow`?

    error: `claims` names no claim
     --> cases.yml:6:97
      |
    6 | …pository_id: '1', branch: '', environment: 1, workflows: x, claims: {} }
      |                                                              ^
      |
      = help: leave the key out

    error: `expect` is `allow`, which is not possible in a case
     --> cases.yml:7:13
      |
    7 |     expect: allow
      |             ^^^^^
      |
      = help: write one of `allowed`, `denied`, `granted`, `repository_not_found`, `repository_id_mismatch`, `permission_not_granted`, `untrusted_event`, `expired`, `no_rule_matches`, `policy_invalid`

    error: a second case is named `x`, after line 4
     --> cases.yml:8:11
      |
    8 |   - name: x
      |           ^

    error: the list of permissions is empty
     --> cases.yml:9:17
      |
    9 |     permission: []
      |                 ^
      |
      = help: name one, such as `ws:deployments:create`

    error: `now` is `tomorrow`, expected an instant
      --> cases.yml:10:10
       |
    10 |     now: tomorrow
       |          ^^^^^^^^
       |
       = help: write `2027-01-31T12:00:00Z`, with its offset

    error: the claim `a` is a boolean (`true`), expected a string
      --> cases.yml:11:18
       |
    11 |     claims: { a: true, b: [c], c: null }
       |                  ^^^^
       |
       = help: write it in quotes: `"true"`

    error: the claim `b` is a list, expected a string
      --> cases.yml:11:27
       |
    11 |     claims: { a: true, b: [c], c: null }
       |                           ^

    error: `c` has no value
      --> cases.yml:11:32
       |
    11 |     claims: { a: true, b: [c], c: null }
       |                                ^
       |
       = help: give it a value or remove the key

    error: `expect` is `token_invalid`, which is not possible in a case
      --> cases.yml:12:13
       |
    12 |     expect: token_invalid
       |             ^^^^^^^^^^^^^
       |
       = help: write one of `allowed`, `denied`, `granted`, `repository_not_found`, `repository_id_mismatch`, `permission_not_granted`, `untrusted_event`, `expired`, `no_rule_matches`, `policy_invalid`

    error: a second case is named `x`, after line 4
      --> cases.yml:13:11
       |
    13 |   - name: x
       |           ^

    error: `context` is missing
      --> cases.yml:18:5
       |
    18 |   - {}
       |     ^
       |
       = help: add `context: { repository: OWNER/NAME }`

    error: `name` is missing
      --> cases.yml:18:5
       |
    18 |   - {}
       |     ^
       |
       = help: add `name: a feature branch cannot deploy`

    error: `permission` is missing
      --> cases.yml:18:5
       |
    18 |   - {}
       |     ^
       |
       = help: add `permission: ws:deployments:create`

    error: `expect` is missing
      --> cases.yml:18:5
       |
    18 |   - {}
       |     ^
       |
       = help: add `expect: denied`

    error: a case is a string (`text`), expected a mapping
      --> cases.yml:19:5
       |
    19 |   - text
       |     ^^^^
       |
       = help: write its keys: `name`, `permission`, `context`, `claims`, `claims_file`, `payload_file`, `now`, `expect`
    "#);
}

#[test]
fn what_cannot_be_read() {
    let directory = Cases::new().with("cases.yml", b"policy: \xff");
    assert_snapshot!(directory.invalid(), @"error: cases.yml: the file is not UTF-8 text: byte 8");
    let run = directory.test(&["."]);
    assert_eq!(run.code, Some(2));
    assert_eq!(directory.test(&[]).code, Some(2));
    let run = directory.test(&["cases.yml", "--now", "today"]);
    assert_eq!((run.code, &*run.out), (Some(2), ""));
    assert_snapshot!(run.err, @"
    error: invalid value 'today' for '--now <INSTANT>': expected an instant such as `2027-01-31T12:00:00Z`

    For more information, try '--help'.
    ");
}

#[test]
fn of_many_failures_the_first_are_explained() {
    let failing = |number| {
        format!(
            "  - {{ name: c{number}, permission: ws:deployments:create, context: {{ repository: acme-org/infra, repository_id: 123, branch: main }}, expect: allowed }}\n"
        )
    };
    let cases: String = (0..60).map(failing).collect();
    let directory = Cases::new().with_cases(&cases);
    let run = directory.test(&["cases.yml"]);
    assert_eq!(run.code, Some(1));
    assert_eq!(run.out.matches("✗ rule 1").count(), 50, "{}", run.out);
    assert!(
        run.out
            .contains("… and 10 more failed cases, not explained here\n")
    );
    // Programs get all of them.
    let run = directory.test(&["cases.yml", "--format", "junit"]);
    assert_eq!(
        run.out.matches("<failure type=\"no_rule_matches\"").count(),
        60
    );
    let last = run.out.split("name=\"c59\"").nth(1).unwrap();
    assert!(last.contains("needs workflow"), "{last}");
}
