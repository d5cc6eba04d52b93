//! Policies as far as `init` writes them, and what their rules name.

use regex::Regex;

use super::reference::{Environment, Node, Reference};
use crate::support::pattern;

/// A rule with the line that names it.
#[derive(Clone, Debug)]
pub struct Rule {
    pub name: String,
    pub permissions: Vec<String>,
    pub workflow: Option<Vec<Pattern>>,
    pub branch: Option<Vec<Pattern>>,
    pub base: Option<Vec<Pattern>>,
    pub environment: Option<Vec<Pattern>>,
    pub events: Option<Vec<String>>,
}

/// A pattern over a whole value.
#[derive(Clone, Debug)]
pub enum Pattern {
    Any,
    Exact(String),
    Other(Regex),
}

/// The rules at the top of a policy.
pub fn rules(policy: &str) -> Vec<Rule> {
    let policy = Node::parse(policy).unwrap();
    let rules = policy
        .get("permissions")
        .map(Node::items)
        .unwrap_or_default();
    rules.iter().map(Rule::read).collect()
}

impl Rule {
    fn read(rule: &Node) -> Self {
        let patterns = |key| rule.get(key).map(Pattern::list);
        let permissions = rule.get("permission").unwrap().texts();
        let name = rule.get("name").and_then(Node::text).map(str::to_owned);
        Self {
            name: name.unwrap_or_else(|| permissions.join(", ")),
            permissions,
            workflow: patterns("workflow"),
            branch: patterns("branch"),
            base: patterns("base"),
            environment: patterns("environment"),
            events: rule.get("events").map(Node::texts),
        }
    }

    pub fn is_for(&self, workflow: &str) -> bool {
        match_any(self.workflow.as_deref(), workflow)
    }

    /// Whether the rule grants on this ref. `default_branch` is trusted as a base, because the policy is the
    /// repository's own.
    pub fn is_for_ref(&self, reference: &Reference, default_branch: &str) -> bool {
        let branch = branch(reference);
        match_any(self.branch.as_deref(), &branch)
            && match reference {
                Reference::Branch(_) | Reference::Tag(_) => true,
                Reference::Pull { base, .. } | Reference::Target { base, .. } => match &self.base {
                    Some(patterns) => match_any(Some(patterns), base),
                    None => base == default_branch || match_any(self.branch.as_deref(), base),
                },
            }
    }

    /// The environments that the rule names, out of these. Without `environment:` it is for jobs that have none.
    pub fn environments(&self, known: &[String]) -> Vec<Environment> {
        let Some(patterns) = &self.environment else {
            return vec![Environment::None];
        };
        let written = patterns.iter().filter_map(|pattern| match pattern {
            Pattern::Exact(name) => Some(name.to_lowercase()),
            _ => None,
        });
        let known = known.iter().map(|name| name.to_lowercase());
        let all = written.chain(known);
        let named = all.filter(|name| {
            patterns
                .iter()
                .any(|pattern| pattern.matches_without_case(name))
        });
        named.map(Environment::Named).collect()
    }

    /// Refs that the rule names by their name.
    pub fn names(&self) -> Vec<String> {
        let all = [&self.branch, &self.base];
        let all = all.into_iter().flatten().flatten();
        all.filter_map(|pattern| match pattern {
            Pattern::Exact(name) => Some(name.clone()),
            _ => None,
        })
        .collect()
    }
}

/// The value that `branch:` is compared with.
pub fn branch(reference: &Reference) -> String {
    match reference {
        Reference::Branch(name) if name.starts_with("refs/") => format!("refs/heads/{name}"),
        Reference::Branch(name) => name.clone(),
        Reference::Tag(name) => format!("refs/tags/{name}"),
        Reference::Pull { head, .. } => head.clone(),
        Reference::Target { head, .. } => format!("unknown:{head}"),
    }
}

fn match_any(patterns: Option<&[Pattern]>, value: &str) -> bool {
    patterns.is_none_or(|patterns| patterns.iter().any(|pattern| pattern.matches(value)))
}

impl Pattern {
    fn list(node: &Node) -> Vec<Self> {
        match node {
            Node::List(items) => items.iter().map(Self::read).collect(),
            one => vec![Self::read(one)],
        }
    }

    fn read(node: &Node) -> Self {
        let explicit = |key| node.get(key).and_then(Node::text);
        if let Some(text) = explicit("exact") {
            return Self::Exact(text.to_owned());
        }
        if let Some(glob) = explicit("glob") {
            return Self::Other(super::reference::filter::regex(glob).unwrap());
        }
        let text = node.text().or(explicit("regex")).unwrap();
        match text {
            "*" => Self::Any,
            text if !text.contains(|c| r"\^$*+?()[]{}|".contains(c)) => {
                Self::Exact(text.to_owned())
            }
            text => Self::Other(pattern::regex(&format!("^(?:{text})$")).unwrap()),
        }
    }

    fn matches(&self, value: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(text) => text == value,
            Self::Other(regex) => regex.is_match(value),
        }
    }

    fn matches_without_case(&self, value: &str) -> bool {
        match self {
            Self::Exact(text) => text.eq_ignore_ascii_case(value),
            Self::Other(regex) => {
                let regex = pattern::regex(&format!("(?i){}", regex.as_str())).unwrap();
                regex.is_match(value)
            }
            Self::Any => true,
        }
    }
}
