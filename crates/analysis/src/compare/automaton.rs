//! Patterns as automata: finds the combinations of patterns with a common value, and an example value.

use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;

use fixedbitset::FixedBitSet;
use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};

use engine::policy::{CaseSensitivity, Kind, Pattern, Patterns};

/// Maximum size of a pattern's automaton in bytes.
pub(super) const MAX_AUTOMATON: usize = 4 << 20;
/// Maximum number of states of a walk over several automata, times the number of automata.
const MAX_WALK: usize = 2_000_000;

pub(super) type Dfa = dense::DFA<Vec<u32>>;

/// Automata of a pattern over the bytes of a complete value.
#[derive(Debug)]
pub(super) struct Automaton {
    /// For values that are not ASCII, and for case-sensitive dimensions.
    pub(super) exact: Dfa,
    /// For ASCII values in dimensions that ignore case.
    pub(super) folded: Option<Dfa>,
}

impl Automaton {
    /// Builds the automata. Returns `None` if the pattern is too large, or has a part without an automaton, such as
    /// `\b`.
    pub(super) fn new(pattern: &Pattern, ignores_case: bool) -> Option<Self> {
        let folded = match ignores_case {
            true => Some(build(pattern, CaseSensitivity::Insensitive)?),
            false => None,
        };
        Some(Self {
            exact: build(pattern, CaseSensitivity::Sensitive)?,
            folded,
        })
    }
}

/// Maximum number of cached automata.
const MAX_KEPT: usize = 4096;

/// Cache of patterns' automata; `None` for patterns without one.
pub(crate) struct Automata {
    known: HashMap<(String, Kind, bool), Option<Rc<Automaton>>>,
    /// Maximum number of states of a walk over several automata.
    pub(super) max_walk: usize,
}

impl Default for Automata {
    fn default() -> Self {
        Self {
            known: HashMap::new(),
            max_walk: MAX_WALK,
        }
    }
}

impl Automata {
    /// Creates a cache for many short comparisons.
    pub(crate) fn of_short_walks() -> Self {
        Self {
            max_walk: MAX_WALK / 20,
            ..Self::default()
        }
    }

    pub(super) fn get(&mut self, pattern: &Pattern, ignores_case: bool) -> Option<Rc<Automaton>> {
        let key = (pattern.text.to_string(), pattern.kind, ignores_case);
        if self.known.len() >= MAX_KEPT {
            self.known.clear();
        }
        let made = self.known.entry(key);
        made.or_insert_with(|| Automaton::new(pattern, ignores_case).map(Rc::new))
            .clone()
    }

    /// Returns whether all patterns have an automaton.
    pub(super) fn has_all(&mut self, patterns: &Patterns, ignores_case: bool) -> bool {
        let mut list = patterns.list.iter();
        list.all(|pattern| self.get(pattern, ignores_case).is_some())
    }
}

/// Returns whether the pattern matches a value with this prefix, ignoring case. Returns `true` if that is
/// unknown.
pub(crate) fn may_start_with(pattern: &Pattern, start: &str) -> bool {
    let Some(dfa) = build(pattern, CaseSensitivity::Insensitive) else {
        return true;
    };
    let Ok(mut state) = dfa.start_state(&start::Config::new().anchored(Anchored::Yes)) else {
        return true;
    };
    for byte in start.bytes() {
        state = dfa.next_state(state, byte);
    }
    !dfa.is_dead_state(state)
}

pub(super) fn build(pattern: &Pattern, case: CaseSensitivity) -> Option<Dfa> {
    let tree = pattern.tree(case).ok()?;
    // Corresponds to the engine's `\A(?:…)\z`: the walk is anchored and tests for a match at the end.
    dfa(&regex_syntax::hir::Hir::concat(vec![
        tree,
        regex_syntax::hir::Hir::look(regex_syntax::hir::Look::End),
    ]))
}

