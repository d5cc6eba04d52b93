//! `repo-permissions init`, by the whole program.

use insta::assert_snapshot;
use simulator::GitHub;
use simulator::github::{Answer, Endpoint, Fault, FaultRule, Repository};

use crate::support::directory::Directory;
use crate::support::program::Run;

const POLICY: &str = ".github/repo-permissions.yml";
const CASES: &str = ".github/repo-permissions.tests.yml";

/// What it says and writes. The policy has to be clean and its cases have to hold.
fn written(checkout: &Directory, run: &Run) -> String {
    assert_eq!(run.code, Some(0), "{}", run.err);
    let lint = checkout.run(&["lint", POLICY]);
    assert!(lint.out.contains("0 errors, 0 warnings"), "{}", lint.out);
    // What it cannot read, lint cannot read either.
    assert_eq!(lint.err, run.err);
    let test = checkout.prints(&["test", CASES]);
    assert!(test.contains(" 0 failed"), "{test}");
    let parts = [
        &run.err,
        &run.out,
        &checkout.read(POLICY),
        &checkout.read(CASES),
    ];
    let schema = "# yaml-language-server: $schema=https://raw.githubusercontent.com/repo-permissions/repo-permissions/v0/schema/";
    let parts = parts.map(|part| part.replace(schema, "# schema: "));
    parts.join("----\n")
}

fn init(workflows: &[(&str, &str)]) -> String {
    let checkout = Directory::with_workflows(workflows);
    let run = checkout.run(&["init"]);
    written(&checkout, &run)
}

