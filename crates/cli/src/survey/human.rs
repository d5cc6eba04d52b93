//! The survey for people: the findings by kind, the worst first.

use std::io::{BufWriter, Write};

use super::report::Report;
use crate::style::Colours;
use analysis::lint::Level;
use analysis::report::text::truncate;
use analysis::survey::{Code, SurveyFinding};
use engine::plural::grouped;

/// Maximum width of the first column in characters.
const MAX_NAME: usize = 48;
/// Maximum number of notes of a kind.
const MAX_NOTES: u64 = 3;
/// Maximum length of a message in characters.
const MAX_MESSAGE: usize = 300;

pub(super) fn print(report: &Report<'_>, colours: Colours) -> std::io::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let headline = report.headline();
    match report.summary.has_problems() {
        true => writeln!(out, "{} {}", colours.denied("✗"), colours.strong(&headline))?,
        false => writeln!(
            out,
            "{} {}",
            colours.granted("✓"),
            colours.strong(&headline)
        )?,
    }
    for line in report.details() {
        writeln!(out, "  {}", colours.plain(&line))?;
    }
    let width = width(report);
    for (code, count) in report.codes() {
        let level = code.level();
        let word = format!("{}[{}]", level.as_str(), code.as_str());
        let word = match level {
            Level::Error => colours.error(&word),
            Level::Warning => colours.warning(&word),
            Level::Note => colours.plain(&word),
        };
        let times = match count {
            1 => String::new(),
            count => format!(" ({} times)", grouped(count)),
        };
        let what = format!("{}{times}", code.what());
        writeln!(out, "\n{word}: {}", colours.strong(&what))?;
        let help = format!("help: {}", code.help());
        writeln!(out, "  {}", colours.dim(&help))?;
        let most = match level {
            Level::Note => MAX_NOTES,
            _ => u64::MAX,
        };
        let shown = list(report, code, most, width, colours, &mut out)?;
        if shown < count {
            let more = grouped(count - shown);
            writeln!(out, "  and {more} more: `--format json` has them")?;
        }
    }
    out.flush()
}

/// Returns the width of the first column.
fn width(report: &Report<'_>) -> usize {
    let policy = report.policy_file();
    let rows = report.rows.iter();
    let named = rows.filter(|row| !row.findings().is_empty());
    let widths = named.map(|row| row.name(policy).chars().count());
    widths.max().unwrap_or_default().min(MAX_NAME)
}

fn list(
    report: &Report<'_>,
    code: Code,
    most: u64,
    width: usize,
    colours: Colours,
    out: &mut impl Write,
) -> std::io::Result<u64> {
    let policy = report.policy_file();
    let mut shown = 0;
    for row in &report.rows {
        let findings = row.findings().iter().filter(|finding| finding.code == code);
        for finding in findings {
            if shown == most {
                return Ok(shown);
            }
            shown += 1;
            let name = row.name(policy);
            let location = location(finding);
            let message = truncate(&finding.message, MAX_MESSAGE);
            writeln!(
                out,
                "  {:<width$}  {}{}",
                colours.plain(&name),
                colours.plain(&location),
                colours.plain(&message),
            )?;
        }
    }
    Ok(shown)
}

/// Returns `FILE:LINE: `, if the finding has a file.
fn location(finding: &SurveyFinding) -> String {
    match (&finding.file, finding.line) {
        (Some(file), Some(line)) => format!("{file}:{line}: "),
        (Some(file), None) => format!("{file}: "),
        _ => String::new(),
    }
}
