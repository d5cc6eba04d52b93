//! Events whose runs can have a pull request, and merge its head with its base.

/// Whether the runs of an event have a pull request, whose base a rule must trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merges {
    /// The run has a branch, a tag or a commit.
    Never,
    /// The run can have `refs/pull/N/merge`, and a token that names its base.
    Sometimes,
    /// The run can have `refs/pull/N/merge`, but its token names no base: GitHub signs `base_ref` in the events of pull
    /// requests.
    Unnamed,
    /// The run always has a pull request.
    Always,
}

/// Events whose ref GitHub documents as a branch, a tag or the default branch.
///
/// Source: docs.github.com, "Events that trigger workflows". The creator of a deployment chooses its ref, so
/// `deployment` is not in this list.
pub const OF_ONE_REF: [&str; 31] = [
    "branch_protection_rule",
    "check_run",
    "check_suite",
    "commit_comment",
    "create",
    "delete",
    "discussion",
    "discussion_comment",
    "fork",
    "gollum",
    "image_version",
    "issue_comment",
    "issues",
    "label",
    "member",
    "merge_group",
    "milestone",
    "page_build",
    "project",
    "project_card",
    "project_column",
    "public",
    "push",
    "registry_package",
    "release",
    "repository_dispatch",
    "schedule",
    "status",
    "watch",
    "workflow_dispatch",
    "workflow_run",
];

/// Returns whether the runs of an event can have a pull request; an unknown event can.
pub fn merges(event: &str) -> Merges {
    match event {
        "pull_request_target" => Merges::Always,
        "deployment" | "deployment_status" => Merges::Unnamed,
        event if OF_ONE_REF.contains(&event) => Merges::Never,
        _ => Merges::Sometimes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_nobody_knows_may_merge() {
        for (event, expected) in [
            ("push", Merges::Never),
            ("merge_group", Merges::Never),
            ("workflow_run", Merges::Never),
            ("pull_request", Merges::Sometimes),
            ("pull_request_review", Merges::Sometimes),
            ("pull_request_target", Merges::Always),
            ("deployment", Merges::Unnamed),
            ("deployment_status", Merges::Unnamed),
            ("event_of_tomorrow", Merges::Sometimes),
        ] {
            assert_eq!(merges(event), expected, "{event}");
        }
    }
}
