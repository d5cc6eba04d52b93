//! `examples/atmos-pro`: each gate of its workflow files, as a job of the simulator's runner.

use std::collections::BTreeSet;

use serde_json::Value;
use simulator::github::{CommitSha, Level, Permissions, Repository};
use simulator::runner::PullRequest;
use simulator::{Job, StepResult};

use crate::support::directory::Directory;
use crate::support::{POLICY_PATH, Stage, assert_outcome, each_at_work, root, yaml};

const EXAMPLE: &str = "examples/atmos-pro";
const ACTION: &str = "repo-permissions/repo-permissions@";
/// The actor of the runs that Atmos Pro dispatches.
const APP: &str = "atmos-pro[bot]";
/// The head of a pull request, which Atmos Pro passes on.
const HEAD: &str = "1111111111111111111111111111111111111111";

fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(EXAMPLE).join(file)).unwrap()
}

fn workflow(file: &str) -> Value {
    yaml::to_json(&read(&format!(".github/workflows/{file}")))
}

/// `acme-org/infra` with the example's policy on `main`.
fn repository() -> Repository {
    crate::support::repository().with_tag("v1.2.0").with_file(
        "main",
        POLICY_PATH,
        read(POLICY_PATH),
    )
}

/// The gate of a job: its file, its job, and its step.
struct Gate {
    file: &'static str,
    job: &'static str,
    of_job: Value,
}

impl Gate {
    /// Panics unless the gate is the job's first step.
    fn of(file: &'static str, job: &'static str) -> Self {
        let of_job = workflow(file)["jobs"][job].clone();
        let uses = of_job["steps"][0]["uses"].as_str().unwrap();
        assert!(uses.starts_with(ACTION), "{file}, {job}: {uses}");
        Self { file, job, of_job }
    }

    /// Runs the step in a job that starts like this, with the permissions, the environment and the inputs of the file.
    fn run(&self, stage: &Stage, start: &Job, inputs: &[(&str, &str)]) -> StepResult {
        let mut job = start.clone();
        if job.workflow_file == "deploy.yml" {
            job.workflow_file = self.file.into();
        }
        job.job_id = self.job.into();
        // GitHub gives a fork's job no more than it reads.
        if job.permissions == Permissions::usual() {
            job.permissions = permissions(&self.of_job["permissions"]);
        }
        job.id_token &= self.of_job["permissions"]["id-token"] == "write";
        let environment = self.of_job["environment"].as_str();
        let environment = environment.map(|text| filled(text, inputs));
        job.environment = environment.filter(|name| !name.is_empty());
        let with = self.of_job["steps"][0]["with"].as_object().unwrap().iter();
        let with: Vec<_> = with
            .map(|(name, value)| (name.as_str(), filled(value.as_str().unwrap(), inputs)))
            .collect();
        let with: Vec<_> = with.iter().map(|(name, value)| (*name, &**value)).collect();
        stage.run(&job, &with)
    }
}

/// What a job's `permissions:` give its token.
fn permissions(given: &Value) -> Permissions {
    let scopes = given.as_object().unwrap().iter();
    scopes.filter(|(scope, _)| *scope != "id-token").fold(
        Permissions::none(),
        |all, (scope, level)| {
            let level = match level.as_str() {
                Some("write") => Level::Write,
                Some("read") => Level::Read,
                other => panic!("{other:?}"),
            };
            all.with(scope, level)
        },
    )
}

/// A text of the file with the inputs of the run.
fn filled(text: &str, inputs: &[(&str, &str)]) -> String {
    let text = inputs.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("${{{{ inputs.{name} }}}}"), value)
    });
    assert!(!text.contains("${{"), "{text}");
    text
}

/// What Atmos Pro passes to an apply for this environment.
fn dispatched(environment: &'static str) -> Vec<(&'static str, &'static str)> {
    vec![
        ("atmos_pro_run_id", "42"),
        ("sha", HEAD),
        ("component", "vpc"),
        ("stack", "plat-ue2-prod"),
        ("github_environment", environment),
    ]
}

