//! `unescaped-dot`: the dot of `release/1.0|main` matches any character.

use super::catalogue::UNESCAPED_DOT;
use super::dimension::Dimension;
use super::findings::Findings;
use super::replacement::propose;
use super::scan::{Item, neighbours, scan};
use crate::pattern_text::without_anchors;
use engine::policy::{Kind, Pattern, quoted};

/// Returns whether an item can be the last one before the dot of a version or of an extension.
fn ends_a_word(item: Item) -> bool {
    item.c.is_alphanumeric() || (!item.is_escaped && ")]}+".contains(item.c))
}

/// Returns whether items start with a digit, or a class or group that starts with a letter or digit, such as `\d+`,
/// `[0-9]+` and `(yml|yaml)`.
fn starts_a_word(items: &[Item]) -> bool {
    let is_word = |item: &Item| item.c.is_alphanumeric() && !item.is_escaped;
    match items {
        [first, ..] if first.is_escaped => first.c == 'd',
        [first, next, ..] if first.c == '[' => is_word(next),
        [first, next, rest @ ..] if first.c == '(' => match rest {
            [colon, rest @ ..] if next.is('?') && colon.c == ':' => {
                rest.first().is_some_and(is_word)
            }
            _ => is_word(next),
        },
        _ => false,
    }
}

pub(super) fn check(dimension: Dimension<'_>, pattern: &Pattern, findings: &mut Findings<'_>) {
    let items = scan(&pattern.text);
    let mut escaped = String::with_capacity(pattern.text.len() + 2);
    let mut found = false;
    for (number, (before, item, after)) in neighbours(&items).enumerate() {
        let meant = || {
            after.is_some_and(|after| after.is_bare() && after.c.is_alphanumeric())
                || (before.is_some_and(ends_a_word)
                    && starts_a_word(items.get(number + 1..).unwrap_or_default()))
        };
        if item.is('.') && meant() {
            found = true;
            escaped.push_str(r"\.");
            continue;
        }
        if item.is_escaped {
            escaped.push('\\');
        }
        escaped.push(item.c);
    }
    if !found {
        return;
    }
    let message = format!(
        "a `.` in the regex {} matches any character",
        quoted(&pattern.text)
    );
    let finding = findings.pattern(&UNESCAPED_DOT, pattern, message);
    let bare = without_anchors(&escaped);
    let instead = [(&*escaped, Kind::Regex), (bare, Kind::Regex)];
    let proposal = propose(dimension, pattern, instead, findings);
    findings.push(match proposal {
        Some(proposal) => finding
            .help(format!("for a dot write {}", quoted(&proposal.written)))
            .fix(proposal.fix),
        None => finding.help(r"for a dot write `\.`"),
    });
}
