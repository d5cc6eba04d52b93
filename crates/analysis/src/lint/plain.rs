//! `not-itself`: `Production (EU)` is a regex that matches `Production EU`.

use super::catalogue::NOT_ITSELF;
use super::dimension::Dimension;
use super::findings::Findings;
use super::replacement::propose;
use super::scan::{Item, neighbours, scan};
use crate::pattern_text::{without_anchors, without_position};
use engine::policy::{CaseSensitivity, Kind, Pattern, quoted, written};

/// Checks a pattern and returns whether it added a finding. An explicit `regex:` is intended as one.
pub(super) fn check(
    dimension: Dimension<'_>,
    pattern: &Pattern,
    findings: &mut Findings<'_>,
) -> bool {
    let text = without_anchors(&pattern.text);
    if findings.is_explicit(pattern) || !reads_like_a_name(text) || !is_another(text) {
        return false;
    }
    let message = format!(
        "{} is a regex that does not match its own text",
        quoted(&pattern.text)
    );
    let finding = findings.pattern(&NOT_ITSELF, pattern, message);
    let exact = propose(dimension, pattern, [(text, Kind::Exact)], findings);
    let regex = quoted(&format!(
        "{{ regex: {} }}",
        written::quoted_scalar(text, findings.source.format)
    ));
    findings.push(match exact {
        Some(exact) => finding
            .help(format!(
                "write {}, or {regex} if you mean a regex",
                quoted(&exact.written)
            ))
            .fix(exact.fix),
        None => finding.help(format!("write {regex} if you mean a regex")),
    });
    true
}

/// Returns whether a text is a regex that does not match itself.
fn is_another(text: &str) -> bool {
    let compiled = without_position(text, Kind::of(text));
    let compiled = compiled.compile(CaseSensitivity::Sensitive);
    compiled.is_ok_and(|matcher| !matcher.matches(Some(text)))
}

/// Returns whether its only special characters are `( ) [ ] + ?`, used as in names and not as in regexes.
fn reads_like_a_name(text: &str) -> bool {
    let items = scan(text);
    let is_other = |item: &Item| item.is_escaped || r"\^$*{}|".contains(item.c);
    let is_whole_group = items.first().is_some_and(|item| item.is('('))
        && items.last().is_some_and(|item| item.is(')'));
    !items.iter().any(is_other)
        && !text.contains("(?")
        && !is_whole_group
        && classes_are_words(text)
        && neighbours(&items).all(|(before, item, after)| !is_of_a_regex(before, item, after))
}

/// Returns whether a repetition is typical of a regex: of a group, a class or any character, or in a word, such as
/// `.+`, `[ab]?`, `colou?r`, `keys?`.
fn is_of_a_regex(before: Option<Item>, item: Item, after: Option<Item>) -> bool {
    let is_letter = |item: Option<Item>| item.is_some_and(|item| item.c.is_alphanumeric());
    match item.c {
        '+' | '?' if item.is_bare() => {
            before.is_some_and(|before| ").]".contains(before.c))
                || (item.c == '?' && is_letter(before) && is_letter(after))
                || (item.c == '?' && before.is_some_and(|before| before.c == 's'))
        }
        _ => false,
    }
}

/// Returns whether each `[…]` looks like words: it contains three or more letters and no range, or follows a space,
/// or contains one letter or digit, which needs no class.
fn classes_are_words(text: &str) -> bool {
    let mut before = "";
    text.split('[').enumerate().all(|(number, part)| {
        let is_apart = std::mem::replace(&mut before, part).ends_with(' ');
        if number == 0 {
            return true;
        }
        let word = part.split(']').next().unwrap_or_default();
        let is_word = |c: char| c.is_alphanumeric() || " _./".contains(c);
        let count = word.chars().count();
        let is_long = count >= 3 && !word.chars().any(|c| c.is_ascii_digit());
        let is_single = count == 1 && word.chars().all(char::is_alphanumeric);
        word.chars().all(is_word) && (is_long || is_single || (is_apart && count > 0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_regexes_differ() {
        for name in [
            "Production (EU)",
            "what?",
            "c++",
            "[main]",
            "a+b",
            "(EU) Production",
            "release [beta]",
            "Prod [EU]",
            "prod [1]",
            "a[1]",
            "deploy (v1.0)",
            "really? yes",
        ] {
            assert!(reads_like_a_name(name) && is_another(name), "{name}");
        }
        for regex in [
            "prod.+",
            "v[0-9]+",
            "v[12]",
            "release-[ab]",
            "[a-z]+",
            "[^:]+",
            "colou?r",
            "keys?",
            "hotfix(es)?",
            "(main)",
            "(main|develop)",
            "(?i)main",
            r"release/\d+",
            "feature/*",
            "x{2}",
        ] {
            assert!(!reads_like_a_name(regex), "{regex}");
        }
    }
}
