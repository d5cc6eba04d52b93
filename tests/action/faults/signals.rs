//! Signals, at each request and at random moments.
//!
//! A step that gets a signal always leaves one outcome: outputs, the last audit record, the last page of the
//! summary, the last line of the log and the exit code agree, and so do the newest check run and status, if
//! they exist. The outcome is `cancelled`, or the one that the step had reported everywhere before the signal.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;
use simulator::StepResult;
use simulator::github::Fault;
use simulator::runner::Exit;

use super::cell::{assert_no_secret, check_runs};
use super::requests::{REQUESTS, Request, Role};
use super::scene::{Ask, Scene, SceneKind};
use crate::support::program::{send, wait_for};
use crate::support::{assert_outcome, each, record_lines, records, runs_all};

const SIGNALS: [Signal; 3] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP];
/// From the signal to the end of the step.
const MOST: Duration = Duration::from_secs(5);

/// Outputs, records, summary, log, exit code and reports say the same.
pub fn assert_consistent(scene: &Scene, step: &StepResult) {
    let (decision, reason) = (step.output("decision"), step.output("reason"));
    assert_outcome(&scene.stage, step, decision, reason);
    let file = Scene::audit_log(step);
    assert_eq!(record_lines(&file), record_lines(&step.stdout));
    let records = records(&file);
    let record = &records.last().unwrap()["data"];
    assert_eq!(
        (&record["decision"], &record["reason"]),
        (&json!(decision), &json!(reason))
    );
    let headings = [
        ("allowed", "✅ Allowed"),
        ("denied", "⛔ Denied"),
        ("error", "❗ Could not be decided"),
    ];
    let last = headings
        .iter()
        .max_by_key(|(_, heading)| step.summary.rfind(heading).map_or(0, |at| at + 1));
    assert_eq!(last.unwrap().0, decision, "{}", step.summary);
    let pages =
        headings.map(|(_, heading)| step.summary.matches(&format!("### {heading}")).count());
    assert_eq!(pages.iter().sum::<usize>(), 1, "{}", step.summary);
    let (conclusion, state) = match decision {
        "allowed" => ("success", "success"),
        "denied" => ("failure", "failure"),
        _ => ("failure", "error"),
    };
    if let Some(run) = check_runs(scene, |run| !run.name.ends_with("policy review")).last() {
        assert_eq!(
            run.conclusion.as_deref(),
            Some(conclusion),
            "{}",
            step.stdout
        );
    }
    if let Some(status) = scene.stage.github.statuses().last() {
        assert_eq!(status.state, state, "{}", step.stdout);
    }
    assert_no_secret(scene, step);
}

fn await_arrival(request: &Request, scene: &Scene) {
    wait_for(request.name, || request.has_arrived(scene));
}

/// Whether it ended in time; only then the rest is as it has to be.
fn at_request(request: &Request, signal: Signal, ask: Ask, again: bool) -> bool {
    let scene = Scene::new(request.place, ask);
    // The check run of the outcome comes by the way of the review's.
    let times = match request.role {
        Role::ReviewCheckRun => 1,
        _ => usize::MAX,
    };
    let rule = request.rule(Fault::Stall, times, &scene.commits);
    scene.add_fault(request, rule);
    let mut signalled = None;
    let step = scene.run(|id| {
        await_arrival(request, &scene);
        signalled = Some(Instant::now());
        send(id, signal);
        if again {
            std::thread::sleep(Duration::from_millis(100));
            send(id, signal);
        }
    });
    let name = format!("{}, {signal}, {ask:?}, again: {again}", request.name);
    let took = signalled.unwrap().elapsed();
    if took >= MOST {
        println!("{name}: {took:?}");
        return false;
    }
    let seen = (step.output("decision"), step.output("reason"));
    // Nobody waits for the commit for more than a moment.
    if request.role != Role::Nothing || seen.0 == "error" {
        assert_eq!(seen, ("error", "cancelled"), "{name}\n{}", step.stdout);
    }
    assert_consistent(&scene, &step);
    let runs = check_runs(&scene, |_| true);
    assert_eq!(runs.is_empty(), request.role == Role::CheckRun, "{name}");
    let statuses = scene.stage.github.statuses();
    assert_eq!(statuses.is_empty(), request.role == Role::Status, "{name}");
    true
}