struct Case {
    gate: (&'static str, &'static str),
    start: Job,
    inputs: Vec<(&'static str, &'static str)>,
    reason: &'static str,
}

fn case(gate: (&'static str, &'static str), start: Job, reason: &'static str) -> Case {
    Case {
        gate,
        start,
        inputs: Vec::new(),
        reason,
    }
}

const AFFECTED: (&str, &str) = ("atmos-pro.yaml", "affected");
const RELEASE: (&str, &str) = ("atmos-release.yaml", "affected");
const PLAN: (&str, &str) = ("atmos-terraform-plan.yaml", "plan");
const APPLY: (&str, &str) = ("atmos-terraform-apply.yaml", "apply");
const LIST: (&str, &str) = ("atmos-list-instances.yaml", "list");
const LOCK: (&str, &str) = ("atmos-locks.yaml", "lock");
const UNLOCK: (&str, &str) = ("atmos-locks.yaml", "unlock");

fn pull_requests(repository: &Repository) -> Vec<Case> {
    let own = PullRequest::same_repository(repository, 7, "feature/x");
    let fork = PullRequest::fork(repository, 8, "mallory/infra", 666, "main");
    let with_token = Job::pull_request(repository, fork.clone()).with_id_token(true);
    let to_branch = PullRequest::same_repository(repository, 9, "main").into_base("feature/x");
    vec![
        case(
            AFFECTED,
            Job::pull_request(repository, own.clone()),
            "granted",
        ),
        case(
            AFFECTED,
            Job::pull_request_merged(repository, own.clone()),
            "granted",
        ),
        case(
            AFFECTED,
            Job::pull_request(repository, fork.clone()),
            "token_unavailable",
        ),
        // A private repository can send tokens to forks.
        case(AFFECTED, with_token, "no_rule_matches"),
        case(
            AFFECTED,
            Job::pull_request(repository, to_branch),
            "no_rule_matches",
        ),
        case(
            AFFECTED,
            Job::pull_request_target(repository, fork),
            "no_rule_matches",
        ),
        case(
            AFFECTED,
            Job::pull_request(repository, own).with_workflow("plan.yaml"),
            "no_rule_matches",
        ),
        case(RELEASE, Job::release(repository, "v1.2.0"), "granted"),
        case(
            RELEASE,
            Job::release(repository, "nightly"),
            "no_rule_matches",
        ),
        case(
            RELEASE,
            Job::tag_push(repository, "v1.2.0"),
            "untrusted_event",
        ),
    ]
}

fn dispatches(repository: &Repository) -> Vec<Case> {
    let app = |branch: &str| Job::workflow_dispatch(repository, branch).with_actor(APP);
    let person = || Job::workflow_dispatch(repository, "main");
    let again = || {
        let mut job = app("main");
        job.run_attempt = 2;
        job
    };
    let case = |gate, start, environment, reason| Case {
        gate,
        start,
        inputs: dispatched(environment),
        reason,
    };
    vec![
        case(PLAN, app("main"), "", "granted"),
        case(PLAN, app("feature/x"), "", "no_rule_matches"),
        case(PLAN, person(), "", "no_rule_matches"),
        case(PLAN, again(), "", "no_rule_matches"),
        case(APPLY, app("main"), "prod", "granted"),
        case(APPLY, app("main"), "dev", "granted"),
        case(APPLY, app("feature/x"), "prod", "no_rule_matches"),
        case(APPLY, app("main"), "prod-eu", "no_rule_matches"),
        case(APPLY, app("main"), "", "no_rule_matches"),
        case(APPLY, person(), "prod", "no_rule_matches"),
        case(APPLY, again(), "prod", "no_rule_matches"),
        case(
            APPLY,
            app("main").with_workflow("apply.yaml"),
            "prod",
            "no_rule_matches",
        ),
        case(
            APPLY,
            Job::push(repository, "main").with_actor(APP),
            "prod",
            "untrusted_event",
        ),
    ]
}

