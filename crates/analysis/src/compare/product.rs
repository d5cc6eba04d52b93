//! Several automata that run in parallel. A state consists of those that can still match, and is made when a value
//! reaches it.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use regex_automata::Anchored;
use regex_automata::dfa::Automaton as _;
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;

use super::automaton::{Automaton, Dfa, representatives};

/// Values that an automaton decides.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Values {
    All,
    Ascii,
    BeyondAscii,
}

struct Part<'a> {
    dfa: &'a Dfa,
    /// `None` for the automata of the domain.
    pattern: Option<u32>,
    values: Values,
}

/// A state.
pub(super) struct State {
    /// The parts that can still match, each with its state.
    alive: Rc<[(u32, StateID)]>,
    /// Whether the value has a byte outside ASCII, if that matters.
    beyond_ascii: bool,
    /// The match, if the value belongs to the domain.
    pub(super) value: Option<Match>,
}

/// What matches a value.
#[derive(Clone, Copy)]
pub(super) struct Match {
    /// Number of the set of patterns, see [`Product::set`].
    pub(super) set: u32,
    /// Whether an inner pattern matches.
    pub(super) is_inner: bool,
    /// Whether the value looks like a name.
    pub(super) is_plausible: bool,
}

/// The parts of a state, and whether a value had a character beyond ASCII.
type Key = (Rc<[(u32, StateID)]>, bool);

/// The automata of a domain and of patterns.
pub(super) struct Product<'a> {
    /// The domain, inner patterns, plausible names, other patterns.
    parts: Vec<Part<'a>>,
    /// End of the inner patterns.
    inner_end: usize,
    /// Whether some automata are for ASCII values only.
    ignores_case: bool,
    states: Vec<State>,
    known: HashMap<Key, u32>,
    sets: Vec<Rc<[u32]>>,
    known_sets: HashMap<Rc<[u32]>, u32>,
    /// Number of the parts of all states.
    pub(super) size: usize,
}

impl<'a> Product<'a> {
    /// Number of the state of the empty value.
    pub(super) const START: u32 = 0;

