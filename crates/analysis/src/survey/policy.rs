//! Matches a central policy with the repositories of one owner: which entries apply to them, and which
//! entries apply to none.

use std::collections::HashMap;
use std::sync::Arc;

use super::finding::{Code, SurveyFinding};
use super::lookup::{CurrentName, Differing};
use super::repository::Repository;
use super::row::{ActionStep, EntryRow, WorkflowRow};
use crate::compare::automaton::may_start_with;
use engine::RepositoryName;
use engine::context::Context;
use engine::decision::{Provenance, RepositoryRules};
use engine::plural::{count, count_of};
use engine::policy::{CaseSensitivity, Entry, Invalid, Kind, Matcher, Pattern, Policy, quoted};

/// Compiled entries of a policy.
#[derive(Debug)]
pub struct SurveyPolicy<'p> {
    entries: &'p [Entry],
    /// All patterns of all entries, in the policy's order.
    patterns: Vec<PatternState<'p>>,
    /// Indices of the patterns that are plain names, by the name in lower case.
    names: HashMap<String, Vec<usize>>,
    /// Indices and matchers of all other patterns.
    matchers: Vec<(usize, Matcher<'p>)>,
    /// Indices of the entries, by the id that they pin.
    pinned: HashMap<u64, Vec<usize>>,
    /// By entry, the first repository whose ids differ, and the number of these repositories.
    differing: HashMap<usize, (Differing, u64)>,
    /// By entry, the name of the repository whose id it pins, if the entry does not match this name.
    pinned_names: HashMap<usize, String>,
}

#[derive(Debug)]
struct PatternState<'p> {
    entry: usize,
    pattern: &'p Pattern,
    reach: Reach,
    has_matched: bool,
    current_name: Option<CurrentName>,
}

/// Repositories that a pattern can match.
#[derive(Debug, PartialEq, Eq)]
enum Reach {
    /// One repository of the owner.
    Name(RepositoryName),
    /// Several repositories of the owner.
    Several,
    /// Only repositories of other owners.
    Others,
}

/// Entries that apply to a repository.
#[derive(Debug, Default)]
pub(super) struct MatchingEntries {
    entries: Vec<usize>,
    /// Whether other entries match the name but pin different ids.
    has_differing: bool,
}

impl<'p> SurveyPolicy<'p> {
    /// Compiles all entries of a policy for the repositories of `owner`, and keeps the compiled patterns.
    ///
    /// # Errors
    /// A pattern does not compile, or other repositories cannot use the policy.
    pub fn new(document: &'p Policy, owner: &str) -> Result<Self, Invalid> {
        // Finds the errors that a check in any repository would report.
        RepositoryRules::find(
            document,
            Provenance::OtherRepository,
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
            pinned_names: HashMap::new(),
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
        let reach = if let Kind::Literal | Kind::Exact = pattern.kind {
            let name = pattern.text.to_ascii_lowercase();
            self.names.entry(name).or_default().push(number);
            RepositoryName::parse(&pattern.text)
                .filter(|name| name.owner().eq_ignore_ascii_case(owner))
                .map_or(Reach::Others, Reach::Name)
        } else {
            // The names of repositories are ASCII.
            let matcher = pattern.compile(CaseSensitivity::Insensitive)?;
            self.matchers.push((number, matcher));
            match may_start_with(pattern, &format!("{}/", owner.to_ascii_lowercase())) {
                true => Reach::Several,
                false => Reach::Others,
            }
        };
        self.patterns.push(PatternState {
            entry,
            pattern,
            reach,
            has_matched: false,
            current_name: None,
        });
        Ok(())
    }

    /// Returns the number of entries, and how many of them are only for other owners.
    pub fn counts(&self) -> (usize, usize) {
        let mut own: Vec<_> = self
            .patterns
            .iter()
            .filter(|known| known.reach != Reach::Others)
            .collect();
        own.dedup_by_key(|known| known.entry);
        (self.entries.len(), self.entries.len() - own.len())
    }

    /// Returns the entries that apply to a repository, and remembers what they matched.
    pub(super) fn match_repository(&mut self, repository: &Repository) -> MatchingEntries {
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
                known.has_matched = true;
            }
        }
        named.dedup();
        let id = repository.id.map(|id| id.to_string());
        let owner_id = repository.owner_id.map(|id| id.to_string());
        let mut found = MatchingEntries::default();
        for number in named.iter().copied() {
            let entry = self.entries.get(number);
            if entry.is_some_and(|entry| entry.pins_match(id.as_deref(), owner_id.as_deref())) {
                found.entries.push(number);
            } else {
                found.has_differing = true;
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
            self.pinned_names.insert(*number, name.clone());
        }
        found
    }

    /// Returns the next name, from index `from` on, that none of the repositories has and whose current
    /// name is not known yet, with its index.
    pub fn next_lookup(&self, from: usize) -> Option<(usize, &RepositoryName)> {
        let rest = self.patterns.iter().enumerate().skip(from);
        let mut open = rest.filter(|(_, known)| !known.has_matched && known.current_name.is_none());
        open.find_map(|(number, known)| match &known.reach {
            // The pinned id has already shown the current name.
            Reach::Name(name) if !self.pinned_names.contains_key(&known.entry) => {
                Some((number, name))
            }
            _ => None,
        })
    }

    /// Sets what GitHub answered about the name with this index.
    pub fn set_current_name(&mut self, number: usize, current_name: CurrentName) {
        if let Some(known) = self.patterns.get_mut(number) {
            known.current_name = Some(current_name);
        }
    }

