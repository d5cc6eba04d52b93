//! Finds rules that grant nothing beyond other rules.

use jiff::Timestamp;

use super::automaton::Automata;
use super::cell::{Merging, Wanted};
use super::cover::Budget;
use super::grant::{Grant, Section};
use super::nearby::Nearby;
use super::search::{SearchResult, uncovered};
use super::space::{Others, Space};
use super::text::Classifier;
use engine::policy::Rule;

/// Returns the other grants of a list that together cover every job of one of its rules. All of them must be
/// valid. Returns `None` if there are none, if the comparison is too large, and for a rule that grants nothing.
pub(crate) fn grant_all<'a>(
    list: Section<'a>,
    others: &[&'a Rule],
    rule: &'a Rule,
    now: Timestamp,
    (automata, budget): (&mut Automata, &mut Budget),
) -> Option<Vec<&'a Rule>> {
    /// Maximum number of grants in a comparison.
    const MAX_NEAR: usize = 8;
    /// Maximum number of steps of a comparison.
    const STEPS: usize = 100_000;
    let grant_of = |rule: &'a Rule| Grant {
        section: list,
        rule: Some(rule),
        key: "",
    };
    let is_live = |rule: &Rule| {
        let expires = rule.expires.as_ref();
        expires.is_none_or(|expires| !expires.is_over(now))
    };
    let mut classifier = Classifier::new(automata);
    let known = classifier.known(grant_of(rule));
    let mut live = Nearby::default();
    for other in others.iter().filter(|other| is_live(other)) {
        let other = classifier.known(grant_of(other));
        live.add(other, &classifier.interner);
    }
    let near = live.of(&known, &classifier.interner);
    let near: Vec<_> = near.into_iter().copied().collect();
    if near.is_empty() || near.len() > MAX_NEAR || !is_live(rule) {
        return None;
    }
    budget.spend(STEPS)?;
    if !near.iter().all(|other| classifier.has_automata(other)) {
        return None;
    }
    let mut is_covered = |others: &[_]| {
        let mut space = Space::new(known, Others::new(others.to_vec()), now, &classifier);
        Merging::ALL.into_iter().all(|merging| {
            let found = uncovered(&mut space, &mut classifier, Wanted::all(merging));
            matches!(found, SearchResult::Covered)
        })
    };
    let is_covered = is_covered(&near) && !is_covered(&[]);
    is_covered.then(|| near.iter().filter_map(|other| other.grant.rule).collect())
}
