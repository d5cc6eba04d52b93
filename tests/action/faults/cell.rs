//! A request, a fault, once or always, and a job that is to be allowed or denied: run, and looked at.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use serde_json::Value;
use simulator::StepResult;
use simulator::github::{CheckRun, Endpoint};

use super::kinds::{Kind, Nature};
use super::oracle;
use super::requests::{Request, Role};
use super::scene::{Ask, PERMISSION, Scene, SceneKind};
use crate::support::memory::peak_memory;
use crate::support::{assert_outcome, record_lines, records};

/// The seconds that a step gets which has to wait until they are over.
const SHORT: u32 = 4;
/// For one that reviews as well: a part of a part of them is for the report.
const REVIEWING: u32 = 7;
/// For the others.
const LONG: u32 = 45;
/// How much longer than its time a step may take, on a machine that does other things as well.
pub const OVERRUN: Duration = Duration::from_millis(1500);
/// The most memory of a step in kilobytes, whatever is sent to it.
const MEMORY: u64 = 80 << 10;
const REVIEW: &str = "Repository permissions: policy review";

#[derive(Clone, Copy)]
pub struct Cell<'a> {
    pub request: &'a Request,
    pub kind: &'a Kind,
    pub once: bool,
    pub ask: Ask,
}

/// What came of it.
pub struct Report {
    /// A job was allowed that is to be denied.
    pub wrong_grant: bool,
    /// Beyond the time that the step had.
    pub overrun: Duration,
    /// In kilobytes, where it was looked at.
    pub memory: u64,
    pub complaint: Option<String>,
}

impl Cell<'_> {
    pub fn name(&self) -> String {
        let times = match self.times() {
            usize::MAX => "always",
            1 => "once",
            _ => "twice",
        };
        let (request, kind) = (self.request.name, &self.kind.name);
        format!("{request}: {kind}, {times}, {:?}", self.ask)
    }

    /// Only the end of its time ends it.
    pub fn waits(&self) -> bool {
        self.kind.waits(self.once)
    }

    /// It waits more than it works.
    pub fn is_idle(&self) -> bool {
        self.waits() || self.kind.nature == Nature::Passing
    }

    /// What passes is survived twice.
    fn times(&self) -> usize {
        match (self.once, self.kind.nature) {
            (false, _) => usize::MAX,
            (true, Nature::Passing) => 2,
            (true, _) => 1,
        }
    }

    /// Runs it, with so many times the time that it gets where the machine does nothing else.
    pub fn run(&self, patience: u32) -> Report {
        let mut scene = Scene::new(self.request.place, self.ask);
        let seconds = match self.request.place {
            _ if !self.waits() => LONG,
            SceneKind::Review => REVIEWING * patience,
            _ => SHORT * patience,
        };
        scene.input("timeout", &seconds.to_string());
        let times = self.times();
        let rule = self
            .request
            .rule(self.kind.fault.clone(), times, &scene.commits);
        scene.add_fault(self.request, rule);
        let mut memory = 0;
        let step = scene.run(|id| {
            if self.kind.is_large() {
                memory = peak_memory(id);
            }
        });
        let time = Duration::from_secs(seconds.into());
        let overrun = step.duration.saturating_sub(time);
        let checked = catch_unwind(AssertUnwindSafe(|| {
            self.check(&scene, &step);
            assert!(overrun < OVERRUN, "late by {overrun:?}");
            assert!(memory < MEMORY, "{memory} KB of memory");
        }));
        let complaint = checked.err().map(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            format!("{}: {}", self.name(), text.unwrap_or_default())
        });
        Report {
            wrong_grant: self.ask == Ask::Denied && grants(&scene, &step),
            overrun,
            memory,
            complaint,
        }
    }

    fn check(&self, scene: &Scene, step: &StepResult) {
        let seen = (step.output("decision"), step.output("reason"));
        let expected = oracle::expected(self.request, self.kind, self.once, self.ask);
        assert!(
            expected.contains(&seen),
            "{seen:?}, expected one of {expected:?}\n{}\n{}",
            step.stdout,
            step.stderr
        );
        assert_outcome(&scene.stage, step, seen.0, seen.1);
        assert_eq!(step.stderr, "");
        let heading = match seen.0 {
            "allowed" => "✅ Allowed",
            "denied" => "⛔ Denied",
            _ => "❗ Could not be decided",
        };
        assert!(step.summary.contains(heading), "{}", step.summary);
        self.check_records(scene, step);
        self.check_reports(scene, step);
        self.check_review(scene, step);
        assert_no_secret(scene, step);
        if let Some(receiver) = &scene.receiver {
            receiver.assert_nothing_unexpected();
        }
    }

    /// Checks for one record in the log, in the file, and at each receiver of copies.
    fn check_records(&self, scene: &Scene, step: &StepResult) {
        let file = Scene::audit_log(step);
        assert_eq!(record_lines(&file), record_lines(&step.stdout));
        let [record] = &records(&file)[..] else {
            panic!("one record: {file}");
        };
        for field in ["decision", "reason", "message"] {
            assert_eq!(record["data"][field], step.output(field));
        }
        let taken = |requests: Vec<simulator::github::RecordedRequest>| {
            let mut statuses = requests.iter().filter_map(|request| request.status);
            statuses.any(|status| status < 300)
        };
        let copies = scene.receiver.as_ref();
        if let Some(receiver) = copies.filter(|_| self.request.place == SceneKind::Copies) {
            for (role, requests) in [
                (Role::Webhook, receiver.webhooks()),
                (Role::Collector, receiver.logs()),
            ] {
                if self.request.role != role {
                    assert!(taken(requests), "{role:?} did not get the record");
                }
            }
        }
    }

    /// Checks that the check run and the status exist if possible, and that each has the outcome.
    fn check_reports(&self, scene: &Scene, step: &StepResult) {
        let (conclusion, state) = match step.output("decision") {
            "allowed" => ("success", "success"),
            "denied" => ("failure", "failure"),
            _ => ("failure", "error"),
        };
        let (kind, once) = (self.kind, self.once);
        let runs = check_runs(scene, |run| run.name != REVIEW);
        let asked = requests_for(scene, |name| name != REVIEW);
        if self.request.role == Role::CheckRun {
            assert!(
                asked <= oracle::most_check_runs(kind),
                "asked {asked} times"
            );
            if oracle::has_to_be_made(kind, once, false) {
                assert_eq!(runs.len(), 1);
            }
            if runs.is_empty() && step.output("check-run-url").is_empty() {
                let answered = kind.status().is_some_and(|status| status < 300);
                assert!(
                    answered || step.stdout.contains("the check run"),
                    "{}",
                    step.stdout
                );
            }
        } else {
            assert_eq!((runs.len(), asked), (1, 1), "{}", step.stdout);
        }
        for run in &runs {
            assert_eq!(run.conclusion.as_deref(), Some(conclusion));
            assert_eq!(run.name, format!("Repository permissions: {PERMISSION}"));
        }
        let statuses = scene.stage.github.statuses();
        if self.request.role != Role::Status || oracle::has_to_be_made(kind, once, true) {
            assert!(!statuses.is_empty(), "{}", step.stdout);
        }
        for status in &statuses {
            assert_eq!(status.state, state);
            assert_eq!(status.context, format!("repo-permissions/{PERMISSION}"));
        }
    }

    /// Checks that a review that failed is reported once.
    fn check_review(&self, scene: &Scene, step: &StepResult) {
        let runs = check_runs(scene, |run| run.name == REVIEW);
        let asked = requests_for(scene, |name| name == REVIEW);
        match self.request.role {
            Role::Review => {
                assert_eq!((runs.len(), asked), (1, 1), "{}", step.stdout);
                if oracle::has_to_be_made(self.kind, self.once, true) {
                    let summary = &runs[0].summary;
                    assert!(!summary.contains("Not reviewed"), "{summary}");
                }
            }
            Role::ReviewCheckRun => {
                assert!(asked <= oracle::most_check_runs(self.kind));
                if oracle::has_to_be_made(self.kind, self.once, false) {
                    assert_eq!(runs.len(), 1);
                }
            }
            _ => assert_eq!(asked, 0),
        }
    }
}

