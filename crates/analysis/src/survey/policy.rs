//! A central policy, held against the repositories of one owner: which entries speak for them, and
//! which entries speak for none.

use std::collections::HashMap;
use std::sync::Arc;

use super::Repository;
use super::entries::{Asked, Differing};
use super::finding::{Code, Finding};
use super::row::{Ask, EntryRow, WorkflowRow};
use crate::compare::automaton::may_start_with;
use engine::RepositoryName;
use engine::context::Context;
use engine::decision::{RepositoryRules, Scope};
use engine::plural::count;
use engine::policy::{Case, Document, Entry, Invalid, Kind, Matcher, Pattern, quoted};

/// The entries of a policy, compiled.
#[derive(Debug)]
pub struct SurveyPolicy<'p> {
    entries: &'p [Entry],
    /// Every pattern of every entry, in file order.
    patterns: Vec<Known<'p>>,
    /// Those that are plain names, in lower case.
    names: HashMap<String, Vec<usize>>,
    /// All others.
    matchers: Vec<(usize, Matcher<'p>)>,
    /// The entries by the id that they pin.
    pinned: HashMap<u64, Vec<usize>>,
    /// Of each entry the first repository whose ids differ, and how many there are.
    differing: HashMap<usize, (Differing, u64)>,
    /// Of each entry what the repository that it pins is called.
    elsewhere: HashMap<usize, String>,
}

#[derive(Debug)]
struct Known<'p> {
    entry: usize,
    pattern: &'p Pattern,
    about: About,
    is_seen: bool,
    asked: Option<Asked>,
}

/// What a pattern can match.
#[derive(Debug, PartialEq, Eq)]
enum About {
    /// This repository of the owner.
    Name(RepositoryName),
    /// Some repositories of the owner.
    Some,
    /// None of the owner.
    Others,
}

/// The entries that speak for a repository.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    entries: Vec<usize>,
    /// Whether there are others, whose pins differ.
    differ: bool,
}

impl<'p> SurveyPolicy<'p> {
    /// The entries of a policy, for the repositories of `owner`. Every pattern is compiled and held.
    ///
    /// # Errors
    /// A pattern does not compile, or the policy is none that other repositories can have.
    pub fn new(document: &'p Document, owner: &str) -> Result<Self, Invalid> {
        // What every check of every repository would stumble over.
        RepositoryRules::find(
            document,
            Scope::OtherRepository,
            &Context::default(),
            &|| true,
        )?;
        let entries = document.repositories.as_ref();
        let entries = entries.map_or(&[][..], |(_, entries)| entries);
        let mut policy = Self {
            entries,
            patterns: Vec::new(),
            names: HashMap::new(),
            matchers: Vec::new(),
            pinned: HashMap::new(),
            differing: HashMap::new(),
            elsewhere: HashMap::new(),
        };
        for (number, entry) in entries.iter().enumerate() {
            if let Some(id) = entry.repository_id {
                policy.pinned.entry(id).or_default().push(number);
            }
            for pattern in &entry.repository.list {
                policy.add(number, pattern, owner)?;
            }
        }
        Ok(policy)
    }

    fn add(&mut self, entry: usize, pattern: &'p Pattern, owner: &str) -> Result<(), Invalid> {
        let number = self.patterns.len();
        let about = if let Kind::Literal | Kind::Exact = pattern.kind {
            let name = pattern.text.to_ascii_lowercase();
            self.names.entry(name).or_default().push(number);
            RepositoryName::parse(&pattern.text)
                .filter(|name| name.owner().eq_ignore_ascii_case(owner))
                .map_or(About::Others, About::Name)
        } else {
            // The names of repositories are ASCII.
            let matcher = pattern.compile(Case::Insensitive)?;
            self.matchers.push((number, matcher));
            match may_start_with(pattern, &format!("{}/", owner.to_ascii_lowercase())) {
                true => About::Some,
                false => About::Others,
            }
        };
        self.patterns.push(Known {
            entry,
            pattern,
            about,
            is_seen: false,
            asked: None,
        });
        Ok(())
    }

    /// How many entries there are, and how many of them speak for none of the owner's repositories
    /// because they are for others.
    pub fn counts(&self) -> (usize, usize) {
        let mut own: Vec<_> = self
            .patterns
            .iter()
            .filter(|known| known.about != About::Others)
            .collect();
        own.dedup_by_key(|known| known.entry);
        (self.entries.len(), self.entries.len() - own.len())
    }

