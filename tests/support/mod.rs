//! What the whole-program tests share: a repository on a simulated GitHub, and the action in it.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod directory;
pub mod memory;
pub mod pattern;
pub mod program;
pub mod proxy;
pub mod schema;
pub mod yaml;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use simulator::github::{App, Permissions, Repository};
use simulator::{GitHub, Job, Runner, StepResult};

/// A policy with one rule for each kind of denial.
pub const POLICY: &str = "\
version: 1
permissions:
  - name: production deploys
    permission: ws:deployments:create
    workflow: deploy-production.yml
    branch: main
    environment: production
  - permission: ws:affected_stacks:create
    branch: main
  - permission: ws:locks:create
    expires: 2020-01-31
  - permission: ws:locks:delete
    events: [push]
    branch: main
";

/// The examples of Atmos Pro's documentation.
pub const ATMOS_PRO: &str = r#"version: 1
permissions:
  - name: affected stacks
    permission: ws:affected_stacks:create
    branch: main
  - name: production deploys
    permission: ws:deployments:create
    workflow: deploy-production.yml
    branch: main
    environment: production
  - permission: [ws:locks:create, ws:locks:delete]
    branch: main
"#;

/// Where a repository's policy is, unless an input says otherwise.
pub const POLICY_PATH: &str = ".github/repo-permissions.yml";
/// The file of cases beside it.
pub const CASES_PATH: &str = ".github/repo-permissions.tests.yml";
/// The secret of the examples of Standard Webhooks.
pub const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The GitHub App `gate`, as a workflow names it.
pub const APP_CLIENT_ID: &str = "Iv23liGATE";

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Does something with each case, so many at once: steps wait more than they work. Panics when one did.
pub fn each<T: Sync>(cases: &[T], at_once: usize, run: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    run(case);
                }
            });
        }
    });
}

/// The same for steps that work more than they wait. One group of them runs at a time, so that the steps of other tests
/// keep to their times.
pub fn each_at_work<T: Sync>(cases: &[T], at_once: usize, run: impl Fn(&T) + Sync) {
    static GROUP: Mutex<()> = Mutex::new(());
    // A group that failed left nothing behind.
    let _turn = GROUP.lock().unwrap_or_else(PoisonError::into_inner);
    each(cases, at_once, run);
}

/// Whether the tables of steps run whole, with `STEPS=all`, or in the part that fits into `cargo test`.
pub fn runs_all() -> bool {
    std::env::var_os("STEPS").is_some_and(|which| which == "all")
}

/// The program that steps start: the one of `STEPS_BINARY`, such as a release build, or the one that cargo built.
fn step_binary() -> PathBuf {
    program::binary("STEPS_BINARY")
}

/// Starts the program as the runner starts the action.
pub fn runner() -> Runner {
    runner_of(&step_binary())
}

/// Starts another build of the program as the runner starts the action.
pub fn runner_of(binary: &Path) -> Runner {
    let action = root().join("action.yml");
    let runner = Runner::new(binary).with_action_file(&action).unwrap();
    // Files of thousands of steps on a disk take a fifth of the time.
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => runner.directory(memory),
        false => runner,
    }
}

/// The same, started by another program that changes what it is given.
pub fn runner_through(program: &str, arguments: &[&str]) -> Runner {
    let binary = step_binary();
    let arguments = [arguments, &[binary.to_str().unwrap()]].concat();
    let started = Runner::new(program).arguments(&arguments);
    let inputs = runner_of(&binary).action().inputs.clone().into_iter();
    inputs.fold(started, |runner, input| {
        runner.input(&input.name, &input.default)
    })
}

/// The repository whose jobs ask.
pub fn repository() -> Repository {
    Repository::new("acme-org/infra", 123, 4567).with_branch("feature/x")
}

/// A repository of policies, of the same owner.
pub fn policies() -> Repository {
    Repository::new("acme-org/policies", 9, 4567)
}

