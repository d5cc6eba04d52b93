//! Policies with many similar rules: the comparison and the engine agree.

use proptest::prelude::*;

use super::decision_tests::{Differing, KEYS, check, decisions, runner};
use super::*;
use engine::policy::Format;

/// Number of pairs of policies.
const PAIRS: usize = 8;
/// Jobs of each pair.
const JOBS: usize = 60;
const EVENTS: [&str; 4] = ["push", "pull_request", "workflow_dispatch", "workflow_run"];
const REPOSITORIES: [&str; 5] = [
    "acme/infra",
    "ACME/infra",
    "{ glob: 'acme/*' }",
    "'*'",
    "'acme/(infra|apps)'",
];

/// Random choices, the same for the same number.
struct Dice(u64);

impl Dice {
    /// A number below another one (SplitMix64).
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % count as u64).unwrap()
    }

    fn is_one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[self.below(all.len())]
    }
}

/// A rule, as in a policy that a tool has written for a repository with many workflow files.
#[derive(Clone, Debug)]
struct Made {
    /// The entry; 0 stands for the rules at the top.
    entry: usize,
    file: usize,
    fields: Vec<(&'static str, String)>,
}

impl Made {
    fn new(dice: &mut Dice, file: usize) -> Self {
        let mut made = Self {
            entry: dice.below(4),
            file,
            fields: Vec::new(),
        };
        let keys = [KEYS[0], KEYS[1], "[a:b, a:c]"];
        made.set("permission", dice.pick(&keys).to_string());
        for name in ["workflow", "branch", "events"] {
            made.vary(name, dice);
        }
        for (name, odds) in [
            ("environment", 2),
            ("base", 4),
            ("claims", 8),
            ("expires", 8),
        ] {
            if dice.is_one_in(odds) {
                made.vary(name, dice);
            }
        }
        made
    }

    fn set(&mut self, name: &'static str, value: String) {
        self.fields.retain(|(known, _)| *known != name);
        self.fields.push((name, value));
    }

