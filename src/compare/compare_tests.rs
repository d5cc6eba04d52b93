use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;
use crate::context::Context;
use crate::decision::{Decision, Scope, decide};
use crate::policy::{Format, PermissionKey};

/// The sentences of a comparison, `+` and `-`, with the remarks.
fn changes(old: &str, new: &str) -> String {
    let document = |rules: &str| format!("version: 1\n{rules}");
    let (old, new) = (document(old), document(new));
    let parse = |text| Document::parse(text, Format::Yaml).unwrap();
    let (old, new) = (parse(&old), parse(&new));
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    let comparison = compare(&old, &new, now).unwrap();
    let mut text = String::new();
    for (sign, list) in [("+", &comparison.added), ("-", &comparison.removed)] {
        for change in list {
            let is_added = sign == "+";
            text.push_str(&format!(
                "{sign} {}: {} ({})\n",
                change.installation.phrase().plain(),
                change.sentence(is_added).plain(),
                change.remark(is_added).plain()
            ));
        }
    }
    text
}

/// Rules at the top, one a line.
fn rules(list: &[&str]) -> String {
    let rules = list
        .iter()
        .map(|rule| format!("  - {{ permission: {rule} }}\n"));
    match rules.collect::<String>() {
        none if none.is_empty() => "permissions: []\n".to_owned(),
        rules => format!("permissions:\n{rules}"),
    }
}

fn of_rules(old: &[&str], new: &[&str]) -> String {
    changes(&rules(old), &rules(new))
}

#[test]
fn what_is_written_otherwise_and_means_the_same_is_no_change() {
    for (old, new) in [
        (
            &["a:b, branch: main|develop"][..],
            &["a:b, branch: [develop, main]"][..],
        ),
        (
            &["a:b, branch: [main, develop]"],
            &["a:b, branch: main", "a:b, branch: develop"],
        ),
        (
            &["[a:b, a:c], branch: main"],
            &["a:c, branch: main", "a:b, branch: ^main$"],
        ),
        (&["a:b, name: one"], &["a:b, name: two"]),
        (&["a:b, branch: \"*\""], &["a:b"]),
        (&["a:b", "a:b, branch: main"], &["a:b"]),
        (
            &["a:b, environment: Production"],
            &["a:b, environment: '[P]RODUCTION'"],
        ),
        (
            &["a:b, branch: { glob: release/** }"],
            &["a:b, branch: 'release/(?s:.)*'"],
        ),
        (&["a:b, expires: 2026-01-31"], &[]),
        (
            &["a:b, expires: 2027-01-31"],
            &["a:b, expires: '2027-01-31T23:59:59.999999999Z'"],
        ),
        (
            &["a:b, events: [push, schedule]"],
            &["a:b, events: [schedule, push]"],
        ),
        (
            &[
                "a:b, branch: '[a-m]+'",
                "a:b, branch: '[n-z]+'",
                "a:b, branch: '[a-z]+'",
            ],
            &["a:b, branch: '[a-z]+'"],
        ),
        (&["a:b, claims: { x: '*' }"], &["a:b"]),
        (
            &[
                "a:b, environment: x, branch: y",
                "a:b, environment: x",
                "a:b, branch: y",
            ],
            &["a:b, branch: y", "a:b, environment: x"],
        ),
    ] {
        assert_eq!(of_rules(old, new), "", "{old:?} {new:?}");
        assert_eq!(of_rules(new, old), "", "{new:?} {old:?}");
    }
}

