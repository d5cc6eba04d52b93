//! The program's flags.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::show::Part;

/// Runs the action against a GitHub on loopback and prints what a reviewer would see.
///
/// Without flags it shows three steps: one that is allowed, one that is denied, and a fork that calls its branch `main`.
#[derive(Debug, Parser)]
#[command(name = "simulator")]
pub(crate) struct Arguments {
    /// The event that starts the workflow.
    #[arg(long, value_enum)]
    pub(crate) event: Option<EventName>,
    /// The branch pushed to, or the pull request's head branch; a tag for `tag` and `release`.
    #[arg(long)]
    pub(crate) branch: Option<String>,
    /// The job's deployment environment.
    #[arg(long)]
    pub(crate) environment: Option<String>,
    /// The workflow's file name.
    #[arg(long)]
    pub(crate) workflow: Option<String>,
    /// Who starts the run.
    #[arg(long)]
    pub(crate) actor: Option<String>,
    /// The permission asked for; may be given more than once.
    #[arg(long)]
    pub(crate) permission: Vec<String>,
    /// The policy on the default branch; a small one is built in.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// The pull request comes from a fork: no OIDC token, read-only permissions.
    #[arg(long)]
    pub(crate) fork: bool,
    /// The job has `id-token: write`, or not; follows from the event unless given.
    #[arg(long)]
    pub(crate) id_token: Option<bool>,
    /// Any other input of the action; may be given more than once.
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub(crate) input: Vec<(String, String)>,
    /// The token says this, whatever the job is; may be given more than once.
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub(crate) claim: Vec<(String, String)>,
    /// GitHub answers with this status when the policy is asked for.
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(400..600))]
    pub(crate) policy_status: Option<u16>,
    /// The runner cancels the step after so many milliseconds.
    #[arg(long, value_name = "MS")]
    pub(crate) cancel_after_ms: Option<u64>,
    /// GitHub speaks HTTPS under an authority of its own, which is given in the input `ca-bundle`.
    #[arg(long)]
    pub(crate) tls: bool,
    /// Round trip of the network in milliseconds.
    #[arg(long, default_value_t = 0)]
    pub(crate) latency_ms: u64,
    /// What to print, in this order; may be given more than once. All of it unless given.
    #[arg(long, value_enum, value_name = "PART", value_delimiter = ',')]
    pub(crate) show: Vec<Part>,
    /// The built action; it is built first unless given.
    #[arg(long, value_name = "PATH")]
    pub(crate) binary: Option<PathBuf>,
}

impl Arguments {
    /// True when a flag describes a step of the caller's own.
    pub(crate) fn is_a_scenario(&self) -> bool {
        self.event.is_some()
            || self.branch.is_some()
            || self.environment.is_some()
            || self.workflow.is_some()
            || self.actor.is_some()
            || !self.permission.is_empty()
            || self.policy.is_some()
            || self.fork
            || self.id_token.is_some()
            || !self.input.is_empty()
            || !self.claim.is_empty()
            || self.policy_status.is_some()
            || self.cancel_after_ms.is_some()
    }
}

/// The events that can be simulated, by GitHub's names and a few variants of them.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum EventName {
    Push,
    /// A push of a tag.
    Tag,
    PullRequest,
    /// `pull_request` of the type `closed`, merged.
    PullRequestMerged,
    PullRequestTarget,
    WorkflowDispatch,
    Schedule,
    MergeGroup,
    WorkflowRun,
    Release,
    Deployment,
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
