//! `check`: the decision for a context that is given.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::style::Colours;
use super::{OutputFormat, print, print_error};
use crate::context::{Context, EventPayload};
use crate::decision::{Decision, PermissionDecision, Reason, Scope, TracedRule, decide};
use crate::oidc::Claims;
use crate::policy::{Document, Format, MAX_FILE, PermissionKey, parse_instant};
use crate::report::text::visible;
use crate::report::{Detail, Failure, Outcome, PolicyRecord, advice, context_rows};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The policy
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
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

pub(super) fn run(arguments: &Arguments) -> u8 {
    let source = arguments.policy.display().to_string();
    let text = read_policy(&arguments.policy, &source);
    let record = text.as_ref().ok().map(|text| PolicyRecord {
        source: source.clone(),
        sha256: crate::sha256(text.as_bytes()),
        file: source.clone(),
        ..PolicyRecord::default()
    });
    let document = text.as_ref().map_err(Clone::clone).and_then(|text| {
        Document::parse(text, Format::of_path(&source))
            .map_err(|invalid| Failure::invalid_policy(&source, &invalid))
    });
    let question = Question::of(arguments);
    let context = question.as_ref().ok().map(|question| &question.context);
    let decided = question
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|question| {
            let document = document.as_ref().map_err(Clone::clone)?;
            let (permissions, context) = (&question.permissions, &question.context);
            decide(document, Scope::Given, permissions, context, question.now)
                .map_err(|invalid| Failure::invalid_policy(&source, &invalid))
        });
    let outcome = match (decided, context, record) {
        (Ok(permissions), Some(context), Some(record)) => {
            Outcome::decided(permissions, context, record, Detail::Full)
        }
        (Err(failure), context, record) => Outcome::failed(&failure, context, record, Detail::Full),
        (Ok(_), ..) => return 2,
    };
    match arguments.format {
        OutputFormat::Json => print(&(outcome.to_json() + "\n")),
        OutputFormat::Human if outcome.decision == Decision::Error => {
            print_error(&human(&outcome, Colours::stderr()));
        }
        OutputFormat::Human => print(&human(&outcome, Colours::stdout())),
    }
    match outcome.decision {
        Decision::Allowed => 0,
        Decision::Denied => 1,
        Decision::Error => 2,
    }
}

/// What is asked, checked.
struct Question {
    permissions: Vec<PermissionKey<'static>>,
    context: Context,
    now: Timestamp,
}

impl Question {
    fn of(arguments: &Arguments) -> Result<Self, Failure> {
        let wrong = |message: String| Failure::new(Reason::InputInvalid, message);
        let mut permissions = Vec::new();
        for text in &arguments.permission {
            let key = PermissionKey::parse(text.clone().into())
                .map_err(|error| wrong(format!("--permission: {error} ({})", error.help())))?;
            if !permissions.contains(&key) {
                permissions.push(key);
            }
        }
        let now = match &arguments.now {
            None => Timestamp::now(),
            Some(text) => parse_instant(text).ok_or_else(|| {
                wrong(format!(
                    "--now is `{text}`, expected an instant such as `2027-01-31T12:00:00Z`"
                ))
            })?,
        };
        let mut claims = match &arguments.claims {
            None => Claims::default(),
            Some(path) => serde_json::from_slice(&read(path, "--claims")?).map_err(|error| {
                wrong(format!(
                    "--claims `{}` is not a JSON object: {error}",
                    path.display()
                ))
            })?,
        };
        for claim in &arguments.claim {
            let (name, value) = claim
                .split_once('=')
                .filter(|(name, _)| !name.is_empty())
                .ok_or_else(|| wrong(format!("--claim is `{claim}`, expected `NAME=VALUE`")))?;
            claims.set(name.to_owned(), value.to_owned());
        }
        let payload = match &arguments.payload {
            None => None,
            Some(path) => Some(EventPayload::parse(&read(path, "--payload")?).map_err(
                |error| {
                    wrong(format!(
                        "--payload `{}` is not an event's payload: {error}",
                        path.display()
                    ))
                },
            )?),
        };
        let mut context = Context::simulated(&claims, payload.as_ref());
        let flags = [
            (&arguments.repository, &mut context.repository),
            (&arguments.workflow, &mut context.workflow),
            (&arguments.branch, &mut context.branch),
            (&arguments.environment, &mut context.environment),
            (&arguments.event, &mut context.event),
        ];
        for (flag, field) in flags {
            if let Some(value) = flag {
                // An empty flag is an absent value, as in `--environment ""`.
                *field = Some(value.clone()).filter(|value| !value.is_empty());
            }
        }
        Ok(Self {
            permissions,
            context,
            now,
        })
    }
}

