//! Results of `test` as JSON, for programs.

use serde::Serialize;

use super::files::Results;
use analysis::cases::Uncovered;
use engine::decision::{Decision, Reason};

#[derive(Serialize)]
struct Json<'a> {
    summary: Counts,
    cases: Vec<Case<'a>>,
    uncovered: Vec<Uncovered<'a>>,
    errors: Vec<ErrorRow<'a>>,
}

#[derive(Serialize)]
struct Counts {
    passed: usize,
    failed: usize,
}

#[derive(Serialize)]
struct Case<'a> {
    file: &'a str,
    line: u32,
    name: &'a str,
    expected: &'a str,
    decision: Decision,
    reason: Reason,
    message: &'a str,
    passed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    assumed: Option<&'a str>,
}

#[derive(Serialize)]
struct ErrorRow<'a> {
    file: &'a str,
    line: Option<u32>,
    column: Option<u32>,
    message: &'a str,
    help: Option<&'a str>,
}

pub(super) fn json(results: &Results) -> String {
    let (passed, failed) = results.counts();
    let cases = results.files.iter().flat_map(|file| {
        file.cases.iter().map(|case| Case {
            file: &file.file,
            line: case.position.line,
            name: &case.name,
            expected: case.expected.as_str(),
            decision: case.decision,
            reason: case.reason,
            message: &case.message,
            passed: case.has_passed(),
            assumed: case.assumed,
        })
    });
    let errors = results.errors().map(|error| ErrorRow {
        file: &error.file,
        line: error.position.map(|position| position.line),
        column: error.position.map(|position| position.column),
        message: &error.message,
        help: error.help.as_deref(),
    });
    let json = Json {
        summary: Counts { passed, failed },
        cases: cases.collect(),
        uncovered: results.coverage.uncovered().collect(),
        errors: errors.collect(),
    };
    // Serializing strings and numbers cannot fail.
    serde_json::to_string(&json).unwrap_or_default()
}
