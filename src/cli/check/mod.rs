//! `check`: the decision for a context that is given, and how it came about.

mod explain;
mod human;
mod own;
mod question;
mod steps;

use std::path::{Path, PathBuf};

use clap::Args;

pub(super) use explain::explain;

use self::own::OwnPolicy;
use self::question::Question;
use super::style::Colours;
use super::{OutputFormat, print, print_error};
use crate::decision::{Decision, Reason};
use crate::policy::{Document, Format, Invalid, MAX_FILE, quoted};
use crate::report::{Detail, Failure, Outcome, PolicyRecord};

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
    /// OWNER/NAME of the repository
    #[arg(long, value_name = "O/R")]
    repository: Option<String>,
    /// The workflow file's name, such as deploy.yml
    #[arg(long, value_name = "F")]
    workflow: Option<String>,
    /// The branch, without refs/heads/
    #[arg(long, value_name = "B")]
    branch: Option<String>,
    /// The environment of the job
    #[arg(long, value_name = "E")]
    environment: Option<String>,
    /// The event's name, such as push
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
    /// A claim of the token, such as runner_environment=github-hosted
    #[arg(long, value_name = "K=V")]
    claim: Vec<String>,
    /// A JSON object of OIDC claims: the context is derived from them as in a job
    #[arg(long, value_name = "FILE")]
    claims: Option<PathBuf>,
    /// The event's payload, which says where a pull request comes from
    #[arg(long, value_name = "FILE")]
    payload: Option<PathBuf>,
    /// The time, RFC 3339; now when left out
    #[arg(long, value_name = "INSTANT")]
    now: Option<String>,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// A check, as far as it got.
struct Check<'a> {
    /// What is asked; `None` if that is not clear.
    question: Option<&'a Question>,
    /// The policy's path as it was given.
    source: &'a str,
    /// Its text, if it could be read.
    text: Option<&'a str>,
    /// The policy, if it is valid.
    document: Option<&'a Document<'a>>,
    /// What is wrong with it.
    invalid: Option<&'a Invalid>,
    outcome: Outcome<'a>,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    let source = arguments.policy.display().to_string();
    let text = read_policy(&arguments.policy, &source);
    let text = text.as_deref();
    let question = Question::of(arguments);
    let parsed = text
        .ok()
        .map(|text| Document::parse(text, Format::of_path(&source)))
        .transpose();
    let document = parsed.as_ref().ok().and_then(Option::as_ref);
    let decided = document
        .zip(question.as_ref().ok())
        .map(|(document, question)| question.put_to(document))
        .transpose();
    let invalid = parsed.as_ref().err().or(decided.as_ref().err());
    let own = arguments.own_policy.as_deref().map(OwnPolicy::read);
    let own_document = own.as_ref().map(OwnPolicy::document);
    let decided_with_own = match (&decided, own.as_ref().zip(own_document.as_ref()), &question) {
        (Ok(Some(permissions)), Some((own, document)), Ok(question)) => {
            Some(question.put_to_own(permissions.clone(), own, document.as_ref()))
        }
        _ => None,
    };
    let failure = match (&question, text, invalid, &decided_with_own) {
        (Err(failure), ..) | (_, Err(failure), ..) | (.., Some(Err(failure))) => {
            Some(failure.clone())
        }
        (_, _, Some(invalid), _) => Some(Failure::invalid_policy(&source, invalid)),
        _ => None,
    };
    let decided = match decided_with_own {
        Some(Ok(permissions)) => Some(permissions),
        _ => decided.as_ref().ok().cloned().flatten(),
    };
    let record = text.ok().map(|text| PolicyRecord {
        source: source.clone(),
        sha256: crate::sha256(text.as_bytes()),
        file: source.clone(),
        ..PolicyRecord::default()
    });
    let question = question.as_ref().ok();
    let context = question.map(|question| &question.context);
    let outcome = match (failure, decided, context, record) {
        (None, Some(permissions), Some(context), Some(record)) => Outcome {
            own_policy: own.as_ref().and_then(OwnPolicy::record),
            ..Outcome::decided(permissions, context, record, Detail::Full)
        },
        (failure, _, context, record) => {
            let unknown = || Failure::new(Reason::Internal, "the check did not come to an end");
            Outcome::failed(
                &failure.unwrap_or_else(unknown),
                context,
                record,
                Detail::Full,
            )
        }
    };
    let check = Check {
        question,
        source: &source,
        text: text.ok(),
        document,
        invalid,
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
}

/// The text of a policy file.
pub(super) fn read_policy(path: &Path, source: &str) -> Result<String, Failure> {
    let source = quoted(source);
    let bytes = crate::read_capped(path, MAX_FILE).map_err(|error| {
        let reason = match error.kind() {
            std::io::ErrorKind::NotFound => Reason::PolicyNotFound,
            std::io::ErrorKind::FileTooLarge => Reason::PolicyInvalid,
            _ => Reason::PolicyUnreadable,
        };
        let message = format!("the policy {source} cannot be read: {error}");
        Failure::new(reason, message)
    })?;
    crate::text_of(bytes).map_err(|why| {
        let message = format!("the policy {source} is {why}");
        Failure::new(Reason::PolicyInvalid, message)
    })
}
