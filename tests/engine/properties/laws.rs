//! The properties.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{RngSeed, TestCaseError, TestRunner};

use super::engines::{Engine, json, mistaken, yaml};
use crate::random::{
    BRANCHES, ENVIRONMENTS, PERMISSIONS, WORKFLOWS, entry, job, patterns, policy, rule, source,
};
use crate::reference::{Base, Entry, Job, Pattern, PlainPolicy, Rule, Source, verdict};

/// What is asked for.
const ASKED: &str = PERMISSIONS[0];

/// Whether it holds for so many random cases: how many of them it said something about, or the case
/// that it fails for, as small as `PROPTEST_MAX_SHRINK_ITERS` asks for. Every run is the same, unless
/// `ENGINE_SEED` asks for another.
fn has_passed<S: Strategy>(
    cases: u32,
    strategy: S,
    law: impl Fn(S::Value) -> Result<bool, String>,
) -> Result<u32, String> {
    let seed = std::env::var("ENGINE_SEED");
    let seed = seed.ok().and_then(|seed| seed.parse().ok());
    let mut config = ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed.unwrap_or(1)),
        ..ProptestConfig::default()
    };
    // An engine that is wrong on purpose fails each time, and nobody reads that.
    if std::env::var_os("PROPTEST_MAX_SHRINK_ITERS").is_none() {
        config.max_shrink_iters = 0;
    }
    let mut runner = TestRunner::new(config);
    let said = std::cell::Cell::new(0);
    let run = runner.run(&strategy, |value| match law(value) {
        Ok(says) => {
            said.set(said.get() + u32::from(says));
            Ok(())
        }
        Err(why) => Err(TestCaseError::fail(why)),
    });
    run.map(|()| said.get()).map_err(|error| error.to_string())
}

/// It holds for the product, in enough cases that say something, and fails for the engine that is
/// wrong on purpose.
fn assert_law(least: u32, law: impl Fn(Engine<'_>) -> Result<u32, String>, wrong: Engine<'_>) {
    match law(&|policy, source, job, asked| {
        // Both syntaxes take turns.
        match policy.rules().len() % 2 {
            0 => yaml(policy, source, job, asked),
            _ => json(policy, source, job, asked),
        }
    }) {
        Ok(said) => assert!(said >= least, "only {said} cases say something"),
        Err(why) => panic!("{why}"),
    }
    assert!(law(wrong).is_err(), "a wrong engine passes");
}

fn allowed(engine: Engine<'_>, policy: &PlainPolicy, source: Source, job: &Job) -> bool {
    engine(policy, source, job, ASKED).decision == "allowed"
}

fn lists(policy: &mut PlainPolicy) -> Vec<&mut Vec<Rule>> {
    let entries = policy.repositories.iter_mut().flatten();
    let entries = entries.map(|entry| &mut entry.permissions);
    policy.permissions.iter_mut().chain(entries).collect()
}

fn all_rules(policy: &mut PlainPolicy) -> impl Iterator<Item = &mut Rule> {
    lists(policy).into_iter().flatten()
}

/// Every list of patterns of a rule.
fn dimensions(rule: &mut Rule) -> impl Iterator<Item = &mut Vec<Pattern>> {
    let named = [
        &mut rule.workflow,
        &mut rule.branch,
        &mut rule.base,
        &mut rule.environment,
    ];
    let claims = rule.claims.iter_mut().map(|(_, patterns)| patterns);
    named.into_iter().flatten().chain(claims)
}

/// A policy for the repository that asks, so that the rules and not the names of repositories decide.
fn own(rules: Vec<Rule>) -> PlainPolicy {
    PlainPolicy {
        permissions: Some(rules),
        repositories: None,
    }
}

fn rule_of_asked() -> impl Strategy<Value = Rule> {
    rule(0).prop_map(|mut rule| {
        rule.permissions.push(ASKED.to_owned());
        rule
    })
}

#[test]
fn adding_a_rule_never_turns_a_grant_into_a_denial() {
    let law = |engine: Engine<'_>| {
        let strategy = (
            policy(0),
            source(),
            vec(job(), 6),
            rule(0),
            any::<(Index, Index)>(),
        );
        has_passed(
            300,
            strategy,
            |(before, source, jobs, rule, (list, place))| {
                let mut after = before.clone();
                let mut lists = lists(&mut after);
                if lists.is_empty() {
                    return Ok(false);
                }
                let list = lists.swap_remove(list.index(lists.len()));
                list.insert(place.index(list.len() + 1), rule);
                let granted = jobs
                    .iter()
                    .filter(|job| allowed(engine, &before, source, job));
                let granted: Vec<_> = granted.collect();
                match granted
                    .iter()
                    .all(|job| allowed(engine, &after, source, job))
                {
                    true => Ok(!granted.is_empty()),
                    false => Err("a rule that forbids".to_owned()),
                }
            },
        )
    };
    // A rule without patterns hides those below it.
    let wrong = mistaken(|policy, _| {
        for list in lists(policy) {
            let hides = |rule: &Rule| rule.branch.is_none() && rule.workflow.is_none();
            let last = list.iter().position(hides).unwrap_or(list.len());
            list.truncate(last);
        }
    });
    assert_law(40, law, &wrong);
}

