//! `init`: writes a first policy and its cases from the repository's workflow files.

mod files;
mod identity;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use self::files::OutputFiles;
use super::git::Git;
use super::output::{print, warn};
use super::work_tree::relative;
use crate::workflows::ACTION;
use analysis::proposal::{Options, Proposal, Target, propose};
use analysis::report::text::visible;
use analysis::workflows::Workflows;
use engine::plural::count;
use engine::policy::quoted;
use engine::policy::source::DEFAULT_PATH;
use platform::Variables;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Checkout of the repository [default: the git work tree, or the working directory]
    #[arg(value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
    /// File to write the policy to, with the cases beside it [default: .github/repo-permissions.yml]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print the policy and write no files
    #[arg(long, conflicts_with = "output")]
    stdout: bool,
    /// Write an entry for a central policy, pinned by ids, instead of the repository's own policy
    #[arg(long)]
    central: bool,
    /// With --central, repository of the entry [default: GITHUB_REPOSITORY, or the remote `origin`]
    #[arg(long, value_name = "OWNER/NAME", requires = "central")]
    repository: Option<String>,
    /// Default branch of the repository [default: the target of `origin/HEAD`, or main]
    #[arg(long, value_name = "BRANCH")]
    default_branch: Option<String>,
    /// Name of this action in `uses:`, without its owner
    #[arg(long, value_name = "NAME", default_value = ACTION)]
    action: String,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    print(&write(arguments)?);
    Ok(0)
}

fn write(arguments: &Arguments) -> anyhow::Result<String> {
    let root = || Git::discover(Path::new(".")).map(|git| relative(&git.root));
    let directory = arguments.directory.clone().or_else(root);
    let directory = &directory.unwrap_or_else(|| PathBuf::from("."));
    let output = match &arguments.output {
        Some(policy) => OutputFiles::of(policy),
        None => OutputFiles::of(&directory.join(DEFAULT_PATH)),
    }?;
    if !arguments.stdout {
        output.check_absent()?;
    }
    let git = Git::discover(directory);
    let variables = Variables::new(std::env::vars_os());
    let target = if arguments.central {
        identity::entry(arguments.repository.as_deref(), git.as_ref(), &variables)?
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
    let cases = proposal.cases(&target, &output.policy_name(), &policy);
    output.write(&policy, &cases)?;
    Ok(summary(
        &output,
        &proposal,
        &workflows,
        &cases,
        &default_branch,
    ))
}

fn read(directory: &Path) -> anyhow::Result<Workflows> {
    // The directory must exist; workflows are optional.
    let unreadable = |path: &Path| format!("`{}` cannot be read", path.display());
    std::fs::read_dir(directory).with_context(|| unreadable(directory))?;
    let workflows = directory.join(".github/workflows");
    match crate::workflows::read_workflows(&workflows) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Workflows::default()),
        read => read.with_context(|| unreadable(&workflows)),
    }
}

/// Describes the written files and the next steps.
fn summary(
    output: &OutputFiles,
    proposal: &Proposal,
    workflows: &Workflows,
    cases: &str,
    default_branch: &str,
) -> String {
    let (policy, tests) = (output.policy.display(), output.cases.display());
    let rules = count(proposal.rules.len(), "rule");
    let files = count(workflows.files.len(), "workflow file");
    let cases = count(cases.matches("\n    expect: ").count(), "case");
    let left = match proposal.incomplete.len() + proposal.notes.len() {
        0 => String::new(),
        number => format!(", {} for you in its comments", count(number, "question")),
    };
    let lines = [
        format!(
            "wrote `{policy}`: {rules} from {files}, default branch {}{left}",
            quoted(default_branch)
        ),
        format!("wrote `{tests}`: {cases}"),
        "next: read the policy, then run".to_owned(),
        format!("  repo-permissions lint {}", shell(&output.policy)),
        format!("  repo-permissions test {}", shell(&output.cases)),
        format!("  repo-permissions matrix {}", shell(&output.policy)),
        "commit both files to the default branch, with the policy's reviewers in CODEOWNERS"
            .to_owned(),
    ];
    lines
        .iter()
        .map(|line| format!("{}\n", visible(line)))
        .collect()
}

/// Quotes a path for a shell.
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
