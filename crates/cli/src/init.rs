//! `init`: a first policy from the repository's own workflow files, with its cases.

mod files;
mod identity;

use std::path::{Path, PathBuf};

use clap::Args;

use self::files::Pair;
use super::git::Git;
use super::{complain, print, warn};
use analysis::proposal::{Options, Proposal, Target, propose};
use analysis::report::text::visible;
use analysis::workflows::Workflows;
use engine::plural::count;
use engine::policy::quoted;
use engine::policy::source::DEFAULT_PATH;
use platform::Environment;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The checkout of the repository
    #[arg(value_name = "DIRECTORY", default_value = ".")]
    directory: PathBuf,
    /// Where the policy is written; the cases go beside it. Default: .github/repo-permissions.yml
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Only print the policy, and write nothing
    #[arg(long, conflicts_with = "output")]
    stdout: bool,
    /// Write an entry of a central policy, pinned by ids, instead of the repository's own policy
    #[arg(long)]
    central: bool,
    /// The repository for the entry; default: GITHUB_REPOSITORY, else the remote `origin`
    #[arg(long, value_name = "OWNER/NAME", requires = "central")]
    repository: Option<String>,
    /// The default branch; default: what `origin/HEAD` is, else main
    #[arg(long, value_name = "BRANCH")]
    default_branch: Option<String>,
    /// The name that this action has in `uses:`, without its owner
    #[arg(long, value_name = "NAME", default_value = "repo-permissions")]
    action: String,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    match write(arguments) {
        Ok(text) => {
            print(&text);
            0
        }
        Err(message) => {
            complain(&message);
            2
        }
    }
}

fn write(arguments: &Arguments) -> Result<String, String> {
    let directory = &arguments.directory;
    let pair = match &arguments.output {
        Some(policy) => Pair::of(policy),
        None => Pair::of(&directory.join(DEFAULT_PATH)),
    }?;
    if !arguments.stdout {
        pair.is_free()?;
    }
    let git = Git::above(directory);
    let environment = Environment::new(std::env::vars_os());
    let target = if arguments.central {
        identity::entry(arguments.repository.as_deref(), git.as_ref(), &environment)?
    } else {
        Target::Own
    };
    let workflows = read(directory)?;
    for unreadable in &workflows.unreadable {
        warn(&unreadable.to_string());
    }
    let default_branch = arguments
        .default_branch
        .clone()
        .or_else(|| git?.default_branch())
        .unwrap_or_else(|| "main".to_owned());
    let options = Options {
        action: &arguments.action,
        default_branch: &default_branch,
    };
    let proposal = propose(&workflows, &options);
    let policy = proposal.policy(&target);
    if arguments.stdout {
        return Ok(policy);
    }
    let cases = proposal.cases(&target, &pair.policy_name(), &policy);
    pair.write(&policy, &cases)?;
    Ok(said(&pair, &proposal, &workflows, &cases, &default_branch))
}

fn read(directory: &Path) -> Result<Workflows, String> {
    // The directory itself has to be there; a repository need not have workflows.
    let cannot = |path: &Path, error| format!("`{}` cannot be read: {error}", path.display());
    std::fs::read_dir(directory).map_err(|error| cannot(directory, error))?;
    let place = directory.join(".github/workflows");
    match crate::workflows::read_workflows(&place) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Workflows::default()),
        read => read.map_err(|error| cannot(&place, error)),
    }
}

/// What was written, and what to do next.
fn said(
    pair: &Pair,
    proposal: &Proposal,
    workflows: &Workflows,
    cases: &str,
    default_branch: &str,
) -> String {
    let (policy, tests) = (pair.policy.display(), pair.cases.display());
    let rules = count(proposal.rules.len(), "rule");
    let files = count(workflows.files.len(), "workflow file");
    let cases = count(cases.matches("\n    expect: ").count(), "case");
    let left = match proposal.left_out.len() {
        0 => String::new(),
        number => format!(
            ", {} left to you in its comments",
            count(number, "question")
        ),
    };
    let lines = [
        format!(
            "wrote `{policy}`: {rules} from {files}, default branch {}{left}",
            quoted(default_branch)
        ),
        format!("wrote `{tests}`: {cases}"),
        "next: read the policy, then".to_owned(),
        format!("  repo-permissions lint {}", shell(&pair.policy)),
        format!("  repo-permissions test {}", shell(&pair.cases)),
        format!("  repo-permissions matrix {}", shell(&pair.policy)),
        "commit both to the default branch, and have the policy's owners review it (CODEOWNERS)"
            .to_owned(),
    ];
    lines
        .iter()
        .map(|line| format!("{}\n", visible(line)))
        .collect()
}

/// A path as a word of a command.
fn shell(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if path.starts_with('-') {
        return shell(Path::new(&format!("./{path}")));
    }
    if path.chars().all(plain) {
        path
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}