/// Only which rule is named.
#[test]
fn the_order_of_rules_entries_and_patterns_never_changes_the_decision() {
    let law = |engine: Engine<'_>| {
        let strategy = (policy(8), source(), vec(job(), 4));
        has_passed(150, strategy, |(before, source, jobs)| {
            let mut after = before.clone();
            for list in lists(&mut after) {
                list.reverse();
            }
            for rule in all_rules(&mut after) {
                rule.permissions.reverse();
                dimensions(rule).for_each(|patterns| patterns.reverse());
            }
            if let Some(entries) = &mut after.repositories {
                entries.reverse();
                entries
                    .iter_mut()
                    .for_each(|entry| entry.repository.reverse());
            }
            for job in &jobs {
                let [old, new] = [&before, &after].map(|policy| engine(policy, source, job, ASKED));
                if (old.decision, old.reason) != (new.decision, new.reason) {
                    return Err(format!("{old:?} {new:?}"));
                }
            }
            Ok(before != after)
        })
    };
    // Only the first rule of each list counts.
    let wrong = mistaken(|policy, _| lists(policy).into_iter().for_each(|list| list.truncate(1)));
    assert_law(50, law, &wrong);
}

/// Also where patterns are wrong: an error is no denial.
#[test]
fn removing_a_rule_never_turns_a_denial_into_a_grant() {
    let law = |engine: Engine<'_>| {
        let strategy = (policy(8), source(), vec(job(), 4), any::<(Index, Index)>());
        has_passed(300, strategy, |(before, source, jobs, (list, place))| {
            let mut after = before.clone();
            let mut lists = lists(&mut after);
            lists.retain(|list| !list.is_empty());
            if lists.is_empty() {
                return Ok(false);
            }
            let list = lists.swap_remove(list.index(lists.len()));
            list.remove(place.index(list.len()));
            let mut says = false;
            for job in &jobs {
                let old = engine(&before, source, job, ASKED);
                if old.decision == "denied" {
                    says = true;
                    if allowed(engine, &after, source, job) {
                        return Err("a rule that forbids".to_owned());
                    }
                }
            }
            Ok(says)
        })
    };
    // The last rule of a list has no say.
    let wrong = mistaken(|policy, _| {
        for list in lists(policy) {
            if list.len().is_multiple_of(2) {
                list.clear();
            }
        }
    });
    assert_law(100, law, &wrong);
}

