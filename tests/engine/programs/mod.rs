//! Four programs, one decision: the engine, `check`, `test` and the action, each started as its users do,
//! and compared with a plain reference, for random pairs of a policy and a job.
//!
//! `PROGRAMS_PAIRS` says how many pairs, `PROGRAMS_BINARY` which program, `PROGRAMS_SEED` which run.

mod action;
mod cases;
pub mod check;
mod counts;
pub mod pairs;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::reference::{Outcome, Source};
use crate::support::directory::Directory;
use crate::support::program::binary;
use ::engine::context::{Context, EventPayload};
use ::engine::decision::{Engine, Policies};
use ::engine::policy::Policy;
use counts::{Counts, RARE, REASONS, count};
use pairs::{File, Group, PAIRS_OF_A_POLICY, Pair, groups};

/// Pairs of a run that does not say how many.
const PAIRS: usize = 160;
/// From here on everything occurs.
const LONG: usize = 5_000;

pub fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn four_programs_make_one_decision() {
    let pairs = setting("PROGRAMS_PAIRS").unwrap_or(PAIRS);
    let started = Instant::now();
    let today = jiff::Timestamp::now().to_string();
    let year = today.split('-').next().unwrap().parse().unwrap();
    let groups = groups(
        pairs.div_ceil(PAIRS_OF_A_POLICY),
        setting("PROGRAMS_SEED").unwrap_or(1),
        year,
    );
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let (mut counts, mut failures) = (Counts::new(), Vec::new());
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers)
            .map(|_| {
                scope.spawn({
                    let (groups, next) = (&groups, &next);
                    move || work(groups, next)
                })
            })
            .collect();
        for worker in workers {
            let (of_worker, failed) = worker.join().unwrap();
            for (name, count) in of_worker {
                *counts.entry(name).or_default() += count;
            }
            failures.extend(failed);
        }
    });
    let seconds = started.elapsed().as_secs_f32();
    println!("{pairs} pairs in {seconds:.1} s\n{counts:#?}");
    failures.truncate(3);
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    let rare = RARE.iter().filter(|_| pairs >= LONG);
    for name in REASONS.iter().chain(rare) {
        assert!(counts.contains_key(*name), "no pair has `{name}`");
    }
}

/// Takes groups until there are no more.
fn work(groups: &[Group], next: &AtomicUsize) -> (Counts, Vec<String>) {
    let directory = Directory::new();
    let binary = binary("PROGRAMS_BINARY");
    let stage = action::Stage::start(&binary);
    let (mut counts, mut failures) = (Counts::new(), Vec::new());
    while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
        let mut complain = |pair: &Pair,
                            program: &str,
                            expected: &dyn std::fmt::Debug,
                            seen: &dyn std::fmt::Debug| {
            failures.push(format!(
                "`{program}` says\n{seen:#?}\nexpected\n{expected:#?}\n{pair:#?}\n{}\n{}",
                group.file.text,
                group.own.as_ref().map_or("", |own| &own.text),
            ));
        };
        let program = check::Program {
            binary: &binary,
            directory: &directory.0,
        };
        program.write(group.file.name(), &group.file.text);
        if let Some(own) = &group.own {
            program.write("own.yml", &own.text);
        }
        for (index, pair) in group.pairs.iter().enumerate() {
            let source = pair.placement.source();
            for (program, source, seen) in [
                ("the engine", source, engine(group, pair)),
                (
                    "check --claims",
                    Source::Offline,
                    program.with_claims(group, pair),
                ),
                (
                    "check with flags",
                    Source::Offline,
                    program.with_flags(group, pair),
                ),
                ("the action", source, stage.ask(group, pair, index == 0)),
            ] {
                let expected = group.expected(source, pair);
                if seen != expected {
                    complain(pair, program, &expected, &seen);
                }
            }
            count(&mut counts, group, pair, &group.expected(source, pair));
        }
        if let Err((pair, why)) = cases::run(&program, group) {
            complain(pair, "test", &"see the reference", &why);
        }
    }
    (counts, failures)
}

/// The engine in this process.
fn engine(group: &Group, pair: &Pair) -> Outcome {
    let claims = serde_json::from_value(pair.claims()).unwrap();
    let payload = EventPayload::parse(pair.payload().to_string().as_bytes()).unwrap();
    let mut context = Context::of_claims(&claims, payload.pull_request.as_ref());
    context.default_branch = pair.run.job(group.year).default_branch;
    let engine = |file: &File| Policy::parse(&file.text, file.format).map(Engine::new);
    let own = group.own.as_ref().map(engine);
    let decision = engine(&group.file).ok().and_then(|engine| {
        let policies = Policies {
            policy: &engine,
            provenance: crate::random::engine::provenance(pair.placement.source()),
            own: own.as_ref().map(Result::as_ref),
        };
        crate::random::engine::decision(policies, &context, &pair.permission, group.year)
    });
    crate::random::engine::outcome(decision.as_ref(), |rule| {
        group.number(rule.line.into(), rule.own_policy)
    })
}
