//! `unescaped-dot`: the dot of `release/1.0|main` matches any character.

use super::catalogue::UNESCAPED_DOT;
use super::dimension::Dimension;
use super::findings::Findings;
use super::replacement::propose;
use super::scan::{neighbours, scan};
use crate::pattern_text::without_anchors;
use engine::policy::{Kind, Pattern, quoted};

pub(super) fn check(dimension: Dimension<'_>, pattern: &Pattern, findings: &mut Findings<'_>) {
    let items = scan(&pattern.text);
    let mut escaped = String::with_capacity(pattern.text.len() + 2);
    let mut found = false;
    for (_, item, after) in neighbours(&items) {
        let meant = after.is_some_and(|after| after.is_bare() && after.c.is_alphanumeric());
        if item.is('.') && meant {
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