#[test]
fn what_is_new_is_said_with_a_job_that_shows_it() {
    let wider = |old: &str, new: &str| of_rules(&[old], &[new]);
    insta::assert_snapshot!(wider("a:b, workflow: d.yml, branch: main", "a:b, workflow: d.yml, branch: [main, 'release/.*']"), @"+ the policy's own repository: `d.yml` on `release/.*` may now use `a:b` (for example: workflow `d.yml`, branch `release/1.0`, event `push`)");
    insta::assert_snapshot!(wider("a:b, branch: main", "a:b"), @"+ the policy's own repository: any workflow on any branch, with or without an environment, may now use `a:b` (in part as before; new for example: branch `feature/x`, event `push`)");
    insta::assert_snapshot!(wider("a:b, environment: production, branch: main", "a:b, branch: main"), @"+ the policy's own repository: any workflow on `main` may now use `a:b` (in part as before; new for example: branch `main`, event `push`, no environment)");
    insta::assert_snapshot!(wider("a:b, events: [push], branch: main", "a:b, events: [push, workflow_run], branch: main"), @"+ the policy's own repository: any workflow on `main` in `workflow_run` events may now use `a:b` (for example: branch `main`, event `workflow_run`)");
    insta::assert_snapshot!(wider("a:b, events: [push], branch: main", "a:b, branch: main"), @"+ the policy's own repository: any workflow on `main` may now use `a:b` (in part as before; new for example: branch `main`, event `workflow_dispatch`)");
    insta::assert_snapshot!(wider("a:b, branch: main, expires: 2026-12-31", "a:b, branch: main, expires: 2027-12-31"), @"+ the policy's own repository: any workflow on `main` until `2027-12-31` may now use `a:b` (in part as before; new for example: branch `main`, event `push`, time `2027-01-01T00:00:00Z`)");
    insta::assert_snapshot!(wider("a:b, branch: main, claims: { runner_environment: github-hosted }", "a:b, branch: main"), @"+ the policy's own repository: any workflow on `main` may now use `a:b` (in part as before; new for example: branch `main`, event `push`, claim `runner_environment=self-hosted`)");
    insta::assert_snapshot!(wider("a:b, branch: main", "[a:b, a:c, a:d], branch: main"), @"+ the policy's own repository: any workflow on `main` may now use `a:c` and `a:d` (for example: branch `main`, event `push`)");
    insta::assert_snapshot!(of_rules(&[], &["a:b"]), @"+ the policy's own repository: any workflow on any branch, with or without an environment, may now use `a:b` (for example: event `push`)");
    insta::assert_snapshot!(of_rules(&["a:b, branch: '[a-m]+'", "a:b, branch: '[n-z]+'"], &["a:b, branch: '[a-z]+'"]), @"+ the policy's own repository: any workflow on `[a-z]+` may now use `a:b` (in part as before; new for example: branch `main`, event `push`)");
}

#[test]
fn a_plain_text_ignores_the_case_of_ascii_letters_only() {
    // As a regex without case `ſ` matches an `s`; as a text it does not.
    let change = of_rules(&["a:b, environment: ſ"], &["a:b, environment: ^ſ$"]);
    assert!(change.starts_with("+ "), "{change:?}");
    let change = of_rules(&["a:b, environment: kß"], &["a:b, environment: Kß"]);
    assert!(!change.is_empty(), "{change:?}");
    assert_eq!(
        of_rules(&["a:b, environment: kA1"], &["a:b, environment: Ka1"]),
        ""
    );
}

