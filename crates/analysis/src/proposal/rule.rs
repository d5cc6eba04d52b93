//! Proposed rules.

use std::collections::HashMap;

use super::needs::Need;
use super::starts::{Start, StartKind};
use super::text::rule_text;
use crate::lint::{Level, LintOptions, lint};
use crate::workflows::{Environment, Workflow};
use engine::policy::{Format, Kind as PatternKind, quoted};

/// A proposed rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposedRule {
    /// Name of the rule, for readers.
    pub name: String,
    /// Permission keys, at least one.
    pub permissions: Vec<String>,
    /// Workflow file.
    pub workflow: String,
    /// Branches, at least one.
    pub branches: Vec<Filter>,
    /// Bases of pull requests; empty for other events.
    pub bases: Vec<Filter>,
    /// Environments; empty means any or none.
    pub environments: Vec<String>,
    /// Events, at least one, all trusted.
    pub events: Vec<String>,
    /// Remarks for the author, one sentence each.
    pub remarks: Vec<String>,
}

/// A proposed pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// One value.
    Exact(String),
    /// A glob with GitHub's meaning.
    Glob(String),
    /// A regular expression.
    Regex(&'static str),
}

impl Filter {
    /// Converts a filter of `on:`: a value, or a glob if it contains a special character.
    pub(super) fn of_glob(filter: &str) -> Self {
        if PatternKind::of(filter) == PatternKind::Literal {
            Self::Exact(filter.to_owned())
        } else {
            Self::Glob(filter.to_owned())
        }
    }

    /// Returns the branches of the merge queue for this base.
    pub(super) fn queue(&self) -> Self {
        Self::Glob(format!("gh-readonly-queue/{}/**", self.text()))
    }

    pub(super) fn text(&self) -> &str {
        match self {
            Self::Exact(text) | Self::Glob(text) => text,
            Self::Regex(text) => text,
        }
    }
}

/// Combines needs and starts into rules: one for each start and set of environments.
pub(super) fn combine(file: &Workflow, needs: &[Need], starts: &[Start]) -> Vec<ProposedRule> {
    let mut rules: Vec<ProposedRule> = Vec::new();
    for start in starts {
        let mut keys: Vec<&str> = Vec::new();
        for need in needs {
            if !keys.contains(&need.key.as_str()) {
                keys.push(&need.key);
            }
        }
        for key in keys {
            let needs: Vec<_> = needs.iter().filter(|need| need.key == key).collect();
            let events = start
                .events
                .iter()
                .filter(|event| needs.iter().any(|need| need.when.fits(start.kind, event)));
            let events: Vec<_> = events.cloned().collect();
            let needs = needs
                .iter()
                .filter(|need| events.iter().any(|event| need.when.fits(start.kind, event)));
            if events.is_empty() {
                continue;
            }
            let (environments, mut remarks) = environments(needs.map(|need| &need.environment));
            if start.kind == StartKind::PullRequest && !environments.is_empty() {
                remarks.push("A pull request brings its own version of this file: everyone who can push a branch can use this rule.".to_owned());
            }
            let rule = ProposedRule {
                name: name_of(file, start, &environments),
                permissions: vec![key.to_owned()],
                workflow: file.file.clone(),
                branches: start.branches.clone(),
                bases: start.bases.clone(),
                environments,
                events,
                remarks,
            };
            let mut known = rules.iter_mut();
            let known = known.find(|known| {
                let same = ProposedRule {
                    permissions: known.permissions.clone(),
                    ..rule.clone()
                };
                **known == same
            });
            match known {
                Some(known) => known.permissions.push(key.to_owned()),
                None => rules.push(rule),
            }
        }
    }
    rules
}

/// Returns the environments of one rule, and remarks. No environment is named if a job has none, or if
/// only a run knows them.
fn environments<'n>(needs: impl Iterator<Item = &'n Environment>) -> (Vec<String>, Vec<String>) {
    let mut names: Vec<String> = Vec::new();
    let mut dynamic: Vec<&str> = Vec::new();
    let mut is_any = false;
    for environment in needs {
        match environment {
            Environment::None => is_any = true,
            Environment::Named(name) => {
                if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                    names.push(name.clone());
                }
            }
            Environment::Dynamic(text) if !dynamic.contains(&text.as_str()) => dynamic.push(text),
            Environment::Dynamic(_) => {}
        }
    }
    if is_any {
        return (Vec::new(), Vec::new());
    }
    let remarks = dynamic.iter().map(|text| {
        format!(
            "Only a run knows the environment {}: name the intended ones with `environment:`.",
            quoted(text)
        )
    });
    (names, remarks.collect())
}

fn name_of(file: &Workflow, start: &Start, environments: &[String]) -> String {
    let file = &file.file;
    let scope = match (start.kind, start.branches.as_slice()) {
        (StartKind::PullRequest, _) => "in pull requests".to_owned(),
        (StartKind::Queue, _) => "in the merge queue".to_owned(),
        (StartKind::Tag, _) if start.events == ["release"] => "on releases".to_owned(),
        (StartKind::Tag, _) => "on tags".to_owned(),
        (StartKind::Branch, [one]) => format!("on {}", one.text()),
        (StartKind::Branch, several) => format!("on {} branches", several.len()),
    };
    match environments {
        [] => format!("{file} {scope}"),
        [one] => format!("{file} {scope} for {one}"),
        several => format!("{file} {scope} for {} environments", several.len()),
    }
}

/// Numbers rules that have the same name.
pub(super) fn name(rules: &mut [ProposedRule]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for rule in rules {
        let count = seen.entry(rule.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            rule.name = format!("{} ({count})", rule.name);
        }
    }
}

impl ProposedRule {
    /// Returns the first error or warning of the linter for a policy with only this rule.
    pub(super) fn problem(&self) -> Option<String> {
        let mut text = String::from("version: 1\npermissions:\n");
        rule_text(&mut text, 2, self);
        lint(&text, Format::Yaml, &LintOptions::default())
            .into_iter()
            .find(|finding| finding.level != Level::Note)
            .map(|finding| finding.message)
    }
}
