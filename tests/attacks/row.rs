//! One line of a table of attacks: a policy, a job that asks it, and what has to come out.

use std::sync::atomic::{AtomicUsize, Ordering};

use simulator::github::{FaultRule, TokenRecipe};
use simulator::{Job, StepResult};

use crate::support::{Stage, assert_outcome, repository};

/// What every row asks for, unless its policy says otherwise.
pub const KEY: &str = "ws:deployments:create";
/// Where a policy lies, unless the row says otherwise.
pub const PATH: &str = ".github/repo-permissions.yml";

static ATTACKS: AtomicUsize = AtomicUsize::new(0);
static TWINS: AtomicUsize = AtomicUsize::new(0);

pub struct Row {
    policy: String,
    job: Job,
    reason: &'static str,
    token: TokenRecipe,
    inputs: Vec<(&'static str, String)>,
    faults: Vec<FaultRule>,
}

/// `policy` is a whole policy, or what one rule for [`KEY`] says in flow style (`branch: main`). The
/// reason `granted` makes the row a twin, any other an attack.
pub fn row(policy: &str, job: Job, reason: &'static str) -> Row {
    let policy = match policy.strip_prefix("version:") {
        Some(_) => policy.to_owned(),
        None => format!("version: 1\npermissions:\n  - {{ permission: {KEY}, {policy} }}\n"),
    };
    Row {
        policy,
        job,
        reason,
        token: TokenRecipe::new(),
        inputs: Vec::new(),
        faults: Vec::new(),
    }
}

impl Row {
    /// The job's token differs from what GitHub would mint.
    pub fn token(mut self, token: TokenRecipe) -> Self {
        self.token = token;
        self
    }

    /// One claim differs.
    pub fn claim(mut self, name: &str, value: &str) -> Self {
        self.token = self.token.claim(name, value);
        self
    }

    pub fn input(mut self, name: &'static str, value: &str) -> Self {
        self.inputs.push((name, value.to_owned()));
        self
    }

    pub fn fault(mut self, rule: FaultRule) -> Self {
        self.faults.push(rule);
        self
    }
}

/// Runs the rows, and gives the steps back in order.
#[track_caller]
pub fn judge(rows: impl IntoIterator<Item = Row>) -> Vec<StepResult> {
    judge_on(&Stage::with_repository(repository()), rows)
}

/// The same on a GitHub that has more than the one repository.
#[track_caller]
pub fn judge_on(stage: &Stage, rows: impl IntoIterator<Item = Row>) -> Vec<StepResult> {
    let (mut attacks, mut twins) = (0, 0);
    let mut steps = Vec::new();
    for row in rows {
        let repository = row.job.repository.clone();
        let branch = repository.default_branch.clone();
        stage
            .github
            .add_repository(repository.with_file(&branch, PATH, row.policy.as_str()));
        stage.github.clear_records();
        stage.github.clear_faults();
        for rule in &row.faults {
            stage.github.add_fault(rule.clone());
        }
        stage.github.set_token(row.token);
        let mut inputs = vec![("permission", KEY)];
        inputs.extend(row.inputs.iter().map(|(name, value)| (*name, &**value)));
        let step = stage.run(&row.job, &inputs);
        println!("{} by\n{}", row.reason, row.policy);
        assert_outcome(stage, &step, decision_of(row.reason), row.reason);
        match row.reason {
            "granted" => twins += 1,
            _ => attacks += 1,
        }
        steps.push(step);
    }
    assert!(attacks > 0, "no attack in the table");
    assert!(twins > 0, "no twin in the table");
    count(attacks, twins);
    steps
}

/// Adds to what this run of the tests has shown, and prints it: the last line is the sum.
pub fn count(attacks: usize, twins: usize) {
    let attacks = attacks + ATTACKS.fetch_add(attacks, Ordering::SeqCst);
    let twins = twins + TWINS.fetch_add(twins, Ordering::SeqCst);
    println!("so far: {attacks} attacks refused, {twins} twins granted");
}

pub fn decision_of(reason: &str) -> &'static str {
    match reason {
        "granted" => "allowed",
        "repository_not_found"
        | "repository_id_mismatch"
        | "permission_not_granted"
        | "untrusted_event"
        | "expired"
        | "no_rule_matches" => "denied",
        _ => "error",
    }
}

pub fn push(branch: &str) -> Job {
    Job::push(&repository(), branch)
}
