//! What the values of a pattern start with. Patterns without a common start have no value in common.

use std::collections::BTreeMap;

use regex_syntax::hir::literal::Extractor;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Repetition};

use engine::policy::{CaseSensitivity, Kind, Pattern};

/// Byte after a complete value. No value contains it, because it is not UTF-8.
const END: u8 = 0xff;

/// Starts of all values of a pattern, in lower case where case is ignored. [`END`] follows a complete value. `None`
/// for values without a common start.
pub(super) type Starts = Option<Box<[Box<[u8]>]>>;

/// Returns the starts of a pattern.
pub(super) fn starts(pattern: &Pattern, ignores_case: bool) -> Starts {
    let starts: Vec<_> = match pattern.kind {
        Kind::Any => return None,
        Kind::Literal | Kind::Exact => vec![start(pattern.text.as_bytes(), true, ignores_case)],
        Kind::Regex | Kind::Glob => {
            // Values outside ASCII are compared with case.
            let mut trees = vec![pattern.tree(CaseSensitivity::Sensitive).ok()?];
            if ignores_case {
                trees.push(ascii(&pattern.tree(CaseSensitivity::Insensitive).ok()?));
            }
            let mut starts = Vec::new();
            for tree in &trees {
                let found = Extractor::new().extract(tree);
                let found = found.literals()?.iter();
                starts.extend(found.map(|one| start(one.as_bytes(), one.is_exact(), ignores_case)));
            }
            starts.sort_unstable();
            starts.dedup();
            starts
        }
    };
    let has_common = starts.iter().all(|start| !start.is_empty());
    has_common.then(|| starts.into())
}

fn start(text: &[u8], is_complete: bool, ignores_case: bool) -> Box<[u8]> {
    // Beyond ASCII, the index does not know which characters are equal without case.
    let foreign = text
        .iter()
        .position(|byte| ignores_case && !byte.is_ascii());
    let (text, is_complete) = match foreign.and_then(|at| text.get(..at)) {
        Some(ascii) => (ascii, false),
        None => (text, is_complete),
    };
    let mut start = text.to_vec();
    if ignores_case {
        start.make_ascii_lowercase();
    }
    if is_complete {
        start.push(END);
    }
    start.into_boxed_slice()
}

/// Returns the syntax tree of the ASCII values of a tree, in lower case.
fn ascii(tree: &Hir) -> Hir {
    let range = |start: char, end: char| {
        let end = end.min('\x7f');
        (start <= end).then(|| ClassUnicodeRange::new(start, end))
    };
    match tree.kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) if literal.0.is_ascii() => {
            Hir::literal(literal.0.to_ascii_lowercase())
        }
        HirKind::Literal(_) => Hir::fail(),
        HirKind::Class(class) => {
            let ranges: Vec<_> = match class {
                Class::Unicode(class) => {
                    let ranges = class.iter();
                    ranges
                        .filter_map(|one| range(one.start(), one.end()))
                        .collect()
                }
                Class::Bytes(class) => {
                    let ranges = class.iter();
                    let ranges = ranges.map(|one| (char::from(one.start()), char::from(one.end())));
                    ranges
                        .filter_map(|(start, end)| range(start, end))
                        .collect()
                }
            };
            let characters = ranges.iter().flat_map(|range| range.start()..=range.end());
            let lower = characters.map(|c| c.to_ascii_lowercase());
            let lower = lower.map(|c| ClassUnicodeRange::new(c, c));
            Hir::class(Class::Unicode(ClassUnicode::new(lower)))
        }
        HirKind::Look(look) => Hir::look(*look),
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            min: repetition.min,
            max: repetition.max,
            greedy: repetition.greedy,
            sub: Box::new(ascii(&repetition.sub)),
        }),
        HirKind::Capture(capture) => ascii(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(ascii).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(ascii).collect()),
    }
}

/// Numbers by the starts of values.
#[derive(Default)]
pub(super) struct StartIndex(BTreeMap<Box<[u8]>, Vec<usize>>);

impl StartIndex {
    pub(super) fn add(&mut self, start: &[u8], number: usize) {
        self.0.entry(start.into()).or_default().push(number);
    }

