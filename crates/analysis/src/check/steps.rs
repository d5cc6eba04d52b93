//! The steps of a check, up to the one that stopped it.

use super::policy::{CheckError, GivenPolicy};
use super::repository;
use super::result::CheckResult;
use super::scenario::Scenario;
use crate::report::context_rows;
use engine::context::Base;
use engine::decision::{Decision, PermissionDecision, Provenance, RepositoryRules};
use engine::plural::count;
use engine::policy::{nearest, quoted};

/// Result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The step found nothing against the check.
    Passed,
    /// The step stopped the check.
    Failed,
    /// The step was not run, or the check ended before it.
    Skipped,
}

impl Status {
    fn of(has_passed: bool) -> Self {
        match has_passed {
            true => Self::Passed,
            false => Self::Failed,
        }
    }
}

/// A step and its findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// `token`, `context`, `policy`, `repository`, `rules` or `decision`.
    pub name: &'static str,
    /// Result.
    pub status: Status,
    /// Short sentences, one for each permission or entry.
    pub facts: Vec<String>,
}

fn step(name: &'static str, status: Status, facts: Vec<String>) -> Step {
    Step {
        name,
        status,
        facts,
    }
}

/// Maximum number of keys in a list.
const MAX_KEYS: usize = 5;

/// Returns the steps that the action takes. The step that verifies the token is skipped.
pub fn steps(check: &CheckResult<'_>) -> Vec<Step> {
    let Some(scenario) = check.scenario else {
        return Vec::new();
    };
    let token = "not verified here: you describe the context, and nothing is granted";
    let token = step("token", Status::Skipped, vec![token.to_owned()]);
    let context = step("context", Status::Passed, vec![context(scenario)]);
    let mut steps = vec![token, context, policy(check)];
    let parsed = check.policy.policy();
    let repository_rules = scenario.repository_rules(check.policy);
    match (parsed, &repository_rules) {
        (None, _) => {}
        (Some(_), None) => {
            let fact = match check.policy.repository.name() {
                Some(own) if scenario.provenance(check.policy) == Provenance::OtherRepository => {
                    format!(
                        "the policy is not valid as that of {}, shown below",
                        quoted(own)
                    )
                }
                _ => "the pattern of an entry is not valid, shown below".to_owned(),
            };
            steps.push(step("repository", Status::Failed, vec![fact]));
        }
        (Some(parsed), Some(repository_rules)) => {
            let facts = repository::facts(check.policy, parsed, repository_rules, scenario);
            let is_there = repository_rules.rules().is_ok();
            steps.push(step("repository", Status::of(is_there), facts));
            if is_there {
                steps.push(rules(check, repository_rules));
            }
        }
    }
    let missed = ["repository", "rules"].into_iter().skip(steps.len() - 3);
    steps.extend(missed.map(|name| step(name, Status::Skipped, vec!["not reached".to_owned()])));
    let outcome = &check.outcome;
    let fact = format!("{}, {}", outcome.decision.as_str(), outcome.status);
    let is_allowed = outcome.decision == Decision::Allowed;
    steps.push(step("decision", Status::of(is_allowed), vec![fact]));
    steps
}

/// Lists the known values, which the output shows above the steps.
fn context(scenario: &Scenario) -> String {
    let context = &scenario.context;
    let is_assumed = context.base == Base::Assumed;
    let inputs = scenario.inputs;
    let base = match is_assumed {
        true => format!(
            "; the base is assumed to be trusted: set it with {}",
            inputs.name("base", "BRANCH")
        ),
        false if scenario.base_is_ignored => format!(
            "; {} is ignored, because the event merges nothing",
            inputs.bare("base")
        ),
        false => String::new(),
    };
    let list = |is_there: bool| {
        let rows = context_rows(context).into_iter();
        let rows = rows.filter(|(name, _)| !(is_assumed && *name == "Base"));
        let names = rows.filter(|(_, value)| value.is_some() == is_there);
        let names: Vec<_> = names.map(|(name, _)| name.to_lowercase()).collect();
        names.join(", ")
    };
    let values = match (list(true), list(false)) {
        (given, absent) if given.is_empty() => format!("empty: no {absent}"),
        (given, absent) if absent.is_empty() => given,
        (given, absent) => format!("{given}; no {absent}"),
    };
    values + &base
}

