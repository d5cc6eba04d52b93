//! A policy with both lists: its rules at the top count for the repository that contains it, as in a job.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::directory::Directory;

const BOTH: &str = "version: 1
permissions:
  - { permission: own:rule, branch: main }
repositories:
  - repository: acme-org/other
    delegate: [own:rule]
    permissions:
      - permission: other:rule
";
const REMOTE: &str = "[remote \"origin\"]\n\turl = git@github.com:acme-org/infra.git\n";
const POLICY: &str = ".github/repo-permissions.yml";

/// A checkout of `acme-org/infra` on `main` with the policy, and a copy outside of every work tree.
fn checkout() -> Directory {
    let directory = Directory::checkout(&[(POLICY, BOTH), (".git/config", REMOTE)]);
    directory.write(".git/HEAD", "ref: refs/heads/main\n");
    directory.write(
        ".github/workflows/d.yml",
        "on: push\njobs: { a: { runs-on: x, permissions: { id-token: write }, steps: [{ uses: o/repo-permissions@v1, with: { permission: 'own:rule' } }] } }\n",
    );
    // A work tree without a remote: nobody knows whose it is.
    directory.write("copy/.git/HEAD", "");
    directory.write("copy/policy.yml", BOTH);
    directory
}

/// Exit code and reason of a check of `own:rule`.
fn checked(directory: &Directory, arguments: &[&str]) -> (Option<i32>, String) {
    let fixed = ["check", "--permission", "own:rule", "--format", "json"];
    let run = directory.run(&[&fixed, arguments].concat());
    let json: Value = serde_json::from_str(&run.out).unwrap();
    (run.code, json["reason"].as_str().unwrap().to_owned())
}

#[test]
fn the_rules_at_the_top_count_where_the_policy_lies() {
    let directory = checkout();
    directory.write("a/b/x", "");
    let granted = (Some(0), "granted".to_owned());
    assert_eq!(checked(&directory, &[]), granted);
    assert_eq!(checked(&directory, &["--policy", POLICY]), granted);
    assert_eq!(
        checked(&directory, &["--branch", "x"]),
        (Some(1), "no_rule_matches".to_owned())
    );
    assert_eq!(
        checked(
            &directory,
            &["--repository", "ACME-org/Infra", "--branch", "main"]
        ),
        granted
    );
    // The honest twin: for another repository they do not.
    let other = ["--repository", "acme-org/other", "--branch", "main"];
    assert_eq!(
        checked(&directory, &other),
        (Some(1), "permission_not_granted".to_owned())
    );
    let stranger = ["--repository", "evil/infra", "--branch", "main"];
    assert_eq!(
        checked(&directory, &stranger),
        (Some(1), "repository_not_found".to_owned())
    );
}

#[test]
fn a_flag_says_which_repository_contains_the_policy() {
    let directory = checkout();
    let copy = [
        "--policy",
        "copy/policy.yml",
        "--branch",
        "main",
        "--repository",
        "acme-org/infra",
    ];
    let with = |repository: &str| {
        checked(
            &directory,
            &[&copy[..], &["--policy-repository", repository]].concat(),
        )
    };
    assert_eq!(
        checked(&directory, &copy),
        (Some(1), "repository_not_found".to_owned())
    );
    assert_eq!(with("acme-org/infra"), (Some(0), "granted".to_owned()));
    assert_eq!(with("Acme-Org/INFRA"), (Some(0), "granted".to_owned()));
    // As the policy of another repository, a file with both lists is not valid.
    assert_eq!(
        with("acme-org/policies"),
        (Some(2), "policy_invalid".to_owned())
    );
    // The flag wins over the work tree.
    let policies = ["--policy-repository", "acme-org/policies"];
    assert_eq!(
        checked(&directory, &policies),
        (Some(2), "policy_invalid".to_owned())
    );
    let run = directory.run(
        &[
            &["check", "--permission", "own:rule"][..],
            &["--policy-repository", "infra"],
        ]
        .concat(),
    );
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("expected `OWNER/NAME`"), "{}", run.err);
}