fn the_rest(repository: &Repository) -> Vec<Case> {
    let by_hand = |branch| Job::workflow_dispatch(repository, branch);
    vec![
        case(LIST, Job::push(repository, "main"), "granted"),
        case(LIST, Job::schedule(repository), "granted"),
        case(LIST, by_hand("main"), "granted"),
        case(LIST, Job::push(repository, "feature/x"), "no_rule_matches"),
        case(LIST, by_hand("feature/x"), "no_rule_matches"),
        case(LOCK, by_hand("main"), "granted"),
        case(LOCK, by_hand("feature/x"), "no_rule_matches"),
        case(LOCK, Job::push(repository, "main"), "untrusted_event"),
        case(UNLOCK, by_hand("main"), "granted"),
        case(UNLOCK, by_hand("feature/x"), "no_rule_matches"),
        case(
            UNLOCK,
            by_hand("main").with_workflow("unlock.yaml"),
            "no_rule_matches",
        ),
    ]
}

/// The files and jobs of the example that have a gate.
fn gates() -> BTreeSet<(String, String)> {
    let mut gates = BTreeSet::new();
    for entry in std::fs::read_dir(root().join(EXAMPLE).join(".github/workflows")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        for (job, of_job) in workflow(&file)["jobs"].as_object().unwrap() {
            let steps = of_job["steps"].as_array().unwrap().iter();
            let uses = steps.filter_map(|step| step["uses"].as_str());
            if uses.filter(|uses| uses.starts_with(ACTION)).count() > 0 {
                gates.insert((file.clone(), job.clone()));
            }
        }
    }
    gates
}

#[test]
fn each_gate_allows_its_runs_and_denies_their_twins() {
    let repository = repository();
    let mut cases = pull_requests(&repository);
    cases.extend(dispatches(&repository));
    cases.extend(the_rest(&repository));
    for is_granted in [true, false] {
        let of_cases = cases.iter();
        let tried = of_cases
            .filter(|case| (case.reason == "granted") == is_granted)
            .map(|Case { gate, .. }| (gate.0.to_owned(), gate.1.to_owned()));
        assert_eq!(tried.collect::<BTreeSet<_>>(), gates(), "{is_granted}");
    }
    each_at_work(&cases, 8, |case| {
        let mut repository = repository.clone();
        repository.add_commit(CommitSha::new(HEAD));
        let stage = Stage::with_repository(repository);
        let step = Gate::of(case.gate.0, case.gate.1).run(&stage, &case.start, &case.inputs);
        let Case { gate, inputs, .. } = case;
        println!("{} of {gate:?} with {inputs:?}", case.start.event_name);
        let decision = match case.reason {
            "granted" => "allowed",
            "token_unavailable" => "error",
            _ => "denied",
        };
        assert_outcome(&stage, &step, decision, case.reason);
    });
}

/// Where people look: the pull request, not the commit of `main` that the token names.
#[test]
fn the_report_stands_on_the_commit_that_is_planned() {
    let mut repository = repository();
    repository.add_commit(CommitSha::new(HEAD));
    let stage = Stage::with_repository(repository);
    let start = Job::workflow_dispatch(&stage.repository, "main").with_actor(APP);
    assert_ne!(start.sha.as_str(), HEAD);
    let inputs = dispatched("prod");
    for (file, job) in [PLAN, APPLY] {
        stage.github.clear_records();
        let step = Gate::of(file, job).run(&stage, &start, &inputs);
        assert_outcome(&stage, &step, "allowed", "granted");
        let [run] = &stage.github.check_runs()[..] else {
            panic!("one check run");
        };
        let name = format!("Gate: {job} vpc in plat-ue2-prod");
        assert_eq!((&*run.head_sha, &*run.name), (HEAD, &*name));
        let statuses = stage.github.statuses();
        assert!(!statuses.is_empty());
        for status in statuses {
            assert_eq!(status.sha, HEAD);
            let context = format!("repo-permissions/{job}/plat-ue2-prod/vpc");
            assert!(status.context.starts_with(&context), "{}", status.context);
        }
    }
}

