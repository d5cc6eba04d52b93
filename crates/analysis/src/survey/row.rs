//! What the output says of one repository, and of one entry of the policy.

use serde::Serialize;

use super::finding::Finding;

/// A repository that there is something to say of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RepositoryRow {
    /// `OWNER/NAME`.
    pub repository: String,
    /// Its id.
    pub id: Option<u64>,
    /// Private or internal.
    pub private: bool,
    /// No workflow of it runs.
    pub archived: bool,
    /// It was forked from another one.
    pub fork: bool,
    /// The lines of the policy's entries that speak for it.
    pub entries: Vec<u32>,
    /// The workflow files that use this action or ask for `id-token: write`.
    pub workflows: Vec<WorkflowRow>,
    /// What is wrong, the worst first.
    pub findings: Vec<Finding>,
}

/// A workflow file that uses this action or asks for `id-token: write`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkflowRow {
    /// Its name in `.github/workflows`.
    pub file: String,
    /// The events that start it; `workflow_call` alone for one that others call.
    pub events: Vec<String>,
    /// Whether a block of it has `id-token: write`.
    pub id_token: bool,
    /// The steps of its runs that use this action.
    pub asks: Vec<Ask>,
}

/// A step that uses this action.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Ask {
    /// The file it stands in: of the run's workflow, or of one that it calls.
    pub file: String,
    /// The line it starts at.
    pub line: u32,
    /// The job.
    pub job: String,
    /// `uses:` as it is written.
    pub uses: String,
    /// The permissions it asks for.
    pub permissions: Vec<String>,
    /// The input `permission`, where only a run knows what it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dynamic: Option<String>,
    /// `enforce`, `advisory`, or an expression.
    pub mode: String,
    /// The input `policy`; `inline` for a text.
    pub policy: String,
    /// Whether that is a file of the repository itself.
    pub own_policy: bool,
}

/// An entry of the policy that something is wrong with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryRow {
    /// Its line in the policy.
    pub entry: u32,
    /// Its `repository:`.
    pub repository: String,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

impl RepositoryRow {
    /// Every step that uses this action.
    pub fn asks(&self) -> impl Iterator<Item = &Ask> {
        self.workflows.iter().flat_map(|workflow| &workflow.asks)
    }

    /// Repositories that nothing can be said of are only counted.
    pub(super) fn is_of_interest(&self) -> bool {
        !(self.workflows.is_empty() && self.findings.is_empty() && self.entries.is_empty())
    }
}
