use jiff::Timestamp;
use proptest::prelude::*;

use super::{Access, AccessMatrix, Bases, Cell, Events, Grant, Row, RowKind};
use crate::workflows::{Environment, RunOptions, Workflows};

const OPTIONS: RunOptions<'_> = RunOptions {
    action: "repo-permissions",
    default_branch: None,
};
use engine::context::{Base, Context};
use engine::decision::{Decision, Engine, Policies, Provenance, Question, decide};
use engine::policy::{CaseSensitivity, Format, Pattern, PermissionKey, Policy, Rule};

const NOW: &str = "2026-11-23T12:00:00Z";

fn workflows(files: &[(&str, &str)]) -> Workflows {
    let texts = files.iter();
    Workflows::of_texts(texts.map(|(file, text)| ((*file).to_owned(), Ok((*text).to_owned()))))
}

fn matrix<'a>(policy: &'a Policy, workflows: &'a Workflows) -> AccessMatrix<'a> {
    let rules: Vec<&Rule> = policy.rules().collect();
    AccessMatrix::new(&rules, None, workflows, OPTIONS, NOW.parse().unwrap()).unwrap()
}

fn any(patterns: &[&Pattern], value: Option<&str>) -> bool {
    let matches = |pattern: &&Pattern| {
        let compiled = pattern.compile(CaseSensitivity::Sensitive).unwrap();
        compiled.matches(value)
    };
    patterns.is_empty() || patterns.iter().any(matches)
}

/// Default branch, which the matrix does not know.
const TRUNK: &str = "trunk";

/// Returns the bases of a row's jobs for an event; `None` stands for a base that the token does not name.
fn bases_of(row: &Row<'_>, event: &str) -> Vec<Base> {
    let branch = |name: &str| Base::Branch(name.to_owned());
    match (event, &row.bases) {
        ("pull_request", Some(names)) => names.iter().copied().map(branch).collect(),
        ("pull_request" | "pull_request_target", _) => {
            let names = ["main", "dev", TRUNK].map(branch).into_iter();
            names.chain([Base::Absent]).collect()
        }
        _ => vec![Base::None],
    }
}

/// Whether a grant trusts a base.
fn trusts(grant: &Grant<'_>, base: &Base) -> bool {
    match (&grant.bases, base) {
        (_, Base::None) | (Some(Bases::Any), _) => true,
        (None, _) => false,
        (Some(Bases::Named(list)), base) => any(list, base.branch()),
        (Some(Bases::Branches { or_default }), base) => {
            any(&grant.branches, base.branch()) || (*or_default && base.branch() == Some(TRUNK))
        }
    }
}

/// Whether a grant covers a job of its row, on this branch and event, with this claim.
fn admits(grant: &Grant<'_>, branch: Option<&str>, event: &str, claim: Option<&str>) -> bool {
    let Events::These(events) = &grant.events else {
        panic!("the row's events are known");
    };
    assert!(grant.environments.is_empty() && grant.workflows.is_empty());
    events.contains(&event)
        && any(&grant.branches, branch)
        && grant.claims.iter().all(|(name, claims)| {
            assert_eq!(&**name, "runner_environment");
            any(&claims.list.iter().collect::<Vec<_>>(), claim)
        })
}

const FILES: [(&str, &str); 4] = [
    (
        "deploy.yml",
        "on: [push, workflow_dispatch]\njobs: {a: {environment: prod}, b: {environment: ſtaging}, c: {}}",
    ),
    (
        "plan.yml",
        "on: [pull_request, pull_request_target]\njobs: {a: {}}",
    ),
    (
        "filtered.yml",
        "on: {pull_request: {branches: [main, x]}}\njobs: {a: {}}",
    ),
    (
        "Deploy.yml",
        "on: [schedule]\njobs: {a: {environment: Prod}}",
    ),
];

/// A member of a rule, often absent.
fn member(key: &'static str, values: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        proptest::sample::select(values).prop_map(move |value| format!(", {key}: {value}")),
    ]
}

fn rule() -> impl Strategy<Value = String> {
    let keys: &[&str] = &["a:b", "c:d", "[a:b, c:d]"];
    (
        proptest::sample::select(keys),
        member("workflow", &["deploy.yml", "'*'", "'(?i)deploy.yml'", "[plan.yml, x.yml]", "'.*\\.yml'"]),
        member("branch", &["main", "'*'", "[main, dev]", "{glob: 'd*'}", "'^ma.*'", "'.*'"]),
        member("base", &["main", "'*'", "[dev, x]", "{glob: 'd*'}"]),
        member("environment", &["prod", "'*'", "PROD", "'prod|staging'", "'.*'", "staging"]),
        member("events", &["[push]", "[pull_request_target, push]", "[schedule]", "[pull_request]"]),
        member("claims", &["{runner_environment: github-hosted}", "{runner_environment: '*'}"]),
        member("expires", &["2026-11-22", "2026-11-23", "2027-01-01"]),
    )
        .prop_map(|(key, workflow, branch, base, environment, events, claims, expires)| {
            format!("  - {{permission: {key}{workflow}{branch}{base}{environment}{events}{claims}{expires}}}\n")
        })
}

