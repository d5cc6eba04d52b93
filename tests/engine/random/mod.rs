//! Random policies and jobs, from few values, so that they meet.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod engine;
pub mod runs;
pub mod written;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::reference::{Base, Entry, Job, Pattern, PlainPolicy, Rule, Source};

pub const PERMISSIONS: [&str; 3] = [
    "ws:deployments:create",
    "ws:affected_stacks:create",
    "ws:locks:delete",
];
const DISPLAY_NAMES: [&str; 4] = [
    "Deployments Create",
    "deployments CREATE",
    "Affected stacks create",
    "LOCKS DELETE",
];
pub const REPOSITORIES: [&str; 4] = [
    "acme-org/infra",
    "ACME-Org/Infra",
    "acme-org/infra-2",
    "other/infra",
];
pub const WORKFLOWS: [&str; 4] = [
    "deploy.yml",
    "deployxyml",
    "Deploy.yml",
    "evil/infra/.github/workflows/deploy.yml",
];
pub const BRANCHES: [&str; 11] = [
    "main",
    "Main",
    "maintenance",
    "feature/x",
    "feature/x/y",
    "release/1.0",
    "release/1x0",
    "refs/tags/main",
    // The branch of that name.
    "refs/heads/refs/tags/main",
    "octo-fork:main",
    "unknown:main",
];
pub const ENVIRONMENTS: [&str; 10] = [
    "production",
    "Production",
    "nonprod",
    "prod-eu",
    "größe",
    "GRÖSSE",
    "staging",
    // Under Unicode's rules this is `staging` in another case.
    "\u{17f}taging",
    // The second is what the first is as a regex.
    "renovate[bot]",
    "renovateb",
];
pub const RUNNERS: [&str; 2] = ["github-hosted", "self-hosted"];
pub const EVENTS: [&str; 8] = [
    "push",
    "schedule",
    "pull_request",
    "pull_request_review",
    "pull_request_target",
    "workflow_run",
    "issue_comment",
    // GitHub has no such event today.
    "event_of_tomorrow",
];
pub const GLOBS: [&str; 7] = [
    "*",
    "**",
    "feature/*",
    "feature/**",
    "*.yml",
    "acme-org/*",
    "p*d*",
];
pub const REGEXES: [&str; 14] = [
    ".*",
    "main|develop",
    "^main|feature/x$",
    "^(main|release/.*)$",
    "m.*",
    "release/1.0?",
    "^production$",
    "[n-q]rod.*",
    r".*\.yml",
    "feature/*",
    "(?i)main",
    "x?",
    "(?x) main # the trunk",
    "acme-org/[a-z]+",
];
pub const WRONG: [&str; 7] = ["a)|(", "(", "*.yml", "(?!x).*", r"(a)\1", "", "x|y[bot]"];

pub fn any_pattern() -> BoxedStrategy<Pattern> {
    let any = Just(Pattern::Plain("*".to_owned()));
    let regex = select(&REGEXES[..]).prop_flat_map(|text| {
        prop_oneof![
            Just(Pattern::Plain(text.to_owned())),
            Just(Pattern::Regex(text.to_owned())),
        ]
    });
    let glob = select(&GLOBS[..]).prop_map(|text| Pattern::Glob(text.to_owned()));
    prop_oneof![3 => any, 2 => regex, 1 => glob].boxed()
}

pub fn wrong_pattern() -> impl Strategy<Value = Pattern> {
    let globs = select(&["!main", "[main", ""][..]).prop_map(|t| Pattern::Glob(t.to_owned()));
    let plain = select(&WRONG[..]).prop_map(|t| Pattern::Plain(t.to_owned()));
    let exact = Just(Pattern::Exact(String::new()));
    prop_oneof![4 => plain, 1 => globs, 1 => exact]
}

/// `wrong`: how many of a thousand patterns are wrong.
pub fn patterns(values: &'static [&'static str], wrong: u32) -> BoxedStrategy<Vec<Pattern>> {
    let literal = select(values).prop_flat_map(|value| {
        prop_oneof![
            4 => Just(Pattern::Plain(value.to_owned())),
            1 => Just(Pattern::Exact(value.to_owned())),
            1 => Just(Pattern::Regex(regex::escape(value))),
        ]
    });
    let pattern = prop_oneof![500 => literal, 500 => any_pattern()].boxed();
    if wrong == 0 {
        return vec(pattern, 1..3).boxed();
    }
    let pattern = prop_oneof![1000 - wrong => pattern, wrong => wrong_pattern()];
    prop_oneof![60 => vec(pattern, 1..3), 1 => Just(Vec::new())].boxed()
}

