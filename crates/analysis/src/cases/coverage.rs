//! Finds the rules that no case matched.

use std::collections::BTreeMap;

use serde::Serialize;

use engine::decision::PermissionDecision;
use engine::policy::Policy;

/// The rules of all tested policies. Several files of cases can test the same policy.
#[derive(Debug, Default)]
pub struct Coverage {
    /// By name, with the rules by line and column.
    policies: BTreeMap<String, BTreeMap<(u32, u32), Rule>>,
}

#[derive(Debug)]
struct Rule {
    name: Option<String>,
    permissions: Vec<String>,
    covered: bool,
}

/// A rule that no case matched.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Uncovered<'a> {
    /// The policy, in the caller's spelling.
    pub policy: &'a str,
    /// Line of the rule's start, from 1.
    pub line: u32,
    /// Its name, if it has one.
    pub name: Option<&'a str>,
    /// The permissions that it grants.
    pub permissions: &'a [String],
}

impl Coverage {
    /// Adds the rules of a policy.
    pub(super) fn add(&mut self, policy: &str, document: &Policy) {
        if self.policies.contains_key(policy) {
            return;
        }
        let rules = document.rules().map(|rule| {
            let place = (rule.position.line, rule.position.column);
            let name = rule.name.as_deref().map(str::to_owned);
            let permissions = rule.permissions.iter().map(ToString::to_string);
            let rule = Rule {
                name,
                permissions: permissions.collect(),
                covered: false,
            };
            (place, rule)
        });
        self.policies.insert(policy.to_owned(), rules.collect());
    }

    /// Marks all matching rules, including those after the granting one. It ignores the own policy's rules, which
    /// apply to delegated permissions only.
    pub(super) fn cover(&mut self, policy: &str, decisions: &[PermissionDecision]) {
        let Some(rules) = self.policies.get_mut(policy) else {
            return;
        };
        let traced = decisions.iter().flat_map(|decision| &decision.trace);
        for traced in traced.filter(|traced| traced.matched && !traced.rule.own_policy) {
            let place = (traced.rule.line, traced.rule.column);
            if let Some(rule) = rules.get_mut(&place) {
                rule.covered = true;
            }
        }
    }

    /// Returns the rules that no case matched, in file order.
    pub fn uncovered(&self) -> impl Iterator<Item = Uncovered<'_>> {
        self.policies.iter().flat_map(|(policy, rules)| {
            let rules = rules.iter().filter(|(_, rule)| !rule.covered);
            rules.map(|((line, _), rule)| Uncovered {
                policy,
                line: *line,
                name: rule.name.as_deref(),
                permissions: &rule.permissions,
            })
        })
    }

    /// Returns the number of rules.
    pub fn rules(&self) -> usize {
        self.policies.values().map(BTreeMap::len).sum()
    }
}