    /// Which entries speak for a repository.
    pub(super) fn see(&mut self, repository: &Repository) -> Spoken {
        let name = &repository.name;
        let by_name = self
            .names
            .get(&name.to_ascii_lowercase())
            .into_iter()
            .flatten()
            .copied();
        let matchers = self.matchers.iter();
        let by_pattern = matchers.filter(|(_, matcher)| matcher.matches(Some(name)));
        let mut matching: Vec<_> = by_name
            .chain(by_pattern.map(|(number, _)| *number))
            .collect();
        matching.sort_unstable();
        let mut named = Vec::new();
        for number in matching {
            if let Some(known) = self.patterns.get_mut(number) {
                named.push(known.entry);
                known.is_seen = true;
            }
        }
        named.dedup();
        let id = repository.id.map(|id| id.to_string());
        let owner_id = repository.owner_id.map(|id| id.to_string());
        let mut spoken = Spoken::default();
        for number in named.iter().copied() {
            let entry = self.entries.get(number);
            if entry.is_some_and(|entry| entry.pins_agree(id.as_deref(), owner_id.as_deref())) {
                spoken.entries.push(number);
            } else {
                spoken.differ = true;
                let first = self.differing.entry(number).or_insert_with(|| {
                    let differing = Differing {
                        name: name.clone(),
                        id: repository.id,
                        owner_id: repository.owner_id,
                    };
                    (differing, 0)
                });
                first.1 += 1;
            }
        }
        let pinning = repository.id.and_then(|id| self.pinned.get(&id));
        for number in pinning
            .into_iter()
            .flatten()
            .filter(|number| !named.contains(number))
        {
            self.elsewhere.insert(*number, name.clone());
        }
        spoken
    }

    /// The next name that no repository has and that GitHub was not asked for, from a place on.
    pub fn question(&self, from: usize) -> Option<(usize, &RepositoryName)> {
        let rest = self.patterns.iter().enumerate().skip(from);
        let mut open = rest.filter(|(_, known)| !known.is_seen && known.asked.is_none());
        open.find_map(|(number, known)| match &known.about {
            // What became of it is known by its id.
            About::Name(name) if !self.elsewhere.contains_key(&known.entry) => Some((number, name)),
            _ => None,
        })
    }

    /// What GitHub said of the name at a place.
    pub fn answer(&mut self, number: usize, asked: Asked) {
        if let Some(known) = self.patterns.get_mut(number) {
            known.asked = Some(asked);
        }
    }

    /// The lines of entries.
    pub(super) fn lines(&self, spoken: &Spoken) -> Vec<u32> {
        self.spoken(spoken)
            .map(|entry| entry.position.line)
            .collect()
    }

    fn spoken<'s>(&'s self, spoken: &'s Spoken) -> impl Iterator<Item = &'p Entry> {
        spoken
            .entries
            .iter()
            .filter_map(|number| self.entries.get(*number))
    }

    /// Whether a rule for the permission names the event, or the repository's own policy may.
    pub(super) fn names_event(&self, spoken: &Spoken, permission: &str, event: &str) -> bool {
        self.spoken(spoken).any(|entry| {
            let mut rules = entry.permissions.iter();
            let names = |events: &[Arc<str>]| events.iter().any(|name| **name == *event);
            let by_rule = rules.any(|rule| {
                rule.permissions
                    .iter()
                    .any(|key| key.as_str() == permission)
                    && rule.events.as_deref().is_some_and(names)
            });
            by_rule || delegates(entry, permission)
        })
    }

