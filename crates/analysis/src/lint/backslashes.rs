//! `double-backslash`: `.*\\.yml$`, which some documentation shows, requires a backslash in the value.

use super::catalogue::DOUBLE_BACKSLASH;
use super::dimension::Dimension;
use super::findings::Findings;
use super::replacement::propose;
use super::scan::{Item, scan};
use crate::pattern_text::without_anchors;
use engine::policy::{Kind, Pattern, quoted};

/// Checks a pattern and returns whether it added a finding.
pub(super) fn check(
    dimension: Dimension<'_>,
    pattern: &Pattern,
    findings: &mut Findings<'_>,
) -> bool {
    let escapes = |item: &Item| item.is_escaped && !item.in_class && item.c == '\\';
    if !scan(&pattern.text).iter().any(escapes) {
        return false;
    }
    let message = format!(
        "the regex {} requires a backslash in the value",
        quoted(&pattern.text)
    );
    let single = pattern.text.replace(r"\\", r"\");
    let bare = without_anchors(&single);
    let instead = [(&*single, Kind::Regex), (bare, Kind::Regex)];
    let proposal = propose(dimension, pattern, instead, findings);
    let write = match &proposal {
        Some(proposal) => quoted(&proposal.written),
        None => "one backslash".to_owned(),
    };
    let help = format!("file names, branches and environments have none: write {write}");
    let finding = findings.pattern(&DOUBLE_BACKSLASH, pattern, message);
    findings.push(
        finding
            .help(help)
            .fix(proposal.and_then(|proposal| proposal.fix)),
    );
    true
}