    /// Returns the lines of entries.
    pub(super) fn lines(&self, matching: &MatchingEntries) -> Vec<u32> {
        self.matching(matching)
            .map(|entry| entry.position.line)
            .collect()
    }

    fn matching<'s>(&'s self, matching: &'s MatchingEntries) -> impl Iterator<Item = &'p Entry> {
        matching
            .entries
            .iter()
            .filter_map(|number| self.entries.get(*number))
    }

    /// Whether a rule for the permission names the event, or could in the repository's own policy because
    /// the entry delegates the permission.
    pub(super) fn names_event(
        &self,
        matching: &MatchingEntries,
        permission: &str,
        event: &str,
    ) -> bool {
        self.matching(matching).any(|entry| {
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

    /// Returns what the policy lacks for the steps that use it.
    pub(super) fn findings(
        &self,
        matching: &MatchingEntries,
        workflows: &[WorkflowRow],
    ) -> Vec<SurveyFinding> {
        let steps = workflows.iter().flat_map(|workflow| &workflow.steps);
        let steps: Vec<&ActionStep> = steps.filter(|step| !step.own_policy).collect();
        let Some(first) = steps.first() else {
            return Vec::new();
        };
        if matching.entries.is_empty() {
            // An entry whose pins differ has its own finding.
            let mut message = format!("uses the policy {}", quoted(&first.policy));
            match steps.len() - 1 {
                0 => {}
                1 => message.push_str(", as does 1 more step"),
                more => message.push_str(&format!(", as do {}", count(more, "more step"))),
            }
            let finding = SurveyFinding::new(Code::NoEntry, message).at(&first.file, first.line);
            return if matching.has_differing {
                Vec::new()
            } else {
                vec![finding]
            };
        }
        let is_named = |permission: &str| {
            self.matching(matching).any(|entry| {
                let keys = entry.permissions.iter().flat_map(|rule| &*rule.permissions);
                keys.chain(&*entry.delegate)
                    .any(|key| key.as_str() == permission)
            })
        };
        let lines: Vec<_> = self
            .lines(matching)
            .iter()
            .map(ToString::to_string)
            .collect();
        let (entry, lines) = (
            if lines.len() == 1 { "line" } else { "lines" },
            lines.join(", "),
        );
        let pairs = steps
            .iter()
            .flat_map(|step| step.permissions.iter().map(move |key| (step, key)));
        let unnamed = pairs.filter(|(_, key)| key.contains(':') && !is_named(key));
        unnamed
            .map(|(step, key)| {
                let message = format!("requests {}; entry at {entry} {lines}", quoted(key));
                SurveyFinding::new(Code::PermissionNotNamed, message).at(&step.file, step.line)
            })
            .collect()
    }

    /// Returns the entries that have findings.
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

    fn of_pins(&self, number: usize, entry: &Entry) -> Vec<SurveyFinding> {
        let moved = self.pinned_names.get(&number).zip(entry.repository_id);
        let moved =
            moved.map(|(name, id)| format!("the pinned id {id} now belongs to {}", quoted(name)));
        let Some((differing, count)) = self.differing.get(&number) else {
            let renamed = moved.map(|message| SurveyFinding::new(Code::Renamed, message));
            return renamed.into_iter().collect();
        };
        let ids = [
            ("repository_id", entry.repository_id, differing.id),
            ("owner_id", entry.owner_id, differing.owner_id),
        ];
        let ids = ids.iter().filter_map(|(key, pin, is)| {
            let pin = (*pin).filter(|pin| Some(*pin) != *is)?;
            let is = is.map_or_else(|| "unknown".to_owned(), |id| id.to_string());
            Some(format!("`{key}` {is}, but the entry pins {pin}"))
        });
        let mut message = format!(
            "{} has {}",
            quoted(&differing.name),
            ids.collect::<Vec<_>>().join(" and ")
        );
        if *count > 1 {
            let more = count_of(
                count - 1,
                "more repository differs",
                "more repositories differ",
            );
            message.push_str(&format!("; {more}"));
        }
        if let Some(moved) = moved {
            message = format!("{message}; {moved}");
        }
        vec![SurveyFinding::new(Code::IdDiffers, message)]
    }

    fn of_pattern(&self, known: &PatternState<'_>) -> Option<SurveyFinding> {
        if known.has_matched || self.pinned_names.contains_key(&known.entry) {
            return None;
        }
        let text = quoted(&known.pattern.text);
        match (&known.reach, &known.current_name) {
            (Reach::Several, _) => {
                let kind = known.pattern.kind.name();
                Some(SurveyFinding::new(
                    Code::MatchesNothing,
                    format!("the {kind} {text}"),
                ))
            }
            (Reach::Name(_), Some(CurrentName::Gone)) => Some(SurveyFinding::new(Code::Gone, text)),
            (Reach::Name(old), Some(CurrentName::Is(new))) => {
                let name = RepositoryName::parse(new)?;
                let what = match name.owner().eq_ignore_ascii_case(old.owner()) {
                    _ if name.is_same(old) => return None,
                    true => "renamed",
                    false => "transferred",
                };
                let message = format!("{text} was {what} to {}", quoted(new));
                Some(SurveyFinding::new(Code::Renamed, message))
            }
            _ => None,
        }
    }
}

fn delegates(entry: &Entry, permission: &str) -> bool {
    entry.delegate.iter().any(|key| key.as_str() == permission)
}
