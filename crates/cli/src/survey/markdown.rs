//! The survey for an issue or a job's summary.

use std::io::{BufWriter, Write};

use super::report::Report;
use analysis::report::text::{cell, code as span, markdown};
use analysis::survey::Code;
use engine::plural::grouped;

/// Maximum number of findings of a kind, because pages have limits.
const MAX_ROWS: u64 = 100;

pub(super) fn print(report: &Report<'_>) -> std::io::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    writeln!(out, "**{}**\n", markdown(&report.headline()))?;
    for line in report.details() {
        writeln!(out, "- {}", markdown(&line))?;
    }
    for (code, count) in report.codes() {
        let (level, name) = (code.level().as_str(), span(code.as_str()));
        writeln!(out, "\n### {level}: {name} ({})\n", grouped(count))?;
        writeln!(out, "{}\n", markdown(&sentence(code.what())))?;
        writeln!(out, "{}\n", markdown(&sentence(code.help())))?;
        table(report, code, &mut out)?;
        if count > MAX_ROWS {
            writeln!(out, "\nAnd {} more.", grouped(count - MAX_ROWS))?;
        }
    }
    out.flush()
}

fn table(report: &Report<'_>, code: Code, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out, "| where | file | |\n|---|---|---|")?;
    let policy = report.policy_file();
    let mut left = MAX_ROWS;
    for row in &report.rows {
        let findings = row.findings().iter().filter(|finding| finding.code == code);
        for finding in findings {
            if left == 0 {
                return Ok(());
            }
            left -= 1;
            let file = finding.file.as_deref().map(|file| match finding.line {
                Some(line) => cell(&format!("{file}:{line}")),
                None => cell(file),
            });
            let message = markdown(&finding.message).replace('|', "\\|");
            writeln!(
                out,
                "| {} | {} | {message} |",
                cell(&row.name(policy)),
                file.unwrap_or_default()
            )?;
        }
    }
    Ok(())
}

/// Adds a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().collect::<String>());
    format!("{}{}.", first.unwrap_or_default(), chars.as_str())
}