#[test]
fn repositories_and_pins_are_compared_too() {
    let entry = |repository: &str| {
        format!(
            "repositories:\n  - {{ repository: {repository}, permissions: [{{ permission: a:b, branch: main }}] }}\n"
        )
    };
    insta::assert_snapshot!(changes(&entry("acme/infra"), &entry("{ glob: 'acme/*' }")), @"+ `acme/*`: any workflow on `main` may now use `a:b` (in part as before; new for example: repository `acme/a`, branch `main`, event `push`)");
    insta::assert_snapshot!(changes(&entry("acme/infra, repository_id: 5"), &entry("acme/infra")), @"+ `acme/infra`: any workflow on `main` may now use `a:b` (in part as before; new for example: repository `acme/infra`, branch `main`, event `push`, another repository id)");
    insta::assert_snapshot!(changes(&entry("acme/infra"), &entry("acme/infra, owner_id: 7")), @"- `acme/infra`: any workflow on `main` may no longer use `a:b` (in part still granted; no longer for example: repository `acme/infra`, branch `main`, event `push`, another owner id)");
    insta::assert_snapshot!(changes(&entry("ACME/Infra"), &entry("acme/infra")), @"");
    insta::assert_snapshot!(changes(&rules(&["a:b, branch: main"]), &entry("acme/infra")), @r"
    + `acme/infra`: any workflow on `main` may now use `a:b` (in part as before; new for example: repository `acme/infra`, branch `main`, event `push`)
    - the policy's own repository: any workflow on `main` may no longer use `a:b` (in part still granted; no longer for example: repository `acme-org/infra`, branch `main`, event `push`)
    ");
    insta::assert_snapshot!(changes(&entry("'.*'"), &format!("{}{}", rules(&["a:b, branch: main"]), entry("acme/infra"))), @"- `.*`: any workflow on `main` may no longer use `a:b` (in part still granted; no longer for example: repository `acme-org/infra`, branch `main`, event `push`)");
}

#[test]
fn what_is_delegated_is_access_too() {
    let entry = |repository: &str, delegate: &str| {
        format!(
            "repositories:\n  - {{ repository: {repository}, {delegate}permissions: [{{ permission: a:b }}] }}\n"
        )
    };
    let plain = entry("o/r", "");
    insta::assert_snapshot!(changes(&plain, &entry("o/r", "delegate: [a:b, a:c], ")), @"+ `o/r`: the repository's own policy may now grant `a:b` and `a:c` (by `.github/repo-permissions.yml` at its default branch, to any job)");
    insta::assert_snapshot!(changes(&entry("o/r", "delegate: a:c, "), &plain), @"- `o/r`: the repository's own policy may no longer grant `a:c` (by `.github/repo-permissions.yml` at its default branch, to any job)");
    insta::assert_snapshot!(changes(&entry("o/r, repository_id: 5", "delegate: a:c, "), &entry("o/r, repository_id: 6", "delegate: a:c, ")), @r"
    + `o/r` with id `6`: any workflow on any branch, with or without an environment, may now use `a:b` (for example: repository `o/r`, repository id `6`, event `push`)
    + `o/r` with id `6`: the repository's own policy may now grant `a:c` (by `.github/repo-permissions.yml` at its default branch, to any job)
    - `o/r` with id `5`: any workflow on any branch, with or without an environment, may no longer use `a:b` (for example: repository `o/r`, repository id `5`, event `push`)
    - `o/r` with id `5`: the repository's own policy may no longer grant `a:c` (by `.github/repo-permissions.yml` at its default branch, to any job)
    ");
    assert_eq!(
        changes(
            &entry("o/r", "delegate: a:c, "),
            &entry("O/R", "delegate: [a:c, a:c], ")
        ),
        ""
    );
}

#[test]
fn what_cannot_be_compared_counts_as_new() {
    insta::assert_snapshot!(of_rules(&[r"a:b, branch: '\bmain\b'"], &["a:b, branch: main"]), @r"
    + the policy's own repository: any workflow on `main` may now use `a:b` (perhaps as before: it was too much to compare exactly)
    - the policy's own repository: any workflow on `\bmain\b` may no longer use `a:b` (perhaps still granted: it was too much to compare exactly)
    ");
    insta::assert_snapshot!(of_rules(&["a:b, branch: main"], &[r"a:b, branch: '\bmain\b'"]), @r"
    + the policy's own repository: any workflow on `\bmain\b` may now use `a:b` (perhaps as before: it was too much to compare exactly)
    - the policy's own repository: any workflow on `main` may no longer use `a:b` (perhaps still granted: it was too much to compare exactly)
    ");
    // As it is written it is the same.
    assert_eq!(
        of_rules(
            &[r"a:b, branch: '\bmain\b'"],
            &[r"a:b, branch: ['\bmain\b']"]
        ),
        ""
    );
}

#[test]
fn a_pattern_that_does_not_compile_granted_nothing() {
    insta::assert_snapshot!(of_rules(&["a:b, branch: '('", "a:b, branch: main", "a:c"], &["a:b, branch: main", "a:c"]), @"+ the policy's own repository: any workflow on `main` may now use `a:b` (for example: branch `main`, event `push`)");
    let text = format!(
        "version: 1\n{}",
        rules(&["a:b, branch: '('", "a:b, environment: '['"])
    );
    let new = Document::parse(&text, Format::Yaml).unwrap();
    let old = "version: 1\npermissions: []\n";
    let old = Document::parse(old, Format::Yaml).unwrap();
    let invalid = compare(&old, &new, Timestamp::UNIX_EPOCH).unwrap_err();
    assert_eq!(invalid.iter().count(), 2, "{invalid}");
}

const KEYS: [&str; 2] = ["a:b", "a:c"];
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
const EVENTS: [&str; 4] = ["push", "workflow_run", "schedule", "pull_request_target"];
const EXPIRIES: [&str; 3] = ["2026-01-01", "2026-12-31", "'2027-06-01T00:00:00Z'"];

/// Some of the texts as a value of YAML, or none.
fn list(texts: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    let some = subsequence(texts, 1..=2).prop_map(|list| format!("[{}]", list.join(", ")));
    proptest::option::of(some)
}

fn rule() -> impl Strategy<Value = String> {
    let claim = proptest::option::of(select(&["x", "'x|y'", "'*'"][..]));
    let expiry = proptest::option::weighted(0.3, select(&EXPIRIES[..]));
    let dimensions = (list(&BRANCHES), list(&ENVIRONMENTS), list(&EVENTS));
    let keys = subsequence(&KEYS[..], 1..=2);
    (keys, dimensions, claim, expiry).prop_map(
        |(keys, (branch, environment, events), claim, expiry)| {
            let mut rule = format!("{{ permission: [{}]", keys.join(", "));
            let claim = claim.map(|claim| format!("{{ c: {claim} }}"));
            let expiry = expiry.map(str::to_owned);
            for (name, value) in [
                ("branch", branch),
                ("environment", environment),
                ("events", events),
                ("claims", claim),
                ("expires", expiry),
            ] {
                if let Some(value) = value {
                    rule.push_str(&format!(", {name}: {value}"));
                }
            }
            rule + " }"
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

fn is_allowed(document: &Document<'_>, key: &str, job: &Example, now: Timestamp) -> bool {
    let claims = job.claims.clone();
    let context = Context {
        repository: Some(job.repository.clone().unwrap_or("other/name".to_owned())),
        repository_id: job.repository_id.clone(),
        repository_owner_id: job.owner_id.clone(),
        workflow: job.workflow.clone(),
        branch: job.branch.clone(),
        environment: job.environment.clone(),
        event: job.event.clone(),
        claims: claims.into_iter().collect(),
        ..Context::default()
    };
    let scope = if job.own {
        Scope::ThisRepository
    } else {
        Scope::Given
    };
    let now = job.time.as_ref().map_or(now, |time| time.parse().unwrap());
    let key = PermissionKey::parse(key.into()).unwrap();
    let decided = decide(document, scope, &[key], &context, now).unwrap();
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
    let branch = text(&["main", "Main", "dev", "a", "x/y", "\u{e4}", "ma\n"]);
    let environment = text(&["prod", "Prod", "p", "\u{17f}rod", "q"]);
    let event = select(&EVENTS[..]);
    let claim = text(&["x", "y", "z"]);
    let time = text(&[
        "2026-12-31T12:00:00Z",
        "2027-01-01T00:00:00Z",
        "2030-01-01T00:00:00Z",
    ]);
    (repository, branch, environment, event, claim, time).prop_map(
        |((own, repository, repository_id), branch, environment, event, claim, time)| Example {
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
            ..Example::default()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_change_is_told_exactly_when_the_engine_decides_otherwise(
        old in policy(), new in policy(), jobs in vec(job(), 12),
    ) {
        let parse = |text| Document::parse(text, Format::Yaml).unwrap();
        let (old, new) = (parse(&old), parse(&new));
        let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        let comparison = compare(&old, &new, now).unwrap();
        let sides = [(&comparison.added, &new, &old), (&comparison.removed, &old, &new)];
        for (changes, with, without) in sides {
            for change in changes {
                let example = change.example.as_ref().unwrap();
                for key in &change.permissions {
                    prop_assert!(is_allowed(with, key, example, now), "{change:?}");
                    prop_assert!(!is_allowed(without, key, example, now), "{change:?}");
                }
            }
        }
        for job in &jobs {
            for key in KEYS {
                let changes = match (is_allowed(&old, key, job, now), is_allowed(&new, key, job, now)) {
                    (false, true) => &comparison.added,
                    (true, false) => &comparison.removed,
                    _ => continue,
                };
                let mut told = changes.iter().flat_map(|change| &change.permissions);
                prop_assert!(told.any(|told| *told == key), "{key} {job:?}");
            }
        }
    }
}
