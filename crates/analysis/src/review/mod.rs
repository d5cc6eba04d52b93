//! Reviews a changed policy: lint, test cases, and the access that the change adds and removes.
//!
//! Pure: texts are the input, a page and annotations the output. A review decides on no permission.

mod annotate;
mod cases;
mod lines;
mod material;
mod page;
mod reviewed;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use material::{CaseFile, Material, Text};

use self::cases::CaseResults;
use crate::compare::compare;
use crate::lint::{Finding, LintOptions, lint};
use crate::report::check::{Annotation, Conclusion};
use engine::policy::{Format, Policy, Position};
use lines::Lines;
use reviewed::Reviewed;

/// Hidden command that runs a review in a process of its own.
pub const COMMAND: &str = "review-stdin";
/// Maximum private memory of that process, in bytes.
pub const MAX_MEMORY: u64 = 48 << 20;

/// Input of that process.
#[derive(Debug, Serialize, Deserialize)]
pub struct Task {
    /// Texts to review.
    pub material: Material,
    /// Time of the review.
    pub now: Timestamp,
    /// Maximum size of the page, in bytes.
    pub max_page: usize,
    /// Maximum processor time, in seconds.
    pub seconds: u64,
}

/// Result of a review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// `Failure` for errors and failed cases, `Neutral` if access widens or the policy is removed, else
    /// `Success`.
    pub conclusion: Conclusion,
    /// Summary on one line.
    pub title: String,
    /// Page in Markdown.
    pub page: String,
    /// Annotations on the policy and the test files, the most severe first, at most as many as a check
    /// run accepts.
    pub annotations: Vec<Annotation>,
}

/// Reviews a changed policy; the page has at most `max` bytes.
pub fn review(material: &Material, now: Timestamp, max: usize) -> Review {
    fn text(text: &Option<Text>) -> &str {
        let text = text.as_ref().and_then(|text| text.as_deref().ok());
        text.unwrap_or_default()
    }
    let format = Format::of_path(&material.path);
    let (old_text, new_text) = (text(&material.old), text(&material.new));
    let findings = match &material.new {
        None => Vec::new(),
        Some(Ok(text)) => {
            let options = LintOptions {
                now: Some(now),
                workflows: material.workflows.clone(),
                repository: material.repository.clone(),
            };
            lint(text, format, &options)
        }
        Some(Err(why)) => {
            let message = format!("the policy is {why}");
            vec![Finding::invalid(Position::START, message)]
        }
    };
    let old_document = Policy::parse(old_text, format).unwrap_or_default();
    let new_document = match &material.new {
        None => Some(Policy::default()),
        Some(_) => Policy::parse(new_text, format).ok(),
    };
    let comparison = new_document
        .as_ref()
        .and_then(|new| compare(&old_document, new, now).ok());
    let cases = match (&material.new, &comparison) {
        (Some(_), Some(_)) => Some(CaseResults::run(material, new_text, now)),
        _ => None,
    };
    let reviewed = Reviewed {
        material,
        lines: Lines::of(old_text, new_text),
        new: new_document.as_ref(),
        findings: &findings,
        comparison: comparison.as_ref(),
        cases: cases.as_ref(),
    };
    Review {
        conclusion: reviewed.conclusion(),
        title: reviewed.summary(),
        page: page::page(&reviewed, max),
        annotations: annotate::annotations(&reviewed),
    }
}

#[cfg(test)]
#[path = "review_tests.rs"]
mod tests;
