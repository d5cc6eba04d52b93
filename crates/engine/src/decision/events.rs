//! Events that a rule accepts.

use crate::policy::Rule;

/// Events that a rule without `events:` matches: only people and Apps with write access to the repository
/// start them, and only code that these have written runs. A rule must name every other event, including those
/// that GitHub adds later.
///
/// Source: docs.github.com, "Events that trigger workflows".
pub const TRUSTED_EVENTS: [&str; 20] = [
    "push",
    "pull_request",
    "merge_group",
    "workflow_dispatch",
    "repository_dispatch",
    "schedule",
    "release",
    "create",
    "delete",
    "deployment",
    "registry_package",
    "page_build",
    "public",
    "label",
    "milestone",
    "project",
    "project_card",
    "project_column",
    "branch_protection_rule",
    "image_version",
];

/// Whether a rule without `events:` matches an event.
pub fn is_trusted_event(event: &str) -> bool {
    TRUSTED_EVENTS.contains(&event)
}

/// Whether a rule accepts an event: a named one, or any trusted one if the rule names none.
pub fn accepts_event(rule: &Rule, event: Option<&str>) -> bool {
    match (&rule.events, event) {
        (Some(events), Some(event)) => events.iter().any(|name| **name == *event),
        (Some(_), None) => false,
        (None, event) => event.is_some_and(is_trusted_event),
    }
}
