//! What is asked: permissions, a context and a time, from the arguments.

use std::path::Path;

use jiff::Timestamp;

use super::Arguments;
use super::policy::{PolicyText, Wrong};
use crate::instant::now;
use analysis::report::Failure;
use engine::Claims;
use engine::context::{Base, Context, EventPayload};
use engine::decision::{
    Decision, Installation, PermissionDecision, Reason, Scope, decide, with_own_policy,
};
use engine::policy::{Document, Invalid, MAX_FILE, PermissionKey, quoted};

/// What is asked, checked.
pub(super) struct Question {
    pub(super) permissions: Vec<PermissionKey<'static>>,
    pub(super) context: Context,
    /// Whether a base is given for an event that has none.
    pub(super) base_is_ignored: bool,
    pub(super) now: Timestamp,
    /// Whether the event's payload is known.
    pub(super) has_payload: bool,
}

impl Question {
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

    /// Decides, as for a file that is given. The own policy is asked for what the other one denies
    /// and delegates; as in a job, what is wrong with it matters only then.
    pub(super) fn put_to<'a>(
        &'a self,
        (policy, document): (&PolicyText, Parsed<'a>),
        own: Option<(&PolicyText, Parsed<'a>)>,
    ) -> Result<Vec<PermissionDecision<'a>>, Wrong> {
        let document = document.map_err(Clone::clone)?;
        let decide = |policy: &PolicyText, document, scope, permissions: &[PermissionKey<'_>]| {
            decide(document, scope, permissions, &self.context, self.now)
                .map_err(|invalid| policy.wrong(invalid))
        };
        let decided = decide(policy, document, Scope::Offline, &self.permissions)?;
        let asked = self.permissions.iter().zip(decided);
        let decisions = asked.map(|(permission, central)| {
            let Some((policy, document)) = own.filter(|_| is_left_to_own(&central)) else {
                return Ok(central);
            };
            let document = document.map_err(Clone::clone)?;
            let asked = std::slice::from_ref(permission);
            let of_own = decide(policy, document, Scope::ThisRepository, asked)?;
            Ok(match of_own.into_iter().next() {
                Some(of_own) => with_own_policy(central, of_own),
                None => central,
            })
        });
        decisions.collect()
    }

    /// What the policy says of the repository.
    pub(super) fn installation<'a>(
        &self,
        document: &'a Document<'a>,
    ) -> Result<Installation<'a>, Invalid> {
        Installation::find(document, Scope::Offline, &self.context, &|| true)
    }
}

/// A policy that was read, if it is valid.
pub(super) type Parsed<'a> = Result<&'a Document<'a>, &'a Wrong>;

/// Whether the own policy may still grant a permission.
pub(super) fn is_left_to_own(central: &PermissionDecision<'_>) -> bool {
    central.decision != Decision::Allowed && central.delegated
}

fn wrong(message: String) -> Failure {
    Failure::new(Reason::InputInvalid, message)
}

fn permissions(texts: &[String]) -> Result<Vec<PermissionKey<'static>>, Failure> {
    let mut permissions = Vec::new();
    for text in texts {
        let key = PermissionKey::parse(text.clone().into())
            .map_err(|error| wrong(format!("--permission: {error} ({})", error.help())))?;
        if !permissions.contains(&key) {
            permissions.push(key);
        }
    }
    Ok(permissions)
}

/// Derived from the claims as in a job; then the flags, as they are.
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
                wrong(format!("--claim is {seen}, expected `NAME=VALUE`"))
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
        .map_err(|error| wrong(format!("{flag} {file} cannot be read: {error}")))?;
    parse(&json).map_err(|error| wrong(format!("{flag} {file} is not {noun}: {error}")))
}
