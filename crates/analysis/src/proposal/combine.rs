//! Puts rules together without making them wider.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::rule::{Filter, ProposedRule};

/// A key of a rule whose values can be joined. Two rules that differ in one key only grant together what
/// one rule with both values grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Branches,
    Bases,
    Environments,
    Permissions,
    Events,
    Workflows,
}

/// The order decides which rules a reader gets: one for all branches before one for all permissions.
const ORDER: [Key; 6] = [
    Key::Branches,
    Key::Bases,
    Key::Environments,
    Key::Permissions,
    Key::Events,
    Key::Workflows,
];

/// Joins rules that differ in one key only, as long as there are any.
pub(super) fn combine(rules: Vec<ProposedRule>) -> Vec<ProposedRule> {
    let mut rules = without_covered(rules);
    loop {
        let before = rules.len();
        for key in ORDER {
            rules = joined(rules, key);
        }
        if rules.len() == before {
            break;
        }
    }
    for rule in &mut rules {
        let globs: Vec<_> = rule
            .branches
            .iter()
            .filter(|filter| !matches!(filter, Filter::Exact(_)))
            .cloned()
            .collect();
        let is_covered = |filter: &Filter| matches!(filter, Filter::Exact(name) if globs.iter().any(|glob| glob.matches(name)));
        rule.branches.retain(|filter| !is_covered(filter));
    }
    rules
}

/// Removes the rules for an environment where another grants the same in any.
fn without_covered(rules: Vec<ProposedRule>) -> Vec<ProposedRule> {
    let mut covering: HashMap<u64, Vec<usize>> = HashMap::new();
    for (index, rule) in rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| rule.environments.is_empty())
    {
        covering
            .entry(digest(rule, Key::Environments))
            .or_default()
            .push(index);
    }
    let is_covered = |rule: &ProposedRule| {
        let same = covering.get(&digest(rule, Key::Environments));
        let mut same = same
            .into_iter()
            .flatten()
            .filter_map(|index| rules.get(*index));
        let any = ProposedRule {
            environments: Vec::new(),
            ..rule.clone()
        };
        same.any(|other| is_same(&any, other, Key::Environments))
    };
    let keeps: Vec<_> = rules
        .iter()
        .map(|rule| rule.environments.is_empty() || !is_covered(rule))
        .collect();
    rules
        .into_iter()
        .zip(keeps)
        .filter_map(|(rule, keeps)| keeps.then_some(rule))
        .collect()
}

fn joined(rules: Vec<ProposedRule>, key: Key) -> Vec<ProposedRule> {
    let mut all: Vec<ProposedRule> = Vec::new();
    let mut known: HashMap<u64, Vec<usize>> = HashMap::new();
    for rule in rules {
        let same = known.entry(digest(&rule, key)).or_default();
        let index = same.iter().find(|index| {
            all.get(**index)
                .is_some_and(|other| is_same(&rule, other, key))
        });
        match index.and_then(|index| all.get_mut(*index)) {
            Some(other) => other.join(rule),
            None => {
                same.push(all.len());
                all.push(rule);
            }
        }
    }
    all
}

impl ProposedRule {
    /// Adds the values of a rule that differs in one key only.
    fn join(&mut self, other: Self) {
        add(&mut self.branches, other.branches);
        add(&mut self.bases, other.bases);
        add(&mut self.permissions, other.permissions);
        add(&mut self.events, other.events);
        add(&mut self.workflows, other.workflows);
        add(&mut self.remarks, other.remarks);
        add(&mut self.evidence, other.evidence);
        for name in other.environments {
            // GitHub ignores the case of environments.
            if !self
                .environments
                .iter()
                .any(|known| known.eq_ignore_ascii_case(&name))
            {
                self.environments.push(name);
            }
        }
    }
}

fn add<T: PartialEq>(known: &mut Vec<T>, values: Vec<T>) {
    for value in values {
        if !known.contains(&value) {
            known.push(value);
        }
    }
}

/// Whether two rules have the same values for every key but this one. No environment means any of them, and no
/// base that the event has none: these do not join with others.
fn is_same(one: &ProposedRule, other: &ProposedRule, but: Key) -> bool {
    let is = |key: Key, same: bool| key == but || same;
    let joins = match but {
        // A reader expects tags in a rule of their own.
        Key::Branches => one.is_for_tags() == other.is_for_tags(),
        Key::Bases => one.bases.is_empty() == other.bases.is_empty(),
        Key::Environments => one.environments.is_empty() == other.environments.is_empty(),
        _ => true,
    };
    joins
        && is(Key::Branches, one.branches == other.branches)
        && is(Key::Bases, one.bases == other.bases)
        && is(
            Key::Environments,
            same_names(&one.environments, &other.environments),
        )
        && is(Key::Permissions, one.permissions == other.permissions)
        && is(Key::Events, one.events == other.events)
        && is(Key::Workflows, one.workflows == other.workflows)
}

fn same_names(one: &[String], other: &[String]) -> bool {
    let mut pairs = one.iter().zip(other);
    one.len() == other.len() && pairs.all(|(one, other)| one.eq_ignore_ascii_case(other))
}

/// Returns a number that two rules share if they have the same values for every key but this one.
fn digest(rule: &ProposedRule, but: Key) -> u64 {
    let mut hasher = DefaultHasher::new();
    for key in ORDER.into_iter().filter(|key| *key != but) {
        match key {
            Key::Branches => rule.branches.hash(&mut hasher),
            Key::Bases => rule.bases.hash(&mut hasher),
            Key::Environments => {
                let names = rule
                    .environments
                    .iter()
                    .map(|name| name.to_ascii_lowercase());
                names.collect::<Vec<_>>().hash(&mut hasher);
            }
            Key::Permissions => rule.permissions.hash(&mut hasher),
            Key::Events => rule.events.hash(&mut hasher),
            Key::Workflows => rule.workflows.hash(&mut hasher),
        }
    }
    hasher.finish()
}
