//! Compares policies and decides random jobs by both: the comparison and the engine agree.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{RngSeed, TestRunner};

use super::*;
use engine::context::{Base, Context};
use engine::decision::{Decision, Engine, Merges, Policies, Provenance, Question, decide, merges};
use engine::policy::{CaseSensitivity, Format, Pattern, PermissionKey};

pub(super) const KEYS: [&str; 2] = ["a:b", "a:c"];
const REPOSITORIES: [&str; 4] = ["o/r", "O/R", "'o/.*'", "{ glob: '*/r' }"];
const BRANCHES: [&str; 10] = [
    "main",
    "Main",
    "'ma.*'",
    "main|dev",
    "'[a-m]+'",
    "dev",
    "{ glob: '*' }",
    "'.*'",
    r"'\w+'",
    "'(?i)MAIN'",
];
const ENVIRONMENTS: [&str; 6] = [
    "prod",
    "PROD",
    "'p.*'",
    "'(?-i:prod)'",
    "'[p\u{17f}]rod'",
    "'*'",
];
const EVENTS: [&str; 7] = [
    "push",
    "workflow_run",
    "schedule",
    "pull_request",
    "pull_request_review",
    "pull_request_target",
    "event_of_tomorrow",
];
const EXPIRIES: [&str; 3] = ["2026-01-01", "2026-12-31", "'2027-06-01T00:00:00Z'"];

/// Some of the texts as a value of YAML, or none.
fn list(texts: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    let some = subsequence(texts, 1..=2).prop_map(|list| format!("[{}]", list.join(", ")));
    proptest::option::of(some)
}

/// Position of a rule's `base:`, if it has one.
const BASE: &str = "@";

fn rule() -> impl Strategy<Value = String> {
    let claim = proptest::option::of(select(&["x", "'x|y'", "'*'"][..]));
    let expiry = proptest::option::weighted(0.3, select(&EXPIRIES[..]));
    let environments = proptest::option::weighted(0.4, list(&ENVIRONMENTS));
    let dimensions = (list(&BRANCHES), environments, list(&EVENTS));
    let keys = subsequence(&KEYS[..], 1..=2);
    (keys, dimensions, claim, expiry).prop_map(
        |(keys, (branch, environment, events), claim, expiry)| {
            let mut rule = format!("{{ permission: [{}]", keys.join(", "));
            let claim = claim.map(|claim| format!("{{ c: {claim} }}"));
            let expiry = expiry.map(str::to_owned);
            for (name, value) in [
                ("branch", branch),
                ("environment", environment.flatten()),
                ("events", events),
                ("claims", claim),
                ("expires", expiry),
            ] {
                if let Some(value) = value {
                    rule.push_str(&format!(", {name}: {value}"));
                }
            }
            rule + BASE + " }"
        },
    )
}

/// Two policies, which often differ in their bases only.
fn policies() -> impl Strategy<Value = (String, String)> {
    let bases = || vec(proptest::option::weighted(0.5, list(&BRANCHES)), 3);
    let filled = |policy: &str, bases: &[Option<Option<String>>]| {
        let mut bases = bases.iter().cycle();
        let mut parts = policy.split(BASE);
        let mut text = parts.next().unwrap().to_owned();
        for part in parts {
            if let Some(Some(base)) = bases.next().unwrap() {
                text.push_str(&format!(", base: {base}"));
            }
            text.push_str(part);
        }
        text
    };
    (policy(), policy(), any::<bool>(), bases(), bases()).prop_map(
        move |(one, other, only_bases, old, new)| {
            let other = if only_bases { &one } else { &other };
            (filled(&one, &old), filled(other, &new))
        },
    )
}

/// A policy with rules at the top and entries.
fn policy() -> impl Strategy<Value = String> {
    let rules = || vec(rule(), 0..=3).prop_map(|rules| format!("[{}]", rules.join(", ")));
    let pin = proptest::option::weighted(0.3, select(&[1, 2][..]));
    let entry = (select(&REPOSITORIES[..]), pin, rules()).prop_map(|(repository, pin, rules)| {
        let pin = pin
            .map(|id| format!("repository_id: {id}, "))
            .unwrap_or_default();
        format!("{{ repository: {repository}, {pin}permissions: {rules} }}")
    });
    (rules(), vec(entry, 0..=2)).prop_map(|(rules, entries)| {
        format!(
            "version: 1\npermissions: {rules}\nrepositories: [{}]\n",
            entries.join(", ")
        )
    })
}