/// Branches and claims of jobs.
const JOBS: [(Option<&str>, Option<&str>); 4] = [
    (Some("main"), Some("github-hosted")),
    (Some("dev"), Some("self-hosted")),
    (Some("Main"), Some("github-hosted")),
    (None, None),
];

proptest! {
    // Each case compiles hundreds of patterns, which is slow without optimization.
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn the_matrix_agrees_with_the_engine(rules in prop::collection::vec(rule(), 1..6)) {
        let text = format!("version: 1\npermissions:\n{}", rules.concat());
        let policy = Policy::parse(&text, Format::Yaml).unwrap();
        let workflows = workflows(&FILES);
        let engine = Engine::new(policy.clone());
        let matrix = matrix(&policy, &workflows);
        for row in &matrix.rows {
            let RowKind::File { file, environment } = &row.kind else {
                continue;
            };
            let name = match environment {
                Environment::Named(name) => Some(name.clone()),
                _ => None,
            };
            for (key, cell) in matrix.permissions.iter().zip(&row.cells) {
                let mut granted = false;
                let events = row.events.iter().flatten();
                let events = events.flat_map(|event| {
                    bases_of(row, event).into_iter().map(move |base| (event, base))
                });
                for (event, base) in events {
                    for (branch, claim) in JOBS {
                        let claims = claim.map(|claim| ("runner_environment".to_owned(), claim.to_owned()));
                        let context = Context {
                            workflow: Some((*file).to_owned()),
                            environment: name.clone(),
                            branch: branch.map(str::to_owned),
                            base: base.clone(),
                            default_branch: Some(TRUNK.to_owned()),
                            event: Some((*event).to_owned()),
                            claims: claims.into_iter().collect(),
                            ..Context::default()
                        };
                        let key = PermissionKey::parse((*key).into()).unwrap();
                        let now: Timestamp = NOW.parse().unwrap();
                        let decided = decide(Policies::one(&engine, Provenance::Offline), Question::new(&[key], &context, now)).unwrap();
                        let allowed = decided[0].decision == Decision::Allowed;
                        let mut grants = cell.grants.iter();
                        let shown = grants.any(|grant| admits(grant, branch, event, claim) && trusts(grant, &base));
                        prop_assert_eq!(shown, allowed, "{}\n{:?}", text, context);
                        granted |= allowed;
                    }
                }
                prop_assert!(!granted || row.access(cell) == Access::Granted);
            }
        }
    }
}

/// Prints the cell of the first permission in a file's row, on one line.
fn show(cell: &Cell<'_>) -> String {
    let grants = cell.grants.iter().map(|grant| {
        let texts = |list: &[&Pattern]| {
            let texts: Vec<_> = list.iter().map(|one| one.text.to_string()).collect();
            texts.join(",")
        };
        let events = match &grant.events {
            Events::Trusted => "*".to_owned(),
            Events::These(these) => these.join(","),
        };
        let lines: Vec<_> = grant
            .rules
            .iter()
            .map(|rule| rule.line.to_string())
            .collect();
        format!(
            "{}: branch {} base {} on {events} file {} environment {} claims {} until {}",
            lines.join("+"),
            texts(&grant.branches),
            match &grant.bases {
                None => "-".to_owned(),
                Some(Bases::Any) => String::new(),
                Some(Bases::Named(list)) => texts(list),
                Some(Bases::Branches { or_default }) => format!("as branch, default {or_default}"),
            },
            texts(&grant.workflows),
            texts(&grant.environments),
            grant.claims.len(),
            grant.expires.map_or("", |expires| &*expires.text),
        )
    });
    let hints = cell
        .hints
        .iter()
        .map(|hint| format!("{}: {:?}", hint.rule.line, hint.why));
    grants.chain(hints).collect::<Vec<_>>().join("\n")
}

