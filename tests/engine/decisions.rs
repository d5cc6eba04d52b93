//! The engine against a plain reference, on many random policies and jobs.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::random::engine::context;
use crate::random::written::{json, yaml};
use crate::random::{PERMISSIONS, entry, job, policy, source, wrong_pattern};
use crate::reference::{Job, Outcome, PlainPolicy, Source, evaluate, key};
use ::engine::context::{Base, Context};
use ::engine::decision::{Engine, Policies, Question, Scope, decide};
use ::engine::policy::{Format, PermissionKey, Policy, PolicyQuery};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{RngSeed, TestError, TestRunner};
use serde_json::json as value;

// ---- what the product says

fn product(engine: &Engine, lines: &[u32], source: Source, job: &Job, permission: &str) -> Outcome {
    let context = context(job);
    let decision = crate::random::engine::decision(
        Policies::one(engine, crate::random::engine::scope(source)),
        &context,
        permission,
        job.year,
    );
    crate::random::engine::outcome(decision.as_ref(), |rule| {
        lines.iter().position(|line| *line == rule.line).unwrap()
    })
}

fn engine(text: &str, format: Format) -> Engine {
    Engine::new(Policy::parse(text, format).unwrap_or_else(|e| panic!("{e}\n{text}")))
}

/// Decides as the YAML text of the policy says.
fn decisions(
    policy: &PlainPolicy,
    source: Source,
    jobs: &[Job],
    permissions: &[&str],
) -> Vec<Outcome> {
    let (yaml, lines) = yaml(policy);
    let engine = engine(&yaml, Format::Yaml);
    let pairs = jobs
        .iter()
        .flat_map(|job| permissions.iter().map(move |key| (job, key)));
    pairs
        .map(|(job, key)| product(&engine, &lines, source, job, key))
        .collect()
}

