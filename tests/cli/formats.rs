//! Atmos Pro's own examples, and one slip of each kind in them, in every format of `lint`.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::directory::Directory;
use crate::support::program::Run;

/// The development policy, affected stacks, deployments and locks of Atmos Pro's page.
const ATMOS_PRO: &str = r#"version: 1
permissions:
  - permission: Affected Stacks Create
    workflow: "*"
    branch: "^(main|develop|feature/.*)$"
    environment: "*"
  - permission: Affected Stacks Create
    workflow: "*"
    branch: main
    environment: "*"
  - permission: Deployments Create
    workflow: deploy-production.yml
    branch: main
    environment: production
  - permission: Locks Create
    workflow: "*"
    branch: main
    environment: "*"
  - permission: Locks Delete
    workflow: "*"
    branch: main
    environment: "*"
"#;

fn lint(format: &str) -> Run {
    let directory = Directory::checkout(&[("policy.yml", ATMOS_PRO)]);
    let run = directory.run(&["lint", "policy.yml", "--format", format]);
    assert_eq!((run.code, &*run.err), (Some(0), ""));
    run
}

#[test]
fn human() {
    assert_snapshot!(lint("human").out, @r#"
    note[redundant-anchor]: the `^` and `$` of `^(main|develop|feature/.*)$` change nothing: a pattern matches the whole value
     --> policy.yml:5:13
      |
    5 |     branch: "^(main|develop|feature/.*)$"
      |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write `(main|develop|feature/.*)`

    warning[unreachable]: rule 2 has no effect: rule 1 (line 3) grants all of its access
     --> policy.yml:7:5
      |
    7 |   - permission: Affected Stacks Create
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: remove it, or narrow the earlier rule: rules only add access

    0 errors, 1 warning, 1 note in 1 file; `--fix` can fix 1
    "#);
}

#[test]
fn json() {
    let json = lint("json").json();
    assert_snapshot!(serde_json::to_string_pretty(&json).unwrap(), @r#"
    {
      "findings": [
        {
          "code": "redundant-anchor",
          "column": 13,
          "edit": {
            "column": 13,
            "end_column": 42,
            "end_line": 5,
            "line": 5,
            "text": "\"(main|develop|feature/.*)\""
          },
          "end_column": 42,
          "file": "policy.yml",
          "fix": "\"(main|develop|feature/.*)\"",
          "fix_safe": true,
          "help": "write `(main|develop|feature/.*)`",
          "level": "note",
          "line": 5,
          "message": "the `^` and `$` of `^(main|develop|feature/.*)$` change nothing: a pattern matches the whole value"
        },
        {
          "code": "unreachable",
          "column": 5,
          "edit": null,
          "end_column": 39,
          "file": "policy.yml",
          "fix": null,
          "fix_safe": null,
          "help": "remove it, or narrow the earlier rule: rules only add access",
          "level": "warning",
          "line": 7,
          "message": "rule 2 has no effect: rule 1 (line 3) grants all of its access"
        }
      ],
      "summary": {
        "errors": 0,
        "notes": 1,
        "warnings": 1
      }
    }
    "#);
}

#[test]
fn github() {
    assert_snapshot!(lint("github").out, @"
    ::notice file=policy.yml,line=5,col=13,title=redundant-anchor::the `^` and `$` of `^(main|develop|feature/.*)$` change nothing: a pattern matches the whole value (write `(main|develop|feature/.*)`)
    ::warning file=policy.yml,line=7,col=5,title=unreachable::rule 2 has no effect: rule 1 (line 3) grants all of its access (remove it, or narrow the earlier rule: rules only add access)
    0 errors, 1 warning, 1 note in 1 file
    ");
}

#[test]
fn sarif() {
    let mut log = lint("sarif").json();
    let driver = &mut log["runs"][0]["tool"]["driver"];
    // The rules are one for each code; see below.
    driver["rules"]
        .as_array_mut()
        .unwrap()
        .retain(|rule| rule["id"] == "redundant-anchor");
    driver["version"] = "".into();
    assert_snapshot!(serde_json::to_string_pretty(&log).unwrap(), @r#"
    {
      "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
      "runs": [
        {
          "columnKind": "unicodeCodePoints",
          "results": [
            {
              "fixes": [
                {
                  "artifactChanges": [
                    {
                      "artifactLocation": {
                        "uri": "policy.yml"
                      },
                      "replacements": [
                        {
                          "deletedRegion": {
                            "endColumn": 42,
                            "endLine": 5,
                            "startColumn": 13,
                            "startLine": 5
                          },
                          "insertedContent": {
                            "text": "\"(main|develop|feature/.*)\""
                          }
                        }
                      ]
                    }
                  ],
                  "description": {
                    "text": "write `\"(main|develop|feature/.*)\"`"
                  }
                }
              ],
              "level": "note",
              "locations": [
                {
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "policy.yml"
                    },
                    "region": {
                      "endColumn": 42,
                      "endLine": 5,
                      "startColumn": 13,
                      "startLine": 5
                    }
                  }
                }
              ],
              "message": {
                "text": "the `^` and `$` of `^(main|develop|feature/.*)$` change nothing: a pattern matches the whole value (write `(main|develop|feature/.*)`)"
              },
              "partialFingerprints": {
                "primaryLocationLineHash": "34f5d6b15af96587:1"
              },
              "ruleId": "redundant-anchor",
              "ruleIndex": 7
            },
            {
              "level": "warning",
              "locations": [
                {
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "policy.yml"
                    },
                    "region": {
                      "endColumn": 39,
                      "endLine": 7,
                      "startColumn": 5,
                      "startLine": 7
                    }
                  }
                }
              ],
              "message": {
                "text": "rule 2 has no effect: rule 1 (line 3) grants all of its access (remove it, or narrow the earlier rule: rules only add access)"
              },
              "partialFingerprints": {
                "primaryLocationLineHash": "926f2d88cba92076:1"
              },
              "ruleId": "unreachable",
              "ruleIndex": 13
            }
          ],
          "tool": {
            "driver": {
              "informationUri": "https://repo-permissions.github.io/repo-permissions",
              "name": "repo-permissions",
              "rules": [
                {
                  "defaultConfiguration": {
                    "level": "note"
                  },
                  "fullDescription": {
                    "text": "Anchors around a pattern, which always matches the whole value."
                  },
                  "help": {
                    "text": "Anchors around a pattern, which always matches the whole value. https://repo-permissions.github.io/repo-permissions/lint.html#redundant-anchor"
                  },
                  "helpUri": "https://repo-permissions.github.io/repo-permissions/lint.html#redundant-anchor",
                  "id": "redundant-anchor",
                  "shortDescription": {
                    "text": "Anchors around a pattern, which always matches the whole value."
                  }
                }
              ],
              "version": ""
            }
          }
        }
      ],
      "version": "2.1.0"
    }
    "#);
}