#[test]
fn an_absent_value_matches_only_the_pattern_for_any() {
    let law = |engine: Engine<'_>| {
        let dimension = select(&["workflow", "branch", "base", "environment", "claim"][..]);
        let patterns = (patterns(&BRANCHES, 0), patterns(&ENVIRONMENTS, 0));
        has_passed(
            400,
            (dimension, patterns, job()),
            |(dimension, patterns, mut job)| {
                let list = match dimension {
                    "environment" => patterns.1,
                    _ => patterns.0,
                };
                let any = list.contains(&Pattern::Plain("*".to_owned()));
                let mut rule = Rule {
                    permissions: vec![ASKED.to_owned()],
                    events: Some(vec![job.event.clone()]),
                    ..Rule::default()
                };
                match dimension {
                    "workflow" => (rule.workflow, job.workflow) = (Some(list), None),
                    "branch" => (rule.branch, job.branch) = (Some(list), None),
                    "base" => (rule.base, job.base) = (Some(list), Base::Absent),
                    "environment" => (rule.environment, job.environment) = (Some(list), None),
                    _ => {
                        rule.claims = vec![("runner_environment".to_owned(), list)];
                        job.claims.clear();
                    }
                }
                let is_allowed = allowed(engine, &own(vec![rule]), Source::Own, &job);
                match is_allowed == any {
                    true => Ok(!any),
                    false => Err(format!("{dimension}: {is_allowed}")),
                }
            },
        )
    };
    // An absent value is an empty text.
    let wrong = mistaken(|_, job| {
        job.workflow.get_or_insert_default();
        job.branch.get_or_insert_default();
        if job.base == Base::Absent {
            job.base = Base::Branch(String::new());
        }
        job.environment.get_or_insert_default();
    });
    assert_law(100, law, &wrong);
}

#[test]
fn a_list_of_patterns_is_the_union_of_its_patterns() {
    let law = |engine: Engine<'_>| {
        let strategy = (rule_of_asked(), vec(job(), 6), any::<Index>());
        has_passed(150, strategy, |(mut rule, jobs, which)| {
            // Without `base` a list of branches says which head may go into which base.
            if rule.base.is_none() {
                rule.base.clone_from(&rule.branch);
            }
            let mut lists = rule.clone();
            let count = dimensions(&mut lists).count();
            if count == 0 {
                return Ok(false);
            }
            let which = which.index(count);
            let members = dimensions(&mut lists).nth(which).unwrap().clone();
            let apart: Vec<_> = members
                .into_iter()
                .map(|member| {
                    let mut rule = rule.clone();
                    *dimensions(&mut rule).nth(which).unwrap() = vec![member];
                    rule
                })
                .collect();
            let says = apart.len() > 1;
            let (one, apart) = (own(vec![rule]), own(apart));
            for job in &jobs {
                let [one, apart] =
                    [&one, &apart].map(|policy| allowed(engine, policy, Source::Own, job));
                if one != apart {
                    return Err(format!("together {one}, apart {apart}"));
                }
            }
            Ok(says)
        })
    };
    // Only the first pattern of a list is tried.
    let wrong = mistaken(|policy, _| {
        for rule in all_rules(policy) {
            dimensions(rule).for_each(|list| list.truncate(1));
        }
    });
    assert_law(50, law, &wrong);
}

#[test]
fn a_rule_for_several_permissions_is_a_rule_for_each() {
    let law = |engine: Engine<'_>| {
        let strategy = (policy(8), source(), vec(job(), 4));
        has_passed(100, strategy, |(before, source, jobs)| {
            let mut after = before.clone();
            let mut says = false;
            for list in lists(&mut after) {
                let each = list.drain(..).flat_map(|rule| {
                    says |= rule.permissions.len() > 1;
                    let keys = rule.permissions.clone().into_iter();
                    keys.map(move |permission| Rule {
                        permissions: vec![permission],
                        ..rule.clone()
                    })
                });
                *list = each.collect();
            }
            for (job, asked) in jobs
                .iter()
                .flat_map(|job| PERMISSIONS.map(|key| (job, key)))
            {
                let [old, new] = [&before, &after].map(|policy| engine(policy, source, job, asked));
                if (old.decision, old.reason) != (new.decision, new.reason) {
                    return Err(format!("together {old:?}, apart {new:?}"));
                }
            }
            Ok(says)
        })
    };
    // Only the first permission of a rule counts.
    let wrong =
        mistaken(|policy, _| all_rules(policy).for_each(|rule| rule.permissions.truncate(1)));
    assert_law(40, law, &wrong);
}

