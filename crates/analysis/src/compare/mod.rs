//! Compares what two policies grant, exactly, as sets of jobs.
//!
//! It compares each grant of one policy with those of the other, with patterns as automata, so that
//! `main|develop` equals a list of both. Each difference comes with an example job. If an exact comparison would
//! take too long, the grant counts as different and is marked, so that wider access is never missed.

pub(crate) mod automaton;
mod axis;
mod cell;
mod changes;
mod classes;
mod cover;
mod difference;
mod grant;
mod hash;
mod interner;
mod literals;
mod nearby;
mod product;
mod redundant;
mod replay;
mod search;
mod space;
mod starts;
mod text;
mod valid;
mod words;
mod work;

use jiff::Timestamp;

pub(crate) use automaton::Automata;
pub use changes::{AccessChange, Comparison, Example};
pub(crate) use cover::{Budget, covers, matches_a_value, may_match};
use difference::Comparer;
pub use grant::Section;
use grant::grants;
pub(crate) use redundant::grant_all;
pub use replay::{Check, Replay, Replayed, Times};
pub use valid::patterns_compile;
use valid::retain_unbroken;

use engine::policy::{Invalid, Policy};

/// Compares what two policies grant from `now` on. A pattern that does not compile grants nothing.
///
/// # Errors
/// Patterns of the new policy do not compile.
pub fn compare<'a>(
    old: &'a Policy,
    new: &'a Policy,
    now: Timestamp,
) -> Result<Comparison<'a>, Invalid> {
    patterns_compile(new, &|| true)?;
    let mut before = grants(old, now);
    if patterns_compile(old, &|| true).is_err() {
        retain_unbroken(old, &mut before);
    }
    let after = grants(new, now);
    let mut automata = Automata::default();
    let mut comparer = Comparer::new(now, &mut automata);
    Ok(Comparison {
        added: comparer.difference(&after, &before),
        removed: comparer.difference(&before, &after),
    })
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;

#[cfg(test)]
mod decision_tests;

#[cfg(test)]
mod index_tests;

#[cfg(test)]
mod many_tests;
