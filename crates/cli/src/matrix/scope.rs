//! Whom the table is about: the rules that a policy has for one repository.

use engine::RepositoryName;
use engine::context::Context;
use engine::decision::{Installation, Reason, Scope as Read};
use engine::policy::{Document, Entry, Invalid, Kind, Rule, quoted};

/// The most entries that a message lists.
const MAX_LISTED: usize = 20;

/// What the command line says.
pub(super) struct Asked<'a> {
    pub(super) repository: Option<&'a str>,
    pub(super) repository_id: Option<u64>,
    pub(super) owner_id: Option<u64>,
    /// The repository that the policy is in.
    pub(super) origin: Option<&'a RepositoryName>,
}

/// The rules of one repository.
pub(super) struct Scope<'a> {
    /// Absent for the policy's own, whatever its name.
    pub(super) repository: Option<String>,
    pub(super) rules: Vec<&'a Rule>,
    pub(super) notes: Vec<String>,
}

/// Why no rules are found.
pub(super) enum Error {
    Message(String),
    Invalid(Invalid),
}

pub(super) fn find<'a>(
    document: &'a Document,
    policy: &str,
    asked: &Asked<'_>,
) -> Result<Scope<'a>, Error> {
    let entries = document.repositories.as_ref().map(|(_, entries)| entries);
    let entries = entries.map(|entries| &**entries).unwrap_or_default();
    let message = |message: String| Err(Error::Message(message));
    let repository = match (asked.repository, document.permissions.is_some(), entries) {
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
                "{} speaks of several repositories: choose one by `--repository OWNER/NAME`; it has {}",
                quoted(policy),
                listed(entries)
            ));
        }
    };
    let own = repository.as_deref().is_some_and(|repository| {
        asked
            .origin
            .is_some_and(|origin| repository.eq_ignore_ascii_case(&origin.to_string()))
    });
    let read = if own {
        Read::ThisRepository
    } else {
        Read::Given
    };
    let mut context = Context {
        repository: repository.clone(),
        ..Context::default()
    };
    let find = |context: &Context| {
        Installation::find(document, read, context, &|| true).map_err(Error::Invalid)
    };
    // Entries that pin an id are for the repository that has it, unless another one is asked for.
    let named = find(&context)?;
    let named: Vec<_> = named.entries.iter().map(|(entry, _)| *entry).collect();
    let id = |asked: Option<u64>, pin: fn(&Entry) -> Option<u64>, flag: &str| {
        let mut pins: Vec<_> = named.iter().filter_map(|entry| pin(entry)).collect();
        pins.sort_unstable();
        pins.dedup();
        match (asked, pins.as_slice()) {
            (Some(id), _) => Ok(Some(id.to_string())),
            (None, [id]) => Ok(Some(id.to_string())),
            (None, []) => Ok(None),
            (None, _) => Err(Error::Message(format!(
                "the entries of {} pin different ids: choose one by `{flag}`",
                quoted(repository.as_deref().unwrap_or_default())
            ))),
        }
    };
    context.repository_id = id(
        asked.repository_id,
        |entry| entry.repository_id,
        "--repository-id",
    )?;
    context.repository_owner_id = id(asked.owner_id, |entry| entry.owner_id, "--owner-id")?;
    let installation = find(&context)?;
    let rules = match installation.rules() {
        Ok(rules) => rules,
        Err(reason) => {
            let repository = quoted(repository.as_deref().unwrap_or_default());
            let why = match reason {
                Reason::RepositoryIdMismatch => "for another id",
                _ => "for other repositories only",
            };
            return message(format!(
                "{} has nothing for {repository}: it has {} ({why})",
                quoted(policy),
                listed(entries)
            ));
        }
    };
    let mut notes = Vec::new();
    if document.permissions.is_some() && !entries.is_empty() && !own {
        notes.push("the rules at the top of the policy are left out: they count only for the repository that it is in".to_owned());
    }
    let entries = installation.entries.iter().filter(|(_, agrees)| *agrees);
    let delegated = entries.flat_map(|(entry, _)| &*entry.delegate);
    let mut delegated: Vec<_> = delegated.map(|key| quoted(key.as_str())).collect();
    delegated.sort_unstable();
    delegated.dedup();
    if !own && !delegated.is_empty() {
        notes.push(format!(
            "the repository's own policy may grant {} as well, which is not shown here",
            delegated.join(", ")
        ));
    }
    Ok(Scope {
        repository,
        rules,
        notes,
    })
}

/// The repository of an entry that is for one.
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