#[test]
fn a_push_that_deploys_behind_the_gate() {
    let deploy = "
name: Deploy production
on:
  push:
    branches: [main, 'release/**']
  workflow_dispatch:
permissions: {}
jobs:
  deploy:
    runs-on: ubuntu-24.04
    environment: production
    permissions:
      id-token: write
    steps:
      - uses: repo-permissions/repo-permissions@v0
        with:
          permission: |
            ws:deployments:create
            Locks Create
      - run: ./deploy.sh
";
    let ci = "on: [push, pull_request]\njobs: {test: {steps: [{run: terraform fmt}]}}";
    let workflows = [("deploy-production.yml", deploy), ("ci.yml", ci)];
    assert_snapshot!(init(&workflows), @r#"
    ----
    wrote `.github/repo-permissions.yml`: 1 rule from 2 workflow files, default branch `main`
    wrote `.github/repo-permissions.tests.yml`: 3 cases
    next: read the policy, then run
      repo-permissions lint .github/repo-permissions.yml
      repo-permissions test .github/repo-permissions.tests.yml
      repo-permissions matrix .github/repo-permissions.yml
    commit both files to the default branch, with the policy's reviewers in CODEOWNERS
    ----
    # schema: repo-permissions.schema.json
    #
    # `repo-permissions init` proposed these rules from the workflow files. Review each rule and remove
    # what you do not want; everything that no rule grants is denied.
    version: 1

    permissions:
      # Seen: this action, line 15.
      - name: deploy-production.yml on 2 branches for production
        permission: [ws:deployments:create, ws:locks:create]
        workflow: deploy-production.yml
        branch: [main, { glob: "release/**" }]
        environment: production
        events: [push, workflow_dispatch]
    ----
    # schema: repo-permissions-tests.schema.json
    #
    # What the policy should allow and deny. `repo-permissions test` runs these cases and shows which
    # ones a change to the policy affects.
    policy: repo-permissions.yml

    tests:
      - name: deploy-production.yml on 2 branches for production is allowed
        permission: [ws:deployments:create, ws:locks:create]
        context:
          workflow: deploy-production.yml
          branch: main
          environment: production
          event: push
        expect: allowed

      - name: deploy-production.yml on 2 branches for production is denied from another branch
        permission: [ws:deployments:create, ws:locks:create]
        context:
          workflow: deploy-production.yml
          branch: another-branch
          environment: production
          event: push
        expect: denied

      - name: another workflow file is denied
        permission: [ws:deployments:create, ws:locks:create]
        context:
          workflow: another-workflow.yml
          branch: main
          environment: production
          event: push
        expect: denied
    "#);
}

#[test]
fn environments_by_the_choice_of_who_starts_it() {
    let deploy = "
on:
  push: {branches: [main]}
  schedule: [{cron: '0 5 * * *'}]
  workflow_dispatch:
    inputs:
      environment: {type: choice, options: [dev, staging, production]}
jobs:
  deploy:
    environment: ${{ inputs.environment || 'staging' }}
    steps: [{run: terraform apply}]
";
    let apply = "
on: {workflow_dispatch: {inputs: {github_environment: {type: environment}}}}
jobs:
  apply:
    environment: {name: '${{ inputs.github_environment }}'}
    steps: [{run: atmos terraform apply --upload-status}]
";
    let workflows = [("deploy.yml", deploy), ("atmos-apply.yaml", apply)];
    assert_snapshot!(init(&workflows), @"
    ----
    wrote `.github/repo-permissions.yml`: 2 rules from 2 workflow files, default branch `main`, 1 question for you in its comments
    wrote `.github/repo-permissions.tests.yml`: 5 cases
    next: read the policy, then run
      repo-permissions lint .github/repo-permissions.yml
      repo-permissions test .github/repo-permissions.tests.yml
      repo-permissions matrix .github/repo-permissions.yml
    commit both files to the default branch, with the policy's reviewers in CODEOWNERS
    ----
    # schema: repo-permissions.schema.json
    #
    # `repo-permissions init` proposed these rules from the workflow files. Review each rule and remove
    # what you do not want; everything that no rule grants is denied.
    version: 1

    permissions:
      # Seen: an environment, line 9.
      - name: deploy.yml on main for staging
        permission: ws:deployments:create
        workflow: deploy.yml
        branch: main
        environment: staging
        events: [push, schedule]

      # Seen: an environment, line 9.
      - name: deploy.yml on main for 3 environments
        permission: ws:deployments:create
        workflow: deploy.yml
        branch: main
        environment: [dev, staging, production]
        events: [workflow_dispatch]

      # Only a run knows the environment `${{ inputs.github_environment }}`. Name the intended ones with
      # `environment:`.
      # Seen: `atmos --upload-status`, line 6.
      # Seen: an environment, line 4.
      # - name: atmos-apply.yaml on main
      #   permission: [ws:instances:update, ws:deployments:create]
      #   workflow: atmos-apply.yaml
      #   branch: main
      #   events: [workflow_dispatch]
    ----
    # schema: repo-permissions-tests.schema.json
    #
    # What the policy should allow and deny. `repo-permissions test` runs these cases and shows which
    # ones a change to the policy affects.
    policy: repo-permissions.yml

    tests:
      - name: deploy.yml on main for staging is allowed
        permission: ws:deployments:create
        context:
          workflow: deploy.yml
          branch: main
          environment: staging
          event: push
        expect: allowed

      - name: deploy.yml on main for staging is denied from another branch
        permission: ws:deployments:create
        context:
          workflow: deploy.yml
          branch: another-branch
          environment: staging
          event: push
        expect: denied

      - name: deploy.yml on main for 3 environments is allowed
        permission: ws:deployments:create
        context:
          workflow: deploy.yml
          branch: main
          environment: dev
          event: workflow_dispatch
        expect: allowed

      - name: deploy.yml on main for 3 environments is denied from another branch
        permission: ws:deployments:create
        context:
          workflow: deploy.yml
          branch: another-branch
          environment: dev
          event: workflow_dispatch
        expect: denied

      - name: another workflow file is denied
        permission: ws:deployments:create
        context:
          workflow: another-workflow.yml
          branch: main
          environment: staging
          event: push
        expect: denied
    ");
}

#[test]
fn a_reusable_gate_and_a_reusable_deployment() {
    let release = "
on:
  release: {types: [published]}
  push: {tags: ['v*']}
jobs:
  gate:
    permissions: {id-token: write}
    uses: ./.github/workflows/gate.yml
    with: {permission: 'Deployments Create, ws:locks:create'}
  deploy:
    uses: ./.github/workflows/deploy.yml
    with: {environment: production}
";
    let gate = "
on: {workflow_call: {inputs: {permission: {type: string, required: true}}}}
jobs:
  gate:
    steps:
      - uses: acme-org/repo-permissions@0123456789abcdef
        with: {permission: '${{ inputs.permission }}'}
";
    let deploy = "
on: {workflow_call: {inputs: {environment: {type: string}}}}
jobs:
  deploy:
    environment: ${{ inputs.environment }}
    steps:
      - uses: acme-org/repo-permissions@0123456789abcdef
        with: {permission: ws:instances:update}
";
    let workflows = [
        ("release.yml", release),
        ("gate.yml", gate),
        ("deploy.yml", deploy),
    ];
    assert_snapshot!(init(&workflows), @r#"
    ----
    wrote `.github/repo-permissions.yml`: 4 rules from 3 workflow files, default branch `main`, 1 question for you in its comments
    wrote `.github/repo-permissions.tests.yml`: 9 cases
    next: read the policy, then run
      repo-permissions lint .github/repo-permissions.yml
      repo-permissions test .github/repo-permissions.tests.yml
      repo-permissions matrix .github/repo-permissions.yml
    commit both files to the default branch, with the policy's reviewers in CODEOWNERS
    ----
    # schema: repo-permissions.schema.json
    #
    # `repo-permissions init` proposed these rules from the workflow files. Review each rule and remove
    # what you do not want; everything that no rule grants is denied.
    version: 1

    permissions:
      # Seen: this action, line 6 of gate.yml.
      - name: release.yml on releases
        permission: [ws:deployments:create, ws:locks:create]
        workflow: release.yml
        branch: { glob: "refs/tags/**" }
        events: [release]

      # Seen: this action, line 6 of gate.yml.
      - name: release.yml on tags
        permission: [ws:deployments:create, ws:locks:create]
        workflow: release.yml
        branch: { glob: "refs/tags/v*" }
        events: [push]

      # Seen: this action, line 7 of deploy.yml.
      - name: release.yml on releases for production
        permission: ws:instances:update
        workflow: release.yml
        branch: { glob: "refs/tags/**" }
        environment: production
        events: [release]

      # Seen: this action, line 7 of deploy.yml.
      - name: release.yml on tags for production
        permission: ws:instances:update
        workflow: release.yml
        branch: { glob: "refs/tags/v*" }
        environment: production
        events: [push]

    # To decide yourself:
    # - release.yml: line 7 of deploy.yml requests permissions in a job without `id-token: write`, which
    #   therefore gets no token
    ----
    # schema: repo-permissions-tests.schema.json
    #
    # What the policy should allow and deny. `repo-permissions test` runs these cases and shows which
    # ones a change to the policy affects.
    policy: repo-permissions.yml

    tests:
      - name: release.yml on releases is allowed
        permission: [ws:deployments:create, ws:locks:create]
        context:
          workflow: release.yml
          branch: refs/tags/x
          event: release
        expect: allowed

      - name: release.yml on releases is denied from another branch
        permission: [ws:deployments:create, ws:locks:create]
        context:
          workflow: release.yml
          branch: another-branch
          event: release
        expect: denied

      - name: release.yml on tags is allowed
        permission: [ws:deployments:create, ws:locks:create]
        context:
          workflow: release.yml
          branch: refs/tags/vx
          event: push
        expect: allowed

      - name: release.yml on tags is denied from another branch
        permission: [ws:deployments:create, ws:locks:create]
        context:
          workflow: release.yml
          branch: another-branch
          event: push
        expect: denied

      - name: release.yml on releases for production is allowed
        permission: ws:instances:update
        context:
          workflow: release.yml
          branch: refs/tags/x
          environment: production
          event: release
        expect: allowed

      - name: release.yml on releases for production is denied from another branch
        permission: ws:instances:update
        context:
          workflow: release.yml
          branch: another-branch
          environment: production
          event: release
        expect: denied

      - name: release.yml on tags for production is allowed
        permission: ws:instances:update
        context:
          workflow: release.yml
          branch: refs/tags/vx
          environment: production
          event: push
        expect: allowed

      - name: release.yml on tags for production is denied from another branch
        permission: ws:instances:update
        context:
          workflow: release.yml
          branch: another-branch
          environment: production
          event: push
        expect: denied

      - name: another workflow file is denied
        permission: [ws:deployments:create, ws:locks:create]
        context:
          workflow: another-workflow.yml
          branch: refs/tags/x
          event: release
        expect: denied
    "#);
}

#[test]
fn a_monorepo() {
    let plan = "
on: {pull_request: {types: [opened, synchronize]}, merge_group: }
jobs: {affected: {steps: [{run: atmos describe affected --upload}]}}
";
    let billing = "
on: {push: {branches: ['**', '!gh-pages'], paths: [billing/**]}}
jobs:
  staging: {environment: billing-staging, steps: [{run: ./deploy}]}
  production: {environment: billing-production, steps: [{run: ./deploy}]}
";
    let ledger = "
on: {push: {branches: [main, 'release/*']}}
jobs:
  deploy:
    strategy: {matrix: {env: [ledger-eu, ledger-us]}}
    environment: ${{ matrix.env }}
    steps: [{run: ./deploy}]
";
    let instances = "
on: {schedule: [{cron: '0 1 * * *'}], push: {branches-ignore: [wip/**]}}
jobs: {list: {steps: [{run: atmos list instances --upload}]}}
";
    let preview = "
on: [pull_request, pull_request_target]
jobs: {preview: {environment: preview, steps: [{run: ./preview}]}}
";
    let workflows = [
        ("atmos-pro-plan.yml", plan),
        ("billing.yml", billing),
        ("instances.yml", instances),
        ("ledger.yml", ledger),
        ("preview.yml", preview),
    ];
    assert_snapshot!(init(&workflows), @r#"
    ----
    wrote `.github/repo-permissions.yml`: 5 rules from 5 workflow files, default branch `main`, 3 questions for you in its comments
    wrote `.github/repo-permissions.tests.yml`: 12 cases
    next: read the policy, then run
      repo-permissions lint .github/repo-permissions.yml
      repo-permissions test .github/repo-permissions.tests.yml
      repo-permissions matrix .github/repo-permissions.yml
    commit both files to the default branch, with the policy's reviewers in CODEOWNERS
    ----
    # schema: repo-permissions.schema.json
    #
    # `repo-permissions init` proposed these rules from the workflow files. Review each rule and remove
    # what you do not want; everything that no rule grants is denied.
    version: 1

    permissions:
      # Seen: `atmos describe affected --upload`, line 3.
      - name: atmos-pro-plan.yml in pull requests
        permission: ws:affected_stacks:create
        workflow: atmos-pro-plan.yml
        # Every branch of this repository; a fork's is OWNER:BRANCH.
        branch: "[^:]+"
        # A pull request runs the merge of its head into its base.
        base: main
        events: [pull_request]

      # Seen: `atmos describe affected --upload`, line 3.
      - name: atmos-pro-plan.yml in the merge queue
        permission: ws:affected_stacks:create
        workflow: atmos-pro-plan.yml
        branch: { glob: "gh-readonly-queue/main/**" }
        events: [merge_group]

      # Seen: an environment, line 4, line 5.
      - name: billing.yml on main for 2 environments
        permission: ws:deployments:create
        workflow: billing.yml
        branch: main
        environment: [billing-staging, billing-production]
        events: [push]

      # Seen: `atmos list instances --upload`, line 3.
      - name: instances.yml on main
        permission: ws:instances:create
        workflow: instances.yml
        branch: main
        events: [schedule, push]

      # Seen: an environment, line 4.
      - name: ledger.yml on 2 branches for 2 environments
        permission: ws:deployments:create
        workflow: ledger.yml
        branch: [main, { glob: "release/*" }]
        environment: [ledger-eu, ledger-us]
        events: [push]

    # To decide yourself:
    # - billing.yml, instances.yml: no rule can exclude a branch as the filters of `push` do; the rules
    #   name only `main`
    # - preview.yml: on `pull_request` it deploys code that is not merged yet; add a rule if this is
    #   intended
    # - preview.yml: users without write access can start `pull_request_target` or control its content,
    #   so a rule must name it; add one only if the workflow neither checks out nor runs that content
    ----
    # schema: repo-permissions-tests.schema.json
    #
    # What the policy should allow and deny. `repo-permissions test` runs these cases and shows which
    # ones a change to the policy affects.
    policy: repo-permissions.yml

    tests:
      - name: atmos-pro-plan.yml in pull requests is allowed
        permission: ws:affected_stacks:create
        context:
          workflow: atmos-pro-plan.yml
          branch: feature/example
          base: main
          event: pull_request
        expect: allowed

      - name: atmos-pro-plan.yml in pull requests is denied from a fork
        permission: ws:affected_stacks:create
        context:
          workflow: atmos-pro-plan.yml
          branch: octocat:feature/example
          base: main
          event: pull_request
        expect: denied

      - name: atmos-pro-plan.yml in pull requests is denied into another branch
        permission: ws:affected_stacks:create
        context:
          workflow: atmos-pro-plan.yml
          branch: feature/example
          base: another-branch
          event: pull_request
        expect: denied

      - name: atmos-pro-plan.yml in the merge queue is allowed
        permission: ws:affected_stacks:create
        context:
          workflow: atmos-pro-plan.yml
          branch: gh-readonly-queue/main/x
          event: merge_group
        expect: allowed

      - name: atmos-pro-plan.yml in the merge queue is denied from another branch
        permission: ws:affected_stacks:create
        context:
          workflow: atmos-pro-plan.yml
          branch: another-branch
          event: merge_group
        expect: denied

      - name: billing.yml on main for 2 environments is allowed
        permission: ws:deployments:create
        context:
          workflow: billing.yml
          branch: main
          environment: billing-staging
          event: push
        expect: allowed

      - name: billing.yml on main for 2 environments is denied from another branch
        permission: ws:deployments:create
        context:
          workflow: billing.yml
          branch: another-branch
          environment: billing-staging
          event: push
        expect: denied

      - name: instances.yml on main is allowed
        permission: ws:instances:create
        context:
          workflow: instances.yml
          branch: main
          event: schedule
        expect: allowed

      - name: instances.yml on main is denied from another branch
        permission: ws:instances:create
        context:
          workflow: instances.yml
          branch: another-branch
          event: schedule
        expect: denied

      - name: ledger.yml on 2 branches for 2 environments is allowed
        permission: ws:deployments:create
        context:
          workflow: ledger.yml
          branch: main
          environment: ledger-eu
          event: push
        expect: allowed

      - name: ledger.yml on 2 branches for 2 environments is denied from another branch
        permission: ws:deployments:create
        context:
          workflow: ledger.yml
          branch: another-branch
          environment: ledger-eu
          event: push
        expect: denied

      - name: another workflow file is denied
        permission: ws:affected_stacks:create
        context:
          workflow: another-workflow.yml
          branch: feature/example
          base: main
          event: pull_request
        expect: denied
    "#);
}

#[test]
fn pull_requests_only() {
    let plan = "
on: pull_request
permissions: {id-token: write}
jobs: {plan: {steps: [{uses: hashicorp/setup-terraform@v3}, {run: terraform plan}]}}
";
    assert_snapshot!(init(&[("plan.yml", plan)]), @r#"
    ----
    wrote `.github/repo-permissions.yml`: 1 rule from 1 workflow file, default branch `main`
    wrote `.github/repo-permissions.tests.yml`: 4 cases
    next: read the policy, then run
      repo-permissions lint .github/repo-permissions.yml
      repo-permissions test .github/repo-permissions.tests.yml
      repo-permissions matrix .github/repo-permissions.yml
    commit both files to the default branch, with the policy's reviewers in CODEOWNERS
    ----
    # schema: repo-permissions.schema.json
    #
    # `repo-permissions init` proposed these rules from the workflow files. Review each rule and remove
    # what you do not want; everything that no rule grants is denied.
    version: 1

    permissions:
      # Seen: `terraform plan`, line 4.
      - name: plan.yml in pull requests
        permission: ws:affected_stacks:create
        workflow: plan.yml
        # Every branch of this repository; a fork's is OWNER:BRANCH.
        branch: "[^:]+"
        # A pull request runs the merge of its head into its base.
        base: main
        events: [pull_request]
    ----
    # schema: repo-permissions-tests.schema.json
    #
    # What the policy should allow and deny. `repo-permissions test` runs these cases and shows which
    # ones a change to the policy affects.
    policy: repo-permissions.yml

    tests:
      - name: plan.yml in pull requests is allowed
        permission: ws:affected_stacks:create
        context:
          workflow: plan.yml
          branch: feature/example
          base: main
          event: pull_request
        expect: allowed

      - name: plan.yml in pull requests is denied from a fork
        permission: ws:affected_stacks:create
        context:
          workflow: plan.yml
          branch: octocat:feature/example
          base: main
          event: pull_request
        expect: denied

      - name: plan.yml in pull requests is denied into another branch
        permission: ws:affected_stacks:create
        context:
          workflow: plan.yml
          branch: feature/example
          base: another-branch
          event: pull_request
        expect: denied

      - name: another workflow file is denied
        permission: ws:affected_stacks:create
        context:
          workflow: another-workflow.yml
          branch: feature/example
          base: main
          event: pull_request
        expect: denied
    "#);
}

#[test]
fn a_repository_without_workflows() {
    assert_snapshot!(init(&[]), @"
    ----
    wrote `.github/repo-permissions.yml`: 0 rules from 0 workflow files, default branch `main`
    wrote `.github/repo-permissions.tests.yml`: 1 case
    next: read the policy, then run
      repo-permissions lint .github/repo-permissions.yml
      repo-permissions test .github/repo-permissions.tests.yml
      repo-permissions matrix .github/repo-permissions.yml
    commit both files to the default branch, with the policy's reviewers in CODEOWNERS
    ----
    # schema: repo-permissions.schema.json
    #
    # `repo-permissions init` proposed these rules from the workflow files. Review each rule and remove
    # what you do not want; everything that no rule grants is denied.
    version: 1

    permissions: []
    # No rule follows from the workflow files. The first one replaces `[]`, for example:
    # - name: production deploys
    #   permission: ws:deployments:create
    #   workflow: deploy.yml
    #   branch: main
    #   environment: production
    #   events: [push]
    ----
    # schema: repo-permissions-tests.schema.json
    #
    # What the policy should allow and deny. `repo-permissions test` runs these cases and shows which
    # ones a change to the policy affects.
    policy: repo-permissions.yml

    tests:
      - name: another workflow file is denied
        permission: ws:deployments:create
        context:
          workflow: another-workflow.yml
          branch: main
          event: push
        expect: denied
    ");
}

#[test]
fn a_broken_file_stops_no_other() {
    let good = "on: {push: {branches: [main]}}\njobs: {deploy: {environment: production}}";
    let workflows = [
        ("bad.yml", "on: push\njobs:\n\tdeploy: {}\n"),
        ("good.yml", good),
        ("wrong.yml", "on: push\n"),
    ];
    assert_snapshot!(init(&workflows), @"
    warning: cannot read the workflow `bad.yml`: line 3, column 2: not valid YAML: tabs disallowed within this context (block indentation)
    warning: cannot read the workflow `wrong.yml`: line 1, column 1: `jobs` is missing
    ----
    wrote `.github/repo-permissions.yml`: 1 rule from 1 workflow file, default branch `main`, 2 questions for you in its comments
    wrote `.github/repo-permissions.tests.yml`: 3 cases
    next: read the policy, then run
      repo-permissions lint .github/repo-permissions.yml
      repo-permissions test .github/repo-permissions.tests.yml
      repo-permissions matrix .github/repo-permissions.yml
    commit both files to the default branch, with the policy's reviewers in CODEOWNERS
    ----
    # schema: repo-permissions.schema.json
    #
    # `repo-permissions init` proposed these rules from the workflow files. Review each rule and remove
    # what you do not want; everything that no rule grants is denied.
    version: 1

    permissions:
      # Seen: an environment, line 2.
      - name: good.yml on main for production
        permission: ws:deployments:create
        workflow: good.yml
        branch: main
        environment: production
        events: [push]

    # To decide yourself:
    # - bad.yml: it cannot be read (line 3, column 2: not valid YAML: tabs disallowed within this
    #   context (block indentation))
    # - wrong.yml: it cannot be read (line 1, column 1: `jobs` is missing)
    ----
    # schema: repo-permissions-tests.schema.json
    #
    # What the policy should allow and deny. `repo-permissions test` runs these cases and shows which
    # ones a change to the policy affects.
    policy: repo-permissions.yml

    tests:
      - name: good.yml on main for production is allowed
        permission: ws:deployments:create
        context:
          workflow: good.yml
          branch: main
          environment: production
          event: push
        expect: allowed

      - name: good.yml on main for production is denied from another branch
        permission: ws:deployments:create
        context:
          workflow: good.yml
          branch: another-branch
          environment: production
          event: push
        expect: denied

      - name: another workflow file is denied
        permission: ws:deployments:create
        context:
          workflow: another-workflow.yml
          branch: main
          environment: production
          event: push
        expect: denied
    ");
}

#[test]
fn the_example_is_what_it_writes() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/repository");
    let directory = Directory::checkout(&[]);
    let run = directory.run(&["init", root, "--output", POLICY, "--default-branch", "main"]);
    assert_eq!((run.code, &*run.err), (Some(0), ""));
    for file in [POLICY, CASES] {
        let example = std::fs::read_to_string(format!("{root}/{file}")).unwrap();
        assert_eq!(directory.read(file), example, "{file}");
    }
}

#[test]
fn nothing_is_overwritten() {
    for file in [POLICY, CASES] {
        let checkout = Directory::with_workflows(&[]);
        checkout.write(file, "mine");
        let run = checkout.run(&["init"]);
        assert_eq!((run.code, &*run.out), (Some(2), ""));
        assert_eq!(
            run.err,
            format!(
                "error: `{file}` already exists: print the proposal with `--stdout`, or write it to another file with `--output FILE`\n"
            )
        );
        assert_eq!(checkout.read(file), "mine");
        assert!(!(checkout.exists(POLICY) && checkout.exists(CASES)));
    }
    // Not even what a link points to, where there is nothing yet.
    let checkout = Directory::checkout(&[(".github/CODEOWNERS", "")]);
    std::os::unix::fs::symlink("elsewhere.yml", checkout.0.join(CASES)).unwrap();
    assert_eq!(checkout.run(&["init"]).code, Some(2));
    assert!(!checkout.exists(".github/elsewhere.yml") && !checkout.exists(POLICY));
    // A second run finds the files of the first.
    let checkout = Directory::with_workflows(&[]);
    assert_eq!(checkout.run(&["init"]).code, Some(0));
    assert_eq!(checkout.run(&["init"]).code, Some(2));
}

#[test]
fn another_place_and_only_printed() {
    let workflow = "on: push\njobs: {deploy: {environment: production}}";
    let checkout = Directory::checkout(&[("app/.github/workflows/a.yml", workflow)]);
    let printed = checkout.prints(&["init", "app", "--stdout"]);
    assert!(printed.contains("workflow: a.yml"));
    assert!(!checkout.exists("app/.github/repo-permissions.yml"));
    let said = checkout.prints(&["init", "app", "--output", "./x y/policy.yaml"]);
    assert_snapshot!(said, @"
    wrote `x y/policy.yaml`: 1 rule from 1 workflow file, default branch `main`, 1 question for you in its comments
    wrote `x y/policy.tests.yml`: 3 cases
    next: read the policy, then run
      repo-permissions lint 'x y/policy.yaml'
      repo-permissions test 'x y/policy.tests.yml'
      repo-permissions matrix 'x y/policy.yaml'
    commit both files to the default branch, with the policy's reviewers in CODEOWNERS
    ");
    assert_eq!(checkout.read("x y/policy.yaml"), printed);
    assert!(
        checkout
            .read("x y/policy.tests.yml")
            .contains("\npolicy: policy.yaml\n")
    );
    checkout.prints(&["test", "x y/policy.tests.yml"]);
    for (arguments, error) in [
        (
            &["--output", "p.json"][..],
            "--output is `p.json`, expected a file name ending in `.yml` or `.yaml`",
        ),
        (
            &["missing"],
            "`missing` cannot be read: No such file or directory (os error 2)",
        ),
    ] {
        let run = checkout.run(&[&["init"], arguments].concat());
        assert_eq!((run.code, run.err), (Some(2), format!("error: {error}\n")));
    }
}

#[test]
fn the_default_branch_is_what_git_says() {
    let workflow = "on: workflow_dispatch\njobs: {deploy: {environment: production}}";
    let branch = |files: &[(&str, &str)], arguments: &[&str]| {
        let checkout = Directory::with_workflows(&[("a.yml", workflow)]);
        for (file, text) in files {
            checkout.write(file, text);
        }
        let policy = checkout.prints(&[&["init", "--stdout"], arguments].concat());
        let line = policy.lines().find(|line| line.contains("branch:"));
        line.unwrap().trim().to_owned()
    };
    let trunk = (
        ".git/refs/remotes/origin/HEAD",
        "ref: refs/remotes/origin/trunk/1\n",
    );
    let master = (".git/HEAD", "ref: refs/heads/master\n");
    let topic = (".git/HEAD", "ref: refs/heads/topic\n");
    assert_eq!(branch(&[trunk, master], &[]), "branch: trunk/1");
    assert_eq!(branch(&[master], &[]), "branch: master");
    assert_eq!(branch(&[topic], &[]), "branch: main");
    assert_eq!(branch(&[trunk], &["--default-branch", "x"]), "branch: x");
}

/// The entry of a central policy, up to its rules.
fn entry(checkout: &Directory, variables: &[(&str, &str)], arguments: &[&str]) -> String {
    let arguments = [&["init", "--central"], arguments].concat();
    let run = checkout.run_with(variables, &arguments);
    let policy = written(checkout, &run);
    for file in [POLICY, CASES] {
        std::fs::remove_file(checkout.0.join(file)).unwrap();
    }
    let (_, entry) = policy.split_once("repositories:\n").unwrap();
    let (entry, _) = entry.split_once("    permissions:").unwrap();
    entry.to_owned()
}

#[test]
fn an_entry_is_pinned_where_the_ids_are_known() {
    let workflow = "on: push\njobs: {deploy: {environment: production}}";
    let checkout = Directory::with_workflows(&[("a.yml", workflow)]);
    let config = "[remote \"origin\"]\n\turl = git@127.0.0.1:acme-org/infra.git\n";
    checkout.write(".git/config", config);
    let github = GitHub::start().unwrap();
    github.add_repository(Repository::new("acme-org/infra", 123, 4567));
    github.add_repository(Repository::new("acme-org/secret", 124, 4567).private());
    let (api, server) = (github.api_url(), github.server_url());
    let urls = [("GITHUB_API_URL", &*api), ("GITHUB_SERVER_URL", &*server)];

    // In a job of the repository nobody is asked.
    let job = [
        ("GITHUB_REPOSITORY", "acme-org/job"),
        ("GITHUB_REPOSITORY_ID", "1"),
        ("GITHUB_REPOSITORY_OWNER_ID", "2"),
    ];
    assert_snapshot!(entry(&checkout, &[&urls[..], &job].concat(), &[]), @"
    # The ids pin the repository: another repository that takes over its name has different ids.
    - repository: acme-org/job
      repository_id: 1
      owner_id: 2
    ");
    assert_eq!(github.requests().len(), 0);

    // Of another repository the job's ids are not taken.
    let other = ["--repository", "Acme-Org/Infra"];
    assert_snapshot!(entry(&checkout, &[&urls[..], &job].concat(), &other), @"
    # The ids pin the repository: another repository that takes over its name has different ids.
    - repository: Acme-Org/Infra
      repository_id: 123
      owner_id: 4567
    ");

    assert_snapshot!(entry(&checkout, &urls, &[]), @"
    # The ids pin the repository: another repository that takes over its name has different ids.
    - repository: acme-org/infra
      repository_id: 123
      owner_id: 4567
    ");
    let worktree = Directory::with_workflows(&[("a.yml", workflow)]);
    std::fs::remove_dir_all(worktree.0.join(".git")).unwrap();
    worktree.write(
        ".git",
        format!("gitdir: {}/.git/worktrees/w\n", checkout.0.display()),
    );
    checkout.write(".git/worktrees/w/commondir", "../..\n");
    assert!(entry(&worktree, &urls, &[]).contains("repository_id: 123"));

    let secret = ["--repository", "acme-org/secret"];
    assert_snapshot!(entry(&checkout, &urls, &secret), @"
    # Not pinned: GitHub answered 404 (Not Found), which it also answers for a private repository
    # without a token (`GITHUB_TOKEN`). Add `repository_id` and `owner_id`: `gh api
    # repos/acme-org/secret --jq '.id, .owner.id'` prints both.
    - repository: acme-org/secret
    ");
    let wrong = [&urls[..], &[("GH_TOKEN", "wrong")]].concat();
    assert_snapshot!(entry(&checkout, &wrong, &secret), @"
    # Not pinned: GitHub answered 401 (Bad credentials). Add `repository_id` and `owner_id`: `gh api
    # repos/acme-org/secret --jq '.id, .owner.id'` prints both.
    - repository: acme-org/secret
    ");
    let renamed = r#"{"id": 5, "full_name": "evil/infra", "owner": {"id": 6}}"#;
    let renamed = Fault::Answer(Answer::json(200, &serde_json::from_str(renamed).unwrap()));
    github.add_fault(FaultRule::first(Endpoint::Repository, 1, renamed));
    assert_snapshot!(entry(&checkout, &urls, &[]), @"
    # Not pinned: its current name is `evil/infra`. Add `repository_id` and `owner_id`: `gh api
    # repos/acme-org/infra --jq '.id, .owner.id'` prints both.
    - repository: acme-org/infra
    ");
    let answer = Fault::status(404, "x\n- repository: evil/evil\u{1b}[31m");
    github.add_fault(FaultRule::always(Endpoint::Repository, answer));
    assert_snapshot!(entry(&checkout, &urls, &[]), @r"
    # Not pinned: GitHub answered 404 (x\n- repository: evil/evil\u{1b}[31m), which it also answers
    # for a private repository without a token (`GITHUB_TOKEN`). Add `repository_id` and `owner_id`:
    # `gh api repos/acme-org/infra --jq '.id, .owner.id'` prints both.
    - repository: acme-org/infra
    ");
    github.assert_nothing_unexpected();
}

#[test]
fn a_repository_that_is_not_known_is_an_error() {
    let checkout = Directory::with_workflows(&[]);
    for (variables, arguments, error) in [
        (
            &[][..],
            &["--central"][..],
            "the entry's repository is unknown: `GITHUB_REPOSITORY` is not set, and there is no remote `origin` on github.com; name it with `--repository OWNER/NAME`",
        ),
        (
            &[],
            &["--central", "--repository", "infra"],
            "--repository is `infra`, expected `OWNER/NAME`",
        ),
        (
            &[("GITHUB_REPOSITORY", "../x")],
            &["--central"],
            "GITHUB_REPOSITORY is `../x`, expected `OWNER/NAME`",
        ),
    ] {
        let run = checkout.run_with(variables, &[&["init"], arguments].concat());
        assert_eq!((run.code, run.err), (Some(2), format!("error: {error}\n")));
        assert!(!checkout.exists(POLICY));
    }
}

#[test]
fn a_filter_with_directories_is_a_glob_that_means_the_same() {
    let deploy = "
on:
  push:
    branches: ['**/dev', 'rel/**/x']
jobs:
  deploy:
    permissions:
      id-token: write
    steps:
      - uses: repo-permissions/repo-permissions@v0
        with:
          permission: ws:deployments:create
";
    let checkout = Directory::with_workflows(&[("d.yml", deploy)]);
    let run = checkout.run(&["init"]);
    written(&checkout, &run);
    assert!(
        checkout
            .read(POLICY)
            .contains(r#"branch: [{ glob: "**/dev" }, { glob: "rel/**/x" }]"#),
        "{}",
        checkout.read(POLICY)
    );
    let code = |branch: &str| {
        let job =
            "check --permission ws:deployments:create --repository o/r --workflow d.yml --branch";
        let arguments: Vec<_> = job.split(' ').chain([branch]).collect();
        checkout.run(&arguments).code
    };
    for (branch, expected) in [
        ("dev", 0),
        ("a/dev", 0),
        ("a/b/dev", 0),
        ("rel/x", 0),
        ("rel/1/x", 0),
        // What a reviewer does not mean.
        ("mydev", 1),
        ("a/mydev", 1),
        ("octocat:dev", 1),
        ("relx", 1),
        ("rel/1x", 1),
        ("dev/x", 1),
    ] {
        assert_eq!(code(branch), Some(expected), "{branch}");
    }
}