#[test]
fn equivalent_grants_are_merged() {
    let text = "\
version: 1
permissions:
  - {permission: a:b, branch: main, events: [push]}
  - {permission: a:b, branch: main, events: [push, schedule]}
  - {permission: a:b, branch: {exact: main}, expires: 2027-01-01}
  - {permission: a:b, branch: [dev, main], events: [schedule, push], workflow: '*'}
  - {permission: a:b, events: [push], claims: {x: '1'}}
  - {permission: a:b, branch: main, events: [push], claims: {x: {exact: '1'}}}
  - {permission: a:b, branch: main, expires: 2026-01-01}
  - {permission: a:b, events: [issues]}
";
    let policy = Policy::parse(text, Format::Yaml).unwrap();
    let workflows = workflows(&[("a.yml", "on: [push, schedule]\njobs: {a: {}}")]);
    let matrix = matrix(&policy, &workflows);
    let cells: Vec<_> = matrix.rows.iter().map(|row| show(&row.cells[0])).collect();
    insta::assert_snapshot!(cells.join("\n\n"), @"
    3+4+6: branch main,dev base - on push,schedule file  environment  claims 0 until 
    5: branch main base - on push,schedule file  environment  claims 0 until 2027-01-01
    7+8: branch  base - on push file  environment  claims 1 until 
    9: Expired
    10: Event

    3+4+6: branch main,dev base - on push,schedule file  environment  claims 0 until 
    5: branch main base as branch, default true on * file  environment  claims 0 until 2027-01-01
    7+8: branch  base - on push file  environment  claims 1 until 
    10: branch  base - on issues file  environment  claims 0 until 
    9: Expired
    ");
}

#[test]
fn files_that_do_not_exist_yet() {
    let others = |workflow: &str| {
        let text = format!("version: 1\npermissions: [{{permission: a:b, workflow: {workflow}}}]");
        let policy = Policy::parse(&text, Format::Yaml).unwrap();
        let workflows = workflows(&[("a.yml", "on: push\njobs: {a: {}}")]);
        let matrix = matrix(&policy, &workflows);
        let row = matrix.rows.last().unwrap();
        assert_eq!(row.kind, RowKind::Other);
        row.access(&row.cells[0]) == Access::Granted
    };
    for workflow in [
        "'*'",
        "'.*\\.yml'",
        "'a.*'",
        "{glob: 'deploy-*.yml'}",
        "'deploy.yml|x'",
        "[a.yml, 'b.*']",
    ] {
        assert!(others(workflow), "{workflow}");
    }
    for workflow in [
        "a.yml",
        "missing.yml",
        "'(a|b)\\.yml'",
        "'^a\\.yml$'",
        "{exact: 'a*'}",
        "{glob: 'a.yml'}",
        "acme-org/workflows/.github/workflows/a.yml",
        "'acme-org/workflows/\\.github/workflows/.*'",
    ] {
        assert!(!others(workflow), "{workflow}");
    }
}

#[test]
fn all_patterns_that_do_not_compile_are_reported() {
    let text = "\
version: 1
permissions:
  - {permission: a:b, branch: 'a)'}
  - {permission: a:b}
  - {permission: a:b, environment: []}
  - {permission: c:d, claims: {x: '('}}
";
    let policy = Policy::parse(text, Format::Yaml).unwrap();
    let rules: Vec<_> = policy.rules().collect();
    let error = AccessMatrix::new(
        &rules,
        None,
        &Workflows::default(),
        OPTIONS,
        Timestamp::UNIX_EPOCH,
    )
    .unwrap_err();
    let lines: Vec<_> = error.iter().map(|problem| problem.position.line).collect();
    assert_eq!(lines, [3, 5, 6]);
}

/// A pull request's head and base are both checked, and a base that cannot occur is reported.
#[test]
fn the_bases_of_pull_requests() {
    let text = "\
version: 1
permissions:
  - {permission: a:b, branch: main, events: [pull_request]}
  - {permission: a:b, branch: dev, events: [pull_request]}
  - {permission: a:c, branch: main, base: main, events: [pull_request]}
  - {permission: a:c, branch: dev, base: main, events: [pull_request]}
  - {permission: a:d, branch: main, base: [dev, {glob: 'v*'}], events: [pull_request]}
  - {permission: a:e, branch: main, base: dev, events: [pull_request, push]}
";
    let policy = Policy::parse(text, Format::Yaml).unwrap();
    let files = [(
        "a.yml",
        "on: {pull_request: {branches: [main]}, push: }\njobs: {a: {}}",
    )];
    let workflows = workflows(&files);
    let matrix = matrix(&policy, &workflows);
    let cells: Vec<_> = matrix.rows[0].cells.iter().map(show).collect();
    insta::assert_snapshot!(cells.join("\n\n"), @"
    3: branch main base as branch, default true on pull_request file  environment  claims 0 until 
    4: branch dev base as branch, default true on pull_request file  environment  claims 0 until 

    5+6: branch main,dev base main on pull_request file  environment  claims 0 until 

    7: Base

    8: branch main base dev on pull_request,push file  environment  claims 0 until
    ");
    let unused: Vec<_> = matrix
        .unused
        .iter()
        .map(|one| format!("{} {}", one.dimension, one.why.plain()))
        .collect();
    insta::assert_snapshot!(unused.join("\n"), @"base it accepts only pull requests into `dev` or `v*`; the workflows start only for pull requests into `main`");
}
