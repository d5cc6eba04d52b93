//! A policy that decides many times.

use std::collections::HashMap;

use jiff::Timestamp;

use super::installation::{Installation, in_file_order};
use super::trying::{Compiled, Trying};
use super::{GoOn, PermissionDecision, Scope, decide_on_each};
use crate::context::Context;
use crate::policy::{Document, Invalid, PermissionKey, Rule};

/// A policy with an index: the entries of a repository and the rules of a permission are looked up, so
/// a decision costs what they cost and not what the policy does. Compiled patterns are kept.
///
/// It decides as [`super::decide`] does, which is the better choice for a single decision.
#[derive(Debug)]
pub struct Engine<'a> {
    document: Document<'a>,
    /// The entries that name a repository, by that name in lower case, each in file order.
    named: HashMap<String, Vec<usize>>,
    /// Those that have to be tried for each repository: with a pattern that is no name, or is wrong.
    tried: Vec<usize>,
    /// The rules of each permission in file order: the list that they are in (`None` is the one at the
    /// top, a number an entry's) and their place in it.
    rules: HashMap<String, Vec<(Option<usize>, usize)>>,
    compiled: Compiled,
}

impl<'a> Engine<'a> {
    /// Makes the index: a pass over the policy.
    pub fn new(document: Document<'a>) -> Self {
        let mut named: HashMap<String, Vec<usize>> = HashMap::new();
        let mut tried = Vec::new();
        let mut rules: HashMap<String, Vec<(Option<usize>, usize)>> = HashMap::new();
        let mut add = |list: Option<usize>, of_list: &[Rule<'_>]| {
            for (place, rule) in of_list.iter().enumerate() {
                for permission in &rule.permissions {
                    let key = permission.as_str();
                    let places = match rules.get_mut(key) {
                        Some(places) => places,
                        None => rules.entry(key.to_owned()).or_default(),
                    };
                    // A rule may name a permission twice, and is one rule all the same.
                    if places.last() != Some(&(list, place)) {
                        places.push((list, place));
                    }
                }
            }
        };
        add(None, document.permissions.as_deref().unwrap_or_default());
        let entries = document.repositories.iter().flat_map(|(_, list)| list);
        for (number, entry) in entries.enumerate() {
            add(Some(number), &entry.permissions);
            match entry.repository.names() {
                Some(names) => {
                    for name in names {
                        let of_name = named.entry(name.to_ascii_lowercase()).or_default();
                        if of_name.last() != Some(&number) {
                            of_name.push(number);
                        }
                    }
                }
                None => tried.push(number),
            }
        }
        Self {
            document,
            named,
            tried,
            rules,
            compiled: Compiled::default(),
        }
    }

    /// The policy.
    pub fn document(&self) -> &Document<'a> {
        &self.document
    }

    /// As [`super::decide`].
    ///
    /// # Errors
    /// The policy, or a pattern that one of the decisions would have to try, is invalid.
    pub fn decide<'s>(
        &'s self,
        scope: Scope,
        permissions: &[PermissionKey<'_>],
        context: &'s Context,
        now: Timestamp,
    ) -> Result<Vec<PermissionDecision<'s>>, Invalid> {
        self.decide_while(scope, permissions, context, now, &|| true)
    }

    /// As [`super::decide_while`].
    ///
    /// # Errors
    /// As [`Engine::decide`], and when it was told to stop.
    pub fn decide_while<'s>(
        &'s self,
        scope: Scope,
        permissions: &[PermissionKey<'_>],
        context: &'s Context,
        now: Timestamp,
        go_on: GoOn<'_>,
    ) -> Result<Vec<PermissionDecision<'s>>, Invalid> {
        let trying = Trying::again(go_on, &self.compiled);
        let document: &'s Document<'s> = &self.document;
        let candidates = self.candidates(context.repository.as_deref());
        let entries = document.repositories.as_ref().map(|(_, entries)| entries);
        let candidates = candidates.into_iter().filter_map(|number| {
            let entry = entries.and_then(|entries| entries.get(number))?;
            Some((number, entry))
        });
        let installation = Installation::among(document, candidates, scope, context, trying)?;
        let rules_of = |permission: &PermissionKey<'_>| {
            let of_permission = self.rules.get(permission.as_str());
            let of_permission = of_permission.map_or(&[][..], Vec::as_slice);
            let rules = installation.lists()?.flat_map(|(list, rules)| {
                let from = of_permission.partition_point(|(other, _)| *other < list);
                let of_list = of_permission.iter().skip(from);
                let of_list = of_list.take_while(move |(other, _)| *other == list);
                of_list.filter_map(|(_, place)| rules.get(*place))
            });
            Ok(in_file_order(rules))
        };
        decide_on_each(
            &installation,
            scope,
            permissions,
            rules_of,
            (context, now),
            trying,
        )
    }

    /// The entries that may name a repository, in file order.
    fn candidates(&self, repository: Option<&str>) -> Vec<usize> {
        let named = repository.and_then(|name| self.named.get(&name.to_ascii_lowercase()));
        let named = named.map_or(&[][..], Vec::as_slice);
        let mut candidates = [&self.tried, named].concat();
        candidates.sort_unstable();
        candidates
    }
}
