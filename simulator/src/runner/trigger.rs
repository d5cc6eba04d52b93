//! What starts a run.

use serde_json::Value;

use super::pull_request::PullRequest;

/// The trigger of a run, without the fields that all events have.
#[derive(Debug, Clone)]
pub(crate) enum Trigger {
    Push,
    PullRequest {
        pull: PullRequest,
        action: &'static str,
        merged: bool,
    },
    WorkflowDispatch,
    Schedule,
    MergeGroup {
        base: String,
    },
    WorkflowRun {
        head_branch: String,
        head_repository: String,
    },
    Release {
        tag: String,
    },
    Deployment,
    /// The caller's own payload.
    Given(Value),
}
