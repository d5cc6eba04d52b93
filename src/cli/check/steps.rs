//! The way of a check, step by step, up to the one that stopped it.

use super::policy::{PolicyText, Wrong};
use super::{Check, Question};
use crate::context::Context;
use crate::decision::{Decision, Installation, PermissionDecision};
use crate::policy::{Document, Entry, Kind, quoted};
use crate::report::context_rows;

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Passed,
    /// It stopped the check.
    Failed,
    /// It was not done, or the check did not come so far.
    Skipped,
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

/// The most names that a fact lists.
const MAX_NAMES: usize = 5;

/// The steps of an action's check; what has to be verified in a job is not done here.
pub(super) fn steps(check: &Check<'_>) -> Vec<Step> {
    let Some(question) = check.question else {
        return Vec::new();
    };
    let token = "not verified here: the context is what you give, and nothing is granted";
    let mut steps = vec![
        step("token", End::Skipped, vec![token.to_owned()]),
        step("context", End::Passed, vec![context(&question.context)]),
    ];
    type Next = fn(&Check<'_>, &Question) -> Step;
    let mut is_over = false;
    for next in [policy, installation, rules] as [Next; 3] {
        let mut step = next(check, question);
        if is_over {
            step.end = End::Skipped;
            step.facts = vec!["not reached".to_owned()];
        }
        is_over |= step.end == End::Failed;
        steps.push(step);
    }
    let outcome = &check.outcome;
    let end = match outcome.decision {
        Decision::Allowed => End::Passed,
        Decision::Denied | Decision::Error => End::Failed,
    };
    let fact = format!("{}, {}", outcome.decision.as_str(), outcome.status);
    steps.push(step("decision", end, vec![fact]));
    steps
}

/// Which values there are; they stand above.
fn context(context: &Context) -> String {
    let list = |is_there: bool| {
        let rows = context_rows(context).into_iter();
        let names = rows.filter(|(_, value)| value.is_some() == is_there);
        let names: Vec<_> = names.map(|(name, _)| name.to_lowercase()).collect();
        names.join(", ")
    };
    match (list(true), list(false)) {
        (given, absent) if given.is_empty() => format!("nothing is given: no {absent}"),
        (given, absent) if absent.is_empty() => given,
        (given, absent) => format!("{given}; no {absent}"),
    }
}

fn policy(check: &Check<'_>, _: &Question) -> Step {
    let end = match check.document {
        Some(_) => End::Passed,
        None => End::Failed,
    };
    let mut facts = vec![of_policy(check, check.policy)];
    // In the order of the steps it comes last: it is asked for what the other one denies.
    facts.extend(
        check
            .own
            .map(|own| format!("own: {}", of_policy(check, own))),
    );
    step("policy", end, facts)
}

fn of_policy(check: &Check<'_>, policy: &PolicyText) -> String {
    let name = quoted(&policy.name);
    let Ok(text) = &policy.text else {
        return format!("{name} cannot be read");
    };
    let hash: String = crate::sha256(text.as_bytes()).chars().take(16).collect();
    let file = format!("{name}, sha256 {hash}…");
    match policy.parse() {
        Ok(document) => {
            let rules = count(document.rules().count(), "rule");
            format!("{file}: valid, {rules}")
        }
        Err(_) => match check.problems(policy) {
            0 => format!("{file}: not valid"),
            problems => format!("{file}: {}, shown below", count(problems, "problem")),
        },
    }
}

fn installation(check: &Check<'_>, question: &Question) -> Step {
    let step = |end, facts| step("installation", end, facts);
    let Some(document) = check.document else {
        return step(End::Failed, Vec::new());
    };
    let Ok(installation) = question.installation(document) else {
        let fact = "the pattern of an entry is not valid, shown below";
        return step(End::Failed, vec![fact.to_owned()]);
    };
    let mut facts = Vec::new();
    if installation.top.is_some() {
        facts.push("the rules at the top of the file".to_owned());
    }
    let entries = installation.entries.iter();
    facts.extend(entries.map(|(entry, agrees)| {
        let fact = format!("the entry at line {}", entry.position.line);
        match pins(entry, *agrees, &question.context) {
            Some(pins) => format!("{fact}: {pins}"),
            None => fact,
        }
    }));
    let end = match installation.rules() {
        Ok(_) => End::Passed,
        Err(_) => End::Failed,
    };
    if facts.is_empty() {
        facts.push(no_entry(document, &question.context));
    }
    if document.permissions.is_some() && installation.top.is_none() {
        let fact = "`permissions` at the top counts only in the repository that the file is in";
        facts.push(fact.to_owned());
    }
    step(end, facts)
}

/// What an entry pins, and what is different here.
fn pins(entry: &Entry<'_>, agrees: bool, context: &Context) -> Option<String> {
    let pins = [
        ("repository_id", entry.repository_id, &context.repository_id),
        ("owner_id", entry.owner_id, &context.repository_owner_id),
    ];
    let pins = pins
        .into_iter()
        .filter_map(|(name, pin, id)| Some((name, pin?, id)));
    if agrees {
        let names: Vec<_> = pins.map(|(name, ..)| format!("`{name}`")).collect();
        return (!names.is_empty()).then(|| format!("{} as pinned", names.join(" and ")));
    }
    let mut wrong = pins.filter(|(_, pin, id)| id.as_deref() != Some(&pin.to_string()));
    let (name, pin, id) = wrong.next()?;
    let claim = name
        .strip_prefix("owner")
        .map_or_else(|| name.to_owned(), |rest| format!("repository_owner{rest}"));
    Some(match id {
        Some(id) => format!("it pins `{name}: {pin}`, this job has {}", quoted(id)),
        None => {
            format!("it pins `{name}: {pin}`, and none is given here: `--claim {claim}={pin}`")
        }
    })
}

/// The names of the policy that are nearest to the one that is asked for.
fn no_entry(document: &Document<'_>, context: &Context) -> String {
    let Some(repository) = &context.repository else {
        return "no repository is given: `--repository OWNER/NAME`".to_owned();
    };
    let entries = document.repositories.iter().flat_map(|(_, list)| list);
    let names = entries.flat_map(|entry| &entry.repository.list);
    let names = names.filter(|name| matches!(name.kind, Kind::Literal | Kind::Exact));
    let mut near: Vec<_> = names
        .filter_map(|name| Some((distance(repository, &name.text)?, name)))
        .collect();
    near.sort_by_key(|(distance, name)| (*distance, name.position));
    let near = near.iter().take(MAX_NAMES).map(|(_, name)| {
        let line = name.position.line;
        format!("{} (line {line})", quoted(&name.text))
    });
    let near: Vec<_> = near.collect();
    let none = format!("no entry for {}", quoted(repository));
    match near.as_slice() {
        [] => none,
        near => format!("{none}: did you mean {}?", near.join(" or ")),
    }
}

/// How near two names of repositories are, if they are. Another owner's of the same name is.
fn distance(asked: &str, known: &str) -> Option<usize> {
    let (asked, known) = (asked.to_lowercase(), known.to_lowercase());
    let name = |text: &str| text.rsplit('/').next().map(str::to_owned);
    // The distance takes time by the length.
    let is_short = asked.len().max(known.len()) <= 256;
    let distance = is_short.then(|| strsim::damerau_levenshtein(&asked, &known));
    let near = distance.filter(|distance| *distance <= 3);
    near.or_else(|| (name(&asked) == name(&known)).then_some(4))
}

fn rules(check: &Check<'_>, question: &Question) -> Step {
    let document = check.document;
    let installation = document.and_then(|document| question.installation(document).ok());
    let Some(installation) = installation else {
        return step("rules", End::Failed, Vec::new());
    };
    let end = match check.outcome.decision {
        Decision::Allowed => End::Passed,
        _ => End::Failed,
    };
    if let Some(wrong) = &check.wrong {
        let fact = match wrong {
            Wrong::Policy(name, _) if *name != check.policy.name => {
                "the own policy is needed, and is not valid: shown below".to_owned()
            }
            Wrong::Failure(_) => "the own policy is needed, and cannot be read".to_owned(),
            Wrong::Policy(..) => match check.problems(check.policy) {
                1 => "a pattern that has to be tried is not valid, shown below".to_owned(),
                count => {
                    format!("{count} patterns that have to be tried are not valid, shown below")
                }
            },
        };
        return step("rules", end, vec![fact]);
    }
    let permissions = check.outcome.permissions.iter();
    let facts = permissions.flat_map(|one| of_permission(one, &installation, check));
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
    let near = keys
        .iter()
        .map(|key| (strsim::damerau_levenshtein(asked, key), *key))
        .min()
        .filter(|(distance, _)| *distance <= 4);
    match (near, keys.as_slice()) {
        (Some((_, key)), _) => format!(": did you mean `{key}`?"),
        (None, []) => String::new(),
        (None, keys) => {
            let more = if keys.len() > MAX_NAMES { ", …" } else { "" };
            let keys: Vec<_> = keys.iter().take(MAX_NAMES).map(|key| quoted(key)).collect();
            format!(", the policy has {}{more}", keys.join(", "))
        }
    }
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