pub(super) fn dfa(tree: &regex_syntax::hir::Hir) -> Option<Dfa> {
    let nfa = thompson::Compiler::new()
        .configure(
            thompson::Config::new()
                .which_captures(WhichCaptures::None)
                .nfa_size_limit(Some(MAX_AUTOMATON)),
        )
        .build_from_hir(tree)
        .ok()?;
    let config = dense::Config::new()
        .match_kind(MatchKind::All)
        .start_kind(StartKind::Anchored)
        .accelerate(false)
        .dfa_size_limit(Some(MAX_AUTOMATON))
        // Counts pointers too: on 32 bits an automaton may be known that is not on 64, never another one.
        .determinize_size_limit(Some(2 * MAX_AUTOMATON));
    dense::Builder::new()
        .configure(config)
        .build_from_nfa(&nfa)
        .ok()
}

/// The possible values of a dimension.
#[derive(Clone, Copy, Debug)]
pub(super) struct Domain {
    /// All values, as a regex without alternatives at the top level.
    pub(super) every: &'static str,
    /// Familiar values for examples.
    pub(super) familiar: &'static [&'static str],
}

impl Domain {
    /// Every string except the empty one, which is an absent value.
    pub(super) const TEXTS: Self = Self {
        every: "(?s:.)+",
        familiar: &[],
    };
}

/// A set of values that match the same patterns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Class {
    /// The matching patterns.
    pub(super) matched: FixedBitSet,
    /// A value of the set, if possible one that looks like a real name.
    pub(super) value: String,
}

/// Returns the classes of all values of a domain that match at least one of the first `inside` patterns, or of
/// all its values if `inside` is 0. Returns `None` if the walk takes more than `max_walk` states, times the
/// number of automata.
pub(super) fn classes(
    patterns: &[Rc<Automaton>],
    inside: usize,
    domain: &Domain,
    max_walk: usize,
) -> Option<Vec<Class>> {
    let automata = [domain.every, r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?"]
        .map(|regex| dfa(&regex_syntax::parse(&format!(r"{regex}\z")).ok()?));
    let [Some(every), Some(plausible)] = &automata else {
        return None;
    };
    let walk = Walk::new(every, plausible, patterns, inside)?;
    let mut found = ClassCollector::default();
    for value in domain.familiar {
        walk.record(&walk.after(value.as_bytes()), &mut found, || {
            (*value).to_owned()
        });
    }
    walk.run(&mut found, max_walk)?;
    Some(found.classes)
}

#[derive(Default)]
struct ClassCollector {
    classes: Vec<Class>,
    /// The index of each class, and whether its value looks like a name.
    known: HashMap<FixedBitSet, (usize, bool)>,
}

impl ClassCollector {
    fn add(&mut self, matched: FixedBitSet, is_plausible: bool, value: impl FnOnce() -> String) {
        match self.known.get_mut(&matched) {
            None => {
                self.known
                    .insert(matched.clone(), (self.classes.len(), is_plausible));
                self.classes.push(Class {
                    matched,
                    value: value(),
                });
            }
            Some((index, was_plausible)) if is_plausible && !*was_plausible => {
                *was_plausible = true;
                if let Some(class) = self.classes.get_mut(*index) {
                    class.value = value();
                }
            }
            Some(_) => {}
        }
    }
}

/// A combined state of all automata.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    ids: Box<[StateID]>,
    /// Whether the value has a byte outside ASCII.
    beyond_ascii: bool,
}

/// A walk over all automata in parallel: all values, plausible names, then one or two of each pattern.
struct Walk<'a> {
    automata: Vec<&'a Dfa>,
    /// For each pattern, the indices of its exact and its folded automaton.
    indices: Vec<(usize, Option<usize>)>,
    inside: usize,
    start: State,
    /// A representative of each class of bytes that all automata treat alike.
    bytes: Vec<u8>,
}