fn read(path: &Path, flag: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        let message = format!("{flag} `{}` cannot be read: {error}", path.display());
        Failure::new(Reason::InputInvalid, message)
    })
}

/// The text of a policy file.
pub(super) fn read_policy(path: &Path, source: &str) -> Result<String, Failure> {
    let bytes = crate::read_capped(path, MAX_FILE).map_err(|error| {
        let reason = match error.kind() {
            std::io::ErrorKind::NotFound => Reason::PolicyNotFound,
            std::io::ErrorKind::FileTooLarge => Reason::PolicyInvalid,
            _ => Reason::PolicyUnreadable,
        };
        Failure::new(
            reason,
            format!("the policy `{source}` cannot be read: {error}"),
        )
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::new(
            Reason::PolicyInvalid,
            format!("the policy `{source}` is not UTF-8 text: byte {at}"),
        )
    })
}

fn human(outcome: &Outcome<'_>, colours: Colours) -> String {
    let mut text = String::new();
    if let Some(context) = outcome.context {
        for (name, value) in context_rows(context) {
            let name = colours.dim(name);
            let _ = writeln!(text, "{name:<12} {}", visible(value.unwrap_or("none")));
        }
        text.push('\n');
    }
    for permission in &outcome.permissions {
        text.push_str(&explain(permission, colours));
    }
    let decision = outcome.decision.as_str();
    let decision = match outcome.decision {
        Decision::Allowed => colours.granted(decision),
        Decision::Denied => colours.denied(decision),
        Decision::Error => colours.error(decision),
    };
    let reason = outcome.reason.code();
    let message = visible(&outcome.message);
    let _ = writeln!(text, "{decision} ({reason}): {message}");
    if let Some(advice) = advice(outcome.reason) {
        let _ = writeln!(text, "{} {advice}", colours.strong("what to do:"));
    }
    text
}

/// The rules of a permission held against the context.
pub(super) fn explain(permission: &PermissionDecision<'_>, colours: Colours) -> String {
    let (key, decision) = (&permission.permission, permission.decision.as_str());
    let mut text = format!("{}: {decision}\n", colours.strong(key));
    for rule in &permission.trace {
        text.push_str(&explain_rule(rule, colours));
    }
    text.push('\n');
    text
}

fn explain_rule(rule: &TracedRule<'_>, colours: Colours) -> String {
    let mark = |matched| {
        if matched {
            colours.granted("✓")
        } else {
            colours.denied("✗")
        }
    };
    let label = rule.rule.label();
    let mut text = format!("  {} {}\n", mark(rule.matched), colours.strong(&label));
    let width = rule
        .dimensions
        .iter()
        .map(|dimension| dimension.dimension.chars().count());
    let width = width.max().unwrap_or_default();
    for dimension in &rule.dimensions {
        let value = dimension.value.as_deref().map_or("none".into(), visible);
        let _ = writeln!(
            text,
            "      {} {:<width$} {:<8} {:<30} {value}",
            mark(dimension.matched),
            visible(&dimension.dimension),
            dimension.kind,
            visible(&dimension.pattern),
        );
    }
    text
}
