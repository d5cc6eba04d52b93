//! Grammar of `deployments:`.

use super::model::DeploymentRule;
use super::values::{ConfigReader, read_filled, read_permission};
use engine::policy::reader::Read;
use engine::policy::token::{Syntax, Token};
use engine::policy::{CaseSensitivity, Kind, Pattern};

/// Maximum number of entries: each is tried for each environment.
const MAX_RULES: usize = 100;

/// Reads `deployments:`.
pub(super) fn read_deployments<'a, S: Syntax<'a>>(
    reader: &mut ConfigReader<'a, S>,
) -> Read<Vec<DeploymentRule>> {
    let mut rules = Vec::new();
    reader.list("`deployments`", |reader, at| {
        if rules.len() == MAX_RULES {
            let message = format!("more than {MAX_RULES} entries, which is the limit");
            let position = reader.position(at);
            reader.problem(engine::policy::Problem::new(position, message))?;
        }
        rules.extend(read_rule(reader)?);
        Ok(())
    })?;
    Ok(rules)
}

fn read_rule<'a, S: Syntax<'a>>(reader: &mut ConfigReader<'a, S>) -> Read<Option<DeploymentRule>> {
    let before = reader.problem_count();
    let (mut environment, mut permission) = (None, None);
    let keys = ["environment", "permission"];
    let at = reader.mapping("an entry of `deployments`", &keys, |reader, key, _| {
        match key {
            "environment" => environment = read_pattern(reader)?,
            _ => permission = read_permission(reader)?,
        }
        Ok(())
    })?;
    if let (Some(at), true) = (at, reader.problem_count() == before) {
        for (is_given, key, example) in [
            (environment.is_some(), "environment", "environment: \"*\""),
            (
                permission.is_some(),
                "permission",
                "permission: ws:deployments:create",
            ),
        ] {
            if !is_given {
                reader.missing(at, key, example)?;
            }
        }
    }
    let (Some(environment), Some(permission)) = (environment, permission) else {
        return Ok(None);
    };
    Ok(Some(DeploymentRule {
        environment,
        permission,
    }))
}

/// Reads a pattern as in a policy, and compiles it.
fn read_pattern<'a, S: Syntax<'a>>(reader: &mut ConfigReader<'a, S>) -> Read<Option<Pattern>> {
    let mut pattern = None;
    if matches!(reader.peek()?.0, Token::MappingStart) {
        reader.mapping("`environment`", &Pattern::KEYS, |reader, key, _| {
            let text = read_filled(reader, "`environment`")?;
            pattern = text.map(|(text, position)| Pattern {
                text: text.into(),
                kind: Kind::named(key).unwrap_or(Kind::Exact),
                position,
            });
            Ok(())
        })?;
    } else {
        let text = read_filled(reader, "`environment`")?;
        pattern = text.map(|(text, position)| Pattern {
            kind: Kind::of(&text),
            text: text.into(),
            position,
        });
    }
    let Some(pattern) = pattern else {
        return Ok(None);
    };
    match pattern.compile(CaseSensitivity::Insensitive).map(drop) {
        Ok(()) => Ok(Some(pattern)),
        Err(problem) => {
            reader.problem(problem)?;
            Ok(None)
        }
    }
}