fn is_allowed(engine: &Engine, key: &str, job: &Example, now: Timestamp) -> bool {
    let claims = job.claims.clone();
    let context = Context {
        repository: Some(job.repository.clone().unwrap_or("other/name".to_owned())),
        repository_id: job.repository_id.clone(),
        repository_owner_id: job.owner_id.clone(),
        workflow: job.workflow.clone(),
        branch: job.branch.clone(),
        base: match &job.base {
            Some(base) => Base::Branch(base.clone()),
            None if job.without.iter().any(|name| name == "base") => Base::Absent,
            None => Base::None,
        },
        default_branch: job.default_branch.clone(),
        environment: job.environment.clone(),
        event: job.event.clone(),
        claims: claims.into_iter().collect(),
        ..Context::default()
    };
    let provenance = if job.own {
        Provenance::ThisRepository
    } else {
        Provenance::Given
    };
    let now = job.time.as_ref().map_or(now, |time| time.parse().unwrap());
    let key = PermissionKey::parse(key.into()).unwrap();
    let decided = decide(
        Policies::one(engine, provenance),
        Question::new(&[key], &context, now),
    )
    .unwrap();
    decided[0].decision == Decision::Allowed
}

fn job() -> impl Strategy<Value = Example> {
    let text = |texts: &'static [&'static str]| {
        proptest::option::of(select(texts).prop_map(str::to_owned))
    };
    let repository = (
        any::<bool>(),
        text(&["o/r", "O/r", "o/s"]),
        text(&["1", "2", "3"]),
    );
    let branch = text(&["main", "Main", "dev", "a", "x/y", "\u{e4}", "ma\u{df}"]);
    let environment = text(&["prod", "Prod", "p", "\u{17f}rod", "q"]);
    let base = select(&["main", "Main", "dev", "a", "x/y", "\u{e4}"][..]);
    let base = proptest::option::weighted(0.9, base.prop_map(str::to_owned));
    let base = (base, any::<bool>(), any::<bool>());
    let event = prop_oneof![Just("pull_request"), select(&EVENTS[..])];
    let event = (event, base);
    let claim = text(&["x", "y", "z"]);
    let time = text(&[
        "2026-12-31T12:00:00Z",
        "2027-01-01T00:00:00Z",
        "2030-01-01T00:00:00Z",
    ]);
    (repository, branch, environment, event, claim, time).prop_map(
        |((own, repository, repository_id), branch, environment, (event, base), claim, time)| {
            let (base, is_default, of_one_ref) = base;
            let merges = match merges(event) {
                Merges::Never => false,
                Merges::Sometimes | Merges::Unnamed => !of_one_ref,
                Merges::Always => true,
            };
            let names_base = merges && !event.starts_with("deployment");
            let base = base.filter(|_| names_base);
            let default_branch = match &base {
                Some(base) if is_default => Some(base.clone()),
                _ => Some("trunk".to_owned()),
            };
            let is_absent = merges && base.is_none();
            Example {
                own,
                repository,
                repository_id,
                branch,
                environment,
                event: Some(event.to_owned()),
                claims: claim
                    .map(|claim| ("c".to_owned(), claim))
                    .into_iter()
                    .collect(),
                time,
                base,
                default_branch,
                without: is_absent.then(|| "base".to_owned()).into_iter().collect(),
                ..Example::default()
            }
        },
    )
}

/// Number of random decisions on each side; `DIFF_DECISIONS` sets another number.
const DECISIONS: usize = 4_000;
/// The jobs of each pair of policies, each of which asks for both keys.
const JOBS: usize = 50;

/// Number of decisions of a test that by default takes `usual`.
pub(super) fn decisions(usual: usize) -> usize {
    let decisions = std::env::var("DIFF_DECISIONS");
    decisions.map_or(usual, |text| {
        let decisions: usize = text.parse().unwrap();
        decisions * usual / DECISIONS
    })
}

