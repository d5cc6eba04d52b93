//! Patterns as automata.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::{Hir, Look};

use engine::policy::{CaseSensitivity, Kind, Pattern};

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
    fn new(pattern: &Pattern, ignores_case: bool, builder: &Builder) -> Option<Self> {
        let folded = match ignores_case {
            true => Some(builder.pattern(pattern, CaseSensitivity::Insensitive)?),
            false => None,
        };
        Some(Self {
            exact: builder.pattern(pattern, CaseSensitivity::Sensitive)?,
            folded,
        })
    }

    /// Returns the size in bytes.
    fn size(&self) -> usize {
        let automata = [Some(&self.exact), self.folded.as_ref()];
        automata.into_iter().flatten().map(Dfa::memory_usage).sum()
    }
}

/// Maximum number of cached automata.
const MAX_KEPT: usize = 4096;
/// Size of cached automata in bytes from which the cache starts again.
const MAX_SIZE: usize = 16 << 20;

/// Cache of patterns' automata; `None` for patterns without one.
pub(crate) struct Automata {
    known: HashMap<(String, Kind, bool), Option<Rc<Automaton>>>,
    /// Size of the automata in bytes.
    size: usize,
    builder: Builder,
    /// Automata of complete values, by their regexes.
    forms: HashMap<&'static str, Option<Rc<Dfa>>>,
    /// Maximum number of states of a walk over several automata.
    pub(super) max_walk: usize,
}

impl Default for Automata {
    fn default() -> Self {
        Self {
            known: HashMap::new(),
            size: 0,
            builder: Builder::default(),
            forms: HashMap::new(),
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
        if self.known.len() >= MAX_KEPT || self.size > MAX_SIZE {
            self.known.clear();
            self.size = 0;
        }
        let (known, builder, size) = (&mut self.known, &self.builder, &mut self.size);
        let made = known.entry(key).or_insert_with(|| {
            let made = Automaton::new(pattern, ignores_case, builder)?;
            *size += made.size();
            Some(Rc::new(made))
        });
        made.clone()
    }

    /// Returns the automaton of a regex for the complete value.
    pub(super) fn form(&mut self, regex: &'static str) -> Option<Rc<Dfa>> {
        let (forms, builder) = (&mut self.forms, &self.builder);
        let made = forms.entry(regex);
        made.or_insert_with(|| builder.form(regex).map(Rc::new))
            .clone()
    }
}

/// Returns whether the pattern matches a value with this prefix, ignoring case. Returns `true` if that is
/// unknown.
pub(crate) fn may_start_with(pattern: &Pattern, start: &str) -> bool {
    let built = Builder::default().pattern(pattern, CaseSensitivity::Insensitive);
    let Some(dfa) = built else {
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

/// Builds automata. It needs much memory, which all automata share.
pub(super) struct Builder {
    compiler: thompson::Compiler,
    builder: dense::Builder,
}

impl Default for Builder {
    fn default() -> Self {
        let mut compiler = thompson::Compiler::new();
        compiler.configure(
            thompson::Config::new()
                .which_captures(WhichCaptures::None)
                .nfa_size_limit(Some(MAX_AUTOMATON)),
        );
        let mut builder = dense::Builder::new();
        builder.configure(
            dense::Config::new()
                .match_kind(MatchKind::All)
                .start_kind(StartKind::Anchored)
                .accelerate(false)
                .dfa_size_limit(Some(MAX_AUTOMATON))
                // Counts pointers too: on 32 bits an automaton may be known that is not on 64, never another one.
                .determinize_size_limit(Some(2 * MAX_AUTOMATON)),
        );
        Self { compiler, builder }
    }
}

impl Builder {
    /// Builds the automaton of a pattern.
    pub(super) fn pattern(&self, pattern: &Pattern, case: CaseSensitivity) -> Option<Dfa> {
        self.complete(pattern.tree(case).ok()?)
    }

    /// Builds the automaton of a case-sensitive regex.
    pub(super) fn form(&self, regex: &str) -> Option<Dfa> {
        self.complete(regex_syntax::parse(regex).ok()?)
    }

    /// Builds the automaton of the complete values of a syntax tree.
    fn complete(&self, tree: Hir) -> Option<Dfa> {
        // Corresponds to the engine's `\A(?:…)\z`: the walk is anchored and tests for a match at the end.
        let tree = Hir::concat(vec![tree, Hir::look(Look::End)]);
        let nfa = self.compiler.build_from_hir(&tree).ok()?;
        self.builder.build_from_nfa(&nfa).ok()
    }
}

/// Returns each of the bytes `singles`, and one of each range of other bytes that all automata treat alike, with
/// letters of names first.
pub(super) fn representatives(automata: &[&Dfa], singles: &HashSet<u8>) -> Vec<u8> {
    // Whether a byte differs from the byte before.
    let mut starts = [false; 256];
    for dfa in automata {
        let classes = dfa.byte_classes();
        let mut before = None;
        for (byte, starts) in (0..=u8::MAX).zip(&mut starts) {
            let class = Some(classes.get(byte));
            *starts |= class != before;
            before = class;
        }
    }
    let mut range = 0;
    let classes = (0..=u8::MAX).zip(starts).map(|(byte, starts)| {
        range += usize::from(starts);
        match singles.contains(&byte) {
            true => (range, Some(byte)),
            false => (range, None),
        }
    });
    let classes: Vec<_> = classes.collect();
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

    #[test]
    fn what_no_automaton_can_say_is_none() {
        for text in [r"\bmain\b", r"[ab]*a[ab]{18}", r"\w{900}"] {
            let pattern = Pattern {
                text: text.into(),
                kind: Kind::Regex,
                position: Position::START,
            };
            assert!(Automata::default().get(&pattern, false).is_none(), "{text}");
        }
    }
}