    /// What the policy does not have for the steps that ask it.
    pub(super) fn findings(&self, spoken: &Spoken, workflows: &[WorkflowRow]) -> Vec<Finding> {
        let asks = workflows.iter().flat_map(|workflow| &workflow.asks);
        let asks: Vec<&Ask> = asks.filter(|ask| !ask.own_policy).collect();
        let Some(first) = asks.first() else {
            return Vec::new();
        };
        if spoken.entries.is_empty() {
            // An entry whose pins differ is told by itself.
            let mut message = format!("asks {}", quoted(&first.policy));
            match asks.len() - 1 {
                0 => {}
                1 => message.push_str(", and so does 1 more step"),
                more => message.push_str(&format!(", and so do {}", count(more, "more step"))),
            }
            let finding = Finding::new(Code::NoEntry, message).at(&first.file, first.line);
            return if spoken.differ {
                Vec::new()
            } else {
                vec![finding]
            };
        }
        let is_named = |permission: &str| {
            self.spoken(spoken).any(|entry| {
                let keys = entry.permissions.iter().flat_map(|rule| &*rule.permissions);
                keys.chain(&*entry.delegate)
                    .any(|key| key.as_str() == permission)
            })
        };
        let lines: Vec<_> = self.lines(spoken).iter().map(ToString::to_string).collect();
        let (entry, lines) = (
            if lines.len() == 1 { "line" } else { "lines" },
            lines.join(", "),
        );
        let pairs = asks
            .iter()
            .flat_map(|ask| ask.permissions.iter().map(move |key| (ask, key)));
        let unnamed = pairs.filter(|(_, key)| key.contains(':') && !is_named(key));
        unnamed
            .map(|(ask, key)| {
                let message = format!("asks for {}, entry at {entry} {lines}", quoted(key));
                Finding::new(Code::PermissionNotNamed, message).at(&ask.file, ask.line)
            })
            .collect()
    }

    /// The entries that something is wrong with.
    pub(super) fn rows(&self) -> Vec<EntryRow> {
        let mut rows: Vec<EntryRow> = Vec::new();
        let mut patterns = self.patterns.iter().peekable();
        for (number, entry) in self.entries.iter().enumerate() {
            let mut findings = self.of_pins(number, entry);
            while let Some(known) = patterns.next_if(|known| known.entry == number) {
                findings.extend(self.of_pattern(known));
            }
            if !findings.is_empty() {
                let texts = entry.repository.list.iter().map(|pattern| &*pattern.text);
                rows.push(EntryRow {
                    entry: entry.position.line,
                    repository: texts.collect::<Vec<_>>().join(", "),
                    findings,
                });
            }
        }
        rows
    }

    fn of_pins(&self, number: usize, entry: &Entry) -> Vec<Finding> {
        let elsewhere = self.elsewhere.get(&number).zip(entry.repository_id);
        let elsewhere = elsewhere
            .map(|(name, id)| format!("the id {id} that it pins is {} today", quoted(name)));
        let Some((differing, count)) = self.differing.get(&number) else {
            let renamed = elsewhere.map(|message| Finding::new(Code::Renamed, message));
            return renamed.into_iter().collect();
        };
        let ids = [
            ("repository_id", entry.repository_id, differing.id),
            ("owner_id", entry.owner_id, differing.owner_id),
        ];
        let ids = ids.iter().filter_map(|(key, pin, is)| {
            let pin = (*pin).filter(|pin| Some(*pin) != *is)?;
            let is = is.map_or_else(|| "unknown".to_owned(), |id| id.to_string());
            Some(format!("{key} {is}, pinned {pin}"))
        });
        let mut message = format!(
            "{} has {}",
            quoted(&differing.name),
            ids.collect::<Vec<_>>().join(" and ")
        );
        if *count > 1 {
            message.push_str(&format!(", and {} more", count - 1));
        }
        if let Some(elsewhere) = elsewhere {
            message = format!("{message}; {elsewhere}");
        }
        vec![Finding::new(Code::IdDiffers, message)]
    }

    fn of_pattern(&self, known: &Known<'_>) -> Option<Finding> {
        if known.is_seen || self.elsewhere.contains_key(&known.entry) {
            return None;
        }
        let text = quoted(&known.pattern.text);
        match (&known.about, &known.asked) {
            (About::Some, _) => {
                let kind = known.pattern.kind.name();
                Some(Finding::new(
                    Code::MatchesNothing,
                    format!("the {kind} {text}"),
                ))
            }
            (About::Name(_), Some(Asked::Gone)) => Some(Finding::new(Code::Gone, text)),
            (About::Name(old), Some(Asked::Is(new))) => {
                let name = RepositoryName::parse(new)?;
                let what = match name.owner().eq_ignore_ascii_case(old.owner()) {
                    _ if name.is_same(old) => return None,
                    true => "renamed",
                    false => "transferred",
                };
                let message = format!("{text} was {what} to {}", quoted(new));
                Some(Finding::new(Code::Renamed, message))
            }
            _ => None,
        }
    }
}

fn delegates(entry: &Entry, permission: &str) -> bool {
    entry.delegate.iter().any(|key| key.as_str() == permission)
}
