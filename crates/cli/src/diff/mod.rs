//! `diff`: shows the access that a change of a policy adds and removes.

mod human;
mod json;
mod view;

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use self::view::View;
use super::audit::each_record;
use super::git::Git;
use super::instant::{instant, now};
use super::output::{print, print_error, warn};
use super::policy_text::PolicyText;
use super::revision::History;
use super::style::Colours;
use super::work_tree::{policy_at, policy_or_default};
use analysis::compare::{Replay, compare};
use analysis::report::access;
use engine::policy::{Policy, quoted};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Policy before the change: a file, `-` for standard input, or a git revision, with `:PATH` unless it is the
    /// repository's own policy; `A..B` names both, and `A...B` their merge base and B [default: HEAD]
    #[arg(value_name = "OLD")]
    old: Option<String>,
    /// Policy after the change [default: the git work tree's own]
    #[arg(value_name = "NEW")]
    new: Option<String>,
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

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let widens = compare_files(arguments)?;
    let fails = widens && arguments.fail_on == Some(FailOn::Widen);
    Ok(u8::from(fails))
}

/// Prints the differences, and returns whether access widens.
fn compare_files(arguments: &Arguments) -> anyhow::Result<bool> {
    let (old, new) = &read_both(arguments)?;
    let (old_policy, new_policy) = (old.parse(), new.parse());
    let new_policy = new_policy.map_err(|invalid| new.invalid(&invalid))?;
    // An invalid policy grants nothing, so all access of the new policy is new.
    let old_policy = old_policy.unwrap_or_else(|invalid| {
        print_error(&old.invalid(&invalid).0);
        warn("the old policy is not valid, so it granted nothing");
        Policy::default()
    });
    let now = arguments.now.unwrap_or_else(now);
    let comparison =
        compare(&old_policy, &new_policy, now).map_err(|invalid| new.invalid(&invalid))?;
    let replayed = match arguments.replay.as_slice() {
        [] => None,
        logs => {
            let mut replay = Replay::new(&old_policy, &new_policy);
            for log in logs {
                read_log(log, &mut replay)?;
            }
            Some(replay.found)
        }
    };
    let view = View {
        files: [&old.name, &new.name],
        comparison: &comparison,
        replayed: replayed.as_ref(),
    };
    match arguments.format {
        OutputFormat::Human => print(&human::render(&view, Colours::stdout())),
        OutputFormat::Json => print(&json::render(&view)),
        OutputFormat::Markdown => {
            print(&access::page(&comparison, replayed.as_ref()));
        }
    }
    Ok(comparison.widens() || replayed.is_some_and(|replayed| !replayed.allowed.is_empty()))
}

/// Reads the policies before and after the change.
fn read_both(arguments: &Arguments) -> anyhow::Result<(PolicyText, PolicyText)> {
    let old = arguments.old.as_deref().unwrap_or("HEAD");
    let range = old
        .split_once("..")
        .filter(|_| arguments.new.is_none() && !Path::new(old).exists())
        .filter(|(from, to)| is_range(from, to));
    if let Some((from, to)) = range {
        let history = History::here()?;
        let end = |name: &'_ str| if name.is_empty() { "HEAD" } else { name }.to_owned();
        let (from, to) = match to.strip_prefix('.') {
            Some(to) => (history.merge_base(&end(from), &end(to))?, end(to)),
            None => (end(from), end(to)),
        };
        return Ok((history.policy(&from)?, history.policy(&to)?));
    }
    let new = match &arguments.new {
        Some(new) => read(new)?,
        None => read_file(&policy_or_default(None, "NEW")?)?,
    };
    Ok((read(old)?, new))
}

/// Whether `FROM..TO` is a range of revisions, and not a path with `..` in it.
fn is_range(from: &str, to: &str) -> bool {
    let has_same_form = from.contains(':') == to.contains(':') || to.is_empty();
    has_same_form && !to.starts_with('/')
}

/// Reads the policy of a file, of standard input, or of a revision.
fn read(name: &str) -> anyhow::Result<PolicyText> {
    let path = Path::new(name);
    match name == "-" || path.exists() || Git::discover(Path::new(".")).is_none() {
        true => read_file(path),
        false => History::here()?.policy(name),
    }
}

fn read_file(path: &Path) -> anyhow::Result<PolicyText> {
    let path = policy_at(path)?;
    PolicyText::read_file_or_stdin(&path).map_err(|failure| anyhow!(failure.message))
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
    })?;
    Ok(())
}
