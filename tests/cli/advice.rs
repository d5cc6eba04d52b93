//! What `check`, `lint` and `matrix` say of patterns that are not what they look like.

use insta::assert_snapshot;

use crate::support::directory::Directory;

/// What `check` says of one rule from `what to change` on, and the sentence before.
fn check(rule: &str, asked: &str) -> String {
    let policy =
        format!("version: 1\npermissions:\n  - {{ permission: ws:locks:create, {rule} }}\n");
    let files = [("policy.yml", &*policy)];
    let directory = Directory::checkout(&files);
    let fixed =
        "check --policy policy.yml --permission ws:locks:create --repository acme-org/infra";
    let arguments: Vec<_> = fixed.split(' ').chain(asked.split(' ')).collect();
    let out = directory.run(&arguments).out;
    let (_, said) = out.split_once("\ndenied (").unwrap();
    let (said, _) = said.split_once("\nsee ").unwrap();
    said.to_owned()
}

#[test]
fn a_regex_that_looks_like_a_name_or_a_glob() {
    assert_snapshot!(check("branch: feature/*", "--branch feature/login"), @r#"
    no_rule_matches): `ws:locks:create` is denied: rule 1 (line 3) needs branch `feature/*`; this job has `feature/login`; `feature/*` would match as a glob: write `{ glob: "feature/*" }`

    what to change
      policy.yml:3: `branch` is `feature/*`, this job has `feature/login`: `feature/*` would match as a glob
          in the policy  `branch: { glob: "feature/*" }`, by a reviewed change
    "#);
    assert_snapshot!(check("environment: Production (EU)", "--environment production --branch main"), @"
    no_rule_matches): `ws:locks:create` is denied: rule 1 (line 3) needs environment `Production (EU)`; this job has `production`

    what to change
      policy.yml:3: `environment` is `Production (EU)`, this job has `production`
          in the job     give the job an environment that matches `Production (EU)`
          in the policy  add `production` to `environment`, by a reviewed change
    ");
    assert_snapshot!(check("environment: Production (EU)", "--environment Production(EU)"), @r#"
    no_rule_matches): `ws:locks:create` is denied: rule 1 (line 3) needs environment `Production (EU)`; this job has `Production(EU)`

    what to change
      policy.yml:3: `environment` is `Production (EU)`, this job has `Production(EU)`
          in the job     give the job an environment that matches `Production (EU)`
          in the policy  add `{ exact: "Production(EU)" }` to `environment`, by a reviewed change
    "#);
    assert_snapshot!(check("branch: [main, release/*]", "--branch release/1"), @r#"
    no_rule_matches): `ws:locks:create` is denied: rule 1 (line 3) needs branch `main` or `release/*`; this job has `release/1`; `release/*` would match as a glob: write `{ glob: "release/*" }`

    what to change
      policy.yml:3: `branch` is `main` or `release/*`, this job has `release/1`: `release/*` would match as a glob
          in the policy  write `{ glob: "release/*" }` instead of `release/*`, by a reviewed change
    "#);
    assert_snapshot!(check("claims: { team: c++ }", "--claim team=c++"), @r#"
    no_rule_matches): `ws:locks:create` is denied: rule 1 (line 3) needs claim `team` `c++`; this job has `c++`; `c++` would match as a plain text: write `{ exact: "c++" }`

    what to change
      policy.yml:3: `claims.team` is `c++`, this job has `c++`: `c++` would match as a plain text
          in the policy  `team: { exact: "c++" }`, by a reviewed change
    "#);
}