/// What GitHub needs to show a finding: docs.github.com, "SARIF support for code scanning".
#[test]
fn sarif_has_what_github_asks_for() {
    let log = lint("sarif").json();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let driver = &run["tool"]["driver"];
    assert!(driver["name"].is_string());
    let rules = driver["rules"].as_array().unwrap();
    for rule in rules {
        for text in ["shortDescription", "fullDescription", "help"] {
            let text = rule[text]["text"].as_str().unwrap();
            assert!((1..=1024).contains(&text.len()), "{rule}");
        }
        let page = format!("/lint.html#{}", rule["id"].as_str().unwrap());
        assert!(rule["helpUri"].as_str().unwrap().ends_with(&page));
    }
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
        assert!(result["message"]["text"].is_string());
        let location = &result["locations"][0]["physicalLocation"];
        assert_eq!(location["artifactLocation"]["uri"], "policy.yml");
        for key in ["startLine", "startColumn", "endLine", "endColumn"] {
            assert!(location["region"][key].as_u64().unwrap() > 0);
        }
        let fingerprint = &result["partialFingerprints"]["primaryLocationLineHash"];
        assert!(fingerprint.as_str().unwrap().ends_with(":1"));
    }
}

#[test]
fn sarif_has_no_more_results_than_github_takes() {
    let rules = (0..25_000).map(|n| format!("  - {{ permission: a:b{n}, branch: main }}\n"));
    let policy = format!(
        "version: 1\npermissions:\n{}  - {{ permission: a:b, branch: a) }}\n",
        rules.collect::<String>()
    );
    let directory = Directory::checkout(&[("policy.yml", &policy)]);
    let log = directory
        .run(&["lint", "policy.yml", "--format", "sarif"])
        .json();
    let results = log["runs"][0]["results"].as_array().unwrap().clone();
    assert_eq!(results.len(), 25_000);
    assert_eq!(results[0]["ruleId"], "pattern-invalid");
}

