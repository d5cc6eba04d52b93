//! Writes values as YAML that every parser reads as the same text.

use std::fmt::Write as _;

use crate::report::text::visible;
use engine::policy::{Format, written};

/// Maximum length of a line, in characters.
const MAX_LINE: usize = 100;

/// Returns a text as a scalar that every parser reads as the same text.
pub(super) fn scalar(text: &str) -> String {
    written::scalar(text, Format::Yaml)
}

/// Writes `key: value`, or a list of several values; indents every line.
pub(super) fn member(text: &mut String, indent: usize, key: &str, values: &[String]) {
    let flow = match values {
        [one] => format!("{:indent$}{key}: {one}", ""),
        several => format!("{:indent$}{key}: [{}]", "", several.join(", ")),
    };
    if values.len() == 1 || flow.chars().count() <= MAX_LINE {
        let _ = writeln!(text, "{flow}");
        return;
    }
    let _ = writeln!(text, "{:indent$}{key}:", "");
    for value in values {
        let _ = writeln!(text, "{:indent$}  - {value}", "");
    }
}

/// Writes a comment, wrapped at [`MAX_LINE`].
pub(super) fn comment(text: &mut String, indent: usize, words: &str) {
    wrapped(text, indent, "", words);
}

/// Writes a comment as an item of a list.
pub(super) fn item(text: &mut String, indent: usize, words: &str) {
    wrapped(text, indent, "- ", words);
}

fn wrapped(text: &mut String, indent: usize, mark: &str, words: &str) {
    let words = visible(words);
    let mut line = mark.to_owned();
    let mut is_empty = true;
    for word in words.split(' ') {
        let length = indent + 3 + line.chars().count() + word.chars().count();
        if !is_empty && length > MAX_LINE {
            let _ = writeln!(text, "{:indent$}# {line}", "");
            line = " ".repeat(mark.len());
            is_empty = true;
        }
        if !std::mem::take(&mut is_empty) {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(text, "{:indent$}# {line}", "");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_and_comments_are_wrapped() {
        let mut text = String::new();
        let values: Vec<_> = (0..20).map(|n| format!("value{n}")).collect();
        member(&mut text, 2, "a", &values[..2]);
        member(&mut text, 2, "b", &values);
        assert!(text.starts_with("  a: [value0, value1]\n  b:\n    - value0\n    - value1\n"));
        let mut text = String::new();
        comment(&mut text, 4, &"word ".repeat(40));
        assert!(
            text.lines()
                .all(|line| line.len() <= MAX_LINE && line.starts_with("    # "))
        );
        let mut text = String::new();
        comment(&mut text, 0, "a\nb: c");
        assert_eq!(text, "# a\\nb: c\n");
    }
}
