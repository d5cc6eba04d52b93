//! Processes that may have few files or little memory.
//!
//! Where the program can still speak, it says the decision or an error in all places. Where it cannot (it was
//! not even loaded, or memory ran out, which ends a process at once), it ends with neither 0 nor 1, and its
//! outputs hold the decision that it had come to, or none.

use std::collections::BTreeMap;
use std::sync::Mutex;

use simulator::StepResult;
use simulator::runner::Exit;

use super::cell::{assert_no_secret, grants};
use super::scene::{Ask, Scene, SceneKind};
use super::signals::assert_consistent;
use crate::support::{each, runner_through, runs_all};

fn limit(scene: &mut Scene, resource: &str, value: u64) {
    let limit = format!("--{resource}={value}:{value}");
    scene.stage.runner =
        runner_through("/usr/bin/prlimit", &[&limit]).trusting(&scene.stage.github);
    scene.input("timeout", "4");
}

/// Runs steps under a limit, and counts how they end.
fn under(resource: &str, values: &[u64], place: SceneKind) -> BTreeMap<String, usize> {
    let seen = Mutex::new(BTreeMap::<String, usize>::new());
    let cases: Vec<_> = values
        .iter()
        .flat_map(|value| [(*value, Ask::Allowed), (*value, Ask::Denied)])
        .collect();
    each(&cases, 4, |(value, ask)| {
        let mut scene = Scene::new(place, *ask);
        limit(&mut scene, resource, *value);
        let step = scene.run(|_| ());
        let name = format!(
            "{resource} {value}, {ask:?}\n{}\n{}",
            step.stdout, step.stderr
        );
        let end = end(&scene, &step, *ask, &name);
        *seen.lock().unwrap().entry(end).or_default() += 1;
    });
    seen.into_inner().unwrap()
}

fn end(scene: &Scene, step: &StepResult, ask: Ask, name: &str) -> String {
    assert!(ask == Ask::Allowed || !grants(scene, step), "{name}");
    assert_ne!(step.exit, Exit::TimedOut, "{name}");
    match step.exit {
        Exit::Code(0..=2) if !step.output("decision").is_empty() => {
            match step.output("reason") {
                // The least that can be said, by a program that has nothing any more.
                "internal" => {
                    assert_eq!(
                        (step.output("allowed"), step.exit),
                        ("false", Exit::Code(2))
                    );
                }
                _ => assert_consistent(scene, step),
            }
            step.output("reason").to_owned()
        }
        Exit::Code(0..=2) if step.stdout.contains("`GITHUB_OUTPUT` cannot be written") => {
            let (code, decision) = match (step.exit, ask) {
                (Exit::Code(2), _) => (2, "error"),
                (_, Ask::Allowed) => (0, "allowed"),
                (_, Ask::Denied) => (1, "denied"),
            };
            assert_eq!(step.exit, Exit::Code(code), "{name}");
            assert!(step.last_line().starts_with(decision), "{name}");
            assert_no_secret(scene, step);
            format!("{decision}, reported in the log")
        }
        Exit::Code(0 | 1) => panic!("a decision without a report: {name}"),
        exit => {
            assert_no_secret(scene, step);
            let decision = step.output("decision").to_owned();
            format!("{exit:?} {decision}")
        }
    }
}

#[test]
fn few_files() {
    let values: Vec<u64> = (3..20).collect();
    let seen = under("nofile", &values, SceneKind::Copies);
    println!("with 3 to 19 files: {seen:?}");
    // Without a file to open it is not loaded; once it is, it says something, also of its own panics.
    let mut mute = seen.keys().filter(|end| end.ends_with(' '));
    assert!(
        mute.all(|end| ["Code(127) ", "Code(2) "].contains(&end.as_str())),
        "{seen:?}"
    );
    for end in ["internal", "granted", "no_rule_matches"] {
        assert!(seen.contains_key(end), "{seen:?}");
    }
}

/// Just below what a step needs, memory runs out at any moment; a thread that cannot be started is a panic.
#[test]
fn little_memory() {
    const STEP: u64 = 64 << 10;
    let is_enough = |steps: u64| {
        let mut scene = Scene::new(SceneKind::Secure, Ask::Allowed);
        limit(&mut scene, "as", steps * STEP);
        scene.run(|_| ()).exit == Exit::Code(0)
    };
    let (mut least, mut most) = (16_u64, 4096_u64);
    while most - least > 1 {
        let middle = least.midpoint(most);
        match is_enough(middle) {
            true => most = middle,
            false => least = middle,
        }
    }
    let below = if runs_all() { most - 16 } else { 48 };
    let values: Vec<u64> = (most - below..most + 8).map(|steps| steps * STEP).collect();
    let seen = under("as", &values, SceneKind::Secure);
    println!("with {most} × 64 KB of address space, and with less: {seen:?}");
    for end in ["internal", "granted", "no_rule_matches"] {
        assert!(seen.contains_key(end), "{seen:?}");
    }
}
