//! What occurs among the pairs: a run that does not reach something shows nothing of it.

use std::collections::BTreeMap;

use super::pairs::{Group, Pair};
use crate::reference::run::{Event, Head};
use crate::reference::{Base, Outcome, Own, Pattern, Rule, is_wrong};

/// How often something occurred.
pub type Counts = BTreeMap<String, usize>;

/// What has to occur in every run.
pub const REASONS: [&str; 8] = [
    "reason granted",
    "reason repository_not_found",
    "reason repository_id_mismatch",
    "reason permission_not_granted",
    "reason untrusted_event",
    "reason expired",
    "reason no_rule_matches",
    "reason policy_invalid",
];

/// What has to occur in a long one.
pub const RARE: [&str; 43] = [
    "event push",
    "event pull_request",
    "event pull_request_target",
    "event workflow_run",
    "event issue_comment",
    "event event_of_tomorrow",
    "event pull_request_review",
    "event merge_group",
    "event release",
    "event deployment",
    "head This",
    "head Fork",
    "head Gone",
    "head Unsaid",
    "head OtherNumber",
    "head OtherBranch",
    "place Default",
    "place AtRef",
    "place Another",
    "place Inline",
    "place Workspace",
    "a display name is asked for",
    "decided beside a wrong pattern",
    "the file as a whole is invalid",
    "granted by the own policy",
    "denied with the own policy",
    "the own policy is invalid",
    "granted to another case",
    "granted beyond ASCII",
    "granted by a claim",
    "granted by a list",
    "granted by a glob",
    "granted to a fork",
    "granted by an entry with a pin",
    "granted until it expires",
    "granted by the base of a rule",
    "granted by the branch of a rule for its base",
    "granted by the default branch",
    "denied for the base alone",
    "denied for a base that is not signed",
    "granted to a merged pull request",
    "granted where ref and base differ",
    "granted to a branch that is named like a tag",
];

/// Counts what is special about a pair.
pub fn count(counts: &mut Counts, group: &Group, pair: &Pair, expected: &Outcome) {
    let run = &pair.run;
    let mut seen = vec![
        format!("reason {}", expected.reason),
        format!("event {}", run.event.name()),
        format!("place {:?}", pair.placement),
    ];
    let head = match &run.event {
        Event::Pull(pull) => Some(&pull.head),
        _ => None,
    };
    if let Some(head) = head {
        let name = format!("{head:?}");
        let name = name.split('(').next().unwrap_or_default();
        seen.push(format!("head {name}"));
    }
    let job = run.job(group.year);
    let of_own = group.own.iter().flat_map(|own| own.policy.rules());
    let rules = group.file.policy.rules().into_iter();
    let rules: Vec<_> = rules.chain(of_own).collect();
    let alone = group.expected_with(Own::Missing, pair.placement.source(), pair);
    let granting = expected.granting.map(|index| rules[index]);
    let rule = granting.map(|(rule, _)| rule);
    let entry = granting.and_then(|(_, entry)| entry);
    let grants = |has: fn(&Rule) -> bool| rule.is_some_and(has);
    let environment = job.environment.as_deref().unwrap_or_default();
    let base = match &job.base {
        Base::Branch(branch) => Some(branch.as_str()),
        _ => None,
    };
    let unknown = pair.without_default_branch();
    let without_default = group.expected(pair.placement.source(), &unknown);
    let only_base = |(_, failed): &(usize, Vec<String>)| failed == &["base"];
    for (name, occurs) in [
        ("a display name is asked for", pair.permission.contains(' ')),
        ("the file as a whole is invalid", !group.file.is_valid),
        (
            "decided beside a wrong pattern",
            expected.decision != "error"
                && rules.iter().any(|(rule, _)| patterns(rule).any(is_wrong)),
        ),
        (
            "granted to another case",
            rule.is_some_and(|rule| is_another_case(rule.environment.as_deref(), environment))
                || entry
                    .is_some_and(|entry| is_another_case(Some(&entry.repository), &job.repository)),
        ),
        (
            "granted beyond ASCII",
            grants(|rule| rule.environment.is_some()) && !environment.is_ascii(),
        ),
        (
            "granted by the own policy",
            expected.decision == "allowed" && alone.decision == "denied",
        ),
        (
            "denied with the own policy",
            expected.decision == "denied" && expected.trace.len() > alone.trace.len(),
        ),
        (
            "the own policy is invalid",
            expected.decision == "error" && alone.decision == "denied",
        ),
        ("granted by a claim", grants(|rule| !rule.claims.is_empty())),
        (
            "granted by a list",
            grants(|rule| dimensions(rule).any(|list| list.len() > 1)),
        ),
        (
            "granted by a glob",
            grants(|rule| dimensions(rule).any(|list| matches!(list, [Pattern::Glob(_), ..]))),
        ),
        (
            "granted to a fork",
            grants(|rule| rule.branch.is_some()) && matches!(head, Some(Head::Fork(_))),
        ),
        (
            "granted by an entry with a pin",
            entry.is_some_and(|entry| entry.repository_id.or(entry.owner_id).is_some()),
        ),
        (
            "granted until it expires",
            grants(|rule| rule.expires_after_year.is_some()),
        ),
        (
            "granted by the base of a rule",
            base.is_some() && grants(|rule| rule.base.is_some()),
        ),
        (
            "granted by the branch of a rule for its base",
            base.is_some() && grants(|rule| rule.base.is_none() && rule.branch.is_some()),
        ),
        (
            "granted by the default branch",
            expected.decision == "allowed" && without_default.decision == "denied",
        ),
        (
            "denied for the base alone",
            expected.nearest.as_ref().is_some_and(only_base),
        ),
        (
            "denied for a base that is not signed",
            job.base == Base::Absent && expected.nearest.as_ref().is_some_and(only_base),
        ),
        (
            "granted to a merged pull request",
            grants(|rule| rule.branch.is_some())
                && matches!(&run.event, Event::Pull(pull) if pull.merged && base.is_none()),
        ),
        (
            "granted where ref and base differ",
            expected.decision == "allowed"
                && matches!(&run.event, Event::Pull(pull) if base.is_some() && base != Some(&pull.base_branch)),
        ),
        (
            "granted to a branch that is named like a tag",
            grants(|rule| rule.branch.is_some())
                && job.branch.as_deref() == Some("refs/heads/refs/tags/main"),
        ),
    ] {
        if occurs {
            seen.push(name.to_owned());
        }
    }
    for name in seen {
        *counts.entry(name).or_default() += 1;
    }
}

/// Whether the value is one of the texts only without case.
fn is_another_case(patterns: Option<&[Pattern]>, value: &str) -> bool {
    let texts = patterns
        .unwrap_or_default()
        .iter()
        .map(|pattern| match pattern {
            Pattern::Plain(text) | Pattern::Exact(text) if text != "*" => text.as_str(),
            _ => value,
        });
    let texts: Vec<_> = texts.collect();
    !texts.contains(&value) && texts.iter().any(|text| text.eq_ignore_ascii_case(value))
}

fn dimensions(rule: &Rule) -> impl Iterator<Item = &[Pattern]> {
    let named = [&rule.workflow, &rule.branch, &rule.base, &rule.environment];
    let claims = rule.claims.iter().map(|(_, patterns)| patterns);
    named.into_iter().flatten().chain(claims).map(Vec::as_slice)
}

fn patterns(rule: &Rule) -> impl Iterator<Item = &Pattern> {
    dimensions(rule).flatten()
}
