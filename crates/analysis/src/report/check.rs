//! Check runs and commit statuses, as GitHub takes them.

use serde::{Deserialize, Serialize};

/// The largest summary in **bytes**; GitHub's documentation counts characters, its servers do not.
pub const MAX_TEXT: usize = 65_535;
/// The most annotations in one request.
pub const MAX_ANNOTATIONS: usize = 50;

/// A check run, created completed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckRun {
    /// The name that branch protection can require.
    pub name: String,
    /// The commit.
    pub head_sha: String,
    /// Always `completed`: a job's token may not change a check run later.
    pub status: &'static str,
    /// The result.
    pub conclusion: Conclusion,
    /// For whoever looks for it by API: run and attempt.
    pub external_id: String,
    /// Where the link leads. GitHub ignores it for runs made with the job's own token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details_url: Option<String>,
    /// What people read.
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
    /// How grave it is.
    pub annotation_level: AnnotationLevel,
    /// At most 255 characters.
    pub title: String,
    /// At most 64 KiB.
    pub message: String,
}

/// How grave a note is, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AnnotationLevel {
    /// Something is wrong.
    Failure,
    /// Somebody should look at it.
    Warning,
    /// Good to know.
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
    /// GitHub's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Neutral => "neutral",
        }
    }
}

/// The longest description in characters; longer ones are refused with 422.
pub const MAX_DESCRIPTION: usize = 140;

/// A commit status; the newest of a context counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommitStatus {
    /// The result.
    pub state: State,
    /// Its name.
    pub context: String,
    /// One line, at most [`MAX_DESCRIPTION`] characters.
    pub description: String,
    /// Where the link leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_url: Option<String>,
}

/// The result of a commit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Allowed, or would be denied in advisory mode.
    Success,
    /// Denied.
    Failure,
    /// It could not be decided.
    Error,
}
