//! Proposed rules.

use std::collections::HashMap;

use crate::workflows::filter_matches;
use engine::plural::count;
use engine::policy::Kind as PatternKind;

/// A proposed rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposedRule {
    /// Name of the rule, for readers.
    pub name: String,
    /// Permission keys, at least one.
    pub permissions: Vec<String>,
    /// Workflow files, at least one.
    pub workflows: Vec<String>,
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
    /// What the files contain that asks for it.
    pub evidence: Vec<Evidence>,
}

/// A place in a workflow file that asks for a permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What stands there.
    pub seen: String,
    /// Name of the file.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
}

/// A proposed pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Filter {
    /// One value.
    Exact(String),
    /// A glob with GitHub's meaning.
    Glob(String),
    /// A regular expression.
    Regex(&'static str),
}

impl Filter {
    /// Returns the branches of the merge queue for this base.
    pub(super) fn queue(&self) -> Self {
        Self::Glob(format!("gh-readonly-queue/{}/**", self.text()))
    }

    /// Whether it matches a name. A pattern that is not valid matches nothing.
    pub(super) fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(text) => text == name,
            Self::Glob(glob) => filter_matches(glob, name) == Some(true),
            // All branches of the repository itself.
            Self::Regex(_) => !name.is_empty() && !name.contains(':'),
        }
    }

    pub(super) fn kind(&self) -> PatternKind {
        match self {
            Self::Exact(_) => PatternKind::Exact,
            Self::Glob(_) => PatternKind::Glob,
            Self::Regex(_) => PatternKind::Regex,
        }
    }

    pub(super) fn text(&self) -> &str {
        match self {
            Self::Exact(text) | Self::Glob(text) => text,
            Self::Regex(text) => text,
        }
    }
}

/// Names rules after their files and runs, and numbers those with the same name.
pub(super) fn name(rules: &mut [ProposedRule]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for rule in rules {
        rule.name = rule.description();
        let count = seen.entry(rule.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            rule.name = format!("{} ({count})", rule.name);
        }
    }
}

impl ProposedRule {
    /// Whether it names tags and no branches.
    pub(super) fn is_for_tags(&self) -> bool {
        let mut branches = self.branches.iter();
        branches.all(|branch| branch.text().starts_with("refs/tags/"))
    }

    fn description(&self) -> String {
        let files = match self.workflows.as_slice() {
            [] => String::new(),
            [file] => file.clone(),
            [file, others @ ..] => format!("{file} and {}", count(others.len(), "other file")),
        };
        let event = self.events.first().map(String::as_str).unwrap_or_default();
        let is_tag = self.is_for_tags();
        let scope = match (event, self.branches.as_slice()) {
            ("pull_request", _) => "in pull requests".to_owned(),
            ("merge_group", _) => "in the merge queue".to_owned(),
            ("release", _) => "on releases".to_owned(),
            (_, [one]) if !is_tag => format!("on {}", one.text()),
            (_, _) if is_tag => "on tags".to_owned(),
            (_, several) => format!("on {} branches", several.len()),
        };
        match self.environments.as_slice() {
            [] => format!("{files} {scope}"),
            [one] => format!("{files} {scope} for {one}"),
            several => format!("{files} {scope} for {} environments", several.len()),
        }
    }
}
