//! The way of a check, step by step, up to the one that stopped it.

use super::policy::Wrong;
use super::question::Question;
use super::{Check, Policy, installation};
use analysis::report::context_rows;
use engine::context::Base;
use engine::decision::{Decision, Installation, PermissionDecision};
use engine::plural::count;
use engine::policy::{nearest, quoted};

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Passed,
    /// It stopped the check.
    Failed,
    /// It was not done, or the check did not come so far.
    Skipped,
}

impl End {
    fn of(has_passed: bool) -> Self {
        match has_passed {
            true => Self::Passed,
            false => Self::Failed,
        }
    }
}

/// One step with what it found.
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) end: End,
    /// In a few words; several only where there are several permissions or entries.
    pub(super) facts: Vec<String>,
}

fn step(name: &'static str, end: End, facts: Vec<String>) -> Step {
    Step { name, end, facts }
}

/// The most keys that a fact lists.
const MAX_KEYS: usize = 5;

/// The steps of an action's check; what has to be verified in a job is not done here.
pub(super) fn steps(check: &Check<'_>) -> Vec<Step> {
    let Some(question) = check.question else {
        return Vec::new();
    };
    let token = "not verified here: the context is what you give, and nothing is granted";
    let token = step("token", End::Skipped, vec![token.to_owned()]);
    let context = step("context", End::Passed, vec![context(question)]);
    let mut steps = vec![token, context, policy(check)];
    let document = check.policy.document;
    let installation = document.and_then(|document| question.installation(document).ok());
    match (document, &installation) {
        (None, _) => {}
        (Some(_), None) => {
            let fact = "the pattern of an entry is not valid, shown below";
            steps.push(step("installation", End::Failed, vec![fact.to_owned()]));
        }
        (Some(document), Some(installation)) => {
            let facts = installation::facts(document, installation, &question.context);
            let is_there = installation.rules().is_ok();
            steps.push(step("installation", End::of(is_there), facts));
            if is_there {
                steps.push(rules(check, installation));
            }
        }
    }
    let missed = ["installation", "rules"].into_iter().skip(steps.len() - 3);
    steps.extend(missed.map(|name| step(name, End::Skipped, vec!["not reached".to_owned()])));
    let outcome = &check.outcome;
    let fact = format!("{}, {}", outcome.decision.as_str(), outcome.status);
    let is_allowed = outcome.decision == Decision::Allowed;
    steps.push(step("decision", End::of(is_allowed), vec![fact]));
    steps
}

/// Which values there are; they stand above.
fn context(question: &Question) -> String {
    let context = &question.context;
    let is_assumed = context.base == Base::Assumed;
    let base = match is_assumed {
        true => "; no base is given, so it is taken to be trusted: `--base BRANCH` gives one",
        false if question.base_is_ignored => "; `--base` is ignored: the event merges nothing",
        false => "",
    };
    let list = |is_there: bool| {
        let rows = context_rows(context).into_iter();
        let rows = rows.filter(|(name, _)| !(is_assumed && *name == "Base"));
        let names = rows.filter(|(_, value)| value.is_some() == is_there);
        let names: Vec<_> = names.map(|(name, _)| name.to_lowercase()).collect();
        names.join(", ")
    };
    let values = match (list(true), list(false)) {
        (given, absent) if given.is_empty() => format!("nothing is given: no {absent}"),
        (given, absent) if absent.is_empty() => given,
        (given, absent) => format!("{given}; no {absent}"),
    };
    values + base
}

fn policy(check: &Check<'_>) -> Step {
    let mut facts = vec![of_policy(check, &check.policy)];
    facts.extend(
        check
            .own
            .iter()
            .map(|own| format!("own: {}", of_policy(check, own))),
    );
    // The own policy is asked for what the other one denies: what is wrong with it is told there.
    step("policy", End::of(check.policy.document.is_some()), facts)
}