/// Every run is the same, unless `ENGINE_SEED` asks for another.
fn run<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value)) {
    let seed = std::env::var("ENGINE_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed.unwrap_or(1)),
        ..ProptestConfig::default()
    });
    let result = runner.run(&strategy, |value| {
        test(value);
        Ok(())
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(why, value)) => panic!("{why}\n{value:#?}"),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

// ---- the tests

#[test]
fn the_product_decides_as_the_reference() {
    const CASES: u32 = 2_050;
    const JOBS: usize = 5;
    let counters = RefCell::new(BTreeMap::<&str, u32>::new());
    let strategy = (
        policy(12),
        source(),
        vec(job(), JOBS),
        select(&PERMISSIONS[..]),
    );
    run(CASES, strategy, |(policy, source, jobs, permission)| {
        let (yaml, yaml_lines) = yaml(&policy);
        let (json, json_lines) = json(&policy);
        let from_yaml = engine(&yaml, Format::Yaml);
        let from_json = engine(&json, Format::Json);
        for (index, job) in jobs.iter().enumerate() {
            let expected = evaluate(&policy, source, job, permission);
            let outcome = product(&from_yaml, &yaml_lines, source, job, permission);
            assert_eq!(outcome, expected, "{permission} {job:#?}\n{yaml}");
            // Both have the same rules in memory: two jobs are enough to see it.
            if index < 2 {
                let outcome = product(&from_json, &json_lines, source, job, permission);
                assert_eq!(outcome, expected, "{permission} {job:#?}\n{json}");
            }
            *counters.borrow_mut().entry(expected.reason).or_default() += 1;
        }
    });
    let counters = counters.into_inner();
    let pairs: u32 = counters.values().sum();
    assert!(pairs >= 10_000, "{pairs} pairs");
    for (reason, least) in [
        ("granted", 500),
        ("repository_not_found", 500),
        ("repository_id_mismatch", 100),
        ("permission_not_granted", 500),
        ("untrusted_event", 100),
        ("expired", 50),
        ("no_rule_matches", 500),
        ("policy_invalid", 500),
    ] {
        let seen = counters.get(reason).copied().unwrap_or_default();
        assert!(seen >= least, "{reason}: {seen} of {pairs}\n{counters:#?}");
    }
}

#[test]
fn adding_a_valid_entry_never_takes_a_grant_away() {
    let granted = RefCell::new(0);
    let strategy = (policy(0), vec(job(), 8), entry(0), any::<Index>());
    run(150, strategy, |(before, jobs, entry, place)| {
        let mut after = before.clone();
        // A file without `repositories:` speaks for the repository as a whole, which they end.
        let Some(entries) = &mut after.repositories else {
            return;
        };
        entries.insert(place.index(entries.len() + 1), entry);
        let old = decisions(&before, Source::Own, &jobs, &PERMISSIONS[..1]);
        let new = decisions(&after, Source::Own, &jobs, &PERMISSIONS[..1]);
        for (old, new) in old.iter().zip(new) {
            if old.decision == "allowed" {
                *granted.borrow_mut() += 1;
                assert_eq!(new.decision, "allowed");
            }
        }
    });
    let granted = granted.into_inner();
    assert!(granted > 25, "{granted}");
}

#[test]
fn another_id_is_never_granted_by_a_pin_whatever_the_names() {
    let pinned = vec(entry(0), 1..4).prop_map(|mut entries| {
        for entry in &mut entries {
            entry.repository_id = Some(7);
        }
        PlainPolicy {
            permissions: None,
            repositories: Some(entries),
        }
    });
    // Ids of generated jobs are 1 to 3, or absent.
    run(
        150,
        (pinned, source(), vec(job(), 4)),
        |(policy, source, jobs)| {
            for outcome in decisions(&policy, source, &jobs, &PERMISSIONS) {
                assert_eq!(outcome.decision, "denied");
                let reason = outcome.reason;
                assert!(["repository_id_mismatch", "repository_not_found"].contains(&reason));
            }
        },
    );
}

#[test]
fn a_literal_matches_exactly_one_value() {
    // Everything but the characters that make a regex, in the pattern and in the value.
    let text = "[ -#%-'./,:;<=>@A-Ca-c~_`\u{e4}-]{1,3}";
    let strategy = (
        text,
        prop_oneof![text.boxed(), ".{0,3}".boxed()],
        any::<bool>(),
    );
    run(600, strategy, |(pattern, other, same)| {
        prop_assume_no_meta(&pattern);
        let value = if same { pattern.clone() } else { other };
        let policy = |dimension: &str| {
            value!({ "version": 1, "permissions": [{ "permission": PERMISSIONS[0], dimension: &pattern }] })
                .to_string()
        };
        let allowed = |dimension: &str, context: Context| {
            let text = policy(dimension);
            let engine = Engine::new(Policy::parse(&text, Format::Json).unwrap());
            let key = PermissionKey::parse(PERMISSIONS[0].into()).unwrap();
            let now = "2026-01-01T00:00:00Z".parse().unwrap();
            let decisions = decide(
                Policies::one(&engine, Scope::Given),
                Question::new(&[key], &context, now),
            )
            .unwrap();
            decisions[0].rule.is_some()
        };
        let some = Some(value.clone());
        let push = || Context {
            event: Some("push".to_owned()),
            ..Context::default()
        };
        let branch = Context {
            branch: some.clone(),
            ..push()
        };
        assert_eq!(allowed("branch", branch), pattern == value);
        let base = Context {
            event: Some("pull_request".to_owned()),
            base: Base::Branch(value.clone()),
            ..push()
        };
        assert_eq!(allowed("base", base), pattern == value);
        let workflow = Context {
            workflow: some.clone(),
            ..push()
        };
        assert_eq!(allowed("workflow", workflow), pattern == value);
        let environment = Context {
            environment: some,
            ..push()
        };
        let equal = if value.is_ascii() {
            pattern.eq_ignore_ascii_case(&value)
        } else {
            pattern == value
        };
        assert_eq!(
            allowed("environment", environment),
            equal,
            "{pattern:?} {value:?}"
        );
    });
}

fn prop_assume_no_meta(pattern: &str) {
    assert!(!pattern.contains([
        '\\', '^', '$', '*', '+', '?', '(', ')', '[', ']', '{', '}', '|'
    ]));
}

#[test]
fn a_wrong_pattern_does_not_reach_the_checks_of_another_permission() {
    let invalid = RefCell::new(0);
    let strategy = (policy(0), source(), vec(job(), 4), wrong_pattern());
    run(150, strategy, |(before, source, jobs, wrong)| {
        let broken = PERMISSIONS[0];
        let mut after = before.clone();
        let entries = after.repositories.iter_mut().flatten();
        let entries = entries.flat_map(|entry| &mut entry.permissions);
        for rule in after.permissions.iter_mut().flatten().chain(entries) {
            if rule.permissions.iter().all(|one| key(one) == broken) {
                rule.branch.get_or_insert_default().push(wrong.clone());
            }
        }
        let others = &PERMISSIONS[1..];
        assert_eq!(
            decisions(&before, source, &jobs, others),
            decisions(&after, source, &jobs, others)
        );
        for outcome in decisions(&after, source, &jobs, &[broken]) {
            *invalid.borrow_mut() += u32::from(outcome.reason == "policy_invalid");
        }
    });
    let invalid = invalid.into_inner();
    assert!(invalid > 50, "{invalid}");
}

#[test]
fn several_permissions_are_decided_as_each_alone() {
    run(100, (policy(0), vec(job(), 3)), |(policy, jobs)| {
        let (text, lines) = yaml(&policy);
        let engine = Engine::new(Policy::parse(&text, Format::Yaml).unwrap());
        for job in &jobs {
            let keys = PERMISSIONS.map(|key| PermissionKey::parse(key.into()).unwrap());
            let context = context(job);
            let now = format!("{}-12-31T23:59:59.5Z", job.year).parse().unwrap();
            let together = decide(
                Policies::one(&engine, Scope::ThisRepository),
                Question::new(&keys, &context, now),
            )
            .unwrap();
            assert_eq!(together.len(), keys.len());
            for (decision, permission) in together.iter().zip(PERMISSIONS) {
                let alone = product(&engine, &lines, Source::Own, job, permission);
                assert_eq!(&*decision.permission, permission);
                assert_eq!(decision.reason.code(), alone.reason);
            }
        }
    });
}

/// A text as a slip of the hand leaves it: one character of it is another, or gone, or a line is.
fn slip(text: &str, at: Index, kind: usize) -> String {
    let lines: Vec<_> = text.lines().collect();
    let line = at.index(lines.len());
    let without = |line: usize| {
        let rest = lines.iter().enumerate().filter(|(n, _)| *n != line);
        rest.map(|(_, text)| format!("{text}\n")).collect()
    };
    let chars: Vec<char> = text.chars().collect();
    let (before, after) = chars.split_at(at.index(chars.len()));
    let with = |middle: &str| {
        let rest = after.iter().skip(1);
        before.iter().collect::<String>() + middle + &rest.collect::<String>()
    };
    match kind {
        0 => without(line),
        1 => with(""),
        other => with(
            [
                "\t", "[", "*", ":", "\"", " ", "0", "é", "\n", "#", "-", "{",
            ][other - 2],
        ),
    }
}

#[test]
fn what_is_read_for_one_check_decides_as_the_whole_and_so_does_the_index() {
    let counters = RefCell::new([0_u32; 4]);
    let slips = prop_oneof![
        2 => Just(None),
        3 => (any::<Index>(), 0_usize..14).prop_map(Some),
    ];
    let strategy = (
        (policy(12), source(), vec(job(), 3), slips),
        vec(select(&PERMISSIONS[..]), 1..3),
        any::<bool>(),
    );
    run(
        1_600,
        strategy,
        |((policy, source, jobs, slipped), permissions, as_json)| {
            let (format, (text, _)) = match as_json {
                true => (Format::Json, json(&policy)),
                false => (Format::Yaml, yaml(&policy)),
            };
            let text = slipped.map_or_else(|| text.clone(), |(at, kind)| slip(&text, at, kind));
            let keys = permissions
                .iter()
                .map(|key| PermissionKey::parse((*key).into()).unwrap());
            let keys: Vec<_> = keys.collect();
            let scope = crate::random::engine::scope(source);
            let whole = Policy::parse(&text, format);
            let engine = whole.clone().map(Engine::new);
            for job in &jobs {
                let context = context(job);
                let now = format!("{}-12-31T23:59:59.5Z", job.year).parse().unwrap();
                let asked = PolicyQuery {
                    repository: Some(&job.repository),
                    permissions: &keys,
                };
                let kept = Policy::parse_for(&text, format, &asked);
                let (Ok(whole), Ok(engine)) = (&whole, &engine) else {
                    assert_eq!(kept.unwrap_err(), *whole.as_ref().unwrap_err(), "{text}");
                    counters.borrow_mut()[0] += 1;
                    continue;
                };
                let kept = kept.unwrap_or_else(|invalid| panic!("{invalid}\n{text}"));
                let question = Question::new(&keys, &context, now);
                let expected = decide(Policies::one(&Engine::new(whole.clone()), scope), question);
                let kept = Engine::new(kept);
                assert_eq!(
                    decide(Policies::one(&kept, scope), question),
                    expected,
                    "{text}"
                );
                // The second time its patterns are kept, the third time they are there.
                for _ in 0..3 {
                    let again = decide(Policies::one(engine, scope), question);
                    assert_eq!(again, expected, "{text}");
                }
                let reasons = expected.iter().flatten().map(|one| one.reason.code());
                let mut counters = counters.borrow_mut();
                counters[1] += u32::from(expected.is_err());
                counters[2] += u32::from(reasons.clone().any(|reason| reason == "granted"));
                counters[3] += u32::from(reasons.clone().any(|reason| reason != "granted"));
            }
        },
    );
    let [unreadable, wrong, granted, denied] = counters.into_inner();
    assert!(unreadable > 150 && wrong > 300, "{unreadable} {wrong}");
    assert!(granted > 200 && denied > 300, "{granted} {denied}");
}