fn policy(check: &CheckResult<'_>) -> Step {
    let mut facts = vec![of_policy(check, check.policy)];
    let is_own = check
        .scenario
        .is_some_and(|scenario| scenario.provenance(check.policy) == Provenance::ThisRepository);
    facts.extend(check.own.iter().map(|own| match is_own {
        // As in a job, `delegate` has no effect in the repository of the policy.
        true => format!(
            "own: {} is not used, because the policy itself is the repository's own",
            quoted(&own.name)
        ),
        false => format!("own: {}", of_policy(check, own)),
    }));
    // The own policy matters only for permissions that the main one denies; that step reports its problems.
    step("policy", Status::of(check.policy.policy().is_some()), facts)
}

fn of_policy(check: &CheckResult<'_>, policy: &GivenPolicy) -> String {
    if policy.name.is_empty() {
        return "none is named, and none was found".to_owned();
    }
    let name = quoted(&policy.name);
    let Some(hash) = policy.sha256() else {
        return format!("{name} cannot be read");
    };
    let hash: String = hash.chars().take(16).collect();
    let file = format!("{name}, sha256 {hash}…");
    match (policy.policy(), check.problems(policy)) {
        (Some(parsed), _) => {
            let rules = count(parsed.rules().count(), "rule");
            format!("{file}: valid, {rules}")
        }
        (None, 0) => format!("{file}: not valid"),
        (None, problems) => format!("{file}: {}, shown below", count(problems, "problem")),
    }
}

fn rules(check: &CheckResult<'_>, repository_rules: &RepositoryRules<'_>) -> Step {
    let status = Status::of(check.outcome.decision == Decision::Allowed);
    if let Some(error) = &check.error {
        let fact = match error {
            CheckError::Policy(name, _) if *name != check.policy.name => {
                "the own policy is needed, but is not valid: shown below".to_owned()
            }
            CheckError::Failure(_) => "the own policy is needed, but cannot be read".to_owned(),
            CheckError::Policy(..) => match check.problems(check.policy) {
                1 => "a pattern that could match is not valid, shown below".to_owned(),
                number => format!(
                    "{} that could match are not valid, shown below",
                    count(number, "pattern")
                ),
            },
        };
        return step("rules", status, vec![fact]);
    }
    let permissions = check.outcome.permissions.iter();
    let facts = permissions.flat_map(|one| of_permission(one, repository_rules, check));
    step("rules", status, facts.collect())
}

fn of_permission(
    permission: &PermissionDecision,
    repository_rules: &RepositoryRules<'_>,
    check: &CheckResult<'_>,
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
            (1, 0) => format!("1 rule names {key}, but does not match"),
            (1, _) => format!("1 rule names {key}, and matches"),
            (names, 0) => format!("{names} rules name {key}, but none matches"),
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
        let known = known_keys(&permission.permission, repository_rules);
        facts = vec![format!("{}{known}", of(false))];
    }
    if permission.delegated && !is_granted {
        facts.push(match check.own {
            Some(_) => format!("also delegated to the own policy: {}", of(true)),
            None => format!(
                "also delegated to the repository's own policy: name it with {}",
                check.inputs().name("own-policy", "FILE")
            ),
        });
    }
    facts
}

/// Suggests the key that was probably meant, or lists the known ones.
fn known_keys(asked: &str, repository_rules: &RepositoryRules<'_>) -> String {
    let rules = repository_rules.rules().unwrap_or_default();
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
