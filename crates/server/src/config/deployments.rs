//! Grammar of `deployments:`.

use super::model::DeploymentRule;
use super::values::{ConfigReader, read_filled, read_permission};
use engine::policy::reader::Read;
use engine::policy::token::{Syntax, Token};
use engine::policy::{CaseSensitivity, Kind, Pattern, Problem};

/// Maximum number of entries: each is tried for each environment.
const MAX_RULES: usize = 100;

/// Reads `deployments:`.
pub(super) fn read_deployments<'a, S: Syntax<'a>>(
    reader: &mut ConfigReader<'a, S>,
    at: S::At,
) -> Read<Vec<DeploymentRule>> {
    let before = reader.problem_count();
    let mut rules = Vec::new();
    reader.list("`deployments`", |reader, at| {
        if rules.len() == MAX_RULES {
            let message = format!("more than {MAX_RULES} entries, which is the limit");
            let position = reader.position(at);
            reader.problem(Problem::new(position, message))?;
        }
        rules.extend(read_rule(reader)?);
        Ok(())
    })?;
    if rules.is_empty() && reader.problem_count() == before {
        let message = "`deployments` is empty: every environment would be rejected";
        let problem = Problem::new(reader.position(at), message);
        reader.problem(
            problem.help("name an environment and its permission, or leave the key out"),
        )?;
    }
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
    let before = reader.problem_count();
    let mut patterns = Vec::new();
    if matches!(reader.peek()?.0, Token::MappingStart) {
        let at = reader.mapping("`environment`", &Pattern::KEYS, |reader, key, _| {
            let text = read_filled(reader, &format!("`{key}`"))?;
            patterns.extend(text.map(|(text, position)| Pattern {
                text: text.into(),
                kind: Kind::named(key).unwrap_or(Kind::Exact),
                position,
            }));
            Ok(())
        })?;
        if let (Some(at), true) = (at, patterns.len() != 1 && reader.problem_count() == before) {
            let message = "a pattern must have exactly one of `exact`, `glob`, `regex`";
            let problem = Problem::new(reader.position(at), message);
            reader.problem(problem.help("for several patterns, write an entry for each"))?;
        }
    } else {
        let text = read_filled(reader, "`environment`")?;
        patterns.extend(text.map(|(text, position)| Pattern {
            kind: Kind::of(&text),
            text: text.into(),
            position,
        }));
    }
    let (Some(pattern), true) = (patterns.pop(), reader.problem_count() == before) else {
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
