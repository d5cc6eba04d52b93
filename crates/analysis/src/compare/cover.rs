//! Compares sets of values independently of jobs: whether a pattern matches values of a form, and whether patterns
//! cover others.

use std::collections::HashSet;
use std::rc::Rc;

use regex_automata::Anchored;
use regex_automata::dfa::Automaton as _;
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;

use super::automaton::{Automata, Automaton, Builder, Dfa, MAX_AUTOMATON, representatives};
use crate::pattern_text::{without_anchors, without_position};
use engine::policy::{CaseSensitivity, Kind, Pattern};

/// Budget of comparisons, in steps over automata and for building them. It does not measure time, so that results
/// are the same on every machine. A million steps take about ten milliseconds.
#[derive(Debug, Default)]
pub(crate) struct Budget(usize);

impl Budget {
    /// Returns the budget for all comparisons of a policy.
    pub(crate) fn of_policy() -> Self {
        Self(20_000_000)
    }

    /// Returns a budget for as much as a policy's patterns alone, without their comparison.
    pub(crate) fn of_patterns() -> Self {
        Self(2_000_000)
    }

    /// Spends a part. If too little is left, returns `None` and uses up the rest.
    pub(crate) fn spend(&mut self, steps: usize) -> Option<()> {
        let left = self.0.checked_sub(steps);
        self.0 = left.unwrap_or_default();
        left.map(|_| ())
    }

    /// Spends the cost of building an automaton, or of failing to.
    fn make(&mut self, made: Option<usize>) -> Option<()> {
        const BYTES_A_STEP: usize = 32;
        self.spend(made.unwrap_or(MAX_AUTOMATON) / BYTES_A_STEP)
    }
}

/// Returns whether the syntax of a pattern alone shows that it matches a value. This saves most automata.
pub(crate) fn matches_a_value(pattern: &Pattern) -> bool {
    // The anchors around a regex change nothing: it has to match the whole value.
    let bare = match pattern.kind {
        Kind::Regex => without_position(without_anchors(&pattern.text), Kind::Regex),
        _ => pattern.clone(),
    };
    let tree = bare.tree(CaseSensitivity::Sensitive);
    tree.is_ok_and(|tree| {
        let properties = tree.properties();
        // What contains a class without characters has no minimum.
        properties.look_set().is_empty()
            && properties.minimum_len().is_some()
            && properties.maximum_len() != Some(0)
    })
}

/// Returns whether the pattern matches a value of a form, a case-sensitive regex over the complete value. Returns
/// `true` if that is unknown.
pub(crate) fn may_match(
    (pattern, case): (&Pattern, CaseSensitivity),
    form: &str,
    budget: &mut Budget,
) -> bool {
    if budget.0 == 0 {
        return true;
    }
    let builder = Builder::default();
    let form = builder.form(form);
    let pattern = builder.pattern(pattern, case);
    let made = pattern.as_ref().map(Dfa::memory_usage);
    if budget.make(made).is_none() {
        return true;
    }
    let (Some(pattern), Some(form)) = (pattern, form) else {
        return true;
    };
    let is_both = |matched: &[bool], _| matched.iter().all(|matched| *matched);
    let is_alive = |alive: &[bool]| alive.iter().all(|alive| *alive);
    walk(&[&pattern, &form], Bytes::All, budget, is_alive, is_both) != Some(false)
}

/// Returns whether one of `wide` matches every value that one of `narrow` matches, or `None` if that is unknown.
pub(crate) fn covers(
    automata: &mut Automata,
    wide: &[&Pattern],
    narrow: &[&Pattern],
    ignores_case: bool,
    budget: &mut Budget,
) -> Option<bool> {
    let mut made: Vec<Rc<Automaton>> = Vec::new();
    for pattern in narrow.iter().chain(wide) {
        budget.spend(1)?;
        let automaton = automata.get(pattern, ignores_case);
        budget.make(automaton.as_ref().map(|one| one.exact.memory_usage()))?;
        made.push(automaton?);
    }
    let exact: Vec<_> = made.iter().map(|one| &one.exact).collect();
    let folded: Option<Vec<_>> = made.iter().map(|one| one.folded.as_ref()).collect();
    let count = narrow.len();
    let is_alive = |alive: &[bool]| alive.iter().take(count).any(|alive| *alive);
    let is_beyond = |matched: &[bool]| {
        let (narrow, wide) = (matched.iter().take(count), matched.iter().skip(count));
        narrow.clone().any(|matched| *matched) && !wide.clone().any(|matched| *matched)
    };
    // In dimensions that ignore case, only ASCII values do.
    let found = match folded {
        None => walk(&exact, Bytes::All, budget, is_alive, |matched, _| {
            is_beyond(matched)
        })?,
        Some(folded) => {
            let of_ascii = walk(&folded, Bytes::Ascii, budget, is_alive, |matched, _| {
                is_beyond(matched)
            })?;
            of_ascii
                || walk(&exact, Bytes::All, budget, is_alive, |matched, is_ascii| {
                    !is_ascii && is_beyond(matched)
                })?
        }
    };
    Some(!found)
}

