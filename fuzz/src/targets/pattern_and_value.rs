//! A pattern against a value, as the reference evaluator says.
//!
//! The input: `p`lain, `e`xact, `g`lob or `r`egex; `i` to ignore case where the value is ASCII, `s`
//! not to; the pattern; a NUL and the value, unless it is absent.

use ::engine::policy::{CaseSensitivity, Kind, MAX_COMPILED, Pattern, Position};

use crate::reference;

pub fn run(data: &[u8]) {
    let Ok(input) = std::str::from_utf8(data) else {
        return;
    };
    let mut chars = input.chars();
    let (Some(kind), Some(case)) = (chars.next(), chars.next()) else {
        return;
    };
    let (text, value) = match chars.as_str().split_once('\0') {
        Some((text, value)) => (text, Some(value)),
        None => (chars.as_str(), None),
    };
    let owned = text.to_owned();
    let (kind, plain) = match kind {
        'p' => (Kind::of(text), reference::Pattern::Plain(owned)),
        'e' => (Kind::Exact, reference::Pattern::Exact(owned)),
        'g' => (Kind::Glob, reference::Pattern::Glob(owned)),
        'r' => (Kind::Regex, reference::Pattern::Regex(owned)),
        _ => return,
    };
    let ignore_case = case == 'i';
    let pattern = Pattern {
        text: text.into(),
        kind,
        position: Position::START,
    };
    let case = match ignore_case {
        true => CaseSensitivity::ignored_for(value),
        false => CaseSensitivity::Sensitive,
    };
    let expected = reference::verdict(&plain, value, ignore_case);
    match pattern.compile(case) {
        Ok(matcher) => {
            let matched = matcher.matches(value);
            match expected {
                Some(expected) => assert_eq!(matched, expected, "{plain:?} {value:?}"),
                // Each measures what itself has compiled, the reference with groups.
                None => assert!(
                    kind == Kind::Regex
                        && reference::compiles_within(&plain, ignore_case, 8 * MAX_COMPILED),
                    "{plain:?}"
                ),
            }
            // Matching is a question, not a state.
            assert_eq!(matcher.matches(value), matched);
            assert_eq!(matcher.matches(None), kind == Kind::Any);
        }
        // Each measures what itself has compiled.
        Err(problem) if problem.message.contains("when compiled") => {
            assert!(!reference::compiles_within(
                &plain,
                ignore_case,
                MAX_COMPILED / 2
            ));
        }
        Err(problem) => assert_eq!(expected, None, "{problem}"),
    }
}
