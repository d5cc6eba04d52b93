//! The steps of the showcase, and the caller's own.

use std::path::Path;
use std::time::Duration;

use super::arguments::{Arguments, EventName};
use super::product;
use crate::github::{Endpoint, Fault, FaultRule, Permissions, Repository, TokenRecipe};
use crate::runner::{PullRequest, Signal};
use crate::{GitHub, Job, Runner, StepResult};
use anyhow::Context as _;

const POLICY_PATH: &str = ".github/repo-permissions.yml";
const POLICY: &str = "\
version: 1
permissions:
  - name: production deploys
    permission: ws:deployments:create
    workflow: deploy-production.yml
    branch: main
    environment: production
  - name: plans
    permission: ws:affected_stacks:create
    branch: '^(main|develop|feature/.*)$'
";
const PERMISSION: &str = "ws:deployments:create";
const WORKFLOW: &str = "deploy-production.yml";
const FORK: &str = "mallory/infra";
const FORK_ID: u64 = 987_654;

/// A step with its repository and policy.
pub(crate) struct Scenario {
    pub(crate) title: String,
    job: Job,
    inputs: Vec<(String, String)>,
}

/// Returns the steps that the program shows without flags.
pub(crate) fn showcase() -> Vec<Scenario> {
    let repository = repository(POLICY.as_bytes());
    let push = |branch: &str| production(Job::push(&repository, branch));
    let fork = PullRequest::fork(&repository, 7, FORK, FORK_ID, "main");
    // By default a fork's job gets no OIDC token and needs no decision. If a private repository sends write tokens
    // to forks, only the branch's name distinguishes it from the real `main`.
    let fork = Job::pull_request(&repository, fork)
        .with_id_token(true)
        .with_permissions(Permissions::usual());
    vec![
        Scenario::new(
            "a push to `main`, for the environment `production`",
            push("main"),
        ),
        Scenario::new(
            "a push to `feature/login`, for the environment `production`",
            push("feature/login"),
        ),
        Scenario::new(
            "a pull request from a fork whose branch is named `main`",
            production(fork),
        ),
    ]
}

fn production(job: Job) -> Job {
    job.with_workflow(WORKFLOW).with_environment("production")
}

fn repository(policy: &[u8]) -> Repository {
    Repository::new("acme-org/infra", 123_456_789, 4567)
        .with_file("main", POLICY_PATH, policy)
        .with_branch("feature/login")
}

impl Scenario {
    fn new(title: &str, job: Job) -> Self {
        Self {
            title: title.to_owned(),
            job,
            inputs: vec![("permission".to_owned(), PERMISSION.to_owned())],
        }
    }

    /// Builds the step that the flags describe.
    pub(crate) fn from_arguments(arguments: &Arguments, directory: &Path) -> anyhow::Result<Self> {
        let policy = match &arguments.policy {
            Some(path) => std::fs::read(directory.join(path))
                .with_context(|| format!("read {}", path.display()))?,
            None => POLICY.as_bytes().to_vec(),
        };
        let default_event = if arguments.fork {
            EventName::PullRequest
        } else {
            EventName::Push
        };
        let event = arguments.event.unwrap_or(default_event);
        let branch = arguments.branch.as_deref().unwrap_or("main");
        let repository = repository(&policy).with_branch(branch);
        let mut job = job(event, &repository, branch, arguments.fork)
            .with_workflow(arguments.workflow.as_deref().unwrap_or(WORKFLOW));
        job.environment.clone_from(&arguments.environment);
        if let Some(actor) = &arguments.actor {
            job = job.with_actor(actor);
        }
        if let Some(id_token) = arguments.id_token {
            job = job.with_id_token(id_token);
        }
        let permission = if arguments.permission.is_empty() {
            PERMISSION.to_owned()
        } else {
            arguments.permission.join("\n")
        };
        let mut inputs = vec![("permission".to_owned(), permission)];
        inputs.extend(arguments.input.iter().cloned());
        Ok(Self {
            title: format!("{} on `{branch}`", job.event_name),
            job,
            inputs,
        })
    }

    pub(crate) fn run(
        &self,
        arguments: &Arguments,
        binary: &Path,
    ) -> anyhow::Result<(GitHub, StepResult)> {
        let github = GitHub::builder()
            .tls(arguments.tls)
            .round_trip(Duration::from_millis(arguments.latency_ms))
            .start()?;
        github.add_repository(self.job.repository.clone());
        let token = arguments.claim.iter();
        github.set_token(token.fold(TokenRecipe::new(), |token, (name, value)| {
            token.claim(name, value.as_str())
        }));
        if let Some(status) = arguments.policy_status {
            let fault = Fault::status(status, "the flag --policy-status asks for this response");
            github.add_fault(FaultRule::always(Endpoint::Contents, fault));
        }
        let action = product::root().join("action.yml");
        let mut runner = Runner::new(binary).trusting(&github);
        runner = if action.exists() {
            runner.with_action_file(&action)?
        } else {
            runner.input("token", "${{ github.token }}")
        };
        if let Some(delay) = arguments.cancel_after_ms {
            runner = runner.signal_after(Signal::Interrupt, Duration::from_millis(delay));
        }
        let inputs: Vec<(&str, &str)> = self
            .inputs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let result = runner.run(&github, &self.job, &inputs)?;
        Ok((github, result))
    }
}

fn job(event: EventName, repository: &Repository, branch: &str, fork: bool) -> Job {
    let pull = || {
        if fork {
            PullRequest::fork(repository, 7, FORK, FORK_ID, branch)
        } else {
            PullRequest::same_repository(repository, 7, branch)
        }
    };
    match event {
        EventName::Push => Job::push(repository, branch),
        EventName::Tag => Job::tag_push(repository, branch),
        EventName::PullRequest => Job::pull_request(repository, pull()),
        EventName::PullRequestMerged => Job::pull_request_merged(repository, pull()),
        EventName::PullRequestTarget => Job::pull_request_target(repository, pull()),
        EventName::WorkflowDispatch => Job::workflow_dispatch(repository, branch),
        EventName::Schedule => Job::schedule(repository),
        EventName::MergeGroup => Job::merge_group(repository, branch, 7),
        EventName::WorkflowRun => Job::workflow_run(
            repository,
            if fork { FORK } else { "acme-org/infra" },
            branch,
        ),
        EventName::Release => Job::release(repository, branch),
        EventName::Deployment => Job::deployment(repository),
    }
}