#[test]
fn every_regex_that_looks_like_something_else() {
    assert_snapshot!(check("branch: release/*, claims: { team: c++ }", "--branch release/1 --claim team=c++"), @r#"
    no_rule_matches): `ws:locks:create` is denied: rule 1 (line 3) needs branch `release/*` and claim `team` `c++`; this job has branch `release/1` and claim `team` `c++`; `release/*` would match as a glob: write `{ glob: "release/*" }`; `c++` would match as a plain text: write `{ exact: "c++" }`

    what to change
      policy.yml:3: `branch` is `release/*`, this job has `release/1`: `release/*` would match as a glob
          in the policy  `branch: { glob: "release/*" }`, by a reviewed change
      policy.yml:3: `claims.team` is `c++`, this job has `c++`: `c++` would match as a plain text
          in the policy  `team: { exact: "c++" }`, by a reviewed change
    "#);
    let pull_request = "--event pull_request --branch feature/x --base release/1";
    assert_snapshot!(check("branch: [feature/x, release/*]", pull_request), @r#"
    no_rule_matches): `ws:locks:create` is denied: rule 1 (line 3) needs a base that its `branch` matches, or `base: release/1`; this job goes into `release/1`; `release/*` would match as a glob: write `{ glob: "release/*" }`

    what to change
      policy.yml:3: the rule has no `base`, and its `branch` is `feature/x` or `release/*`, which must match the base too; this pull request goes into `release/1`: `release/*` would match as a glob
          in this check  `--default-branch release/1`, if that is the default branch
          in the policy  write `{ glob: "release/*" }` instead of `release/*`, by a reviewed change
    "#);
    let both = "--event pull_request --branch release/1 --base release/2";
    assert_snapshot!(check("branch: release/*", both), @r#"
    no_rule_matches): `ws:locks:create` is denied: rule 1 (line 3) needs branch `release/*` and a base that its `branch` matches, or `base: release/2`; this job has branch `release/1` and goes into `release/2`; `release/*` would match as a glob: write `{ glob: "release/*" }`

    what to change
      policy.yml:3: `branch` is `release/*`, this job has `release/1`: `release/*` would match as a glob
          in the policy  `branch: { glob: "release/*" }`, by a reviewed change
      policy.yml:3: the rule has no `base`, and its `branch` is `release/*`, which must match the base too; this pull request goes into `release/2`: `release/*` would match as a glob
          in this check  `--default-branch release/2`, if that is the default branch
          in the policy  `branch: { glob: "release/*" }`, by a reviewed change
    "#);
}

