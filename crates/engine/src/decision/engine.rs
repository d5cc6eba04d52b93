//! A policy with an index.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::evaluator::{Compiled, Evaluator};
use super::repository_rules::{RepositoryRules, in_file_order};
use super::{HasTime, Reason, Scope};
use crate::context::Context;
use crate::policy::{Invalid, PermissionKey, Policy, Rule};

/// A policy that is ready to decide: the entries of a repository and the rules of a permission are looked up,
/// so a decision costs what they cost and not what the policy does. From the second decision on, compiled
/// patterns are kept.
#[derive(Debug)]
pub struct Engine {
    document: Policy,
    /// The entries that name a repository, by that name in lower case, each in file order.
    named: HashMap<Arc<str>, Vec<u32>>,
    /// Those that have to be tried for each repository: with a pattern that is no name, or is wrong.
    tried: Vec<u32>,
    /// The rules of each permission in file order.
    rules: HashMap<PermissionKey, Vec<Place>>,
    /// Whether it has decided before. Most processes decide once, and a pattern can take a megabyte.
    is_used: AtomicBool,
    compiled: Compiled,
}

/// The place of a rule: its list (0 for that at the top, the number of an entry from 1) and its place in it.
type Place = (u32, u32);

impl Engine {
    /// Makes the index: a pass over the policy.
    pub fn new(document: Policy) -> Self {
        let mut engine = Self {
            document: Policy::default(),
            named: HashMap::new(),
            tried: Vec::new(),
            rules: HashMap::new(),
            is_used: AtomicBool::new(false),
            compiled: Compiled::default(),
        };
        engine.add(0, document.permissions.as_deref().unwrap_or_default());
        let entries = document.repositories.iter().flat_map(|(_, list)| list);
        for (number, entry) in (0..).zip(entries) {
            engine.add(number + 1, &entry.permissions);
            let Some(names) = entry.repository.names() else {
                engine.tried.push(number);
                continue;
            };
            for name in names {
                let name = match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
                    true => name.to_ascii_lowercase().into(),
                    false => Arc::clone(name),
                };
                let of_name = engine.named.entry(name).or_default();
                if of_name.last() != Some(&number) {
                    of_name.push(number);
                }
            }
        }
        Self { document, ..engine }
    }

    fn add(&mut self, list: u32, rules: &[Rule]) {
        for (place, rule) in (0..).zip(rules) {
            for permission in &*rule.permissions {
                let places = match self.rules.get_mut(permission) {
                    Some(places) => places,
                    None => self.rules.entry(permission.clone()).or_default(),
                };
                // A rule may name a permission twice, and is one rule all the same.
                if places.last() != Some(&(list, place)) {
                    places.push((list, place));
                }
            }
        }
    }

    /// The policy.
    pub fn document(&self) -> &Policy {
        &self.document
    }

    /// How the patterns of one decision are tried.
    pub(super) fn evaluator<'t>(&'t self, has_time: HasTime<'t>) -> Evaluator<'t> {
        let is_used = self.is_used.swap(true, Ordering::Relaxed);
        Evaluator {
            has_time,
            compiled: is_used.then_some(&self.compiled),
        }
    }

    /// What the policy has for the repository of a context.
    pub(super) fn repository_rules(
        &self,
        scope: Scope,
        context: &Context,
        evaluator: Evaluator<'_>,
    ) -> Result<RepositoryRules<'_>, Invalid> {
        let entries = self.document.repositories.as_ref();
        let entries = entries.map_or(&[][..], |(_, entries)| entries);
        let candidates = self.candidates(context.repository.as_deref()).into_iter();
        let candidates = candidates.filter_map(|number| {
            let entry = entries.get(usize::try_from(number).ok()?)?;
            Some((number, entry))
        });
        RepositoryRules::among(&self.document, candidates, scope, context, evaluator)
    }

    /// The rules of a permission that an installation has, in file order.
    pub(super) fn rules<'p>(
        &self,
        repository_rules: &RepositoryRules<'p>,
        permission: &PermissionKey,
    ) -> Result<Vec<&'p Rule>, Reason> {
        let of_permission = self.rules.get(permission).map_or(&[][..], Vec::as_slice);
        let mut rules = Vec::new();
        for (list, of_list) in repository_rules.lists()? {
            let from = of_permission.partition_point(|(other, _)| *other < list);
            let places = of_permission.iter().skip(from);
            let places = places.take_while(|(other, _)| *other == list);
            rules
                .extend(places.filter_map(|(_, place)| of_list.get(usize::try_from(*place).ok()?)));
        }
        in_file_order(&mut rules);
        Ok(rules)
    }

    /// The entries that may name a repository, in file order.
    fn candidates(&self, repository: Option<&str>) -> Vec<u32> {
        let named = repository.and_then(|name| self.named.get(&*name.to_ascii_lowercase()));
        let named = named.map_or(&[][..], Vec::as_slice);
        let mut candidates = [&self.tried, named].concat();
        candidates.sort_unstable();
        candidates
    }
}
