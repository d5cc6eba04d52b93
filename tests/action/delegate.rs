//! A central policy that delegates permissions to the repositories' own policies.

use crate::support::directory::Directory;
use crate::support::{POLICY_PATH, Stage, assert_outcome, policies, repository};
use insta::assert_snapshot;
use serde_json::Value;
use simulator::StepResult;
use simulator::github::{Endpoint, Fault, FaultRule};

const POLICY: (&str, &str) = ("policy", "acme-org/policies/permissions.yml@main");
const CENTRAL: &str = "\
version: 1
repositories:
  - repository: acme-org/infra
    repository_id: 123
    delegate: [ws:locks:create, Affected Stacks Create]
    permissions:
      - permission: ws:deployments:create
        workflow: deploy-production.yml
        branch: main
      - permission: ws:locks:create
        branch: release
  - repository: acme-org/other
    delegate: ws:instances:create
    permissions: []
";
/// Grants what is delegated on `main`, and more than that.
const OWN: &str = "\
version: 1
permissions:
  - name: ours
    permission: [ws:locks:create, ws:locks:delete, ws:deployments:create, ws:instances:create]
    branch: main
";

fn stage(central: &str, own: Option<&str>) -> Stage {
    let mut repository = repository();
    if let Some(own) = own {
        repository = repository.with_file("main", POLICY_PATH, own);
    }
    let stage = Stage::with_repository(repository);
    let policies = policies();
    let policies = policies.with_file("main", "permissions.yml", central);
    stage.github.add_repository(policies);
    stage
}

fn ask(stage: &Stage, permission: &str) -> StepResult {
    let inputs = [("permission", permission), POLICY, ("detail", "full")];
    stage.run(&stage.push(), &inputs)
}

/// How often the repository's own policy was asked for.
fn own_requests(stage: &Stage) -> usize {
    let requests = stage.github.requests_to(Endpoint::Contents);
    let of_own = requests
        .iter()
        .filter(|request| request.request.path.contains("acme-org/infra"));
    of_own.count()
}

#[test]
fn a_delegated_permission_is_granted_by_the_own_policy() {
    let stage = stage(CENTRAL, Some(OWN));
    let step = ask(&stage, "ws:locks:create");
    assert_outcome(&stage, &step, "allowed", "granted");
    assert_eq!(step.output("rule"), ".github/repo-permissions.yml:3");
    assert_snapshot!(step.output("message"), @"`ws:locks:create` is allowed: rule 1 (`ours`, line 3 of the repository's own policy) matches");
    let result: Value = serde_json::from_str(step.output("result")).unwrap();
    let permission = &result["permissions"][0];
    assert_eq!(permission["delegated"], true);
    assert_eq!(permission["rule"]["own_policy"], true);
    let of_own = permission["trace"].as_array().unwrap().iter();
    let of_own: Vec<_> = of_own.map(|rule| rule["own_policy"] == true).collect();
    assert_eq!(of_own, [false, true]);
    assert_eq!(result["policy"]["repository"], "acme-org/policies");
    assert_eq!(result["own_policy"]["repository"], "acme-org/infra");
    let record = step
        .stdout
        .lines()
        .find(|line| line.contains("\"specversion\""))
        .unwrap();
    let record: Value = serde_json::from_str(record).unwrap();
    assert_eq!(record["data"]["own_policy"], result["own_policy"]);
    let run = &stage.github.check_runs()[0];
    assert!(run.summary.contains("| Own policy |"), "{}", run.summary);
    assert_eq!(run.annotations[0].path, POLICY_PATH);
}

#[test]
fn the_central_policy_is_a_ceiling() {
    for (permission, decision, reason) in [
        // Not delegated, whatever the own policy says.
        ("ws:locks:delete", "denied", "permission_not_granted"),
        // Delegated to another repository.
        ("ws:instances:create", "denied", "permission_not_granted"),
        // Granted by the central policy.
        ("ws:deployments:create", "allowed", "granted"),
    ] {
        let stage = stage(CENTRAL, Some(OWN));
        let step = ask(&stage, permission);
        assert_outcome(&stage, &step, decision, reason);
        assert_eq!(own_requests(&stage), 0, "{permission}");
    }
    // An entry that does not apply to this repository delegates nothing.
    let stage = stage(
        &CENTRAL.replace("repository_id: 123", "repository_id: 124"),
        Some(OWN),
    );
    let step = ask(&stage, "ws:locks:create");
    assert_outcome(&stage, &step, "denied", "repository_id_mismatch");
    assert_eq!(own_requests(&stage), 0);
}