#[test]
fn yaml_and_json_decide_alike() {
    let law = |of_json: Engine<'_>| {
        let strategy = (
            policy(12),
            source(),
            vec(job(), 4),
            select(&PERMISSIONS[..]),
        );
        has_passed(150, strategy, |(policy, source, jobs, asked)| {
            for job in &jobs {
                let of_yaml = yaml(&policy, source, job, asked);
                let of_json = of_json(&policy, source, job, asked);
                if of_yaml != of_json {
                    return Err(format!("YAML {of_yaml:?}, JSON {of_json:?}"));
                }
            }
            Ok(true)
        })
    };
    assert_eq!(law(&json), Ok(150));
    // The expiry is not read in JSON.
    let wrong = mistaken(|policy, _| {
        all_rules(policy).for_each(|rule| rule.expires_after_year = None);
    });
    assert!(law(&wrong).is_err());
}

/// What is granted at a time was granted at each time before.
#[test]
fn time_only_takes_grants_away() {
    let law = |engine: Engine<'_>| {
        let expiring = (rule_of_asked(), 2024..2028_u32).prop_map(|(mut rule, year)| {
            rule.expires_after_year = Some(year);
            rule
        });
        let rules = prop_oneof![expiring, rule_of_asked()];
        has_passed(
            120,
            (vec(rules, 1..4), job(), entry(0)),
            |(rules, job, entry)| {
                let policy = PlainPolicy {
                    permissions: Some(rules),
                    repositories: Some(vec![entry]),
                };
                let over_time: Vec<_> = (2023..2030)
                    .map(|year| {
                        let job = Job {
                            year,
                            ..job.clone()
                        };
                        allowed(engine, &policy, Source::Own, &job)
                    })
                    .collect();
                match over_time.is_sorted_by(|before, after| before >= after) {
                    true => Ok(over_time[0] != over_time[6]),
                    false => Err(format!("{over_time:?}")),
                }
            },
        )
    };
    // The rule matches from that day on.
    let wrong = mistaken(|_, job| job.year = 4052 - job.year);
    assert_law(10, law, &wrong);
}

/// The name of a repository matters only through the entries whose `repository:` it matches. So a
/// rename never matters to a repository that is pinned by its id in an entry that takes both names;
/// and one out of the names of the entry takes the entry away, since name *and* pins have to agree.
#[test]
fn a_rename_matters_only_by_the_entries_that_it_matches() {
    const OLD: &str = "acme-org/infra";
    const NEW: &str = "acme-org/platform";
    let both = || {
        let names = ["*", "acme-org/.*", "acme-org/(infra|platform)"];
        let plain = select(names.to_vec()).prop_map(|text| Pattern::Plain(text.to_owned()));
        let globs = select(&["acme-org/*", "**"][..]);
        let globs = globs.prop_map(|text| Pattern::Glob(text.to_owned()));
        vec(prop_oneof![plain, globs], 1..3)
    };
    let one = |name: &'static str| vec(Just(Pattern::Plain(name.to_owned())), 1);
    let named = prop_oneof![4 => both(), 1 => one(OLD), 1 => one(NEW), 1 => one("other/infra")];
    let entry = (entry(0), named, prop::bool::weighted(0.6), rule_of_asked()).prop_map(
        |(mut entry, repository, pinned, rule)| {
            entry.repository = repository;
            entry.repository_id = pinned.then_some(2);
            entry.permissions.push(rule);
            entry
        },
    );
    let entries = vec(entry, 1..4).boxed();
    let matches = |entry: &Entry, name: &str| {
        let mut patterns = entry.repository.iter();
        patterns.any(|pattern| verdict(pattern, Some(name), true) == Some(true))
    };
    let law = |engine: Engine<'_>| {
        let strategy = (entries.clone(), source(), job());
        has_passed(400, strategy, |(entries, source, job)| {
            let which =
                |name| -> Vec<bool> { entries.iter().map(|entry| matches(entry, name)).collect() };
            let policy = PlainPolicy {
                permissions: None,
                repositories: Some(entries.clone()),
            };
            let [old, new] = [OLD, NEW].map(|name| {
                let job = Job {
                    repository: name.to_owned(),
                    ..job.clone()
                };
                engine(&policy, source, &job, ASKED)
            });
            if !which(NEW).contains(&true) {
                return match new.reason {
                    "repository_not_found" => Ok(false),
                    reason => Err(reason.to_owned()),
                };
            }
            if which(OLD) != which(NEW) {
                return Ok(false);
            }
            match (old.decision, old.reason) == (new.decision, new.reason) {
                true => Ok(old.decision == "allowed"),
                false => Err(format!("{old:?} {new:?}")),
            }
        })
    };
    // A pin holds for the first name only.
    let wrong = mistaken(|_, job| {
        if job.repository == NEW {
            job.repository_id = None;
        }
    });
    assert_law(25, law, &wrong);
}