pub fn check_runs(scene: &Scene, keep: impl Fn(&CheckRun) -> bool) -> Vec<CheckRun> {
    let runs = scene.stage.github.check_runs().into_iter();
    runs.filter(keep).collect()
}

/// How many check runs of some names were asked for.
fn requests_for(scene: &Scene, keep: impl Fn(&str) -> bool) -> usize {
    let requests = scene.stage.github.requests_to(Endpoint::CheckRun);
    let bodies = requests.iter().filter_map(|request| request.request.json());
    bodies
        .filter(|body| keep(body["name"].as_str().unwrap_or_default()))
        .count()
}

/// Whether anything that somebody could go by says that the job may.
pub fn grants(scene: &Scene, step: &StepResult) -> bool {
    let said = |name, value: &str| step.output(name) == value;
    let result: Value = serde_json::from_str(step.output("result")).unwrap_or_default();
    let runs = check_runs(scene, |run| run.name != REVIEW);
    let mut conclusions = runs.iter().map(|run| run.conclusion.as_deref());
    let statuses = scene.stage.github.statuses();
    let records = records(&Scene::audit_log(step));
    let mut records = records.iter().chain([&result["permissions"][0], &result]);
    step.exit_code() == Some(0)
        || said("decision", "allowed")
        || said("allowed", "true")
        || records.any(|record| {
            record["decision"] == "allowed" || record["data"]["decision"] == "allowed"
        })
        || conclusions.any(|conclusion| conclusion == Some("success"))
        || statuses.iter().any(|status| status.state == "success")
}

/// No secret is in anything that is printed, written or reported, not even where a mask would hide it.
pub fn assert_no_secret(scene: &Scene, step: &StepResult) {
    let is_mask = |line: &&str| line.starts_with("::add-mask::");
    let printed = step.stdout.lines().filter(|line| !is_mask(line));
    let mut places: Vec<String> = printed.map(str::to_owned).collect();
    places.push(step.stderr.clone());
    places.push(step.summary.clone());
    places.push(Scene::audit_log(step));
    places.extend(step.outputs.values().cloned());
    let reports = scene.stage.github.requests();
    let copies = scene.receiver.iter();
    let copies = copies.flat_map(|receiver| [receiver.webhooks(), receiver.logs()].concat());
    let sent = reports.into_iter().chain(copies);
    places.extend(sent.map(|sent| String::from_utf8_lossy(&sent.request.body).into_owned()));
    for secret in scene.secrets() {
        let mut found = places.iter().filter(|place| place.contains(&secret));
        assert_eq!(found.next(), None, "`{secret}`");
    }
}
