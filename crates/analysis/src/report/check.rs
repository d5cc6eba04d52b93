//! Check runs and commit statuses in GitHub's format.

use serde::{Deserialize, Serialize};

/// Maximum size of a summary in **bytes**, although GitHub's documentation says characters.
pub const MAX_TEXT: usize = 65_535;
/// Maximum number of annotations per request.
pub const MAX_ANNOTATIONS: usize = 50;

/// A check run, created as completed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckRun {
    /// Name, which branch protection can require.
    pub name: String,
    /// Commit.
    pub head_sha: String,
    /// Always `completed`, because a job's token may not change a check run later.
    pub status: &'static str,
    /// Result.
    pub conclusion: Conclusion,
    /// Run and attempt, for API clients.
    pub external_id: String,
    /// Target of the link. GitHub ignores it for check runs of the job's own token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details_url: Option<String>,
    /// Page of the check run.
    pub output: Output,
}

/// The page of a check run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Output {
    /// One line.
    pub title: String,
    /// Markdown, at most [`MAX_TEXT`] bytes.
    pub summary: String,
    /// At most [`MAX_ANNOTATIONS`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Annotation>,
}

/// A note on a line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    /// The file, relative to the repository's root.
    pub path: String,
    /// The first line, from 1.
    pub start_line: u32,
    /// The last line.
    pub end_line: u32,
    /// Severity.
    pub annotation_level: AnnotationLevel,
    /// At most 255 characters.
    pub title: String,
    /// At most 64 KiB.
    pub message: String,
}

/// Severity of an annotation, the highest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AnnotationLevel {
    /// An error.
    Failure,
    /// A problem that needs attention.
    Warning,
    /// Information.
    Notice,
}

/// The result of a check run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Conclusion {
    /// Allowed.
    Success,
    /// Denied, or an error.
    Failure,
    /// Would be denied, in advisory mode.
    Neutral,
}

impl Conclusion {
    /// Returns GitHub's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Neutral => "neutral",
        }
    }
}

/// Maximum length of a description in characters; GitHub rejects longer ones with 422.
pub const MAX_DESCRIPTION: usize = 140;

/// A commit status. The newest one of each context counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommitStatus {
    /// Result.
    pub state: StatusState,
    /// Name.
    pub context: String,
    /// One line, at most [`MAX_DESCRIPTION`] characters.
    pub description: String,
    /// Target of the link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_url: Option<String>,
}

/// The result of a commit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StatusState {
    /// Allowed, or would be denied in advisory mode.
    Success,
    /// Denied.
    Failure,
    /// An error prevented a decision.
    Error,
}
