//! Several automata that run in parallel. A state consists of those that can still match, and is made when a value
//! reaches it.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use regex_automata::Anchored;
use regex_automata::dfa::Automaton as _;
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;

use super::automaton::{Automaton, Dfa, representatives};
use super::hash::OfNumbers;

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

/// The parts that can still match, each with its state, and after them [`BEYOND_ASCII`] where that is so.
type Alive = [(u32, StateID)];

/// Marks a state of values that are not ASCII.
const BEYOND_ASCII: (u32, StateID) = (u32::MAX, StateID::ZERO);

/// A state.
pub(super) struct State {
    alive: Rc<Alive>,
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

/// The automata of a domain and of patterns.
pub(super) struct Product<'a> {
    /// The domain, inner patterns, plausible names, other patterns.
    parts: Vec<Part<'a>>,
    /// End of the inner patterns.
    inner_end: usize,
    /// Whether some automata are for ASCII values only.
    ignores_case: bool,
    states: Vec<State>,
    known: HashMap<Rc<Alive>, u32, OfNumbers>,
    sets: Vec<Rc<[u32]>>,
    known_sets: HashMap<Rc<[u32]>, u32, OfNumbers>,
    /// Buffer for the parts of the next state.
    next: Vec<(u32, StateID)>,
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
            known: HashMap::default(),
            sets: Vec::new(),
            known_sets: HashMap::default(),
            next: Vec::new(),
            size: 0,
            parts: all,
        };
        let config = start::Config::new().anchored(Anchored::Yes);
        let starts = (0..).zip(&product.parts);
        let starts = starts.map(|(part, one)| Some((part, one.dfa.start_state(&config).ok()?)));
        let alive: Vec<_> = starts.collect::<Option<_>>()?;
        product.number(&alive, false);
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
        let mut next = std::mem::take(&mut self.next);
        next.clear();
        let state = self.state(from)?;
        let beyond_ascii = self.ignores_case && (state.beyond_ascii || !byte.is_ascii());
        let mut is_alive = !is_inner;
        for (number, id) in state.alive.iter() {
            let Some((at, part)) = self.part(*number) else {
                break;
            };
            let is_domain_dead = at > 0 && next.is_empty();
            if is_domain_dead || (!is_alive && at >= self.inner_end) {
                break;
            }
            let id = part.dfa.next_state(*id, byte);
            let is_for_ascii = part.values == Values::Ascii;
            if part.dfa.is_dead_state(id) || (beyond_ascii && is_for_ascii) {
                continue;
            }
            is_alive |= at > 0 && at < self.inner_end;
            next.push((*number, id));
        }
        // The domain is the first part.
        is_alive &= next.first().is_some_and(|(number, _)| *number == 0);
        if is_alive && beyond_ascii {
            next.push(BEYOND_ASCII);
        }
        let number = is_alive.then(|| self.number(&next, beyond_ascii));
        self.next = next;
        number
    }

    fn part(&self, number: u32) -> Option<(usize, &Part<'a>)> {
        let at = usize::try_from(number).ok()?;
        self.parts.get(at).map(|part| (at, part))
    }

    /// Returns the number of a state, which is made if it is new.
    fn number(&mut self, alive: &Alive, beyond_ascii: bool) -> u32 {
        if let Some(number) = self.known.get(alive) {
            return *number;
        }
        self.size += alive.len();
        let number = u32::try_from(self.states.len()).unwrap_or(u32::MAX);
        let value = self.value(alive, beyond_ascii);
        let alive: Rc<Alive> = Rc::from(alive);
        self.known.insert(Rc::clone(&alive), number);
        self.states.push(State {
            alive,
            beyond_ascii,
            value,
        });
        number
    }

    /// Returns what matches the values of a state.
    fn value(&mut self, alive: &Alive, beyond_ascii: bool) -> Option<Match> {
        let mut patterns = Vec::new();
        let (mut is_value, mut is_inner, mut is_plausible) = (false, false, false);
        for (number, id) in alive {
            let Some((number, part)) = self.part(*number) else {
                break;
            };
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
