//! The action that puts the program on the PATH, whose script runs as the runner runs it.

use std::path::Path;
use std::process::Command;

use simulator::github::Repository;

use super::stage::{ACTION, Stage};
use super::tree::VERSION;
use crate::support::directory::Directory;
use crate::support::program::{BINARY, Run};
use crate::support::{CASES_PATH, POLICY_PATH, root, yaml};

#[test]
fn later_steps_find_the_verified_program_on_their_path() {
    let stage = Stage::new("setup");
    let step = stage.run(&[]);
    assert_eq!(step.exit_code(), Some(0), "{}{}", step.stdout, step.stderr);
    assert!(step.stdout.contains("checksum verified"), "{}", step.stdout);
    assert_eq!(step.output("version"), VERSION);
    let [directory] = step.path.as_slice() else {
        panic!("{:?}", step.path);
    };
    assert!(directory.starts_with(step.runner_temp().to_str().unwrap()));
    assert_eq!(step.output("path"), format!("{directory}/repo-permissions"));
    assert_eq!(step.outputs.len(), 2, "{:?}", step.outputs);

    // As the runner starts the next step.
    let checkout =
        Directory::checkout(&[("bad.yml", "version: 1\npermissions: [{ branch: main }]\n")]);
    let mut bash = Command::new("bash");
    bash.args([
        "-c",
        "repo-permissions --version && repo-permissions lint bad.yml",
    ]);
    let path = format!("{directory}:{}", std::env::var("PATH").unwrap());
    let next = Run::of(bash.env("PATH", path).current_dir(&checkout.0));
    assert_eq!(next.code, Some(1), "{}{}", next.out, next.err);
    assert!(
        next.out
            .starts_with(&format!("repo-permissions {VERSION}\n"))
    );
    assert!(next.out.contains("invalid"), "{}", next.out);
}

/// What is not verified is on nobody's PATH.
#[test]
fn what_is_not_the_release_is_refused() {
    let stage = Stage::with_script("setup", "echo started");
    let refused = |why: &str| {
        let step = stage.refused(why);
        assert!(step.path.is_empty(), "{:?}", step.path);
        let outputs: Vec<&str> = step.outputs.keys().map(String::as_str).collect();
        assert_eq!(outputs, ["message"]);
    };
    let name = format!("repo-permissions-{VERSION}-linux-x64.tar.gz");
    let tag = format!("v{VERSION}");
    let replaced = Repository::new(ACTION, 77, 7).with_release_asset(&tag, &name, *b"another");
    stage.github.add_repository(replaced);
    refused("it is not what was released");
    std::fs::remove_file(stage.path("action/native/checksums.txt")).unwrap();
    refused("such as `repo-permissions/repo-permissions/setup@v0`");
}

const POLICY: &str = "\
version: 1
permissions:
  - permission: ws:deployments:create
    workflow: deploy.yml
    branch: main
    environment: production
";
const CASES: &str = "\
policy: repo-permissions.yml
tests:
  - name: main deploys
    permission: ws:deployments:create
    context: { workflow: deploy.yml, branch: main, environment: production }
    expect: allowed
";
const WORKFLOW: &str = "\
on: push
permissions: {}
jobs:
  deploy:
    runs-on: ubuntu-24.04
    environment: production
    permissions: { id-token: write, contents: read, checks: write, statuses: write }
    steps:
      - uses: repo-permissions/repo-permissions@v0
        with: { permission: ws:deployments:create }
";

/// The example's own lines, in a pull request that widens the policy.
#[test]
fn the_example_lints_tests_and_shows_a_change_of_the_policy() {
    let checkout = Directory::checkout(&[
        (POLICY_PATH, POLICY),
        (CASES_PATH, CASES),
        (".github/workflows/deploy.yml", WORKFLOW),
    ]);
    checkout.git(&["init", "--quiet", "--initial-branch", "main"]);
    checkout.git(&["add", "--all"]);
    checkout.git(&["commit", "--quiet", "--message", "a"]);
    checkout.git(&["update-ref", "refs/remotes/origin/main", "main"]);
    let wider = POLICY.replace("branch: main", "branch: [main, hotfix]");
    checkout.write(POLICY_PATH, wider);

    let example = std::fs::read_to_string(root().join("examples/workflows/check-policy.yml"));
    let example = yaml::to_json(&example.unwrap());
    let steps = example["jobs"]["check"]["steps"].as_array().unwrap();
    let scripts: Vec<&str> = steps
        .iter()
        .filter_map(|step| step["run"].as_str())
        .collect();
    assert_eq!(scripts.len(), 4, "{scripts:?}");
    let directory = Path::new(BINARY).parent().unwrap().to_str().unwrap();
    let path = format!("{directory}:{}", std::env::var("PATH").unwrap());
    for script in scripts {
        let mut bash = Command::new("bash");
        bash.args(["-e", "-c", script]).current_dir(&checkout.0);
        bash.env("PATH", &path).env("GITHUB_BASE_REF", "main");
        bash.env("GITHUB_STEP_SUMMARY", checkout.path("summary.md"));
        let run = Run::of(&mut bash);
        assert_eq!(run.code, Some(0), "{script}: {}{}", run.out, run.err);
    }
    let summary = checkout.read("summary.md");
    assert!(summary.contains("hotfix"), "{summary}");
    assert!(summary.contains("deploy.yml"), "{summary}");
}
