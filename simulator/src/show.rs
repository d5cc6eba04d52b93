//! Prints a step on a terminal as a reviewer sees it.

use std::io::{self, Write};

use clap::ValueEnum;

use crate::github::{CheckRun, CommitStatus};
use crate::runner::{Annotation, Exit};
use crate::{GitHub, StepResult};

/// Width of a separator in columns.
pub const WIDTH: usize = 100;
/// Maximum length of an output in characters; longer ones are truncated.
const MAX_OUTPUT: usize = 400;

/// A section of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The log of the step, with folded groups as on the job's page.
    Log,
    /// The check runs.
    CheckRun,
    /// The commit statuses.
    Statuses,
    /// The job's summary.
    Summary,
    /// The annotations of the run.
    Annotations,
    /// The step's outputs, truncated.
    Outputs,
    /// The exit code, the time and the number of requests.
    End,
}

impl Part {
    /// All parts, in the order of a run's page.
    pub const ALL: [Self; 7] = [
        Self::Log,
        Self::CheckRun,
        Self::Statuses,
        Self::Summary,
        Self::Annotations,
        Self::Outputs,
        Self::End,
    ];
}

/// Prints the parts that `github` and the run's page show after `result`. A single part has no title.
///
/// # Errors
///
/// `out` cannot be written.
pub fn step(
    out: &mut impl Write,
    github: &GitHub,
    result: &StepResult,
    parts: &[Part],
) -> io::Result<()> {
    for part in parts {
        let mut shown = Vec::new();
        let title = match part {
            Part::Log => {
                log(&mut shown, &result.interpreted.visible)?;
                "log of the step, as the runner shows it"
            }
            Part::CheckRun => {
                for run in github.check_runs() {
                    check_run(&mut shown, &run)?;
                }
                "check run"
            }
            Part::Statuses => {
                for status in github.statuses() {
                    commit_status(&mut shown, &status)?;
                }
                "commit statuses"
            }
            Part::Summary => {
                writeln!(shown, "{}", result.summary.trim_end())?;
                "job summary"
            }
            Part::Annotations => {
                for annotation in result.annotations() {
                    run_annotation(&mut shown, annotation)?;
                }
                "annotations of the run"
            }
            Part::Outputs => {
                for (name, value) in &result.outputs {
                    writeln!(shown, "{name} = {}", shorten(value))?;
                }
                "outputs"
            }
            Part::End => {
                end(&mut shown, github, result)?;
                "end of the step"
            }
        };
        if shown.is_empty() {
            continue;
        }
        if parts.len() > 1 {
            section(out, title)?;
        }
        out.write_all(&shown)?;
    }
    Ok(())
}

/// Prints the lines of a log, of a folded group only the title.
fn log(out: &mut impl Write, lines: &[String]) -> io::Result<()> {
    let mut in_group = false;
    for line in lines {
        if let Some(title) = line.strip_prefix("##[group]") {
            writeln!(out, "▸ {title}")?;
            in_group = true;
        } else if line == "##[endgroup]" {
            in_group = false;
        } else if !in_group {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

/// Truncates a value to one line.
fn shorten(value: &str) -> String {
    let length = value.chars().count();
    if length <= MAX_OUTPUT {
        return value.to_owned();
    }
    let start: String = value.chars().take(WIDTH / 2).collect();
    format!("{start}… ({length} characters)")
}

fn section(out: &mut impl Write, title: &str) -> io::Result<()> {
    let rule = "─".repeat(WIDTH.saturating_sub(title.chars().count() + 4));
    writeln!(out, "\n── {title} {rule}")
}

fn check_run(out: &mut impl Write, run: &CheckRun) -> io::Result<()> {
    let conclusion = run.conclusion.as_deref().unwrap_or(&run.status);
    writeln!(out, "{} {} — {}", mark(conclusion), run.name, conclusion)?;
    writeln!(out, "on commit {}, by {}", run.head_sha, run.app.slug)?;
    writeln!(out, "\n{}\n\n{}", run.title, run.summary.trim_end())?;
    if let Some(text) = &run.text {
        writeln!(out, "\n{}", text.trim_end())?;
    }
    for annotation in &run.annotations {
        let lines = format!(
            "{}:{}-{}",
            annotation.path, annotation.start_line, annotation.end_line
        );
        writeln!(
            out,
            "\n{lines} {}: {}: {}",
            annotation.level, annotation.title, annotation.message
        )?;
    }
    Ok(())
}

fn commit_status(out: &mut impl Write, status: &CommitStatus) -> io::Result<()> {
    let description = status.description.as_deref().unwrap_or_default();
    let target = status.target_url.as_deref().unwrap_or("no link");
    writeln!(
        out,
        "{} {} {} — {description} → {target}",
        mark(&status.state),
        status.state,
        status.context
    )
}

fn run_annotation(out: &mut impl Write, annotation: &Annotation) -> io::Result<()> {
    let property = |name: &str| annotation.properties.get(name).map(String::as_str);
    write!(out, "{}: ", annotation.level)?;
    if let Some(file) = property("file") {
        write!(out, "{file}:{}: ", property("line").unwrap_or("1"))?;
    }
    if let Some(title) = property("title") {
        write!(out, "{title}: ")?;
    }
    writeln!(out, "{}", annotation.message)
}

fn end(out: &mut impl Write, github: &GitHub, result: &StepResult) -> io::Result<()> {
    let exit = match result.exit {
        Exit::Code(code) => format!("exit code {code}"),
        Exit::Signal(signal) => format!("ended by signal {signal}"),
        Exit::TimedOut => "killed by the runner's limit".to_owned(),
    };
    let colour = if result.succeeded() { "green" } else { "red" };
    writeln!(
        out,
        "{exit}: the step is {colour}; {} ms, {} requests on {} connections",
        result.duration.as_millis(),
        github.requests().len(),
        github.connections()
    )?;
    for error in &result.runner_errors {
        writeln!(out, "the runner says: {error}")?;
    }
    if result.summary_aborted {
        writeln!(
            out,
            "the runner says: the summary is larger than 1 MiB and was not uploaded"
        )?;
    }
    Ok(())
}

fn mark(conclusion: &str) -> char {
    match conclusion {
        "success" => '✓',
        "neutral" | "skipped" => '○',
        "pending" | "queued" | "in_progress" => '●',
        _ => '✗',
    }
}
