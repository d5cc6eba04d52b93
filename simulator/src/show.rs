//! A step as a reviewer sees it, for a terminal.

use std::io::{self, Write};

use crate::github::{CheckRun, CommitStatus};
use crate::runner::{Annotation, Exit};
use crate::{GitHub, StepResult};

/// Columns of a separator.
const WIDTH: usize = 100;

/// Prints what `github` and the run's page show after `result`: log, check runs, statuses, summary, outputs, exit code.
///
/// # Errors
///
/// When `out` cannot be written.
pub fn step(out: &mut impl Write, github: &GitHub, result: &StepResult) -> io::Result<()> {
    section(out, "log of the step, as the runner shows it")?;
    for line in &result.interpreted.visible {
        writeln!(out, "{line}")?;
    }
    for run in github.check_runs() {
        check_run(out, &run)?;
    }
    let statuses = github.statuses();
    if !statuses.is_empty() {
        section(out, "commit statuses")?;
    }
    for status in statuses {
        commit_status(out, &status)?;
    }
    section(out, "job summary")?;
    writeln!(out, "{}", result.summary.trim_end())?;
    if !result.annotations().is_empty() {
        section(out, "annotations of the run")?;
    }
    for annotation in result.annotations() {
        run_annotation(out, annotation)?;
    }
    section(out, "outputs")?;
    for (name, value) in &result.outputs {
        writeln!(out, "{name} = {value}")?;
    }
    section(out, "end of the step")?;
    end(out, github, result)
}

fn section(out: &mut impl Write, title: &str) -> io::Result<()> {
    let rule = "─".repeat(WIDTH.saturating_sub(title.chars().count() + 4));
    writeln!(out, "\n── {title} {rule}")
}

fn check_run(out: &mut impl Write, run: &CheckRun) -> io::Result<()> {
    section(out, "check run")?;
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
            "\n{lines} {}: {} {}",
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
