//! `matrix`: shows who can do what: the permissions of a repository's workflow files under a policy.

mod human;
mod json;
mod layout;
mod lines;
mod markdown;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::git::Git;
use super::instant::{instant, now};
use super::output::{warn, write};
use super::policy_text::PolicyText;
use super::style::Colours;
use super::work_tree::{policy_or_default, policy_repository, repository_name};
use crate::workflows::{ACTION, find_workflows, read_workflows};
use analysis::Inputs;
use analysis::matrix::view::{Folded, Folding, Page, SharedFinding};
use analysis::matrix::{AccessMatrix, html, rules};
use analysis::workflows::{RunOptions, Workflows};
use engine::RepositoryName;
use engine::policy::quoted;
use platform::Variables;

/// Width of the output if it does not go to a terminal.
const DEFAULT_COLUMNS: usize = 100;
/// Minimum width of the output.
const MIN_COLUMNS: usize = 40;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Policy to evaluate [default: .github/repo-permissions.yml of the git work tree]
    #[arg(value_name = "POLICY")]
    policy: Option<PathBuf>,
    /// Directory of the workflow files [default: .github/workflows of the policy's repository]
    #[arg(long, value_name = "DIRECTORY")]
    workflows: Option<PathBuf>,
    /// Repository whose entries of a central policy apply
    #[arg(long, value_name = "OWNER/NAME")]
    repository: Option<String>,
    /// Repository that contains the policy, for the rules at its top [default: that of the remote `origin` where the
    /// file lies]
    #[arg(long, value_name = "OWNER/NAME", value_parser = repository_name)]
    policy_repository: Option<RepositoryName>,
    /// Id of the repository, for entries that pin it [default: the pinned id]
    #[arg(long, value_name = "ID", requires = "repository")]
    repository_id: Option<u64>,
    /// Id of the owner, for entries that pin it [default: the pinned id]
    #[arg(long, value_name = "ID", requires = "repository")]
    owner_id: Option<u64>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
    /// Show every row of every file: fold none that say the same, and none that get nothing
    #[arg(long)]
    all: bool,
    /// Time at which rules count as expired, RFC 3339 [default: now]
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    now: Option<Timestamp>,
    /// Name of this action in `uses:`, without its owner
    #[arg(long, value_name = "NAME", default_value = ACTION)]
    action: String,
    /// File to write the table to, instead of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Output format of `matrix`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    /// For people.
    #[default]
    Human,
    /// For a pull request or a wiki.
    Markdown,
    /// For programs.
    Json,
    /// A self-contained page, for a browser.
    Html,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let policy = policy_or_default(arguments.policy.as_deref(), "POLICY")?;
    let colours = match arguments.output {
        Some(_) => Colours::default(),
        None => Colours::stdout(),
    };
    let table = render(arguments, &policy, colours)?;
    write(arguments.output.as_deref(), |_| table)?;
    Ok(0)
}

fn render(arguments: &Arguments, path: &Path, colours: Colours) -> anyhow::Result<String> {
    let text = PolicyText::read(path).map_err(|failure| anyhow!(failure.message))?;
    let policy = text.parse().map_err(|invalid| text.invalid(&invalid))?;
    let git = Git::discover(path);
    let variables = Variables::new(std::env::vars_os());
    let origin = git.and_then(|git| git.origin(&super::git::host(&variables)?));
    let policy_repository =
        policy_repository(arguments.policy_repository.as_ref(), path, &variables);
    let selection = rules::Selection {
        repository: arguments.repository.as_deref(),
        repository_id: arguments.repository_id,
        owner_id: arguments.owner_id,
        policy_repository: &policy_repository,
        inputs: Inputs::Flags,
    };
    let selected = rules::select(&policy, &text.name, &selection).map_err(|error| match error {
        rules::Error::Message(message) => anyhow!(message),
        rules::Error::Invalid(invalid) => text.invalid(&invalid).into(),
    })?;
    let directory = directory(arguments, path, &selected, origin.as_ref())?;
    let mut notes = selected.notes;
    let workflows = workflows(&directory, &mut notes)?;
    let now = arguments.now.unwrap_or_else(now);
    let repository = selected.repository.as_deref().or(policy_repository.name());
    let default_branch = Git::discover(&directory).and_then(|git| git.default_branch());
    let options = RunOptions {
        action: &arguments.action,
        default_branch: default_branch.as_deref(),
    };
    let matrix = AccessMatrix::new(&selected.rules, repository, &workflows, options, now)
        .map_err(|invalid| text.invalid(&invalid))?;
    let findings = SharedFinding::all(&matrix);
    let folding = match arguments.all {
        true => Folding::Off,
        false => Folding::On,
    };
    let page = Page {
        policy: text.name.clone(),
        repository: selected.repository.clone(),
        workflows: directory.display().to_string(),
        files: workflows.files.len() + workflows.unreadable.len(),
        rules: selected.rules.len(),
        now,
        matrix: &matrix,
        folded: Folded::new(&matrix, &findings, folding),
        findings,
        notes,
    };
    Ok(match arguments.format {
        OutputFormat::Human => human::render(&page, columns(arguments, &variables), colours),
        OutputFormat::Markdown => markdown::render(&page),
        OutputFormat::Json => json::render(&page),
        OutputFormat::Html => html::render(&page),
    })
}

/// Reads the workflow files. A file that cannot be read is a warning and a note.
fn workflows(directory: &Path, notes: &mut Vec<String>) -> anyhow::Result<Workflows> {
    let unreadable = || {
        let directory = quoted(&directory.display().to_string());
        format!("{directory} cannot be read")
    };
    let workflows = read_workflows(directory).with_context(unreadable)?;
    for unreadable in &workflows.unreadable {
        warn(&unreadable.to_string());
        notes.push(unreadable.to_string());
    }
    Ok(workflows)
}

/// Returns the width of the output: `COLUMNS`, or else that of the terminal that it goes to.
fn columns(arguments: &Arguments, variables: &Variables) -> usize {
    let variable = variables.get("COLUMNS").and_then(|text| text.parse().ok());
    let terminal = || platform::terminal_columns().filter(|_| arguments.output.is_none());
    let columns = variable.filter(|columns| *columns > 0).or_else(terminal);
    columns.unwrap_or(DEFAULT_COLUMNS).max(MIN_COLUMNS)
}

/// Returns the directory of the workflow files. The files beside a central policy belong to another
/// repository.
fn directory(
    arguments: &Arguments,
    policy: &Path,
    selected: &rules::SelectedRules<'_>,
    origin: Option<&RepositoryName>,
) -> anyhow::Result<PathBuf> {
    if let Some(directory) = &arguments.workflows {
        let inner = directory.join(".github/workflows");
        return Ok(if inner.is_dir() {
            inner
        } else {
            directory.clone()
        });
    }
    let name = quoted(&policy.display().to_string());
    if let (Some(repository), Some(origin)) = (&selected.repository, origin)
        && !repository.eq_ignore_ascii_case(&origin.to_string())
    {
        let (repository, origin) = (quoted(repository), quoted(&origin.to_string()));
        bail!(
            "{name} is in a checkout of {origin}: name the workflow files of {repository} with `--workflows DIRECTORY`"
        );
    }
    let found = find_workflows(policy).with_context(|| {
        format!("there is no `.github/workflows` above {name}: name the directory with `--workflows DIRECTORY`")
    })?;
    // A path inside the working directory is shown relative to it.
    let here = std::env::current_dir().unwrap_or_default();
    Ok(found
        .strip_prefix(&here)
        .map_or(found.clone(), Path::to_owned))
}