impl<'a> Walk<'a> {
    fn new(
        every: &'a Dfa,
        plausible: &'a Dfa,
        patterns: &'a [Rc<Automaton>],
        inside: usize,
    ) -> Option<Self> {
        let mut automata = vec![every, plausible];
        let indices = patterns
            .iter()
            .map(|pattern| {
                automata.push(&pattern.exact);
                let exact = automata.len() - 1;
                automata.extend(&pattern.folded);
                let folded = pattern.folded.as_ref().map(|_| automata.len() - 1);
                (exact, folded)
            })
            .collect();
        let config = start::Config::new().anchored(Anchored::Yes);
        let ids = automata.iter().map(|dfa| dfa.start_state(&config).ok());
        let start = State {
            ids: ids.collect::<Option<_>>()?,
            beyond_ascii: false,
        };
        Some(Self {
            bytes: representatives(&automata),
            automata,
            indices,
            inside,
            start,
        })
    }

    fn next(&self, state: &State, byte: u8) -> State {
        let ids = self.automata.iter().zip(&state.ids);
        State {
            ids: ids.map(|(dfa, id)| dfa.next_state(*id, byte)).collect(),
            beyond_ascii: state.beyond_ascii || !byte.is_ascii(),
        }
    }

    fn after(&self, value: &[u8]) -> State {
        let bytes = value.iter();
        bytes.fold(self.start.clone(), |state, byte| self.next(&state, *byte))
    }

    fn is_match(&self, state: &State, index: usize) -> bool {
        let automaton = self.automata.get(index).zip(state.ids.get(index));
        automaton.is_some_and(|(dfa, id)| dfa.is_match_state(dfa.next_eoi_state(*id)))
    }

    fn can_match(&self, state: &State, index: usize) -> bool {
        let automaton = self.automata.get(index).zip(state.ids.get(index));
        automaton.is_some_and(|(dfa, id)| !dfa.is_dead_state(*id))
    }

    /// Returns whether a value with this prefix can still be in the result.
    fn is_alive(&self, state: &State) -> bool {
        self.can_match(state, 0)
            && (self.inside == 0
                || self
                    .indices
                    .iter()
                    .take(self.inside)
                    .any(|(exact, folded)| {
                        self.can_match(state, *exact)
                            || folded.is_some_and(|folded| {
                                !state.beyond_ascii && self.can_match(state, folded)
                            })
                    }))
    }

    /// Returns the patterns that match the value.
    fn matched(&self, state: &State) -> FixedBitSet {
        let mut matched = FixedBitSet::with_capacity(self.indices.len());
        for (number, (exact, folded)) in self.indices.iter().enumerate() {
            let index = match folded {
                Some(folded) if !state.beyond_ascii => *folded,
                _ => *exact,
            };
            matched.set(number, self.is_match(state, index));
        }
        matched
    }

    /// Walks breadth first, so that the values are short.
    fn run(&self, found: &mut ClassCollector, max_walk: usize) -> Option<()> {
        // Each state with its predecessor and the byte between them.
        let mut trail = vec![(0, 0)];
        let mut seen = HashSet::from([self.start.clone()]);
        let mut queue = VecDeque::from([(self.start.clone(), 0)]);
        while let Some((state, index)) = queue.pop_front() {
            for byte in &self.bytes {
                let next = self.next(&state, *byte);
                if seen.contains(&next) || !self.is_alive(&next) {
                    continue;
                }
                let next_place = trail.len();
                if next_place * self.automata.len() > max_walk {
                    return None;
                }
                trail.push((index, *byte));
                self.record(&next, found, || reconstruct(next_place, &trail));
                seen.insert(next.clone());
                queue.push_back((next, next_place));
            }
        }
        Some(())
    }

    fn record(&self, state: &State, found: &mut ClassCollector, value: impl FnOnce() -> String) {
        if !self.is_match(state, 0) {
            return;
        }
        let matched = self.matched(state);
        if self.inside == 0
            || matched
                .ones()
                .next()
                .is_some_and(|first| first < self.inside)
        {
            found.add(matched, self.is_match(state, 1), value);
        }
    }
}

