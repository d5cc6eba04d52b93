//! `matrix`: who can do what, the workflow files of a repository against a policy.

mod html;
mod human;
mod json;
mod layout;
mod markdown;
mod scope;
mod words;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::check::read_policy;
use super::git::Git;
use super::instant::{instant, now};
use super::style::Colours;
use super::{diagnostic, print, print_error, report_error, warn};
use analysis::lint::Source;
use analysis::matrix::Matrix;
use engine::policy::{Document, Format, Invalid, quoted};
use platform::Variables;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The policy
    #[arg(value_name = "POLICY")]
    policy: PathBuf,
    /// The workflow files; default: .github/workflows of the repository that the policy is in
    #[arg(long, value_name = "DIRECTORY")]
    workflows: Option<PathBuf>,
    /// The repository, which chooses the entries of a central policy
    #[arg(long, value_name = "OWNER/NAME")]
    repository: Option<String>,
    /// The repository's id, for entries that pin it; default: the one that they pin
    #[arg(long, value_name = "ID", requires = "repository")]
    repository_id: Option<u64>,
    /// The owner's id, likewise
    #[arg(long, value_name = "ID", requires = "repository")]
    owner_id: Option<u64>,
    /// How the table is printed
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
    /// The time that rules expire by, RFC 3339; now when left out
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    now: Option<Timestamp>,
    /// The name that this action has in `uses:`, without its owner
    #[arg(long, value_name = "NAME", default_value = "repo-permissions")]
    action: String,
}

/// How the table is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    /// For people.
    #[default]
    Human,
    /// For a pull request or a wiki.
    Markdown,
    /// For programs.
    Json,
    /// A page of its own, for a browser.
    Html,
}

/// What is printed.
struct Page<'a> {
    /// The policy as it was named.
    policy: String,
    /// Which repository it is about, if the policy does not only speak of its own.
    repository: Option<String>,
    /// The directory of the workflow files.
    workflows: String,
    /// How many of them there are.
    files: usize,
    /// How many rules the policy has for the repository.
    rules: usize,
    now: Timestamp,
    matrix: &'a Matrix<'a>,
    /// What else is to be known, sentences without full stops.
    notes: Vec<String>,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    match render(arguments) {
        Ok(text) => {
            print(&text);
            0
        }
        Err(Error::Said) => 2,
        Err(Error::Message(message)) => {
            report_error(&message);
            2
        }
    }
}

/// Why there is no table.
enum Error {
    Message(String),
    /// It is on the standard error already.
    Said,
}

impl From<String> for Error {
    fn from(message: String) -> Self {
        Self::Message(message)
    }
}

fn render(arguments: &Arguments) -> Result<String, Error> {
    let name = arguments.policy.display().to_string();
    let text = read_policy(&arguments.policy, &name).map_err(|failure| failure.message)?;
    let invalid = |invalid: &Invalid| {
        let source = Source::new(&text, Format::of_path(&name));
        let problems = diagnostic::render(&name, &source, invalid.iter(), Colours::stderr());
        print_error(&problems);
        Error::Said
    };
    let document =
        Document::parse(&text, Format::of_path(&name)).map_err(|error| invalid(&error))?;
    let git = Git::discover(&arguments.policy);
    let variables = Variables::new(std::env::vars_os());
    let origin = git.and_then(|git| git.origin(&super::git::host(&variables)?));
    let asked = scope::Asked {
        repository: arguments.repository.as_deref(),
        repository_id: arguments.repository_id,
        owner_id: arguments.owner_id,
        origin: origin.as_ref(),
    };
    let scope = scope::find(&document, &name, &asked).map_err(|error| match error {
        scope::Error::Message(message) => Error::Message(message),
        scope::Error::Invalid(error) => invalid(&error),
    })?;
    let directory = directory(arguments, &scope, asked.origin)?;
    let workflows = crate::workflows::read_workflows(&directory).map_err(|error| {
        format!(
            "{} cannot be read: {error}",
            quoted(&directory.display().to_string())
        )
    })?;
    let mut notes = scope.notes;
    for unreadable in &workflows.unreadable {
        warn(&unreadable.to_string());
        notes.push(unreadable.to_string());
    }
    let now = arguments.now.unwrap_or_else(now);
    let own = origin.as_ref().map(ToString::to_string);
    let repository = scope.repository.as_deref().or(own.as_deref());
    let matrix = Matrix::new(&scope.rules, repository, &workflows, &arguments.action, now)
        .map_err(|error| invalid(&error))?;
    let page = Page {
        policy: name.clone(),
        repository: scope.repository.clone(),
        workflows: directory.display().to_string(),
        files: workflows.files.len() + workflows.unreadable.len(),
        rules: scope.rules.len(),
        now,
        matrix: &matrix,
        notes,
    };
    Ok(match arguments.format {
        OutputFormat::Human => human::render(&page, Colours::stdout()),
        OutputFormat::Markdown => markdown::render(&page),
        OutputFormat::Json => json::render(&page),
        OutputFormat::Html => html::render(&page),
    })
}

/// Where the workflow files are. Those beside a central policy are of another repository.
fn directory(
    arguments: &Arguments,
    scope: &scope::Scope<'_>,
    origin: Option<&engine::RepositoryName>,
) -> Result<PathBuf, String> {
    if let Some(directory) = &arguments.workflows {
        let inner = directory.join(".github/workflows");
        return Ok(if inner.is_dir() {
            inner
        } else {
            directory.clone()
        });
    }
    let policy = quoted(&arguments.policy.display().to_string());
    if let (Some(repository), Some(origin)) = (&scope.repository, origin)
        && !repository.eq_ignore_ascii_case(&origin.to_string())
    {
        let (repository, origin) = (quoted(repository), quoted(&origin.to_string()));
        return Err(format!(
            "{policy} is in a checkout of {origin}: give `--workflows DIRECTORY` for those of {repository}"
        ));
    }
    let found = crate::workflows::find_workflows(&arguments.policy).ok_or_else(|| {
        format!("there is no `.github/workflows` above {policy}: give `--workflows DIRECTORY`")
    })?;
    // As short as it was asked for.
    let here = std::env::current_dir().unwrap_or_default();
    Ok(found
        .strip_prefix(&here)
        .map_or(found.clone(), Path::to_owned))
}
