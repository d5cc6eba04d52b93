//! Grammar of `policy:`.

use super::model::{PolicyConfig, PolicyPlace};
use super::values::{At, ConfigReader, read_duration, read_filled, read_path, read_permission};
use engine::policy::reader::Read;
use engine::policy::source::{InvalidSource, PolicySource};
use engine::policy::token::{ScalarKind, Syntax};
use engine::policy::{PermissionKey, Position, Problem, quoted};

const KEYS: [&str; 6] = ["file", "repository", "path", "delegate", "refresh", "stale"];

/// Reads `policy:`. Returns `None` after a problem.
pub(super) fn read_policy<'a, S: Syntax<'a>>(
    reader: &mut ConfigReader<'a, S>,
) -> Read<Option<PolicyConfig>> {
    let before = reader.problem_count();
    let defaults = PolicyConfig::default();
    let (mut refresh, mut stale) = (None, None);
    let (mut places, mut delegate) = (Vec::new(), None);
    let at = reader.mapping("`policy`", &KEYS, |reader, key, at| {
        match key {
            "file" => {
                let file = read_path(reader, "`policy.file`")?;
                let at = reader.position(at);
                places.extend(file.map(|file| (PolicyPlace::File(file), at)));
            }
            "repository" => places.extend(read_repository(reader)?),
            "path" => places.extend(read_own(reader)?),
            "delegate" => {
                let at = reader.position(at);
                delegate = Some((read_delegate(reader, at)?, at));
            }
            "refresh" => refresh = read_duration(reader, "`policy.refresh`")?,
            _ => stale = read_duration(reader, "`policy.stale`")?,
        }
        Ok(())
    })?;
    let (Some(at), true) = (at, reader.problem_count() == before) else {
        return Ok(None);
    };
    let mut places = places.into_iter();
    let Some((mut place, position)) = places.next() else {
        reader.missing(at, "file", "file: policy.yml")?;
        return Ok(None);
    };
    if let Some((_, second)) = places.next() {
        let line = position.line;
        let message = format!("`policy` has a second place; the first one is at line {line}");
        reader.problem(
            Problem::new(second, message).help("give it one of `file`, `repository` and `path`"),
        )?;
    }
    match (&mut place, delegate) {
        (PolicyPlace::Own { delegate, .. }, Some((keys, _))) => *delegate = keys,
        (PolicyPlace::Own { .. }, None) => {
            reader.missing(at, "delegate", "delegate: [ws:deployments:create]")?;
        }
        (_, Some((_, at))) => {
            let problem = Problem::new(at, "`delegate` belongs to `path`");
            reader.problem(
                problem.help("write it into an entry of the central policy, or leave it out"),
            )?;
        }
        (_, None) => {}
    }
    Ok(Some(PolicyConfig {
        place,
        refresh: refresh.unwrap_or(defaults.refresh),
        stale: stale.unwrap_or(defaults.stale),
    }))
}

/// Reads `OWNER/REPO/PATH@REF`.
fn read_repository<'a, S: Syntax<'a>>(
    reader: &mut ConfigReader<'a, S>,
) -> Read<Option<At<PolicyPlace>>> {
    read_source(
        reader,
        "`policy.repository`",
        |text| match PolicySource::parse(text, "") {
            Ok(PolicySource::Repository {
                repository,
                path,
                reference,
            }) => Ok(PolicyPlace::Repository {
                repository,
                path,
                reference,
            }),
            Ok(_) => Err(InvalidSource::Form(text.to_owned())),
            Err(error) => Err(error),
        },
    )
}

/// Reads the path of each repository's own policy.
fn read_own<'a, S: Syntax<'a>>(reader: &mut ConfigReader<'a, S>) -> Read<Option<At<PolicyPlace>>> {
    read_source(reader, "`policy.path`", |text| {
        match PolicySource::parse(text, "") {
            Ok(PolicySource::DefaultBranch(path)) => Ok(PolicyPlace::Own {
                path,
                delegate: Vec::new(),
            }),
            Ok(_) => Err(InvalidSource::Path {
                path: text.to_owned(),
                problem: "is not one in the repository of a job, as in `.github/repo-permissions.yml`",
            }),
            Err(error) => Err(error),
        }
    })
}

fn read_source<'a, S: Syntax<'a>>(
    reader: &mut ConfigReader<'a, S>,
    what: &str,
    parse: impl FnOnce(&str) -> Result<PolicyPlace, InvalidSource>,
) -> Read<Option<At<PolicyPlace>>> {
    let Some((text, at)) = read_filled(reader, what)? else {
        return Ok(None);
    };
    match parse(&text) {
        Ok(place) => Ok(Some((place, at))),
        Err(error) => {
            let message = format!("{what} is {}: {error}", quoted(&text));
            reader.problem(Problem::new(at, message).over(&text))?;
            Ok(None)
        }
    }
}

/// Reads the permissions that own policies may grant.
fn read_delegate<'a, S: Syntax<'a>>(
    reader: &mut ConfigReader<'a, S>,
    at: Position,
) -> Read<Vec<PermissionKey>> {
    let before = reader.problem_count();
    let mut keys = Vec::new();
    reader.list_of("`policy.delegate`", ScalarKind::Text, |reader, _| {
        keys.extend(read_permission(reader)?);
        Ok(())
    })?;
    if keys.is_empty() && reader.problem_count() == before {
        let problem = Problem::new(
            at,
            "`policy.delegate` is empty: no policy could grant anything",
        );
        reader.problem(problem.help("name the permissions, as in `[ws:deployments:create]`"))?;
    }
    Ok(keys)
}
