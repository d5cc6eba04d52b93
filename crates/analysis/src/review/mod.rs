//! Reviews a changed policy: lint, test cases, and the access that the change adds and removes.
//!
//! Pure: texts are the input, a page and annotations the output. A review decides on no permission.

mod annotate;
mod lines;
mod page;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cases::{CaseResult, Coverage, FileError, PolicyFile, Suite, run};
use crate::compare::{Comparison, compare};
use crate::lint::{Finding, Level, Options, lint};
use crate::report::check::{Annotation, Conclusion};
use engine::encoding::NotText;
use engine::plural::{count, count_of, grouped};
use engine::policy::{Format, Policy, Position};
use lines::Lines;

/// Inputs of a review.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Material {
    /// Path of the policy in the repository.
    pub path: String,
    /// Policy before the pull request; `None` if there was none.
    pub old: Option<Text>,
    /// Policy of the pull request; `None` if the pull request removes it.
    pub new: Option<Text>,
    /// Test files beside the policy.
    pub cases: Vec<CaseFile>,
    /// Names of the pull request's workflow files; `None` if they could not be listed.
    pub workflows: Option<BTreeSet<String>>,
    /// `OWNER/NAME` of the repository.
    pub repository: Option<String>,
}

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

/// Text of a file, or why it is not text.
pub type Text = Result<String, NotText>;

/// A test file and the files that it names.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CaseFile {
    /// Path of the file in the repository.
    pub path: String,
    /// Text of the file, or why it could not be read.
    pub text: Result<String, String>,
    /// Texts of the files that its cases name, by these names.
    pub files: BTreeMap<String, Result<String, String>>,
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
            let options = Options {
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
        (Some(_), Some(_)) => Some(Cases::run(material, new_text, now)),
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

/// Findings of all parts of a review.
struct Reviewed<'r> {
    material: &'r Material,
    lines: Lines,
    new: Option<&'r Policy>,
    findings: &'r [Finding],
    /// `None` if the new policy is invalid.
    comparison: Option<&'r Comparison<'r>>,
    /// `None` if there is no valid policy to run them on.
    cases: Option<&'r Cases>,
}

/// Results of the test cases.
#[derive(Debug, Default)]
struct Cases {
    /// Results with the path of their test file.
    results: Vec<(String, CaseResult)>,
    errors: Vec<FileError>,
    coverage: Coverage,
}

impl Cases {
    fn run(material: &Material, policy: &str, now: Timestamp) -> Self {
        let mut cases = Self::default();
        for file in &material.cases {
            match cases.run_file(material, file, policy, now) {
                Ok(results) => {
                    let results = results.into_iter();
                    let results = results.map(|result| (file.path.clone(), result));
                    cases.results.extend(results);
                }
                Err(errors) => cases.errors.extend(errors),
            }
        }
        cases
    }

    fn run_file(
        &mut self,
        material: &Material,
        file: &CaseFile,
        policy: &str,
        now: Timestamp,
    ) -> Result<Vec<CaseResult>, Vec<FileError>> {
        let unreadable = |why: &str| vec![FileError::new(&file.path, why)];
        let text = file.text.as_ref().map_err(|why| unreadable(why))?;
        let suite = Suite::parse(&file.path, text)?;
        let policy = PolicyFile {
            name: &material.path,
            text: Ok(policy),
        };
        let read = |name: &str| match file.files.get(name) {
            Some(Ok(text)) => Ok(text.as_bytes()),
            Some(Err(why)) => Err(why.clone()),
            None => Err("the review did not fetch it".to_owned()),
        };
        // The page does not show the matching rules of cases, so none are kept.
        let coverage = &mut self.coverage;
        run(&suite, &policy, read, now, &|| true, coverage, &mut 0)
    }

    /// Returns the failed cases.
    fn failed(&self) -> impl Iterator<Item = &(String, CaseResult)> {
        self.results
            .iter()
            .filter(|(_, result)| !result.has_passed())
    }
}

impl Reviewed<'_> {
    fn count(&self, level: Level) -> usize {
        let findings = self.findings.iter();
        findings.filter(|finding| finding.level == level).count()
    }

    fn conclusion(&self) -> Conclusion {
        let cases_fail = self
            .cases
            .is_some_and(|cases| cases.failed().next().is_some() || !cases.errors.is_empty());
        if self.count(Level::Error) > 0 || self.comparison.is_none() || cases_fail {
            Conclusion::Failure
        } else if self.comparison.is_some_and(Comparison::widens) || self.material.new.is_none() {
            Conclusion::Neutral
        } else {
            Conclusion::Success
        }
    }

    /// Returns the summary on one line, without a full stop.
    fn summary(&self) -> String {
        if self.material.new.is_none() {
            return "the policy is removed: every check will end with `policy_not_found`"
                .to_owned();
        }
        let access = match self.comparison {
            Some(comparison) => crate::report::access::summary(comparison),
            None => "the policy is invalid".to_owned(),
        };
        let mut parts = vec![access];
        for (number, noun) in [
            (self.count(Level::Error), "error"),
            (self.count(Level::Warning), "warning"),
        ] {
            if number > 0 {
                parts.push(count(number, noun));
            }
        }
        if let Some(cases) = self.cases {
            let failed = cases.failed().count();
            match (failed, cases.results.len()) {
                (0, 0) => {}
                (0, all) => parts.push(count_of(all, "case passes", "cases pass")),
                (1, all) => parts.push(format!("1 of {} fails", count(all, "case"))),
                (failed, all) => parts.push(format!(
                    "{} of {} fail",
                    grouped(failed),
                    count(all, "case")
                )),
            }
            if !cases.errors.is_empty() {
                parts.push("invalid test files".to_owned());
            }
        }
        parts.join("; ")
    }
}

#[cfg(test)]
#[path = "review_tests.rs"]
mod tests;