    /// Creates the product of a domain's automata (every value, plausible names) and those of numbered patterns, of
    /// which the first `inside` numbers are inner.
    pub(super) fn new(
        [every, plausible]: [&'a Dfa; 2],
        patterns: &'a [(u32, Rc<Automaton>)],
        inside: u32,
    ) -> Option<Self> {
        let of_domain = |dfa| Part {
            dfa,
            pattern: None,
            values: Values::All,
        };
        let parts = |is_wanted: fn(u32, u32) -> bool| {
            let patterns = patterns.iter();
            let patterns = patterns.filter(move |(number, _)| is_wanted(*number, inside));
            patterns.flat_map(|(number, automaton)| of_pattern(*number, automaton))
        };
        let mut all = vec![of_domain(every)];
        all.extend(parts(|number, inside| number < inside));
        let inner_end = all.len();
        all.push(of_domain(plausible));
        all.extend(parts(|number, inside| number >= inside));
        let mut product = Self {
            inner_end,
            ignores_case: all.iter().any(|part| part.values == Values::Ascii),
            states: Vec::new(),
            known: HashMap::new(),
            sets: Vec::new(),
            known_sets: HashMap::new(),
            size: 0,
            parts: all,
        };
        let config = start::Config::new().anchored(Anchored::Yes);
        let starts = (0..).zip(&product.parts);
        let starts = starts.map(|(part, one)| Some((part, one.dfa.start_state(&config).ok()?)));
        let alive: Vec<_> = starts.collect::<Option<_>>()?;
        product.number(alive, false);
        Some(product)
    }

    /// Returns each of these bytes, and one of each class of others that all automata treat alike, with letters of
    /// names first.
    pub(super) fn bytes(&self, singles: &HashSet<u8>) -> Vec<u8> {
        let automata: Vec<_> = self.parts.iter().map(|part| part.dfa).collect();
        representatives(&automata, singles)
    }

    pub(super) fn state(&self, number: u32) -> Option<&State> {
        self.states.get(usize::try_from(number).ok()?)
    }

    /// Returns the patterns of a set, sorted.
    pub(super) fn set(&self, number: u32) -> &[u32] {
        let set = usize::try_from(number)
            .ok()
            .and_then(|at| self.sets.get(at));
        set.map_or(&[], |set| set)
    }

    /// Returns the state after another byte, or `None` if no value of the domain continues so, or with `is_inner`, if
    /// none that an inner pattern matches.
    pub(super) fn next(&mut self, from: u32, byte: u8, is_inner: bool) -> Option<u32> {
        let state = self.state(from)?;
        let beyond_ascii = self.ignores_case && (state.beyond_ascii || !byte.is_ascii());
        let mut alive = Vec::with_capacity(state.alive.len());
        let mut left = state.alive.iter().peekable();
        let mut step = |until: usize| {
            while let Some((number, id)) =
                left.next_if(|(number, _)| usize::try_from(*number).is_ok_and(|at| at < until))
                && let Some(part) = usize::try_from(*number)
                    .ok()
                    .and_then(|at| self.parts.get(at))
            {
                let next = part.dfa.next_state(*id, byte);
                let is_dead = part.dfa.is_dead_state(next);
                let is_over = beyond_ascii && part.values == Values::Ascii;
                if !is_dead && !is_over {
                    alive.push((*number, next));
                }
            }
            alive.len()
        };
        if step(1) == 0 || (is_inner && step(self.inner_end) == 1) {
            return None;
        }
        step(usize::MAX);
        Some(self.number(alive, beyond_ascii))
    }

    /// Returns the number of a state, which is made if it is new.
    fn number(&mut self, alive: Vec<(u32, StateID)>, beyond_ascii: bool) -> u32 {
        let key = (Rc::from(alive), beyond_ascii);
        if let Some(number) = self.known.get(&key) {
            return *number;
        }
        let alive = Rc::clone(&key.0);
        self.size += alive.len();
        let number = u32::try_from(self.states.len()).unwrap_or(u32::MAX);
        let value = self.value(&alive, beyond_ascii);
        self.states.push(State {
            alive,
            beyond_ascii,
            value,
        });
        self.known.insert(key, number);
        number
    }

    /// Returns what matches the values of a state.
    fn value(&mut self, alive: &[(u32, StateID)], beyond_ascii: bool) -> Option<Match> {
        let mut patterns = Vec::new();
        let (mut is_value, mut is_inner, mut is_plausible) = (false, false, false);
        for (number, id) in alive {
            let number = usize::try_from(*number).ok()?;
            let part = self.parts.get(number)?;
            let is_match = part.dfa.is_match_state(part.dfa.next_eoi_state(*id));
            if !is_match || (part.values == Values::BeyondAscii && !beyond_ascii) {
                continue;
            }
            match part.pattern {
                Some(pattern) => patterns.push(pattern),
                None if number == 0 => is_value = true,
                None => is_plausible = true,
            }
            is_inner |= number > 0 && number < self.inner_end;
        }
        if !is_value {
            return None;
        }
        patterns.sort_unstable();
        let set = match self.known_sets.get(&*patterns) {
            Some(set) => *set,
            None => {
                let set = u32::try_from(self.sets.len()).ok()?;
                let patterns: Rc<[u32]> = Rc::from(patterns);
                self.sets.push(Rc::clone(&patterns));
                self.known_sets.insert(patterns, set);
                set
            }
        };
        Some(Match {
            set,
            is_inner,
            is_plausible,
        })
    }
}

/// Returns the automata of a pattern: with case, and without for ASCII values.
fn of_pattern(number: u32, automaton: &Automaton) -> impl Iterator<Item = Part<'_>> {
    let values = match automaton.folded {
        Some(_) => Values::BeyondAscii,
        None => Values::All,
    };
    let exact = (&automaton.exact, values);
    let folded = automaton.folded.as_ref().map(|dfa| (dfa, Values::Ascii));
    let dfas = [Some(exact), folded].into_iter().flatten();
    dfas.map(move |(dfa, values)| Part {
        dfa,
        pattern: Some(number),
        values,
    })
}
