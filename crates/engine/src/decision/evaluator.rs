//! Patterns held against values, each compiled when it is tried.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::HasTime;
use crate::policy::{Case, Kind, Matcher, Pattern, Patterns, Problem, Regex};

/// How much memory compiled patterns may take that are kept, in bytes.
const MAX_KEPT: u64 = 32 << 20;

/// How much one regex may have to do with one value: its compiled bytes times the value's. The longest
/// pattern with a value of 4 KiB takes some tenths of a second, in which nobody is listened to.
const MAX_WORK: u64 = 4 << 30;

/// How patterns are tried.
#[derive(Clone, Copy)]
pub(super) struct Evaluator<'t> {
    pub(super) has_time: HasTime<'t>,
    /// Where compiled patterns are kept, if they are.
    pub(super) compiled: Option<&'t Compiled>,
}

impl Evaluator<'_> {
    /// Says of each pattern whether it matches. Each is compiled, also after a match: whether a policy
    /// is valid does not hang on the order of its patterns. One at a time, since a large one takes a
    /// megabyte.
    pub(super) fn each(
        self,
        patterns: &Patterns,
        value: Option<&str>,
        case: Case,
        mut take: impl FnMut(bool),
    ) -> Result<(), Problem> {
        if patterns.list.is_empty() {
            return Err(patterns.empty());
        }
        for pattern in &patterns.list {
            if !self.has_time() {
                let message =
                    "deciding took too long: the patterns up to here are too many or too large";
                return Err(
                    Problem::new(pattern.position, message).help("write fewer or simpler patterns")
                );
            }
            take(match self.compiled {
                Some(compiled) => compiled.matches(pattern, value, case)?,
                None => match pattern.compile(case)? {
                    Matcher::Regex(regex) => search(pattern, &regex, value)?,
                    matcher => matcher.matches(value),
                },
            });
        }
        Ok(())
    }

    /// Whether there is time for more.
    pub(super) fn has_time(self) -> bool {
        (self.has_time)()
    }
}

/// Whether a regex or a glob matches.
fn search(pattern: &Pattern, regex: &Regex, value: Option<&str>) -> Result<bool, Problem> {
    let Some(value) = value else {
        return Ok(false);
    };
    if in_bytes(regex.size()).saturating_mul(in_bytes(value.len())) > MAX_WORK {
        let message = format!(
            "the value has {} bytes, too many for a pattern of this size",
            value.len()
        );
        return Err(Problem::new(pattern.position, message)
            .over(&pattern.text)
            .help("lower the repetitions of the pattern, which are what makes it large"));
    }
    Ok(regex.is_match(value))
}

/// A size as limits count it, which is the same on machines of 32 bits.
fn in_bytes(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

/// Compiled regexes and globs by their text, kept for the next decision as long as there is room.
#[derive(Debug, Default)]
pub(super) struct Compiled(RwLock<Kept>);

#[derive(Debug, Default)]
struct Kept {
    regexes: HashMap<(Kind, Case), HashMap<Arc<str>, Regex>>,
    bytes: u64,
}

impl Compiled {
    fn matches(&self, pattern: &Pattern, value: Option<&str>, case: Case) -> Result<bool, Problem> {
        if !matches!(pattern.kind, Kind::Regex | Kind::Glob) {
            return Ok(pattern.compile(case)?.matches(value));
        }
        // Nothing is left half done by whoever panics.
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let same = kept.regexes.get(&(pattern.kind, case));
        if let Some(regex) = same.and_then(|regexes| regexes.get(&*pattern.text)) {
            return search(pattern, regex, value);
        }
        drop(kept);
        let regex = match pattern.compile(case)? {
            Matcher::Regex(regex) => regex,
            matcher => return Ok(matcher.matches(value)),
        };
        let matches = search(pattern, &regex, value)?;
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let bytes = in_bytes(regex.size()) + in_bytes(pattern.text.len());
        if kept.bytes + bytes <= MAX_KEPT {
            kept.bytes += bytes;
            let same = kept.regexes.entry((pattern.kind, case)).or_default();
            same.insert(Arc::clone(&pattern.text), regex);
        }
        Ok(matches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Position;

    #[test]
    fn the_longest_value_is_the_same_on_every_machine() {
        let pattern = Pattern {
            text: "a{32765}".into(),
            kind: Kind::Regex,
            position: Position::START,
        };
        let Matcher::Regex(regex) = pattern.compile(Case::Sensitive).unwrap() else {
            panic!("a regex");
        };
        let searched = |length| search(&pattern, &regex, Some(&"a".repeat(length)));
        assert_eq!(searched(4096).map_err(|problem| problem.message), Ok(false));
        insta::assert_snapshot!(searched(4097).unwrap_err(), @"line 1, column 1: the value has 4097 bytes, too many for a pattern of this size (lower the repetitions of the pattern, which are what makes it large)");
    }
}
