//! A policy with an index for decisions.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::evaluator::{HasTime, PatternCache, PatternEvaluator};
use super::provenance::Provenance;
use super::reason::Reason;
use super::repository_rules::{RepositoryRules, in_file_order};
use crate::context::Context;
use crate::policy::{Invalid, PermissionKey, Policy, Rule};

/// A policy that is ready for decisions. It looks up the entries of a repository and the rules of a permission,
/// so the cost of a decision depends on these and not on the size of the policy. From the second decision on, it
/// keeps compiled patterns.
#[derive(Debug)]
pub struct Engine {
    policy: Policy,
    /// Numbers of the entries that name a repository, by that name in lower case, in file order.
    named: HashMap<Arc<str>, Vec<u32>>,
    /// Numbers of the entries whose patterns must be evaluated for each repository, because one of them is not a
    /// name, or is invalid.
    unindexed: Vec<u32>,
    /// Rules of each permission, in file order.
    rules: HashMap<PermissionKey, Vec<RuleIndex>>,
    /// Whether it has decided before. Most processes decide once, and a compiled pattern can take a megabyte.
    is_used: AtomicBool,
    compiled: PatternCache,
}

/// Index of a rule: its list (0 at the top, otherwise the number of the entry, from 1) and its index in the list.
type RuleIndex = (u32, u32);

impl Engine {
    /// Builds the index in one pass over the policy.
    ///
    /// ```
    /// # use engine::context::Context;
    /// # use engine::decision::{Engine, Policies, Provenance, Question, Reason, decide};
    /// # use engine::policy::{Format, PermissionKey, Policy};
    /// let text = "version: 1\npermissions: [{ permission: 'ws:locks:create', branch: main }]\n";
    /// let engine = Engine::new(Policy::parse(text, Format::Yaml)?);
    /// let policies = Policies::one(&engine, Provenance::ThisRepository);
    /// let context = Context::default();
    /// for (key, reason) in [
    ///     ("ws:locks:create", Reason::NoRuleMatches),
    ///     ("ws:locks:delete", Reason::PermissionNotGranted),
    /// ] {
    ///     let permissions = [PermissionKey::parse(key.into())?];
    ///     let question = Question::new(&permissions, &context, jiff::Timestamp::UNIX_EPOCH);
    ///     assert_eq!(decide(policies.clone(), question)?[0].reason, reason);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(policy: Policy) -> Self {
        let mut engine = Self {
            policy: Policy::default(),
            named: HashMap::new(),
            unindexed: Vec::new(),
            rules: HashMap::new(),
            is_used: AtomicBool::new(false),
            compiled: PatternCache::default(),
        };
        engine.add(0, policy.permissions.as_deref().unwrap_or_default());
        let entries = policy.repositories.iter().flat_map(|(_, list)| list);
        for (number, entry) in (0..).zip(entries) {
            engine.add(number + 1, &entry.permissions);
            let Some(names) = entry.repository.names() else {
                engine.unindexed.push(number);
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
        Self { policy, ..engine }
    }

    fn add(&mut self, list: u32, rules: &[Rule]) {
        for (place, rule) in (0..).zip(rules) {
            for permission in &*rule.permissions {
                let places = match self.rules.get_mut(permission) {
                    Some(places) => places,
                    None => self.rules.entry(permission.clone()).or_default(),
                };
                // A rule that names a permission twice still counts once.
                if places.last() != Some(&(list, place)) {
                    places.push((list, place));
                }
            }
        }
    }

    /// Limits the memory for compiled patterns, in bytes.
    #[must_use]
    pub fn with_cache(self, bytes: u64) -> Self {
        Self {
            compiled: PatternCache::with_limit(bytes),
            ..self
        }
    }

    /// Returns the memory that compiled patterns use, in bytes.
    pub fn cached_bytes(&self) -> u64 {
        self.compiled.bytes()
    }

    /// Returns the policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Returns the evaluator for the patterns of one decision.
    pub(super) fn evaluator<'t>(&'t self, has_time: HasTime<'t>) -> PatternEvaluator<'t> {
        let is_used = self.is_used.swap(true, Ordering::Relaxed);
        PatternEvaluator {
            has_time,
            compiled: is_used.then_some(&self.compiled),
        }
    }

    /// Returns the policy's rules for the repository of a context.
    pub(super) fn repository_rules(
        &self,
        provenance: Provenance,
        context: &Context,
        evaluator: PatternEvaluator<'_>,
    ) -> Result<RepositoryRules<'_>, Invalid> {
        let entries = self.policy.repositories.as_ref();
        let entries = entries.map_or(&[][..], |(_, entries)| entries);
        let candidates = self.candidates(context.repository.as_deref()).into_iter();
        let candidates = candidates.filter_map(|number| {
            let entry = entries.get(usize::try_from(number).ok()?)?;
            Some((number, entry))
        });
        RepositoryRules::from_candidates(&self.policy, candidates, provenance, context, evaluator)
    }

    /// Returns a repository's rules for a permission, in file order.
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

    /// Returns the numbers of the entries that can name a repository, in file order.
    fn candidates(&self, repository: Option<&str>) -> Vec<u32> {
        let named = repository.and_then(|name| self.named.get(&*name.to_ascii_lowercase()));
        let named = named.map_or(&[][..], Vec::as_slice);
        let mut candidates = [&self.unindexed, named].concat();
        candidates.sort_unstable();
        candidates
    }
}
