//! One line of a table of attacks: a policy, a job that asks it, and what has to come out.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use simulator::github::{FaultRule, TokenRecipe};
use simulator::{Job, StepResult};

use crate::support::{Stage, assert_outcome, each_at_work, repository};

/// What every row asks for, unless its policy says otherwise.
pub const KEY: &str = "ws:deployments:create";
/// Where a policy lies, unless the row says otherwise.
pub use crate::support::POLICY_PATH as PATH;

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

    fn judge(&self, stage: &Stage) -> StepResult {
        let repository = self.job.repository.clone();
        let branch = repository.default_branch.clone();
        let repository = repository.with_file(&branch, PATH, self.policy.as_str());
        stage.github.add_repository(repository);
        stage.github.clear_records();
        stage.github.clear_faults();
        for rule in &self.faults {
            stage.github.add_fault(rule.clone());
        }
        stage.github.set_token(self.token.clone());
        let mut inputs = vec![("permission", KEY)];
        inputs.extend(self.inputs.iter().map(|(name, value)| (*name, &**value)));
        let step = stage.run(&self.job, &inputs);
        println!("{} by\n{}", self.reason, self.policy);
        assert_outcome(stage, &step, decision_of(self.reason), self.reason);
        step
    }
}

/// Runs the rows, each on a GitHub of its own, and gives the steps back in order.
pub fn judge(rows: impl IntoIterator<Item = Row>) -> Vec<StepResult> {
    let rows: Vec<Row> = rows.into_iter().collect();
    assert_twins(&rows);
    let steps: Vec<_> = rows.iter().map(|_| OnceLock::new()).collect();
    each_at_work(
        &steps.iter().zip(&rows).collect::<Vec<_>>(),
        8,
        |(step, row)| {
            let judged = row.judge(&Stage::with_repository(repository()));
            assert!(step.set(judged).is_ok());
        },
    );
    steps
        .into_iter()
        .map(|step| step.into_inner().unwrap())
        .collect()
}

/// The same one after the other, on a GitHub that has more than the one repository.
pub fn judge_on(stage: &Stage, rows: impl IntoIterator<Item = Row>) -> Vec<StepResult> {
    let rows: Vec<Row> = rows.into_iter().collect();
    assert_twins(&rows);
    rows.iter().map(|row| row.judge(stage)).collect()
}

fn assert_twins(rows: &[Row]) {
    let twins = rows.iter().filter(|row| row.reason == "granted").count();
    assert!(twins < rows.len(), "no attack in the table");
    assert!(twins > 0, "no twin in the table");
    count(rows.len() - twins, twins);
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