/// A policy for each code of the lint, and all that is found in it.
const WORKFLOW_CODES: [&str; 6] = [
    "dispatched-ref",
    "gate-concurrent",
    "gate-continues",
    "gate-ignored",
    "gate-late",
    "gate-left-out",
];

const EACH_CODE: &[(&str, &str)] = &[
    ("invalid", "x: 1\n"),
    (
        "pattern-invalid",
        "permissions: [{ permission: ws:locks:create, branch: a) }]\n",
    ),
    (
        "glob-like",
        "permissions: [{ permission: ws:locks:create, branch: feature/* }]\n",
    ),
    (
        "not-itself",
        "permissions: [{ permission: ws:locks:create, environment: Production (EU) }]\n",
    ),
    (
        "impossible-claim",
        "permissions: [{ permission: ws:locks:create, branch: main, claims: { runner_environment: github_hosted } }]\n",
    ),
    (
        "impossible-event",
        "permissions: [{ permission: ws:locks:create, branch: main, events: [merge_group] }]\n",
    ),
    (
        "missing-base",
        "repositories: [{ repository: o/r, repository_id: 7, owner_id: 8, permissions: [{ permission: ws:locks:create, branch: main, events: [pull_request] }] }]\n",
    ),
    (
        "any-base",
        "permissions: [{ permission: ws:locks:create, branch: main, base: '*' }]\n",
    ),
    (
        "unused-base",
        "permissions: [{ permission: ws:locks:create, branch: main, base: main, events: [push] }]\n",
    ),
    (
        "double-backslash",
        "permissions: [{ permission: ws:locks:create, workflow: '.*\\\\.yml' }]\n",
    ),
    (
        "half-anchored",
        "permissions: [{ permission: ws:locks:create, branch: ^release/ }]\n",
    ),
    (
        "unescaped-dot",
        "permissions: [{ permission: ws:locks:create, branch: release/1.0|main }]\n",
    ),
    (
        "redundant-anchor",
        "permissions: [{ permission: ws:locks:create, branch: ^main$ }]\n",
    ),
    (
        "redundant-pattern",
        "permissions: [{ permission: ws:locks:create, branch: [main, main] }]\n",
    ),
    (
        "never-matches",
        "permissions: [{ permission: ws:locks:create, branch: refs/heads/main }]\n",
    ),
    (
        "trailing-dash-environment",
        "permissions: [{ permission: ws:locks:create, environment: prod- }]\n",
    ),
    (
        "extension",
        "permissions: [{ permission: ws:locks:create, workflow: deploy.yaml }]\n",
    ),
    (
        "unknown-workflow",
        "permissions: [{ permission: ws:locks:create, workflow: deplox.yml }]\n",
    ),
    (
        "unreachable",
        "permissions: [{ permission: ws:locks:create, branch: m.* }, { permission: ws:locks:create, branch: main }]\n",
    ),
    (
        "duplicate",
        "permissions: [{ permission: ws:locks:create, branch: main }, { permission: ws:locks:create, branch: main }]\n",
    ),
    (
        "broad-write",
        "permissions: [{ permission: ws:locks:create }]\n",
    ),
    (
        "unknown-permission",
        "permissions: [{ permission: ws:lock:create, branch: main }]\n",
    ),
    (
        "repeated-permission",
        "permissions: [{ permission: [ws:locks:create, Locks Create], branch: main }]\n",
    ),
    (
        "unknown-event",
        "permissions: [{ permission: ws:locks:create, branch: main, events: [pushes] }]\n",
    ),
    (
        "untrusted-event",
        "permissions: [{ permission: ws:locks:create, branch: main, events: [workflow_run] }]\n",
    ),
    (
        "unknown-claim",
        "permissions: [{ permission: ws:locks:create, branch: main, claims: { actorid: '7' } }]\n",
    ),
    (
        "weak-claim",
        "permissions: [{ permission: ws:locks:create, branch: main, claims: { workflow: x } }]\n",
    ),
    (
        "expired",
        "permissions: [{ permission: ws:locks:create, branch: main, expires: 2020-01-31 }]\n",
    ),
    (
        "unpinned-repository",
        "repositories: [{ repository: o/r, permissions: [{ permission: ws:locks:create, branch: main }] }]\n",
    ),
    (
        "top-level-ignored",
        "permissions: [{ permission: ws:locks:create, branch: main }]\nrepositories: [{ repository: o/.+, permissions: [{ permission: ws:locks:create, branch: main }] }]\n",
    ),
    (
        "unused-ignore",
        "permissions: [] # repo-permissions: ignore[broad-write] x\n",
    ),
    ("grants-nothing", "permissions: []\n"),
];

