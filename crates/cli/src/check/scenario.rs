//! The scenario in the arguments: permissions, a context and a time.

use std::path::Path;

use jiff::Timestamp;

use super::arguments::Arguments;
use super::policy::{CheckError, GivenPolicy};
use crate::instant::now;
use analysis::report::Failure;
use engine::Claims;
use engine::context::{Base, Context, EventPayload};
use engine::decision::{
    self, DecisionError, PermissionDecision, Policies, Provenance, Reason, RepositoryRules, decide,
};
use engine::policy::{Invalid, MAX_FILE, PermissionKey, Policy, quoted};

/// A checked scenario.
pub(super) struct Scenario {
    pub(super) permissions: Vec<PermissionKey>,
    pub(super) context: Context,
    /// Whether the arguments have a base for an event that has none.
    pub(super) base_is_ignored: bool,
    pub(super) now: Timestamp,
    /// Whether the arguments name the event's payload.
    pub(super) has_payload: bool,
}

impl Scenario {
    pub(super) fn of(arguments: &Arguments) -> Result<Self, Failure> {
        let permissions = permissions(&arguments.permission)?;
        let context = context(arguments)?;
        Ok(Self {
            permissions,
            base_is_ignored: arguments.base.is_some() && context.base == Base::None,
            context,
            now: arguments.now.unwrap_or_else(now),
            has_payload: arguments.payload.is_some(),
        })
    }

    /// Decides. The own policy counts only for permissions that the main one denies and delegates; as in a job, its
    /// problems matter only then.
    pub(super) fn decide(
        &self,
        policy: &GivenPolicy,
        own: Option<&GivenPolicy>,
    ) -> Result<Vec<PermissionDecision>, CheckError> {
        let policies = Policies {
            policy: policy.engine.as_ref().map_err(Clone::clone)?,
            provenance: Provenance::Offline,
            own: own.map(|own| own.engine.as_ref()),
        };
        let question = decision::Question {
            permissions: &self.permissions,
            context: &self.context,
            now: self.now,
            has_time: &|| true,
        };
        decide(policies, question).map_err(|undecided| match (undecided, own) {
            (DecisionError::OwnPolicy(invalid), Some(own)) => own.error(invalid),
            (DecisionError::Policy(invalid) | DecisionError::OwnPolicy(invalid), _) => {
                policy.error(invalid)
            }
            (DecisionError::OwnPolicyUnavailable(error), _) => error.clone(),
        })
    }

    /// Returns the policy's rules for the repository.
    pub(super) fn repository_rules<'a>(
        &self,
        policy: &'a Policy,
    ) -> Result<RepositoryRules<'a>, Invalid> {
        RepositoryRules::find(policy, Provenance::Offline, &self.context, &|| true)
    }
}

fn invalid_argument(message: String) -> Failure {
    Failure::new(Reason::InputInvalid, message)
}

fn permissions(texts: &[String]) -> Result<Vec<PermissionKey>, Failure> {
    let mut permissions = Vec::new();
    for text in texts {
        let key = PermissionKey::parse(text.clone().into()).map_err(|error| {
            invalid_argument(format!("--permission: {error} ({})", error.help()))
        })?;
        if !permissions.contains(&key) {
            permissions.push(key);
        }
    }
    Ok(permissions)
}

/// Derives the context from the claims as in a job, then applies the flags.
fn context(arguments: &Arguments) -> Result<Context, Failure> {
    let mut claims = match &arguments.claims {
        None => Claims::default(),
        Some(path) => parse(path, ("--claims", "a JSON object"), |json| {
            serde_json::from_slice(json)
        })?,
    };
    for claim in &arguments.claim {
        let (name, value) = claim
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| {
                let seen = quoted(claim);
                invalid_argument(format!("--claim is {seen}, expected `NAME=VALUE`"))
            })?;
        claims.set(name.to_owned(), value.to_owned());
    }
    let payload = match &arguments.payload {
        None => None,
        Some(path) => Some(parse(
            path,
            ("--payload", "an event's payload"),
            EventPayload::parse,
        )?),
    };
    let pull_request = payload
        .as_ref()
        .and_then(|payload| payload.pull_request.as_ref());
    let mut context = Context::of_claims(&claims, pull_request);
    context.event.get_or_insert_with(|| "push".to_owned());
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
    let of_payload = payload.as_ref().and_then(EventPayload::default_branch);
    context.describe(
        &claims,
        arguments.base.as_deref(),
        arguments.default_branch.as_deref().or(of_payload),
    );
    Ok(context)
}

fn parse<T>(
    path: &Path,
    (flag, noun): (&str, &str),
    parse: impl FnOnce(&[u8]) -> Result<T, serde_json::Error>,
) -> Result<T, Failure> {
    let file = quoted(&path.to_string_lossy());
    let json = platform::read_capped(path, MAX_FILE)
        .map_err(|error| invalid_argument(format!("{flag} {file} cannot be read: {error}")))?;
    parse(&json).map_err(|error| invalid_argument(format!("{flag} {file} is not {noun}: {error}")))
}
