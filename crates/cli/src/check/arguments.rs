//! Arguments of `check`.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use crate::instant::instant;
use crate::output::OutputFormat;
use crate::work_tree::repository_name;
use engine::RepositoryName;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Policy to decide with [default: .github/repo-permissions.yml of the git work tree]
    #[arg(long, value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,
    /// Repository that contains the policy, for the rules at its top [default: that of the remote `origin` where the
    /// file lies]
    #[arg(long, value_name = "OWNER/NAME", value_parser = repository_name)]
    pub(super) policy_repository: Option<RepositoryName>,
    /// The repository's own policy, for permissions that the policy delegates to it
    #[arg(long, value_name = "FILE")]
    pub(super) own_policy: Option<PathBuf>,
    /// Permission keys or display names; several are allowed only if each of them is
    #[arg(long, value_name = "KEY", required = true, num_args = 1..)]
    pub(super) permission: Vec<String>,
    /// Repository of the job [default: that of the remote `origin`]
    #[arg(long, value_name = "OWNER/NAME")]
    pub(super) repository: Option<String>,
    /// Name of the workflow file, such as deploy.yml
    #[arg(long, value_name = "NAME")]
    pub(super) workflow: Option<String>,
    /// Branch, without refs/heads/ [default: the one that is checked out]
    #[arg(long, value_name = "BRANCH")]
    pub(super) branch: Option<String>,
    /// Base branch of a pull request, without refs/heads/ [default: a trusted branch]
    #[arg(long, value_name = "BRANCH")]
    pub(super) base: Option<String>,
    /// Default branch of the repository, without refs/heads/; its own rules trust it as a base
    #[arg(long, value_name = "BRANCH")]
    pub(super) default_branch: Option<String>,
    /// Environment of the job
    #[arg(long, value_name = "NAME")]
    pub(super) environment: Option<String>,
    /// Name of the event, such as push
    #[arg(long, value_name = "NAME")]
    pub(super) event: Option<String>,
    /// Claim of the token, such as runner_environment=github-hosted
    #[arg(long, value_name = "NAME=VALUE")]
    pub(super) claim: Vec<String>,
    /// JSON object of OIDC claims, from which the context is derived as in a job
    #[arg(long, value_name = "FILE")]
    pub(super) claims: Option<PathBuf>,
    /// Payload of the event, which names the head and base of a pull request
    #[arg(long, value_name = "FILE")]
    pub(super) payload: Option<PathBuf>,
    /// Time of the decision, RFC 3339 [default: now]
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    pub(super) now: Option<Timestamp>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: OutputFormat,
}