/// The job after steps that set these variables.
pub fn after_steps(
    job: Job,
    variables: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<str>)>,
) -> Job {
    variables.into_iter().fold(job, |job, (name, value)| {
        job.with_earlier_env(name.as_ref(), value.as_ref())
    })
}

/// A GitHub with `acme-org/infra`, and the action as the runner starts it.
pub struct Stage {
    pub github: GitHub,
    pub repository: Repository,
    pub runner: Runner,
}

impl Stage {
    /// With a policy at its default place.
    pub fn with_policy(policy: &str) -> Self {
        Self::with_repository(repository().with_file("main", POLICY_PATH, policy))
    }

    pub fn with_repository(repository: Repository) -> Self {
        let github = GitHub::start().unwrap();
        github.add_repository(repository.clone());
        Self {
            github,
            repository,
            runner: runner(),
        }
    }

    /// Installs the App in repositories, with so many rights.
    pub fn install_app(&self, repositories: &[&str], permissions: Permissions) {
        let app = App::new("gate", 77, APP_CLIENT_ID);
        self.github.install_app(app, repositories, permissions);
    }

    /// A push to `main` by the workflow file `deploy-production.yml`.
    pub fn push(&self) -> Job {
        Job::push(&self.repository, "main").with_workflow("deploy-production.yml")
    }

    pub fn run(&self, job: &Job, inputs: &[(&str, &str)]) -> StepResult {
        self.runner.run(&self.github, job, inputs).unwrap()
    }

    /// Asks for one permission.
    pub fn ask(&self, job: &Job, permission: &str) -> StepResult {
        self.run(job, &[("permission", permission)])
    }
}

/// The audit records in a log or a file, a line each.
pub fn record_lines(text: &str) -> Vec<&str> {
    let is_record = |line: &&str| line.starts_with("{\"data\"");
    text.lines().filter(is_record).collect()
}

/// The audit records in a log or a file.
pub fn records(text: &str) -> Vec<Value> {
    let parsed = record_lines(text).into_iter().map(serde_json::from_str);
    parsed.collect::<Result<_, _>>().unwrap()
}

/// What every outcome owes: its outputs agree with each other and with the exit code, the last line
/// says the decision, nothing is left in places that are not ours, and no secret is shown.
#[track_caller]
pub fn assert_outcome(stage: &Stage, step: &StepResult, decision: &str, reason: &str) {
    let log = || format!("{}\n{}", step.stdout, step.stderr);
    assert_eq!(step.output("decision"), decision, "{}", log());
    assert_eq!(step.output("reason"), reason, "{}", log());
    assert_eq!(step.output("allowed"), (decision == "allowed").to_string());
    let code = match decision {
        "allowed" => 0,
        "denied" => 1,
        _ => 2,
    };
    assert_eq!(step.exit_code(), Some(code), "{}", log());
    assert!(
        step.last_line()
            .starts_with(&format!("{decision} ({reason}): ")),
        "{}",
        log()
    );
    assert!(!step.output("message").is_empty());
    assert_eq!(step.runner_errors, Vec::<String>::new());
    assert!(step.env.is_empty() && step.path.is_empty() && step.state.is_empty());
    let result: Value = serde_json::from_str(step.output("result")).unwrap();
    assert_eq!(result["decision"], decision);
    assert_eq!(result["reason"], reason);
    assert_eq!(result["message"], step.output("message"));
    assert_eq!(result["status"], status_of(reason));
    assert_eq!(
        result["permissions"].as_array().unwrap().is_empty(),
        decision == "error"
    );
    for secret in stage.github.minted_tokens() {
        assert_eq!(step.places_with(&secret), Vec::<&str>::new());
    }
    stage.github.assert_nothing_unexpected();
}

fn status_of(reason: &str) -> u16 {
    match reason {
        "granted" => 200,
        "token_unavailable" | "token_invalid" | "token_mismatch" => 401,
        "policy_not_found" => 404,
        "input_invalid" | "runtime_missing" | "policy_unreadable" | "policy_invalid"
        | "server_unavailable" | "cancelled" => 500,
        _ => 403,
    }
}
