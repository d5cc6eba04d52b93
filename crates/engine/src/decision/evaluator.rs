//! Evaluates patterns: each is compiled when it is needed.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::policy::{CaseSensitivity, Kind, Matcher, Pattern, Patterns, Problem, Regex};

/// Callback that returns whether time is left.
pub type HasTime<'a> = &'a dyn Fn() -> bool;

/// Usual maximum memory of cached compiled patterns, in bytes.
const MAX_CACHE: u64 = 32 << 20;

/// Maximum work of one regex on one value: its compiled size times the value's size, in bytes. The longest
/// pattern takes some tenths of a second for a value of 4 KiB, and nothing can interrupt it in this time.
const MAX_WORK: u64 = 4 << 30;

/// Evaluates the patterns of one decision.
#[derive(Clone, Copy)]
pub(super) struct PatternEvaluator<'t> {
    pub(super) has_time: HasTime<'t>,
    /// Cache of compiled patterns, if the decision uses one.
    pub(super) compiled: Option<&'t PatternCache>,
}

impl PatternEvaluator<'_> {
    /// Calls `take` for each pattern with whether it matches. It compiles every pattern, even after a match, so
    /// the validity of a policy does not depend on the order of its patterns. Only one pattern is compiled at a
    /// time, because a large one takes a megabyte.
    pub(super) fn each(
        self,
        patterns: &Patterns,
        value: Option<&str>,
        case: CaseSensitivity,
        mut take: impl FnMut(bool),
    ) -> Result<(), Problem> {
        if patterns.list.is_empty() {
            return Err(patterns.empty());
        }
        for pattern in &patterns.list {
            if !self.has_time() {
                let message =
                    "the decision took too long: the patterns up to here are too many or too large";
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

    /// Whether time is left.
    pub(super) fn has_time(self) -> bool {
        (self.has_time)()
    }
}

/// Returns whether a regex or a glob matches.
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
            .help("reduce the repetitions of the pattern, which make it large"));
    }
    Ok(regex.is_match(value))
}

/// Converts a size to the type of the limits, which is the same on 32-bit machines.
fn in_bytes(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

/// Cache of compiled regexes and globs by their text, for later decisions.
#[derive(Debug)]
pub(super) struct PatternCache {
    cached: RwLock<Cached>,
    /// Maximum memory in bytes.
    limit: u64,
}

impl Default for PatternCache {
    fn default() -> Self {
        Self::with_limit(MAX_CACHE)
    }
}

#[derive(Debug, Default)]
struct Cached {
    regexes: HashMap<(Kind, CaseSensitivity), HashMap<Arc<str>, Regex>>,
    bytes: u64,
}

impl PatternCache {
    /// Creates an empty cache for so many bytes.
    pub(super) fn with_limit(limit: u64) -> Self {
        Self {
            cached: RwLock::default(),
            limit,
        }
    }

    /// Returns the memory in use, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        // A thread that panics leaves no partial change.
        self.cached
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .bytes
    }

    fn matches(
        &self,
        pattern: &Pattern,
        value: Option<&str>,
        case: CaseSensitivity,
    ) -> Result<bool, Problem> {
        if !matches!(pattern.kind, Kind::Regex | Kind::Glob) {
            return Ok(pattern.compile(case)?.matches(value));
        }
        let cache = self.cached.read().unwrap_or_else(PoisonError::into_inner);
        let same = cache.regexes.get(&(pattern.kind, case));
        if let Some(regex) = same.and_then(|regexes| regexes.get(&*pattern.text)) {
            return search(pattern, regex, value);
        }
        drop(cache);
        let regex = match pattern.compile(case)? {
            Matcher::Regex(regex) => regex,
            matcher => return Ok(matcher.matches(value)),
        };
        let matches = search(pattern, &regex, value)?;
        let mut cache = self.cached.write().unwrap_or_else(PoisonError::into_inner);
        let bytes = in_bytes(regex.size()) + in_bytes(pattern.text.len());
        if cache.bytes + bytes <= self.limit {
            cache.bytes += bytes;
            let same = cache.regexes.entry((pattern.kind, case)).or_default();
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
        let Matcher::Regex(regex) = pattern.compile(CaseSensitivity::Sensitive).unwrap() else {
            panic!("a regex");
        };
        let searched = |length| search(&pattern, &regex, Some(&"a".repeat(length)));
        assert_eq!(searched(4096).map_err(|problem| problem.message), Ok(false));
        insta::assert_snapshot!(searched(4097).unwrap_err(), @"line 1, column 1: the value has 4097 bytes, too many for a pattern of this size (reduce the repetitions of the pattern, which make it large)");
    }
}