#[test]
fn what_neither_of_both_grants_is_denied() {
    let stage = stage(
        CENTRAL,
        Some(&OWN.replace("branch: main", "branch: develop")),
    );
    let step = ask(&stage, "ws:locks:create");
    assert_outcome(&stage, &step, "denied", "no_rule_matches");
    assert_snapshot!(step.output("message"), @"`ws:locks:create` is denied: rule 2 (line 10) needs branch `release`; this job has `main`");
    for own in [
        None,
        Some("version: 1\npermissions: []\n"),
        Some("version: 1\nrepositories: []\n"),
    ] {
        let stage = self::stage(CENTRAL, own);
        let step = ask(&stage, "ws:affected_stacks:create");
        assert_outcome(&stage, &step, "denied", "permission_not_granted");
        assert_eq!(own_requests(&stage), 1);
        let message = step.output("message");
        let expected = match own {
            Some(_) => {
                "neither in the central policy nor in the repository's own, to which it is delegated"
            }
            None => "and no policy of the repository's own, to which it is delegated, was read",
        };
        assert!(message.ends_with(expected), "{message}");
    }
    // Each permission by itself: one from here, one from there.
    let stage = self::stage(CENTRAL, Some(OWN));
    let step = ask(&stage, "ws:locks:create, ws:deployments:create");
    assert_outcome(&stage, &step, "allowed", "granted");
    assert_eq!(
        step.output("rule"),
        ".github/repo-permissions.yml:3, permissions.yml:7"
    );
}

#[test]
fn an_own_policy_that_cannot_be_used_is_an_error_where_it_is_needed() {
    let stage = stage(CENTRAL, Some("version: 1\npermisions: []\n"));
    let step = ask(&stage, "ws:locks:create");
    assert_outcome(&stage, &step, "error", "policy_invalid");
    assert!(
        step.output("message")
            .contains("`.github/repo-permissions.yml` is not valid")
    );
    let note = stage.github.check_runs()[0].annotations[0].clone();
    assert_eq!((&*note.path, note.start_line), (POLICY_PATH, 2));
    stage.github.clear_records();
    let step = ask(&stage, "ws:deployments:create");
    assert_outcome(&stage, &step, "allowed", "granted");
    let stage = self::stage(CENTRAL, Some(OWN));
    let fault = FaultRule::always(Endpoint::Contents, Fault::status(403, "Forbidden"));
    stage
        .github
        .add_fault(fault.path_contains("acme-org/infra"));
    let step = ask(&stage, "ws:locks:create");
    assert_outcome(&stage, &step, "error", "policy_unreadable");
}

#[test]
fn only_a_policy_of_another_place_delegates() {
    // The own policy delegates to itself: nothing is added, and it is not read twice.
    let own = CENTRAL.replace("branch: release", "branch: develop");
    let stage = stage(CENTRAL, Some(&own));
    let inputs = [("permission", "ws:locks:create")];
    let step = stage.run(&stage.push(), &inputs);
    assert_outcome(&stage, &step, "denied", "no_rule_matches");
    assert_eq!(own_requests(&stage), 1);
    // Nor does a pull request's version of it count.
    let branch =
        repository().with_file("feature/x", POLICY_PATH, OWN.replace("branch: main\n", ""));
    let stage = Stage::with_repository(branch);
    let policies = policies();
    stage
        .github
        .add_repository(policies.with_file("main", "permissions.yml", CENTRAL));
    let pull = simulator::runner::PullRequest::same_repository(&stage.repository, 7, "feature/x");
    let job = simulator::Job::pull_request(&stage.repository, pull);
    let step = stage.run(&job, &[("permission", "Affected Stacks Create"), POLICY]);
    assert_outcome(&stage, &step, "denied", "permission_not_granted");
}

#[test]
fn check_asks_an_own_policy_too() {
    let directory = Directory::new()
        .with("central.yml", CENTRAL)
        .with("own.yml", OWN)
        .with("broken.yml", "version: 2\n");
    let fixed = "check --policy central.yml --format json --repository acme-org/infra \
                 --claim repository_id=123 --branch main --workflow deploy-production.yml --permission";
    for (own, permission, decision, code) in [
        (Some("own.yml"), "ws:locks:create", "allowed", 0),
        (Some("own.yml"), "ws:locks:delete", "denied", 1),
        (None, "ws:locks:create", "denied", 1),
        (Some("broken.yml"), "ws:locks:create", "error", 2),
        (Some("broken.yml"), "ws:deployments:create", "allowed", 0),
        (Some("gone.yml"), "ws:locks:create", "error", 2),
    ] {
        let own = own.iter().flat_map(|own| ["--own-policy", own]);
        let arguments: Vec<_> = fixed
            .split_whitespace()
            .chain([permission])
            .chain(own)
            .collect();
        let run = directory.run(&arguments);
        let json = run.json();
        assert_eq!(
            (&json["decision"], run.code),
            (&decision.into(), Some(code)),
            "{arguments:?} {json}"
        );
    }
}

#[test]
fn what_to_change_names_the_right_file() {
    let stage = stage(
        &CENTRAL.replace(
            "branch: release",
            "branch: release\n        environment: staging",
        ),
        Some(&OWN.replace("branch: main", "branch: develop")),
    );
    let step = ask(&stage, "ws:locks:create");
    assert_outcome(&stage, &step, "denied", "no_rule_matches");
    let page = &stage.github.check_runs()[0].summary;
    assert!(
        page.contains("- Line 5 of the own policy: `branch` is `develop`"),
        "{page}"
    );
}
