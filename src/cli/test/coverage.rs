//! Which rules of the policies no case ever matched.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::decision::PermissionDecision;
use crate::policy::Document;

/// The rules of every policy that was tested. Several files of cases may test the same one.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    policies: BTreeMap<PathBuf, Policy>,
}

#[derive(Debug)]
struct Policy {
    /// As the first file of cases named it.
    name: String,
    /// By line and column.
    rules: BTreeMap<(u32, u32), Rule>,
}

#[derive(Debug)]
struct Rule {
    name: Option<String>,
    covered: bool,
}

/// A rule that no case matched.
#[derive(Debug, Serialize)]
pub(super) struct Uncovered<'a> {
    pub(super) policy: &'a str,
    pub(super) line: u32,
    pub(super) name: Option<&'a str>,
}

impl Coverage {
    /// Adds the rules of a policy and gives the key to cover them by.
    pub(super) fn add(&mut self, path: &Path, name: &str, document: &Document<'_>) -> PathBuf {
        let key = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        self.policies.entry(key.clone()).or_insert_with(|| {
            let rules = document.rules().map(|rule| {
                let place = (rule.position.line, rule.position.column);
                let name = rule.name.as_deref().map(str::to_owned);
                let covered = false;
                (place, Rule { name, covered })
            });
            Policy {
                name: name.to_owned(),
                rules: rules.collect(),
            }
        });
        key
    }

    /// Counts every rule that matched, also after the one that grants.
    pub(super) fn cover(&mut self, key: &Path, decisions: &[PermissionDecision<'_>]) {
        let Some(policy) = self.policies.get_mut(key) else {
            return;
        };
        let traced = decisions.iter().flat_map(|decision| &decision.trace);
        for traced in traced.filter(|traced| traced.matched) {
            let place = (traced.rule.line, traced.rule.column);
            if let Some(rule) = policy.rules.get_mut(&place) {
                rule.covered = true;
            }
        }
    }

    pub(super) fn uncovered(&self) -> impl Iterator<Item = Uncovered<'_>> {
        self.policies.values().flat_map(|policy| {
            let rules = policy.rules.iter().filter(|(_, rule)| !rule.covered);
            rules.map(|((line, _), rule)| Uncovered {
                policy: &policy.name,
                line: *line,
                name: rule.name.as_deref(),
            })
        })
    }

    /// How many rules there are.
    pub(super) fn rules(&self) -> usize {
        self.policies
            .values()
            .map(|policy| policy.rules.len())
            .sum()
    }
}
