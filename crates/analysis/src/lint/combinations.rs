//! `impossible-event`: an event that no job has together with the rule's branch or claim.

use super::catalogue::IMPOSSIBLE_EVENT;
use super::claims;
use super::dimension::Dimension;
use super::findings::Findings;
use super::forms::Forms;
use engine::decision::TRUSTED_EVENTS;
use engine::policy::{CaseSensitivity, Kind, Pattern, Patterns, Rule, quoted, written};

/// Prefix of a merge queue's branches (docs.github.com, "Managing a merge queue").
const QUEUE: &str = "gh-readonly-queue/";
/// A ref of the repository itself: git does not allow a colon in its name.
const ANY_REF: &str = "[^:]+";
/// A branch or a tag of the repository itself.
const BRANCH_OR_TAG: &str = "(?:[^r:]|r[^e:]|re[^f:]|ref[^s:]|refs[^/:])[^:]*|r|re|ref|refs|refs/heads/refs/[^:]+|refs/tags(?:/[^:]*)?";
/// A branch of the repository itself, and not another kind of ref.
const NO_OTHER_REF: &str =
    "(?:[^r:]|r[^e:]|re[^f:]|ref[^s:]|refs[^/:])[^:]*|r|re|ref|refs|refs/heads/refs/[^:]+";
/// The head of a pull request, `OWNER:HEAD` for a fork, or the base of a merged one.
const HEAD: &str = "(?s)(?:[^r]|r[^e]|re[^f]|ref[^s]|refs[^/]).*|r|re|ref|refs|refs/heads/refs/.+";
/// The same, or the pull request's own ref: GitHub does not document `head_ref` for its reviews.
const HEAD_OF_REVIEW: &str =
    "(?s)(?:[^r]|r[^e]|re[^f]|ref[^s]|refs[^/]).*|r|re|ref|refs|refs/heads/refs/.+|refs/pull/.+";

/// Events whose jobs run on the default branch.
const OF_DEFAULT_BRANCH: [&str; 17] = [
    "branch_protection_rule",
    "check_run",
    "check_suite",
    "delete",
    "discussion",
    "discussion_comment",
    "fork",
    "gollum",
    "issue_comment",
    "issues",
    "label",
    "milestone",
    "public",
    "repository_dispatch",
    "schedule",
    "watch",
    "workflow_run",
];

/// Values of an event's jobs.
struct JobValues {
    /// Forms of the branch and of the claims `ref` and `ref_type`, as regexes.
    branch: &'static str,
    git_ref: &'static str,
    ref_type: &'static str,
    /// Description of the branch.
    words: &'static str,
}

/// Returns the values of an event's jobs, if documented.
///
/// Source: docs.github.com, "Events that trigger workflows".
fn values_of(name: &str) -> Option<JobValues> {
    Some(match name {
        "merge_group" => JobValues {
            branch: "gh-readonly-queue/(?s:.)+",
            git_ref: "refs/heads/gh-readonly-queue/(?s:.)+",
            ref_type: "branch",
            words: "the merge queue's own, below `gh-readonly-queue/`",
        },
        "release" => JobValues {
            branch: "refs/tags/(?s:.)+",
            git_ref: "refs/tags/(?s:.)+",
            ref_type: "tag",
            words: "the release's tag, such as `refs/tags/v1`",
        },
        "pull_request" => JobValues {
            branch: HEAD,
            git_ref: "refs/(?:pull|heads)/(?s:.)+",
            ref_type: "branch",
            words: "the head of the pull request",
        },
        "pull_request_review" | "pull_request_review_comment" => JobValues {
            branch: HEAD_OF_REVIEW,
            git_ref: "refs/(?:pull|heads)/(?s:.)+",
            ref_type: "branch",
            words: "the head of the pull request",
        },
        "pull_request_target" => JobValues {
            branch: HEAD,
            git_ref: "refs/heads/(?s:.)+",
            ref_type: "branch",
            words: "the head of the pull request",
        },
        name if OF_DEFAULT_BRANCH.contains(&name) => JobValues {
            branch: NO_OTHER_REF,
            git_ref: "refs/heads/(?s:.)+",
            ref_type: "branch",
            words: "the default branch",
        },
        "push" | "create" | "workflow_dispatch" => JobValues {
            branch: BRANCH_OR_TAG,
            git_ref: "refs/(?:heads|tags)/(?s:.)+",
            ref_type: "branch|tag",
            words: "a branch or a tag of this repository",
        },
        "deployment" | "deployment_status" | "registry_package" => JobValues {
            branch: ANY_REF,
            git_ref: "refs/(?s:.)+",
            ref_type: "branch|tag",
            words: "a branch or a tag of this repository",
        },
        _ => return None,
    })
}