fn of_policy(check: &Check<'_>, policy: &Policy<'_>) -> String {
    let name = quoted(&policy.file.name);
    let Ok(text) = &policy.file.text else {
        return format!("{name} cannot be read");
    };
    let hash: String = analysis::sha256(text.as_bytes()).chars().take(16).collect();
    let file = format!("{name}, sha256 {hash}…");
    match (policy.document, check.problems(policy.file)) {
        (Some(document), _) => {
            let rules = count(document.rules().count(), "rule");
            format!("{file}: valid, {rules}")
        }
        (None, 0) => format!("{file}: not valid"),
        (None, problems) => format!("{file}: {}, shown below", count(problems, "problem")),
    }
}

fn rules(check: &Check<'_>, installation: &Installation<'_>) -> Step {
    let end = End::of(check.outcome.decision == Decision::Allowed);
    if let Some(wrong) = &check.wrong {
        let fact = match wrong {
            Wrong::Policy(name, _) if *name != check.policy.file.name => {
                "the own policy is needed, and is not valid: shown below".to_owned()
            }
            Wrong::Failure(_) => "the own policy is needed, and cannot be read".to_owned(),
            Wrong::Policy(..) => match check.problems(check.policy.file) {
                1 => "a pattern that has to be tried is not valid, shown below".to_owned(),
                number => format!(
                    "{} that have to be tried are not valid, shown below",
                    count(number, "pattern")
                ),
            },
        };
        return step("rules", end, vec![fact]);
    }
    let permissions = check.outcome.permissions.iter();
    let facts = permissions.flat_map(|one| of_permission(one, installation, check));
    step("rules", end, facts.collect())
}

fn of_permission(
    permission: &PermissionDecision<'_>,
    installation: &Installation<'_>,
    check: &Check<'_>,
) -> Vec<String> {
    let key = quoted(&permission.permission);
    let of = |own_policy: bool| {
        let rules = permission.trace.iter();
        let rules: Vec<_> = rules
            .filter(|rule| rule.rule.own_policy == own_policy)
            .collect();
        let matched = rules.iter().filter(|rule| rule.matched).count();
        match (rules.len(), matched) {
            (0, _) => format!("no rule names {key}"),
            (1, 0) => format!("1 rule names {key}, and does not match"),
            (1, _) => format!("1 rule names {key}, and matches"),
            (names, 0) => format!("{names} rules name {key}, none matches"),
            (names, 1) => format!("{names} rules name {key}, 1 matches"),
            (names, _) => format!("{names} rules name {key}, {matched} match"),
        }
    };
    let is_granted = permission
        .rule
        .as_ref()
        .is_some_and(|rule| !rule.own_policy);
    let mut facts = vec![of(false)];
    if permission.trace.is_empty() && !permission.delegated {
        let known = known_keys(&permission.permission, installation);
        facts = vec![format!("{}{known}", of(false))];
    }
    if permission.delegated && !is_granted {
        facts.push(match check.own {
            Some(_) => format!("left to the own policy as well: {}", of(true)),
            None => "left to the repository's own policy as well: `--own-policy FILE`".to_owned(),
        });
    }
    facts
}

/// The key that was probably meant, else those that there are.
fn known_keys(asked: &str, installation: &Installation<'_>) -> String {
    let rules = installation.rules().unwrap_or_default();
    let mut keys: Vec<_> = rules
        .iter()
        .flat_map(|rule| rule.permissions.iter().map(|key| key.as_str()))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    match (nearest(asked, keys.iter().copied()), keys.as_slice()) {
        (Some(key), _) => format!(": did you mean `{key}`?"),
        (None, []) => String::new(),
        (None, keys) => {
            let more = if keys.len() > MAX_KEYS { ", …" } else { "" };
            let keys: Vec<_> = keys.iter().take(MAX_KEYS).map(|key| quoted(key)).collect();
            format!(", the policy has {}{more}", keys.join(", "))
        }
    }
}
