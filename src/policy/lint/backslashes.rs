//! `double-backslash`: `.*\\.yml$`, as one documentation prints it, asks for a backslash.

use std::borrow::Cow;

use super::super::{Case, Pattern};
use super::catalogue::DOUBLE_BACKSLASH;
use super::patterns::replace;
use super::scan::{Item, scan};
use super::{Findings, quoted};

/// Whether something was found.
pub(super) fn check(pattern: &Pattern<'_>, findings: &mut Findings<'_>) -> bool {
    let escapes = |item: &Item| item.is_escaped && !item.in_class && item.c == '\\';
    if !scan(&pattern.text).iter().any(escapes) {
        return false;
    }
    let message = format!(
        "the regex {} asks for a backslash in the value",
        quoted(&pattern.text)
    );
    let single = Pattern {
        text: Cow::Owned(pattern.text.replace(r"\\", r"\")),
        ..pattern.clone()
    };
    let fixed = single.compile(Case::Sensitive).is_ok();
    let fix = fixed
        .then(|| replace(pattern, &single.text, findings))
        .flatten();
    let help = if fixed {
        format!(
            "file names, branches and environments have none: write {}",
            quoted(&single.text)
        )
    } else {
        "file names, branches and environments have none: write one backslash".to_owned()
    };
    let finding = findings.pattern(&DOUBLE_BACKSLASH, pattern, message);
    findings.push(finding.help(help).fix(fix));
    true
}
