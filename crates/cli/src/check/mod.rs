//! `check`: decides for a context from the arguments, and explains the decision.

mod explain;
mod human;

mod policy;
mod repository;
mod scenario;

mod steps;

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

pub(super) use explain::explain;
pub(super) use policy::{read_policy, read_policy_from_stdin};

use self::policy::{CheckError, PolicyText};
use self::scenario::Scenario;
use super::instant::instant;
use super::style::Colours;
use super::{OutputFormat, print, print_error};
use analysis::report::{Detail, Failure, Outcome};
use engine::decision::{Decision, Engine, Reason};
use engine::policy::Policy;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Policy to decide with
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The repository's own policy, for permissions that the policy delegates to it
    #[arg(long, value_name = "FILE")]
    own_policy: Option<PathBuf>,
    /// Permission key or display name; several are allowed only if each of them is
    #[arg(long, value_name = "KEY", required = true, num_args = 1..)]
    permission: Vec<String>,
    /// Repository of the job
    #[arg(long, value_name = "OWNER/NAME")]
    repository: Option<String>,
    /// Name of the workflow file, such as deploy.yml
    #[arg(long, value_name = "NAME")]
    workflow: Option<String>,
    /// Branch, without refs/heads/
    #[arg(long, value_name = "BRANCH")]
    branch: Option<String>,
    /// Base branch of a pull request, without refs/heads/ [default: a trusted branch]
    #[arg(long, value_name = "BRANCH")]
    base: Option<String>,
    /// Default branch of the repository, without refs/heads/; its own rules trust it as a base
    #[arg(long, value_name = "BRANCH")]
    default_branch: Option<String>,
    /// Environment of the job
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Name of the event, such as push
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
    /// Claim of the token, such as runner_environment=github-hosted
    #[arg(long, value_name = "NAME=VALUE")]
    claim: Vec<String>,
    /// JSON object of OIDC claims, from which the context is derived as in a job
    #[arg(long, value_name = "FILE")]
    claims: Option<PathBuf>,
    /// Payload of the event, which names the head and base of a pull request
    #[arg(long, value_name = "FILE")]
    payload: Option<PathBuf>,
    /// Time of the decision, RFC 3339 [default: now]
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    now: Option<Timestamp>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// A policy from the arguments.
struct GivenPolicy<'a> {
    file: &'a PolicyText,
    /// The parsed policy, if it is valid.
    document: Option<&'a Policy>,
}

/// A check and its result.
struct Check<'a> {
    /// `None` if the arguments are not valid.
    scenario: Option<&'a Scenario>,
    policy: GivenPolicy<'a>,
    /// The repository's own policy, if the arguments name one.
    own: Option<GivenPolicy<'a>>,
    /// Why there is no decision.
    error: Option<CheckError>,
    outcome: Outcome<'a>,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    let scenario = Scenario::of(arguments);
    let policy = PolicyText::read(&arguments.policy);
    let own = arguments.own_policy.as_deref().map(PolicyText::read);
    let engine = policy.parse();
    let own_engine = own.as_ref().map(PolicyText::parse);
    let decided = match &scenario {
        Ok(scenario) => scenario.decide(
            (&policy, engine.as_ref()),
            own.as_ref().zip(own_engine.as_ref().map(Result::as_ref)),
        ),
        Err(failure) => Err(CheckError::Failure(failure.clone())),
    };
    let scenario = scenario.as_ref().ok();
    let context = scenario.map(|scenario| &scenario.context);
    let (outcome, error) = match (decided, context, policy.record()) {
        (Ok(permissions), Some(context), Some(record)) => {
            let outcome = Outcome::decided(permissions, context, record, Detail::Full);
            let own_policy = own.as_ref().and_then(PolicyText::record);
            let outcome = Outcome {
                own_policy,
                ..outcome
            };
            (outcome, None)
        }
        (decided, context, record) => {
            let error = decided.err();
            let unknown = || Failure::new(Reason::Internal, "the check did not reach a decision");
            let failure = error.as_ref().map_or_else(unknown, CheckError::failure);
            let outcome = Outcome::failed(&failure, context, record, Detail::Full);
            (outcome, error)
        }
    };
    let check = Check {
        scenario,
        policy: GivenPolicy {
            file: &policy,
            document: engine.as_ref().ok().map(Engine::document),
        },
        own: own.as_ref().map(|file| GivenPolicy {
            file,
            document: own_engine
                .as_ref()
                .and_then(|parsed| parsed.as_ref().ok())
                .map(Engine::document),
        }),
        error,
        outcome,
    };
    check.print(arguments.format);
    match check.outcome.decision {
        Decision::Allowed => 0,
        Decision::Denied => 1,
        Decision::Error => 2,
    }
}

impl Check<'_> {
    fn print(&self, format: OutputFormat) {
        match format {
            OutputFormat::Json => print(&(self.outcome.to_json() + "\n")),
            OutputFormat::Human if self.outcome.decision == Decision::Error => {
                print_error(&human::render(self, Colours::stderr()));
            }
            OutputFormat::Human => print(&human::render(self, Colours::stdout())),
        }
    }

    fn policies(&self) -> impl Iterator<Item = &PolicyText> {
        let own = self.own.iter().map(|own| own.file);
        std::iter::once(self.policy.file).chain(own)
    }

    /// Returns the number of problems in a policy.
    fn problems(&self, policy: &PolicyText) -> usize {
        match &self.error {
            Some(CheckError::Policy(name, invalid)) if *name == policy.name => {
                invalid.iter().count()
            }
            _ => 0,
        }
    }
}
