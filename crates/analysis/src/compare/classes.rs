//! Classes of values: the combinations of patterns with a common value, and an example value of each.

use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use fixedbitset::FixedBitSet;

use super::automaton::{Automata, Automaton};
use super::hash::OfNumbers;
use super::literals::{Literals, Prefix};
use super::product::Product;
use engine::policy::{Kind, Pattern};

/// Maximum number of remembered transitions of a walk.
const MAX_ROWS: usize = 1 << 18;

/// The possible values of a dimension.
#[derive(Clone, Copy, Debug)]
pub(super) struct Domain {
    /// All values, as a regex.
    pub(super) every: &'static str,
    /// Familiar values for examples.
    pub(super) familiar: &'static [&'static str],
    /// Whether the case of ASCII values does not matter.
    pub(super) ignores_case: bool,
}

impl Domain {
    /// Every string except the empty one, which is an absent value.
    pub(super) const TEXT: &'static str = "(?s:.)+";
}

/// The values that a pattern matches.
pub(super) enum Language {
    /// One text, in lower case where the dimension ignores case.
    Text(Arc<str>),
    Automaton(Rc<Automaton>),
}

impl Language {
    /// Returns the values of a pattern, or `None` if it has no automaton.
    pub(super) fn of(
        pattern: &Pattern,
        ignores_case: bool,
        automata: &mut Automata,
    ) -> Option<Self> {
        let text = &pattern.text;
        match pattern.kind {
            Kind::Literal | Kind::Exact if !ignores_case => Some(Self::Text(Arc::clone(text))),
            Kind::Literal | Kind::Exact if text.is_ascii() => {
                Some(Self::Text(text.to_ascii_lowercase().into()))
            }
            _ => automata.get(pattern, ignores_case).map(Self::Automaton),
        }
    }
}

/// A set of values that match the same patterns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Class {
    /// Numbers of the matching patterns, sorted.
    pub(super) matched: Vec<u32>,
    /// A value of the set, if possible one that looks like a real name.
    pub(super) value: String,
}

/// Returns the classes of all values of a domain that match at least one of the first `inside` patterns, or of
/// all its values if `inside` is 0, in the order of their shortest values, and whether these are all classes: the
/// walk uses up `limit`, a number of states, or what it needs of it. Returns `None` if that is impossible.
pub(super) fn classes(
    patterns: Vec<Language>,
    inside: u32,
    domain: &Domain,
    automata: &mut Automata,
    limit: &mut usize,
) -> Option<(Vec<Class>, bool)> {
    let forms = [domain.every, r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?"];
    let [every, plausible] = forms.map(|regex| automata.form(regex));
    let (every, plausible) = (every?, plausible?);
    let (mut texts, mut made) = (Vec::new(), Vec::new());
    for (number, pattern) in (0..).zip(patterns) {
        match pattern {
            Language::Text(text) => texts.push((text, number)),
            Language::Automaton(automaton) => made.push((number, automaton)),
        }
    }
    let literals = Literals::new(texts, inside, domain.ignores_case);
    let product = Product::new([&every, &plausible], &made, inside)?;
    let mut walk = Walk::new(product, literals, inside);
    for value in domain.familiar {
        walk.record_familiar(value);
    }
    let is_complete = walk.run(*limit);
    *limit = limit.saturating_sub(walk.size());
    Some((walk.found.into_classes(&walk.product), is_complete))
}

/// A place of a walk: a state, and the texts that continue the value.
#[derive(Clone, Copy)]
struct Place {
    state: u32,
    prefix: Option<Prefix>,
    /// Index in the trail.
    trail: u32,
}

/// A walk over all automata in parallel, breadth first, so that the values are short.
struct Walk<'a> {
    product: Product<'a>,
    literals: Literals,
    /// Number of the inner patterns.
    inside: u32,
    /// Whether every value of the domain is wanted.
    is_every: bool,
    found: ClassCollector,
    /// Each place with its predecessor and the byte between them.
    trail: Vec<(u32, u8)>,
    queue: VecDeque<Place>,
    /// States of values that no text continues.
    seen: FixedBitSet,
    seen_prefixes: HashSet<(u32, Prefix), OfNumbers>,
    rows: Rows,
}

impl<'a> Walk<'a> {
    fn new(product: Product<'a>, literals: Literals, inside: u32) -> Self {
        let start = Place {
            state: Product::START,
            prefix: literals.start(),
            trail: 0,
        };
        Self {
            product,
            literals,
            inside,
            is_every: inside == 0,
            found: ClassCollector::default(),
            trail: vec![(0, 0)],
            queue: VecDeque::from([start]),
            seen: FixedBitSet::new(),
            seen_prefixes: HashSet::default(),
            rows: Rows::default(),
        }
    }

    /// Records the class of a value that is familiar to readers.
    fn record_familiar(&mut self, value: &str) {
        let mut children = Vec::new();
        let mut place = Place {
            state: Product::START,
            prefix: self.literals.start(),
            trail: 0,
        };
        for byte in value.bytes() {
            let Some(state) = self.product.next(place.state, byte, false) else {
                return;
            };
            place.state = state;
            place.prefix = place.prefix.and_then(|prefix| {
                self.literals.children(prefix, &mut children);
                child(&children, self.literals.folded(byte))
            });
        }
        self.record(place, Some(value));
    }

    /// Number of the places and the parts of their states.
    fn size(&self) -> usize {
        self.product.size.saturating_add(self.trail.len())
    }

