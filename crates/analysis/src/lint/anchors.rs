//! `redundant-anchor` and `half-anchored`: a pattern matches the whole value, with or without anchors.

use super::catalogue::{HALF_ANCHORED, REDUNDANT_ANCHOR};
use super::dimension::Dimension;
use super::findings::Findings;
use super::fix::Fix;
use super::replacement::propose;
use super::scan::{Item, scan};
use engine::policy::{Kind, Pattern, quoted};

pub(super) fn check(dimension: Dimension<'_>, pattern: &Pattern, findings: &mut Findings<'_>) {
    let items = scan(&pattern.text);
    let repeated = items.get(1).is_some_and(|item| item.repeats());
    let starts = items.first().is_some_and(|item| item.is('^')) && !repeated;
    let ends = items.last().is_some_and(|item| item.is('$'));
    // One in the middle is not the anchor of the whole text, nor is one that is repeated.
    let inside = items.iter().skip(usize::from(starts));
    let inside = inside.take(
        items
            .len()
            .saturating_sub(usize::from(starts) + usize::from(ends)),
    );
    let mut inside = inside.filter(|item| item.is('^') || item.is('$'));
    if (!starts && !ends) || inside.next().is_some() {
        return;
    }
    let bare = bare(&pattern.text, starts, ends);
    if starts != ends && reads_as_prefix_or_suffix(&items, starts) {
        return half_anchored(dimension, pattern, bare, starts, findings);
    }
    let Some(bare) = bare_pattern(bare) else {
        return;
    };
    let (anchors, change) = match (starts, ends) {
        (true, true) => ("`^` and `$`", "change"),
        (true, false) => ("`^`", "changes"),
        _ => ("`$`", "changes"),
    };
    let message = format!(
        "the {anchors} of {} {change} nothing: a pattern matches the whole value",
        quoted(&pattern.text)
    );
    let finding = findings.pattern(&REDUNDANT_ANCHOR, pattern, message);
    let instead = [(bare, Kind::of(bare))];
    let proposal = propose(dimension, pattern, instead, findings);
    findings.push(match proposal {
        Some(proposal) => finding
            .help(format!("write {}", quoted(&proposal.written)))
            .fix(proposal.fix.map(Fix::safe)),
        None => finding.help("leave them out"),
    });
}

fn bare(text: &str, starts: bool, ends: bool) -> &str {
    let text = if starts {
        text.strip_prefix('^').unwrap_or(text)
    } else {
        text
    };
    if ends {
        text.strip_suffix('$').unwrap_or(text)
    } else {
        text
    }
}

/// Returns the text without anchors, if that is an equivalent pattern.
fn bare_pattern(bare: &str) -> Option<&str> {
    let same = match Kind::of(bare) {
        Kind::Regex => true,
        // In a literal, the dot would match only a dot, and `ſ` would not match `S` where case is ignored.
        Kind::Literal => !bare.is_empty() && !bare.contains('.') && bare.is_ascii(),
        _ => false,
    };
    same.then_some(bare)
}

/// Returns whether it looks like a prefix or a suffix: it has one anchor, and no wildcard at the other end.
fn reads_as_prefix_or_suffix(items: &[Item], starts: bool) -> bool {
    let alternatives = items.iter().any(|item| item.is('|'));
    let mut other_end = items.iter();
    let open = if starts {
        // `}` closes a repetition.
        let last = other_end.next_back().copied();
        last.is_none_or(|last| last.repeats() || last.is('}'))
    } else {
        let dot = other_end.next().is_some_and(|first| first.is('.'));
        dot && other_end.next().is_some_and(|second| second.repeats())
    };
    items.len() > 1 && !alternatives && !open
}

fn half_anchored(
    dimension: Dimension<'_>,
    pattern: &Pattern,
    bare: &str,
    starts: bool,
    findings: &mut Findings<'_>,
) {
    let (reads_as, wider) = if starts {
        ("starts with", format!("{bare}.*"))
    } else {
        ("ends in", format!(".*{bare}"))
    };
    let message = format!(
        "the regex {} matches the whole value, not every value that {reads_as} it",
        quoted(&pattern.text)
    );
    // No fix, because it would widen what the policy grants.
    let finding = findings.pattern(&HALF_ANCHORED, pattern, message);
    let propose = |text: &str| {
        let instead = [(text, Kind::of(text))];
        let proposal = propose(dimension, pattern, instead, findings);
        proposal.map(|proposal| quoted(&proposal.written))
    };
    let help = match (propose(&wider), propose(bare)) {
        (Some(wider), Some(bare)) => format!("write {wider}, or {bare} if that is all"),
        (Some(one), None) | (None, Some(one)) => format!("write {one}"),
        (None, None) => "write `.*` where any text may follow or precede".to_owned(),
    };
    findings.push(finding.help(help));
}