#[test]
fn a_signal_at_each_request() {
    let mut cases = Vec::new();
    for (row, request) in REQUESTS.iter().enumerate() {
        for (column, signal) in SIGNALS.into_iter().enumerate() {
            for ask in [Ask::Allowed, Ask::Denied] {
                cases.push((request, signal, ask, (row + column) % 3 == 0));
            }
        }
    }
    // One for each request, each signal with each job.
    if !runs_all() {
        cases = cases.into_iter().step_by(5).collect();
    }
    let late = Mutex::new(Vec::new());
    each(&cases, 24, |(request, signal, ask, again)| {
        if !at_request(request, *signal, *ask, *again) {
            late.lock().unwrap().push((*request, *signal, *ask, *again));
        }
    });
    // Who was late goes again, alone: the machine may have been busy with other things.
    let late = late.into_inner().unwrap();
    for (request, signal, ask, again) in &late {
        let name = request.name;
        assert!(
            at_request(request, *signal, *ask, *again),
            "{name}, {signal}: late again"
        );
    }
    println!(
        "{} signals at {} requests, {} of them twice",
        cases.len(),
        REQUESTS.len(),
        late.len()
    );
}

/// GitHub carries out what it has received, whether somebody waits for the answer or not.
#[test]
fn what_is_under_way_does_not_overtake_the_cancellation() {
    let reports: Vec<_> = REQUESTS
        .iter()
        .filter(|request| [Role::CheckRun, Role::Status].contains(&request.role))
        .flat_map(|request| SIGNALS.map(|signal| (request, signal)))
        .collect();
    assert!(reports.len() >= 6);
    each(&reports, 8, |(request, signal)| {
        let scene = Scene::new(request.place, Ask::Allowed);
        let late = Fault::Delay(Duration::from_millis(300));
        scene.add_fault(request, request.rule(late, 1, &scene.commits));
        let step = scene.run(|id| {
            await_arrival(request, &scene);
            send(id, *signal);
        });
        assert_eq!(step.output("reason"), "cancelled", "{}", request.name);
        // Both the grant and what took its place are there by now.
        std::thread::sleep(Duration::from_millis(400));
        let runs = check_runs(&scene, |_| true);
        let conclusions: Vec<_> = runs
            .iter()
            .filter_map(|run| run.conclusion.as_deref())
            .collect();
        assert_eq!(conclusions, ["success", "failure"], "{}", request.name);
        let statuses = scene.stage.github.statuses();
        let states: Vec<_> = statuses
            .iter()
            .map(|status| status.state.as_str())
            .collect();
        assert_eq!(states, ["success", "error"], "{}", request.name);
    });
}

#[test]
fn no_output_leads_to_the_check_run_of_a_cancelled_grant() {
    let request = REQUESTS
        .iter()
        .find(|request| request.role == Role::CheckRun)
        .unwrap();
    let scene = Scene::new(request.place, Ask::Allowed);
    let late = Fault::Delay(Duration::from_millis(300));
    scene.add_fault(request, request.rule(late, 1, &scene.commits));
    let refused = Fault::status(403, "no");
    scene.add_fault(request, request.rule(refused, usize::MAX, &scene.commits));
    let step = scene.run(|id| {
        await_arrival(request, &scene);
        send(id, Signal::SIGTERM);
    });
    assert_eq!(step.output("reason"), "cancelled");
    assert_eq!(check_runs(&scene, |_| true).len(), 1);
    assert_eq!(step.output("check-run-url"), "");
}

#[test]
fn a_signal_at_any_moment() {
    let count = if runs_all() { 2000 } else { 60 };
    let cases: Vec<u32> = (0..count).collect();
    let places = [SceneKind::Default, SceneKind::Copies, SceneKind::App];
    let undisturbed = places.map(|place| Scene::new(place, Ask::Allowed).run(|_| ()).duration);
    let seen = Mutex::new(std::collections::BTreeMap::<String, usize>::new());
    each(&cases, 4, |number| {
        let one_of = |length: usize, by: u32| usize::try_from(number / by).unwrap() % length;
        let ask = [Ask::Allowed, Ask::Denied][one_of(2, 1)];
        let signal = SIGNALS[one_of(3, 2)];
        let which = one_of(3, 6);
        let scene = Scene::new(places[which], ask);
        // From the start to a little after the end.
        let delay = undisturbed[which] * (number * 7919 % 1250) / 1000;
        let mut signalled = None;
        let step = scene.run(|id| {
            std::thread::sleep(delay);
            signalled = Some(Instant::now());
            send(id, signal);
        });
        assert!(signalled.unwrap().elapsed() < MOST);
        let outcome = if let Exit::Signal(ended_by) = step.exit {
            // Before the program listened, and before it did anything.
            assert_eq!(ended_by, signal as i32);
            assert_eq!((&*step.stdout, step.outputs.len()), ("", 0));
            assert_eq!(scene.stage.github.requests().len(), 0);
            "ended before it began"
        } else {
            assert_consistent(&scene, &step);
            if step.output("decision") == "allowed" {
                assert_eq!(ask, Ask::Allowed);
            }
            step.output("reason")
        };
        *seen.lock().unwrap().entry(outcome.to_owned()).or_default() += 1;
    });
    let seen = seen.into_inner().unwrap();
    println!("{count} signals at random moments: {seen:?}");
    assert!(seen.contains_key("cancelled"), "{seen:?}");
}
