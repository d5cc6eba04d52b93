//! A proposed rule.

use std::collections::HashMap;

use super::needs::Need;
use super::starts::{Kind, Start};
use super::text::rule_text;
use crate::lint::{Level, Options, lint};
use crate::workflows::{Environment, Workflow};
use engine::policy::{Format, Kind as PatternKind, quoted};

/// A rule that is proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// For people.
    pub name: String,
    /// Permission keys, at least one.
    pub permissions: Vec<String>,
    /// One file.
    pub workflow: String,
    /// At least one.
    pub branches: Vec<Filter>,
    /// The bases of pull requests; empty in other events.
    pub bases: Vec<Filter>,
    /// Empty: any, or none.
    pub environments: Vec<String>,
    /// At least one, all trusted.
    pub events: Vec<String>,
    /// What to know about it, one sentence each.
    pub remarks: Vec<String>,
}

/// A pattern that is proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// This value.
    Exact(String),
    /// A glob as GitHub reads it.
    Glob(String),
    /// A regex.
    Regex(&'static str),
}

impl Filter {
    /// A filter of `on:`, which is a value unless it has a character that means something.
    pub(super) fn of_glob(filter: &str) -> Self {
        if PatternKind::of(filter) == PatternKind::Literal {
            Self::Exact(filter.to_owned())
        } else {
            Self::Glob(filter.to_owned())
        }
    }

    /// The branches of a merge queue for this base.
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

/// Needs and starts as rules: one for each start, and for permissions of the same environments.
pub(super) fn combine(file: &Workflow, needs: &[Need], starts: &[Start]) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
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
            if start.kind == Kind::PullRequest && !environments.is_empty() {
                remarks.push("A pull request brings its own version of this file: whoever can push a branch can use this rule.".to_owned());
            }
            let rule = Rule {
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
                let same = Rule {
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

/// All of them in one rule; empty where one is none, or none is known.
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
            "Only a run knows the environment {}: name those that are meant by `environment:`.",
            quoted(text)
        )
    });
    (names, remarks.collect())
}

fn name_of(file: &Workflow, start: &Start, environments: &[String]) -> String {
    let file = &file.file;
    let place = match (start.kind, start.branches.as_slice()) {
        (Kind::PullRequest, _) => "in pull requests".to_owned(),
        (Kind::Queue, _) => "in the merge queue".to_owned(),
        (Kind::Tag, _) if start.events == ["release"] => "at releases".to_owned(),
        (Kind::Tag, _) => "at tags".to_owned(),
        (Kind::Branch, [one]) => format!("on {}", one.text()),
        (Kind::Branch, several) => format!("on {} branches", several.len()),
    };
    match environments {
        [] => format!("{file} {place}"),
        [one] => format!("{file} {place} for {one}"),
        several => format!("{file} {place} for {} environments", several.len()),
    }
}

/// Gives rules of the same name a number.
pub(super) fn name(rules: &mut [Rule]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for rule in rules {
        let count = seen.entry(rule.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            rule.name = format!("{} ({count})", rule.name);
        }
    }
}

impl Rule {
    /// What the lint says against it, alone in a policy.
    pub(super) fn problem(&self) -> Option<String> {
        let mut text = String::from("version: 1\npermissions:\n");
        rule_text(&mut text, 2, self);
        lint(&text, Format::Yaml, &Options::default())
            .into_iter()
            .find(|finding| finding.level != Level::Note)
            .map(|finding| finding.message)
    }
}
