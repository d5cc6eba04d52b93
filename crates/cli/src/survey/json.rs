//! The survey for programs.

use std::io::{BufWriter, Write};

use serde::Serialize;

use super::report::{Cost, Report, SurveyRow};
use analysis::lint::Level;
use analysis::report::text::json_line;
use analysis::survey::{EntryRow, RepositoryRow, Summary};

/// The settings and the results of the survey.
#[derive(Serialize)]
struct Whole<'r> {
    owner: &'r str,
    api: &'r str,
    action: &'r str,
    policy: Option<&'r str>,
    policy_sha256: Option<String>,
    started: &'r str,
    finished: &'r str,
    errors: u64,
    warnings: u64,
    notes: u64,
    #[serde(flatten)]
    summary: &'r Summary,
    cost: Cost,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Object<'r> {
    Repository(&'r RepositoryRow),
    Entry(&'r EntryRow),
    Summary(&'r Whole<'r>),
}

impl<'r> Whole<'r> {
    fn of(report: &'r Report<'_>) -> Self {
        let policy = report.policy;
        Self {
            owner: &report.owner,
            api: report.api,
            action: report.action,
            policy: policy.map(|policy| policy.file),
            policy_sha256: policy.map(|policy| analysis::sha256(policy.text.as_bytes())),
            started: &report.started,
            finished: &report.finished,
            errors: report.summary.of_level(Level::Error),
            warnings: report.summary.of_level(Level::Warning),
            notes: report.summary.of_level(Level::Note),
            summary: report.summary,
            cost: report.cost,
        }
    }
}

/// Prints one object, part by part.
pub(super) fn print(report: &Report<'_>) -> std::io::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    write!(out, "{{\"summary\":{}", text(&Whole::of(report)))?;
    list(
        report,
        "repositories",
        |row| match row {
            SurveyRow::Repository(row) => Some(text(row)),
            SurveyRow::Entry(_) => None,
        },
        &mut out,
    )?;
    list(
        report,
        "entries",
        |row| match row {
            SurveyRow::Entry(row) => Some(text(row)),
            SurveyRow::Repository(_) => None,
        },
        &mut out,
    )?;
    writeln!(out, "}}")?;
    out.flush()
}

fn list(
    report: &Report<'_>,
    key: &str,
    of: impl Fn(&SurveyRow) -> Option<String>,
    out: &mut impl Write,
) -> std::io::Result<()> {
    write!(out, ",\"{key}\":[")?;
    let mut comma = "";
    for row in report.rows.iter().filter_map(of) {
        write!(out, "{comma}\n{row}")?;
        comma = ",";
    }
    write!(out, "]")
}

/// Prints one object per line.
pub(super) fn print_lines(report: &Report<'_>) -> std::io::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    for row in &report.rows {
        let line = match row {
            SurveyRow::Repository(row) => text(&Object::Repository(row)),
            SurveyRow::Entry(row) => text(&Object::Entry(row)),
        };
        writeln!(out, "{line}")?;
    }
    writeln!(out, "{}", text(&Object::Summary(&Whole::of(report))))?;
    out.flush()
}

/// Serializes a value without characters that affect a terminal or a log.
fn text(value: &impl Serialize) -> String {
    // Serializing strings and numbers cannot fail.
    json_line(serde_json::to_string(value).unwrap_or_default())
}
