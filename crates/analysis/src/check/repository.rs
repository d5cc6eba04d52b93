//! Describes the parts of a policy that apply to the repository.

use super::policy::GivenPolicy;
use super::scenario::Scenario;
use crate::suggestion::meant_entry;
use engine::decision::RepositoryRules;
use engine::policy::{Entry, Kind, Policy, edits, quoted};

/// Maximum number of suggested names.
const MAX_NAMES: usize = 5;

/// Describes the entries with their pins, or suggests similar names if there are none.
pub(super) fn facts(
    given: &GivenPolicy,
    policy: &Policy,
    repository_rules: &RepositoryRules<'_>,
    scenario: &Scenario,
) -> Vec<String> {
    let mut facts = Vec::new();
    if repository_rules.top.is_some() {
        let top = "the rules at the top of the file";
        // Only with both lists it matters which repository contains the file.
        let own = given
            .repository
            .name()
            .filter(|_| policy.repositories.is_some());
        facts.push(own.map_or_else(
            || top.to_owned(),
            |own| format!("{top}, which {} contains", quoted(own)),
        ));
    }
    let entries = repository_rules.entries.iter();
    facts.extend(entries.map(|(entry, agrees)| {
        let fact = format!("the entry at line {}", entry.position.line);
        match pins(entry, *agrees, scenario) {
            Some(pins) => format!("{fact}: {pins}"),
            None => fact,
        }
    }));
    if facts.is_empty() {
        facts.push(no_entry(policy, scenario));
    }
    if let Some(left_out) = scenario.leaves_out(given) {
        facts.extend([left_out.why(), left_out.note(scenario.inputs)]);
    }
    facts
}

/// Describes the pins of an entry, and the first one that differs.
fn pins(entry: &Entry, agrees: bool, scenario: &Scenario) -> Option<String> {
    let context = &scenario.context;
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
    let mut error = pins.filter(|(_, pin, id)| id.as_deref() != Some(&pin.to_string()));
    let (name, pin, id) = error.next()?;
    let claim = name
        .strip_prefix("owner")
        .map_or_else(|| name.to_owned(), |rest| format!("repository_owner{rest}"));
    Some(match id {
        Some(id) => format!("it pins `{name}: {pin}`, but this job has {}", quoted(id)),
        None => {
            format!(
                "it pins `{name}: {pin}`, and this check has none: set it with {}",
                scenario.inputs.value("claim", &format!("{claim}={pin}"))
            )
        }
    })
}

/// Suggests the entry that was probably meant, or the names in the policy that are most similar.
fn no_entry(policy: &Policy, scenario: &Scenario) -> String {
    let Some(repository) = &scenario.context.repository else {
        let input = scenario.inputs.name("repository", "OWNER/NAME");
        return format!("no repository: name it with {input}");
    };
    let entries = policy.repositories.iter().flat_map(|(_, list)| list);
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
    if let Some((line, hint)) = meant_entry(policy, repository) {
        return format!("{none}: at line {line}, {hint}");
    }
    match near.as_slice() {
        [] => none,
        near => format!("{none}: did you mean {}?", near.join(" or ")),
    }
}

/// Returns the distance between two similar names of repositories. The same name with another owner is similar.
fn distance(asked: &str, known: &str) -> Option<usize> {
    let name = |text: &str| text.rsplit('/').next().map(str::to_lowercase);
    edits(asked, known).or_else(|| (name(asked) == name(known)).then_some(usize::MAX))
}