    /// Gives a field another value, or removes it.
    fn vary(&mut self, name: &'static str, dice: &mut Dice) {
        let (file, team) = (self.file, self.file % 7);
        let values = match name {
            "workflow" => vec![
                format!("deploy-{file}.yml"),
                format!("deploy-{file}.yml"),
                format!("[deploy-{file}.yml, deploy-{}.yml]", file + 1),
                format!("{{ glob: 'deploy-{file}*.yml' }}"),
                format!("'deploy-({file}|{}0).yml'", file % 10),
                "'*'".to_owned(),
            ],
            "branch" => vec![
                "main".to_owned(),
                "[main, { glob: 'release/**' }]".to_owned(),
                "[main, { glob: 'release/**' }, dev]".to_owned(),
                format!("{{ glob: 'team-{team}/**' }}"),
                format!("[main, 'team-{team}/.*']"),
                format!("'(team-{team}|release)/[0-9]+'"),
            ],
            "base" => vec![
                "main".to_owned(),
                "[main, dev]".to_owned(),
                "'*'".to_owned(),
            ],
            "environment" => vec![
                "prod".to_owned(),
                format!("prod-{team}"),
                format!("PROD-{team}"),
                "'prod-.*'".to_owned(),
                format!("[prod, stage-{team}]"),
            ],
            "events" => vec![
                "[push]".to_owned(),
                "[push, workflow_dispatch]".to_owned(),
                "[pull_request]".to_owned(),
                "[push, pull_request, workflow_run]".to_owned(),
            ],
            "claims" => vec![
                format!("{{ c: team-{team} }}"),
                "{ c: 'team-.*' }".to_owned(),
            ],
            _ => vec!["2026-12-31".to_owned(), "2026-01-01".to_owned()],
        };
        match dice.is_one_in(10) {
            true => self.fields.retain(|(known, _)| *known != name),
            false => self.set(name, dice.pick(&values).clone()),
        }
    }
}

fn policy(rules: &[Made], repositories: &[&str]) -> String {
    let list = |entry: usize| {
        let rules = rules.iter().filter(move |rule| rule.entry == entry);
        let rules = rules.map(|rule| {
            let fields = rule.fields.iter();
            let fields: Vec<_> = fields
                .map(|(name, value)| format!("{name}: {value}"))
                .collect();
            format!("{{ {} }}", fields.join(", "))
        });
        let rules: Vec<_> = rules.collect();
        format!("[{}]", rules.join(",\n  "))
    };
    let entries = (1..).zip(repositories).map(|(entry, repository)| {
        format!(
            "  - {{ repository: {repository}, permissions: {} }}\n",
            list(entry)
        )
    });
    format!(
        "version: 1\npermissions: {}\nrepositories:\n{}",
        list(0),
        entries.collect::<String>()
    )
}

/// A job near the rules.
fn job(dice: &mut Dice, files: usize) -> Example {
    let file = dice.below(files);
    let team = file % 7;
    let some = |dice: &mut Dice, values: &[String]| {
        let is_absent = dice.is_one_in(8);
        let value = dice.pick(values).clone();
        (!is_absent).then_some(value)
    };
    let owned = |texts: &[&str]| {
        texts
            .iter()
            .map(|text| text.to_string())
            .collect::<Vec<_>>()
    };
    let mut branches = owned(&["main", "main", "dev", "release/1"]);
    branches.extend([format!("team-{team}/1"), format!("team-{team}/x/y")]);
    let mut environments = owned(&["prod", "Prod"]);
    environments.extend([format!("prod-{team}"), format!("stage-{team}")]);
    let workflows = [
        format!("deploy-{file}.yml"),
        format!("deploy-{file}.yml"),
        format!("deploy-{file}0.yml"),
    ];
    let event = (*dice.pick(&EVENTS)).to_owned();
    let base = (event == "pull_request")
        .then(|| some(dice, &owned(&["main", "dev", "release/1"])))
        .flatten();
    let is_default = dice.is_one_in(2);
    let claim = some(dice, &[format!("team-{team}"), "team-x".to_owned()]);
    let times = owned(&["2026-12-31T12:00:00Z", "2027-01-01T00:00:00Z"]);
    Example {
        own: dice.is_one_in(2),
        repository: some(dice, &owned(&["acme/infra", "acme/apps", "other/name"])),
        workflow: some(dice, &workflows),
        branch: some(dice, &branches),
        environment: some(dice, &environments),
        default_branch: base.clone().filter(|_| is_default),
        without: match event == "pull_request" && base.is_none() {
            true => owned(&["base"]),
            false => Vec::new(),
        },
        base,
        event: Some(event),
        claims: claim
            .into_iter()
            .map(|claim| ("c".to_owned(), claim))
            .collect(),
        time: dice.is_one_in(4).then(|| dice.pick(&times).clone()),
        ..Example::default()
    }
}

/// Changes some of the rules: a field, the place, or all.
fn changed(rules: &[Made], odds: usize, dice: &mut Dice) -> Vec<Made> {
    let mut changed = rules.to_vec();
    for at in 0..changed.len() {
        if !dice.is_one_in(odds) {
            continue;
        }
        let other = dice.below(changed.len());
        match dice.below(6) {
            0 => changed[at] = Made::new(dice, rules[at].file),
            1 => changed[at].entry = dice.below(4),
            2 => changed.swap(at, other),
            _ => {
                let fields = [
                    "workflow",
                    "branch",
                    "environment",
                    "events",
                    "base",
                    "expires",
                ];
                let name = *dice.pick(&fields);
                changed[at].vary(name, dice);
            }
        }
    }
    changed
}

#[test]
#[expect(clippy::print_stdout, reason = "a long run says how long it was")]
fn a_change_among_many_rules_is_reported_exactly() {
    let pairs = decisions(PAIRS);
    let differing = std::cell::RefCell::new(Differing::default());
    let run = runner(pairs).run(&(100..=300_usize, any::<u64>()), |(count, seed)| {
        let mut dice = Dice(seed);
        let rules: Vec<_> = (0..count).map(|file| Made::new(&mut dice, file)).collect();
        let repositories: Vec<_> = (0..3).map(|_| *dice.pick(&REPOSITORIES)).collect();
        let odds = *dice.pick(&[1, 4, 50]);
        let new = changed(&rules, odds, &mut dice);
        let jobs: Vec<_> = (0..JOBS).map(|_| job(&mut dice, count)).collect();
        let policies = [&rules, &new].map(|rules| policy(rules, &repositories));
        check(
            &policies[0],
            &policies[1],
            &jobs,
            &mut differing.borrow_mut(),
        )
    });
    run.unwrap_or_else(|error| panic!("{error}"));
    let Differing { all, by_base } = differing.into_inner();
    println!("{pairs} pairs with 100 to 300 rules: {all} decisions change, {by_base} by the base");
    assert!(all > pairs && by_base > 0);
}

/// Another way to write the same rules.
fn rewritten(rules: &[Made], dice: &mut Dice) -> Vec<Made> {
    let mut rewritten = Vec::new();
    for rule in rules {
        let mut rule = rule.clone();
        for (name, value) in &mut rule.fields {
            let is_literal = value
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            if ["branch", "environment"].contains(name) && is_literal && dice.is_one_in(2) {
                *value = match dice.below(4) {
                    0 => format!("'^{value}$'"),
                    1 => format!("{{ exact: {value} }}"),
                    2 => format!("{{ glob: {value} }}"),
                    _ => format!("['({value}|{value})', {value}]"),
                };
            }
        }
        // A list of events is a rule for each of them.
        let events = rule.fields.iter().find(|(name, _)| *name == "events");
        let events = events.map(|(_, events)| events.trim_matches(['[', ']']).to_owned());
        match events.filter(|_| dice.is_one_in(2)) {
            None => rewritten.push(rule),
            Some(events) => rewritten.extend(events.split(", ").map(|event| {
                let mut rule = rule.clone();
                rule.set("events", format!("[{event}]"));
                rule
            })),
        }
    }
    for at in 0..rewritten.len() {
        let other = dice.below(rewritten.len());
        rewritten.swap(at, other);
    }
    rewritten
}

#[test]
fn many_rules_in_other_words_are_the_same() {
    let pairs = decisions(PAIRS);
    let run = runner(pairs).run(&(100..=300_usize, any::<u64>()), |(count, seed)| {
        let mut dice = Dice(seed);
        let rules: Vec<_> = (0..count).map(|file| Made::new(&mut dice, file)).collect();
        let repositories: Vec<_> = (0..3).map(|_| *dice.pick(&REPOSITORIES)).collect();
        let policies = [rules.clone(), rewritten(&rules, &mut dice)]
            .map(|rules| policy(&rules, &repositories))
            .map(|text| Policy::parse(&text, Format::Yaml).unwrap());
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        let comparison = compare(&policies[0], &policies[1], now).unwrap();
        let changes = comparison.added.iter().chain(&comparison.removed);
        let sentences: Vec<_> = changes
            .map(|change| change.sentence(true).plain())
            .collect();
        prop_assert!(comparison.is_same(), "{}", sentences.join("\n"));
        Ok(())
    });
    run.unwrap_or_else(|error| panic!("{error}"));
}
