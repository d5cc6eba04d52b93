//! Changes of access as Markdown, and the parts that other formats share.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Phrase;
use super::text::code;
use crate::compare::{AccessChange, Check, Comparison, Replayed, Section, Times};
use engine::plural::{count, count_of, grouped};

/// Maximum number of replayed checks in the output.
const MAX_CHECKS: usize = 20;
/// Maximum number of changes on a page.
const MAX_CHANGES: usize = 100;

/// Groups the changes by section of the policy, with the added access first.
pub fn by_section<'c, 'a>(
    comparison: &'c Comparison<'a>,
) -> Vec<(Section<'a>, Vec<(&'c AccessChange<'a>, bool)>)> {
    let added = comparison.added.iter().map(|change| (change, true));
    let removed = comparison.removed.iter().map(|change| (change, false));
    let mut groups: Vec<(Section<'a>, Phrase<'a>, Vec<_>)> = Vec::new();
    for (change, is_added) in added.chain(removed) {
        // An entry can have different positions in the two policies.
        let phrase = change.section.phrase();
        match groups.iter_mut().find(|(_, known, _)| *known == phrase) {
            Some((_, _, changes)) => changes.push((change, is_added)),
            None => groups.push((change.section, phrase, vec![(change, is_added)])),
        }
    }
    let groups = groups.into_iter();
    groups
        .map(|(section, _, changes)| (section, changes))
        .collect()
}

/// Returns the result as one sentence without a full stop.
pub fn summary(comparison: &Comparison<'_>) -> String {
    let count = |number: usize| count(number, "change");
    match (comparison.added.len(), comparison.removed.len()) {
        (0, 0) => "access does not change".to_owned(),
        (added, 0) => format!("access widens ({})", count(added)),
        (0, removed) => format!("access narrows ({})", count(removed)),
        (added, removed) => format!(
            "access widens ({}) and narrows ({})",
            count(added),
            count(removed)
        ),
    }
}

/// Returns the result of a replay as one sentence without a full stop.
pub fn replay_summary(replayed: &Replayed) -> String {
    let mut text = match (replayed.changed(), replayed.checks) {
        (0, 0) => "no recorded check could be decided again".to_owned(),
        (0, checks) => format!(
            "none of {} would be decided differently",
            count(checks, "recorded check")
        ),
        (changed, checks) => format!(
            "{} of {} would be decided differently",
            grouped(changed),
            count(checks, "recorded check")
        ),
    };
    if replayed.without_job > 0 {
        let _ = write!(
            text,
            "; {} more have no verified job, so nothing can be granted to them",
            replayed.without_job
        );
    }
    text
}

/// Returns the checks to show, the most frequent first.
pub fn most_frequent(checks: &BTreeMap<Check, Times>) -> Vec<(&Check, &Times)> {
    let mut checks: Vec<_> = checks.iter().collect();
    checks.sort_by_key(|(_, times)| std::cmp::Reverse(times.count));
    checks.truncate(MAX_CHECKS);
    checks
}

/// Returns a note about the checks that are not shown.
pub fn more(checks: &BTreeMap<Check, Times>) -> Option<String> {
    let more = checks.len().checked_sub(MAX_CHECKS)?;
    (more > 0).then(|| format!("and {}", count(more, "more different check")))
}

/// Renders the comparison as Markdown.
pub fn page(comparison: &Comparison<'_>, replayed: Option<&Replayed>) -> String {
    let mut page = format!("{}.\n", sentence_case(&summary(comparison)));
    page.push_str(&changes(comparison));
    if let Some(replayed) = replayed {
        page.push_str(&replay(replayed));
    }
    page
}

/// Renders the changes as Markdown, grouped by section.
pub fn changes(comparison: &Comparison<'_>) -> String {
    let mut page = String::new();
    let mut left = MAX_CHANGES;
    for (section, changes) in by_section(comparison) {
        let _ = writeln!(
            page,
            "\n**{}**\n",
            sentence_case(&section.phrase().write(code))
        );
        for (change, is_added) in changes {
            let Some(rest) = left.checked_sub(1) else {
                continue;
            };
            left = rest;
            let sign = if is_added {
                "🔓 **more:**"
            } else {
                "🔒 **less:**"
            };
            let _ = writeln!(
                page,
                "- {sign} {}  \n  {}{}; {}",
                change.sentence(is_added).write(code),
                if is_added { "" } else { "formerly " },
                super::text::markdown(&change.rule_label()),
                change.remark(is_added).write(code)
            );
        }
    }
    let changes = comparison.added.len() + comparison.removed.len();
    if let Some(more) = changes.checked_sub(MAX_CHANGES).filter(|more| *more > 0) {
        let more = count_of(more, "more change is", "more changes are");
        let _ = writeln!(page, "\n*{more} not shown.*");
    }
    page
}

fn replay(replayed: &Replayed) -> String {
    let mut page = format!(
        "\n**Recorded checks**\n\n{}.\n\n",
        sentence_case(&replay_summary(replayed))
    );
    for (checks, sign) in [
        (&replayed.allowed, "🔓 **now allowed:**"),
        (&replayed.denied, "🔒 **now denied:**"),
    ] {
        for (check, times) in most_frequent(checks) {
            let _ = writeln!(page, "- {sign} {}", check.phrase(*times).write(code));
        }
        if let Some(more) = more(checks) {
            let _ = writeln!(page, "- {more}");
        }
    }
    page
}

/// Capitalises the first letter.
pub(crate) fn sentence_case(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}
