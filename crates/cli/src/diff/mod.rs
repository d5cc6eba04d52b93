//! `diff`: shows the access that a change of a policy adds and removes.

mod human;
mod json;

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::audit::each_record;
use super::check::{read_policy, read_policy_from_stdin};
use super::diagnostic;
use super::instant::{instant, now};
use super::style::Colours;
use super::{InvalidPolicy, print, print_error, warn};
use analysis::compare::{Comparison, Replay, Replayed, compare};
use analysis::report::access;
use engine::policy::{Format, Invalid, Policy, quoted};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Policy before the change; `-` reads it from standard input
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// Policy after the change; `-` reads it from standard input
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Audit log whose checks to decide again with both policies
    #[arg(long, value_name = "FILE")]
    replay: Vec<PathBuf>,
    /// Exit with code 1 for a change of this kind
    #[arg(long, value_enum, value_name = "KIND")]
    fail_on: Option<FailOn>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
    /// Time from which access counts, RFC 3339 [default: now]
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    now: Option<Timestamp>,
}

/// Changes that fail the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Access widens.
    Widen,
}

/// Output format of `diff`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    /// For people.
    #[default]
    Human,
    /// For a pull request's comment.
    Markdown,
    /// For programs.
    Json,
}

/// The comparison to print.
struct Outcome<'a> {
    /// The paths of the policies on the command line.
    files: [&'a str; 2],
    comparison: &'a Comparison<'a>,
    replayed: Option<&'a Replayed>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let widens = compare_files(arguments)?;
    let fails = widens && arguments.fail_on == Some(FailOn::Widen);
    Ok(u8::from(fails))
}

/// Prints the differences, and returns whether access widens.
fn compare_files(arguments: &Arguments) -> anyhow::Result<bool> {
    let texts = [read(&arguments.old)?, read(&arguments.new)?];
    let [old, new] = &texts;
    let (old_document, new_document) = (old.document(), new.document());
    let new_document = new_document.map_err(|invalid| InvalidPolicy(new.render(&invalid)))?;
    // An invalid policy grants nothing, so all access of the new policy is new.
    let old_document = old_document.unwrap_or_else(|invalid| {
        print_error(&old.render(&invalid));
        warn("the old policy is not valid, so it granted nothing");
        Policy::default()
    });
    let now = arguments.now.unwrap_or_else(now);
    let comparison = compare(&old_document, &new_document, now)
        .map_err(|invalid| InvalidPolicy(new.render(&invalid)))?;
    let replayed = match arguments.replay.as_slice() {
        [] => None,
        logs => {
            let mut replay = Replay::new(&old_document, &new_document);
            for log in logs {
                read_log(log, &mut replay)?;
            }
            Some(replay.found)
        }
    };
    let outcome = Outcome {
        files: [&old.name, &new.name],
        comparison: &comparison,
        replayed: replayed.as_ref(),
    };
    match arguments.format {
        OutputFormat::Human => print(&human::render(&outcome, Colours::stdout())),
        OutputFormat::Json => print(&json::render(&outcome)),
        OutputFormat::Markdown => {
            print(&access::page(&comparison, replayed.as_ref()));
        }
    }
    Ok(comparison.widens() || replayed.is_some_and(|replayed| !replayed.allowed.is_empty()))
}

/// Name of standard input in messages.
const STDIN: &str = "<stdin>";

/// A policy file.
struct PolicyText {
    name: String,
    text: String,
}

fn read(path: &Path) -> anyhow::Result<PolicyText> {
    let (name, text) = if path == Path::new("-") {
        let name = STDIN.to_owned();
        let text = read_policy_from_stdin(&name);
        (name, text)
    } else {
        let name = path.display().to_string();
        let text = read_policy(path, &name);
        (name, text)
    };
    let text = text.map_err(|failure| anyhow!(failure.message))?;
    Ok(PolicyText { name, text })
}

impl PolicyText {
    fn format(&self) -> Format {
        match self.name == STDIN {
            true => Format::of_text(&self.text),
            false => Format::of_path(&self.name),
        }
    }

    fn document(&self) -> Result<Policy, Invalid> {
        Policy::parse(&self.text, self.format())
    }

    /// Renders its problems for people.
    fn render(&self, invalid: &Invalid) -> String {
        let source = analysis::lint::Source::new(&self.text, self.format());
        diagnostic::render(&self.name, &source, invalid.iter(), Colours::stderr())
    }
}

/// Replays the records of a log.
fn read_log(path: &Path, replay: &mut Replay) -> anyhow::Result<()> {
    each_record(path, |line| match &line.record {
        Ok(recorded) => {
            replay.add(recorded);
            Ok(())
        }
        Err(why) => {
            let name = quoted(&path.display().to_string());
            bail!("{name}, line {}: {why:#}", line.number)
        }
    })
}
