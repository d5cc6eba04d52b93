//! Runs that somebody dispatches on the default branch, and whose input chooses the code.

use simulator::Job;
use simulator::github::CommitSha;

use super::row::{KEY, judge, row};
use crate::support::directory::Directory;
use crate::support::{POLICY_PATH, Stage, assert_outcome, repository};

/// The commit that somebody chooses.
const CHOSEN: &str = "1111111111111111111111111111111111111111";
const RULE: &str = "workflow: apply.yaml, branch: main, environment: [dev, prod], events: [workflow_dispatch], \
                    claims: { actor: 'atmos-pro[bot]', run_attempt: '1' }";
const WORKFLOW: &str = "\
on: { workflow_dispatch: { inputs: { sha: { type: string } } } }
permissions: { id-token: write }
jobs:
  apply:
    environment: prod
    steps:
      - uses: repo-permissions/repo-permissions@v0
        with: { permission: ws:deployments:create, sha: \"${{ inputs.sha }}\" }
      - uses: actions/checkout@v6
        with: { ref: \"${{ inputs.sha }}\" }
      - run: terraform apply
";

fn dispatch(branch: &str, actor: &str, environment: &str) -> Job {
    let job = Job::workflow_dispatch(&repository(), branch).with_workflow("apply.yaml");
    job.with_actor(actor).with_environment(environment)
}

/// What a policy can limit: who starts the run, from where and for what, and that nobody repeats it.
#[test]
fn a42_dispatched_runs_of_others() {
    let app = "atmos-pro[bot]";
    let mut again = dispatch("main", app, "prod");
    again.run_attempt = 2;
    // The class `[bot]` of a regex would match these.
    let alike = ["atmos-prob", "atmos-proo", "atmos-pro", "Atmos-Pro[bot]"];
    let alike = alike.map(|actor| row(RULE, dispatch("main", actor, "prod"), "no_rule_matches"));
    let rows = [
        row(RULE, dispatch("main", app, "prod"), "granted"),
        row(RULE, dispatch("main", app, "dev"), "granted"),
        row(RULE, dispatch("main", "octocat", "prod"), "no_rule_matches"),
        row(RULE, dispatch("feature/x", app, "prod"), "no_rule_matches"),
        row(RULE, dispatch("main", app, "prod-eu"), "no_rule_matches"),
        row(RULE, again, "no_rule_matches"),
        row(
            RULE,
            dispatch("main", app, "prod").with_workflow("plan.yaml"),
            "no_rule_matches",
        ),
        row(RULE, dispatch("main", app, "prod"), "input_invalid").input("sha", "feature/x"),
        row(RULE, dispatch("main", app, "prod"), "input_invalid").input("sha", "refs/pull/7/merge"),
    ];
    judge(rows.into_iter().chain(alike));
}

/// What it cannot: the commit that runs. The decision is the same for each, the report stands on it, and `lint` says so.
#[test]
fn a42_the_chosen_commit() {
    let policy = format!("version: 1\npermissions:\n  - {{ permission: {KEY}, {RULE} }}\n");
    let mut repository = repository().with_file("main", POLICY_PATH, policy.as_str());
    repository.add_commit(CommitSha::new(CHOSEN));
    let stage = Stage::with_repository(repository);
    let job = dispatch("main", "atmos-pro[bot]", "prod");
    for (sha, stands_on) in [("", job.sha.as_str()), (CHOSEN, CHOSEN)] {
        let step = stage.run(&job, &[("permission", KEY), ("sha", sha)]);
        assert_outcome(&stage, &step, "allowed", "granted");
        let run = stage.github.check_runs().pop().unwrap();
        assert_eq!(run.head_sha, stands_on);
        assert_eq!(stage.github.statuses().pop().unwrap().sha, stands_on);
    }
    let honest = WORKFLOW.replace("ref: \"${{ inputs.sha }}\"", "ref: \"${{ github.sha }}\"");
    assert_ne!(honest, WORKFLOW);
    for (workflow, is_found) in [(WORKFLOW, true), (&honest, false)] {
        let checkout = Directory::with_workflows(&[("apply.yaml", workflow)]);
        checkout.write(POLICY_PATH, &policy);
        let printed = checkout.prints(&["lint", POLICY_PATH]);
        assert_eq!(printed.contains("dispatched-ref"), is_found, "{printed}");
    }
}
