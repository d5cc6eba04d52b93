//! `repo-permissions check`: what somebody reads whose deployment was denied.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::directory::Directory;
use crate::support::program::Run;

/// The three policies of Atmos Pro's page, and its locks.
const POLICY: &str = r#"version: 1
permissions:
  - name: development
    permission: Affected Stacks Create
    workflow: "*"
    branch: "^(main|develop|feature/.*)$"
    environment: "*"
  - name: production deploys
    permission: Deployments Create
    workflow: deploy-production.yml
    branch: main
    environment: production
  - permission: [Locks Create, Locks Delete]
    workflow: "*"
    branch: main
    environment: "*"
"#;

const CENTRAL: &str = "version: 1
repositories:
  - repository: acme-org/infra
    repository_id: 123
    permissions:
      - permission: ws:deployments:create
        branch: [main, { glob: 'release/*' }, 'hotfix-\\d+']
        claims: { runner_environment: github-hosted }
        expires: 2027-01-31
      - permission: ws:affected_stacks:create
        branch: .*
        events: [push]
permissions:
  - permission: ws:locks:create
";

fn check(policy: &str, arguments: &[&str]) -> Run {
    let directory = Directory::checkout(&[("policy.yml", policy)]);
    let fixed = [
        "check",
        "--policy",
        "policy.yml",
        "--now",
        "2027-01-01T00:00:00Z",
    ];
    directory.run(&[&fixed, arguments].concat())
}

const ACME: [&str; 2] = ["--repository", "acme-org/infra"];