fn owned(text: &str) -> String {
    text.to_owned()
}

/// A key, or its display name in some case.
pub fn permission() -> impl Strategy<Value = String> {
    let key = select(&PERMISSIONS[..]).prop_map(owned);
    let name = select(&DISPLAY_NAMES[..]).prop_map(owned);
    prop_oneof![4 => key, 1 => name]
}

pub fn rule(wrong: u32) -> impl Strategy<Value = Rule> {
    (
        option::of("[a-z]{1,4}'? ?[A-Z#:]?"),
        vec(permission(), 1..3),
        option::of(patterns(&WORKFLOWS, wrong)),
        option::of(patterns(&BRANCHES, wrong)),
        option::weighted(0.2, patterns(&BRANCHES, wrong)),
        option::of(patterns(&ENVIRONMENTS, wrong)),
        option::weighted(0.3, vec(select(&EVENTS[..]).prop_map(owned), 1..3)),
        option::weighted(0.2, patterns(&RUNNERS, wrong)),
        option::weighted(0.1, patterns(&["true", "false"], wrong)),
        option::weighted(0.3, 2024..2028_u32),
    )
        .prop_map(
            |(
                name,
                permissions,
                workflow,
                branch,
                base,
                environment,
                events,
                runner,
                protected,
                year,
            )| Rule {
                name,
                permissions,
                workflow,
                branch,
                base,
                environment,
                events,
                // By name, as JSON is written.
                claims: [("ref_protected", protected), ("runner_environment", runner)]
                    .into_iter()
                    .filter_map(|(name, patterns)| Some((owned(name), patterns?)))
                    .collect(),
                expires_after_year: year,
            },
        )
}

pub fn entry(wrong: u32) -> impl Strategy<Value = Entry> {
    (
        patterns(&REPOSITORIES, wrong / 8),
        option::weighted(0.3, 1..4_u64),
        option::weighted(0.2, 10..13_u64),
        option::weighted(0.4, vec(permission(), 1..3)),
        vec(rule(wrong), 0..5),
    )
        .prop_map(
            |(repository, repository_id, owner_id, delegate, permissions)| Entry {
                repository,
                repository_id,
                owner_id,
                delegate: delegate.unwrap_or_default(),
                permissions,
            },
        )
}

pub fn policy(wrong: u32) -> impl Strategy<Value = PlainPolicy> {
    (
        option::of(vec(rule(wrong), 0..6)),
        option::of(vec(entry(wrong), 0..4)),
    )
        .prop_map(|(permissions, repositories)| PlainPolicy {
            permissions,
            repositories,
        })
}

pub fn value(values: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    option::weighted(0.8, select(values).prop_map(owned))
}

/// A base, and the default branch. They do not fit every event: nothing has to rely on that.
pub fn bases() -> impl Strategy<Value = (Base, Option<String>)> {
    let branch = select(&BRANCHES[..]).prop_map(|branch| Base::Branch(owned(branch)));
    let base = prop_oneof![
        4 => Just(Base::None),
        4 => branch,
        1 => Just(Base::Absent),
        1 => Just(Base::Assumed),
    ];
    (base, value(&BRANCHES))
}

pub fn job() -> impl Strategy<Value = Job> {
    (
        select(&REPOSITORIES[..]),
        option::weighted(0.9, 1..4_u64),
        option::weighted(0.9, 10..13_u64),
        value(&WORKFLOWS),
        value(&BRANCHES),
        bases(),
        value(&ENVIRONMENTS),
        prop_oneof![Just("push"), select(&EVENTS[..])],
        value(&RUNNERS),
        2024..2029_u32,
    )
        .prop_map(
            |(repository, id, owner, workflow, branch, bases, environment, event, runner, year)| {
                Job {
                    repository: owned(repository),
                    repository_id: id.map(|id| id.to_string()),
                    owner_id: owner.map(|id| id.to_string()),
                    workflow,
                    branch,
                    base: bases.0,
                    default_branch: bases.1,
                    environment,
                    event: owned(event),
                    claims: runner
                        .map(|runner| (owned("runner_environment"), runner))
                        .into_iter()
                        .collect(),
                    year,
                }
            },
        )
}

pub fn source() -> impl Strategy<Value = Source> {
    let sources = [Source::Own, Source::Other, Source::Given, Source::Offline];
    select(sources.to_vec())
}
