//! `check`: the decision for a context that is given, and how it came about.

mod explain;
mod human;
mod installation;
mod policy;
mod question;
mod steps;

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

pub(super) use explain::explain;
pub(super) use policy::{read_policy, read_policy_from_stdin};

use self::policy::{PolicyText, Wrong};
use self::question::Question;
use super::instant::instant;
use super::style::Colours;
use super::{OutputFormat, print, print_error};
use analysis::report::{Detail, Failure, Outcome};
use engine::decision::{Decision, Reason};
use engine::policy::Document;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The policy
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The repository's own policy, for what the policy delegates to it
    #[arg(long, value_name = "FILE")]
    own_policy: Option<PathBuf>,
    /// A permission key or display name; several are allowed only if all of them are
    #[arg(long, value_name = "KEY", required = true, num_args = 1..)]
    permission: Vec<String>,
    /// The repository of the job
    #[arg(long, value_name = "OWNER/NAME")]
    repository: Option<String>,
    /// The workflow file's name, such as deploy.yml
    #[arg(long, value_name = "NAME")]
    workflow: Option<String>,
    /// The branch, without refs/heads/
    #[arg(long, value_name = "BRANCH")]
    branch: Option<String>,
    /// The branch that a pull request goes into, without refs/heads/; taken to be trusted when left out
    #[arg(long, value_name = "BRANCH")]
    base: Option<String>,
    /// The repository's default branch, without refs/heads/, which its own rules trust as a base
    #[arg(long, value_name = "BRANCH")]
    default_branch: Option<String>,
    /// The environment of the job
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// The event's name, such as push
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
    /// A claim of the token, such as runner_environment=github-hosted
    #[arg(long, value_name = "NAME=VALUE")]
    claim: Vec<String>,
    /// A JSON object of OIDC claims: the context is derived from them as in a job
    #[arg(long, value_name = "FILE")]
    claims: Option<PathBuf>,
    /// The event's payload, which says where a pull request comes from
    #[arg(long, value_name = "FILE")]
    payload: Option<PathBuf>,
    /// The time, RFC 3339; now when left out
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    now: Option<Timestamp>,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// A policy that was given.
struct Policy<'a> {
    file: &'a PolicyText,
    /// What it says, if it is valid.
    document: Option<&'a Document<'a>>,
}

/// A check, as far as it got.
struct Check<'a> {
    /// What is asked; `None` if that is not clear.
    question: Option<&'a Question>,
    policy: Policy<'a>,
    /// The repository's own policy, if it was given.
    own: Option<Policy<'a>>,
    /// Why there is no decision.
    wrong: Option<Wrong>,
    outcome: Outcome<'a>,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    let question = Question::of(arguments);
    let policy = PolicyText::read(&arguments.policy);
    let own = arguments.own_policy.as_deref().map(PolicyText::read);
    let document = policy.parse();
    let own_document = own.as_ref().map(PolicyText::parse);
    let decided = match &question {
        Ok(question) => question.put_to(
            (&policy, document.as_ref()),
            own.as_ref().zip(own_document.as_ref().map(Result::as_ref)),
        ),
        Err(failure) => Err(Wrong::Failure(failure.clone())),
    };
    let question = question.as_ref().ok();
    let context = question.map(|question| &question.context);
    let (outcome, wrong) = match (decided, context, policy.record()) {
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
            let wrong = decided.err();
            let unknown = || Failure::new(Reason::Internal, "the check did not come to an end");
            let failure = wrong.as_ref().map_or_else(unknown, Wrong::failure);
            let outcome = Outcome::failed(&failure, context, record, Detail::Full);
            (outcome, wrong)
        }
    };
    let check = Check {
        question,
        policy: Policy {
            file: &policy,
            document: document.as_ref().ok(),
        },
        own: own.as_ref().map(|file| Policy {
            file,
            document: own_document
                .as_ref()
                .and_then(|parsed| parsed.as_ref().ok()),
        }),
        wrong,
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

    /// How many things are wrong with a policy.
    fn problems(&self, policy: &PolicyText) -> usize {
        match &self.wrong {
            Some(Wrong::Policy(name, invalid)) if *name == policy.name => invalid.iter().count(),
            _ => 0,
        }
    }
}
