//! Rows of the output: one for a repository, one for an entry of the policy.

use serde::Serialize;

use super::finding::SurveyFinding;

/// Row of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RepositoryRow {
    /// `OWNER/NAME`.
    pub repository: String,
    /// Id of the repository.
    pub id: Option<u64>,
    /// Whether it is private or internal.
    pub private: bool,
    /// Whether it is archived, so that no workflow runs.
    pub archived: bool,
    /// Whether it is a fork.
    pub fork: bool,
    /// Lines of the policy's entries that apply to it.
    pub entries: Vec<u32>,
    /// Workflow files that use this action or request `id-token: write`.
    pub workflows: Vec<WorkflowRow>,
    /// Findings, the most severe first.
    pub findings: Vec<SurveyFinding>,
}

/// Row of a workflow file that uses this action or requests `id-token: write`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkflowRow {
    /// Name of the file in `.github/workflows`.
    pub file: String,
    /// Events that start it; only `workflow_call` if other workflows call it.
    pub events: Vec<String>,
    /// Whether one of its `permissions:` has `id-token: write`.
    pub id_token: bool,
    /// Steps of its runs that use this action.
    #[serde(rename = "asks")]
    pub steps: Vec<ActionStep>,
}

/// A step that uses this action.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct ActionStep {
    /// File that contains it: the run's workflow, or one that it calls.
    pub file: String,
    /// Line at which the step starts.
    pub line: u32,
    /// Job of the step.
    pub job: String,
    /// `uses:` as in the file.
    pub uses: String,
    /// Permissions that the step requests.
    pub permissions: Vec<String>,
    /// Input `permission`, if only a run knows its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dynamic: Option<String>,
    /// `enforce`, `advisory`, or an expression.
    pub mode: String,
    /// Input `policy`; `inline` for a text.
    pub policy: String,
    /// Whether the input names a file of the repository itself.
    pub own_policy: bool,
}

/// Row of a policy entry that has findings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryRow {
    /// Line of the entry in the policy.
    pub entry: u32,
    /// `repository:` of the entry.
    pub repository: String,
    /// Findings about the entry.
    pub findings: Vec<SurveyFinding>,
}

impl RepositoryRow {
    /// Returns all steps that use this action.
    pub fn steps(&self) -> impl Iterator<Item = &ActionStep> {
        self.workflows.iter().flat_map(|workflow| &workflow.steps)
    }

    /// Whether the output has the row; other repositories are only counted.
    pub(super) fn is_relevant(&self) -> bool {
        !(self.workflows.is_empty() && self.findings.is_empty() && self.entries.is_empty())
    }
}