/// But for the case of ASCII letters where case is ignored.
#[test]
fn a_literal_never_matches_two_values() {
    let values = BRANCHES.iter().chain(&ENVIRONMENTS).chain(&WORKFLOWS);
    let values: Vec<&str> = values.copied().collect();
    let law = |engine: Engine<'_>| {
        let pair = (select(values.clone()), select(values.clone()));
        let near = select(values.clone()).prop_flat_map(|value| {
            let others = [
                value.to_uppercase(),
                format!("{value}x"),
                value.replacen('.', "x", 1),
            ];
            (Just(value), select(others.to_vec()))
        });
        let pair = prop_oneof![
            pair.prop_map(|(one, other)| (one.to_owned(), other.to_owned())),
            near.prop_map(|(one, other)| (one.to_owned(), other)),
        ];
        let dimension = select(&["workflow", "branch", "base", "environment"][..]);
        has_passed(
            500,
            (pair, dimension, job(), any::<bool>()),
            |((one, other), dimension, job, exact)| {
                let pattern = match exact {
                    true => Pattern::Exact(one.clone()),
                    false => Pattern::Plain(one.clone()),
                };
                let matched = [&one, &other].map(|value| {
                    let mut rule = Rule {
                        permissions: vec![ASKED.to_owned()],
                        events: Some(vec![job.event.clone()]),
                        ..Rule::default()
                    };
                    let mut job = Job {
                        base: Base::None,
                        ..job.clone()
                    };
                    let patterns = match dimension {
                        "workflow" => {
                            job.workflow = Some(value.clone());
                            &mut rule.workflow
                        }
                        "branch" => {
                            job.branch = Some(value.clone());
                            &mut rule.branch
                        }
                        "base" => {
                            job.base = Base::Branch(value.clone());
                            &mut rule.base
                        }
                        _ => {
                            job.environment = Some(value.clone());
                            &mut rule.environment
                        }
                    };
                    *patterns = Some(vec![pattern.clone()]);
                    allowed(engine, &own(vec![rule]), Source::Own, &job)
                });
                let same = match dimension {
                    "environment" if other.is_ascii() => one.eq_ignore_ascii_case(&other),
                    _ => one == other,
                };
                match matched == [true, same] {
                    true => Ok(!same),
                    false => Err(format!("{dimension}: {one} {other} {matched:?}")),
                }
            },
        )
    };
    // Case is ignored everywhere.
    let wrong = mistaken(|policy, job| {
        for text in [&mut job.workflow, &mut job.branch].into_iter().flatten() {
            text.make_ascii_lowercase();
        }
        if let Base::Branch(branch) = &mut job.base {
            branch.make_ascii_lowercase();
        }
        for rule in all_rules(policy) {
            for pattern in dimensions(rule).flatten() {
                if let Pattern::Plain(text) | Pattern::Exact(text) = pattern {
                    text.make_ascii_lowercase();
                }
            }
        }
    });
    assert_law(200, law, &wrong);
}

/// A job of a pull request, often of one between two branches of the same name.
fn pull_request() -> impl Strategy<Value = Job> {
    let event = select(&["pull_request", "pull_request_review", "pull_request_target"][..]);
    let base = prop_oneof![9 => select(&BRANCHES[..]).prop_map(Some), 1 => Just(None)];
    let likeness = (prop::bool::weighted(0.4), prop::bool::weighted(0.4));
    (job(), event, base, likeness).prop_map(|(mut job, event, base, (as_head, as_default))| {
        job.event = event.to_owned();
        job.base = base.map_or(Base::Absent, |base| Base::Branch(base.to_owned()));
        if as_head && base.is_some() {
            job.branch = base.map(str::to_owned);
        }
        if as_default {
            job.default_branch = base.map(str::to_owned);
        }
        job
    })
}

