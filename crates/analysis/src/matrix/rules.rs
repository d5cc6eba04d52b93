//! Selects the rules of a policy for one repository.

use crate::{Inputs, PolicyRepository};
use engine::RepositoryName;
use engine::context::Context;
use engine::decision::{Provenance, Reason, RepositoryRules};
use engine::policy::{Entry, Invalid, Kind, Policy, Rule, quoted};

/// Maximum number of entries in a message.
const MAX_LISTED: usize = 20;

/// The repository whose rules to select.
pub struct Selection<'a> {
    /// `OWNER/NAME`, if somebody named it.
    pub repository: Option<&'a str>,
    /// Its id, for entries that pin it.
    pub repository_id: Option<u64>,
    /// The id of its owner, for entries that pin it.
    pub owner_id: Option<u64>,
    /// The repository that contains the policy.
    pub policy_repository: &'a PolicyRepository,
    /// How messages name these values.
    pub inputs: Inputs,
}

/// The rules for one repository.
pub struct SelectedRules<'a> {
    /// Absent for the policy's own repository, whatever its name.
    pub repository: Option<String>,
    /// Its rules, in file order.
    pub rules: Vec<&'a Rule>,
    /// What the rules leave out, sentences without full stops.
    pub notes: Vec<String>,
}

/// Why there are no rules.
pub enum Error {
    /// The selection is not valid, or the policy has no rules for it.
    Message(String),
    /// A pattern that could match is not valid.
    Invalid(Invalid),
}

/// Selects the rules of a policy; messages call it `file`.
///
/// # Errors
/// There are no rules for the repository, or it is not clear which one is meant.
pub fn select<'a>(
    policy: &'a Policy,
    file: &str,
    selection: &Selection<'_>,
) -> Result<SelectedRules<'a>, Error> {
    let entries = policy.repositories.as_ref().map(|(_, entries)| entries);
    let entries = entries.map(|entries| &**entries).unwrap_or_default();
    let repository = selection.repository(policy, entries, file)?;
    let name = repository.as_deref();
    let provenance = selection.policy_repository.provenance(name);
    let is_own = provenance == Provenance::ThisRepository;
    let left_out = selection.policy_repository.leaves_out(policy, name);
    let left_out =
        left_out.map(|left_out| format!("{}; {}", left_out.why(), left_out.note(selection.inputs)));
    let find = |context: &Context| {
        RepositoryRules::find(policy, provenance, context, &|| true).map_err(Error::Invalid)
    };
    let mut context = Context {
        repository: repository.clone(),
        ..Context::default()
    };
    let named = find(&context)?;
    let (id, owner_id) = selection.ids(&named, name.unwrap_or_default())?;
    (context.repository_id, context.repository_owner_id) = (id, owner_id);
    let found = find(&context)?;
    let rules = found.rules().map_err(|reason| {
        let why = match reason {
            Reason::RepositoryIdMismatch => "for another id",
            _ => "for other repositories only",
        };
        let left_out = left_out.as_deref().map(|left_out| format!("; {left_out}"));
        Error::Message(format!(
            "{} has no rules for {}: it has {} ({why}){}",
            quoted(file),
            quoted(name.unwrap_or_default()),
            listed(entries),
            left_out.unwrap_or_default()
        ))
    })?;
    let mut notes = Vec::new();
    notes.extend(left_out.clone());
    if !is_own {
        notes.extend(note_on_delegation(&found));
    }
    Ok(SelectedRules {
        repository,
        rules,
        notes,
    })
}

impl Selection<'_> {
    /// Returns the repository whose rules to select, or `None` for the policy's own.
    fn repository(
        &self,
        policy: &Policy,
        entries: &[Entry],
        file: &str,
    ) -> Result<Option<String>, Error> {
        match (self.repository, entries) {
            (Some(text), _) => match RepositoryName::parse(text) {
                Some(_) => Ok(Some(text.to_owned())),
                None => Err(Error::Message(format!(
                    "the repository is {}, expected `OWNER/NAME`",
                    quoted(text)
                ))),
            },
            (None, []) => Ok(None),
            (None, [only]) if policy.permissions.is_none() && name_of(only).is_some() => {
                Ok(name_of(only))
            }
            (None, _) => {
                let own = self.policy_repository.name();
                let own = own.filter(|_| policy.permissions.is_some());
                let own = own.map(|own| format!(", and the rules at the top for {}", quoted(own)));
                Err(Error::Message(format!(
                    "{} covers several repositories: choose one with {}; it has {}{}",
                    quoted(file),
                    self.inputs.name("repository", "OWNER/NAME"),
                    listed(entries),
                    own.unwrap_or_default()
                )))
            }
        }
    }

    /// Returns the ids of the repository and its owner. Without an id on the command line, the pinned one counts.
    fn ids(
        &self,
        named: &RepositoryRules<'_>,
        repository: &str,
    ) -> Result<(Option<String>, Option<String>), Error> {
        let id = |selected: Option<u64>, pin: fn(&Entry) -> Option<u64>, flag: &str| {
            let mut pins: Vec<_> = named
                .entries
                .iter()
                .filter_map(|(entry, _)| pin(entry))
                .collect();
            pins.sort_unstable();
            pins.dedup();
            match (selected, pins.as_slice()) {
                (Some(id), _) => Ok(Some(id.to_string())),
                (None, [id]) => Ok(Some(id.to_string())),
                (None, []) => Ok(None),
                (None, _) => Err(Error::Message(format!(
                    "the entries of {} pin different ids: choose one with {}",
                    quoted(repository),
                    self.inputs.name(flag, "ID")
                ))),
            }
        };
        let repository_id = |entry: &Entry| entry.repository_id;
        Ok((
            id(self.repository_id, repository_id, "repository-id")?,
            id(self.owner_id, |entry| entry.owner_id, "owner-id")?,
        ))
    }
}

/// Names the permissions that the repository's own policy may grant too.
fn note_on_delegation(rules: &RepositoryRules<'_>) -> Option<String> {
    let entries = rules.entries.iter().filter(|(_, agrees)| *agrees);
    let delegated = entries.flat_map(|(entry, _)| &*entry.delegate);
    let mut delegated: Vec<_> = delegated.map(|key| quoted(key.as_str())).collect();
    delegated.sort_unstable();
    delegated.dedup();
    (!delegated.is_empty()).then(|| {
        format!(
            "the repository's own policy may also grant {}, which is not shown here",
            delegated.join(", ")
        )
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
