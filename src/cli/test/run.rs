//! Runs a file of cases by the engine of the action.

use std::borrow::Cow;
use std::path::Path;

use jiff::Timestamp;

use super::cases::{Placed, Suite, TestCase};
use super::coverage::Coverage;
use super::expect::Expect;
use super::result::{CaseResult, FileError, FileResult};
use crate::cli::check::{explain, read_policy};
use crate::context::{Context, EventPayload};
use crate::decision::{Scope, decide};
use crate::oidc::Claims;
use crate::policy::{Document, Format, MAX_FILE, Problem};
use crate::report::{Detail, Failure, Outcome, PolicyRecord};

/// Runs the cases of one file. `now` is for those that don't say their own.
pub(super) fn run(path: &Path, now: Timestamp, coverage: &mut Coverage) -> FileResult {
    let file = path.display().to_string();
    match cases_of(path, &file, now, coverage) {
        Ok(cases) => FileResult {
            file,
            cases,
            errors: Vec::new(),
        },
        Err(errors) => FileResult {
            file,
            cases: Vec::new(),
            errors,
        },
    }
}

fn cases_of(
    path: &Path,
    file: &str,
    now: Timestamp,
    coverage: &mut Coverage,
) -> Result<Vec<CaseResult>, Vec<FileError>> {
    let unreadable = |why: String| vec![FileError::new(file, why)];
    let bytes = crate::read_capped(path, MAX_FILE)
        .map_err(|error| unreadable(format!("the file cannot be read: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        unreadable(format!("the file is not UTF-8 text: byte {at}"))
    })?;
    let suite = Suite::parse(&text, Format::of_path(file)).map_err(|invalid| {
        let problems = invalid.iter();
        problems
            .map(|problem| FileError::at(file, problem))
            .collect::<Vec<_>>()
    })?;
    // The questions before the policy: a case that cannot be asked is a fault of this file.
    let directory = path.parent().unwrap_or(Path::new(""));
    let contexts = contexts(&suite, directory, file)?;
    let policy = directory.join(&*suite.policy);
    let source = policy.display().to_string();
    let policy_text = read_policy(&policy, &source);
    let document = match &policy_text {
        Ok(text) => load(text, &source, &suite)?,
        Err(failure) => Err(excused(failure.clone(), &suite)
            .map_err(|failure| vec![FileError::new(&source, failure.message)])?),
    };
    let key = match &document {
        Ok(document) => coverage.add(&policy, &source, document),
        Err(_) => policy.clone(),
    };
    let mut results = Vec::new();
    for (case, context) in &contexts {
        let record = PolicyRecord {
            source: source.clone(),
            file: source.clone(),
            ..PolicyRecord::default()
        };
        let scope = scope(&suite, context);
        let decided = document
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|document| {
                let now = case.now.unwrap_or(now);
                decide(document, scope, &case.permissions, context, now)
                    .map_err(|invalid| Failure::invalid_policy(&source, &invalid))
            });
        let outcome = match decided {
            Ok(permissions) => {
                coverage.cover(&key, &permissions);
                Outcome::decided(permissions, context, record, Detail::Full)
            }
            Err(failure) => Outcome::failed(&failure, Some(context), Some(record), Detail::Full),
        };
        results.push(result(file, case, &outcome));
    }
    Ok(results)
}

/// The context of each case, or all that cannot be read for them.
fn contexts<'s, 'a>(
    suite: &'s Suite<'a>,
    directory: &Path,
    file: &str,
) -> Result<Vec<(&'s TestCase<'a>, Context)>, Vec<FileError>> {
    let mut contexts = Vec::new();
    let mut errors = Vec::new();
    for case in &suite.cases {
        match context(case, directory) {
            Ok(context) => contexts.push((case, context)),
            Err(problem) => errors.push(FileError::at(file, &problem)),
        }
    }
    if errors.is_empty() {
        Ok(contexts)
    } else {
        Err(errors)
    }
}

/// Reads the policy. What is wrong with it ends the run of this file, unless a case is about that.
fn load<'a>(
    text: &'a str,
    source: &str,
    suite: &Suite<'_>,
) -> Result<Result<Document<'a>, Failure>, Vec<FileError>> {
    match Document::parse(text, Format::of_path(source)) {
        Ok(document) => Ok(Ok(document)),
        Err(invalid) => excused(Failure::invalid_policy(source, &invalid), suite)
            .map(Err)
            .map_err(|_| {
                let problems = invalid.iter();
                problems
                    .map(|problem| FileError::at(source, problem))
                    .collect()
            }),
    }
}

/// The failure as `Ok` if a case expects it.
fn excused(failure: Failure, suite: &Suite<'_>) -> Result<Failure, Failure> {
    let expected = Expect::Reason(failure.reason);
    if suite.cases.iter().any(|case| case.expect == expected) {
        Ok(failure)
    } else {
        Err(failure)
    }
}

/// Whether the `permissions:` at the top count for the case's repository.
fn scope(suite: &Suite<'_>, context: &Context) -> Scope {
    match (&suite.policy_repository, &context.repository) {
        (None, _) => Scope::Given,
        (Some(own), Some(asking)) if own.eq_ignore_ascii_case(asking) => Scope::ThisRepository,
        (Some(_), _) => Scope::OtherRepository,
    }
}

/// The context that a case asks with: derived from the claims, then what is given as it is.
fn context(case: &TestCase<'_>, directory: &Path) -> Result<Context, Problem> {
    let mut claims = match &case.claims_file {
        None => Claims::default(),
        Some(place) => read_json(
            place,
            directory,
            ("`claims_file`", "a JSON object"),
            |json| serde_json::from_slice(json),
        )?,
    };
    for (name, value) in &case.claims {
        claims.set(name.to_string(), value.to_string());
    }
    let payload = match &case.payload_file {
        None => None,
        Some(place) => Some(read_json(
            place,
            directory,
            ("`payload_file`", "an event's payload"),
            EventPayload::parse,
        )?),
    };
    let mut context = Context::simulated(&claims, payload.as_ref());
    let given = &case.context;
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
    let claims = given.claims.iter();
    context
        .claims
        .extend(claims.map(|(name, value)| (name.to_string(), value.to_string())));
    Ok(context)
}

fn read_json<T>(
    (name, at): &Placed<'_>,
    directory: &Path,
    (what, noun): (&str, &str),
    parse: impl FnOnce(&[u8]) -> Result<T, serde_json::Error>,
) -> Result<T, Problem> {
    let wrong = |why: String| {
        let name: &Cow<'_, str> = name;
        Problem::new(*at, format!("{what} `{name}` {why}")).over(name)
    };
    let json = crate::read_capped(&directory.join(&**name), MAX_FILE)
        .map_err(|error| wrong(format!("cannot be read: {error}")))?;
    parse(&json).map_err(|error| wrong(format!("is not {noun}: {error}")))
}

fn result(file: &str, case: &TestCase<'_>, outcome: &Outcome<'_>) -> CaseResult {
    let passed = case.expect.holds(outcome.decision, outcome.reason);
    // The trace of a case that holds is not shown; in a large policy it is large too.
    let trace = if passed {
        String::new()
    } else {
        outcome.permissions.iter().map(explain).collect()
    };
    CaseResult {
        file: file.to_owned(),
        line: case.position.line,
        name: case.name.to_string(),
        expected: case.expect.as_str(),
        decision: outcome.decision,
        reason: outcome.reason,
        message: outcome.message.clone(),
        passed,
        trace,
    }
}