#[test]
fn a_repository_that_looks_like_a_glob() {
    let policy = "version: 1
repositories:
  - repository: acme-org/*
    permissions:
      - { permission: ws:locks:create, branch: main }
";
    let directory = Directory::checkout(&[("policy.yml", policy)]);
    let asked = "check --policy policy.yml --permission ws:locks:create --repository acme-org/infra --branch main";
    let out = directory.run(&asked.split(' ').collect::<Vec<_>>()).out;
    let (_, said) = out.split_once("✓ 3 policy").unwrap();
    assert_snapshot!(said, @r#"
            `policy.yml`, sha256 eb5f451c33697ecb…: valid, 1 rule
    ✗ 4 repository    no entry for `acme-org/infra`: at line 3, `acme-org/*` would match as a glob: write `{ glob: "acme-org/*" }`
    – 5 rules         not reached
    ✗ 6 decision      denied, 403

    denied (repository_not_found): `ws:locks:create` is denied: the policy has no entry for `acme-org/infra`; at line 3, `acme-org/*` would match as a glob: write `{ glob: "acme-org/*" }`

    what to change
      policy.yml:3: `acme-org/*` would match as a glob: write `{ glob: "acme-org/*" }`, by a reviewed change

    see https://repo-permissions.github.io/repo-permissions/reasons/repository_not_found.html
    "#);
}

#[test]
fn a_base_of_a_fork_is_not_proposed() {
    let pull_request = "--event pull_request --branch x --base octocat:x";
    assert_snapshot!(check("base: main", pull_request), @"
    no_rule_matches): `ws:locks:create` is denied: rule 1 (line 3) needs base `main`; this job goes into `octocat:x`

    what to change
      policy.yml:3: `base` is `main`; this pull request goes into `octocat:x`
          in the job     open the pull request into the branch `main`
    ");
    assert_snapshot!(check("branch: [main, x]", pull_request), @"
    no_rule_matches): `ws:locks:create` is denied: rule 1 (line 3) needs a base that its `branch` matches; this job goes into `octocat:x`

    what to change
      policy.yml:3: the rule has no `base`, and its `branch` is `main` or `x`, which must match the base too; this pull request goes into `octocat:x`
          in the job     open the pull request into the branch `main` or `x`
    ");
}

#[test]
fn a_table_shows_it_beside_the_pattern() {
    let policy =
        "version: 1\npermissions:\n  - { permission: ws:locks:create, branch: feature/* }\n";
    let directory = Directory::checkout(&[("policy.yml", policy)]);
    let run = directory.run(&[
        "check",
        "--policy",
        "policy.yml",
        "--permission",
        "ws:locks:create",
        "--repository",
        "acme-org/infra",
        "--branch",
        "feature/x",
    ]);
    let (_, table) = run.out.split_once("ws:locks:create: denied\n").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    assert_snapshot!(table, @r#"
                       policy     kind   this job
    ✗ rule 1 (line 3)
        ✓ workflow     *          any    none
        ✗ branch       feature/*  regex  feature/x
            `feature/*` would match as a glob: write `{ glob: "feature/*" }`
        ✓ environment  *          any    none
    "#);
}

#[test]
fn values_that_no_job_has() {
    assert_snapshot!(check("branch: main", "--branch refs/heads/main"), @"
    no_rule_matches): `ws:locks:create` is denied: rule 1 (line 3) needs branch `main`; this job has `refs/heads/main`

    what to change
      policy.yml:3: `branch` is `main`, this job has `refs/heads/main`
          in the job     run it from the branch `main`
          in this check  `--branch main`: name a branch without `refs/heads/`
    ");
    assert_snapshot!(check("branch: refs/heads/main", "--branch main"), @"
    no_rule_matches): `ws:locks:create` is denied: rule 1 (line 3) needs branch `refs/heads/main`; this job has `main`; `refs/heads/main` would match without `refs/heads/`: write `main`

    what to change
      policy.yml:3: `branch` is `refs/heads/main`, this job has `main`: `refs/heads/main` would match without `refs/heads/`
          in the policy  `branch: main`, by a reviewed change
    ");
    assert_snapshot!(check("workflow: x.yml", "--workflow .github/workflows/x.yml"), @"
    no_rule_matches): `ws:locks:create` is denied: rule 1 (line 3) needs workflow `x.yml`; this job has `.github/workflows/x.yml`

    what to change
      policy.yml:3: `workflow` is `x.yml`, this job has `.github/workflows/x.yml`
          in the job     start it from the workflow file `x.yml` of this repository: other files are identified by their full path
          in this check  `--workflow x.yml`: name a workflow by its file
    ");
    assert_snapshot!(check("workflow: acme-org/infra/.github/workflows/x.yml", "--workflow x.yml"), @"
    no_rule_matches): `ws:locks:create` is denied: rule 1 (line 3) needs workflow `acme-org/infra/.github/workflows/x.yml`; this job has `x.yml`; `acme-org/infra/.github/workflows/x.yml` would match by its file name: write `x.yml`

    what to change
      policy.yml:3: `workflow` is `acme-org/infra/.github/workflows/x.yml`, this job has `x.yml`: `acme-org/infra/.github/workflows/x.yml` would match by its file name
          in the policy  `workflow: x.yml`, by a reviewed change
    ");
    assert_snapshot!(check("workflow: acme-org/shared/.github/workflows/x.yml", "--workflow x.yml"), @"
    no_rule_matches): `ws:locks:create` is denied: rule 1 (line 3) needs workflow `acme-org/shared/.github/workflows/x.yml`; this job has `x.yml`

    what to change
      policy.yml:3: `workflow` is `acme-org/shared/.github/workflows/x.yml`, this job has `x.yml`
          in the job     ask for the permission in the workflow file `acme-org/shared/.github/workflows/x.yml`
          in the policy  `workflow: [acme-org/shared/.github/workflows/x.yml, x.yml]`, by a reviewed change
    ");
}

#[test]
fn after_the_merge_only_where_that_is_no_other_denial() {
    let queue = "--branch gh-readonly-queue/main/pr-1-0a1b --event merge_group";
    assert_snapshot!(check("branch: main", queue), @"
    no_rule_matches): `ws:locks:create` is denied: rule 1 (line 3) needs branch `main`; this job has `gh-readonly-queue/main/pr-1-0a1b`

    what to change
      policy.yml:3: `branch` is `main`, this job has `gh-readonly-queue/main/pr-1-0a1b`
          in the job     run it from the branch `main`: a merge queue has its own branches, so ask after the merge, on `push`
    ");
    assert_snapshot!(check("branch: main, events: [merge_group]", queue), @"
    no_rule_matches): `ws:locks:create` is denied: rule 1 (line 3) needs branch `main`; this job has `gh-readonly-queue/main/pr-1-0a1b`

    what to change
      policy.yml:3: `branch` is `main`, this job has `gh-readonly-queue/main/pr-1-0a1b`
          in the job     run it from the branch `main`: a merge queue has its own branches
    ");
    assert_snapshot!(check("branch: develop", queue), @"
    no_rule_matches): `ws:locks:create` is denied: rule 1 (line 3) needs branch `develop`; this job has `gh-readonly-queue/main/pr-1-0a1b`

    what to change
      policy.yml:3: `branch` is `develop`, this job has `gh-readonly-queue/main/pr-1-0a1b`
          in the job     run it from the branch `develop`: a merge queue has its own branches
    ");
    let pull_request = "--branch feature/x --event pull_request";
    assert_snapshot!(check("branch: main", &format!("{pull_request} --base main")), @"
    no_rule_matches): `ws:locks:create` is denied: rule 1 (line 3) needs branch `main`; this job has `feature/x`

    what to change
      policy.yml:3: `branch` is `main`, this job has `feature/x`
          in the job     run it from the branch `main`: the branch of a pull request is its head branch, so ask after the merge, on `push`
          in the policy  `branch: [main, feature/x]`, by a reviewed change
    ");
    assert_snapshot!(check("branch: develop, base: main", &format!("{pull_request} --base main")), @"
    no_rule_matches): `ws:locks:create` is denied: rule 1 (line 3) needs branch `develop`; this job has `feature/x`

    what to change
      policy.yml:3: `branch` is `develop`, this job has `feature/x`
          in the job     run it from the branch `develop`: the branch of a pull request is its head branch
          in the policy  `branch: [develop, feature/x]`, by a reviewed change
    ");
}

#[test]
fn a_pull_request_of_claims_without_a_payload() {
    let claims = r#"{"repository":"acme-org/infra","repository_id":"1","ref":"refs/pull/7/merge","head_ref":"x","base_ref":"main","event_name":"pull_request"}"#;
    let payload = r#"{"pull_request":{"number":7,"head":{"ref":"x","repo":{"id":2,"owner":{"login":"octocat"}}}}}"#;
    let policy = "version: 1\npermissions:\n  - { permission: ws:locks:create, branch: main }\n";
    let files = [
        ("policy.yml", policy),
        ("claims.json", claims),
        ("event.json", payload),
    ];
    let directory = Directory::checkout(&files);
    let check = |more: &[&str]| {
        let asked = [
            "check",
            "--policy",
            "policy.yml",
            "--permission",
            "ws:locks:create",
            "--claims",
            "claims.json",
        ];
        let out = directory.run(&[&asked, more].concat()).out;
        let (_, said) = out.split_once("what to change\n").unwrap();
        let (said, _) = said.split_once("\nsee ").unwrap();
        said.to_owned()
    };
    assert_snapshot!(check(&[]), @"
    policy.yml:3: `branch` is `main`, this job has `unknown:x`
        in the job     run it from the branch `main`: the branch of a pull request is its head branch, here of an unknown repository, so ask after the merge, on `push`
        in this check  `--payload event.json`, the event's payload, which names the branch's owner
    ");
    assert_snapshot!(check(&["--payload", "event.json"]), @"
    policy.yml:3: `branch` is `main`, this job has `octocat:x`
        in the job     run it from the branch `main`: the branch of a pull request is its head branch, here of a fork, so ask after the merge, on `push`
    ");
}

const CONFIG: &str = "[remote \"origin\"]\n\turl = https://github.com/acme-org/infra.git\n";

#[test]
fn a_workflow_file_of_the_own_repository_has_no_path() {
    let policy = "version: 1
permissions:
  - { permission: ws:locks:create, workflow: acme-org/infra/.github/workflows/deploy.yml }
  - { permission: ws:locks:create, workflow: .github/workflows/deploy.yml }
  - { permission: ws:locks:create, workflow: acme-org/shared/.github/workflows/deploy.yml }
repositories:
  - repository: acme-org/other
    repository_id: 7
    permissions:
      - { permission: ws:locks:create, workflow: acme-org/other/.github/workflows/deploy.yml }
";
    let directory = Directory::with_workflows(&[(
        "deploy.yml",
        "on: push\njobs: { a: { runs-on: x, steps: [] } }\n",
    )]);
    directory.write(".github/repo-permissions.yml", policy);
    directory.write(".git/config", CONFIG);
    let lint = directory.run(&["lint", ".github/repo-permissions.yml"]);
    assert_snapshot!(lint.out, @"
    note[top-level-ignored]: the rules at the top apply only to the repository that contains this file
     --> .github/repo-permissions.yml:3:5
      |
    3 |   - { permission: ws:locks:create, workflow: acme-org/infra/.github/workflows/deploy.yml }
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: as the policy of another repository, this file is invalid: move them into an entry of `repositories`

    warning[never-matches]: no job has the workflow `acme-org/infra/.github/workflows/deploy.yml`: a file of the repository itself is named without a path
     --> .github/repo-permissions.yml:3:46
      |
    3 |   - { permission: ws:locks:create, workflow: acme-org/infra/.github/workflows/deploy.yml }
      |                                              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write `deploy.yml`

    warning[never-matches]: no job has the workflow `.github/workflows/deploy.yml`: a file of the repository itself is named without a path
     --> .github/repo-permissions.yml:4:46
      |
    4 |   - { permission: ws:locks:create, workflow: .github/workflows/deploy.yml }
      |                                              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write `deploy.yml`

    warning[never-matches]: no job has the workflow `acme-org/other/.github/workflows/deploy.yml`: a file of the repository itself is named without a path
      --> .github/repo-permissions.yml:10:50
       |
    10 |       - { permission: ws:locks:create, workflow: acme-org/other/.github/workflows/deploy.yml }
       |                                                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: write `deploy.yml`

    0 errors, 3 warnings, 1 note in 1 file
    ");
    let top = policy.split("repositories:").next().unwrap();
    directory.write(".github/repo-permissions.yml", top);
    let matrix = directory.run(&["matrix", ".github/repo-permissions.yml"]);
    let (_, unused) = matrix
        .out
        .split_once("no workflow here can use")
        .unwrap_or(("", &matrix.out));
    assert_snapshot!(unused, @"

    rule 1 (line 3): no job has the workflow `acme-org/infra/.github/workflows/deploy.yml`: write
    `deploy.yml`
    rule 2 (line 4): no job has the workflow `.github/workflows/deploy.yml`: write `deploy.yml`
    rule 3 (line 5): `acme-org/shared/.github/workflows/deploy.yml` belongs to another repository
    ");
}

#[test]
fn a_default_branch_is_named_without_its_ref() {
    let policy = "version: 1\npermissions:\n  - { permission: ws:locks:create, branch: dev }\n";
    let directory = Directory::checkout(&[("policy.yml", policy)]);
    let check = |default_branch: &str| {
        let asked = "check --policy policy.yml --permission ws:locks:create --repository o/r --event pull_request --branch dev --base main --default-branch";
        let asked: Vec<_> = asked.split(' ').chain([default_branch]).collect();
        directory.run(&asked)
    };
    assert_eq!(check("main").code, Some(0));
    let wrong = check("refs/heads/main");
    assert_eq!(wrong.code, Some(1));
    assert!(
        wrong.out.contains(
            "in this check  `--default-branch main`: name a branch without `refs/heads/`"
        ),
        "{}",
        wrong.out
    );
    let other = check("refs/heads/trunk");
    assert!(!other.out.contains("in this check"), "{}", other.out);
}

#[test]
fn a_proposed_list_names_a_branch_once() {
    let policy = "version: 1\npermissions:\n  - { permission: ws:locks:create, branch: main }\n";
    let directory = Directory::checkout(&[("policy.yml", policy)]);
    let asked = "check --policy policy.yml --permission ws:locks:create --repository o/r --event pull_request --branch main --base evil --default-branch main";
    let run = directory.run(&asked.split(' ').collect::<Vec<_>>());
    assert_eq!(run.code, Some(1));
    assert!(run.out.contains("`base: [main, evil]`"), "{}", run.out);
}