/// Returns the value that leads to a state.
fn reconstruct(mut index: usize, trail: &[(usize, u8)]) -> String {
    let mut bytes = Vec::new();
    while let (true, Some((before, byte))) = (index > 0, trail.get(index)) {
        bytes.push(*byte);
        index = *before;
    }
    bytes.reverse();
    // The automaton of all values accepts only UTF-8.
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Returns a byte of each class that all automata treat alike, with letters of names first.
pub(super) fn representatives(automata: &[&Dfa]) -> Vec<u8> {
    let mut classes = [0_usize; 256];
    for dfa in automata {
        let mut merged = HashMap::new();
        for (byte, class) in (0..=u8::MAX).zip(&mut classes) {
            let count = merged.len();
            *class = *merged
                .entry((*class, dfa.byte_classes().get(byte)))
                .or_insert(count);
        }
    }
    let mut bytes: Vec<u8> = (0..=u8::MAX).collect();
    bytes.sort_by_key(|byte| match byte {
        b'a'..=b'z' => 0,
        b'0'..=b'9' => 1,
        b'-' | b'.' | b'/' | b'_' => 2,
        b'A'..=b'Z' => 3,
        b' '..=b'~' => 4,
        _ => 5,
    });
    let mut known = HashSet::new();
    bytes.retain(|byte| known.insert(classes.get(usize::from(*byte)).copied()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::policy::Position;

    fn automaton(text: &str, ignores_case: bool) -> Rc<Automaton> {
        let (kind, text) = match text.strip_prefix("glob:") {
            Some(glob) => (Kind::Glob, glob),
            None => (Kind::of(text), text),
        };
        let pattern = Pattern {
            text: text.into(),
            kind,
            position: Position::START,
        };
        Rc::new(Automaton::new(&pattern, ignores_case).unwrap())
    }

    /// Each class as the patterns that match and a value.
    fn seen(patterns: &[&str], inside: usize, ignores_case: bool) -> Vec<String> {
        let automata: Vec<_> = patterns
            .iter()
            .map(|text| automaton(text, ignores_case))
            .collect();
        let mut seen: Vec<_> = classes(&automata, inside, &Domain::TEXTS, MAX_WALK)
            .unwrap()
            .iter()
            .map(|class| {
                let matched: Vec<_> = class
                    .matched
                    .ones()
                    .map(|number| patterns[number])
                    .collect();
                format!("{} by [{}]", class.value, matched.join(", "))
            })
            .collect();
        seen.sort();
        seen
    }

    #[test]
    fn classes_are_all_the_combinations_that_have_a_value() {
        assert_eq!(
            seen(&["main", "main|develop", "ma.*"], 0, false),
            [
                "a by []",
                "develop by [main|develop]",
                "ma by [ma.*]",
                "main by [main, main|develop, ma.*]",
            ]
        );
        assert_eq!(
            seen(&["release/.*", "glob:release/*"], 1, false),
            [
                "release//a by [release/.*]",
                "release/a by [release/.*, glob:release/*]"
            ]
        );
    }

    #[test]
    fn case_is_ignored_for_ascii_values_only() {
        assert_eq!(
            seen(&["Staging", "(?-i:Staging)"], 1, true),
            [
                "Staging by [Staging, (?-i:Staging)]",
                "staging by [Staging]"
            ]
        );
        assert_eq!(
            seen(&["[s\u{17f}]", "s"], 1, true),
            ["s by [[s\u{17f}], s]", "\u{17f} by [[s\u{17f}]]"]
        );
    }

    #[test]
    fn values_are_not_empty_and_are_utf_8() {
        assert_eq!(seen(&["()"], 1, false), [""; 0]);
        assert_eq!(seen(&["(?s-u:[\\x00-\\x7f])*"], 0, false).len(), 2);
    }

    #[test]
    fn what_no_automaton_can_say_is_none() {
        for text in [r"\bmain\b", r"[ab]*a[ab]{18}", r"\w{900}"] {
            let pattern = Pattern {
                text: text.into(),
                kind: Kind::Regex,
                position: Position::START,
            };
            assert!(Automaton::new(&pattern, false).is_none(), "{text}");
        }
    }
}
