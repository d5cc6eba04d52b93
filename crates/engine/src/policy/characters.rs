//! Characters that a policy cannot contain: those that parsers treat differently, and invisible ones.
//!
//! The parser must see what a reviewer sees. A lone carriage return, NEL, LS and PS end a line, and with it
//! a comment, only in YAML 1.1 and some editors; `Bidi_Control` characters change the display order
//! (Trojan Source, CVE-2021-42574).

use std::fmt::Write as _;

use super::format::Format;
use super::position::Position;
use super::problem::{Invalid, MAX_PROBLEMS, Problem};
use crate::unicode::{is_bidi_control, is_default_ignorable};

/// Finds invalid raw characters in a text, including its comments.
pub(super) fn refused(text: &str, format: Format, noun: &str) -> Option<Invalid> {
    if is_plain(text) {
        return None;
    }
    let mut problems = Vec::new();
    let mut at = Position::START;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let is_of_crlf = c == '\r' && rest.peek() == Some(&'\n');
        if let (Some(reason), false) = (reason(c), is_of_crlf) {
            if problems.len() >= MAX_PROBLEMS {
                problems.push(Problem::too_many(at));
                break;
            }
            problems.push(problem(c, reason, at, format, &format!("the {noun}")));
        }
        at = at.after(c);
    }
    Invalid::from_problems(problems)
}

/// Whether a text contains only printable ASCII and white space, as most do. It checks eight bytes at a time.
fn is_plain(text: &str) -> bool {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const TOPS: u64 = u64::from_ne_bytes([0x80; 8]);
    // No byte is below a space or above a tilde. A borrow or carry can only come from a byte that is.
    let are_shown = |bytes: [u8; 8]| {
        let word = u64::from_ne_bytes(bytes);
        (word.wrapping_sub(ONES * 0x20) | word | word.wrapping_add(ONES)) & TOPS == 0
    };
    let is_plain = |byte: &u8| matches!(byte, b'\n' | b'\t' | b' '..=b'~');
    let (words, rest) = text.as_bytes().as_chunks();
    let mut words = words.iter();
    words.all(|word| are_shown(*word) || word.iter().all(is_plain)) && rest.iter().all(is_plain)
}

/// Why a character is invalid anywhere in a policy.
fn reason(c: char) -> Option<&'static str> {
    match c {
        '\t' | '\n' | ' '..='~' => None,
        '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
            Some("which only some parsers treat as a line break")
        }
        // The rest of YAML's non-printable characters (yaml.org, section 5.1).
        '\0'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => Some("which is not printable"),
        '\u{200b}' | '\u{2060}' | '\u{feff}' => Some("which is invisible"),
        c if is_bidi_control(c) => Some("which changes the display order"),
        _ => None,
    }
}

/// Returns the first invisible raw character of a scalar, with its position. An escape for it is allowed.
pub(super) fn hidden(raw: &str, start: Position) -> Option<(char, Position)> {
    if raw.is_ascii() {
        return None;
    }
    let mut at = start;
    for c in raw.chars() {
        if is_default_ignorable(c) {
            return Some((c, at));
        }
        at = at.after(c);
    }
    None
}

/// Returns the problem of an invisible character in a key or a pattern.
pub(super) fn hidden_problem(c: char, at: Position, format: Format, what: &str) -> Problem {
    problem(c, "which is invisible", at, format, what)
}

fn problem(c: char, reason: &str, at: Position, format: Format, what: &str) -> Problem {
    let escape = escape(c, format);
    let message = format!("{what} contains the character `{escape}`, {reason}");
    let help = match c {
        '\r' => {
            "end lines with a line feed, with or without a carriage return before it".to_owned()
        }
        _ => format!("remove it, or write it as `{escape}` in double quotes"),
    };
    Problem::new(at, message).over("x").help(help)
}

