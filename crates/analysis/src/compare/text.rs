//! Classes of the string values of a dimension, with the lists of patterns that match them.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::automaton::Automata;
use super::classes::{Class, classes};
use super::grant::{Dimension, Grant};
use super::interner::{Interner, Known, List};
use super::work::{Effort, Work};

/// Maximum size of the remembered classes: numbers of lists.
const MAX_KEPT: usize = 1 << 19;
/// Maximum work of a search.
const MAX_SEARCH: usize = 4_000_000;

/// A class of values: the lists that match it, the alternatives of the own list that match it, and a value.
pub(super) struct TextClass {
    /// Indices in [`Question::lists`].
    pub(super) lists: Vec<usize>,
    pub(super) own: Rc<[usize]>,
    pub(super) value: Rc<str>,
}

/// Classes of the values of a dimension.
#[derive(Clone, Default)]
pub(super) struct TextClasses {
    pub(super) list: Rc<[TextClass]>,
    /// Whether these are all classes.
    pub(super) is_complete: bool,
}

/// Which classes of values are wanted.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Question<'a> {
    pub(super) dimension: Dimension<'a>,
    /// The list of the grant, in its order; `None` matches every value.
    pub(super) own: Option<List>,
    /// Whether to return all classes, and not only those that the own list matches.
    pub(super) is_every: bool,
    /// The lists of other grants, sorted, each once.
    pub(super) lists: Box<[List]>,
}

/// Finds classes of values, and remembers them.
pub(super) struct Classifier<'a, 'c> {
    pub(super) interner: Interner<'a>,
    automata: &'c mut Automata,
    /// Limit of the walks over automata.
    walks: Work,
    /// Limit of the searches.
    pub(super) searches: Work,
    /// Whether all patterns of grants have automata.
    with_automata: HashMap<u32, bool>,
    /// The classes that an effort found.
    known: HashMap<Rc<Question<'a>>, (TextClasses, Effort)>,
    size: usize,
}

impl<'a, 'c> Classifier<'a, 'c> {
    pub(super) fn new(automata: &'c mut Automata) -> Self {
        Self {
            interner: Interner::default(),
            walks: Work::new(automata.max_walk),
            searches: Work::new(MAX_SEARCH),
            automata,
            with_automata: HashMap::new(),
            known: HashMap::new(),
            size: 0,
        }
    }

    /// Returns a grant with its numbers.
    pub(super) fn known(&mut self, grant: Grant<'a>) -> Known<'a> {
        self.interner.known(grant)
    }

    /// Returns whether all patterns of a grant have automata.
    pub(super) fn has_automata(&mut self, known: &Known<'a>) -> bool {
        let known_grants = self.with_automata.entry(known.number);
        let (interner, automata) = (&self.interner, &mut *self.automata);
        *known_grants.or_insert_with(|| interner.has_automata(known, automata))
    }

    /// Returns the classes. There are none if no list has a condition.
    pub(super) fn classes(&mut self, question: Question<'a>, effort: Effort) -> TextClasses {
        if let Some((known, tried)) = self.known.get(&question)
            && (known.is_complete || *tried >= effort)
        {
            return known.clone();
        }
        let classes = self.make(&question, effort).unwrap_or_default();
        let lists = classes.list.iter().map(|class| class.lists.len() + 8);
        self.size += question.lists.len() + lists.sum::<usize>();
        if self.size > MAX_KEPT {
            self.known.clear();
            self.size = 0;
        }
        let known = (classes.clone(), effort);
        self.known.insert(Rc::new(question), known);
        classes
    }

    fn make(&mut self, question: &Question<'a>, effort: Effort) -> Option<TextClasses> {
        let mut numbered = Numbered::default();
        let own = question.own.map(|list| self.interner.patterns(list));
        let own = own.iter().flat_map(|own| own.iter().copied().enumerate());
        let alternatives = numbered.by_number(own);
        let inside = match question.is_every {
            true => 0,
            false => numbered.count(),
        };
        let lists = question.lists.iter();
        let lists: Vec<_> = lists.map(|list| self.interner.patterns(*list)).collect();
        let lists = lists.iter().enumerate();
        let lists = lists.flat_map(|(index, list)| list.iter().map(move |one| (index, *one)));
        let containing = numbered.by_number(lists);
        if numbered.patterns.is_empty() {
            return Some(TextClasses {
                is_complete: true,
                ..TextClasses::default()
            });
        }
        let (found, is_complete) =
            self.walk(&numbered.patterns, inside, question.dimension, effort)?;
        let mut known = HashSet::new();
        let classes = found.into_iter().map(|class| TextClass {
            lists: indices(&class.matched, &containing),
            own: indices(&class.matched, &alternatives).into(),
            value: class.value.into(),
        });
        // The first of equal classes has the best value.
        let classes =
            classes.filter(|class| known.insert((class.lists.clone(), class.own.clone())));
        Some(TextClasses {
            list: classes.collect(),
            is_complete,
        })
    }

    /// Returns the classes of patterns, and whether these are all.
    fn walk(
        &mut self,
        patterns: &[u32],
        inside: u32,
        dimension: Dimension<'a>,
        effort: Effort,
    ) -> Option<(Vec<Class>, bool)> {
        let automata = &mut *self.automata;
        let languages = patterns
            .iter()
            .map(|pattern| self.interner.language(*pattern, automata));
        let languages = languages.collect::<Option<_>>()?;
        let limit = self.walks.limit(effort);
        let mut left = limit;
        let found = classes(languages, inside, &dimension.domain(), automata, &mut left);
        self.walks.spend(limit - left);
        found
    }
}

/// Returns the indices of some patterns, sorted, each once.
fn indices(patterns: &[u32], of_pattern: &[Vec<usize>]) -> Vec<usize> {
    let patterns = patterns
        .iter()
        .filter_map(|number| usize::try_from(*number).ok());
    let indices = patterns.filter_map(|number| of_pattern.get(number));
    let mut indices: Vec<usize> = indices.flatten().copied().collect();
    indices.sort_unstable();
    indices.dedup();
    indices
}

/// Consecutive numbers for the patterns of a question.
#[derive(Default)]
struct Numbered {
    numbers: HashMap<u32, u32>,
    patterns: Vec<u32>,
}

impl Numbered {
    fn count(&self) -> u32 {
        u32::try_from(self.patterns.len()).unwrap_or(u32::MAX)
    }

    fn number(&mut self, pattern: u32) -> u32 {
        let next = self.count();
        *self.numbers.entry(pattern).or_insert_with(|| {
            self.patterns.push(pattern);
            next
        })
    }

    /// Returns the indices of each pattern, by its number.
    fn by_number(&mut self, patterns: impl Iterator<Item = (usize, u32)>) -> Vec<Vec<usize>> {
        let mut indices: Vec<Vec<usize>> = Vec::new();
        for (index, pattern) in patterns {
            let Ok(number) = usize::try_from(self.number(pattern)) else {
                continue;
            };
            if indices.len() <= number {
                indices.resize(number + 1, Vec::new());
            }
            if let Some(indices) = indices.get_mut(number) {
                indices.push(index);
            }
        }
        indices
    }
}