    /// Returns whether the walk is complete, within a maximum size.
    fn run(&mut self, max: usize) -> bool {
        let plain = self.product.bytes(&HashSet::new());
        let single = self.product.bytes(&self.literals.bytes());
        let mut children = Vec::new();
        while let Some(place) = self.queue.pop_front() {
            children.clear();
            if let Some(prefix) = place.prefix {
                self.literals.children(prefix, &mut children);
            }
            if children.is_empty() {
                for byte in &plain {
                    self.step(place, *byte, None, None);
                }
            } else {
                for (index, byte) in single.iter().enumerate() {
                    let prefix = child(&children, self.literals.folded(*byte));
                    self.step(place, *byte, prefix, Some((index, single.len())));
                }
            }
            if self.size() > max {
                return false;
            }
        }
        true
    }

    /// Walks from a place by a byte. `row` is the index of the byte and their number, for a remembered transition.
    fn step(
        &mut self,
        place: Place,
        byte: u8,
        prefix: Option<Prefix>,
        row: Option<(usize, usize)>,
    ) {
        let (product, is_every) = (&mut self.product, self.is_every);
        let is_inner = prefix.is_some_and(|prefix| self.literals.is_inner(prefix));
        let mut next = |is_inner: bool| product.next(place.state, byte, !is_every && !is_inner);
        let next = match row {
            Some(row) if !is_inner => self.rows.get_or_make(place.state, row, || next(false)),
            _ => next(is_inner),
        };
        let Some(state) = next else {
            return;
        };
        let is_new = match (prefix, usize::try_from(state)) {
            (Some(prefix), _) => self.seen_prefixes.insert((state, prefix)),
            (None, Ok(state)) => {
                self.seen.grow(state + 1);
                !self.seen.put(state)
            }
            (None, Err(_)) => false,
        };
        if is_new && let Ok(trail) = u32::try_from(self.trail.len()) {
            let next = Place {
                state,
                prefix,
                trail,
            };
            self.trail.push((place.trail, byte));
            self.queue.push_back(next);
            self.record(next, None);
        }
    }

    /// Records the class of a place, if its values are wanted, with a familiar value or the one that leads to it.
    fn record(&mut self, place: Place, familiar: Option<&str>) {
        let text = place
            .prefix
            .and_then(|prefix| self.literals.pattern(prefix));
        let state = self.product.state(place.state);
        let Some(matched) = state.and_then(|state| state.value) else {
            return;
        };
        let is_inner = |text: u32| text < self.inside;
        if self.is_every || matched.is_inner || text.is_some_and(is_inner) {
            let value = || match familiar {
                Some(value) => value.to_owned(),
                None => reconstruct(place.trail, &self.trail),
            };
            let key = (matched.set, text);
            self.found.add(key, matched.is_plausible, value);
        }
    }
}

/// Returns the longer prefix by a byte.
fn child(children: &[(u8, Prefix)], byte: u8) -> Option<Prefix> {
    let mut children = children.iter();
    children
        .find(|(first, _)| *first == byte)
        .map(|(_, prefix)| *prefix)
}

/// Returns the value that leads to a place.
fn reconstruct(end: u32, trail: &[(u32, u8)]) -> String {
    let mut bytes = Vec::new();
    let mut index = end;
    while index > 0
        && let Some((before, byte)) = usize::try_from(index).ok().and_then(|at| trail.get(at))
    {
        bytes.push(*byte);
        index = *before;
    }
    bytes.reverse();
    // The automaton of all values accepts only UTF-8.
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Remembered transitions of the states that texts continue: many texts share them.
#[derive(Default)]
struct Rows {
    /// For each state and byte the next state, `None` until it is known.
    rows: HashMap<u32, Vec<Option<Option<u32>>>, OfNumbers>,
    size: usize,
}

impl Rows {
    /// Returns the transition of a state by the byte with an index, of `count`.
    fn get_or_make(
        &mut self,
        state: u32,
        (index, count): (usize, usize),
        make: impl FnOnce() -> Option<u32>,
    ) -> Option<u32> {
        if self.size > MAX_ROWS {
            self.rows.clear();
            self.size = 0;
        }
        let row = self.rows.entry(state).or_insert_with(|| {
            self.size += count;
            vec![None; count]
        });
        let known = row.get_mut(index)?;
        *known.get_or_insert_with(make)
    }
}

#[derive(Default)]
struct ClassCollector {
    /// The set of matching automata, the matching text, and a value.
    classes: Vec<(u32, Option<u32>, String)>,
    /// The index of each class, and whether its value looks like a name.
    known: HashMap<(u32, Option<u32>), (usize, bool)>,
}

impl ClassCollector {
    fn add(
        &mut self,
        (set, text): (u32, Option<u32>),
        is_plausible: bool,
        value: impl FnOnce() -> String,
    ) {
        match self.known.get_mut(&(set, text)) {
            None => {
                let index = self.classes.len();
                self.known.insert((set, text), (index, is_plausible));
                self.classes.push((set, text, value()));
            }
            Some((index, was_plausible)) if is_plausible && !*was_plausible => {
                *was_plausible = true;
                if let Some(class) = self.classes.get_mut(*index) {
                    class.2 = value();
                }
            }
            Some(_) => {}
        }
    }

    fn into_classes(self, product: &Product<'_>) -> Vec<Class> {
        let classes = self.classes.into_iter().map(|(set, text, value)| {
            let mut matched = product.set(set).to_vec();
            matched.extend(text);
            matched.sort_unstable();
            Class { matched, value }
        });
        classes.collect()
    }
}

#[cfg(test)]
#[path = "classes_tests.rs"]
mod tests;