/// Bytes of the values to walk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bytes {
    All,
    Ascii,
}

/// Walks all automata in parallel over every value except the empty one, which is an absent value. Returns whether
/// `is_found` is true of a value, given the matching automata and whether the value is ASCII. The walk does not
/// continue where `is_alive` is false. Returns `None` if there are more states than the budget allows.
fn walk(
    automata: &[&Dfa],
    bytes: Bytes,
    budget: &mut Budget,
    is_alive: impl Fn(&[bool]) -> bool,
    is_found: impl Fn(&[bool], bool) -> bool,
) -> Option<bool> {
    let config = start::Config::new().anchored(Anchored::Yes);
    let start = automata.iter().map(|dfa| dfa.start_state(&config).ok());
    let start: Box<[StateID]> = start.collect::<Option<_>>()?;
    let mut representatives = representatives(automata, &HashSet::new());
    representatives.retain(|byte| bytes == Bytes::All || byte.is_ascii());
    let mut seen = HashSet::from([(start.clone(), true)]);
    let mut queue = vec![(start, true)];
    while let Some((state, was_ascii)) = queue.pop() {
        for byte in &representatives {
            budget.spend(automata.len())?;
            let is_ascii = was_ascii && byte.is_ascii();
            let ids = automata.iter().zip(&state);
            let next: Box<[StateID]> = ids.map(|(dfa, id)| dfa.next_state(*id, *byte)).collect();
            let next = (next, is_ascii);
            if seen.contains(&next) {
                continue;
            }
            let ids = || automata.iter().zip(&next.0);
            let alive: Vec<_> = ids().map(|(dfa, id)| !dfa.is_dead_state(*id)).collect();
            if !is_alive(&alive) {
                continue;
            }
            let matched = ids().map(|(dfa, id)| dfa.is_match_state(dfa.next_eoi_state(*id)));
            if is_found(&matched.collect::<Vec<_>>(), is_ascii) {
                return Some(true);
            }
            seen.insert(next.clone());
            queue.push(next);
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern_text::without_position;
    use engine::policy::Kind;

    fn pattern(text: &str) -> Pattern {
        match text.strip_prefix("glob:") {
            Some(glob) => without_position(glob, Kind::Glob),
            None => without_position(text, Kind::of(text)),
        }
    }

    #[test]
    fn patterns_cover_each_other_as_sets() {
        for (wide, narrow, ignores_case, expected) in [
            (&["main|develop"][..], &["main", "develop"][..], false, true),
            (&["main", "develop"], &["main|develop"], false, true),
            (&["main"], &["main|develop"], false, false),
            (&["glob:release/**"], &["glob:release/*"], false, true),
            // `.` does not match the end of a line.
            (&["release/.*"], &["glob:release/*"], false, false),
            (&["glob:release/*"], &["release/.*"], false, false),
            (&["a.*", "[^a].*"], &[".*"], false, true),
            (&["(?i)main"], &["[Mm]ain"], false, true),
            (&["staging"], &["Stag(ing)"], true, true),
            (&["(?-i:staging)"], &["stag(ing)"], true, false),
            (&["s"], &["[s\u{17f}]"], true, false),
            (&[".+"], &[".*"], false, true),
        ] {
            let owned = |list: &'static [&'static str]| list.iter().map(|text| pattern(text));
            let (wide, narrow): (Vec<_>, Vec<_>) = (owned(wide).collect(), owned(narrow).collect());
            let wide: Vec<_> = wide.iter().collect();
            let narrow: Vec<_> = narrow.iter().collect();
            let seen = covers(
                &mut Automata::default(),
                &wide,
                &narrow,
                ignores_case,
                &mut Budget::of_policy(),
            );
            assert_eq!(seen, Some(expected), "{wide:?} {narrow:?}");
        }
    }

    #[test]
    fn a_pattern_meets_a_form_or_not() {
        for (text, form, expected) in [
            ("main", "refs/.+", false),
            ("refs/heads/main", "refs/.+", true),
            (".*main", "refs/.+", true),
            ("glob:**", "a|b", true),
            ("c?", "a|b", false),
            ("[0-9]{3}", "[0-9]{4}", false),
            // Nothing is said of what has no automaton.
            (r"\bmain\b", "refs/.+", true),
        ] {
            assert_eq!(
                may_match(
                    (&pattern(text), CaseSensitivity::Sensitive),
                    form,
                    &mut Budget::of_policy()
                ),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn a_budget_ends() {
        let mut budget = Budget(10);
        let wide = pattern("[ab]{1,9}");
        let narrow = pattern("[ab]{1,8}");
        let seen = covers(
            &mut Automata::default(),
            &[&wide],
            &[&narrow],
            false,
            &mut budget,
        );
        assert_eq!((seen, budget.0), (None, 0));
        assert!(may_match(
            (&narrow, CaseSensitivity::Sensitive),
            "c",
            &mut budget
        ));
    }
}
