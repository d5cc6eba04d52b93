//! What a run of cases found: one model for every format.

use serde::Serialize;

use super::coverage::{Coverage, Uncovered};
use crate::decision::{Decision, Reason};
use crate::policy::Problem;

/// All files of one run.
#[derive(Debug, Default)]
pub(super) struct Results {
    pub(super) files: Vec<FileResult>,
    pub(super) coverage: Coverage,
}

/// One file of cases.
#[derive(Debug, Default)]
pub(super) struct FileResult {
    /// As the command line named it.
    pub(super) file: String,
    pub(super) cases: Vec<CaseResult>,
    /// Why its cases were not run.
    pub(super) errors: Vec<FileError>,
}

/// One case.
#[derive(Debug, Serialize)]
pub(super) struct CaseResult {
    pub(super) file: String,
    pub(super) line: u32,
    pub(super) name: String,
    pub(super) expected: &'static str,
    pub(super) decision: Decision,
    pub(super) reason: Reason,
    /// The decision in one sentence.
    pub(super) message: String,
    pub(super) passed: bool,
    /// The rules held against the context, as text. Only of a case that failed.
    #[serde(skip)]
    pub(super) trace: String,
}

/// Something that cannot be read, or is not valid.
#[derive(Debug, Serialize)]
pub(super) struct FileError {
    /// The file of cases, or the policy.
    pub(super) file: String,
    pub(super) line: Option<u32>,
    pub(super) column: Option<u32>,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// How many cases hold.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Summary {
    pub(super) passed: usize,
    pub(super) failed: usize,
}

impl Results {
    pub(super) fn cases(&self) -> impl Iterator<Item = &CaseResult> {
        self.files.iter().flat_map(|file| &file.cases)
    }

    pub(super) fn errors(&self) -> impl Iterator<Item = &FileError> {
        self.files.iter().flat_map(|file| &file.errors)
    }

    pub(super) fn summary(&self) -> Summary {
        let passed = self.cases().filter(|case| case.passed).count();
        Summary {
            passed,
            failed: self.cases().count() - passed,
        }
    }

    /// 0 all hold, 1 some do not, 2 something is invalid.
    pub(super) fn exit_code(&self) -> u8 {
        if self.errors().next().is_some() || self.cases().any(CaseResult::is_error) {
            return 2;
        }
        u8::from(self.summary().failed > 0)
    }

    pub(super) fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Json<'a> {
            summary: Summary,
            cases: Vec<&'a CaseResult>,
            uncovered: Vec<Uncovered<'a>>,
            errors: Vec<&'a FileError>,
        }
        let json = Json {
            summary: self.summary(),
            cases: self.cases().collect(),
            uncovered: self.coverage.uncovered().collect(),
            errors: self.errors().collect(),
        };
        // Only strings, numbers and lists: it cannot fail.
        serde_json::to_string(&json).unwrap_or_default()
    }
}

impl CaseResult {
    /// Whether it could not be decided, and that was not expected.
    pub(super) fn is_error(&self) -> bool {
        self.decision == Decision::Error && !self.passed
    }

    /// What was got, with its reason.
    pub(super) fn got(&self) -> String {
        format!("{} ({})", self.decision.as_str(), self.reason.code())
    }
}

impl FileError {
    pub(super) fn new(file: &str, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            column: None,
            message: message.into(),
            help: None,
        }
    }

    pub(super) fn at(file: &str, problem: &Problem) -> Self {
        Self {
            file: file.to_owned(),
            line: Some(problem.position.line),
            column: Some(problem.position.column),
            message: problem.message.clone(),
            help: problem.help.clone(),
        }
    }

    /// `FILE:LINE:COLUMN: MESSAGE (HELP)`.
    pub(super) fn text(&self) -> String {
        let mut text = self.file.clone();
        for number in [self.line, self.column].into_iter().flatten() {
            text.push_str(&format!(":{number}"));
        }
        text.push_str(": ");
        text.push_str(&self.message);
        if let Some(help) = &self.help {
            text.push_str(&format!(" ({help})"));
        }
        text
    }
}