#[test]
fn what_is_not_known_is_said() {
    let directory = checkout();
    let run = |arguments: &[&str]| {
        let fixed = ["check", "--permission", "own:rule", "--branch", "main"];
        let run = directory.run(&[&fixed, arguments].concat());
        let (_, from_step) = run.out.split_once("4 repository").unwrap();
        from_step.to_owned()
    };
    let copy = ["--policy", "copy/policy.yml", "--repository"];
    assert_snapshot!(run(&[]), @"
        the rules at the top of the file, which `acme-org/infra` contains
    ✓ 5 rules         1 rule names `own:rule`, and matches
    ✓ 6 decision      allowed, 200

    own:rule: allowed
                         policy  kind     this job
      ✓ rule 1 (line 3)
          ✓ workflow     *       any      none
          ✓ branch       main    literal  main
          ✓ environment  *       any      none

    allowed (granted): `own:rule` is allowed: rule 1 (line 3) matches
    ");
    assert_snapshot!(run(&[&copy[..], &["acme-org/infra"]].concat()), @"
        no entry for `acme-org/infra`
                      the rules at the top do not count, because it is not known that `acme-org/infra` contains the file
                      if it does, say so with `--policy-repository acme-org/infra`
    – 5 rules         not reached
    ✗ 6 decision      denied, 403

    denied (repository_not_found): `own:rule` is denied: the policy has no entry for `acme-org/infra`; the rules at the top do not count, because it is not known that `acme-org/infra` contains the file

    what to change
      If `acme-org/infra` contains the file, say so with `--policy-repository acme-org/infra`: then the rules at the top count. Otherwise add an entry for it under `repositories:` of the policy, without rules at the top beside it.

    see https://repo-permissions.github.io/repo-permissions/reasons/repository_not_found.html
    ");
    assert_snapshot!(run(&[&copy[..], &["acme-org/other"]].concat()), @"
        the entry at line 5
                      the rules at the top do not count, because it is not known that `acme-org/other` contains the file
                      if it does, say so with `--policy-repository acme-org/other`
    ✗ 5 rules         no rule names `own:rule`
                      also delegated to the repository's own policy: name it with `--own-policy FILE`
    ✗ 6 decision      denied, 403

    denied (permission_not_granted): `own:rule` is denied: no rule of `acme-org/other` in the central policy names it, and no policy of the repository's own, to which it is delegated, was read; the rules at the top do not count, because it is not known that `acme-org/other` contains the file

    what to change
      Ask for a permission that the policy grants, or add a rule with this one to the policy by a reviewed change.

    see https://repo-permissions.github.io/repo-permissions/reasons/permission_not_granted.html
    ");
    assert_snapshot!(run(&["--repository", "acme-org/x"]), @"
        no entry for `acme-org/x`
                      the rules at the top do not count, because `acme-org/infra` contains the file
                      a job of `acme-org/x` that reads it from there ends with `policy_invalid`, because the file has `repositories` too
    – 5 rules         not reached
    ✗ 6 decision      denied, 403

    denied (repository_not_found): `own:rule` is denied: the policy has no entry for `acme-org/x`; the rules at the top do not count, because `acme-org/infra` contains the file

    what to change
      If `acme-org/x` is to use this policy, move the rules at the top into an entry, and add an entry for it under `repositories:` of the policy.

    see https://repo-permissions.github.io/repo-permissions/reasons/repository_not_found.html
    ");
}

#[test]
fn in_its_own_repository_a_policy_delegates_nothing() {
    let directory = checkout();
    directory.write(
        "own.yml",
        "version: 1\npermissions: [{ permission: own:rule }]\n",
    );
    let entry = BOTH.replace("acme-org/other", "'acme-org/.*'");
    let entries = entry.replace(
        "permissions:\n  - { permission: own:rule, branch: main }\n",
        "",
    );
    directory.write(POLICY, entries);
    let own = ["--own-policy", "own.yml"];
    assert_eq!(
        checked(&directory, &own),
        (Some(1), "permission_not_granted".to_owned())
    );
    let run = directory.run(&[&["check", "--permission", "own:rule"], &own[..]].concat());
    assert!(
        run.out.contains(
            "own: `own.yml` is not used, because the policy itself is the repository's own"
        ),
        "{}",
        run.out
    );
    let other = [&own[..], &["--repository", "acme-org/other"]].concat();
    assert_eq!(checked(&directory, &other), (Some(0), "granted".to_owned()));
}

#[test]
fn matrix_and_test_agree_with_check() {
    let directory = checkout();
    let rows = |arguments: &[&str]| {
        let fixed = ["matrix", "--format", "json", "--workflows", "."];
        let run = directory.run(&[&fixed, arguments].concat());
        match run.code {
            Some(0) => Ok(serde_json::from_str::<Value>(&run.out).unwrap()["permissions"].clone()),
            _ => Err(run.err),
        }
    };
    let infra = ["--repository", "acme-org/infra"];
    let copy = [&["copy/policy.yml"], &infra[..]].concat();
    assert_eq!(rows(&infra), Ok(json!(["own:rule"])));
    assert_eq!(
        rows(&[&copy[..], &["--policy-repository", "acme-org/infra"]].concat()),
        Ok(json!(["own:rule"]))
    );
    assert_snapshot!(rows(&copy).unwrap_err(), @"error: `copy/policy.yml` has no rules for `acme-org/infra`: it has `acme-org/other` (for other repositories only); the rules at the top do not count, because it is not known that `acme-org/infra` contains the file; if it does, say so with `--policy-repository acme-org/infra`");
    // Without a repository, the error lists the policy's own.
    assert!(
        rows(&[])
            .unwrap_err()
            .ends_with("it has `acme-org/other`, and the rules at the top for `acme-org/infra`\n")
    );
    let invalid = rows(&[&copy[..], &["--policy-repository", "acme-org/policies"]].concat());
    assert!(
        invalid
            .unwrap_err()
            .contains("a policy of another repository has both")
    );

    let cases = |policy: &str, head: &str, expect: &str| {
        let text = format!(
            "policy: {policy}\n{head}tests:\n  - {{ name: own, permission: own:rule, context: {{ repository: acme-org/infra, branch: main }}, expect: {expect} }}\n"
        );
        directory.write("cases.yml", text);
        directory.run(&["test", "cases.yml"])
    };
    for (policy, head, expect) in [
        (POLICY, "", "allowed"),
        (
            POLICY,
            "policy_repository: acme-org/policies\n",
            "policy_invalid",
        ),
        (
            "copy/policy.yml",
            "policy_repository: acme-org/infra\n",
            "allowed",
        ),
        ("copy/policy.yml", "", "repository_not_found"),
    ] {
        let run = cases(policy, head, expect);
        assert_eq!(run.code, Some(0), "{policy} {head}\n{}{}", run.out, run.err);
    }
    let failed = cases("copy/policy.yml", "", "allowed");
    assert!(
        failed.out.contains("the rules at the top do not count, because it is not known that `acme-org/infra` contains the file"),
        "{}",
        failed.out
    );
}
