//! Where a policy speaks of the repository, in words.

use engine::context::Context;
use engine::decision::Installation;
use engine::policy::{Document, Entry, Kind, edits, quoted};

/// The most names that are told.
const MAX_NAMES: usize = 5;

/// The places, each with its pins; if there is none, the names that are nearest.
pub(super) fn facts(
    document: &Document<'_>,
    installation: &Installation<'_>,
    context: &Context,
) -> Vec<String> {
    let mut facts = Vec::new();
    if installation.top.is_some() {
        facts.push("the rules at the top of the file".to_owned());
    }
    let entries = installation.entries.iter();
    facts.extend(entries.map(|(entry, agrees)| {
        let fact = format!("the entry at line {}", entry.position.line);
        match pins(entry, *agrees, context) {
            Some(pins) => format!("{fact}: {pins}"),
            None => fact,
        }
    }));
    if facts.is_empty() {
        facts.push(no_entry(document, context));
    }
    if document.permissions.is_some() && installation.top.is_none() {
        let fact = "`permissions` at the top counts only in the repository that the file is in";
        facts.push(fact.to_owned());
    }
    facts
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
    let name = |text: &str| text.rsplit('/').next().map(str::to_lowercase);
    edits(asked, known).or_else(|| (name(asked) == name(known)).then_some(usize::MAX))
}
