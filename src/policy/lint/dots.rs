//! `unescaped-dot`: the dot of `release/1.0|main` matches any character.

use super::super::Pattern;
use super::catalogue::UNESCAPED_DOT;
use super::patterns::replace;
use super::scan::{neighbours, scan};
use super::{Findings, quoted};

pub(super) fn check(pattern: &Pattern<'_>, findings: &mut Findings<'_>) {
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
        "a `.` of the regex {} matches any character",
        quoted(&pattern.text)
    );
    let fix = replace(pattern, &escaped, findings);
    let finding = findings.pattern(&UNESCAPED_DOT, pattern, message);
    findings.push(
        finding
            .help(format!("for a dot write {}", quoted(&escaped)))
            .fix(fix),
    );
}