    /// Returns the numbers of starts that values of a start can have.
    pub(super) fn of<'i>(&'i self, start: &'i [u8]) -> impl Iterator<Item = usize> + use<'i> {
        let shorter = (0..start.len()).filter_map(|length| start.get(..length));
        let shorter = shorter.filter_map(|shorter| self.0.get(shorter));
        let range = (std::ops::Bound::Included(start), std::ops::Bound::Unbounded);
        let longer = self.0.range::<[u8], _>(range);
        let longer = longer.take_while(move |(longer, _)| longer.starts_with(start));
        let longer = longer.map(|(_, numbers)| numbers);
        shorter.chain(longer).flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern_text::without_position;

    fn seen(text: &str, ignores_case: bool) -> Vec<String> {
        let pattern = match text.strip_prefix("glob:") {
            Some(glob) => without_position(glob, Kind::Glob),
            None => without_position(text, Kind::of(text)),
        };
        let starts = starts(&pattern, ignores_case);
        let shown = |start: &[u8]| match start.strip_suffix(&[END]) {
            Some(text) => format!("{}$", String::from_utf8_lossy(text)),
            None => String::from_utf8_lossy(start).into_owned(),
        };
        let starts = starts.iter().flat_map(|starts| starts.iter());
        starts.map(|start| shown(start)).collect()
    }

    #[test]
    fn the_starts_of_a_pattern_are_those_of_its_values() {
        for (text, ignores_case, expected) in [
            ("main", false, &["main$"][..]),
            ("Main", true, &["main$"]),
            ("Main", false, &["Main$"]),
            ("ma\u{df}", true, &["ma"]),
            ("\u{17f}", true, &[]),
            ("main|develop", false, &["develop$", "main$"]),
            ("glob:release/**", false, &["release/"]),
            ("glob:Prod-*", true, &["prod-"]),
            ("(?i)ab", true, &["ab$"]),
            ("(?i)s", true, &[]),
            ("staging-(eu|us)-.*", true, &["staging-eu-", "staging-us-"]),
            // With case it has no value, without case two.
            ("[A-Z&&b]", true, &["b$"]),
            ("[\u{17f}&&s]", true, &["s$"]),
            (".*main", false, &[]),
            ("*", false, &[]),
            (r"\bmain\b", false, &["main$"]),
            ("[ab]x?", false, &["ax$", "a$", "bx$", "b$"]),
        ] {
            assert_eq!(seen(text, ignores_case), expected, "{text}");
        }
    }

    #[test]
    fn a_value_that_a_pattern_matches_has_one_of_its_starts() {
        let patterns = [
            "main",
            "MAIN",
            "ma(in)?",
            "(?i)MAIN",
            "(?-i:main)",
            "main|dev",
            "[a-m]+",
            r"\w{2,}",
            "[sk]t",
            "\u{17f}t",
            "[A-Z&&s]t",
            "[^a-z]t",
            "(?i-u:S)t",
            "ma\u{df}",
            "glob:ma*",
            "x?main",
            "(a|b)(c|d)*",
            r"\Amain\z",
            "(main)?",
            r"\x6d(?:ain)",
            "[[:upper:]]ain",
        ];
        let values = [
            "m",
            "ma",
            "main",
            "MAIN",
            "Main",
            "mAin",
            "xmain",
            "XMAIN",
            "dev",
            "st",
            "St",
            "ST",
            "kt",
            "\u{17f}t",
            "\u{212a}t",
            "\u{df}t",
            "ma\u{df}",
            "MA\u{df}",
            "1t",
            "acd",
            "BCD",
            "a",
        ];
        for (text, value) in patterns
            .iter()
            .flat_map(|text| values.map(|value| (text, value)))
        {
            for ignores_case in [false, true] {
                let pattern = match text.strip_prefix("glob:") {
                    Some(glob) => without_position(glob, Kind::Glob),
                    None => without_position(text, Kind::of(text)),
                };
                let case = match ignores_case {
                    true => CaseSensitivity::ignored_for(Some(value)),
                    false => CaseSensitivity::Sensitive,
                };
                let is_match = pattern.compile(case).unwrap().matches(Some(value));
                let whole = match ignores_case {
                    true => value.to_ascii_lowercase(),
                    false => value.to_owned(),
                };
                let whole = [whole.as_bytes(), &[END]].concat();
                let starts = starts(&pattern, ignores_case);
                let has_start = starts.as_ref().is_none_or(|starts| {
                    let mut starts = starts.iter();
                    starts.any(|start| whole.starts_with(start))
                });
                assert!(has_start || !is_match, "{text} {value} {starts:?}");
            }
        }
    }

    #[test]
    fn an_index_finds_the_starts_that_a_value_can_have() {
        let mut index = StartIndex::default();
        let starts: [&[u8]; 5] = [b"ma", b"main\xff", b"maintenance\xff", b"dev", b"main/"];
        for (number, start) in starts.iter().enumerate() {
            index.add(start, number);
        }
        for (start, expected) in [
            (&b"main\xff"[..], &[0, 1][..]),
            (b"main", &[0, 1, 2, 4]),
            (b"m", &[0, 1, 2, 4]),
            (b"maint", &[0, 2]),
            (b"x\xff", &[]),
            (b"deve", &[3]),
        ] {
            let mut found: Vec<_> = index.of(start).collect();
            found.sort_unstable();
            assert_eq!(found, expected, "{start:?}");
        }
    }
}