fn found(policy: &str) -> Vec<Value> {
    let policy = format!("version: 1\n{policy}");
    let files = [
        ("policy.yml", &*policy),
        (".github/workflows/deploy.yml", "on: push\njobs: {}\n"),
    ];
    let directory = Directory::checkout(&files);
    let run = directory.run(&[
        "lint",
        "policy.yml",
        "--format",
        "json",
        "--now",
        "2027-01-01T00:00:00Z",
    ]);
    assert_eq!(run.err, "");
    run.json()["findings"].as_array().unwrap().clone()
}

#[test]
fn each_code() {
    let mut shown = String::new();
    for (code, policy) in EACH_CODE {
        let found = found(policy);
        assert!(
            found.iter().any(|finding| finding["code"] == *code),
            "{code}: {found:?}"
        );
        shown.push_str(policy);
        for finding in found {
            let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
            let (line, column, end) =
                (&finding["line"], &finding["column"], &finding["end_column"]);
            let help = match &*text("help") {
                "" => String::new(),
                help => format!(" ({help})"),
            };
            let fix = match finding["edit"]["text"].as_str() {
                None => String::new(),
                Some(text) => {
                    let safe = if finding["fix_safe"] == json!(true) {
                        "safe"
                    } else {
                        "to decide"
                    };
                    format!(" [{safe}: {text:?}]")
                }
            };
            let (level, code, message) = (text("level"), text("code"), text("message"));
            shown.push_str(&format!(
                "  {line}:{column}-{end} {level}[{code}]: {message}{help}{fix}\n"
            ));
        }
    }
    assert_snapshot!(shown, @r#"
    x: 1
      2:1-2 error[invalid]: unknown key `x` in the policy (known keys: `version`, `workspace`, `permissions`, `repositories`)
    permissions: [{ permission: ws:locks:create, branch: a) }]
      2:54-56 error[pattern-invalid]: the regex `a)` is not valid: unopened group, at byte 1
    permissions: [{ permission: ws:locks:create, branch: feature/* }]
      2:54-63 warning[glob-like]: the regex `feature/*` looks like a glob: its `*` repeats the character before it (write `{ glob: "feature/*" }`, or the regex `"feature/[^/]*"`) [to decide: "{ glob: \"feature/*\" }"]
    permissions: [{ permission: ws:locks:create, environment: Production (EU) }]
      2:59-74 warning[not-itself]: `Production (EU)` is a regex that does not match its own text (write `{ exact: "Production (EU)" }`, or `{ regex: "Production (EU)" }` if you mean a regex) [to decide: "{ exact: \"Production (EU)\" }"]
    permissions: [{ permission: ws:locks:create, branch: main, claims: { runner_environment: github_hosted } }]
      2:90-103 warning[impossible-claim]: no job has a claim `runner_environment` that `github_hosted` matches: the claim is `github-hosted` or `self-hosted` (write `github-hosted`) [to decide: "github-hosted"]
    permissions: [{ permission: ws:locks:create, branch: main, events: [merge_group] }]
      2:69-80 warning[impossible-event]: for the event `merge_group`, no job has the branch `main`: it is the merge queue's own, below `gh-readonly-queue/` (name another event, or add `{ glob: "gh-readonly-queue/main/**" }` for the queue of `main`)
    repositories: [{ repository: o/r, repository_id: 7, owner_id: 8, permissions: [{ permission: ws:locks:create, branch: main, events: [pull_request] }] }]
      2:134-146 warning[missing-base]: the rule names `pull_request`, and its `branch` must match both the base and the head (name the base branches of the pull requests, such as `base: main`)
    permissions: [{ permission: ws:locks:create, branch: main, base: '*' }]
      2:66-69 warning[any-base]: `*` trusts every base, but a pull request also runs the code of its base (name the reviewed bases, such as `base: main`)
    permissions: [{ permission: ws:locks:create, branch: main, base: main, events: [push] }]
      2:66-70 warning[unused-base]: `base` is ignored: none of the rule's events has a pull request (remove it, or name `pull_request` in `events`)
    permissions: [{ permission: ws:locks:create, workflow: '.*\\.yml' }]
      2:56-66 warning[double-backslash]: the regex `.*\\.yml` requires a backslash in the value (file names, branches and environments have none: write `.*\.yml`) [to decide: "'.*\\.yml'"]
    permissions: [{ permission: ws:locks:create, branch: ^release/ }]
      2:54-63 warning[half-anchored]: the regex `^release/` matches the whole value, not every value that starts with it (write `release/.*`)
    permissions: [{ permission: ws:locks:create, branch: release/1.0|main }]
      2:54-70 warning[unescaped-dot]: a `.` in the regex `release/1.0|main` matches any character (for a dot write `release/1\.0|main`) [to decide: "release/1\\.0|main"]
    permissions: [{ permission: ws:locks:create, branch: ^main$ }]
      2:54-60 note[redundant-anchor]: the `^` and `$` of `^main$` change nothing: a pattern matches the whole value (write `main`) [safe: "main"]
    permissions: [{ permission: ws:locks:create, branch: [main, main] }]
      2:61-65 note[redundant-pattern]: `main` adds nothing to `main` in the same list (remove one of them) [safe: ""]
    permissions: [{ permission: ws:locks:create, branch: refs/heads/main }]
      2:54-69 warning[never-matches]: `refs/heads/main` matches no branch: branch names do not start with `refs/heads/` (write `main`) [to decide: "main"]
    permissions: [{ permission: ws:locks:create, environment: prod- }]
      2:59-64 warning[trailing-dash-environment]: the environment `prod-` ends with a dash (a name such as `prod-${{ vars.REGION }}` becomes this one if the variable is empty, and GitHub creates it without protection)
    permissions: [{ permission: ws:locks:create, workflow: deploy.yaml }]
      2:56-67 warning[extension]: there is no `.github/workflows/deploy.yaml`, but a file `deploy.yml` (write `deploy.yml`) [to decide: "deploy.yml"]
    permissions: [{ permission: ws:locks:create, workflow: deplox.yml }]
      2:56-66 note[unknown-workflow]: there is no `.github/workflows/deplox.yml` (did you mean `deploy.yml`?)
    permissions: [{ permission: ws:locks:create, branch: m.* }, { permission: ws:locks:create, branch: main }]
      2:61-107 warning[unreachable]: rule 2 has no effect: rule 1 (line 2) grants all of its access (remove it, or narrow the earlier rule: rules only add access)
    permissions: [{ permission: ws:locks:create, branch: main }, { permission: ws:locks:create, branch: main }]
      2:62-108 warning[duplicate]: rule 2 is the same as rule 1 (line 2) (remove it)
    permissions: [{ permission: ws:locks:create }]
      2:15-47 warning[broad-write]: every workflow, branch and environment may use `ws:locks:create` (name the workflow file, the branch or the environment)
    permissions: [{ permission: ws:lock:create, branch: main }]
      2:29-43 warning[unknown-permission]: `ws:lock:create` is not a known permission key (did you mean `ws:locks:create`?)
    permissions: [{ permission: [ws:locks:create, Locks Create], branch: main }]
      2:47-59 note[repeated-permission]: rule 1 names `ws:locks:create` twice (remove one of them) [safe: ""]
    permissions: [{ permission: ws:locks:create, branch: main, events: [pushes] }]
      2:69-75 warning[unknown-event]: GitHub documents no event `pushes` (did you mean `push`?)
    permissions: [{ permission: ws:locks:create, branch: main, events: [workflow_run] }]
      2:69-81 note[untrusted-event]: people without write access can start `workflow_run`, or control its content (keep it only if the workflow neither checks out nor runs code from the event)
    permissions: [{ permission: ws:locks:create, branch: main, claims: { actorid: '7' } }]
      2:70-77 warning[unknown-claim]: GitHub documents no claim `actorid` (did you mean `actor_id`?)
    permissions: [{ permission: ws:locks:create, branch: main, claims: { workflow: x } }]
      2:70-78 warning[weak-claim]: the claim `workflow` is the free text of `name:` in the file (use the rule's `workflow`, which is the file)
    permissions: [{ permission: ws:locks:create, branch: main, expires: 2020-01-31 }]
      2:69-79 warning[expired]: rule 1 expired on `2020-01-31` (remove the rule, or set a later date)
    repositories: [{ repository: o/r, permissions: [{ permission: ws:locks:create, branch: main }] }]
      2:30-33 note[unpinned-repository]: the entry names `o/r` without its id (add `repository_id`, which a later repository with the same name does not have (`gh api repos/OWNER/NAME --jq .id`))
    permissions: [{ permission: ws:locks:create, branch: main }]
    repositories: [{ repository: o/.+, permissions: [{ permission: ws:locks:create, branch: main }] }]
      2:15-61 note[top-level-ignored]: the rules at the top apply only to the repository that contains this file (as the policy of another repository, this file is invalid: move them into an entry of `repositories`)
    permissions: [] # repo-permissions: ignore[broad-write] x
      1:1-11 note[grants-nothing]: the policy has no rules, so it denies everything (add rules to `permissions`)
      2:19-44 warning[unused-ignore]: line 2 has no finding `broad-write` to ignore (remove the comment, or correct the code)
    permissions: []
      1:1-11 note[grants-nothing]: the policy has no rules, so it denies everything (add rules to `permissions`)
    "#);
    // `not-compared` takes more rules than one can write down; the lint's own tests have it.
    let mut codes: Vec<_> = EACH_CODE.iter().map(|(code, _)| *code).collect();
    codes.push("not-compared");
    // `lint.rs` has the findings of workflow files.
    codes.extend(WORKFLOW_CODES);
    let log = lint("sarif").json();
    let rules = log["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .unwrap()
        .clone();
    let mut all: Vec<_> = rules
        .iter()
        .map(|rule| rule["id"].as_str().unwrap())
        .collect();
    codes.sort_unstable();
    all.sort_unstable();
    assert_eq!(codes, all);
}
