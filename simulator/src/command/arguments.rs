//! The program's flags.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::show::Part;

/// Runs the action against a GitHub on loopback and prints what a reviewer sees.
///
/// Without flags it shows three steps: an allowed one, a denied one, and a fork that names its branch `main`.
#[derive(Debug, Parser)]
#[command(name = "simulator", args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Event that starts the workflow.
    #[arg(long, value_enum)]
    pub(crate) event: Option<EventName>,
    /// Pushed branch, or the pull request's head branch; a tag for `tag` and `release`.
    #[arg(long)]
    pub(crate) branch: Option<String>,
    /// Deployment environment of the job.
    #[arg(long)]
    pub(crate) environment: Option<String>,
    /// File name of the workflow.
    #[arg(long)]
    pub(crate) workflow: Option<String>,
    /// Login of the person who starts the run.
    #[arg(long)]
    pub(crate) actor: Option<String>,
    /// Requested permission; repeatable.
    #[arg(long)]
    pub(crate) permission: Vec<String>,
    /// Policy on the default branch [default: a small built-in one].
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Let the pull request come from a fork: no OIDC token, read-only permissions.
    #[arg(long)]
    pub(crate) fork: bool,
    /// Whether the job has `id-token: write` [default: depends on the event].
    #[arg(long)]
    pub(crate) id_token: Option<bool>,
    /// Another input of the action; repeatable.
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub(crate) input: Vec<(String, String)>,
    /// Claim to set in the token, whatever the job is; repeatable.
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub(crate) claim: Vec<(String, String)>,
    /// Status of GitHub's response to the request for the policy.
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(400..600))]
    pub(crate) policy_status: Option<u16>,
    /// Cancel the step after this number of milliseconds.
    #[arg(long, value_name = "MS")]
    pub(crate) cancel_after_ms: Option<u64>,
    /// Use HTTPS with an own authority, and pass it in the input `ca-bundle`.
    #[arg(long)]
    pub(crate) tls: bool,
    /// Round-trip time of the network in milliseconds.
    #[arg(long, default_value_t = 0)]
    pub(crate) latency_ms: u64,
    /// Part to print, in this order; repeatable [default: all parts].
    #[arg(long, value_enum, value_name = "PART", value_delimiter = ',')]
    pub(crate) show: Vec<Part>,
    /// Built action [default: build it].
    #[arg(long, value_name = "PATH")]
    pub(crate) binary: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows the server: an API behind a proxy that asks it, and jobs that call the API
    Server(ServerArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ServerArguments {
    /// Built server [default: build it].
    #[arg(long, value_name = "PATH")]
    pub(crate) binary: Option<PathBuf>,
}

impl Arguments {
    /// Returns whether a flag describes the caller's own step.
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

/// Events to simulate, by GitHub's names and a few variants.
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