/// Returns the format's escape for a character.
pub(super) fn escape(c: char, format: Format) -> String {
    let mut escape = String::new();
    if c == '\r' {
        escape.push_str("\\r");
    } else if format == Format::Yaml && !matches!(c, '\0'..='\u{ffff}') {
        let _ = write!(escape, "\\U{:08X}", u32::from(c));
    } else {
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(escape, "\\u{unit:04X}");
        }
    }
    escape
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yaml(text: &str) -> String {
        let invalid = refused(text, Format::Yaml, "policy");
        invalid.map_or_else(String::new, |invalid| invalid.to_string())
    }

    #[test]
    fn ambiguous_characters_are_rejected_everywhere() {
        insta::assert_snapshot!(yaml("a: b # c\u{2028}d: e"), @r"line 1, column 9: the policy contains the character `\u2028`, which only some parsers treat as a line break (remove it, or write it as `\u2028` in double quotes)");
        insta::assert_snapshot!(yaml("a: é\u{85}"), @r"line 1, column 5: the policy contains the character `\u0085`, which only some parsers treat as a line break (remove it, or write it as `\u0085` in double quotes)");
        insta::assert_snapshot!(yaml("\n\u{2029}"), @r"line 2, column 1: the policy contains the character `\u2029`, which only some parsers treat as a line break (remove it, or write it as `\u2029` in double quotes)");
        insta::assert_snapshot!(yaml("# a\rb: c"), @r"line 1, column 4: the policy contains the character `\r`, which only some parsers treat as a line break (end lines with a line feed, with or without a carriage return before it)");
        insta::assert_snapshot!(yaml("a: b\r"), @r"line 1, column 5: the policy contains the character `\r`, which only some parsers treat as a line break (end lines with a line feed, with or without a carriage return before it)");
        insta::assert_snapshot!(yaml("a: b\r\n\rc: d\r\r\n"), @r"line 2, column 1: the policy contains the character `\r`, which only some parsers treat as a line break (end lines with a line feed, with or without a carriage return before it); and 1 more problem");
        insta::assert_snapshot!(yaml("a: \u{1b}[1m"), @r"line 1, column 4: the policy contains the character `\u001B`, which is not printable (remove it, or write it as `\u001B` in double quotes)");
        insta::assert_snapshot!(yaml("\0"), @r"line 1, column 1: the policy contains the character `\u0000`, which is not printable (remove it, or write it as `\u0000` in double quotes)");
        insta::assert_snapshot!(yaml("a: \u{feff}b"), @r"line 1, column 4: the policy contains the character `\uFEFF`, which is invisible (remove it, or write it as `\uFEFF` in double quotes)");
        insta::assert_snapshot!(yaml("a: b # \u{202e}c"), @r"line 1, column 8: the policy contains the character `\u202E`, which changes the display order (remove it, or write it as `\u202E` in double quotes)");
        insta::assert_snapshot!(yaml("a: b\u{200b}"), @r"line 1, column 5: the policy contains the character `\u200B`, which is invisible (remove it, or write it as `\u200B` in double quotes)");
    }

    #[test]
    fn eight_bytes_are_checked_as_each_alone() {
        for c in '\0'..='\u{ff}' {
            for before in 0..17 {
                for after in [0, 1, 9] {
                    let text = format!("{}{c}{}", " ".repeat(before), "~".repeat(after));
                    let expected = matches!(c, '\n' | '\t' | ' '..='~');
                    assert_eq!(is_plain(&text), expected, "{text:?}");
                }
            }
        }
    }

    #[test]
    fn what_everybody_reads_alike_is_not() {
        for text in [
            "",
            "a: b\t# c\r\n",
            "größe: 🦀",
            "# 👩\u{200d}🚀 ❤\u{fe0f}",
            "\u{a0}\u{3000}\u{e000}\u{1fffe}",
        ] {
            assert_eq!(yaml(text), "", "{text:?}");
        }
    }

    #[test]
    fn every_character_that_yaml_calls_unprintable_is_refused() {
        for c in '\0'..=char::MAX {
            let is_printable = matches!(c,
                '\t' | '\n' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..);
            let hides =
                is_bidi_control(c) || "\u{85}\u{2028}\u{2029}\u{200b}\u{2060}\u{feff}".contains(c);
            assert_eq!(reason(c).is_some(), !is_printable || hides, "{c:?}");
        }
    }

    #[test]
    fn a_character_has_the_escape_of_the_format() {
        assert_eq!(escape('\u{e0041}', Format::Yaml), "\\U000E0041");
        assert_eq!(escape('\u{e0041}', Format::Json), "\\uDB40\\uDC41");
        assert_eq!(escape('\u{1b}', Format::Json), "\\u001B");
    }
}