#[test]
fn a_job_that_is_allowed() {
    let asked = "--permission ws:deployments:create --workflow deploy-production.yml --branch main --environment Production";
    let asked: Vec<_> = asked.split(' ').chain(ACME).collect();
    let run = check(POLICY, &asked);
    assert_eq!((run.code, &*run.err), (Some(0), ""));
    assert_snapshot!(run.out, @"
    Repository   acme-org/infra
    Workflow     deploy-production.yml
    Branch       main
    Environment  Production
    Event        push
    Actor        none

    – 1 token         not verified here: you describe the context, and nothing is granted
    ✓ 2 context       repository, workflow, branch, environment, event; no actor
    ✓ 3 policy        `policy.yml`, sha256 193c1f0f843f3f46…: valid, 3 rules
    ✓ 4 repository    the rules at the top of the file
    ✓ 5 rules         1 rule names `ws:deployments:create`, and matches
    ✓ 6 decision      allowed, 200

    ws:deployments:create: allowed
                         policy                 kind     this job
      ✓ rule 2 (`production deploys`, line 8)
          ✓ workflow     deploy-production.yml  literal  deploy-production.yml
          ✓ branch       main                   literal  main
          ✓ environment  production             literal  Production

    allowed (granted): `ws:deployments:create` is allowed: rule 2 (`production deploys`, line 8) matches
    ");
}

#[test]
fn a_job_in_another_branch_without_environment() {
    let asked =
        "--permission ws:deployments:create --workflow deploy-production.yml --branch feature/x";
    let asked: Vec<_> = asked.split(' ').chain(ACME).collect();
    let run = check(POLICY, &asked);
    assert_eq!((run.code, &*run.err), (Some(1), ""));
    assert_snapshot!(run.out, @"
    Repository   acme-org/infra
    Workflow     deploy-production.yml
    Branch       feature/x
    Environment  none
    Event        push
    Actor        none

    – 1 token         not verified here: you describe the context, and nothing is granted
    ✓ 2 context       repository, workflow, branch, event; no environment, actor
    ✓ 3 policy        `policy.yml`, sha256 193c1f0f843f3f46…: valid, 3 rules
    ✓ 4 repository    the rules at the top of the file
    ✗ 5 rules         1 rule names `ws:deployments:create`, but does not match
    ✗ 6 decision      denied, 403

    ws:deployments:create: denied
                         policy                 kind     this job
      ✗ rule 2 (`production deploys`, line 8)
          ✓ workflow     deploy-production.yml  literal  deploy-production.yml
          ✗ branch       main                   literal  feature/x
          ✗ environment  production             literal  none

    denied (no_rule_matches): `ws:deployments:create` is denied: rule 2 (`production deploys`, line 8) needs branch `main` and environment `production`; this job has branch `feature/x` and no environment

    what to change
      policy.yml:11: `branch` is `main`, this job has `feature/x`
          in the job     run it from the branch `main`
          in the policy  `branch: [main, feature/x]`, by a reviewed change
      policy.yml:12: `environment` is `production`, this job has none
          in the job     set `environment: production`
          in this check  `--environment NAME`, if the job has one

    see https://repo-permissions.github.io/repo-permissions/reasons/no_rule_matches.html
    ");
}

#[test]
fn several_permissions() {
    let asked =
        "--permission ws:affected_stacks:create ws:locks:create ws:lock:delete --branch feature/x";
    let asked: Vec<_> = asked.split(' ').chain(ACME).collect();
    let run = check(POLICY, &asked);
    assert_eq!((run.code, &*run.err), (Some(1), ""));
    assert_snapshot!(run.out, @"
    Repository   acme-org/infra
    Workflow     none
    Branch       feature/x
    Environment  none
    Event        push
    Actor        none

    – 1 token         not verified here: you describe the context, and nothing is granted
    ✓ 2 context       repository, branch, event; no workflow, environment, actor
    ✓ 3 policy        `policy.yml`, sha256 193c1f0f843f3f46…: valid, 3 rules
    ✓ 4 repository    the rules at the top of the file
    ✗ 5 rules         1 rule names `ws:affected_stacks:create`, and matches
                      1 rule names `ws:locks:create`, but does not match
                      no rule names `ws:lock:delete`: did you mean `ws:locks:delete`?
    ✗ 6 decision      denied, 403

    ws:affected_stacks:create: allowed
                         policy                       kind   this job
      ✓ rule 1 (`development`, line 3)
          ✓ workflow     *                            any    none
          ✓ branch       ^(main|develop|feature/.*)$  regex  feature/x
          ✓ environment  *                            any    none

    ws:locks:create: denied
                         policy  kind     this job
      ✗ rule 3 (line 13)
          ✓ workflow     *       any      none
          ✗ branch       main    literal  feature/x
          ✓ environment  *       any      none

    denied (no_rule_matches): `ws:locks:create` is denied: rule 3 (line 13) needs branch `main`; this job has `feature/x`; `ws:lock:delete` is denied: no rule of `acme-org/infra` names it

    what to change
      ws:locks:create
      policy.yml:15: `branch` is `main`, this job has `feature/x`
          in the job     run it from the branch `main`
          in the policy  `branch: [main, feature/x]`, by a reviewed change
      ws:lock:delete
      Ask for a permission that the policy grants, or add a rule with this one to the policy by a reviewed change.

    see https://repo-permissions.github.io/repo-permissions/reasons/no_rule_matches.html
    ");
}

#[test]
fn patterns_of_a_list_claims_and_expiry() {
    let asked = "--permission ws:deployments:create --branch refs/tags/v1 --claim runner_environment=self-hosted --claim repository_id=123";
    let asked: Vec<_> = asked.split(' ').chain(ACME).collect();
    let run = check(CENTRAL, &asked);
    assert_eq!((run.code, &*run.err), (Some(1), ""));
    assert_snapshot!(run.out, @r"
    Repository   acme-org/infra
    Workflow     none
    Branch       refs/tags/v1
    Environment  none
    Event        push
    Actor        none

    – 1 token         not verified here: you describe the context, and nothing is granted
    ✓ 2 context       repository, branch, event; no workflow, environment, actor
    ✓ 3 policy        `policy.yml`, sha256 e2e3675a9fc98c31…: valid, 3 rules
    ✓ 4 repository    the entry at line 3: `repository_id` as pinned
                      the rules at the top do not count, because it is not known that `acme-org/infra` contains the file
                      if it does, say so with `--policy-repository acme-org/infra`
    ✗ 5 rules         1 rule names `ws:deployments:create`, but does not match
    ✗ 6 decision      denied, 403

    ws:deployments:create: denied
                                       policy         kind     this job
      ✗ rule 1 (line 6)
          ✓ workflow                   *              any      none
          ✗ branch                     any of 3       list     refs/tags/v1
            ✗                          main           literal
            ✗                          release/*      glob
            ✗                          hotfix-\d+     regex
          ✓ environment                *              any      none
          ✗ claims.runner_environment  github-hosted  literal  self-hosted
          ✓ expires                    2027-01-31     expiry   2027-01-01T00:00:00Z

    denied (no_rule_matches): `ws:deployments:create` is denied: rule 1 (line 6) needs branch `main` or `release/*` or `hotfix-\d+` and claim `runner_environment` `github-hosted`; this job has branch `refs/tags/v1` and claim `runner_environment` `self-hosted`

    what to change
      policy.yml:7: `branch` is `main` or `release/*` or `hotfix-\d+`, this job has `refs/tags/v1`
          in the job     run it from a branch that matches `main` or `release/*` or `hotfix-\d+`: a tag is not a branch
          in the policy  add `refs/tags/v1` to the list, by a reviewed change
      policy.yml:8: `claims.runner_environment` is `github-hosted`, this job has `self-hosted`
          in the job     run it on a GitHub-hosted runner, such as `runs-on: ubuntu-24.04`
          in the policy  `runner_environment: [github-hosted, self-hosted]`, by a reviewed change

    see https://repo-permissions.github.io/repo-permissions/reasons/no_rule_matches.html
    ");
}

/// The steps and what to change, without the rest.
fn brief(run: &Run) -> String {
    let text = if run.out.is_empty() {
        &run.err
    } else {
        &run.out
    };
    let lines = text.lines().filter(|line| {
        line.starts_with(['✓', '✗', '–'])
            || (line.starts_with(&" ".repeat(18)) && !line.ends_with("this job"))
            || line.starts_with("      in ")
            || line.contains(".yml:")
    });
    let lines = lines.filter(|line| !line.contains("1 token") && !line.contains("2 context"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_stops_a_check() {
    let run = |policy: &str, asked: &str| {
        let asked: Vec<_> = asked.split_whitespace().collect();
        brief(&check(policy, &asked))
    };
    let deploy = "--permission ws:deployments:create";
    assert_snapshot!(run(CENTRAL, &format!("{deploy} --repository acme-org/infar")), @"
    ✓ 3 policy        `policy.yml`, sha256 e2e3675a9fc98c31…: valid, 3 rules
    ✗ 4 repository    no entry for `acme-org/infar`: did you mean `acme-org/infra` (line 3)?
                      the rules at the top do not count, because it is not known that `acme-org/infar` contains the file
                      if it does, say so with `--policy-repository acme-org/infar`
    – 5 rules         not reached
    ✗ 6 decision      denied, 403
    ");
    assert_snapshot!(run(CENTRAL, &format!("{deploy} --repository octocat/infra")), @"
    ✓ 3 policy        `policy.yml`, sha256 e2e3675a9fc98c31…: valid, 3 rules
    ✗ 4 repository    no entry for `octocat/infra`: did you mean `acme-org/infra` (line 3)?
                      the rules at the top do not count, because it is not known that `octocat/infra` contains the file
                      if it does, say so with `--policy-repository octocat/infra`
    – 5 rules         not reached
    ✗ 6 decision      denied, 403
    ");
    assert_snapshot!(run(CENTRAL, deploy), @"
    ✓ 3 policy        `policy.yml`, sha256 e2e3675a9fc98c31…: valid, 3 rules
    ✗ 4 repository    no repository: name it with `--repository OWNER/NAME`
    – 5 rules         not reached
    ✗ 6 decision      denied, 403
    ");
    assert_snapshot!(run(CENTRAL, &format!("{deploy} --repository acme-org/infra")), @"
    ✓ 3 policy        `policy.yml`, sha256 e2e3675a9fc98c31…: valid, 3 rules
    ✗ 4 repository    the entry at line 3: it pins `repository_id: 123`, and this check has none: set it with `--claim repository_id=123`
                      the rules at the top do not count, because it is not known that `acme-org/infra` contains the file
                      if it does, say so with `--policy-repository acme-org/infra`
    – 5 rules         not reached
    ✗ 6 decision      denied, 403
    ");
    assert_snapshot!(run(CENTRAL, &format!("{deploy} --repository acme-org/infra --claim repository_id=7")), @"
    ✓ 3 policy        `policy.yml`, sha256 e2e3675a9fc98c31…: valid, 3 rules
    ✗ 4 repository    the entry at line 3: it pins `repository_id: 123`, but this job has `7`
                      the rules at the top do not count, because it is not known that `acme-org/infra` contains the file
                      if it does, say so with `--policy-repository acme-org/infra`
    – 5 rules         not reached
    ✗ 6 decision      denied, 403
    ");
    assert_snapshot!(run(CENTRAL, "--permission ws:deployment:create --repository acme-org/infra --claim repository_id=123"), @"
    ✓ 3 policy        `policy.yml`, sha256 e2e3675a9fc98c31…: valid, 3 rules
    ✓ 4 repository    the entry at line 3: `repository_id` as pinned
                      the rules at the top do not count, because it is not known that `acme-org/infra` contains the file
                      if it does, say so with `--policy-repository acme-org/infra`
    ✗ 5 rules         no rule names `ws:deployment:create`: did you mean `ws:deployments:create`?
    ✗ 6 decision      denied, 403
    ");
    assert_snapshot!(run(CENTRAL, "--permission ws:locks:create --repository acme-org/infra --claim repository_id=123"), @"
    ✓ 3 policy        `policy.yml`, sha256 e2e3675a9fc98c31…: valid, 3 rules
    ✓ 4 repository    the entry at line 3: `repository_id` as pinned
                      the rules at the top do not count, because it is not known that `acme-org/infra` contains the file
                      if it does, say so with `--policy-repository acme-org/infra`
    ✗ 5 rules         no rule names `ws:locks:create`, the policy has `ws:affected_stacks:create`, `ws:deployments:create`
    ✗ 6 decision      denied, 403
    ");
    assert_snapshot!(run("version: 1\npermissions: {}\nx: 1\n", deploy), @r"
    ✗ 3 policy        `policy.yml`, sha256 8278423cae508869…: 2 problems, shown below
    – 4 repository    not reached
    – 5 rules         not reached
    ✗ 6 decision      error, 500
     --> policy.yml:2:14
     --> policy.yml:3:1
    ");
    assert_snapshot!(run("version: 1\npermissions: [{permission: ws:deployments:create, branch: a)}]\n", deploy), @r"
    ✓ 3 policy        `policy.yml`, sha256 0fdd270b1360f489…: valid, 1 rule
    ✓ 4 repository    the rules at the top of the file
    ✗ 5 rules         a pattern that could match is not valid, shown below
    ✗ 6 decision      error, 500
     --> policy.yml:2:59
    ");
    assert_snapshot!(run("version: 1\nrepositories: [{repository: a), permissions: []}]\n", deploy), @r"
    ✓ 3 policy        `policy.yml`, sha256 8340f21176d6bfa6…: valid, 0 rules
    ✗ 4 repository    the pattern of an entry is not valid, shown below
    – 5 rules         not reached
    ✗ 6 decision      error, 500
     --> policy.yml:2:29
    ");
}

#[test]
fn a_permission_that_is_left_to_the_own_policy() {
    let central = "version: 1
repositories:
  - repository: acme-org/infra
    delegate: ws:locks:create
    permissions: [{ permission: ws:locks:create, branch: release }]
";
    let own = "version: 1\npermissions: [{ permission: ws:locks:create, branch: main }]\n";
    let files = [
        ("policy.yml", central),
        ("own.yml", own),
        ("bad.yml", "version: 1\npermissions: {}\n"),
    ];
    let directory = Directory::checkout(&files);
    let run = |asked: &str| {
        let fixed = "check --policy policy.yml --permission ws:locks:create";
        let asked: Vec<_> = fixed
            .split(' ')
            .chain(asked.split(' '))
            .chain(ACME)
            .collect();
        brief(&directory.run(&asked))
    };
    assert_snapshot!(run("--branch x"), @"
    ✓ 3 policy        `policy.yml`, sha256 3e57c70b0e0e6523…: valid, 1 rule
    ✓ 4 repository    the entry at line 3
    ✗ 5 rules         1 rule names `ws:locks:create`, but does not match
                      also delegated to the repository's own policy: name it with `--own-policy FILE`
    ✗ 6 decision      denied, 403
      policy.yml:5: `branch` is `release`, this job has `x`
          in the job     run it from the branch `release`
          in the policy  `branch: [release, x]`, by a reviewed change
    ");
    assert_snapshot!(run("--branch x --own-policy own.yml"), @"
    ✓ 3 policy        `policy.yml`, sha256 3e57c70b0e0e6523…: valid, 1 rule
                      own: `own.yml`, sha256 c1fa977b3be348a4…: valid, 1 rule
    ✓ 4 repository    the entry at line 3
    ✗ 5 rules         1 rule names `ws:locks:create`, but does not match
                      also delegated to the own policy: 1 rule names `ws:locks:create`, but does not match
    ✗ 6 decision      denied, 403
      policy.yml:5: `branch` is `release`, this job has `x`
          in the job     run it from the branch `release`
          in the policy  `branch: [release, x]`, by a reviewed change
    ");
    assert_snapshot!(run("--branch main --own-policy own.yml"), @"
    ✓ 3 policy        `policy.yml`, sha256 3e57c70b0e0e6523…: valid, 1 rule
                      own: `own.yml`, sha256 c1fa977b3be348a4…: valid, 1 rule
    ✓ 4 repository    the entry at line 3
    ✓ 5 rules         1 rule names `ws:locks:create`, but does not match
                      also delegated to the own policy: 1 rule names `ws:locks:create`, and matches
    ✓ 6 decision      allowed, 200
    ");
    assert_snapshot!(run("--branch main --own-policy bad.yml"), @"
    ✓ 3 policy        `policy.yml`, sha256 3e57c70b0e0e6523…: valid, 1 rule
                      own: `bad.yml`, sha256 65ce9783c3e26fd3…: 1 problem, shown below
    ✓ 4 repository    the entry at line 3
    ✗ 5 rules         the own policy is needed, but is not valid: shown below
    ✗ 6 decision      error, 500
     --> bad.yml:2:14
    ");
    assert_snapshot!(run("--branch release --own-policy none.yml"), @"
    ✓ 3 policy        `policy.yml`, sha256 3e57c70b0e0e6523…: valid, 1 rule
                      own: `none.yml` cannot be read
    ✓ 4 repository    the entry at line 3
    ✓ 5 rules         1 rule names `ws:locks:create`, and matches
    ✓ 6 decision      allowed, 200
    ");
}

#[test]
fn remedies_depend_on_the_job() {
    let change = |asked: &str| {
        let asked: Vec<_> = asked.split_whitespace().chain(ACME).collect();
        let run = check(POLICY, &asked);
        let (_, change) = run.out.split_once("what to change\n").unwrap();
        let (change, _) = change.split_once("\nsee ").unwrap();
        change.to_owned()
    };
    let locks = "--permission ws:locks:create --branch";
    assert_snapshot!(change(&format!("{locks} octocat:main --event pull_request")), @"
    policy.yml:15: `branch` is `main`, this job has `octocat:main`
        in the job     run it from the branch `main`: the branch of a pull request is its head branch, here of a fork, so ask after the merge, on `push`
    ");
    assert_snapshot!(change(&format!("{locks} feature/x --event pull_request")), @"
    policy.yml:15: `branch` is `main`, this job has `feature/x`
        in the job     run it from the branch `main`: the branch of a pull request is its head branch, so ask after the merge, on `push`
        in the policy  `branch: [main, feature/x]`, by a reviewed change
    ");
    assert_snapshot!(change(&format!("{locks} gh-readonly-queue/main/pr-1-0a1b --event merge_group")), @"
    policy.yml:15: `branch` is `main`, this job has `gh-readonly-queue/main/pr-1-0a1b`
        in the job     run it from the branch `main`: a merge queue has its own branches, so ask after the merge, on `push`
    ");
    assert_snapshot!(change(&format!("{locks} a+b --event push")), @r#"
    policy.yml:15: `branch` is `main`, this job has `a+b`
        in the job     run it from the branch `main`
        in the policy  `branch: [main, { exact: "a+b" }]`, by a reviewed change
    "#);
    assert_snapshot!(change(&format!("{locks} main --event workflow_run")), @"
    policy.yml:13: the rule has no `events`, and `workflow_run` is trusted only if `events` names it
        in the job     use another trigger, such as `push` or `pull_request`
        in the policy  only if the job runs no code from the event: a copy of the rule with `events: [workflow_run]`, by a reviewed change
    ");
    assert_snapshot!(change("--permission ws:deployments:create --workflow acme-org/shared/.github/workflows/deploy-production.yml --branch main --environment staging"), @"
    policy.yml:10: `workflow` is `deploy-production.yml`, this job has `acme-org/shared/.github/workflows/deploy-production.yml`
        in the job     start it from the workflow file `deploy-production.yml` of this repository: other files are identified by their full path
        in the policy  `workflow: [deploy-production.yml, acme-org/shared/.github/workflows/deploy-production.yml]`, by a reviewed change
    policy.yml:12: `environment` is `production`, this job has `staging`
        in the job     set `environment: production`, if that is what it deploys to
        in the policy  `environment: [production, staging]`, by a reviewed change
    ");
}

#[test]
fn a_policy_that_is_wrong_is_shown() {
    let policy = "version: v1\npermissions:\n  - permision: ws:locks:create\n";
    let run = check(policy, &["--permission", "ws:locks:create"]);
    assert_eq!((run.code, &*run.out), (Some(2), ""));
    assert_snapshot!(run.err, @"
    Repository   none
    Workflow     none
    Branch       none
    Environment  none
    Event        push
    Actor        none

    – 1 token         not verified here: you describe the context, and nothing is granted
    ✓ 2 context       event; no repository, workflow, branch, environment, actor
    ✗ 3 policy        `policy.yml`, sha256 5e79dbcfd2dfaa0e…: 2 problems, shown below
    – 4 repository    not reached
    – 5 rules         not reached
    ✗ 6 decision      error, 500

    error: `version` is a string (`v1`), expected an integer
     --> policy.yml:1:10
      |
    1 | version: v1
      |          ^^
      |
      = help: write `version: 1`

    error: unknown key `permision` in a rule
     --> policy.yml:3:5
      |
    3 |   - permision: ws:locks:create
      |     ^^^^^^^^^
      |
      = help: did you mean `permission`?

    error (policy_invalid): the policy `policy.yml` is not valid: line 1, column 10: `version` is a string (`v1`), expected an integer (write `version: 1`); and 1 more problem

    what to change
      the problems shown above; `repo-permissions lint policy.yml` looks for more

    see https://repo-permissions.github.io/repo-permissions/reasons/policy_invalid.html
    ");
}

#[test]
fn arguments_that_are_wrong() {
    let said = |arguments: &[&str]| {
        let run = check(POLICY, arguments);
        assert_eq!((run.code, &*run.out), (Some(2), ""));
        let (said, page) = run.err.split_once("\n\nsee ").unwrap();
        assert!(page.ends_with("/reasons/input_invalid.html\n"));
        said.to_owned()
    };
    let locks = ["--permission", "ws:locks:create"];
    assert_snapshot!(said(&["--permission", "Lock Create"]), @"error (input_invalid): --permission: `Lock Create` is not a permission key (did you mean `ws:locks:create`?)");
    for repository in ["acme", "a/b/c", "https://github.com/acme-org/infra"] {
        let seen = said(&[&locks[..], &["--repository", repository]].concat());
        assert_eq!(
            seen,
            format!("error (input_invalid): --repository is `{repository}`, expected `OWNER/NAME`")
        );
    }
    assert_snapshot!(said(&[&locks[..], &["--claim", "`x`"]].concat()), @"error (input_invalid): --claim is `` `x` ``, expected `NAME=VALUE`");
    assert_snapshot!(said(&[&locks[..], &["--claims", "no.json"]].concat()), @"error (input_invalid): --claims `no.json` cannot be read: No such file or directory (os error 2)");
    assert_snapshot!(said(&[&locks[..], &["--payload", "policy.yml"]].concat()), @"error (input_invalid): --payload `policy.yml` is not an event's payload: expected value at line 1 column 1");
}

#[test]
fn claims_and_payload_may_have_a_byte_order_mark() {
    let directory = Directory::new()
        .with("policy.yml", POLICY)
        .with("claims.json", "\u{feff}{}")
        .with("event.json", "\u{feff}{}");
    let asked = "check --policy policy.yml --permission ws:locks:create --repository acme-org/infra --branch main --claims claims.json --payload event.json";
    let run = directory.run(&asked.split(' ').collect::<Vec<_>>());
    assert_ne!(run.code, Some(2), "{}", run.err);
}

/// Single flags win over claims, and so does what follows from them.
#[test]
fn flags_reach_what_is_derived_from_claims() {
    let policy = "version: 1\npermissions:\n  - { permission: a:b, branch: dev, base: main, events: [pull_request_target] }\n";
    let decided = |git_ref: &str| {
        let git_ref = format!("ref=refs/heads/{git_ref}");
        let claims = ["--claim", "event_name=push", "--claim", &git_ref];
        let flags = ["--event", "pull_request_target", "--branch", "dev"];
        let asked = [&["--permission", "a:b"][..], &claims, &flags, &ACME].concat();
        check(policy, &asked).code
    };
    // The base of this event is the branch of `ref`, whose workflow file runs.
    assert_eq!(decided("evil"), Some(1));
    assert_eq!(decided("main"), Some(0));
}

#[test]
fn a_permission_is_a_list_as_in_the_action() {
    for (list, count) in [
        ("ws:locks:create", 1),
        ("ws:locks:create,", 1),
        (" ws:locks:create,\n ws:locks:delete\n", 2),
    ] {
        let asked = [
            &["--permission", list, "--branch", "main", "--format", "json"][..],
            &ACME,
        ]
        .concat();
        let run = check(POLICY, &asked);
        let outcome: serde_json::Value = serde_json::from_str(&run.out).unwrap();
        assert_eq!(
            outcome["permissions"].as_array().unwrap().len(),
            count,
            "{list:?}"
        );
    }
    for list in ["", ",", " \n"] {
        let run = check(POLICY, &["--permission", list]);
        assert!(
            run.err.contains("`\"\"` is not a permission key"),
            "{}",
            run.err
        );
    }
}

#[test]
fn json_is_as_it_is_promised() {
    let asked = "--permission ws:locks:delete --branch dev --claim repository_id=123 --format json";
    let asked: Vec<_> = asked.split(' ').chain(ACME).collect();
    let run = check(POLICY, &asked);
    assert_eq!((run.code, &*run.err), (Some(1), ""));
    let dimension = |name: &str, pattern: &str, kind: &str, value: Option<&str>, matched: bool| json!({ "dimension": name, "pattern": pattern, "kind": kind, "value": value, "matched": matched });
    let expected = json!({
        "decision": "denied",
        "reason": "no_rule_matches",
        "status": 403,
        "message": "`ws:locks:delete` is denied: rule 3 (line 13) needs branch `main`; this job has `dev`",
        "permissions": [{
            "permission": "ws:locks:delete",
            "decision": "denied",
            "reason": "no_rule_matches",
            "rule": null,
            "nearest": { "line": 13, "name": null, "failed": ["branch"] },
            "trace": [{
                "line": 13,
                "name": null,
                "matched": false,
                "dimensions": [
                    dimension("workflow", "*", "any", None, true),
                    dimension("branch", "main", "literal", Some("dev"), false),
                    dimension("environment", "*", "any", None, true),
                ],
            }],
        }],
        "context": {
            "repository": "acme-org/infra",
            "repository_id": "123",
            "workflow": null,
            "branch": "dev",
            "base": null,
            "environment": null,
            "actor": null,
            "event": "push",
        },
        "policy": {
            "source": "policy.yml",
            "sha256": "",
        },
    });
    let mut json = run.json();
    assert_eq!(json["policy"]["sha256"].as_str().unwrap().len(), 64);
    json["policy"]["sha256"] = "".into();
    assert_eq!(json, expected);
}

#[test]
fn nothing_from_outside_is_an_escape() {
    let esc = "\u{1b}]0;x\u{7}\u{202e}`";
    let policy = format!(
        "version: 1\npermissions:\n  - name: {0:?}\n    permission: ws:locks:create\n    branch: [a, {0:?}]\n    environment: {0:?}\n",
        "\\e]0;x"
    )
    .replace("\\\\e", "\\e");
    for arguments in [
        &[
            "--permission",
            "ws:locks:create",
            "--branch",
            esc,
            "--environment",
            esc,
        ][..],
        &[
            "--permission",
            "ws:locks:create",
            "--repository",
            esc,
            "--workflow",
            esc,
            "--event",
            esc,
        ],
        &["--permission", esc],
        &["--permission", "ws:locks:create", "--claim", esc],
        &["--permission", "ws:locks:create", "--claims", esc],
    ] {
        let run = check(&policy, arguments);
        let shown = run.out + &run.err;
        assert!(!shown.is_empty());
        let bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!shown.contains(bad), "{arguments:?}: {shown:?}");
    }
}

#[test]
fn a_pull_request_and_its_base() {
    const BASES: &str = "version: 1
permissions:
  - permission: ws:locks:create
    branch: { glob: 'feature/**' }
  - permission: ws:deployments:create
    branch: { glob: 'feature/**' }
    base: develop
";
    let of = |permission: &str, more: &str| {
        let event = if more.contains("--event") {
            ""
        } else {
            "--event pull_request"
        };
        let asked = format!("--permission {permission} --branch feature/x {event} {more}");
        let asked: Vec<_> = asked.split_whitespace().chain(ACME).collect();
        check(BASES, &asked)
    };
    let (locks, deploys) = ("ws:locks:create", "ws:deployments:create");
    assert_snapshot!(of(locks, "--base evil").out, @"
    Repository   acme-org/infra
    Workflow     none
    Branch       feature/x
    Base         evil
    Environment  none
    Event        pull_request
    Actor        none

    – 1 token         not verified here: you describe the context, and nothing is granted
    ✓ 2 context       repository, branch, base, event; no workflow, environment, actor
    ✓ 3 policy        `policy.yml`, sha256 4534c2bef52d7cc7…: valid, 2 rules
    ✓ 4 repository    the rules at the top of the file
    ✗ 5 rules         1 rule names `ws:locks:create`, but does not match
    ✗ 6 decision      denied, 403

    ws:locks:create: denied
                         policy      kind  this job
      ✗ rule 1 (line 3)
          ✓ workflow     *           any   none
          ✓ branch       feature/**  glob  feature/x
          ✗ base         feature/**  glob  evil
          ✓ environment  *           any   none

    denied (no_rule_matches): `ws:locks:create` is denied: rule 1 (line 3) needs a base that its `branch` matches, or `base: evil`; this job goes into `evil`

    what to change
      policy.yml:4: the rule has no `base`, and its `branch` is `feature/**`, which must match the base too; this pull request goes into `evil`
          in the job     open the pull request into a branch that matches `feature/**`
          in this check  `--default-branch evil`, if that is the default branch
          in the policy  a `base` that names `evil` and the bases that the rule already trusts, if everyone who can push to that branch may use the permission, by a reviewed change

    see https://repo-permissions.github.io/repo-permissions/reasons/no_rule_matches.html
    ");
    assert_snapshot!(of(locks, "--base main --default-branch main").out, @"
    Repository   acme-org/infra
    Workflow     none
    Branch       feature/x
    Base         main
    Environment  none
    Event        pull_request
    Actor        none

    – 1 token         not verified here: you describe the context, and nothing is granted
    ✓ 2 context       repository, branch, base, event; no workflow, environment, actor
    ✓ 3 policy        `policy.yml`, sha256 4534c2bef52d7cc7…: valid, 2 rules
    ✓ 4 repository    the rules at the top of the file
    ✓ 5 rules         1 rule names `ws:locks:create`, and matches
    ✓ 6 decision      allowed, 200

    ws:locks:create: allowed
                         policy      kind            this job
      ✓ rule 1 (line 3)
          ✓ workflow     *           any             none
          ✓ branch       feature/**  glob            feature/x
          ✓ base         main        default_branch  main
          ✓ environment  *           any             none

    allowed (granted): `ws:locks:create` is allowed: rule 1 (line 3) matches
    ");
    assert_snapshot!(of(deploys, "").out, @"
    Repository   acme-org/infra
    Workflow     none
    Branch       feature/x
    Base         not given, assumed to be trusted
    Environment  none
    Event        pull_request
    Actor        none

    – 1 token         not verified here: you describe the context, and nothing is granted
    ✓ 2 context       repository, branch, event; no workflow, environment, actor; the base is assumed to be trusted: set it with `--base BRANCH`
    ✓ 3 policy        `policy.yml`, sha256 4534c2bef52d7cc7…: valid, 2 rules
    ✓ 4 repository    the rules at the top of the file
    ✓ 5 rules         1 rule names `ws:deployments:create`, and matches
    ✓ 6 decision      allowed, 200

    ws:deployments:create: allowed
                         policy      kind  this job
      ✓ rule 2 (line 5)
          ✓ workflow     *           any   none
          ✓ branch       feature/**  glob  feature/x
          ✓ environment  *           any   none

    allowed (granted): `ws:deployments:create` is allowed: rule 2 (line 5) matches
    ");
    assert_snapshot!(of(deploys, "--base main --default-branch main").out, @"
    Repository   acme-org/infra
    Workflow     none
    Branch       feature/x
    Base         main
    Environment  none
    Event        pull_request
    Actor        none

    – 1 token         not verified here: you describe the context, and nothing is granted
    ✓ 2 context       repository, branch, base, event; no workflow, environment, actor
    ✓ 3 policy        `policy.yml`, sha256 4534c2bef52d7cc7…: valid, 2 rules
    ✓ 4 repository    the rules at the top of the file
    ✗ 5 rules         1 rule names `ws:deployments:create`, but does not match
    ✗ 6 decision      denied, 403

    ws:deployments:create: denied
                         policy      kind     this job
      ✗ rule 2 (line 5)
          ✓ workflow     *           any      none
          ✓ branch       feature/**  glob     feature/x
          ✗ base         develop     literal  main
          ✓ environment  *           any      none

    denied (no_rule_matches): `ws:deployments:create` is denied: rule 2 (line 5) needs base `develop`; this job goes into `main`

    what to change
      policy.yml:7: `base` is `develop`; this pull request goes into `main`
          in the job     open the pull request into the branch `develop`
          in the policy  `base: [develop, main]`, if everyone who can push to that branch may use the permission, by a reviewed change

    see https://repo-permissions.github.io/repo-permissions/reasons/no_rule_matches.html
    ");
    // What the rule trusts already stays in the line.
    let kept = of(locks, "--base develop --default-branch main").out;
    let line = r#"in the policy  `base: [{ glob: "feature/**" }, main, develop]`, if everyone who can push"#;
    assert!(kept.contains(line), "{kept}");
    let into = "open the pull request into the default branch `main` or a branch that matches `feature/**`";
    assert!(kept.contains(into), "{kept}");
    // A branch cannot be merged into itself.
    let own = "--permission ws:locks:create --event pull_request --branch main --base develop --default-branch main";
    let own = check(
        BASES,
        &own.split_whitespace().chain(ACME).collect::<Vec<_>>(),
    )
    .out;
    assert!(own.contains("open the pull request into a branch"), "{own}");
    assert!(!own.contains("into the default branch"), "{own}");
    let full = of(locks, "--base refs/heads/main").out;
    assert!(
        full.contains("`--base main`: name a branch without `refs/heads/`"),
        "{full}"
    );
    let assumed = of(deploys, "--format json").json();
    assert_eq!(assumed["assumed"], "base");
    assert_eq!(assumed["context"]["base"], json!(null));
    let given = of(deploys, "--base develop --format json").json();
    assert_eq!(given["assumed"], json!(null));
    assert_eq!(given["context"]["base"], "develop");
    // Where nothing is merged, `base` has no meaning.
    let pushed = of(deploys, "--base evil --event push");
    let said = "; `--base` is ignored, because the event merges nothing";
    assert!(pushed.out.contains(said), "{}", pushed.out);
}