/// Random policies and jobs, the same in each run.
pub(super) fn runner(cases: usize) -> TestRunner {
    TestRunner::new(ProptestConfig {
        cases: u32::try_from(cases).unwrap(),
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })
}

/// Decisions that differ.
#[derive(Default)]
pub(super) struct Differing {
    pub(super) all: usize,
    /// Those that are the same in a run that merges nothing.
    pub(super) by_base: usize,
}

/// Checks the comparison of two policies: only the one policy grants each example, and each job that the engine
/// decides differently belongs to a change.
pub(super) fn check(
    old: &str,
    new: &str,
    jobs: &[Example],
    differing: &mut Differing,
) -> Result<(), TestCaseError> {
    let parse = |text| Engine::new(Policy::parse(text, Format::Yaml).unwrap());
    let (old, new) = (parse(old), parse(new));
    let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
    let comparison = compare(old.policy(), new.policy(), now).unwrap();
    let sides = [
        (&comparison.added, &new, &old),
        (&comparison.removed, &old, &new),
    ];
    for (changes, with, without) in sides {
        for change in changes {
            let example = change.example.as_ref().unwrap();
            for key in &change.permissions {
                prop_assert!(is_allowed(with, key, example, now), "{change:?}");
                prop_assert!(!is_allowed(without, key, example, now), "{change:?}");
            }
        }
    }
    for job in jobs {
        for key in KEYS {
            let decide =
                |job: &Example| [&old, &new].map(|engine| is_allowed(engine, key, job, now));
            let changes = match decide(job) {
                [false, true] => &comparison.added,
                [true, false] => &comparison.removed,
                _ => continue,
            };
            let of_one_ref = Example {
                base: None,
                without: Vec::new(),
                ..job.clone()
            };
            differing.all += 1;
            differing.by_base += usize::from(decide(job) != decide(&of_one_ref));
            let mut reported = changes
                .iter()
                .filter(|change| change.permissions.contains(&key));
            prop_assert!(
                reported.any(|change| covers_job(change, job)),
                "{key} {job:?}"
            );
        }
    }
    Ok(())
}

#[test]
#[expect(clippy::print_stdout, reason = "a long run says how long it was")]
fn a_change_is_reported_exactly_when_the_engine_decides_differently() {
    let decisions = decisions(DECISIONS);
    let pairs = decisions.div_ceil(JOBS * KEYS.len());
    let differing = std::cell::RefCell::new(Differing::default());
    let strategy = (policies(), vec(job(), JOBS));
    let run = runner(pairs).run(&strategy, |((old, new), jobs)| {
        check(&old, &new, &jobs, &mut differing.borrow_mut())
    });
    run.unwrap_or_else(|error| panic!("{error}"));
    let Differing { all, by_base } = differing.into_inner();
    println!("{pairs} pairs, {decisions} decisions: {all} change, {by_base} of them by the base");
    assert!(all > decisions / 100 && by_base > 0);
}

/// Whether what a change says includes a job.
fn covers_job(change: &AccessChange<'_>, job: &Example) -> bool {
    let any = |list: &Option<Vec<&Pattern>>, value: &Option<String>, ignores_case: bool| {
        let case = match ignores_case {
            true => CaseSensitivity::ignored_for(value.as_deref()),
            false => CaseSensitivity::Sensitive,
        };
        list.as_ref().is_none_or(|list| {
            let mut list = list.iter();
            list.any(|pattern| pattern.compile(case).unwrap().matches(value.as_deref()))
        })
    };
    let merges = job.base.is_some() || job.without.iter().any(|name| name == "base");
    let event = job.event.as_deref().unwrap();
    any(&change.workflow, &job.workflow, false)
        && any(&change.branch, &job.branch, false)
        && any(&change.environment, &job.environment, true)
        && (!merges || any(&change.base, &job.base, false))
        && (merges || !change.only_pull_requests)
        && change
            .events
            .as_ref()
            .is_none_or(|events| events.contains(&event))
}
