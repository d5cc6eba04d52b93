//! Selects the rules of a policy for one repository.

use engine::RepositoryName;
use engine::context::Context;
use engine::decision::{Reason, RepositoryRules, Scope};
use engine::policy::{Entry, Invalid, Kind, Policy, Rule, quoted};

/// Maximum number of entries in a message.
const MAX_LISTED: usize = 20;

/// The repository, from the command line.
pub(super) struct Selection<'a> {
    pub(super) repository: Option<&'a str>,
    pub(super) repository_id: Option<u64>,
    pub(super) owner_id: Option<u64>,
    /// The repository that contains the policy.
    pub(super) origin: Option<&'a RepositoryName>,
}

/// The rules for one repository.
pub(super) struct SelectedRules<'a> {
    /// Absent for the policy's own repository, whatever its name.
    pub(super) repository: Option<String>,
    pub(super) rules: Vec<&'a Rule>,
    pub(super) notes: Vec<String>,
}

/// Why there are no rules.
pub(super) enum Error {
    Message(String),
    Invalid(Invalid),
}

pub(super) fn select<'a>(
    document: &'a Policy,
    policy: &str,
    selection: &Selection<'_>,
) -> Result<SelectedRules<'a>, Error> {
    let entries = document.repositories.as_ref().map(|(_, entries)| entries);
    let entries = entries.map(|entries| &**entries).unwrap_or_default();
    let message = |message: String| Err(Error::Message(message));
    let repository = match (
        selection.repository,
        document.permissions.is_some(),
        entries,
    ) {
        (Some(text), ..) => match RepositoryName::parse(text) {
            Some(_) => Some(text.to_owned()),
            None => {
                return message(format!(
                    "--repository is {}, expected `OWNER/NAME`",
                    quoted(text)
                ));
            }
        },
        (None, _, []) => None,
        (None, false, [only]) if name_of(only).is_some() => name_of(only),
        (None, ..) => {
            return message(format!(
                "{} covers several repositories: choose one with `--repository OWNER/NAME`; it has {}",
                quoted(policy),
                listed(entries)
            ));
        }
    };
    let own = repository.as_deref().is_some_and(|repository| {
        selection
            .origin
            .is_some_and(|origin| repository.eq_ignore_ascii_case(&origin.to_string()))
    });
    let scope = if own {
        Scope::ThisRepository
    } else {
        Scope::Given
    };
    let mut context = Context {
        repository: repository.clone(),
        ..Context::default()
    };
    let find = |context: &Context| {
        RepositoryRules::find(document, scope, context, &|| true).map_err(Error::Invalid)
    };
    // Without an id on the command line, the pinned id is the repository's.
    let named = find(&context)?;
    let named: Vec<_> = named.entries.iter().map(|(entry, _)| *entry).collect();
    let id = |selection: Option<u64>, pin: fn(&Entry) -> Option<u64>, flag: &str| {
        let mut pins: Vec<_> = named.iter().filter_map(|entry| pin(entry)).collect();
        pins.sort_unstable();
        pins.dedup();
        match (selection, pins.as_slice()) {
            (Some(id), _) => Ok(Some(id.to_string())),
            (None, [id]) => Ok(Some(id.to_string())),
            (None, []) => Ok(None),
            (None, _) => Err(Error::Message(format!(
                "the entries of {} pin different ids: choose one with `{flag}`",
                quoted(repository.as_deref().unwrap_or_default())
            ))),
        }
    };
    context.repository_id = id(
        selection.repository_id,
        |entry| entry.repository_id,
        "--repository-id",
    )?;
    context.repository_owner_id = id(selection.owner_id, |entry| entry.owner_id, "--owner-id")?;
    let repository_rules = find(&context)?;
    let rules = match repository_rules.rules() {
        Ok(rules) => rules,
        Err(reason) => {
            let repository = quoted(repository.as_deref().unwrap_or_default());
            let why = match reason {
                Reason::RepositoryIdMismatch => "for another id",
                _ => "for other repositories only",
            };
            return message(format!(
                "{} has no rules for {repository}: it has {} ({why})",
                quoted(policy),
                listed(entries)
            ));
        }
    };
    let mut notes = Vec::new();
    if document.permissions.is_some() && !entries.is_empty() && !own {
        notes.push("the rules at the top of the policy are left out: they apply only to the repository that contains it".to_owned());
    }
    let entries = repository_rules
        .entries
        .iter()
        .filter(|(_, agrees)| *agrees);
    let delegated = entries.flat_map(|(entry, _)| &*entry.delegate);
    let mut delegated: Vec<_> = delegated.map(|key| quoted(key.as_str())).collect();
    delegated.sort_unstable();
    delegated.dedup();
    if !own && !delegated.is_empty() {
        notes.push(format!(
            "the repository's own policy may also grant {}, which is not shown here",
            delegated.join(", ")
        ));
    }
    Ok(SelectedRules {
        repository,
        rules,
        notes,
    })
}

/// Returns the repository of an entry that names exactly one.
fn name_of(entry: &Entry) -> Option<String> {
    match &*entry.repository.list {
        [one] if matches!(one.kind, Kind::Literal | Kind::Exact) => Some(one.text.to_string()),
        _ => None,
    }
}

fn listed(entries: &[Entry]) -> String {
    let patterns = entries.iter().flat_map(|entry| &entry.repository.list);
    let mut texts: Vec<_> = patterns.map(|pattern| quoted(&pattern.text)).collect();
    texts.dedup();
    let more = texts.len().saturating_sub(MAX_LISTED);
    texts.truncate(MAX_LISTED);
    if more > 0 {
        texts.push(format!("{more} more"));
    }
    match texts.is_empty() {
        true => "no entry".to_owned(),
        false => texts.join(", "),
    }
}