/// A name can lead to other code after the gate.
#[test]
fn the_gate_takes_nothing_but_a_whole_commit() {
    let stage = Stage::with_repository(repository());
    let start = Job::workflow_dispatch(&stage.repository, "main").with_actor(APP);
    for (file, job) in [PLAN, APPLY] {
        for sha in ["main", "refs/pull/7/merge", &HEAD[..7]] {
            let mut inputs = dispatched("prod");
            inputs.retain(|(name, _)| *name != "sha");
            inputs.push(("sha", sha));
            let step = Gate::of(file, job).run(&stage, &start, &inputs);
            assert_outcome(&stage, &step, "error", "input_invalid");
        }
    }
}

#[test]
fn an_apply_stops_at_a_commit_that_is_not_on_main() {
    let of_job = &workflow(APPLY.0)["jobs"][APPLY.1];
    let steps = of_job["steps"].as_array().unwrap();
    let name_of = |step: &Value| step["name"].as_str().map(str::to_owned);
    let names: Vec<_> = steps.iter().map(name_of).collect();
    let at = names
        .iter()
        .position(|name| name.as_deref() == Some("Require a commit of main"));
    let (before, after) = steps.split_at(at.unwrap());
    let checkout = &before[1];
    assert_eq!(checkout["with"]["ref"], "${{ inputs.sha }}");
    // The whole history, so that `origin/main` is there.
    assert_eq!(checkout["with"]["fetch-depth"], 0);
    let has_work = |steps: &[Value]| {
        let mut commands = steps.iter().filter_map(|step| step["run"].as_str());
        commands.any(|run| run.contains("atmos "))
    };
    assert!(!has_work(before) && has_work(after));

    let origin = Directory::new().with("main.tf", "");
    origin.git(&["init", "--quiet", "--initial-branch", "main"]);
    origin.git(&["add", "--all"]);
    origin.git(&["commit", "--quiet", "--message", "first"]);
    origin.git(&["switch", "--quiet", "--create", "feature"]);
    origin.git(&[
        "commit",
        "--quiet",
        "--allow-empty",
        "--message",
        "reviewed",
    ]);
    origin.git(&["switch", "--quiet", "main"]);
    origin.git(&[
        "merge",
        "--quiet",
        "--no-ff",
        "--message",
        "merge",
        "feature",
    ]);
    origin.git(&["switch", "--quiet", "--create", "evil", "feature"]);
    origin.git(&[
        "commit",
        "--quiet",
        "--allow-empty",
        "--message",
        "not reviewed",
    ]);
    // Git takes a tag for a branch of a remote, unless the whole name stands there.
    origin.git(&["tag", "origin/main", "evil"]);
    let clone = Directory::new();
    let from = origin.0.to_str().unwrap();
    clone.git(&["clone", "--quiet", from, "."]);
    let script = after[0]["run"].as_str().unwrap();
    for (commit, is_on_main) in [
        ("refs/remotes/origin/main", true),
        ("refs/remotes/origin/main~1", true),
        ("refs/remotes/origin/feature", true),
        ("refs/remotes/origin/evil", false),
        ("refs/tags/origin/main", false),
    ] {
        clone.git(&["checkout", "--quiet", "--detach", commit]);
        let mut bash = std::process::Command::new("bash");
        let run = bash.args(["-e", "-c", script]).current_dir(&clone.0);
        assert_eq!(run.status().unwrap().success(), is_on_main, "{commit}");
    }
}
