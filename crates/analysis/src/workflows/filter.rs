//! Filters of `on:`: names and globs.

use engine::policy::{CaseSensitivity, Kind, Pattern, Position};

/// Characters that make a filter a glob.
const SPECIAL: [char; 6] = ['*', '?', '+', '[', ']', '\\'];

/// Whether a filter can match more than one name.
pub(crate) fn is_glob(filter: &str) -> bool {
    filter.contains(SPECIAL)
}

/// Returns the text with which every name starts that a glob matches.
pub(crate) fn literal_start(glob: &str) -> &str {
    let start = glob
        .find(SPECIAL)
        .and_then(|at| glob.get(..at))
        .unwrap_or(glob);
    // `?` and `+` repeat the character before them.
    let is_repeated = glob
        .get(start.len()..)
        .is_some_and(|rest| rest.starts_with(['?', '+']));
    match (is_repeated, start.char_indices().last()) {
        (true, Some((last, _))) => start.get(..last).unwrap_or_default(),
        _ => start,
    }
}

/// Whether a filter matches a name; `None` if it is not a valid glob.
pub(crate) fn matches(glob: &str, name: &str) -> Option<bool> {
    // Most names differ at the start, where no regex is needed.
    if !name.starts_with(literal_start(glob)) {
        return Some(false);
    }
    let pattern = Pattern {
        text: glob.into(),
        kind: Kind::Glob,
        position: Position::START,
    };
    let matcher = pattern.compile(CaseSensitivity::Sensitive).ok()?;
    Some(matcher.matches(Some(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_starts_as_its_glob() {
        for (glob, start) in [
            ("main", "main"),
            ("release/**", "release/"),
            ("v[0-9]", "v"),
            ("ab?c", "a"),
            ("ab+", "a"),
            ("*", ""),
            ("é?x", ""),
            ("a\\*b", "a"),
        ] {
            assert_eq!(literal_start(glob), start, "{glob}");
        }
        for (glob, name, expected) in [
            ("release/**", "release/1/2", Some(true)),
            ("release/*", "release/1/2", Some(false)),
            ("release/**", "main", Some(false)),
            ("ab?", "a", Some(true)),
            ("*[", "x", None),
        ] {
            assert_eq!(matches(glob, name), expected, "{glob} {name}");
        }
    }
}
