//! Which events merge: whose runs may be of a pull request's head together with its base.

/// How often the runs of an event are of a pull request, so that a rule looks at a base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merges {
    /// The run is of a branch, a tag or a commit.
    Never,
    /// The run may be of `refs/pull/N/merge`.
    Sometimes,
    /// The run is always about a pull request.
    Always,
}

/// Events that GitHub documents with a branch, a tag or the default branch as their ref.
///
/// Source: docs.github.com, "Events that trigger workflows". A deployment has the ref that its creator
/// gives, so it is not among them.
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

/// How often the runs of an event merge. An event that GitHub adds later may.
pub fn merges(event: &str) -> Merges {
    match event {
        "pull_request_target" => Merges::Always,
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
            ("deployment", Merges::Sometimes),
            ("event_of_tomorrow", Merges::Sometimes),
        ] {
            assert_eq!(merges(event), expected, "{event}");
        }
    }
}