/// The policy with one of its rules, which pushes match as well.
fn only(policy: &PlainPolicy, number: usize) -> PlainPolicy {
    let mut policy = policy.clone();
    let mut counter = 0..;
    for list in lists(&mut policy) {
        list.retain(|_| counter.next() == Some(number));
        for events in list.iter_mut().filter_map(|rule| rule.events.as_mut()) {
            events.push("push".to_owned());
        }
    }
    policy
}

/// A pull request runs the merge of its head and its base. It is granted only if, for the same rule, a push
/// to its head would be, and a push to its base would be, or the rule's `base` names that, or the rule
/// stands in the own policy and it is the default branch.
#[test]
fn a_pull_request_is_granted_only_what_its_head_and_its_base_are() {
    let policies = (
        vec(rule_of_asked(), 0..4),
        proptest::option::of(vec(entry(0), 1..3)),
    );
    let policies = policies.prop_map(|(rules, repositories)| PlainPolicy {
        permissions: Some(rules),
        repositories,
    });
    let policies = policies.boxed();
    let law = |engine: Engine<'_>| {
        let strategy = (policies.clone(), source(), vec(pull_request(), 6));
        has_passed(400, strategy, |(policy, source, jobs)| {
            let mut says = false;
            for job in &jobs {
                let outcome = engine(&policy, source, job, ASKED);
                let Some(granting) = outcome.granting else {
                    continue;
                };
                says = true;
                let base = match &job.base {
                    Base::Branch(branch) => Some(branch.clone()),
                    _ => None,
                };
                let (rule, entry) = policy.rules()[granting];
                let only = only(&policy, granting);
                let push = |branch: &Option<String>| {
                    let job = Job {
                        event: "push".to_owned(),
                        branch: branch.clone(),
                        base: Base::None,
                        ..job.clone()
                    };
                    allowed(engine, &only, source, &job)
                };
                let is_own = entry.is_none() && matches!(source, Source::Own | Source::Offline);
                let trusts_base = match &rule.base {
                    Some(patterns) => patterns
                        .iter()
                        .any(|one| verdict(one, base.as_deref(), false) == Some(true)),
                    None => push(&base) || (is_own && base.is_some() && base == job.default_branch),
                };
                if !push(&job.branch) || !trusts_base {
                    return Err(format!("{granting} for {job:?}"));
                }
            }
            Ok(says)
        })
    };
    // The base is not looked at.
    let ignored = mistaken(|_, job| job.base = Base::None);
    assert_law(60, law, &ignored);
    // Every policy trusts the default branch.
    let everywhere = mistaken(|_, job| {
        if matches!(&job.base, Base::Branch(base) if Some(base) == job.default_branch.as_ref()) {
            job.base = Base::None;
        }
    });
    assert!(law(&everywhere).is_err());
    // A rule whose branch matches the base needs no `base` that does.
    let either = mistaken(|policy, _| {
        for rule in all_rules(policy) {
            let branch = rule.branch.clone().into_iter().flatten();
            if let Some(base) = &mut rule.base {
                base.extend(branch);
            }
        }
    });
    assert!(law(&either).is_err());
    // A base that the token does not name is any.
    let absent = mistaken(|_, job| {
        if job.base == Base::Absent {
            job.base = Base::Assumed;
        }
    });
    assert!(law(&absent).is_err());
    // What is trusted as a base is trusted as a head.
    let head = mistaken(|policy, job| {
        let merges = job.base != Base::None;
        for rule in all_rules(policy).filter(|_| merges) {
            if let (Some(branch), Some(base)) = (&mut rule.branch, &rule.base) {
                branch.extend(base.clone());
            }
        }
    });
    assert!(law(&head).is_err());
}
