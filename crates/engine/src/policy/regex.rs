//! Compiled regexes that match whole values.

use std::ops::RangeInclusive;

use regex_automata::nfa::thompson::backtrack::BoundedBacktracker;
use regex_automata::nfa::thompson::pikevm::PikeVM;
use regex_automata::nfa::thompson::{BuildError, Compiler, Config, State, WhichCaptures};
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Hir, Look};

/// Maximum size of a compiled pattern in bytes, as [`Regex::size`] counts them.
pub const MAX_COMPILED: usize = 1 << 20;

/// Maximum memory of the compiler in bytes, which differs by machine. The compiler also counts states that the result
/// lacks, at most about as many: only alternatives that are nearly all empty, in a large repetition, reach this limit
/// before the other.
const MAX_COMPILING: usize = 4 * MAX_COMPILED;

/// Maximum length of a value for the backtracking search, which is faster only for short values.
const MAX_BACKTRACKED: usize = 128;

/// A compiled regex or glob.
#[derive(Clone, Debug)]
pub struct Regex {
    backtracker: BoundedBacktracker,
    vm: PikeVM,
    size: usize,
    /// Lengths of the values that can match.
    lengths: RangeInclusive<usize>,
}

/// Why a regex does not compile.
#[derive(Debug)]
pub(super) enum NotCompiled {
    /// The automaton is larger than [`MAX_COMPILED`].
    TooLarge,
    /// The compiler rejects it.
    Refused(Box<BuildError>),
}

impl From<BuildError> for NotCompiled {
    fn from(error: BuildError) -> Self {
        match error.size_limit() {
            Some(_) => Self::TooLarge,
            None => Self::Refused(Box::new(error)),
        }
    }
}

impl Regex {
    /// Compiles a syntax tree.
    pub(super) fn new(tree: Hir) -> Result<Self, NotCompiled> {
        let whole = Hir::concat(vec![Hir::look(Look::Start), tree, Hir::look(Look::End)]);
        let properties = whole.properties();
        let shortest = properties.minimum_len().unwrap_or(0);
        let longest = properties.maximum_len().unwrap_or(usize::MAX);
        let config = Config::new()
            .nfa_size_limit(Some(MAX_COMPILING))
            // Only whether it matches is of interest, not where.
            .which_captures(WhichCaptures::None);
        let nfa = Compiler::new().configure(config).build_from_hir(&whole)?;
        let size = nfa.states().iter().map(size).sum();
        if size > MAX_COMPILED {
            return Err(NotCompiled::TooLarge);
        }
        Ok(Self {
            backtracker: BoundedBacktracker::new_from_nfa(nfa.clone())?,
            vm: PikeVM::new_from_nfa(nfa)?,
            size,
            lengths: shortest..=longest,
        })
    }

    /// Returns the size in bytes on a 64-bit machine, so a limit means the same on every machine.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Returns whether the regex matches the whole value.
    ///
    /// It uses no DFA, because values are short: building one takes ten times as long as it ever saves, and a lazy DFA
    /// grows while it matches.
    pub fn is_match(&self, value: &str) -> bool {
        if !self.lengths.contains(&value.len()) {
            return false;
        }
        let input = Input::new(value).anchored(Anchored::Yes).earliest(true);
        if value.len() <= MAX_BACKTRACKED {
            let mut cache = self.backtracker.create_cache();
            // This search does not support large automata.
            if let Ok(is_match) = self.backtracker.try_is_match(&mut cache, input.clone()) {
                return is_match;
            }
        }
        self.vm.is_match(&mut self.vm.create_cache(), input)
    }
}

/// Returns the bytes of a state and its transitions.
fn size(state: &State) -> usize {
    const STATE: usize = 32;
    const TRANSITION: usize = 8;
    const ALTERNATIVE: usize = 4;
    let beside = match state {
        State::Sparse(sparse) => sparse.transitions.len() * TRANSITION,
        State::Dense(_) => 256 * TRANSITION,
        State::Union { alternates } => alternates.len() * ALTERNATIVE,
        State::BinaryUnion { .. } => 2 * ALTERNATIVE,
        State::ByteRange { .. }
        | State::Look { .. }
        | State::Capture { .. }
        | State::Fail
        | State::Match { .. } => 0,
    };
    STATE + beside
}

#[cfg(test)]
mod tests {
    use crate::policy::{CaseSensitivity, Kind, Matcher, Pattern, Position};

    fn compiled(text: String, case: CaseSensitivity) -> Option<usize> {
        let pattern = Pattern {
            text: text.into(),
            kind: Kind::Regex,
            position: Position::START,
        };
        match pattern.compile(case).ok()? {
            Matcher::Regex(regex) => Some(regex.size()),
            _ => None,
        }
    }

    #[test]
    fn the_largest_pattern_is_the_same_on_every_machine() {
        use CaseSensitivity::{Insensitive, Sensitive};
        for (text, case, most, size) in [
            ("a{N}", Sensitive, 32_765, 1_048_576),
            ("a{N}", Insensitive, 21_843, 1_048_560),
            ("a{0,N}", Sensitive, 14_562, 1_048_560),
            ("[a-f0-9]{N}", Sensitive, 21_843, 1_048_560),
            (r"\d{N}", Sensitive, 722, 1_048_368),
            (r"\w{N}", Sensitive, 52, 1_044_944),
            (".{N}", Sensitive, 3_119, 1_048_496),
            ("(?:a?){N}", Sensitive, 14_562, 1_048_560),
            ("(?:x*y?){N}", Sensitive, 7_281, 1_048_560),
            ("(?:a|bc|){N}", Sensitive, 7_489, 1_048_556),
            ("(?:a|b|cd|efg){N}", Sensitive, 6_553, 1_048_576),
            ("(?:ab|c[d-f])*{N}", Sensitive, 5_040, 1_048_416),
        ] {
            let repeated = |times: u32| compiled(text.replace('N', &times.to_string()), case);
            assert_eq!(repeated(most), Some(size), "{text} {case:?}");
            assert_eq!(repeated(most + 1), None, "{text} {case:?}");
        }
    }
}