/// Checks a rule without events, which matches only the trusted ones.
pub(super) fn check_trusted(rule: &Rule, forms: &mut Forms, findings: &mut Findings<'_>) {
    let mut claims = rule.claims.iter();
    let Some((_, patterns)) = claims.find(|(claim, _)| **claim == *"event_name") else {
        return;
    };
    // Another check reports an unknown event.
    let of_claim = Dimension::Claim("event_name");
    let mut names = patterns.list.iter();
    if !names.any(|one| claims::may_match(of_claim, one, forms)) {
        return;
    }
    let mut events = TRUSTED_EVENTS.iter();
    let is_possible = events.any(|event| patterns.list.iter().any(|one| is_matched(one, event)));
    if let (false, Some(first)) = (is_possible, patterns.list.first()) {
        let message = format!(
            "a rule without `events` matches no event that {} matches",
            texts(patterns)
        );
        let finding = findings.pattern(&IMPOSSIBLE_EVENT, first, message);
        findings.push(finding.help("name the event in `events` instead"));
    }
}

/// Checks an event of a rule.
pub(super) fn check(rule: &Rule, name: &str, forms: &mut Forms, findings: &mut Findings<'_>) {
    let Some(values) = values_of(name) else {
        return;
    };
    let mut never = |patterns: &Patterns, form: &'static str| {
        !patterns.list.is_empty() && !patterns.list.iter().any(|one| forms.may_match(one, form))
    };
    let branch = rule.branch.as_ref();
    if let Some(branch) = branch.filter(|branch| never(branch, values.branch)) {
        let message = format!(
            "for the event `{name}`, no job has the branch {}: it is {}",
            texts(branch),
            values.words
        );
        let finding = findings.member(&IMPOSSIBLE_EVENT, rule, "events", name, message);
        return findings.push(finding.help(help(rule, name, branch, findings)));
    }
    let is_pull_request = name.starts_with("pull_request");
    for (claim, patterns) in &rule.claims {
        let is_never = match &**claim {
            "ref" => never(patterns, values.git_ref),
            "ref_type" => never(patterns, values.ref_type),
            // GitHub does not document them for merge queues.
            "head_ref" | "base_ref" => {
                !is_pull_request
                    && name != "merge_group"
                    && patterns.list.iter().all(|one| one.kind != Kind::Any)
            }
            "event_name" => !patterns.list.iter().any(|one| is_matched(one, name)),
            _ => false,
        };
        if is_never {
            let message = format!(
                "for the event `{name}`, no job has a claim {} that {} matches",
                quoted(claim),
                texts(patterns)
            );
            let finding = findings.member(&IMPOSSIBLE_EVENT, rule, "events", name, message);
            return findings.push(finding.help("remove the event or the claim"));
        }
    }
}

fn is_matched(pattern: &Pattern, value: &str) -> bool {
    let matcher = pattern.compile(CaseSensitivity::Sensitive);
    // Another check reports a pattern that does not compile.
    !matcher.is_ok_and(|matcher| !matcher.matches(Some(value)))
}

fn texts(patterns: &Patterns) -> String {
    const MOST: usize = 5;
    let texts = patterns.list.iter().take(MOST);
    let texts: Vec<_> = texts.map(|pattern| quoted(&pattern.text)).collect();
    let more = if patterns.list.len() > MOST {
        " or another of the list"
    } else {
        ""
    };
    texts.join(" or ") + more
}

fn help(rule: &Rule, event: &str, branch: &Patterns, findings: &Findings<'_>) -> String {
    // An empty list is invalid, and a rule without the list would match more events.
    let instead = match rule.events.as_ref().is_some_and(|events| events.len() > 1) {
        true => "remove the event",
        false => "name another event",
    };
    let glob = |text: &str| quoted(&written::pattern(text, Kind::Glob, findings.source.format));
    match (event, &*branch.list) {
        ("merge_group", [one]) if one.name().is_some() && !one.text.contains(QUEUE) => format!(
            "{instead}, or add {} for the queue of {}",
            glob(&format!("{QUEUE}{}/**", one.text)),
            quoted(&one.text)
        ),
        ("merge_group", _) => format!(
            "{instead}, or add {} for the queue of a branch",
            glob("gh-readonly-queue/BRANCH/**")
        ),
        ("release", _) => format!("{instead}, or add {}", glob("refs/tags/**")),
        _ => instead.to_owned(),
    }
}
