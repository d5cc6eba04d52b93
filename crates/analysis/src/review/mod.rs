//! The review of a changed policy: lint, tests, and what access the change adds and removes.
//!
//! Pure: the texts come in, a page and annotations go out. Nothing here decides on a permission.

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
use engine::policy::{Document, Format, Position};
use lines::Lines;

/// What is reviewed, and what it is compared with.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Material {
    /// The policy's path in the repository.
    pub path: String,
    /// The policy as it was before the pull request; `None` when there was none.
    pub old: Option<Text>,
    /// The policy of the pull request; `None` when it is removed.
    pub new: Option<Text>,
    /// The files of cases beside it.
    pub cases: Vec<CaseFile>,
    /// The names of the workflow files of the pull request, where they could be listed.
    pub workflows: Option<BTreeSet<String>>,
    /// `OWNER/NAME` of the repository.
    pub repository: Option<String>,
}

/// The hidden command that reviews in a process of its own.
pub const COMMAND: &str = "review-stdin";
/// The most private memory of that process in bytes.
pub const MAX_MEMORY: u64 = 48 << 20;

/// What that process gets.
#[derive(Debug, Serialize, Deserialize)]
pub struct Task {
    /// The texts.
    pub material: Material,
    /// The time.
    pub now: Timestamp,
    /// The largest page in bytes.
    pub max_page: usize,
    /// The most seconds of processor time.
    pub seconds: u64,
}

/// A file's text, or why it is none.
pub type Text = Result<String, NotText>;

/// A file of cases, as it was read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CaseFile {
    /// Its path in the repository.
    pub path: String,
    /// Its text, or why it could not be read.
    pub text: Result<String, String>,
    /// The files that its cases name, by their names in it.
    pub files: BTreeMap<String, Result<String, String>>,
}

/// What a review comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Failure for errors and cases that do not hold, neutral where access widens or the policy goes,
    /// else success.
    pub conclusion: Conclusion,
    /// One line.
    pub title: String,
    /// Markdown.
    pub page: String,
    /// At the lines of the policy and of the cases, the gravest first, as many as a check run takes.
    pub annotations: Vec<Annotation>,
}

/// Reviews a changed policy. The page has at most `max` bytes.
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
    let old_document = Document::parse(old_text, format).unwrap_or_default();
    let new_document = match &material.new {
        None => Some(Document::default()),
        Some(_) => Document::parse(new_text, format).ok(),
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

/// All that was found.
struct Reviewed<'r> {
    material: &'r Material,
    lines: Lines,
    new: Option<&'r Document>,
    findings: &'r [Finding],
    /// `None` when the new policy is not valid.
    comparison: Option<&'r Comparison<'r>>,
    /// `None` when there is no policy that they could be run by.
    cases: Option<&'r Cases>,
}

/// What the cases came to.
#[derive(Debug, Default)]
struct Cases {
    /// With the path of their file.
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
        let wrong = |why: &str| vec![FileError::new(&file.path, why)];
        let text = file.text.as_ref().map_err(|why| wrong(why))?;
        let suite = Suite::parse(&file.path, text)?;
        let policy = PolicyFile {
            name: &material.path,
            text: Ok(policy),
        };
        let read = |name: &str| match file.files.get(name) {
            Some(Ok(text)) => Ok(text.as_bytes()),
            Some(Err(why)) => Err(why.clone()),
            None => Err("it was not read".to_owned()),
        };
        // The page shows no rules of cases, so that none are kept.
        let coverage = &mut self.coverage;
        run(&suite, &policy, read, now, &|| true, coverage, &mut 0)
    }

    /// Those that do not hold.
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

    /// One line without a full stop.
    fn summary(&self) -> String {
        if self.material.new.is_none() {
            return "the policy is removed: every check of it will end in `policy_not_found`"
                .to_owned();
        }
        let access = match self.comparison {
            Some(comparison) => crate::report::access::summary(comparison),
            None => "the policy is not valid".to_owned(),
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
                (0, all) => parts.push(count_of(all, "case holds", "cases hold")),
                (1, all) => parts.push(format!("1 of {} does not hold", count(all, "case"))),
                (failed, all) => parts.push(format!(
                    "{} of {} do not hold",
                    grouped(failed),
                    count(all, "case")
                )),
            }
            if !cases.errors.is_empty() {
                parts.push("cases that cannot be run".to_owned());
            }
        }
        parts.join("; ")
    }
}

#[cfg(test)]
#[path = "review_tests.rs"]
mod tests;
