//! Builds the context of a case.

use std::fmt::Display;

use super::contents::{Located, TestCase};
use engine::Claims;
use engine::context::{Context, EventPayload};
use engine::policy::{Problem, quoted};

/// Derives the context from the claims as in a job, then applies the values in `context:`.
pub(super) fn context<B: AsRef<[u8]>, E: Display>(
    case: &TestCase<'_>,
    read: impl Fn(&str) -> Result<B, E>,
) -> Result<Context, Problem> {
    let claims = claims(case, &read)?;
    let payload = match &case.payload_file {
        None => EventPayload::default(),
        Some(place) => {
            let noun = ("payload_file", "an event's payload");
            parse(place, noun, &read, EventPayload::parse)?
        }
    };
    let given = &case.context;
    let single = [
        ("event_name", &given.event),
        ("repository", &given.repository),
    ];
    let single = single.map(|(claim, value)| (claim, value.as_deref()));
    let pull_request = payload.pull_request.as_ref();
    let (mut context, derived) = Context::derive(&claims, single, pull_request);
    let texts = [
        (&given.repository, &mut context.repository),
        (&given.workflow, &mut context.workflow),
        (&given.branch, &mut context.branch),
        (&given.environment, &mut context.environment),
        (&given.event, &mut context.event),
        (&given.actor, &mut context.actor),
    ];
    for (value, field) in texts {
        if let Some(value) = value {
            *field = Some(value.to_string());
        }
    }
    let ids = [
        (given.repository_id, &mut context.repository_id),
        (given.owner_id, &mut context.repository_owner_id),
    ];
    for (value, field) in ids {
        if let Some(value) = value {
            *field = Some(value.to_string());
        }
    }
    context.event.get_or_insert_with(|| "push".to_owned());
    context.describe(
        &derived,
        given.base.as_deref(),
        given.default_branch.as_deref().or(payload.default_branch()),
    );
    let claims = given.claims.iter();
    context
        .claims
        .extend(claims.map(|(name, value)| (name.to_string(), value.to_string())));
    Ok(context)
}

fn claims<B: AsRef<[u8]>, E: Display>(
    case: &TestCase<'_>,
    read: impl Fn(&str) -> Result<B, E>,
) -> Result<Claims, Problem> {
    let mut claims: Claims = match &case.claims_file {
        None => Claims::default(),
        Some(place) => parse(place, ("claims_file", "a JSON object"), read, |json| {
            serde_json::from_slice(json)
        })?,
    };
    for (name, value) in &case.claims {
        claims.set(name.to_string(), value.to_string());
    }
    Ok(claims)
}

fn parse<T, B: AsRef<[u8]>, E: Display>(
    (name, at): &Located<'_>,
    (key, noun): (&str, &str),
    read: impl Fn(&str) -> Result<B, E>,
    parse: impl FnOnce(&[u8]) -> Result<T, serde_json::Error>,
) -> Result<T, Problem> {
    let wrong =
        |why: String| Problem::new(*at, format!("`{key}` {} {why}", quoted(name))).over(name);
    let json = read(name).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    parse(json.as_ref()).map_err(|error| wrong(format!("is not {noun}: {error}")))
}
